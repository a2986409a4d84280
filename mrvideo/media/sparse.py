"""Display order: which packet is on screen when, so that decoding what nobody asked for can be left out.

packets in decode order   I0  P4  B2  b1  b3 …       (numbers: place in display order)
shown                     0 [==] 1 [==] 2 [==] 3 [==] 4
a time asked for                    ^ falls to 2, so b1 and b3, which nothing refers to, need no decoding
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from itertools import pairwise

SAME_SECONDS = 1e-6
"""A frame whose PTS lies at most this far after a time still counts as shown at it: float noise."""

_KEPT = 512


class DisplayOrder:
    """The presentation times of the packets met so far, in seconds, sorted. Only the recent ones are kept."""

    def __init__(self) -> None:
        self._times: list[float] = []

    def add(self, time_seconds: float) -> None:
        """A packet was met."""
        insort(self._times, time_seconds)
        if len(self._times) > 2 * _KEPT:
            del self._times[:_KEPT]

    def next_after(self, time_seconds: float) -> float | None:
        """When the picture shown at `time_seconds` gives way to the next one, as far as known."""
        i = bisect_right(self._times, time_seconds)
        return self._times[i] if i < len(self._times) else None

    def widest_gap(self) -> float:
        """The longest that one picture stays on screen, among the recent ones."""
        recent = self._times[-_KEPT:]
        return max((b - a for a, b in pairwise(recent)), default=0.0)


class Wanted:
    """The ascending times asked for."""

    def __init__(self, times_seconds: Sequence[float]) -> None:
        self.times = list(times_seconds)
        if any(b < a for a, b in pairwise(self.times)):
            raise ValueError("times must be ascending")
        self._limits = [time + SAME_SECONDS for time in self.times]

    def __len__(self) -> int:
        return len(self.times)

    def falls_in(self, start_seconds: float, stop_seconds: float | None) -> bool:
        """Whether a picture shown from start to stop (None: open end) is on screen at a time asked for."""
        i = bisect_left(self._limits, start_seconds)
        return i < len(self._limits) and (stop_seconds is None or self._limits[i] < stop_seconds)

    def before(self, index: int, time_seconds: float) -> bool:
        """Whether the index-th time comes before a picture that is shown from `time_seconds` on."""
        return self._limits[index] < time_seconds
