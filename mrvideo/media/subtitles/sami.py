"""SAMI: each `<SYNC Start=…>` shows its words until the next one of the same class, which may be empty.

<SYNC Start=1000><P Class=KRCC>first        first   1.0–3.0 s
<SYNC Start=3000><P Class=KRCC>&nbsp;
<SYNC Start=4000><P Class=KRCC>second       second  4.0 s, without an end
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field

from mrvideo.media.subtitles.languages import language_of
from mrvideo.media.subtitles.text import Line, plain

_TAG = re.compile(r"(<[^<>]*>)")
_SYNC = re.compile(r"<sync\b", re.IGNORECASE)
_START = re.compile(r"\bstart\s*=\s*[\"']?\s*(\d{1,10})(?!\d)", re.IGNORECASE)
_END = re.compile(r"\bend\s*=\s*[\"']?\s*(\d{1,10})(?!\d)", re.IGNORECASE)
_PARAGRAPH = re.compile(r"<p\b", re.IGNORECASE)
_CLASS = re.compile(r"\bclass\s*=\s*[\"']?\s*([\w-]{1,60})", re.IGNORECASE)
_CLOSING = re.compile(r"</(?:body|sami)\s*>", re.IGNORECASE)
_STYLE = re.compile(r"\.([\w-]{1,60})\s*\{([^{}]{0,2000})\}")
_LANGUAGE = re.compile(r"\blang\s*:\s*[\"']?\s*([\w-]{1,60})", re.IGNORECASE)


def looks_like_sami(text: str, suffix: str) -> bool:
    """Whether the file's beginning, or its name and a mark of time in it, says SAMI."""
    return text.lstrip()[:5].lower() == "<sami" or (suffix in ("smi", "sami") and bool(_SYNC.search(text)))


@dataclass(slots=True)
class _Shown:
    """What one SYNC shows in one class, in milliseconds."""

    start_ms: int
    stop_ms: int | None
    words: list[str] = field(default_factory=list[str])


def read_sami(text: str, language: str | None) -> tuple[list[Line], int, list[str]]:
    """Lines, how many marks of time say none, and notes. Of a file in several languages only the one asked
    for, if it is there. A line that nothing ends has no length.
    """
    tracks, unreadable = _tracks(text)
    languages = _languages(text, tracks)
    wanted = [name for name, spoken in languages.items() if language and spoken == language]
    notes: list[str] = []
    if wanted and (others := sorted({spoken for spoken in languages.values() if spoken != language})):
        notes.append(f"lines in other languages left out: {', '.join(others)}")
        tracks = {name: shown for name, shown in tracks.items() if languages.get(name, language) == language}
    lines: list[Line] = []
    for track in tracks.values():
        track.sort(key=lambda shown: shown.start_ms)
        for number, shown in enumerate(track):
            following = track[number + 1].start_ms if number + 1 < len(track) else shown.start_ms
            words = plain("".join(shown.words), braces_are_markup=False)
            if words:
                lines.append(
                    Line(shown.start_ms, following if shown.stop_ms is None else shown.stop_ms, words)
                )
    return lines, unreadable, notes


def _tracks(text: str) -> tuple[dict[str, list[_Shown]], int]:
    """What is shown, by class. Words before the first paragraph of a SYNC stand in the class that has no
    name.
    """
    tracks: dict[str, list[_Shown]] = defaultdict(list)
    unreadable = 0
    shown: _Shown | None = None
    now: tuple[int, int | None] | None = None
    for part in _TAG.split(text):
        if _CLOSING.match(part):
            now = shown = None  # what a second file joined to it says comes after
        elif _SYNC.match(part):
            start, stop = _START.search(part), _END.search(part)
            unreadable += start is None
            now = (int(start[1]), int(stop[1]) if stop else None) if start else None
            shown = None
        elif now is None:
            continue
        elif _PARAGRAPH.match(part):
            named = _CLASS.search(part)
            shown = _Shown(*now)
            tracks[named[1].lower() if named else ""].append(shown)
        elif shown is not None:
            shown.words.append(part if part.startswith("<") else part.replace("\n", " "))
        elif part.strip():
            shown = _Shown(*now, [part])
            tracks[""].append(shown)
    return tracks, unreadable


def _languages(text: str, tracks: dict[str, list[_Shown]]) -> dict[str, str]:
    """The language of each class, from the style sheet in the file's head."""
    languages: dict[str, str] = {}
    for name, style in _STYLE.findall(text[:20_000]):
        tagged = _LANGUAGE.search(style)
        spoken = language_of(tagged[1]) if tagged else None
        if spoken and name.lower() in tracks:
            languages[name.lower()] = spoken
    return languages
