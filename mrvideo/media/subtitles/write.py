"""Timed lines as SRT or WebVTT text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeAlias

from mrvideo.media.subtitles.parse import joins_lines
from mrvideo.media.subtitles.text import AS_WRITTEN

TimedLine: TypeAlias = tuple[float, float, str]
"""Start and stop in seconds, and the words."""

_JOINERS = frozenset("\u200c\u200d\u2060")
"""Marks without width that words need: Persian, Hindi and emoji are made up of such."""


def _shown(character: str) -> str:
    """Controls, marks of direction and the like become spaces: an export is printed, too.

    A sign that this Python's tables do not know yet, such as a new emoji, stays.
    """
    if character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Cn":
        return character
    return " "


def write_srt(*tracks: Sequence[TimedLine]) -> str:
    """Tracks as one SRT file: the first stands below as usual, any other at the picture's top (`{\\an8}`).

    SRT has no escape: what a player would take for markup is written so that it is shown instead.
    """
    return _read_again(_srt, _ordered(tracks))


def write_vtt(*tracks: Sequence[TimedLine]) -> str:
    """Tracks as one WebVTT file: the first stands below as usual, any other at the picture's top (`line:0`)."""
    return _read_again(_vtt, _ordered(tracks))


_Ordered: TypeAlias = tuple[int, int, str, int]
"""Start and stop in milliseconds, the words, and the number of the track."""


def _read_again(write: Callable[[Sequence[_Ordered], str], str], lines: Sequence[_Ordered]) -> str:
    """The lines written so that they are read as they are.

    Words spelled out, or said anew with one more each time, look like an effect's letters, which the reader
    joins. A mark at the end of each line tells that they are none.
    """
    text = write(lines, "")
    return write(lines, AS_WRITTEN) if joins_lines(text) else text


def _srt(lines: Sequence[_Ordered], mark: str) -> str:
    blocks: list[str] = []
    for number, (start_ms, stop_ms, text, track) in enumerate(lines, start=1):
        text = re.sub(r"<(?=[/!a-zA-Z])([^<>]*)>", "‹\\1›", text)
        text = text.replace("{\\", "{\u2060\\")
        place = "{\\an8}" if track else ""
        blocks.append(f"{number}\n{_stamp(start_ms, ',')} --> {_stamp(stop_ms, ',')}\n{place}{text}{mark}\n")
    return "\n".join(blocks)


def _vtt(lines: Sequence[_Ordered], mark: str) -> str:
    blocks = ["WEBVTT\n"]
    for start_ms, stop_ms, text, track in lines:
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        place = " line:0" if track else ""
        blocks.append(f"{_stamp(start_ms, '.')} --> {_stamp(stop_ms, '.')}{place}\n{text}{mark}\n")
    return "\n".join(blocks)


def _ordered(tracks: Sequence[Sequence[TimedLine]]) -> list[_Ordered]:
    """By start, a line without words or with broken rows made fit to stand in a block; none shorter than 1
    ms.
    """
    lines: list[_Ordered] = []
    for track, timed in enumerate(tracks):
        for start_seconds, stop_seconds, text in timed:
            rows = ["".join(map(_shown, row)).strip() for row in re.split(r"\r\n|\r|\n", text)]
            words = "\n".join(row for row in rows if row).replace("-->", "→")
            if words:
                start_ms = round(start_seconds * 1000)
                lines.append((start_ms, max(round(stop_seconds * 1000), start_ms + 1), words, track))
    return sorted(lines, key=lambda line: (line[0], line[3], line[1]))


def _stamp(milliseconds: int, point: str) -> str:
    seconds, ms = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{point}{ms:03d}"
