"""Calls of tools that wait for replies of their own caller: begun, left to go on, and asked for again.

call ──► done at once?  ─────────────► result
     └─► tasks wait ──► None: the caller answers them ──► the same call again ──► result
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any, cast

PATIENCE_SECONDS = 20.0
"""A call that has no task for its caller yet is waited for so long: many clients give up after a minute."""

_POLL_SECONDS = 0.1
_MOST_JOBS = 16
"""Going on at once in one server."""


class Jobs:
    """Calls that go on in the background of one event loop, by what they were called with.

    `waits` tells whether tasks wait for a taker. A result is kept until the same call fetches it; a call that
    is cancelled while it waits cancels its work.
    """

    def __init__(
        self, waits: Callable[[], Awaitable[bool]], *, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        self._waits = waits
        self._patience_seconds = patience_seconds
        self._running: dict[str, asyncio.Task[Any]] = {}

    async def run(self, key: str, start: Callable[[], Awaitable[Any]]) -> Any:
        """The result of the call of this key, which is begun unless it goes on; None while it waits for
        tasks. Raises what it raises.
        """
        job = self._running.get(key)
        if job is None:
            self._forget_oldest()
            job = self._running[key] = asyncio.create_task(cast("Coroutine[Any, Any, Any]", start()))
        try:
            patience_seconds = self._patience_seconds
            while not job.done() and patience_seconds > 0:
                await asyncio.wait({job}, timeout=_POLL_SECONDS)
                patience_seconds -= _POLL_SECONDS
                if not job.done() and await self._waits():
                    break
        except asyncio.CancelledError:
            self._running.pop(key, None)
            job.cancel()
            raise
        if not job.done():
            return None
        self._running.pop(key, None)
        return job.result()

    @property
    def states(self) -> dict[str, str]:
        """Each call that was begun and not fetched: `running`, or `done`, whose result (or error) the same
        call fetches.
        """
        return {key: "done" if job.done() else "running" for key, job in self._running.items()}

    async def close(self) -> None:
        """Stop all; tasks that wait stay in the library."""
        jobs = list(self._running.values())
        self._running.clear()
        for job in jobs:
            job.cancel()
        for job in jobs:
            with suppress(asyncio.CancelledError, Exception):
                await job

    def _forget_oldest(self) -> None:
        while len(self._running) >= _MOST_JOBS:
            key = next((key for key, job in self._running.items() if job.done()), next(iter(self._running)))
            self._running.pop(key).cancel()
