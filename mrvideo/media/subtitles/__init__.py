"""What is said, from subtitles: found, chosen, read, and put on the video's clock.

from mrvideo.media.subtitles import load_subtitles

found = load_subtitles("talk.mp4", language="en")
found.cues    # in order of start; overlaps kept
found.notes   # what could not be read, one line each
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal

from mrvideo.errors import SubtitleError
from mrvideo.files import read_small
from mrvideo.media.subtitles.embedded import Container, Track, look_into, read_track
from mrvideo.media.subtitles.languages import normalised
from mrvideo.media.subtitles.parse import MAX_BYTES, Parsed, parse
from mrvideo.media.subtitles.sidecar import Sidecar, sidecars, tagged_language
from mrvideo.media.subtitles.write import TimedLine, write_srt, write_vtt
from mrvideo.records import Cue
from mrvideo.wording import is_url

__all__ = [
    "Subtitles",
    "TimedLine",
    "load_cues",
    "load_subtitles",
    "write_srt",
    "write_vtt",
]

READING_SECONDS = 2.0
"""How long a line without a length stands, unless the next one comes sooner."""

LONGEST_CHARACTERS = 5_000
"""Of one cue: nobody says more in the time that a line stands, and it would stand in every request about that
time.
"""
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Subtitles:
    """A video's cues in order of start, where they come from, and notes for the user, one line each."""

    cues: tuple[Cue, ...] = ()
    notes: tuple[str, ...] = ()
    origin: str | None = None


def load_cues(
    video_path: Path | str,
    *,
    subtitles: Path | None = None,
    language: str | None = None,
    allow_url: bool = False,
) -> tuple[Cue, ...]:
    """The cues of `load_subtitles` alone: `()` when there are none.

    Raises also `SubtitleError` where that found subtitles, none of which can be read.
    """
    found = load_subtitles(video_path, subtitles=subtitles, language=language, allow_url=allow_url)
    if found.origin is None and found.notes:
        raise SubtitleError("; ".join(found.notes))
    return found.cues


def load_subtitles(
    video_path: Path | str,
    *,
    subtitles: Path | None = None,
    language: str | None = None,
    allow_url: bool = False,
    folders: Sequence[Path] | None = None,
) -> Subtitles:
    """The best subtitles of a video: the file given, else one beside it, else a text stream inside it.

    `language` (`en`, `eng`, `English`) prefers a track, and is that of a file whose name says none; without
    it the plainest name, then the container's default wins. Forced tracks come last. Cues lie on the video's
    clock, zero at its first picture. With `folders`, a file beside it is read only if, once open, it lies in
    one of them. Raises `SubtitleError` when the file given is missing or cannot be read, and the `VideoError`
    tree.
    """
    beside = [] if subtitles is not None or is_url(str(video_path)) else sidecars(Path(video_path))
    inside = look_into(video_path, clock=bool(beside) or subtitles is not None, allow_url=allow_url)
    wanted = normalised(language) if language else None
    if subtitles is not None:
        return _from_file(Sidecar(subtitles, tagged_language(subtitles), False), inside, wanted)
    notes: list[str] = []
    ranked = sorted([*beside, *inside.tracks], key=lambda track: _rank(track, wanted))
    for track in ranked:
        try:
            found = (
                _from_file(track, inside, wanted, folders)
                if isinstance(track, Sidecar)
                else _from_track(track, video_path, inside, allow_url)
            )
        except SubtitleError as error:
            notes.append(str(error))
            continue
        if wanted and track.language not in (wanted, None):
            notes.append(f"no subtitles in {wanted}; taken: {track.language} from {found.origin}")
        if found.cues or track is ranked[-1]:
            return Subtitles(found.cues, (*notes, *found.notes), found.origin)
        notes += found.notes
    if not inside.tracks:
        notes += _unread(inside)
    streams = inside.picture_tracks or inside.undecoded_tracks
    return Subtitles((), tuple(notes), "embedded" if streams and not inside.tracks and not beside else None)


def _unread(inside: Container) -> Iterator[str]:
    """What streams there are that give no text."""
    if count := inside.picture_tracks:
        yield f"{count} subtitle {'stream is' if count == 1 else 'streams are'} pictures, not text, and not read"
    if count := inside.undecoded_tracks:
        yield (
            f"{count} subtitle {'stream is' if count == 1 else 'streams are'} of a kind that is not decoded here (as TTML, "
            "teletext, ARIB and CEA-608 are) and not read; extract it to SRT or WebVTT and name that file"
        )


def _rank(track: Sidecar | Track, wanted: str | None) -> tuple[int, ...]:
    language = 0 if wanted is None or track.language == wanted else 1 if track.language is None else 2
    inside = isinstance(track, Track)
    return (language, track.forced, inside, inside and not track.default)


def _from_file(
    sidecar: Sidecar, inside: Container, wanted: str | None, folders: Sequence[Path] | None = None
) -> Subtitles:
    path = sidecar.path
    language = sidecar.language or wanted
    data = read_small(path, most_bytes=MAX_BYTES, what="subtitle file", error=SubtitleError, folders=folders)
    parsed = parse(data, str(path), language)
    # A player shows a file's zero when the container starts, which may be before the first picture.
    shift = inside.start_seconds - inside.first_frame_seconds
    return _placed(parsed, shift, inside, "sidecar", language, str(path))


def _from_track(track: Track, video_path: Path | str, inside: Container, allow_url: bool) -> Subtitles:
    lines, unreadable = read_track(video_path, track.stream_index, allow_url=allow_url)
    notes = (f"{unreadable} packets could not be read and are missing",) if unreadable else ()
    origin = f"{video_path}, stream {track.stream_index}"
    return _placed(
        Parsed(tuple(lines), notes), -inside.first_frame_seconds, inside, "embedded", track.language, origin
    )


def _placed(
    parsed: Parsed,
    shift_seconds: float,
    inside: Container,
    source: Literal["sidecar", "embedded"],
    language: str | None,
    origin: str,
) -> Subtitles:
    """Lines as cues on the video's clock. What had no length gets one; what lies before the start is counted."""
    cues: list[Cue] = []
    mended = early = cut = 0
    following = _following(line.start_ms for line in parsed.lines)
    for line in sorted(parsed.lines, key=lambda line: (line.start_ms, line.stop_ms)):
        start_ms, stop_ms = line.start_ms, line.stop_ms
        if stop_ms <= start_ms:
            mended += 1
            stop_ms = min(start_ms + round(READING_SECONDS * 1000), following.get(start_ms, sys.maxsize))
        start = round(start_ms / 1000 + shift_seconds, 3)
        stop = round(stop_ms / 1000 + shift_seconds, 3)
        if stop <= 0:
            early += 1
            continue
        text = line.text
        if len(text) > LONGEST_CHARACTERS:
            cut += 1
            text = text[: LONGEST_CHARACTERS - 1] + "…"
        cues.append(
            Cue(
                start_seconds=max(start, 0.0),
                stop_seconds=stop,
                text=text,
                speaker=None if line.speaker is None else line.speaker[:_LONGEST_NAME],
                source=source,
                language=language,
            )
        )
    notes = list(parsed.notes)
    if mended:
        notes.append(f"{mended} without a length, now {READING_SECONDS:g} s or until the next")
    if cut:
        notes.append(f"{cut} of more than {LONGEST_CHARACTERS:,} characters, cut there")
    if early:
        notes.append(f"{early} before the first picture, left out")
    duration = inside.duration_seconds
    if duration and (late := sum(cue.start_seconds >= duration for cue in cues)):
        notes.append(f"{late} of {len(cues)} start after the video's end: is it the right file?")
    cues.sort(key=lambda cue: (cue.start_seconds, cue.stop_seconds))
    return Subtitles(tuple(cues), tuple(f"{origin}: {note}" for note in notes), origin)


def _following(starts_ms: Iterable[int]) -> dict[int, int]:
    """For each start, the next later one; the last has none."""
    return dict(pairwise(sorted(set(starts_ms))))
