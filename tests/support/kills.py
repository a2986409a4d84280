"""Kills of a running command at random moments, by its calls and by the clock."""

from __future__ import annotations

import os
import random
import threading
from typing import Any

KILLS = int(os.environ.get("MRVIDEO_TEST_KILLS", "8"))
"""kill -9s of each command. A long run takes 50 and more."""

CONCURRENCY = 4


class Killer:
    """Kills the running command a little after its n-th call, or a moment after its start."""

    def __init__(self, commands: Any, model: Any, chance: random.Random) -> None:
        self._commands, self._model, self._chance = commands, model, chance
        self._timers: list[threading.Timer] = []

    def arm(self, *, most_calls: int, longest_seconds: float) -> None:
        """At a random moment of the next command: half by calls, half by the clock."""
        self._timers.clear()
        if self._chance.random() < 0.5:
            target = self._model.asked.total() + self._chance.randint(1, most_calls)
            delay = self._chance.uniform(0.0, 0.03)
            self._model.on_call = lambda count: self._later(delay) if count == target else None
        else:
            self._later(self._chance.uniform(0.0, longest_seconds))

    def _later(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self._commands.signal)
        self._timers.append(timer)
        timer.start()

    def disarm(self) -> None:
        self._model.on_call = lambda count: None
        for timer in self._timers:
            timer.cancel()
            timer.join()
