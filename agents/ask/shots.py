"""Camera cuts: where padding stops, and the units of which one frame each is enough.

cuts     |          |        |              |
span           [------)                          as planned
padded      [-----------)                        by 1.5 s at most, never over a cut
units    |--u--|-u--|---u----|--u--|---u----|    shots, parted again where a scene begins
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import pairwise

from mrvideo.agents.ask.state import Context
from mrvideo.records import Span

PADDING_SECONDS = 1.5
"""At most this much is shown around a planned span."""

_TRIM_SECONDS = 0.25
"""A span that reaches less than this over a cut is meant to end there."""

_LEAST_SECONDS = 0.1
"""What is left of a unit below this is a matter of rounding."""


def padded(context: Context, span: Span, seconds: float = PADDING_SECONDS) -> Span:
    """The span widened on each side, inside the video, and not over a camera cut."""
    cuts, whole = context.cuts, context.whole
    before = bisect_right(cuts, span.start_seconds + 1e-6) - 1
    after = bisect_left(cuts, span.stop_seconds - 1e-6)
    low = cuts[before] if before >= 0 else whole.start_seconds
    high = cuts[after] if after < len(cuts) else whole.stop_seconds
    start = min(max(span.start_seconds - seconds, low), span.start_seconds)
    stop = max(min(span.stop_seconds + seconds, high), span.stop_seconds)
    return Span(start, stop)


def trimmed(context: Context, span: Span) -> Span:
    """The span without the fraction of a second by which it reaches into a neighbouring shot."""
    start, stop = span.start_seconds, span.stop_seconds
    for cut in context.cuts:
        if start < cut <= start + _TRIM_SECONDS and stop - cut >= 2 * _TRIM_SECONDS:
            start = cut
        if stop - _TRIM_SECONDS <= cut < stop and cut - start >= 2 * _TRIM_SECONDS:
            stop = cut
            break
    return Span(start, stop)


def units(context: Context, spans: Iterable[Span]) -> list[Span]:
    """The shots of the spans, parted again where a scene begins, in order; none without length."""
    borders = context.borders
    found: list[Span] = []
    for span in spans:
        inside = borders[
            bisect_right(borders, span.start_seconds + _LEAST_SECONDS) : bisect_left(
                borders, span.stop_seconds - _LEAST_SECONDS
            )
        ]
        ends = [span.start_seconds, *inside, span.stop_seconds]
        found += [Span(low, high) for low, high in pairwise(ends)]
    return found
