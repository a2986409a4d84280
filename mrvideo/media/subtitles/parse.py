"""Subtitle files to lines: which format it is, SRT and WebVTT; each of the others has a file of its own.

Every parser takes time in proportion to the file, and counts what it cannot read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from mrvideo.errors import SubtitleError
from mrvideo.media.subtitles.ass import read_ass
from mrvideo.media.subtitles.encoding import decode
from mrvideo.media.subtitles.karaoke import grown, rejoined
from mrvideo.media.subtitles.rows import looks_like_rows, read_rows
from mrvideo.media.subtitles.sami import looks_like_sami, read_sami
from mrvideo.media.subtitles.text import BACKSLASH, Line, plain_cue, spoken, unmarked
from mrvideo.media.subtitles.ttml import looks_like_ttml, read_ttml

MAX_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file holds, on its own clock, and what of it could not be read."""

    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()


def parse(data: bytes, name: str, language: str | None = None) -> Parsed:
    """A subtitle file's lines, plain and with their speakers. `name` gives the format by its suffix and leads
    messages, `language` helps to find the encoding, and chooses in a file of several languages.

    What cannot be read is counted in the notes. Raises `SubtitleError` when nothing can.
    """
    if len(data) > MAX_BYTES:
        raise SubtitleError(f"{name}: {len(data) >> 20} MB is too big for a subtitle file")
    text, notes = decode(data, language)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace(BACKSLASH, "")
    suffix = name.lower().rpartition(".")[2]
    if not text.strip():
        return Parsed((), ("the file is empty",))
    lines, unreadable, more = _lines(text, name, suffix, language)
    notes += more
    if unreadable:
        notes.append(f"unreadable blocks left out: {unreadable}")
    if not lines and (unreadable or not text.startswith("WEBVTT")):
        raise SubtitleError(f"{name}: no subtitle in it can be read; is it an SRT, WebVTT or ASS file?")
    return Parsed(tuple(unmarked(grown(spoken(lines)))), tuple(notes))


def joins_lines(text: str) -> bool:
    """Whether lines of this SRT or WebVTT text are taken for letters of longer ones, and joined."""
    lines, _ = _vtt(text) if text.startswith("WEBVTT") else _srt(text)
    return grown(spoken(rejoined(lines))) != spoken(lines)


def _lines(text: str, name: str, suffix: str, language: str | None) -> tuple[list[Line], int, list[str]]:
    """Marked-up lines, how many blocks are unreadable, and notes. XML and SAMI come first: their comments end
    in `-->`.
    """
    if text.startswith("WEBVTT") or suffix == "vtt":
        lines, unreadable = _vtt(text)
        return rejoined(lines), unreadable, []
    if looks_like_ttml(text, suffix):
        return read_ttml(text, name)
    if looks_like_sami(text, suffix):
        return read_sami(text, language)
    if re.search(r"^Dialogue:", text, re.MULTILINE) or suffix in ("ass", "ssa"):
        return *read_ass(text), []
    if looks_like_rows(text):
        lines, unreadable = read_rows(text, name)
        return rejoined(lines), unreadable, []
    if "-->" in text or suffix == "srt":
        lines, unreadable = _srt(text)
        return rejoined(lines), unreadable, []
    raise SubtitleError(f"{name}: not a subtitle format that can be read; convert it to SRT or WebVTT")


_STAMP = r"-?(?:\d+:)?\d{1,2}:\d{1,2}[.,]\d{1,3}"
_TIMING = re.compile(rf"^\s*({_STAMP})\s*-->\s*({_STAMP})(?=\s|$)")
_NUMBERED = re.compile(r"^\d+$")

_Times = tuple[int, int]


def _srt(text: str) -> tuple[list[Line], int]:
    """Each block runs from its timing line to the next one; the number right before that belongs to the next."""
    rows = text.split("\n")
    heads = [i for i, row in enumerate(rows) if "-->" in row and re.search(r"\d:\d", row)]
    lines: list[Line] = []
    unreadable = 0
    for at, until in zip([-1, *heads], [*heads, len(rows)], strict=True):
        payload = rows[at + 1 : until]
        if until < len(rows) and payload and _NUMBERED.match(payload[-1].strip()):
            payload.pop()
        kept, timeless = _without_timeless(payload)
        unreadable += timeless
        times = _times(rows[at]) if at >= 0 else None
        if times:
            lines += _line(times, kept)
        elif at >= 0 or any(row.strip() for row in kept):
            unreadable += 1  # a timing line that says no times, or words before the first one
    return lines, unreadable


def _without_timeless(rows: list[str]) -> tuple[list[str], int]:
    """Rows up to one that looks like the number of a block whose timing line is missing, and how many such
    follow.
    """
    starts = [
        i
        for i in range(len(rows) - 1)
        if _NUMBERED.match(rows[i].strip()) and rows[i + 1].strip() and i > 0 and not rows[i - 1].strip()
    ]
    return (rows[: starts[0]], len(starts)) if starts else (rows, 0)


def _vtt(text: str) -> tuple[list[Line], int]:
    """Blocks between blank lines; NOTE, STYLE and REGION are not spoken, but a timing line ends them; a line
    before the timing is a name.
    """
    lines: list[Line] = []
    blocks = rolling = unreadable = 0
    for number, block in enumerate(re.split(r"\n\n+", text.strip("\n"))):
        rows = block.strip("\n").split("\n")
        if not any(row.strip() for row in rows):
            continue
        heads = [i for i, row in enumerate(rows) if _TIMING.match(row)]
        if not heads and re.match(r"(NOTE|STYLE|REGION)(\s|$)", rows[0]):
            continue
        first = next((i for i, row in enumerate(rows) if "-->" in row), None)
        if first is None:
            unreadable += 0 if number == 0 and rows[0].startswith("WEBVTT") else 1
            continue
        if not heads or first < heads[0]:
            unreadable += 1
        # A second timing line inside a block: the blank line between two cues is missing.
        for at, until in pairwise([*heads, len(rows)]):
            payload = rows[at + 1 : until]
            if until < len(rows) and payload and _NUMBERED.match(payload[-1].strip()):
                payload.pop()
            times = _times(rows[at], vtt=True)
            if times is None:
                unreadable += 1
                continue
            blocks += 1
            rolling += any(re.search(r"<\d+:[\d:.]+>", row) for row in payload)
            # In WebVTT a backslash is a backslash, elsewhere it may break a line.
            lines += _line(times, [re.sub(r"(?<!\{)\\", BACKSLASH, row) for row in payload])
    return (_unrolled(lines) if rolling * 3 > blocks else lines), unreadable


def _times(row: str, *, vtt: bool = False) -> _Times | None:
    """A timing line's two times in milliseconds; None when it says none, or an hour has too many digits for
    its format. Before zero is zero.
    """
    found = _TIMING.match(row)
    if found is None:
        return None
    times: list[int] = []
    for stamp in (found[1], found[2]):
        clock_part, fraction = re.split("[.,]", stamp.removeprefix("-"))
        fields = clock_part.split(":")
        if len(fields) == 3 and len(fields[0]) > (4 if vtt else 2):
            return None
        hours, minutes, seconds = map(int, ["0", *fields][-3:])
        whole = (hours * 60 + minutes) * 60 + seconds
        times.append(0 if stamp.startswith("-") else whole * 1000 + int(fraction.ljust(3, "0")))
    return times[0], times[1]


def _line(times: _Times, rows: list[str]) -> list[Line]:
    words = plain_cue("\n".join(row for row in rows if row.strip()))
    return [Line(*times, words)] if words else []


_SCREEN_ROWS = 15
"""As many as a live caption's screen has."""


def _unrolled(lines: list[Line]) -> list[Line]:
    """Live captions repeat what stands above the new line: each line once, from when it first stood."""
    result: list[Line] = []
    above: list[str] = []
    for line in sorted(lines, key=lambda line: line.start_ms):
        rows = line.text.split("\n")
        most = min(len(rows), len(above), _SCREEN_ROWS)
        shared = next((n for n in range(most, 0, -1) if above[-n:] == rows[:n]), 0)
        above = rows
        if rows[shared:]:
            result.append(Line(line.start_ms, line.stop_ms, "\n".join(rows[shared:]), line.speaker))
        elif result and line.start_ms <= result[-1].stop_ms + 100:
            last = result[-1]
            result[-1] = Line(last.start_ms, max(last.stop_ms, line.stop_ms), last.text, last.speaker)
    return result
