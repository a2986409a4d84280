"""An index or an answer as one HTML page: frames are read here, chapters are those that are kept.

No model is called.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Sequence
from pathlib import Path
from urllib.parse import quote

from mrvideo.display.page import Chapter, Pictures, answer_page, index_page
from mrvideo.errors import InputError, VideoError
from mrvideo.files import is_file, not_written, write_text_whole
from mrvideo.media.looks import FrameSource
from mrvideo.records import Answer, Evidence, Index, Scene
from mrvideo.session.options import cropped_source
from mrvideo.session.telling import kept_chapters
from mrvideo.settings import Settings
from mrvideo.wording import counted, is_url, without_secrets

DEFAULT_PICTURES, MOST_PICTURES = 60, 1000
PICTURE_PIXELS = 400
_CAST_SHARE = 4
"""One in so many pictures is a member's, where the cast is that large."""
_LONG_SECONDS = 4.0
"""Evidence that lasts longer is shown by its beginning, middle and end."""


def page_of_index(
    index: Index, settings: Settings, *, most_pictures: int = DEFAULT_PICTURES, film: str | None = None
) -> str:
    """The page of an index, with up to `most_pictures` frames. `film` is an address from `film_beside`.

    Where the video's file is gone or is another by now the page has no pictures, and says why.
    Raises `InputError`, `LibraryError`.
    """
    _check(most_pictures)
    cast = index.entities[: min(len(index.entities), most_pictures // _CAST_SHARE)]
    scenes = _spread(index.scenes, most_pictures - len(cast))
    pictures, notes = (
        Pictures(),
        [f"No pictures: {most_pictures} were asked for."] if not most_pictures else [],
    )
    try:
        source = cropped_source(index, settings, long_side_pixels=PICTURE_PIXELS)
        for member in cast:
            shown = source if member.box is None else source.showing(member.box)
            for frame in shown.at([member.exemplar_seconds]):
                pictures.add(member.name, frame)
        _add(pictures, source, [(scene.index, scene.span.middle_seconds) for scene in scenes])
    except VideoError as error:
        notes.append(f"No pictures: {error}")
    if most_pictures and len(scenes) < len(index.scenes):
        notes.append(
            f"{len(scenes)} of {counted(len(index.scenes), 'scene')} and {len(cast)} of {len(index.entities)} in the cast "
            "have a picture; export with more --pictures shows more."
        )
    return index_page(
        index,
        chapters=_chapters(index, settings),
        pictures=pictures,
        player=film,
        notes=[*notes, *_full(pictures)],
    )


def page_of_answer(
    answer: Answer,
    index: Index,
    settings: Settings,
    *,
    most_pictures: int = DEFAULT_PICTURES,
    film: str | None = None,
) -> str:
    """The page of an answer, with frames of its evidence. As `page_of_index` else."""
    _check(most_pictures)
    pictures, notes = (
        Pictures(),
        [f"No pictures: {most_pictures} were asked for."] if not most_pictures else [],
    )
    wanted = _times([*answer.evidence, *answer.nearest])
    try:
        source = cropped_source(index, settings, long_side_pixels=PICTURE_PIXELS)
        _add(pictures, source, wanted[:most_pictures])
    except VideoError as error:
        notes.append(f"No pictures: {error}")
    if most_pictures and len(wanted) > most_pictures:
        notes.append(f"{most_pictures} of {len(wanted)} pictures of the evidence are shown.")
    return answer_page(
        answer,
        duration_seconds=index.video.duration_seconds,
        pictures=pictures,
        player=film,
        notes=[*notes, *_full(pictures)],
    )


def film_linked(page: Path | None, video: str, *, link_video: bool) -> str | None:
    """The address of the video's file for a page that is to play it; None for one that is not. Raises as
    `film_beside` does, and where there is no page that the path could be relative to.
    """
    if not link_video:
        return None
    if page is None:
        raise InputError(
            "a page that plays the video's file needs a file of its own: the path is relative to it"
        )
    return film_beside(page, video)


def film_beside(page: Path, video: str) -> str:
    """The address of the video's file as seen from the page's folder.

    Raises `InputError` where no relative path leads there.
    """
    if is_url(video) or not is_file(video):
        raise InputError(
            f"{without_secrets(video)}: no file that a page could play; leave out --link-video, the page has pictures"
        )
    try:
        path = os.path.relpath(Path(video).resolve(), page.absolute().parent.resolve())
    except ValueError as error:  # Another drive, on Windows.
        raise InputError(
            f"{video}: no relative path leads there from {page}; write the page beside it"
        ) from error
    # Every letter that means something in an address is escaped: a file's name is nothing but a name.
    return quote(Path(path).as_posix())


def check_page(page: Path, settings: Settings, *, video: str) -> None:
    """Raises `InputError`, before anything is paid for, where the page could not be written.

    It must not be the video or the library, and its folder must be there.
    """
    for kept in (Path(video), settings.library):
        if page.exists() and kept.exists() and page.samefile(kept):
            raise InputError(f"{page} would be overwritten by its own export; name another file")
    if page.is_dir() or not page.absolute().parent.is_dir():
        raise InputError(
            f"cannot write {page}: {'a folder' if page.is_dir() else 'its folder is missing'}; name a writable file"
        )


def write_page(page: Path, text: str) -> None:
    """Write it, whole or not at all. Raises `InputError`, and `NotWritten` for a disk that is full or fails."""
    try:
        write_text_whole(page, text)
    except OSError as error:
        raise not_written(f"cannot write {page}", error, way_out="name a writable file") from error


def _chapters(index: Index, settings: Settings) -> list[Chapter]:
    return [Chapter(node.span, node.title, node.text) for node in kept_chapters(index, settings) or ()]


def _add(pictures: Pictures, source: FrameSource, wanted: Sequence[tuple[Hashable, float]]) -> None:
    """Keep the frame at each time under its key."""
    frames = source.at([time for _, time in wanted])
    if len(frames) == len(wanted):
        for (key, _), frame in zip(wanted, frames, strict=True):
            pictures.add(key, frame)
        return
    # Times that cannot be read are left out: one by one, so that no frame stands beside another's words.
    for key, time in wanted:
        for frame in source.at([time]):
            pictures.add(key, frame)


def _spread(scenes: Sequence[Scene], most: int) -> list[Scene]:
    """All, or so many at even distances."""
    if len(scenes) <= most:
        return list(scenes)
    return [scenes[int((place + 0.5) * len(scenes) / most)] for place in range(most)]


def _times(evidence: Sequence[Evidence]) -> list[tuple[tuple[float, float, int], float]]:
    """(span and number, time) of each picture: first one of every span, then the second and third of the long
    ones.
    """
    spans = list(dict.fromkeys((one.start_seconds, one.stop_seconds) for one in evidence))
    found: list[tuple[tuple[float, float, int], float]] = []
    for number, share in enumerate((0.5, 0.15, 0.85)):
        for start, stop in spans:
            if number == 0 or stop - start > _LONG_SECONDS:
                found.append(((start, stop, number), start + share * (stop - start)))
    return found


def _full(pictures: Pictures) -> list[str]:
    if not pictures.left_out:
        return []
    return [
        f"{counted(pictures.left_out, 'picture')} left out: those shown are as many bytes as a page may have."
    ]


def _check(most_pictures: int) -> None:
    if not 0 <= most_pictures <= MOST_PICTURES:
        raise InputError(f"{most_pictures} pictures; give 0 to {MOST_PICTURES}")
