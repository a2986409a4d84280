"""Stage A for one file, from its path to a kept index: cues, speech, captions, and what is kept already."""

from __future__ import annotations

import asyncio
import hashlib
import shlex
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from mrvideo.captioning.index import CaptioningOptions, build_index
from mrvideo.captioning.options import cues_digest, index_key, index_settings, made_alike
from mrvideo.errors import BudgetReached, ModelError, SettingsError, Stopped, SubtitleError
from mrvideo.files import absolute
from mrvideo.library import Library
from mrvideo.mapreduce import StopScope, portal
from mrvideo.media.content import Content, check_lies_in, steadily
from mrvideo.media.identity import content_of, probe
from mrvideo.media.shard import ShardFrames
from mrvideo.media.subtitles import Subtitles, load_subtitles
from mrvideo.models import Budget, Ledger
from mrvideo.models.limits import check_budget
from mrvideo.records import (
    Cue,
    Event,
    EventSink,
    Index,
    Notice,
    Span,
    StageAdvanced,
    Usage,
    VideoInfo,
    may_yet_end_well,
)
from mrvideo.retrieval.embedders.port import Embedder
from mrvideo.session.embedding import embed_index, embedder_of, embedding_alongside
from mrvideo.session.estimating import estimate_index
from mrvideo.session.fetching import fetched_video
from mrvideo.session.machine import kept_advice
from mrvideo.session.meaning import embed_texts
from mrvideo.session.models import (
    Models,
    budget_of,
    check_embeds_texts,
    check_reachable,
    check_there,
    model_settings,
    opened_models,
    seeing_identity,
)
from mrvideo.session.options import captioning_options, read_options
from mrvideo.session.origins import (
    CueOrigin,
    borrowing,
    key_for_file,
    origin_found,
    origin_heard,
    origin_kept,
    replacing,
)
from mrvideo.session.remembering import is_walked, memory_of
from mrvideo.settings import OFFLINE, Settings
from mrvideo.speech import Transcriber, Transcript, open_transcriber, transcribe, transcriber_fingerprint
from mrvideo.wording import is_url

TO_HEAR = (
    "to have it heard, add --speech openai:whisper-1, or --speech faster-whisper:small, which runs here "
    "(pip install 'mrvideo[asr]')"
)
UNHEARD = f"there are no subtitles, and the sound is not transcribed; {TO_HEAR}"


def index_video(
    path: str,
    settings: Settings,
    *,
    subtitles: Path | None = None,
    on_event: EventSink,
    retry: bool = True,
    budget: Budget | None = None,
    folders: Sequence[Path] | None = None,
) -> Index:
    """Stage A for one file, or one address: the index that the library holds, or a new one. Input, settings, keys and servers
    are checked before the library is written. With `embed`, frames of each shot are kept as vectors once the
    index is, with `embed_text` its texts.

    With `retry` False, failures of a stored index are not tried again. `budget` is shared with other videos
    of the same run. The returned `usage` is what this run took (nothing for a stored index); the library
    stores the total. With `folders`, the file and its sidecars must lie in one of them at the moment they are
    opened, so that swapping one for a link after the check gains nothing.
    """
    path = fetched_video(path, settings, on_event)
    embedder = None if settings.embed is None else embedder_of(settings.embed)
    if embedder is not None:
        # Loads it: one that cannot be loaded must not be told of after captions that are paid for.
        _ = embedder.fingerprint
    budget = budget or budget_of(settings)
    if settings.embed_text is not None:
        # Its name and its price, for the same reason.
        check_budget(model_settings(settings, "embed_text").name, budget)
    index = _captioned(
        path,
        settings,
        subtitles=subtitles,
        on_event=on_event,
        retry=retry,
        budget=budget,
        folders=folders,
        embedder=embedder,
    )
    if embedder is not None:
        # What was not decoded for a caption just now: kept shards, those of other machines, shots across two
        # shards.
        embed_index(index, settings, embedder, on_event)
    if settings.embed_text is not None:
        taken = embed_texts(index, settings, budget, on_event)
        index = index.model_copy(update={"usage": index.usage + taken})
    return index


def _captioned(
    path: str,
    settings: Settings,
    *,
    subtitles: Path | None,
    on_event: EventSink,
    retry: bool,
    budget: Budget,
    folders: Sequence[Path] | None,
    embedder: Embedder | None,
) -> Index:
    """The index with its memory; frames that are decoded for it are embedded, others not."""
    info = probe(path, read_options(settings))
    if folders is not None and not is_url(path):
        check_lies_in(info, folders)
    for note in info.notes:
        on_event(Notice(text=f"{info.path}: {note}"))
    if settings.keyframes_only:
        on_event(Notice(text="key frames only: what is shown between two of them is not seen"))
    content = content_of(info, read_options(settings))
    found = _subtitles_of(info, content, settings, subtitles, folders)
    for note in found.notes:
        on_event(Notice(text=note))
    # Subtitles are what somebody wrote down; sound is transcribed only where there are none.
    listens = settings.speech is not None and not found.cues
    options = captioning_options(settings)
    if settings.speech is not None and not listens:
        on_event(Notice(text=_not_heard(info, settings, budget)))
    with closing(Library.open(settings.library, create=False)) as library:
        if info.has_audio and not (settings.speech or found.cues or library.cues(info.digest)):
            on_event(Notice(text=UNHEARD))
        heard = _kept_transcript(info, settings, library) if listens else None
        if heard is not None and not may_yet_end_well(heard.failures):
            _tell(heard, on_event)
        if heard is not None or not listens:
            cues, origin = _cues(info, found, heard, settings, library)
            kept = _kept(info, cues, settings, options, library, on_event, retry=retry)
            if kept is not None:
                _tell_idle(info, settings, on_event)
                if cues and not (found.cues or heard) and (line := borrowing(info, origin)):
                    on_event(Notice(text=line))
                # A question asked with a setting of its own moves nothing.
                return _used_again(kept, cues, origin, settings, library, on_event) if retry else kept
    _check_models(settings, on_event, listens=listens)
    with closing(Library.open(settings.library)) as library:

        def waiting() -> None:
            on_event(Notice(text=f"another process is indexing {info.path}; waiting for it"))

        with library.claim(info.digest, on_wait=waiting):
            known = library.video(info.digest)
            library.put_video(info)
            if found.cues:
                _put_cues(info, found.cues, _found(found, info), known, library, on_event)
            spent = Usage()
            if listens and (heard is None or may_yet_end_well(heard.failures)):
                heard = _listen(info, content, settings, known, library, budget, on_event)
                spent = heard.usage
                _tell(heard, on_event)
            cues, origin = _cues(info, found, heard, settings, library)
            if cues and not (found.cues or heard) and (line := borrowing(info, origin)):
                on_event(Notice(text=line))
            with embedding_alongside(info, embedder, library) as on_frames:
                index = _caption(
                    info, cues, origin, heard, spent, settings, options, library, budget, on_event, on_frames
                )
    return _with_memory(index, settings, budget, on_event)


def _subtitles_of(
    info: VideoInfo,
    content: Content,
    settings: Settings,
    given: Path | None,
    folders: Sequence[Path] | None,
) -> Subtitles:
    """The cues beside the film, or inside it. Raises `SubtitleError` where a given file holds none."""

    def read() -> Subtitles:
        return load_subtitles(
            info.path,
            subtitles=given,
            language=settings.language,
            allow_url=settings.allow_url,
            folders=folders,
        )

    # Those inside the file are of the film whose digest this is.
    found = steadily(info.path, None if folders is None or is_url(info.path) else content, read)
    if given is not None and not found.cues and found.notes:
        raise SubtitleError("; ".join(found.notes))
    return found


def _tell_idle(info: VideoInfo, settings: Settings, on_event: EventSink) -> None:
    for flag, value in (("--workers", settings.workers), ("--cluster", settings.cluster)):
        if value is not None:
            text = f"{info.path} is indexed already: there was no work for {flag} {value}"
            on_event(Notice(text=f"{text}; --no-cache indexes it again"))


def _check_models(settings: Settings, on_event: EventSink, *, listens: bool) -> None:
    """Raise for what would fail in the midst of the work, or after it."""
    check_reachable(settings, lambda line: on_event(Notice(text=line)))
    if listens:
        check_there(model_settings(settings, "speech"))
    if settings.embed_text is not None:
        check_embeds_texts(model_settings(settings, "embed_text"))


def _with_memory(index: Index, settings: Settings, budget: Budget, on_event: EventSink) -> Index:
    """The index, with the chapters of a long video written beside it, so that the first question need not
    wait for them.

    Where that fails, the index is whole all the same: the chapters are written when they are needed.
    """
    # A glance keeps its calls few: the first question has the chapters written.
    if settings.detail == "glance" or not is_walked(index, settings):
        return index
    try:
        memory = memory_of(index, settings, on_event=on_event, budget=budget)
    except (ModelError, BudgetReached) as error:
        on_event(Notice(text=f"no chapters are written yet, the first question will: {error}"))
        return index
    return index.model_copy(update={"usage": index.usage + memory.usage})


async def aindex_video(
    path: str,
    settings: Settings,
    *,
    subtitles: Path | None = None,
    on_event: EventSink,
    budget: Budget | None = None,
    folders: Sequence[Path] | None = None,
) -> Index:
    """`index_video` without blocking the running event loop; cancelling it stops the work, and what is done
    is kept.
    """
    scope = StopScope()

    def told(event: Event) -> None:
        # A call's usage is told before its reply is kept: to stop there would lose what was paid.
        if scope.stopped and not (isinstance(event, StageAdvanced) and not event.done):
            raise Stopped(f"indexing of {path} was cancelled; what is done is kept")
        on_event(event)

    def work() -> Index:
        with scope:
            return index_video(
                path, settings, subtitles=subtitles, on_event=told, budget=budget, folders=folders
            )

    try:
        return await asyncio.to_thread(work)
    except asyncio.CancelledError:
        scope.stop()
        raise


def _kept(
    info: VideoInfo,
    cues: tuple[Cue, ...],
    settings: Settings,
    options: CaptioningOptions,
    library: Library,
    on_event: EventSink,
    *,
    retry: bool,
) -> Index | None:
    """The stored index, when it can be used as it is; else None.

    An index that an earlier version made with the same user settings is used, with a notice: only
    `--no-cache` replaces it.
    """
    if settings.fresh or settings.record is not None:
        return None
    vision = seeing_identity(settings)
    wanted = index_settings(info, cues, options=options, vision=vision)
    key = index_key(info, cues, options=options, vision=vision)
    kept = library.index(info.digest, key)
    if kept is not None:
        return None if retry and may_yet_end_well(kept.failures) else _as_told(kept, info)
    for older, made in library.index_settings(info.digest):
        found = library.index(info.digest, older) if made_alike(made, wanted) else None
        if found is not None:
            on_event(Notice(text=_made_before(info.path, settings)))
            return _as_told(found, info)
    return None


def _as_told(kept: Index, info: VideoInfo) -> Index:
    return kept.model_copy(update={"video": info, "usage": Usage()})


def _made_before(path: str, settings: Settings) -> str:
    total = estimate_index(path, settings).recipes[settings.recipe]["total"]
    price = "at an unknown price" if total.cost is None else f"for about ${total.cost:.2f}"
    return (
        "the index was made by an earlier version and is used as it is; "
        f"mrvideo index {shlex.quote(path)} --no-cache makes a new one, "
        f"in about {total.calls} calls with {total.images} pictures, {price}"
    )


def _cues(
    info: VideoInfo, found: Subtitles, heard: Transcript | None, settings: Settings, library: Library
) -> tuple[tuple[Cue, ...], CueOrigin]:
    """Subtitles first, then the transcript, then cues stored for this content under another file name; with
    where they come from.
    """
    if found.cues:
        return found.cues, _found(found, info)
    if heard is not None and heard.cues:
        return heard.cues, origin_heard(str(settings.speech), info)
    kept = library.cues(info.digest)
    return kept, origin_kept(info.digest, library) if kept else CueOrigin(None, None)


def _found(found: Subtitles, info: VideoInfo) -> CueOrigin:
    return origin_found(found.origin or "subtitles", info)


def _put_cues(
    info: VideoInfo,
    cues: tuple[Cue, ...],
    origin: CueOrigin,
    known: VideoInfo | None,
    library: Library,
    on_event: EventSink,
) -> None:
    """Keep the cues of a content, and say so where they take the place of others. `known` is that content as
    the library knew it before.
    """
    before = library.cues(info.digest)
    if before and cues_digest(before) != cues_digest(cues):
        old = origin_kept(info.digest, library)
        line = replacing(info, origin, old, known=None if known is None else known.path)
        if line is not None:
            on_event(Notice(text=line))
    library.put_cues(info.digest, cues, origin=origin.source or "subtitles")


def _used_again(
    kept: Index,
    cues: tuple[Cue, ...],
    origin: CueOrigin,
    settings: Settings,
    library: Library,
    on_event: EventSink,
) -> Index:
    """The stored index, which is made the latest where another one, with other cues, would be shown for its
    file or found by search: as one made anew would be.
    """
    info = kept.video
    meant = key_for_file(info, library, settings)
    newest = library.index_settings(info.digest)[0][1]
    wanted = kept.settings.get("cues")
    if not library.writable or meant is None or wanted == meant[1].get("cues") == newest.get("cues"):
        return kept
    _put_cues(info, cues, origin, library.video(info.digest), library, on_event)
    moved = library.index(info.digest, kept.key) or kept
    made = {**moved.settings, **origin.settings}
    video = info.model_copy(update={"path": absolute(info.path)})
    library.put_latest(moved.model_copy(update={"settings": made, "video": video}))
    return kept.model_copy(update={"settings": made})


def _caption(
    info: VideoInfo,
    cues: tuple[Cue, ...],
    origin: CueOrigin,
    heard: Transcript | None,
    spent: Usage,
    settings: Settings,
    options: CaptioningOptions,
    library: Library,
    budget: Budget,
    on_event: EventSink,
    on_frames: Callable[[ShardFrames], None] | None,
) -> Index:
    if settings.vision_model == OFFLINE:
        on_event(
            Notice(
                text="no model that sees is set: reading offline (text on screen, cuts, colours, cues); it does not see people; "
                f"{kept_advice()}"
            )
        )
    if options.backend != "threading":
        # Workers hear of no bound: none is sent out for a run that has reached it.
        budget.check()
    with opened_models(settings, library, on_event, budget, video=info.digest) as models:
        before = _taken_before(info, cues, settings, options, models, library)

        def on_worker_usage(stage: str, usage: Usage) -> None:
            models.ledger.record(stage, usage)

        index = build_index(
            info,
            cues,
            options=options,
            vision=models.vision,
            worker_model=model_settings(settings, "vision").model_copy(update={"in_worker": True}),
            library=library,
            on_event=on_event,
            on_worker_usage=on_worker_usage,
            budget=budget,
            heard=heard is not None,
            unheard=heard.failures if heard is not None else (),
            spent=spent + before,
            told=origin.settings,
            on_frames=on_frames,
        )
        usage = models.ledger.total() + spent
    # Kept with its absolute path, told with the path as it was given: as an index is that was kept before.
    return index.model_copy(update={"usage": usage, "video": info})


def _taken_before(
    info: VideoInfo,
    cues: tuple[Cue, ...],
    settings: Settings,
    options: CaptioningOptions,
    models: Models,
    library: Library,
) -> Usage:
    """The usage of the stored index when it is rebuilt from stored replies for a recording, which takes
    nothing.
    """
    if settings.fresh or settings.record is None:
        return Usage()
    kept = library.index(info.digest, index_key(info, cues, options=options, vision=models.vision))
    return Usage() if kept is None else kept.usage


# speech ----------------------------------------------------------------------------------------


def _not_heard(info: VideoInfo, settings: Settings, budget: Budget) -> str:
    """A notice that `speech` is not used because there are subtitles, with what else is wrong with it.

    Raises `SettingsError` for an unknown transcriber.
    """
    text = f"{info.path} has subtitles, which are used: --speech {settings.speech} is not"
    model_settings(settings, "speech")
    try:
        transcriber, _ = _transcriber(settings, None, budget, lambda _: None)
    except SettingsError as error:
        return f"{text} ({error})"
    portal().call(transcriber.aclose)
    return text


def _transcript_key(info: VideoInfo, settings: Settings) -> str:
    fingerprint = transcriber_fingerprint(model_settings(settings, "speech"))
    parts = ["speech", info.digest, fingerprint, settings.language or ""]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _transcriber(
    settings: Settings, library: Library | None, budget: Budget, on_event: EventSink
) -> tuple[Transcriber, Ledger]:
    ledger = Ledger()
    opened = open_transcriber(
        model_settings(settings, "speech"),
        ledger=ledger,
        store=library,
        fresh=settings.fresh,
        budget=budget,
        on_note=lambda text: on_event(Notice(text=text)),
    )
    return opened, ledger


def _kept_transcript(info: VideoInfo, settings: Settings, library: Library) -> Transcript | None:
    if settings.fresh:
        return None
    body = library.part(_transcript_key(info, settings))
    return None if body is None else Transcript.model_validate_json(body)


def _listen(
    info: VideoInfo,
    content: Content,
    settings: Settings,
    known: VideoInfo | None,
    library: Library,
    budget: Budget,
    on_event: EventSink,
) -> Transcript:
    transcriber, ledger = _transcriber(settings, library, budget, on_event)
    try:
        transcriber.fetch(on_event)
        heard = transcribe(
            info.path,
            transcriber=transcriber,
            language=settings.language,
            duration_seconds=info.duration_seconds,
            allow_url=settings.allow_url,
            on_event=on_event,
        )
        # Heard in one pass from a file that lay open: replaced meanwhile, it would be words of another film.
        content.check(info.path, allow_url=settings.allow_url, allow_private=settings.allow_private)
        heard = heard.model_copy(update={"usage": ledger.total()})
        whole = Span(0.0, info.duration_seconds)
        key = _transcript_key(info, settings)
        library.put_part(key, "transcript", info.digest, whole, heard.model_dump_json())
        _put_cues(info, heard.cues, origin_heard(str(settings.speech), info), known, library, on_event)
    finally:
        portal().call(transcriber.aclose)
    return heard


def _tell(heard: Transcript, on_event: EventSink) -> None:
    for note in heard.notes:
        on_event(Notice(text=note))
