"""Times inside a caption: what begins, ends or happens at one moment is followed by it in brackets.

"A hand lifts the bottle (273.5 s) and turns it twice (274–276.5 s)."       as a model writes it, and reads it
"A hand lifts the bottle and turns it twice."                               as people read it, and search does
"""

from __future__ import annotations

import re
from typing import NamedTuple

from mrvideo.records.spans import Span

SLACK_SECONDS = 0.51
"""A time may miss its caption's span by about one sampling step; it is then moved to the span's end."""

# A number with decimals is one without its unit, too: labels of frames have two.
_BRACKET = re.compile(
    r"\s*[(\[]\s*(?:(?:at|from|about|until|by|around)\s+)?"
    r"(\d+(?:\.\d+)?(?:\s*s)?(?:\s*(?:–|—|-|to|,|and)\s*\d+(?:\.\d+)?(?:\s*s)?)*)(?:(?<=s)|(?<=\.\d)|(?<=\.\d\d))\s*[)\]]"
)
_AND = re.compile(r"\s*(?:,|and)\s*")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_SENTENCE_END = re.compile(r"[.!?…](?=\s|$)")

_ONE_MOMENT_SECONDS = 2.0
"""How long what has but one time may last, where none is told after it."""


class Told(NamedTuple):
    """A time in brackets: behind how many characters of the text without times, and from when to when."""

    place: int
    low: float
    high: float


def without_times(text: str) -> str:
    """The text as people read it."""
    return _BRACKET.sub("", text).strip()


def with_times_inside(text: str, span: Span) -> str:
    """The text with its times in one form. Those that lie outside the span, or run backwards, are left out."""

    def kept(match: re.Match[str]) -> str:
        times = _numbers(match[1])
        inside = Span(max(span.start_seconds - SLACK_SECONDS, 0.0), span.stop_seconds + SLACK_SECONDS)
        if times != sorted(times) or not all(
            inside.start_seconds <= time <= inside.stop_seconds for time in times
        ):
            return ""
        told: list[str] = []
        for part in _AND.split(match[1]):
            own = _numbers(part)
            ends = [_clamped(time, span) for time in (own[0], own[-1])]
            told.append("–".join(dict.fromkeys(_short(time) for time in ends)))
        return f" ({', '.join(dict.fromkeys(told))} s)"

    return _BRACKET.sub(kept, text).strip()


def _numbers(text: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(text)]


def _clamped(seconds: float, span: Span) -> float:
    return min(max(seconds, span.start_seconds), span.stop_seconds)


def _short(seconds: float) -> str:
    return f"{seconds:.2f}".rstrip("0").rstrip(".")


def told_in(text: str) -> tuple[Told, ...]:
    """The times of a text, in order of their places."""
    found: list[Told] = []
    gone = len(text) - len(text.lstrip())
    for match in _BRACKET.finditer(text):
        times = _numbers(match[1])
        found.append(Told(match.start() - gone, times[0], times[-1]))
        gone += len(match[0])
    return tuple(found)


def when(words: str, timed: str, span: Span) -> Span:
    """When that happens which these words of a caption tell: the times within the words, else the next one of the
    same sentence; without, the whole `span`, for what is told between two times need not happen between them.
    """
    told = told_in(timed)
    plain = without_times(timed)
    start = plain.find(words) if words else -1
    if start < 0 or not told:
        return span
    stop = start + len(words)
    end = _SENTENCE_END.search(plain, max(stop - 1, 0))
    sentence = end.end() if end else len(plain)
    own = [one for one in told if start < one.place <= stop]
    own = own or [one for one in told if stop < one.place <= sentence][:1]
    if not own:
        return span
    after = min((one.high for one in told if one.place > own[-1].place), default=span.stop_seconds)
    low, high = min(one.low for one in own), max(one.high for one in own)
    if low == high:
        high = max(min(low + _ONE_MOMENT_SECONDS, max(after, low)), low)
    return Span(_clamped(low, span), _clamped(high, span))
