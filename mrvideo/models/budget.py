"""A bound on what a run may cost, kept also while many calls are in flight.

spent so far + what calls in flight may take + what this call may take  ≤  bound      → go
otherwise, while calls are in flight                                                    → wait: they may take less
otherwise                                                                               → BudgetReached
"""

from __future__ import annotations

from threading import Lock

from mrvideo.errors import BudgetReached
from mrvideo.models.waiting import Queue
from mrvideo.records import Usage


class Budget:
    """Stops a run before the call that would pass `max_cost` (US dollars) or `max_tokens` (in and out); thread-safe."""

    def __init__(self, max_cost: float | None = None, max_tokens: int | None = None) -> None:
        self.max_cost = max_cost
        self.max_tokens = max_tokens
        self._spent_cost = 0.0
        self._spent_tokens = 0
        self._held_cost = 0.0
        self._held_tokens = 0
        self._skew = 1.0
        self._lock = Lock()
        self._queue = Queue()

    @property
    def bounded(self) -> bool:
        """Whether there is anything to keep to."""
        return self.max_cost is not None or self.max_tokens is not None

    async def hold(self, most: Usage) -> Usage:
        """Set aside the most that one call may take, and return what was set aside: `settle` wants it back.

        Raises `BudgetReached` when it would pass a bound even if all calls in flight took nothing.
        """
        held = most

        def fits() -> bool:
            nonlocal held
            with self._lock:
                held = self._scaled(most)
                reached = self._passed(held, with_held=False)
                if reached:
                    raise BudgetReached(reached)
                if self._passed(held, with_held=True):
                    return False
                self._held_cost += held.cost or 0.0
                self._held_tokens += held.input_tokens + held.output_tokens
                return True

        await self._queue.wait_until(fits)
        return held

    def settle(self, held: Usage, taken: Usage | None, *, estimated: Usage | None = None) -> None:
        """Replace what was set aside by what the call took (None: it never came to be paid)."""
        with self._lock:
            self._held_cost -= held.cost or 0.0
            self._held_tokens -= held.input_tokens + held.output_tokens
            if taken is not None:
                self._spent_cost += taken.cost or 0.0
                self._spent_tokens += taken.input_tokens + taken.output_tokens
                if estimated is not None and estimated.input_tokens > 0:
                    # A server that counts more than we estimate is believed from then on.
                    self._skew = max(self._skew, taken.input_tokens / estimated.input_tokens)
        self._queue.wake_all()

    def _scaled(self, most: Usage) -> Usage:
        cost = None if most.cost is None else most.cost * self._skew
        return most.model_copy(update={"input_tokens": round(most.input_tokens * self._skew), "cost": cost})

    def _passed(self, held: Usage, *, with_held: bool) -> str | None:
        tokens = self._spent_tokens + held.input_tokens + held.output_tokens
        cost = self._spent_cost + (held.cost or 0.0)
        if with_held:
            tokens += self._held_tokens
            cost += self._held_cost
        if self.max_tokens is not None and tokens > self.max_tokens:
            return (
                f"max_tokens {self.max_tokens} would be passed by the next call "
                f"({self._spent_tokens} taken); what is done is kept, a higher bound goes on from here"
            )
        if self.max_cost is not None and cost > self.max_cost:
            return (
                f"max_cost ${self.max_cost:.4f} would be passed by the next call "
                f"(${self._spent_cost:.4f} spent); what is done is kept, a higher bound goes on from here"
            )
        return None
