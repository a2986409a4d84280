"""The library: videos, cues, shard results, indexes, answers and replies. One thread writes at a time."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Integer,
    Select,
    Table,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert
from typing_extensions import Self

from mrvideo.errors import InputError, LibraryError
from mrvideo.library import schema, tasks
from mrvideo.library.casting import (
    Stale,
    add_correction,
    kept_corrections,
    mark_stale,
    put_photo,
    put_uncorrected,
    remove_correction,
)
from mrvideo.library.contents import KeptVideo, kept_videos, remove_video
from mrvideo.library.database import open_engine
from mrvideo.library.errors import in_library_words, read_only
from mrvideo.library.locks import claimed, is_claimed
from mrvideo.library.search import cue_rows, find, scene_rows
from mrvideo.records import Answer, Correction, Cue, Hit, Index, Record, Span, Usage, VideoInfo
from mrvideo.records.tasks import Task, TaskCounts, TaskState

R = TypeVar("R", bound=Record)
V = TypeVar("V")

_ROWID: ColumnElement[int] = literal_column("rowid", Integer)

_ASKED_AT_ONCE = 400
"""Frames a statement: SQLite may take no more than 999 values."""
_VECTORS_AT = """
    WITH asked (digest, item) AS (VALUES {rows})
    SELECT e.digest, e.{column}, e.vector FROM asked CROSS JOIN {table} AS e
    ON e.digest = asked.digest AND e.embedder = ? AND e.{column} = asked.item
"""

_RECORDS = {
    "scenes": schema.scenes,
    "entities": schema.entities,
    "mentions": schema.mentions,
    "shots": schema.shots,
    "failures": schema.failures,
    "cues": schema.index_cues,
}
"""Field of `Index` → the table of its records."""

_OF_THE_CAST = ("scenes", "entities", "mentions")
"""Fields that a cast put right changes; the others stay as they are kept, with what search reads of them."""


class Library:
    """One file of everything kept. Thread-safe; several processes may hold the same file. Implements
    `ReplyStore`.

    `path` is the path as given; `place` has links resolved, so that two names of one file share their work.

    Every method raises a `LibraryError` when the file cannot be read or written; the file is then unchanged.
    """

    def __init__(self, path: Path, engine: Engine | None, *, writable: bool) -> None:
        self.path = path
        self.place = path.resolve()
        self._engine = engine
        self._writer = engine.execution_options(writes=True) if engine is not None and writable else None
        self._write_lock = threading.Lock()

    @classmethod
    def open(cls, path: str | Path, *, create: bool = True, busy_seconds: float = 30.0) -> Self:
        """The library at `path`, made with its folder when missing and brought to the newest schema.

        With `create=False` a missing file is not created: the library is then empty, and writing raises.
        `busy_seconds` bounds the wait for another process's transaction. Raises a `LibraryError`.
        """
        path = Path(path)
        opened = open_engine(path, create=create, busy_seconds=busy_seconds)
        if opened is None:
            return cls(path, None, writable=False)
        engine, writable = opened
        return cls(path, engine, writable=writable)

    @property
    def writable(self) -> bool:
        """Whether it can be written: False for a missing file opened with `create=False`, and for a read-only
        one.
        """
        return self._writer is not None

    def close(self) -> None:
        """Close the file."""
        if self._engine is not None:
            self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def claim(self, key: str, *, on_wait: Callable[[], None] | None = None) -> AbstractContextManager[None]:
        """Hold `key`, say a video's digest, while working on it; another process that claims it waits.

        Look up results again once inside: the previous holder may have done the work. `on_wait` is called
        once, before waiting. A process that dies releases its claims.
        """
        self._writable_engine()
        return claimed(self.place, key, on_wait)

    def is_claimed(self, key: str) -> bool:
        """Whether somebody, this process included, holds `key` now."""
        return is_claimed(self.place, key)

    # --- videos and cues ---

    def put_video(self, info: VideoInfo) -> None:
        """Store a video; for content that is known already, update its path."""
        with self._writing() as connection:
            _put_video(connection, info)

    def video(self, digest: str) -> VideoInfo | None:
        """The video with this content, under the path it was last seen at."""
        bodies = self._bodies(select(schema.videos.c.body).where(schema.videos.c.digest == digest))
        return self._parse(VideoInfo, bodies[0]) if bodies else None

    def videos(self) -> tuple[VideoInfo, ...]:
        """All videos, in the order they came."""
        return self._parse_all(VideoInfo, self._bodies(select(schema.videos.c.body).order_by(_ROWID)))

    def kept(self) -> tuple[KeptVideo, ...]:
        """All videos in the order they came, with how much is kept of each."""
        with self._reading() as connection:
            return () if connection is None else kept_videos(connection)

    def remove(self, digest: str) -> None:
        """Forget a video: its indexes, cues, finished parts and answers. Model replies stay: they belong to
        no video.
        """
        with self._writing() as connection:
            remove_video(connection, digest)

    def put_cues(self, digest: str, cues: Sequence[Cue], *, origin: str) -> None:
        """Store a video's cues, replacing earlier ones. `origin` says where they come from."""
        table = schema.cues
        with self._writing() as connection:
            connection.execute(delete(table).where(table.c.digest == digest))
            rows = [row | {"digest": digest, "origin": origin} for row in _rows(table, cues)]
            _insert(connection, table, rows)
            _put_texts(connection, digest, "cue", cue_rows(cues))

    def cues(self, digest: str) -> tuple[Cue, ...]:
        """The video's cues, as they were stored last."""
        table = schema.cues
        statement = select(table.c.body).where(table.c.digest == digest).order_by(table.c.position)
        return self._parse_all(Cue, self._bodies(statement))

    def cues_origin(self, digest: str) -> str | None:
        """Where the cues of `cues` come from; None without any."""
        table = schema.cues
        found = self._bodies(select(table.c.origin).where(table.c.digest == digest).limit(1))
        return found[0] if found else None

    # --- finished work ---

    def put_part(self, key: str, kind: str, digest: str, span: Span, body: str) -> None:
        """Store the result of one shard or stage. `key` depends on everything that would change it."""
        values = {"key": key, "kind": kind, "digest": digest, "body": body, "created_at": _now()}
        values |= {"start_seconds": span.start_seconds, "stop_seconds": span.stop_seconds}
        with self._writing() as connection:
            _upsert(connection, schema.parts, values, by=["key"])

    def part(self, key: str) -> str | None:
        """What `put_part` stored under this key, or None."""
        found = self._bodies(select(schema.parts.c.body).where(schema.parts.c.key == key))
        return found[0] if found else None

    def parts(self, digest: str, kind: str) -> tuple[str, ...]:
        """All of one kind that `put_part` kept of a video, the newest first."""
        table = schema.parts
        statement = select(table.c.body).where(table.c.digest == digest, table.c.kind == kind)
        return tuple(self._bodies(statement.order_by(table.c.created_at.desc())))

    def put_embeddings(self, digest: str, embedder: str, vectors: Mapping[float, bytes]) -> None:
        """Store vectors of a video's frames, by time, as the embedder with that fingerprint makes them; in
        one transaction.
        """
        with self._writing() as connection:
            for time_seconds, vector in vectors.items():
                values = {"digest": digest, "embedder": embedder, "time_seconds": time_seconds}
                by = list(values)
                _upsert(connection, schema.embeddings, values | {"vector": vector}, by=by)

    def embedders(self) -> dict[str, int]:
        """Fingerprint → how many vectors are kept, of every embedder."""
        table = schema.embeddings
        statement = select(table.c.embedder, func.count()).group_by(table.c.embedder)
        with self._reading() as connection:
            if connection is None:
                return {}
            rows = connection.execute(statement).all()
        return {row[0]: row[1] for row in rows}

    def embedding_counts(self, embedder: str, digests: Iterable[str]) -> dict[str, int]:
        """Digest → how many vectors of frames are kept, of these videos; those without any are left out."""
        return self._counts(schema.embeddings, embedder, digests)

    def text_embedding_counts(self, embedder: str, digests: Iterable[str]) -> dict[str, int]:
        """Digest → how many vectors of texts are kept, of these videos; those without any are left out."""
        return self._counts(schema.text_embeddings, embedder, digests)

    def _counts(self, table: Table, embedder: str, digests: Iterable[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        with self._reading() as connection:
            if connection is None:
                return {}
            # One by one, since the key begins with the digest.
            for digest in sorted(frozenset(digests)):
                where = table.c.digest == digest, table.c.embedder == embedder
                found[digest] = connection.execute(
                    select(func.count()).select_from(table).where(*where)
                ).scalar_one()
        return {digest: count for digest, count in found.items() if count}

    def embedding_times(
        self, embedder: str, digests: Collection[str] | None = None
    ) -> dict[str, list[float]]:
        """Digest → the times of what is kept, of these videos or of all; those without any are left out."""
        table = schema.embeddings
        statement = select(table.c.digest, table.c.time_seconds).where(table.c.embedder == embedder)
        # By digest the key is searched; without, it is read from end to end.
        statements = (
            [statement]
            if digests is None
            else [statement.where(table.c.digest == digest) for digest in sorted(frozenset(digests))]
        )
        found: dict[str, list[float]] = defaultdict(list)
        with self._reading() as connection:
            if connection is None:
                return {}
            for one in statements:
                for digest, time_seconds in connection.execute(one):
                    found[digest].append(time_seconds)
        return dict(found)

    def embeddings_at(
        self, embedder: str, frames: Sequence[tuple[str, float]]
    ) -> dict[tuple[str, float], bytes]:
        """(Digest, time) → vector, of these frames; those that are not kept are left out."""
        return self._vectors_at("embeddings", "time_seconds", embedder, frames)

    def put_text_embeddings(self, digest: str, embedder: str, vectors: Mapping[str, bytes]) -> None:
        """Store vectors of a video's texts, by the text's SHA-256, under a name of model and dimensions; in
        one transaction.
        """
        with self._writing() as connection:
            for text, vector in vectors.items():
                values = {"digest": digest, "embedder": embedder, "text": text}
                by = list(values)
                _upsert(connection, schema.text_embeddings, values | {"vector": vector}, by=by)

    def embedded_texts(self, digest: str, embedder: str) -> frozenset[str]:
        """The SHA-256 of each text of a video whose vector is kept."""
        table = schema.text_embeddings
        where = table.c.digest == digest, table.c.embedder == embedder
        return frozenset(self._bodies(select(table.c.text).where(*where)))

    def text_embedders(self, digests: Collection[str]) -> frozenset[str]:
        """The names under which vectors of texts of any of these videos are kept."""
        table = schema.text_embeddings
        found: set[str] = set()
        for digest in digests:
            found |= set(self._bodies(select(table.c.embedder).where(table.c.digest == digest).distinct()))
        return frozenset(found)

    def text_embeddings_at(
        self, embedder: str, texts: Sequence[tuple[str, str]]
    ) -> dict[tuple[str, str], bytes]:
        """(Digest, SHA-256 of the text) → vector, of these texts; those that are not kept are left out."""
        return self._vectors_at("text_embeddings", "text", embedder, texts)

    def _vectors_at(
        self, table: str, column: str, embedder: str, asked: Sequence[tuple[str, V]]
    ) -> dict[tuple[str, V], bytes]:
        found: dict[tuple[str, V], bytes] = {}
        with self._reading() as connection:
            if connection is None:
                return {}
            for first in range(0, len(asked), _ASKED_AT_ONCE):
                some = asked[first : first + _ASKED_AT_ONCE]
                # Joined in this order: `(digest, item) IN (…)` reads the whole table.
                rows = ", ".join(["(?, ?)"] * len(some))
                statement = _VECTORS_AT.format(rows=rows, table=table, column=column)
                given = (*(value for pair in some for value in pair), embedder)
                for digest, item, vector in connection.exec_driver_sql(statement, given):
                    found[digest, item] = vector
        return found

    def put_index(self, index: Index, *, uncorrected: Index | None = None) -> None:
        """Store the index as its video's latest, in one transaction. Search uses it from then on.

        `uncorrected` is the index as captioned, where this one has its cast put right.
        """
        with self._writing() as connection:
            _put_index(connection, index)
            put_uncorrected(connection, index, uncorrected)

    def put_latest(self, index: Index) -> None:
        """Make a kept index its video's latest again, with its settings and the video's path as they are now.

        Search reads its texts and cues from then on; corrections of its cast stay.
        """
        table, digest = schema.indexes, index.video.digest
        body = index.model_dump_json(include={"settings", "usage", "created_at"})
        with self._writing() as connection:
            _put_video(connection, index.video)
            last = connection.scalar(select(func.max(table.c.turn)).where(table.c.digest == digest)) or 0
            mine = table.c.digest == digest, table.c.key == index.key
            connection.execute(update(table).where(*mine).values(turn=last + 1, body=body))
            _put_index_texts(connection, index)

    def index(self, digest: str, key: str) -> Index | None:
        """The index of this video under these settings, or None."""
        return self._index(schema.indexes.c.digest == digest, schema.indexes.c.key == key)

    def index_settings(self, digest: str) -> tuple[tuple[str, dict[str, Any]], ...]:
        """Key and settings of every index of this video, the newest first."""
        table = schema.indexes
        statement = select(table.c.key, table.c.body).where(table.c.digest == digest)
        with self._reading() as connection:
            if connection is None:
                return ()
            rows = connection.execute(statement.order_by(table.c.turn.desc())).all()
        return tuple((row.key, json.loads(row.body)["settings"]) for row in rows)

    def latest_index(self, digest: str) -> Index | None:
        """The index of this video that was put last, or None."""
        return self._index(schema.indexes.c.digest == digest)

    def _index(self, *where: Any) -> Index | None:
        table = schema.indexes
        with self._reading() as connection:
            if connection is None:
                return None
            newest = select(table).where(*where).order_by(table.c.turn.desc()).limit(1)
            found = connection.execute(newest).one_or_none()
            if found is None:
                return None
            videos = schema.videos
            video = connection.scalar(select(videos.c.body).where(videos.c.digest == found.digest))
            parts = [f'"key":{json.dumps(found.key)},"video":{video}', found.body[1:-1]]
            for field, records in _RECORDS.items():
                bodies = connection.scalars(
                    select(records.c.body).where(records.c.index_id == found.id).order_by(records.c.position)
                )
                parts.append(f'"{field}":[{",".join(bodies)}]')
            # One parse of one document: building ten thousand scenes by hand takes several times as long.
            return Index.model_validate_json("{" + ",".join(parts) + "}")

    # --- search and answers ---

    def search(self, words: str, *, digest: str | None = None, limit: int = 20) -> tuple[Hit, ...]:
        """Captions, texts on screen and cues of each video's latest index that hold the words, best first.

        All the words where any text holds them all, else any of them. `words` is plain text: it has no
        operators. A hit quotes the line that matches, verbatim; its span is that of the scene's part, of the
        cue, or the time the text stood on screen.
        """
        with self._reading() as connection:
            return find(connection, words, digest=digest, limit=limit) if connection is not None else ()

    def put_answer(self, answer: Answer) -> None:
        """Store an answer about a video of the library, with the settings it was made with."""
        values = {"digest": answer.video_digest, "question": answer.question, "created_at": _now()}
        with self._writing() as connection:
            _insert(connection, schema.answers, [values | {"body": answer.model_dump_json()}])

    def answers(self, digest: str) -> tuple[Answer, ...]:
        """All answers about a video, oldest first."""
        table = schema.answers
        statement = select(table.c.body, table.c.stale).where(table.c.digest == digest).order_by(table.c.id)
        with self._reading() as connection:
            if connection is None:
                return ()
            rows = connection.execute(statement).all()
        answers = self._parse_all(Answer, [row.body for row in rows])
        return tuple(
            answer if row.stale is None else answer.model_copy(update={"stale": row.stale})
            for answer, row in zip(answers, rows, strict=True)
        )

    # --- a cast put right ---

    def corrections(self, digest: str) -> tuple[Correction, ...]:
        """What was put right in the cast of a video, in that order."""
        with self._reading() as connection:
            return () if connection is None else kept_corrections(connection, digest)

    def photo(self, digest: str, photo: str) -> bytes | None:
        """A photo of somebody in a video as JPEG, by its SHA-256; None where it is not kept."""
        table = schema.photos
        statement = select(table.c.jpeg).where(table.c.digest == digest, table.c.photo == photo)
        with self._reading() as connection:
            return None if connection is None else connection.execute(statement).scalar_one_or_none()

    def uncorrected(self, digest: str, key: str) -> Index | None:
        """The index as captioned, where the one of this key has its cast put right; else None."""
        table = schema.uncorrected
        bodies = self._bodies(select(table.c.body).where(table.c.digest == digest, table.c.key == key))
        return self._parse(Index, bodies[0]) if bodies else None

    def put_correction(
        self,
        digest: str,
        correction: Correction,
        indexes: Sequence[tuple[Index, Index]],
        stale: Stale,
        *,
        jpeg: bytes | None = None,
    ) -> Correction:
        """Add a correction with the indexes that it changes, each as captioned and put right, and its photo,
        in one transaction.

        The last one is the video's latest. Returns the correction with its id.
        """
        with self._writing() as connection:
            if correction.photo is not None and jpeg is not None:
                put_photo(connection, digest, correction.photo, jpeg)
            kept = add_correction(connection, digest, correction)
            self._put_right(connection, digest, indexes)
            mark_stale(connection, digest, stale, by=kept.id)
            return kept

    def take_back(
        self, digest: str, correction: Correction, indexes: Sequence[tuple[Index, Index]], stale: Stale
    ) -> None:
        """Remove a correction, with the indexes as they are without it. Answers that it made stale hold
        again.
        """
        with self._writing() as connection:
            remove_correction(connection, digest, correction)
            self._put_right(connection, digest, indexes)
            mark_stale(connection, digest, stale, by=None, since=correction)

    @staticmethod
    def _put_right(connection: Connection, digest: str, indexes: Sequence[tuple[Index, Index]]) -> None:
        for captioned, index in indexes:
            _put_index(connection, index, changed=_OF_THE_CAST)
            put_uncorrected(connection, index, captioned)

    # --- replies ---

    def get_reply(self, key: str) -> str | None:
        """A model's reply as JSON, or None."""
        found = self._bodies(select(schema.replies.c.reply).where(schema.replies.c.key == key))
        return found[0] if found else None

    def put_reply(self, key: str, reply_json: str, *, model: str, prompt: str, usage: Usage) -> None:
        """Store a reply durably: it survives a kill as soon as this returns."""
        values = {"key": key, "reply": reply_json, "model": model, "prompt": prompt, "created_at": _now()}
        with self._writing() as connection:
            _upsert(connection, schema.replies, values | {"usage": usage.model_dump_json()}, by=["key"])

    # --- tasks ---

    def put_task(self, task: Task) -> None:
        """Let a request wait for somebody's reply; nothing happens where it waits already."""
        with self._writing() as connection:
            tasks.put_task(connection, task)

    def task_state(self, key: str) -> tuple[TaskState, str | None] | None:
        """A task's state, and what was wrong with the reply that was refused last; None for an unknown key."""
        with self._reading() as connection:
            return None if connection is None else tasks.state_of(connection, key)

    def find_tasks(self, beginning: str) -> tuple[Task, ...]:
        """The tasks whose key begins so, with their pictures; two at most."""
        with self._reading() as connection:
            return () if connection is None else tasks.find_tasks(connection, beginning)

    def take_tasks(
        self,
        limit: int,
        *,
        lease_seconds: float,
        digests: Collection[str] | None = None,
        now: float | None = None,
    ) -> tuple[Task, ...]:
        """The next tasks that nobody holds, of these videos or of any, leased to the caller: nobody else is
        given them meanwhile.

        `now` is the time in POSIX seconds, by default the clock's.
        """
        now = time.time() if now is None else now
        with self._writing() as connection:
            until = now + lease_seconds
            return tasks.take_tasks(connection, limit=limit, digests=digests, now=now, leased_until=until)

    def settle_task(self, key: str, reply_json: str, *, model: str, prompt: str, usage: Usage) -> bool:
        """Keep the reply and mark its task answered, in one transaction; False, with nothing kept, where it
        was settled before.
        """
        values = {"key": key, "reply": reply_json, "model": model, "prompt": prompt, "created_at": _now()}
        with self._writing() as connection:
            if not tasks.settle_task(connection, key, now=time.time()):
                return False
            _upsert(connection, schema.replies, values | {"usage": usage.model_dump_json()}, by=["key"])
            return True

    def refuse_task(self, key: str, problem: str, *, lease_seconds: float, most: int) -> int:
        """Note what is wrong with a reply. At the `most`-th refusal the task fails, before it the lease is
        renewed.

        Returns how many tries are left.
        """
        with self._writing() as connection:
            until = time.time() + lease_seconds
            return tasks.refuse_task(connection, key, problem, leased_until=until, most=most)

    def count_tasks(
        self, digests: Collection[str] | None = None, *, now: float | None = None
    ) -> tuple[TaskCounts, ...]:
        """How many tasks of each stage are open, taken and settled; of these videos or of all."""
        now = time.time() if now is None else now
        with self._reading() as connection:
            return () if connection is None else tasks.count_tasks(connection, digests=digests, now=now)

    # --- how to get at the file ---

    def _writable_engine(self) -> Engine:
        if self._writer is not None:
            return self._writer
        if self._engine is None:
            raise LibraryError(f"{self.path}: no library here; index a video first")
        raise read_only(self.path)

    @contextmanager
    def _writing(self) -> Generator[Connection]:
        """One transaction, kept as a whole or not at all."""
        engine = self._writable_engine()
        # In this process writers queue here, in turn; SQLite's own wait between processes is a poll.
        with self._write_lock, in_library_words(self.path), engine.begin() as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Generator[Connection | None]:
        """A read transaction, which sees one snapshot of the file; None where there is no file."""
        if self._engine is None:
            yield None
            return
        with in_library_words(self.path), self._engine.begin() as connection:
            yield connection

    def _bodies(self, statement: Select[Any]) -> list[str]:
        with self._reading() as connection:
            return [] if connection is None else list(connection.scalars(statement))

    def _parse(self, kind: type[R], body: str) -> R:
        with in_library_words(self.path):
            return kind.model_validate_json(body)

    def _parse_all(self, kind: type[R], bodies: list[str]) -> tuple[R, ...]:
        with in_library_words(self.path):
            return tuple(kind.model_validate_json(body) for body in bodies)


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()


def _put_index(connection: Connection, index: Index, *, changed: Collection[str] = _RECORDS) -> None:
    digest = index.video.digest
    table = schema.indexes
    body = index.model_dump_json(include={"settings", "usage", "created_at"})
    _put_video(connection, index.video)
    last = connection.scalar(select(func.max(table.c.turn)).where(table.c.digest == digest))
    values = {"digest": digest, "key": index.key, "turn": (last or 0) + 1, "body": body}
    _upsert(connection, table, values, by=["digest", "key"])
    index_id = connection.scalar(select(table.c.id).where(table.c.digest == digest, table.c.key == index.key))
    for field in changed:
        records = _RECORDS[field]
        connection.execute(delete(records).where(records.c.index_id == index_id))
        rows = [row | {"index_id": index_id} for row in _rows(records, getattr(index, field))]
        _insert(connection, records, rows)
    _put_index_texts(connection, index, cues="cues" in changed)


def _put_index_texts(connection: Connection, index: Index, *, cues: bool = True) -> None:
    """What search reads of an index, in the place of what it read of the video before."""
    digest = index.video.digest
    called = {entity.name: entity.display_name for entity in index.entities if entity.display_name}
    _put_texts(connection, digest, "caption", scene_rows(index.scenes, called))
    if cues:
        _put_texts(connection, digest, "cue", cue_rows(index.cues))


def _put_video(connection: Connection, info: VideoInfo) -> None:
    if any("\ud800" <= c <= "\udfff" for c in info.path):
        raise InputError(f"{info.path!a}: the name is not text that can be kept; rename the file")
    values = {"digest": info.digest, "path": info.path, "duration_seconds": info.duration_seconds}
    values |= {"body": info.model_dump_json()}
    statement = upsert(schema.videos).values(values | {"added_at": _now()})
    connection.execute(statement.on_conflict_do_update(index_elements=["digest"], set_=values))


def _upsert(connection: Connection, table: Table, values: dict[str, Any], *, by: list[str]) -> None:
    changed = {name: value for name, value in values.items() if name not in by}
    connection.execute(upsert(table).values(values).on_conflict_do_update(index_elements=by, set_=changed))


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(insert(table), rows)


def _rows(table: Table, records: Iterable[Record]) -> Generator[dict[str, Any]]:
    """Rows of records in order: their JSON, and the fields that the table gives a column of their own."""
    columns, names, kind = [column.name for column in table.columns], list[str](), None
    for position, record in enumerate(records):
        if type(record) is not kind:
            kind = type(record)
            known = kind.model_fields.keys() | kind.model_computed_fields.keys()
            names = [name for name in columns if name in known]
        own = {name: getattr(record, name) for name in names}
        yield own | {"position": position, "body": record.model_dump_json()}


def _put_texts(connection: Connection, digest: str, source: str, rows: Iterable[dict[str, Any]]) -> None:
    """Replace the search rows of one video and source."""
    table = schema.texts
    connection.execute(delete(table).where(table.c.digest == digest, table.c.source == source))
    _insert(connection, table, [row | {"digest": digest} for row in rows])
