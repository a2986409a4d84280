"""Find the index that a video's name or digest means."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from mrvideo.captioning.options import index_key
from mrvideo.errors import InputError
from mrvideo.files import is_file
from mrvideo.library import Library
from mrvideo.media.identity import probe
from mrvideo.media.sources import named
from mrvideo.models import Budget
from mrvideo.records import EventSink, Index, Notice, VideoInfo
from mrvideo.session.fetching import fetched_video
from mrvideo.session.indexing import index_video
from mrvideo.session.models import seeing_identity
from mrvideo.session.options import captioning_options, read_options
from mrvideo.session.origins import key_for_file, not_its_own
from mrvideo.settings import Settings
from mrvideo.wording import is_url

SHORTEST_DIGEST = 8
"""Digits by which a video may be named."""

_STAGE_A = (
    "recipe",
    "detail",
    "clip_seconds",
    "shard_seconds",
    "frames_per_second",
    "keyframes_only",
    "reader",
    "long_side_pixels",
    "jpeg_quality",
    "vision",
    "cast",
    "speech",
    "language",
)
"""Settings that name an index: when one is given, an index made otherwise does not do."""


def begins_digest(name: str, digest: str) -> bool:
    """Whether a name may be the start of that digest."""
    return len(name) >= SHORTEST_DIGEST and digest.startswith(name.lower())


def load_index(video: str, settings: Settings) -> Index:
    """The newest index of a video, named by path or by the first 8 or more digits of its digest, however it
    was made.

    Nothing is decoded and no model is called; the file itself may be gone. Raises `InputError` when it was
    never indexed.
    """
    with closing(Library.open(settings.library, create=False)) as library:
        found = newest_index(video, library, settings)
        begun = [
            known.path
            for known in (library.videos() if found is None else ())
            if str(Path(known.path).absolute()) == str(Path(video).absolute())
            or begins_digest(video, known.digest)
        ]
    if found is None:
        raise _not_indexed(begun[0] if begun else video, settings, begun=bool(begun))
    return found


def video_of_digest(digest: str, settings: Settings) -> VideoInfo:
    """The video alone, named by the first 8 or more digits of its digest: no record of an index is read, and
    it may be indexed in part only. Raises `InputError` for one that the library does not know.
    """
    with closing(Library.open(settings.library, create=False)) as library:
        for known in library.videos():
            if begins_digest(digest, known.digest):
                return known
    raise _not_indexed(digest, settings, begun=False)


def _not_indexed(video: str, settings: Settings, *, begun: bool) -> InputError:
    what = "is begun in" if begun else "is not in"
    then = "again: it goes on where it stopped" if begun else "on it first"
    return InputError(f"{video} {what} {settings.library}; run mrvideo index {then}")


def newest_index(video: str, library: Library, settings: Settings) -> Index | None:
    """The newest index of a video that is named by path, by its former path, or by the start of its digest.

    Of copies of one film with other subtitles, each file has the index that was made with its own.
    """
    path = named(video)
    if is_file(video):
        info = probe(video, read_options(settings))
        meant = key_for_file(info, library, settings)
        index = None if meant is None else library.index(info.digest, meant[0])
        return index and index.model_copy(update={"video": info})
    videos = library.videos()
    for known in videos:
        fetched = known.page is not None and known.page.is_at(path)
        if begins_digest(video, known.digest) or fetched or known.path in (path, str(Path(video).absolute())):
            return library.latest_index(known.digest)
    of_list = [known.path for known in videos if known.page is not None and known.page.playlist == path]
    if of_list:
        raise InputError(f"{path} is a list of videos; name one of them: {', '.join(of_list)[:2_000]}")
    return None


def is_removed(index: Index) -> bool:
    """Whether the video was fetched from a page, and its file is gone."""
    return index.video.page is not None and not is_file(index.video.path)


def index_for_question(
    path: str,
    settings: Settings,
    origins: dict[str, str],
    *,
    on_event: EventSink,
    subtitles: Path | None = None,
    budget: Budget | None = None,
) -> Index:
    """The index to ask: the newest one, unless a setting of stage A was given explicitly; else a new one is
    made.
    """
    given = {name for name in _STAGE_A if origins[name] != "default"}
    asks_for_one = subtitles is not None or bool(given)
    gone = not is_url(path) and not is_file(path)
    if not asks_for_one or gone:
        with closing(Library.open(settings.library, create=False)) as library:
            found = newest_index(path, library, settings)
        # What a page led to may have been removed since: a question looks at its pixels.
        if found is not None and not (is_url(path) and is_removed(found)):
            if line := not_its_own(found, settings):
                on_event(Notice(text=line))
            return found
        if found is not None:
            path = fetched_video(path, settings, on_event)
            with closing(Library.open(settings.library, create=False)) as library:
                found = newest_index(path, library, settings)
            if found is not None:
                return found
    # With nothing given the newest index would have done, whatever its detail.
    may_be_glance = subtitles is None and bool(given) and given <= {"vision", "recipe"}
    if may_be_glance and (found := glanced_index(path, settings)) is not None:
        told = f"asked of the index made with --detail glance; add --detail {settings.detail} for a new one"
        on_event(Notice(text=told))
        return found
    return index_video(path, settings, subtitles=subtitles, on_event=on_event, retry=False, budget=budget)


def glanced_index(path: str, settings: Settings) -> Index | None:
    """The newest index, where these settings made it but for `--detail glance`, and there is none with the
    detail that they have.
    """
    if settings.detail == "glance" or settings.recipe != "fused":
        return None
    with closing(Library.open(settings.library, create=False)) as library:
        newest = newest_index(path, library, settings)
        if newest is None:
            return None
        full, glance = (
            index_key(
                newest.video,
                newest.cues,
                options=captioning_options(settings.model_copy(update={"detail": detail})),
                vision=seeing_identity(settings),
            )
            for detail in (settings.detail, "glance")
        )
        return newest if newest.key == glance and library.index(newest.video.digest, full) is None else None
