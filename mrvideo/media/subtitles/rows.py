"""Formats of one line a row: MicroDVD, MPL2, TMPlayer, and what Whisper's tools print.

{250}{300}Hello|there          [100][120]Hello|there
00:00:10:Hello|there           [00:10.000 -> 00:12.000]  Hello there
"""

from __future__ import annotations

import re
from itertools import islice

from mrvideo.errors import SubtitleError
from mrvideo.media.subtitles.text import Line, plain

_FRAMES = re.compile(r"\s*\{\s*(\d{1,9})\s*\}\s*\{\s*(\d{0,9})\s*\}(.*)")
_FRAMES_STYLE = re.compile(r"\s*\{DEFAULT\}\{[^{}]*\}", re.IGNORECASE)
_TENTHS = re.compile(r"\[(-?\d{1,9})\]\[(-?\d{0,9})\](.*)")
_SECONDS = re.compile(r"(\d{1,2}):(\d{2}):(\d{2}):(?!\d\d[:\s])(.*)")
_STAMP = r"(?:(\d{1,2}):)?(\d{2}):(\d{2})\.(\d{3})"
_PRINTED = re.compile(rf"\[{_STAMP} -{{1,2}}> {_STAMP}\]\s?(.*)")
_FORMATS = (_PRINTED, _FRAMES, _TENTHS, _SECONDS)
_LOOKED_AT = 50


def looks_like_rows(text: str) -> bool:
    """Whether one of the first rows is a line in one of these formats."""
    return _format_of(text) is not None


def read_rows(text: str, name: str) -> tuple[list[Line], int]:
    """Lines, and how many rows are none. One without an end has no length.

    Raises `SubtitleError` where a file counts in frames and does not say how many a second.
    """
    form = _format_of(text)
    lines: list[Line] = []
    unreadable = 0
    frames_per_second: float | None = None
    for row in text.split("\n"):
        found = form.match(row) if form else None
        if found is None:
            unreadable += bool(row.strip()) and not (form is _FRAMES and _FRAMES_STYLE.match(row) is not None)
            continue
        if form is _FRAMES and frames_per_second is None:
            frames_per_second = _declared(found, name)
            continue
        start, stop, words = _line_of(found, frames_per_second)
        if words := plain(words, braces_are_markup=True):
            lines.append(Line(start, stop, words))
    return lines, unreadable


def _format_of(text: str) -> re.Pattern[str] | None:
    rows = list(islice((row for row in text[:100_000].split("\n") if row.strip()), _LOOKED_AT))
    return next((form for form in _FORMATS if any(form.match(row) for row in rows)), None)


def _declared(found: re.Match[str], name: str) -> float:
    """Frames a second, which by custom are the words of a first line over `{1}{1}`."""
    number = found[3].strip().replace(",", ".")
    rate = float(number) if re.fullmatch(r"\d{1,4}(?:\.\d{1,6})?", number) else 0.0
    if (found[1], found[2]) not in (("1", "1"), ("0", "0")) or not 1 <= rate <= 1000:
        raise SubtitleError(
            f"{name}: it counts in frames and does not say how many a second; convert it to SRT"
        )
    return rate


def _line_of(found: re.Match[str], frames_per_second: float | None) -> tuple[int, int, str]:
    if found.re is _PRINTED:
        numbers = [int(number or 0) for number in found.groups()[:8]]
        return _milliseconds(*numbers[:4]), _milliseconds(*numbers[4:]), found[9]
    if found.re is _SECONDS:
        start = _milliseconds(int(found[1]), int(found[2]), int(found[3]), 0)
        return start, start, _rows(found[4])
    unit = 100.0 if found.re is _TENTHS else 1000 / (frames_per_second or 1)
    start = round(int(found[1]) * unit)
    words = re.sub(r"\{[a-zA-Z]:[^{}]*\}", "", found[3]) if found.re is _FRAMES else found[3]
    return start, round(int(found[2]) * unit) if found[2] not in ("", "-") else start, _rows(words)


def _rows(words: str) -> str:
    """A bar ends a row, a slash before one means italics."""
    return "\n".join(row.strip().removeprefix("/") for row in words.split("|"))


def _milliseconds(hours: int, minutes: int, seconds: int, milliseconds: int) -> int:
    return ((hours * 60 + minutes) * 60 + seconds) * 1000 + milliseconds
