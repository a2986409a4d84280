"""What happens when: items of a long video found by time without going through all of them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Generic, Protocol, TypeVar

from mrvideo.records import Span

_SAME_BORDER_SECONDS = 0.6
"""A scene's border is a frame's label; the cut lies up to one sampling step beside it."""


class Timed(Protocol):
    """Anything with two ends in seconds."""

    @property
    def start_seconds(self) -> float: ...
    @property
    def stop_seconds(self) -> float: ...


T = TypeVar("T", bound=Timed)


class SpanIndex(Generic[T]):
    """Items in order of their start, found by the spans that they overlap."""

    def __init__(self, items: Iterable[T]) -> None:
        self.items = sorted(items, key=lambda i: (i.start_seconds, i.stop_seconds))
        self._starts = [item.start_seconds for item in self.items]
        self._longest = max((i.stop_seconds - i.start_seconds for i in self.items), default=0.0)

    def overlapping(self, span: Span) -> list[T]:
        """The items that share time with the span, in order. Instants count where they fall inside."""
        low = bisect_left(self._starts, span.start_seconds - self._longest)
        high = bisect_right(self._starts, span.stop_seconds)
        return [item for item in self.items[low:high] if _overlap(item, span)]

    def overlapping_any(self, spans: Iterable[Span]) -> list[T]:
        """The items that share time with any of the spans, each once, in order."""
        found = {id(item): item for span in spans for item in self.overlapping(span)}
        return sorted(found.values(), key=lambda i: (i.start_seconds, i.stop_seconds))


def _overlap(item: Timed, span: Span) -> bool:
    # As Span.overlaps, without making a Span of every item.
    start, stop = item.start_seconds, item.stop_seconds
    if start == stop:
        return span.start_seconds <= start < span.stop_seconds or (span.start_seconds, span.stop_seconds) == (
            start,
            stop,
        )
    if span.start_seconds == span.stop_seconds:
        return start <= span.start_seconds < stop
    return start < span.stop_seconds and span.start_seconds < stop


def borders_of(cuts: Sequence[float], scene_starts: Sequence[float]) -> list[float]:
    """Where units begin: at cuts, and at scenes that begin away from any cut."""
    own = [start for start in scene_starts if not _near(cuts, start)]
    return sorted({*cuts, *own})


def _near(cuts: Sequence[float], time_seconds: float) -> bool:
    place = bisect_left(cuts, time_seconds - _SAME_BORDER_SECONDS)
    return place < len(cuts) and cuts[place] <= time_seconds + _SAME_BORDER_SECONDS
