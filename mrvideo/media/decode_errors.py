"""Bookkeeping of what went into the decoder and did not come out."""

from __future__ import annotations

import math
from bisect import insort
from dataclasses import dataclass

from mrvideo.records import Failure, Span

_JOIN_SECONDS = 0.1
_NOTICED_SECONDS = 0.2
"""A missing picture without a reported error counts as lost from this length on; shorter ones are repeats by
design.
"""

_HEALED_SECONDS = 10.0
"""Without a key frame, damage is taken to be gone after this long: the usual longest distance of key frames.
"""

_DAMAGED = "damaged data that could not be decoded"


@dataclass(order=True, frozen=True, slots=True)
class _LostSpan:
    start_seconds: float
    stop_seconds: float
    reason: str


class Losses:
    """Spans of the video that gave no picture."""

    def __init__(self) -> None:
        self.errors = 0
        self._lost: list[_LostSpan] = []
        self._waiting: dict[float, float | None] = {}
        self._broken: set[float] = set()
        self._damaged_from: float | None = None

    def add(self, start_seconds: float, stop_seconds: float, reason: str = _DAMAGED) -> None:
        """Note a lost span."""
        start = max(0.0, start_seconds)
        span = _LostSpan(start, max(start, stop_seconds), reason)
        if span not in self._lost:
            insort(self._lost, span)

    def damage(self, start_seconds: float) -> None:
        """From here on pictures lean on something broken, until a key frame heals them."""
        if self._damaged_from is None:
            self._damaged_from = max(0.0, start_seconds)

    def heal(self, key_seconds: float) -> None:
        """A key frame is about to enter the decoder."""
        if self._damaged_from is not None and key_seconds > self._damaged_from:
            self.add(self._damaged_from, min(key_seconds, self._damaged_from + _HEALED_SECONDS))
            self._damaged_from = None

    def covers(self, time_seconds: float) -> bool:
        """Whether the time falls into a lost span."""
        start = self._damaged_from
        if start is not None and start <= time_seconds < start + _HEALED_SECONDS:
            return True
        return any(s.start_seconds <= time_seconds < s.stop_seconds for s in self._lost)

    def fed(self, start_seconds: float, stop_seconds: float | None) -> None:
        """A packet shown over this span (open end: not known) is about to enter the decoder."""
        self._waiting[start_seconds] = stop_seconds

    def broke(self, start_seconds: float | None) -> None:
        """The decoder refused the packet."""
        self.errors += 1
        if start_seconds is not None:
            self._broken.add(start_seconds)

    def came_out(self, time_seconds: float, *, since: float | None) -> None:
        """A picture came out, the one before it at `since`; whatever was due between them is missing."""
        self._miss(time_seconds, since)
        self._waiting.pop(time_seconds, None)
        self._broken.discard(time_seconds)

    def ended(self, last_seconds: float | None) -> None:
        """No more pictures will come."""
        self._miss(math.inf, last_seconds)
        self.settle(last_seconds or 0.0)

    def settle(self, last_seconds: float) -> None:
        """The pass ends here; damage that is not healed reaches to its end."""
        if self._damaged_from is not None:
            self.add(self._damaged_from, max(self._damaged_from, last_seconds) + _NOTICED_SECONDS)
        self._damaged_from = None

    def checkpoint(self) -> list[_LostSpan]:
        """A decoding pass begins: nothing is in the decoder. Returns what `restore` takes back."""
        self._waiting.clear()
        self._broken.clear()
        self._damaged_from = None
        return list(self._lost)

    def restore(self, spans: list[_LostSpan]) -> None:
        """Forget what the pass noted: it is made again from further back."""
        self._lost = spans

    def failures(self) -> tuple[Failure, ...]:
        """Lost spans, joined, ascending."""
        joined: list[_LostSpan] = []
        for span in self._lost:
            if joined and span.start_seconds <= joined[-1].stop_seconds + _JOIN_SECONDS:
                stop = max(joined[-1].stop_seconds, span.stop_seconds)
                joined[-1] = _LostSpan(joined[-1].start_seconds, stop, joined[-1].reason)
            else:
                joined.append(span)
        return tuple(
            Failure.of(Span(s.start_seconds, s.stop_seconds), "decode", s.reason, final=True) for s in joined
        )

    def _miss(self, before: float, since: float | None) -> None:
        due = [time for time in self._waiting if time < before]
        missing: list[tuple[float, float, bool]] = []
        for time in sorted(due):
            stop, broken = self._waiting.pop(time), time in self._broken
            self._broken.discard(time)
            if since is None or time <= since:
                continue  # Before the first picture after a seek: the seek goes further back when that matters.
            if stop is None:
                stop = time
            if missing and time <= missing[-1][1] + 1e-6:
                missing[-1] = (missing[-1][0], stop, missing[-1][2] or broken)
            else:
                missing.append((time, stop, broken))
        for start, stop, broken in missing:
            if broken or stop - start >= _NOTICED_SECONDS:
                self.add(start, stop)
