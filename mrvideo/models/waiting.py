"""A first-come-first-served queue of coroutines that works across event loops."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from threading import Lock


class Queue:
    """Coroutines that wait to be woken. Thread-safe, for any number of event loops."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]] = deque()
        self._lock = Lock()

    async def wait_until(self, ready: Callable[[], bool]) -> None:
        """Return once `ready()` is true; it is asked at once, and again after each wake-up. What it raises is
        raised.

        A wake-up that finds its waiter cancelled goes to the next one.
        """
        while not ready():
            loop = asyncio.get_running_loop()
            future: asyncio.Future[None] = loop.create_future()
            entry = (loop, future)
            with self._lock:
                self._waiting.append(entry)
            woken = False
            try:
                # Again, now that a wake-up cannot be missed: another thread may have been faster than the
                # queue.
                if ready():
                    return
                await future
                woken = True
            finally:
                if not woken:
                    self._withdraw(entry)

    def _withdraw(self, entry: tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]) -> None:
        with self._lock:
            if entry in self._waiting:
                self._waiting.remove(entry)
                return
        self.wake()

    def wake(self, count: int = 1) -> None:
        """Wake up to `count` waiters."""
        for _ in range(count):
            with self._lock:
                if not self._waiting:
                    return
                loop, future = self._waiting.popleft()
            loop.call_soon_threadsafe(_finish, future)

    def wake_all(self) -> None:
        """Wake all who wait now."""
        self.wake(len(self._waiting))


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
