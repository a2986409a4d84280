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
    """Stops a run before the call that would pass `max_cost` (US dollars) or `max_tokens` (in and out); thread-safe.

    One for all that a command does (hearing, captioning, asking; one video or many): what is bounded is their sum.
    """

    def __init__(self, max_cost: float | None = None, max_tokens: int | None = None) -> None:
        self.max_cost = max_cost
        self.max_tokens = max_tokens
        self._spent_cost = 0.0
        self._spent_tokens = 0
        self._held_cost = 0.0
        self._held_tokens = 0
        self._skew: dict[str, float] = {}
        self._lock = Lock()
        self._queue = Queue()

    @property
    def bounded(self) -> bool:
        """Whether there is anything to keep to."""
        return self.max_cost is not None or self.max_tokens is not None

    async def hold(self, most: Usage, *, model: str = "") -> Usage:
        """Set aside the most that one call to a model may take, and return what was set aside: `settle` wants it back.

        Raises `BudgetReached` when it would pass a bound even if all calls in flight took nothing.
        """
        held = most

        def fits() -> bool:
            nonlocal held
            with self._lock:
                held = self._scaled(most, model)
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

    def settle(
        self, held: Usage, taken: Usage | None, *, estimated: Usage | None = None, model: str = ""
    ) -> None:
        """Replace what was set aside by what the call took (None: it never came to be paid)."""
        with self._lock:
            self._held_cost -= held.cost or 0.0
            self._held_tokens -= held.input_tokens + held.output_tokens
            if taken is not None:
                self._add(taken)
                if estimated is not None and estimated.input_tokens > 0:
                    # A server that counts more than we estimate is believed from then on.
                    found = taken.input_tokens / estimated.input_tokens
                    self._skew[model] = max(self._skew.get(model, 1.0), found)
        self._queue.wake_all()

    def check(self) -> None:
        """Raises `BudgetReached` when nothing is left, for who cannot tell what he will take."""
        with self._lock:
            passed = self._passed(Usage(output_tokens=1, cost=1e-9), with_held=False)
        if passed:
            raise BudgetReached(passed)

    def spend(self, taken: Usage) -> None:
        """Count what was taken where this budget could not ask first. Raises `BudgetReached` once a bound is passed."""
        with self._lock:
            self._add(taken)
            passed = self._passed(Usage(), with_held=False, verb="is passed")
        if passed:
            raise BudgetReached(passed)

    def _add(self, taken: Usage) -> None:
        self._spent_cost += taken.cost or 0.0
        self._spent_tokens += taken.input_tokens + taken.output_tokens

    def _scaled(self, most: Usage, model: str) -> Usage:
        skew = self._skew.get(model, 1.0)
        cost = None if most.cost is None else most.cost * skew
        return most.model_copy(update={"input_tokens": round(most.input_tokens * skew), "cost": cost})

    def _passed(
        self, held: Usage, *, with_held: bool, verb: str = "would be passed by the next call"
    ) -> str | None:
        tokens = self._spent_tokens + held.input_tokens + held.output_tokens
        cost = self._spent_cost + (held.cost or 0.0)
        if with_held:
            tokens += self._held_tokens
            cost += self._held_cost
        if self.max_tokens is not None and tokens > self.max_tokens:
            return (
                f"max_tokens {self.max_tokens} {verb} "
                f"({self._spent_tokens} taken); what is done is kept, a higher bound goes on from here"
            )
        if self.max_cost is not None and cost > self.max_cost:
            return (
                f"max_cost ${self.max_cost:.4f} {verb} "
                f"(${self._spent_cost:.4f} spent); what is done is kept, a higher bound goes on from here"
            )
        return None
