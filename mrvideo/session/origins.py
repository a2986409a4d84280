"""Where the cues of a video file come from: copies of one film share a digest, and may have other subtitles.

german.mp4   german.de.srt ──► index A (cues_of german.mp4)      same content, one digest; an index for each
russian.mp4  russian.srt ────► index B (cues_of russian.mp4)     set of cues; the last one is the film's latest
base.mp4     none            ► the latest, and a line says so
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrvideo.captioning.options import cues_digest
from mrvideo.errors import SubtitleError, VideoError
from mrvideo.files import absolute, is_file
from mrvideo.library import Library
from mrvideo.media.subtitles import load_subtitles
from mrvideo.records import Cue, Index, VideoInfo
from mrvideo.settings import Settings
from mrvideo.wording import is_url

CUES_FROM = "cues_from"
"""Of an index's settings: the subtitle file, the stream inside the film, or the transcriber."""
CUES_OF = "cues_of"
"""Of an index's settings: the video file that these cues were beside, inside or given for."""

_SPEECH = "speech "


@dataclass(frozen=True, slots=True)
class CueOrigin:
    """Where cues come from (`source`), and the video file that they were found for; paths are absolute.

    Each is None where an earlier version kept the cues and did not say.
    """

    source: str | None
    film: str | None

    @property
    def settings(self) -> dict[str, str]:
        """As an index keeps it. No part of its key: the same cues from elsewhere change nothing."""
        found = {CUES_FROM: self.source, CUES_OF: self.film}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def is_speech(self) -> bool:
        """Whether they were heard in the film, which is the same in every copy."""
        return self.source is not None and self.source.startswith(_SPEECH)


def origin_found(source: str, info: VideoInfo) -> CueOrigin:
    """Of cues beside a file, inside it, or given for it. `source` is as `Subtitles.origin` tells it."""
    return CueOrigin(absolute(source), absolute(info.path))


def origin_heard(transcriber: str, info: VideoInfo) -> CueOrigin:
    """Of cues that were transcribed."""
    return CueOrigin(f"{_SPEECH}{transcriber}", absolute(info.path))


def origin_kept(digest: str, library: Library) -> CueOrigin:
    """Of the cues that the library holds of this content."""
    kept = cues_digest(library.cues(digest))
    for _, made in library.index_settings(digest):
        if made.get("cues") == kept and CUES_OF in made:
            return CueOrigin(made.get(CUES_FROM), made[CUES_OF])
    return CueOrigin(library.cues_origin(digest), None)


def file_name(source: str, video: str) -> str:
    """A subtitle file as it is told beside this video: its name in the video's folder, else its path."""
    beside = Path(absolute(video)).parent
    return Path(source).name if not is_url(source) and Path(source).parent == beside else source


def replacing(info: VideoInfo, new: CueOrigin, old: CueOrigin, *, known: str | None) -> str | None:
    """A line for cues that take the place of those kept for the same content; None where both come from one
    place. `known` is the path under which the library knows that content.
    """
    if new.source is None or old.source is None or _same_place(new.source, old.source):
        return None
    before = old.film or known
    copy = before is not None and absolute(before) != absolute(info.path)
    same = f" is the same film as {file_name(absolute(before), info.path)}" if copy and before else ""
    return (
        f"{info.path}{same}: its subtitles ({file_name(new.source, info.path)}) take the place of those from "
        f"{file_name(old.source, info.path)} in search; each file is shown and asked with its own"
        if copy
        else f"{info.path}: cues from {file_name(new.source, info.path)} take the place of those from "
        f"{file_name(old.source, info.path)}"
    )


def _same_place(new: str, old: str) -> bool:
    # Earlier versions kept the path as it was given.
    return new == old or (not Path(old).is_absolute() and Path(new).parts[-1:] == Path(old).parts[-1:])


def borrowing(info: VideoInfo, origin: CueOrigin) -> str | None:
    """A line for a file without subtitles that is given those kept for the same content; None for speech."""
    if origin.is_speech:
        return None
    source = "another file of the same film" if origin.source is None else origin.source
    return f"{info.path} has no subtitles of its own: those from {file_name(source, info.path)} are used"


def key_for_file(info: VideoInfo, library: Library, settings: Settings) -> tuple[str, dict[str, Any]] | None:
    """Key and settings of the index that this file means: of several with other cues, the newest one that was
    made for this path, else with the subtitles that lie beside it, else the newest. None without any.
    """
    made = library.index_settings(info.digest)
    if not made:
        return None
    if len({one.get("cues") for _, one in made}) > 1:
        path = absolute(info.path)
        of_path = next((one for one in made if one[1].get(CUES_OF) == path), None)
        if of_path is not None:
            return of_path
        own = _own_cues(info.path, settings)
        beside = next((one for one in made if own and one[1].get("cues") == cues_digest(own)), None)
        if beside is not None:
            return beside
    return made[0]


def not_its_own(index: Index, settings: Settings) -> str | None:
    """A line where the cues of an index are those of another file with the same content; None where they are
    the file's own, were heard, or where that is not known.
    """
    path, film, source = index.video.path, index.settings.get(CUES_OF), index.settings.get(CUES_FROM)
    if not index.cues or index.cues[0].source != "sidecar" or film is None or film == absolute(path):
        return None
    if is_url(path) or not is_file(path):
        return None
    own = _own_cues(path, settings)
    if own and cues_digest(own) == index.settings.get("cues"):
        return None
    if own:
        return (
            f"{path} has subtitles of its own, and was not indexed with them: the cues are from "
            f"{file_name(str(source), path)}; run mrvideo index {shlex.quote(path)}"
        )
    return borrowing(index.video, CueOrigin(source, film))


def told_origin(cues: Sequence[Cue], made: Mapping[str, Any], video: str) -> str | None:
    """Where an index's cues come from, for people: `talk.en.srt`, `stream 2`, `speech openai:whisper-1`."""
    source = made.get(CUES_FROM)
    if not cues or not isinstance(source, str):
        return None
    if cues[0].source == "embedded":
        return source.rpartition(", ")[2]
    return source if source.startswith(_SPEECH) else file_name(source, video)


def _own_cues(path: str, settings: Settings) -> tuple[Cue, ...]:
    try:
        return load_subtitles(path, language=settings.language, allow_url=settings.allow_url).cues
    except (SubtitleError, VideoError):
        return ()
