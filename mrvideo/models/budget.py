"""A bound on the cost of a run that holds while many calls are in flight.

spent so far + what calls in flight may take + what this call may take  ≤  bound      → go
otherwise, while calls are in flight                                                    → wait: they may take less
otherwise                                                                               → BudgetReached

What a call is said to have taken is counted up to what was set aside for it, and what lies beyond raises what
is set aside for the next ones: so the sum never passes the bound, whatever a server says. How it counts is
learnt from one call, alone, before others of its kind follow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from threading import Lock
from typing import Literal, TypeAlias

from pydantic import Field

from mrvideo.errors import BudgetReached
from mrvideo.models.waiting import Queue
from mrvideo.records import Record, Usage

_NEXT = "would be passed by the next call"
WAY_OUT = "a higher bound goes on from here"

_Kind: TypeAlias = "tuple[str, bool]"
"""A model's name, and whether pictures are sent: of those a server may have another opinion than of words."""


def _kind_of(most: Usage, model: str) -> _Kind:
    return model, most.images > 0


def _within(taken: Usage, held: Usage) -> Usage:
    """The usage, limited to what was reserved: tokens (of the reply first) and money."""
    room = held.input_tokens + held.output_tokens
    output_tokens = min(taken.output_tokens, room)
    input_tokens = min(taken.input_tokens, room - output_tokens)
    money = taken.cost if taken.cost is None or held.cost is None else min(taken.cost, held.cost)
    counted = {
        "input_tokens": input_tokens,
        "output_tokens": output_tokens,
        "cached_tokens": min(taken.cached_tokens, input_tokens),
        "cost": money,
    }
    return taken.model_copy(update=counted)


class Allowance(Record):
    """A part of a budget, for work that cannot ask the budget for each call: dollars, tokens; None:
    unbounded.
    """

    max_cost: float | None = Field(default=None, ge=0)
    max_tokens: int | None = Field(default=None, ge=0)


class Budget:
    """Stops a run before the call that would exceed `max_cost` (US dollars) or `max_tokens` (in and out).
    Thread-safe.

    One budget bounds the sum of everything a command does: transcribing, captioning, asking, one video or
    many.
    """

    def __init__(
        self, max_cost: float | None = None, max_tokens: int | None = None, *, way_out: str = WAY_OUT
    ) -> None:
        """`way_out` ends the message of `BudgetReached`: how the user can continue."""
        self._way_out = way_out
        self.max_cost = max_cost
        self.max_tokens = max_tokens
        self._spent_cost = 0.0
        self._spent_tokens = 0
        self._held_cost = 0.0
        self._held_tokens = 0
        self._skew: dict[_Kind, float] = {}
        self._in_flight: Counter[_Kind] = Counter()
        self._lock = Lock()
        self._queue = Queue()

    @property
    def bounded(self) -> bool:
        """Whether there is any bound."""
        return self.max_cost is not None or self.max_tokens is not None

    async def hold(self, most: Usage, *, model: str = "") -> Usage:
        """Reserve the most that one call may take; pass the returned reservation to `settle`. Waits while
        calls in flight may still free enough.

        Raises `BudgetReached` when the bound would be exceeded even if all calls in flight took nothing.
        """
        held, kind = most, _kind_of(most, model)

        def fits() -> bool:
            nonlocal held
            with self._lock:
                held = self._scaled(most, kind)
                reached = self._passed(held, with_held=False)
                if reached:
                    raise BudgetReached(reached)
                unknown = kind not in self._skew and self._in_flight[kind] > 0
                if unknown or self._passed(held, with_held=True):
                    return False
                self._in_flight[kind] += 1
                self._held_cost += held.cost or 0.0
                self._held_tokens += held.input_tokens + held.output_tokens
                return True

        await self._queue.wait_until(fits)
        return held

    def settle(self, held: Usage, taken: Usage | None, *, estimated: Usage, model: str = "") -> Usage | None:
        """Replace a reservation by the usage of the call (None: it was not billed).

        Returns the usage that was counted.
        """
        kind = _kind_of(estimated, model)
        with self._lock:
            self._in_flight[kind] -= 1
            self._held_cost -= held.cost or 0.0
            self._held_tokens -= held.input_tokens + held.output_tokens
            known = self._skew.get(kind, 1.0)
            if taken is not None and estimated.input_tokens > 0:
                # A server that counts more than we estimate is believed from then on.
                known = max(known, taken.input_tokens / estimated.input_tokens)
            # Also after a call that failed: one that hangs must not hold up all others again.
            self._skew[kind] = known
            counted = None if taken is None else _within(taken, held)
            if counted is not None:
                self._add(counted)
        self._queue.wake_all()
        return counted

    def lend(self, shares: Sequence[float]) -> list[Allowance]:
        """Set aside what is left for work that cannot ask here, such as another process, in these
        proportions.

        Each allowance bounds its work; give it back with `repay`, whatever came of it.
        """
        with self._lock:
            cost = None if self.max_cost is None else self.max_cost - self._spent_cost - self._held_cost
            tokens = (
                None if self.max_tokens is None else self.max_tokens - self._spent_tokens - self._held_tokens
            )
            whole = sum(shares)
            lent = [
                Allowance(
                    max_cost=None if cost is None else max(cost, 0.0) * share / whole,
                    max_tokens=None if tokens is None else int(max(tokens, 0) * share / whole),
                )
                for share in shares
            ]
            for one in lent:
                self._held_cost += one.max_cost or 0.0
                self._held_tokens += one.max_tokens or 0
        return lent

    def repay(self, lent: Allowance, taken: Usage) -> None:
        """End an allowance; what its work took, within it, counts as spent."""
        with self._lock:
            self._held_cost -= lent.max_cost or 0.0
            self._held_tokens -= lent.max_tokens or 0
            self._add(taken)
        self._queue.wake_all()

    def refused(self, reason: str) -> BudgetReached:
        """The error of this budget, where an allowance of it ended work for that reason, all that was left
        being its own.
        """
        with self._lock:
            return BudgetReached(self._told("max_tokens" if reason.startswith("max_tokens") else "max_cost"))

    def check(self) -> None:
        """Raises `BudgetReached` when nothing is left; for work whose usage cannot be estimated."""
        with self._lock:
            passed = self._passed(Usage(output_tokens=1, cost=1e-9), with_held=False)
        if passed:
            raise BudgetReached(passed)

    def _add(self, taken: Usage) -> None:
        self._spent_cost += taken.cost or 0.0
        self._spent_tokens += taken.input_tokens + taken.output_tokens

    def _scaled(self, most: Usage, kind: _Kind) -> Usage:
        skew = self._skew.get(kind, 1.0)
        cost = None if most.cost is None else most.cost * skew
        return most.model_copy(update={"input_tokens": round(most.input_tokens * skew), "cost": cost})

    def _passed(self, held: Usage, *, with_held: bool) -> str | None:
        tokens = self._spent_tokens + held.input_tokens + held.output_tokens
        cost = self._spent_cost + (held.cost or 0.0)
        if with_held:
            tokens += self._held_tokens
            cost += self._held_cost
        if self.max_tokens is not None and tokens > self.max_tokens:
            return self._told("max_tokens")
        if self.max_cost is not None and cost > self.max_cost:
            return self._told("max_cost")
        return None

    def _told(self, bound: Literal["max_tokens", "max_cost"]) -> str:
        if bound == "max_tokens":
            told = f"max_tokens {self.max_tokens} {_NEXT} ({self._spent_tokens} taken)"
        else:
            told = f"max_cost ${self.max_cost or 0:.4f} {_NEXT} (${self._spent_cost:.4f} spent)"
        return f"{told}; what is done is kept, {self._way_out}"
