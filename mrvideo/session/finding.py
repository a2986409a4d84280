"""Find moments in one indexed video, in a folder's videos, or in all of the library; with `confirm`, the
vision model looks at them.
"""

from __future__ import annotations

import io
import shlex
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock
from weakref import WeakKeyDictionary

import numpy as np
from anyio import to_thread
from PIL import Image

from mrvideo.captioning.calls import together
from mrvideo.errors import (
    InputError,
    ModelError,
    ModelUnavailable,
    QuestionError,
    RequestTooLarge,
    SettingsError,
    VideoError,
)
from mrvideo.files import is_file
from mrvideo.library import Library
from mrvideo.mapreduce import in_thread, start_on_portal
from mrvideo.media.identity import digest_of
from mrvideo.media.images import encode_jpeg
from mrvideo.models import Budget
from mrvideo.models.base import Model, Picture, Reply, Request
from mrvideo.prompts.loader import load_prompt
from mrvideo.questions import MOST_SEARCHED_CHARACTERS, check_words
from mrvideo.records import (
    EventSink,
    Found,
    Index,
    Moment,
    MomentSource,
    Notice,
    Span,
    Usage,
    VideoInfo,
    clock,
)
from mrvideo.retrieval.embedders.port import Embedder
from mrvideo.retrieval.finder import Compared, Finder
from mrvideo.retrieval.pictures import RANDOM_TEXTS, like_picture, like_text, likeness_of_strangers
from mrvideo.retrieval.vectors.port import VectorIndex
from mrvideo.schemas.analysis import Statement, VerifyInputs, VerifyReply
from mrvideo.schemas.shared import CueLine
from mrvideo.session.describing import described, is_described
from mrvideo.session.embedding import embed_index, embedder_of, frames_kept, nearest_shots
from mrvideo.session.looking import frames_at
from mrvideo.session.meaning import meaning_opened, meant
from mrvideo.session.models import budget_of, models_at_hand
from mrvideo.session.options import cropped_source
from mrvideo.settings import OFFLINE, Settings
from mrvideo.speech.known import speech_of
from mrvideo.wording import is_url

MOST_MOMENTS = 100
CONFIRM_FRAMES = 8
_PADDED_SECONDS = 1.0

_POINTED = 6
"""Moments that a question is pointed to."""

_SAMPLED_FRAMES = 20_000
"""Enough to tell how alike frames are by chance."""

_chances: WeakKeyDictionary[VectorIndex, float] = WeakKeyDictionary()

_COMPARED: tuple[MomentSource, ...] = ("picture", "meaning")
_FINDERS_KEPT = 2
_finders: dict[tuple[tuple[Hashable, ...], ...], Finder] = {}
_finders_lock = Lock()


def start_finding(
    indexes: Sequence[Index],
    query: str,
    settings: Settings,
    *,
    like: str | None = None,
    top: int = 10,
    within: Span | None = None,
    confirm: bool = False,
    on_event: EventSink,
    budget: Budget | None = None,
) -> Future[Found]:
    """Start finding on the portal, in these indexes; cancelling the future stops the work. Thread-safe.

    Raises `QuestionError` and `InputError` at once for what cannot be found, `SettingsError` for `confirm`
    without a model that sees.
    """
    check_finding(query, top, confirm, settings, like=like)
    picture = None if like is None else picture_of(like)
    if within is not None and not any(within.overlaps(index.span) for index in indexes):
        longest = max((index.video.duration_seconds for index in indexes), default=0.0)
        what = "the video, which is" if len(indexes) == 1 else "all videos; the longest is"
        raise InputError(f"{within} lies outside {what} {clock(longest)} long")
    return start_on_portal(
        partial(
            find_moments,
            indexes,
            query,
            settings,
            picture=picture,
            top=top,
            within=within,
            confirm=confirm,
            on_event=on_event,
            budget=budget,
        )
    )


def check_finding(
    query: str, top: int, confirm: bool, settings: Settings, *, like: str | None = None
) -> None:
    """Raises `QuestionError`, `InputError` or `SettingsError`, before anything is opened. Beside a picture
    the query may be empty.
    """
    if like is None or query.strip():
        _check_query(query)
    elif confirm:
        raise QuestionError("confirm needs words to check; say beside the picture what is to be seen")
    if not 1 <= top <= MOST_MOMENTS:
        raise InputError(f"top is {top}; give 1 to {MOST_MOMENTS} moments")
    if confirm and settings.vision_model == OFFLINE:
        raise SettingsError(
            "confirm needs a model that sees; name one with --vision, such as openai:gpt-5-mini"
        )


def _check_query(query: str) -> None:
    check_words("query", query, most_characters=MOST_SEARCHED_CHARACTERS)
    if not any(letter.isalnum() for letter in query):
        raise QuestionError(f"the query {query[:40]!r} holds no word; say what is to be found")


def picture_of(path: str) -> bytes:
    """A picture's file as JPEG. Raises `InputError` where it is none."""
    try:
        # Kept in memory: a picture is small, and the file is closed before anything else is done.
        opened = Image.open(io.BytesIO(Path(path).read_bytes()))
        opened.draft("RGB", (1024, 1024))
        opened.thumbnail((1024, 1024))
        return encode_jpeg(opened.convert("RGB"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        why = getattr(error, "strerror", None) or "no picture that can be read"
        raise InputError(f"{path}: {why}; name a JPEG, PNG or WebP file") from error


async def find_moments(
    indexes: Sequence[Index],
    query: str,
    settings: Settings,
    *,
    picture: bytes | None,
    top: int,
    within: Span | None,
    confirm: bool,
    on_event: EventSink,
    budget: Budget | None,
) -> Found:
    """The moments, on the event-loop thread."""
    budget = budget or budget_of(settings)
    finder = await in_thread(partial(_finder, indexes))
    words, spent = query, Usage()
    if picture is None and await in_thread(partial(_reads_words, settings)) and is_described(settings):
        async with models_at_hand(settings, budget, on_event) as models:
            words, spent = await described(query, models.text, on_event)
    meanings: list[Compared] = []
    if settings.embed_text is not None and query.strip():
        async with meaning_opened(settings, budget, on_event) as embedder:
            meanings, taken = await meant(indexes, query, settings, embedder, on_event, within=within)
            spent += taken
    pictures = await in_thread(partial(_pictured, indexes, words, picture, within, settings, on_event))
    moments, nearest = await to_thread.run_sync(
        partial(finder.find, query, top=top, within=within, pictures=pictures, meanings=meanings)
    )
    compared = {"picture": pictures, "meaning": meanings}
    found = Found(
        query=query,
        moments=moments,
        nearest=nearest,
        searched=(*finder.searched, *(source for source in _COMPARED if compared[source])),
        videos=len(indexes),
        within=within,
        described=words if words != query else "",
        usage=spent,
    )
    if not confirm or not (moments or nearest):
        return found
    by_digest = {index.video.digest: index for index in indexes}
    # What words alone leave in doubt is looked at, too: a caption may have missed what is there.
    looked, usage = await _looked_at(moments or nearest, by_digest, query, settings, on_event, budget)
    stay = tuple(one for one in looked if one.confirmed is not False and (moments or one.confirmed))
    return found.model_copy(
        update={
            "moments": tuple(sorted(stay, key=lambda one: not one.confirmed)),
            "nearest": () if moments else tuple(one for one in looked if one.confirmed is None),
            "dropped": tuple(one for one in looked if one.confirmed is False),
            "usage": spent + usage,
        }
    )


def _reads_words(settings: Settings) -> bool:
    return settings.embed is not None and embedder_of(settings.embed).takes_texts


def has_pictures(index: Index, settings: Settings) -> bool:
    """Whether pictures of this video are kept that can be compared with words."""
    try:
        return (
            _reads_words(settings)
            and len(frames_kept([index], settings, embedder_of(settings.embed or ""))) > 0
        )
    except ModelUnavailable:
        return False


def moments_for(
    index: Index,
    question: str,
    settings: Settings,
    on_event: EventSink,
    *,
    description: str | None = None,
    meanings: Sequence[Compared] = (),
) -> tuple[Moment, ...]:
    """Moments of one video that bear on a question about it, for whoever reads and looks further. Blocking.
    `description` is what its pictures are compared with, the question itself where it is None; `meanings` are
    its texts compared by meaning.

    By words, and by the pictures that are embedded already: nothing is decoded. Without pictures where
    `embed` reads no words or cannot be loaded; a notice says so, since the question can be answered without
    it. None where words are all there is.
    """
    pictures: list[Compared] = []
    try:
        if settings.embed is not None:
            embedder = embedder_of(settings.embed)
            words = question if description is None else description
            pictures = _near([index], words, settings, embedder) if embedder.takes_texts else []
    except ModelUnavailable as error:
        on_event(Notice(text=f"pictures are not compared with the question: {error}"))
    if not pictures and not meanings:
        return ()
    return _finder([index]).find(question, top=_POINTED, pictures=pictures, meanings=meanings)[0]


def _pictured(
    indexes: Sequence[Index],
    query: str,
    picture: bytes | None,
    within: Span | None,
    settings: Settings,
    on_event: EventSink,
) -> list[Compared]:
    """The shots by their pictures: like one where one is given, else near to the words. Frames not embedded
    yet are embedded first.
    """
    name = settings.embed or (OFFLINE if picture is not None else None)
    if name is None:
        return []
    embedder = embedder_of(name)
    if picture is None and not embedder.takes_texts:
        on_event(Notice(text=f"the {name} embedder knows no words; pictures are compared with --like alone"))
        return []
    unread: list[VideoError] = []
    for index in indexes:
        try:
            embed_index(index, settings, embedder, on_event)
        except VideoError as error:
            on_event(Notice(text=f"not all pictures of {index.video.path} are compared: {error}"))
            unread.append(error)
    frames = frames_kept(indexes, settings, embedder)
    if picture is None:
        if unread and len(indexes) == 1 and not len(frames):
            raise unread[0]
        return _near(indexes, query, settings, embedder, within)
    if not len(frames):
        raise InputError(_no_frames(indexes, name, unread)) from (unread[0] if unread else None)
    shown = embedder.embed_images([picture])
    found = like_picture(*nearest_shots(indexes, frames, shown, within), shown, chance=_chance(frames))
    if name != OFFLINE:
        return found
    return [replace(one, quote=f"{one.quote}, by colour and texture alone") for one in found]


def _chance(frames: VectorIndex) -> float:
    """How alike frames are by chance: drawn once for vectors that stay in memory."""
    if frames not in _chances:
        sample = frames.vectors(frames.sample(_SAMPLED_FRAMES))
        _chances[frames] = likeness_of_strangers(
            list(sample), np.stack(list(sample.values())), count=len(frames)
        )
    return _chances[frames]


def _no_frames(indexes: Sequence[Index], name: str, unread: Sequence[VideoError]) -> str:
    one = len(indexes) == 1
    of = indexes[0].video.path if one else f"{len(indexes)} videos"
    why = f", nor can they be read now ({unread[0]})" if unread else ""
    how = (
        f"mrvideo index {shlex.quote(indexes[0].video.path) if one else 'VIDEO'} --embed {shlex.quote(name)}"
    )
    return f"{of}: no frames are kept as vectors to compare with the picture{why}; {how} keeps them, where the file is"


def _near(
    indexes: Sequence[Index], query: str, settings: Settings, embedder: Embedder, within: Span | None = None
) -> list[Compared]:
    """The shots by nearness of their kept frames to some words."""
    frames = frames_kept(indexes, settings, embedder)
    if not len(frames):
        return []
    words = embedder.embed_texts([query, *RANDOM_TEXTS])
    return like_text(*nearest_shots(indexes, frames, words[:1], within), words[:1], words[1:])


def library_indexes(
    settings: Settings, *, folder: str | None = None, shown: Callable[[str], bool] = lambda path: True
) -> tuple[Index, ...]:
    """The newest index of every video of the library, or of those below a folder; `shown` may leave out more,
    by path.

    Raises `InputError` where there is no library, or it holds none of them.
    """
    if not settings.library.exists():
        raise InputError(f"no library at {settings.library}; index a video first, or name it with --library")
    with closing(Library.open(settings.library, create=False)) as library:
        known = library.videos() if folder is None else _below(folder, library.videos())
        found = [(video, library.latest_index(video.digest)) for video in known if shown(video.path)]
    indexes = tuple(index.model_copy(update={"video": video}) for video, index in found if index is not None)
    if not indexes:
        where = "" if folder is None else f" below {folder}"
        raise InputError(f"no indexed video{where} in {settings.library}; run mrvideo index first")
    return indexes


def _below(folder: str, known: Sequence[VideoInfo]) -> list[VideoInfo]:
    """Those of the videos that lie below a folder: by path, and, where a file was moved there, by content."""
    root = Path(folder).resolve()
    files: dict[int, list[Path]] = defaultdict(list)
    for path in sorted(root.rglob("*")):
        if is_file(path):
            files[path.stat().st_size].append(path)
    found: list[VideoInfo] = []
    for video in known:
        path = None if is_url(video.path) else Path(video.path).resolve()
        if path is None or not path.is_relative_to(root):
            # Only files of the same size are read to tell.
            moved = (p for p in files.get(video.size_bytes, ()) if _is_content(p, video.digest))
            path = next(moved, None)
        if path is not None:
            found.append(video.model_copy(update={"path": str(path)}))
    return found


def _is_content(path: Path, digest: str) -> bool:
    try:
        return digest_of(path) == digest
    except VideoError:
        return False


def _finder(indexes: Sequence[Index]) -> Finder:
    """The finder of these indexes: the last ones are kept, since reading hours of captions takes longer than
    finding.
    """
    # A cast that was put right changes the texts of an index, not its key.
    key = tuple(
        (index.video.digest, index.video.path, index.key, index.created_at, index.entities)
        for index in indexes
    )
    with _finders_lock:
        kept = _finders.get(key)
    if kept is not None:
        return kept
    made = Finder(indexes)
    with _finders_lock:
        _finders[key] = made
        while len(_finders) > _FINDERS_KEPT:
            del _finders[next(iter(_finders))]
    return made


async def _looked_at(
    moments: Sequence[Moment],
    indexes: Mapping[str, Index],
    query: str,
    settings: Settings,
    on_event: EventSink,
    budget: Budget | None,
) -> tuple[list[Moment], Usage]:
    """The moments in their order with what the vision model found there, each by a call of its own, and what
    that took.
    """
    shared = budget or budget_of(settings)
    looked: dict[int, Moment] = {}
    used: list[Usage] = []

    async def look(place: int, vision: Model) -> None:
        moment = moments[place]
        try:
            looked[place], usage = await _checked(
                moment, indexes[moment.video_digest], query, settings, vision
            )
        except ModelUnavailable:
            raise
        except (ModelError, VideoError) as error:
            on_event(Notice(text=f"{moment.span} could not be looked at: {error}"))
            looked[place] = moment
        else:
            used.append(usage)

    for digest in dict.fromkeys(moment.video_digest for moment in moments):
        own = [place for place, moment in enumerate(moments) if moment.video_digest == digest]
        # What each look takes is summed up here.
        async with models_at_hand(settings, shared, lambda event: None, video=digest) as models:
            await together(look(place, models.vision) for place in own)
    return [looked[place] for place in range(len(moments))], sum(used, Usage())


async def _checked(
    moment: Moment, index: Index, query: str, settings: Settings, vision: Model
) -> tuple[Moment, Usage]:
    while True:
        able = vision.capabilities
        try:
            reply = await _verdict(moment, index, query, settings, vision)
            break
        except RequestTooLarge:
            # What it takes is known now, and fewer pictures are sent; unless it took no fewer.
            if vision.capabilities == able:
                raise
    (verdict,) = reply.value.checks
    changed: dict[str, object] = {
        "confirmed": {"yes": True, "other_time": True, "no": False, "unclear": None}[verdict.verdict],
        "seen": verdict.seen,
    }
    if verdict.shown is not None:
        inside = Span(*verdict.shown).intersection(index.span)
        changed |= inside.model_dump() if inside is not None else {}
    return moment.model_copy(update=changed), reply.usage


async def _verdict(
    moment: Moment, index: Index, query: str, settings: Settings, vision: Model
) -> Reply[VerifyReply]:
    shown = moment.span.padded(_PADDED_SECONDS, within=index.span)
    count = min(CONFIRM_FRAMES, vision.capabilities.look_images)
    source = cropped_source(index, settings, long_side_pixels=vision.capabilities.long_side_pixels)
    frames = await frames_at(source, shown.spread(count))
    heard = [cue for cue in index.cues if cue.span.overlaps(shown)]
    request = Request(
        prompt=load_prompt("verify"),
        inputs=VerifyInputs(
            statements=(Statement(text=query, spans=(moment.span,)),),
            spans=(moment.span,),
            frame_times=tuple(frame.time_seconds for frame in frames),
            cues=tuple(CueLine.of(cue) for cue in heard),
            speech=speech_of(index, [shown], heard),
        ),
        reply_type=VerifyReply,
        stage="verify",
        pictures=tuple(map(Picture.of, frames)),
        span=shown,
    )
    return await vision.run(request)
