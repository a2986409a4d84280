"""Time spans as people write them: `1:47-1:50`, `107-110`, and as mrvideo prints them, `1:47.0–1:50.0`."""

from __future__ import annotations

import re

from mrvideo.errors import InputError
from mrvideo.records import Span

_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d{1,3}):)?(\d+(?:\.\d+)?)")
_BETWEEN = re.compile(r"\s*(?:-|–|—|\.\.|to)\s*")


def span_of(text: str) -> Span:
    """Parse a span. Raises `InputError` when the text is not one."""
    ends = _BETWEEN.split(text.strip())
    if len(ends) != 2:
        raise InputError(f"{text!r} is no span; write it like 1:47-1:50, or in seconds, 107-110")
    start, stop = (_seconds(end, text) for end in ends)
    if stop < start:
        raise InputError(f"{text!r} ends before it starts; swap the two times")
    return Span(start, stop)


def _seconds(clock: str, text: str) -> float:
    match = _CLOCK.fullmatch(clock)
    if match is None:
        raise InputError(f"{clock!r} in {text!r} is no time; write it like 1:02:03.5, or in seconds")
    hours, minutes, seconds = match.groups()
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds)
