"""A limit on calls in flight that adapts to a server's 429 responses.

A server that is asked too much refuses most calls (429); one that refuses a few at random does not gain from
fewer. So answers are judged by the round, as many answers as the limit allows calls:

    half of a round refused       the limit halves, and nobody starts before the Retry-After is over; where that is
                                  longer than anybody waits, `away_seconds` says for how long nobody need ask
    under a third refused         the limit grows by an eighth, at least by one, up to what was configured
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from threading import Lock

from mrvideo.models.retry import LONGEST_RETRY_AFTER_SECONDS
from mrvideo.models.waiting import Queue

_SMALLEST_ROUND = 4
_LONGEST_AWAY_SECONDS = 3600.0
"""After this a server is asked again, whatever it said."""


class Limiter:
    """Slots for calls; thread-safe, usable from several event loops."""

    def __init__(self, concurrency: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.highest = concurrency
        self.limit = concurrency
        self.in_flight = 0
        self._answers = 0
        self._refused = 0
        self._paused_until_seconds = 0.0
        self._away_until_seconds = 0.0
        self._clock = clock
        self._queue = Queue()
        self._lock = Lock()

    @asynccontextmanager
    async def slot(self) -> AsyncGenerator[None, None]:
        """Hold a slot while a call is in flight; not while it waits to be retried."""
        await self._queue.wait_until(self._take)
        try:
            # A slot taken just before a pause waits it out too.
            pause_seconds = self._paused_until_seconds - self._clock()
            if pause_seconds > 0:
                await asyncio.sleep(pause_seconds)
            yield
        finally:
            with self._lock:
                self.in_flight -= 1
                free = self.limit - self.in_flight
            if free > 0:
                self._queue.wake(free)

    @property
    def away_seconds(self) -> float:
        """Seconds left of a Retry-After that is longer than a call waits; else 0."""
        return max(self._away_until_seconds - self._clock(), 0.0)

    def _take(self) -> bool:
        with self._lock:
            if self.in_flight >= self.limit:
                return False
            self.in_flight += 1
            return True

    def answered(self, *, refused: bool = False, retry_after_seconds: float | None = None) -> None:
        """Count one answer of the server; `refused` means it asked for fewer calls."""
        with self._lock:
            self._answers += 1
            self._refused += refused
            whole = max(self.limit, _SMALLEST_ROUND)
            if self._refused * 2 >= whole:
                self.limit = max(self.limit // 2, 1)
                if retry_after_seconds is not None and retry_after_seconds > LONGEST_RETRY_AFTER_SECONDS:
                    self._away_until_seconds = self._clock() + min(retry_after_seconds, _LONGEST_AWAY_SECONDS)
                elif retry_after_seconds is not None:
                    self._paused_until_seconds = self._clock() + retry_after_seconds
            elif self._answers >= whole:
                if self._refused * 3 < self._answers:
                    self.limit = min(self.limit + max(self.limit // 8, 1), self.highest)
            else:
                return
            self._answers = self._refused = 0
            free = self.limit - self.in_flight
        if free > 0:
            self._queue.wake(free)
