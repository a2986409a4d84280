"""Texts of an index as vectors: embedded once by the model of `embed_text`, kept in the library, and compared
with a query.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import AsyncGenerator, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock

import numpy as np
from anyio import to_thread

from mrvideo.captioning.calls import together
from mrvideo.errors import BudgetReached, ModelError, ModelRefused, SettingsError
from mrvideo.library import Library
from mrvideo.mapreduce import in_thread, portal
from mrvideo.models import Budget, Ledger
from mrvideo.models.base import Reply
from mrvideo.records import (
    EventSink,
    Index,
    Notice,
    Span,
    StageAdvanced,
    StageFinished,
    StageStarted,
    Usage,
)
from mrvideo.retrieval.embedders.port import Vectors
from mrvideo.retrieval.embedders.texts import STAGE, Embedded, TextEmbedder, batches_of, text_request
from mrvideo.retrieval.finder import Compared
from mrvideo.retrieval.meanings import STRANGE_TEXTS, Meaning, chance_of, meanings_of, ranked
from mrvideo.retrieval.vectors.port import EVERYTHING, FrameKey, Frames, VectorIndex
from mrvideo.retrieval.vectors.registry import open_vectors
from mrvideo.session.models import open_meaning
from mrvideo.settings import Settings

_NEAREST = 1200
_KEPT_OPEN = 2
_opened: dict[tuple[Hashable, ...], _Texts] = {}
_opened_lock = Lock()


def embed_texts(index: Index, settings: Settings, budget: Budget, on_event: EventSink) -> Usage:
    """Embed the texts of an index that are not kept yet, and keep them batch by batch; for code outside the
    event-loop thread. Returns what that took.

    Raises a `ModelError` or `BudgetReached`; what was answered by then is kept. A text that the model refuses
    is left out, with a notice.
    """
    ledger = Ledger(on_usage=lambda stage, usage: on_event(StageAdvanced(stage=stage, done=0, usage=usage)))
    with closing(Library.open(settings.library)) as library:
        embedder = open_meaning(settings, library, ledger, budget, on_event)
        assert embedder is not None
        try:
            portal().call(_embedded, index, embedder, library, on_event)
        finally:
            portal().call(embedder.aclose)
    return ledger.total()


async def _embedded(index: Index, embedder: TextEmbedder, library: Library, on_event: EventSink) -> None:
    strange = (await embedder.kept.run(text_request(STRANGE_TEXTS, query=True))).value
    texts = {meaning.digest: meaning.text for meaning in await in_thread(partial(meanings_of, index))}
    try:
        await _Filling(index, embedder, library, on_event, strange.dimensions).run(texts)
    except _OtherDimensions as other:
        strange = (await embedder.anew.run(text_request(STRANGE_TEXTS, query=True))).value
        if strange.dimensions != other.dimensions:
            raise _unlike(embedder, strange.dimensions, other.dimensions) from None
        # Another model answers under the name by now: of the one before nothing can be compared any more.
        await _Filling(index, embedder, library, on_event, strange.dimensions).run(texts)


class _OtherDimensions(Exception):
    def __init__(self, dimensions: int) -> None:
        super().__init__()
        self.dimensions = dimensions


def _unlike(embedder: TextEmbedder, first: int, second: int) -> ModelRefused:
    return ModelRefused(
        f"{embedder.name} gives vectors of {first:,} numbers for some texts and of {second:,} for others; name a model "
        "that embeds texts with --embed-text"
    )


class _Filling:
    """One run over the texts of a video, under one number of dimensions."""

    def __init__(
        self,
        index: Index,
        embedder: TextEmbedder,
        library: Library,
        on_event: EventSink,
        dimensions: int,
    ) -> None:
        self._digest = index.video.digest
        self._embedder, self._library, self._on_event = embedder, library, on_event
        self._dimensions = dimensions
        self._done = 0
        self._refused: list[ModelRefused] = []

    async def run(self, texts: Mapping[str, str]) -> None:
        key = self._embedder.key(self._dimensions)
        kept = await to_thread.run_sync(self._library.embedded_texts, self._digest, key)
        digest_of = {text: digest for digest, text in texts.items() if digest not in kept}
        if not digest_of:
            return
        self._on_event(StageStarted(stage=STAGE, total=len(digest_of)))
        batches = batches_of(list(digest_of), self._embedder.name)
        await together(self._batch(batch, digest_of) for batch in batches)
        self._on_event(StageFinished(stage=STAGE))
        if self._refused and not self._done:
            raise self._refused[0]
        if self._refused:
            text = f"{len(self._refused)} of {len(digest_of)} texts are not compared by meaning: {self._refused[0]}"
            self._on_event(Notice(text=text))

    async def _batch(self, batch: Sequence[str], digest_of: Mapping[str, str]) -> None:
        try:
            reply: Reply[Embedded] = await self._embedder.asked.run(text_request(batch))
        except ModelRefused as error:
            if len(batch) == 1:
                self._refused.append(error)
                self._on_event(StageAdvanced(stage=STAGE))
                return
            # Too many or too long for this server, or one of them is what it refuses.
            half = len(batch) // 2
            await self._batch(batch[:half], digest_of)
            await self._batch(batch[half:], digest_of)
            return
        if reply.value.dimensions != self._dimensions:
            raise _OtherDimensions(reply.value.dimensions)
        rows = reply.value.rows
        made = {digest_of[text]: row.astype("<f4").tobytes() for text, row in zip(batch, rows, strict=True)}
        key = self._embedder.key(self._dimensions)
        await to_thread.run_sync(self._library.put_text_embeddings, self._digest, key, made)
        self._done += len(batch)
        self._on_event(StageAdvanced(stage=STAGE, done=len(batch)))


@asynccontextmanager
async def meaning_opened(
    settings: Settings, budget: Budget | None, on_event: EventSink
) -> AsyncGenerator[TextEmbedder]:
    """The model of `embed_text`, with the library as the place of its replies where it can be written."""
    ledger = Ledger(on_usage=lambda stage, usage: on_event(StageAdvanced(stage=stage, done=0, usage=usage)))
    library = await to_thread.run_sync(partial(Library.open, settings.library, create=False))
    try:
        embedder = open_meaning(settings, library, ledger, budget or Budget(), on_event)
        assert embedder is not None
        try:
            yield embedder
        finally:
            await embedder.aclose()
    finally:
        library.close()


async def meant(
    indexes: Sequence[Index],
    query: str,
    settings: Settings,
    embedder: TextEmbedder,
    on_event: EventSink,
    *,
    within: Span | None = None,
) -> tuple[list[Compared], Usage]:
    """The texts nearest to a query by meaning, best first, and what that took. The query is one call, which
    is kept.

    Nothing where none of these videos' texts are kept as vectors of this model, or it fails: a notice says
    why, since words find without it. Raises `SettingsError` for a key, and `BudgetReached`.
    """
    try:
        return await _meant(indexes, query, settings, embedder, on_event, within)
    except (BudgetReached, SettingsError):
        raise
    except ModelError as error:
        on_event(Notice(text=f"texts are not compared by meaning: {error}"))
        return [], Usage()


async def _meant(
    indexes: Sequence[Index],
    query: str,
    settings: Settings,
    embedder: TextEmbedder,
    on_event: EventSink,
    within: Span | None,
) -> tuple[list[Compared], Usage]:
    how = _how(indexes, settings)
    keys = await in_thread(partial(_keys, indexes, settings.library))
    # Before anything is sent.
    if not any(key.startswith(f"{embedder.asked.fingerprint} ") for key in keys):
        text = f"texts are not compared by meaning: none are kept as vectors of {embedder.name}; {how} makes them"
        on_event(Notice(text=text))
        return [], Usage()
    asked, strange = text_request([query], query=True), text_request(STRANGE_TEXTS, query=True)
    replies = [await embedder.kept.run(asked), await embedder.kept.run(strange)]
    usage = replies[0].usage + replies[1].usage
    if replies[0].value.dimensions != replies[1].value.dimensions:
        # One of them was kept from before another model took the name.
        replies = [await embedder.anew.run(asked), await embedder.anew.run(strange)]
        usage += replies[0].usage + replies[1].usage
    row, strangers = replies[0].value, replies[1].value
    if row.dimensions != strangers.dimensions:
        raise _unlike(embedder, strangers.dimensions, row.dimensions)
    texts = await in_thread(
        partial(_texts, indexes, settings.library, embedder.key(row.dimensions), strangers.rows)
    )
    if not len(texts.vectors):
        text = (
            f"texts are not compared by meaning: {embedder.name} gives vectors of {row.dimensions:,} numbers by now, "
            f"unlike those that are kept; {how} makes them anew"
        )
        on_event(Notice(text=text))
        return [], usage
    if texts.missing:
        text = f"{texts.missing:,} of {texts.total:,} texts are not compared by meaning yet; {how} makes their vectors"
        on_event(Notice(text=text))
    found = await in_thread(partial(texts.near, row.rows[0], within))
    return ranked(found, chance=texts.chance), usage


def _how(indexes: Sequence[Index], settings: Settings) -> str:
    video = shlex.quote(indexes[0].video.path) if len(indexes) == 1 else "VIDEO"
    return f"mrvideo index {video} --embed-text {shlex.quote(settings.embed_text or '')}"


def _keys(indexes: Sequence[Index], place: Path) -> frozenset[str]:
    with closing(Library.open(place, create=False)) as library:
        return library.text_embedders([index.video.digest for index in indexes])


@dataclass(frozen=True)
class _Texts:
    """The texts of some videos as vectors: a vector index whose time is the number of a text in its video."""

    vectors: VectorIndex
    meanings: Mapping[FrameKey, Sequence[Meaning]]
    total: int
    missing: int
    chance: float

    def near(self, query: Vectors, within: Span | None) -> list[tuple[str, Meaning, float]]:
        """The texts nearest to a query, those of a span alone where one is given."""
        if within is None:
            scored = [(near.frame, near.score) for near in self.vectors.similar(query, EVERYTHING, _NEAREST)]
        else:
            inside = [
                key
                for key, own in self.meanings.items()
                if any(meaning.span.overlaps(within) for meaning in own)
            ]
            rows = self.vectors.vectors(inside)
            scored = [(key, float(row @ query)) for key, row in rows.items()]
        return [(key.video, meaning, score) for key, score in scored for meaning in self.meanings[key]]


def _texts(indexes: Sequence[Index], place: Path, key: str, strangers: Vectors) -> _Texts:
    """The kept vectors of these videos' texts. The last ones stay in memory, and are made anew once more are
    kept.
    """
    with closing(Library.open(place, create=False)) as library:
        counts = library.text_embedding_counts(key, [index.video.digest for index in indexes])
        known = (
            library.place,
            key,
            *(
                (index.video.digest, index.key, index.created_at, counts.get(index.video.digest, 0))
                for index in indexes
            ),
        )
        with _opened_lock:
            if known in _opened:
                return _opened[known]
        kept = {index.video.digest: library.embedded_texts(index.video.digest, key) for index in indexes}
    made = _made(indexes, kept, place, key, strangers)
    with _opened_lock:
        _opened[known] = made
        while len(_opened) > _KEPT_OPEN:
            del _opened[next(iter(_opened))]
    return made


def _made(
    indexes: Sequence[Index],
    kept: Mapping[str, frozenset[str]],
    place: Path,
    key: str,
    strangers: Vectors,
) -> _Texts:
    digests: dict[FrameKey, str] = {}
    meanings: dict[FrameKey, list[Meaning]] = {}
    total = missing = 0
    for index in indexes:
        by_text: dict[str, list[Meaning]] = defaultdict(list)
        for meaning in meanings_of(index):
            by_text[meaning.digest].append(meaning)
        there = sorted(by_text.keys() & kept[index.video.digest])
        total += len(by_text)
        missing += len(by_text) - len(there)
        for number, digest in enumerate(there):
            frame = FrameKey(index.video.digest, float(number))
            digests[frame], meanings[frame] = digest, by_text[digest]
    dimensions = strangers.shape[1]

    def read(frames: Sequence[FrameKey]) -> Vectors:
        rows = np.zeros((len(frames), dimensions), np.float32)
        with closing(Library.open(place, create=False)) as library:
            blobs = library.text_embeddings_at(key, [(frame.video, digests[frame]) for frame in frames])
        for row, frame in zip(rows, frames, strict=True):
            blob = blobs.get((frame.video, digests[frame]), b"")
            if len(blob) == rows.itemsize * dimensions:
                row[:] = np.frombuffer(blob, "<f4")
        return rows

    numbers: dict[str, list[float]] = defaultdict(list)
    for frame in digests:
        numbers[frame.video].append(frame.time_seconds)
    vectors = open_vectors(Frames(list(numbers.items())), read, dimensions)
    best = [near.score for row in strangers for near in vectors.similar(row, EVERYTHING, 1)]
    return _Texts(vectors, meanings, total, missing, chance_of(best))
