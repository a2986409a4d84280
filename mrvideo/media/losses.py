"""Bookkeeping of what went into the decoder and did not come out."""

from __future__ import annotations

from bisect import insort

from mrvideo.records import Failure, Span

_JOIN_SECONDS = 0.1
_NOTICED_SECONDS = 0.2
"""A missing picture without a reported error counts as lost from this length on; shorter ones are repeats by design."""


class Losses:
    """Stretches of the video that gave no picture."""

    def __init__(self) -> None:
        self.errors = 0
        self._spans: list[tuple[float, float, str]] = []
        self._waiting: dict[float, float | None] = {}
        self._broken: set[float] = set()

    def add(self, start_seconds: float, stop_seconds: float, reason: str) -> None:
        """A stretch is lost."""
        start = max(0.0, start_seconds)
        insort(self._spans, (start, max(start, stop_seconds), reason))

    def covers(self, time_seconds: float) -> bool:
        """Whether the time falls into a lost stretch."""
        return any(start <= time_seconds < stop for start, stop, _ in self._spans)

    def fed(self, start_seconds: float | None, stop_seconds: float | None) -> None:
        """A packet shown over this stretch is about to enter the decoder."""
        if start_seconds is not None:
            self._waiting[start_seconds] = stop_seconds

    def broke(self, start_seconds: float | None) -> None:
        """The decoder refused the packet."""
        self.errors += 1
        if start_seconds is not None:
            self._broken.add(start_seconds)

    def came_out(self, time_seconds: float, *, since: float | None) -> None:
        """A picture came out; whatever is due before it and did not come is missing."""
        self._settle(time_seconds, since=since, until=time_seconds)
        self._waiting.pop(time_seconds, None)
        self._broken.discard(time_seconds)

    def ended(self, last_seconds: float | None) -> None:
        """No more pictures will come."""
        self._settle(float("inf"), since=last_seconds, until=None)

    def _settle(self, before: float, *, since: float | None, until: float | None) -> None:
        due = sorted(time for time in self._waiting if time < before)
        if not due:
            return
        missing: list[tuple[float, float, bool]] = []
        for time in due:
            stop = self._waiting.pop(time)
            broken = time in self._broken
            self._broken.discard(time)
            if since is None or time <= since:
                continue  # Leading pictures of a seek, or late ones: nobody counts on them.
            end = stop if stop is not None else (until if until is not None else time)
            if missing and time <= missing[-1][1] + 1e-6:
                start, _, was_broken = missing[-1]
                missing[-1] = (start, end, was_broken or broken)
            else:
                missing.append((time, end, broken))
        for start, stop, broken in missing:
            if broken or stop - start >= _NOTICED_SECONDS:
                self.add(start, stop, "damaged data could not be decoded")

    def mark(self) -> int:
        """A point to return to with `forget_since`."""
        self._waiting.clear()
        self._broken.clear()
        self._saved = list(self._spans)
        return len(self._saved)

    def forget_since(self, mark: int) -> None:
        """Drop what was noted since the mark: the attempt is made again from further back."""
        del mark
        self._spans = self._saved

    def failures(self) -> tuple[Failure, ...]:
        """Lost stretches, joined, ascending."""
        joined: list[tuple[float, float, str]] = []
        for start, stop, reason in self._spans:
            if joined and start <= joined[-1][1] + _JOIN_SECONDS:
                joined[-1] = (joined[-1][0], max(joined[-1][1], stop), joined[-1][2])
            else:
                joined.append((start, stop, reason))
        return tuple(
            Failure(
                stage="decode",
                reason=reason,
                start_seconds=span.start_seconds,
                stop_seconds=span.stop_seconds,
            )
            for span, reason in ((Span(a, b), r) for a, b, r in joined)
        )
