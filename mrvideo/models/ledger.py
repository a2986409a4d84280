"""Usage of calls, summed per stage."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from mrvideo.records import Usage


class Ledger:
    """Counts usage per stage; thread-safe. `on_usage(stage, usage)` is called after each call, from its
    thread.
    """

    def __init__(self, on_usage: Callable[[str, Usage], None] | None = None) -> None:
        self._on_usage = on_usage
        self._stages: dict[str, Usage] = {}
        self._lock = Lock()

    def record(self, stage: str, usage: Usage) -> None:
        """Add one call's usage to a stage's row."""
        with self._lock:
            self._stages[stage] = self._stages.get(stage, Usage()) + usage
        if self._on_usage is not None:
            self._on_usage(stage, usage)

    def by_stage(self) -> dict[str, Usage]:
        """One row per stage, in order of first use."""
        with self._lock:
            return dict(self._stages)

    def total(self) -> Usage:
        """All stages together. Its cost is None as soon as one call's cost is unknown."""
        return sum(self.by_stage().values(), Usage())
