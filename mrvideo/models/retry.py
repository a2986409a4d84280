"""Retry delays."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

LONGEST_RETRY_AFTER_SECONDS = 300.0
"""A server that asks for a longer break than this counts as busy."""


@dataclass(frozen=True)
class Backoff:
    """Waits that double, with full jitter, so that calls which failed together do not return together.

    Only errors that came at once double the delay. A Retry-After replaces it, and a timed-out call has waited
    already.
    """

    attempts: int = 8
    first_seconds: float = 0.25
    longest_seconds: float = 30.0
    draw: Callable[[], float] = random.random

    def wait_seconds(self, errors: int, retry_after_seconds: float | None = None) -> float:
        """The delay after so many immediate errors. A server's Retry-After is a lower bound."""
        bound = min(self.first_seconds * 2 ** max(errors - 1, 0), self.longest_seconds)
        if retry_after_seconds is not None:
            # Jitter above what the server asked for, or all calls refused together come back together.
            return retry_after_seconds + self.draw() * min(bound, self.first_seconds)
        return self.draw() * bound


def retry_after_seconds(value: str | None, *, now: datetime | None = None) -> float | None:
    """A Retry-After header as seconds from now: a number, or an HTTP date. None when it is neither."""
    if value is None:
        return None
    text = value.strip()
    if text.replace(".", "", 1).isdigit() and text.isascii():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return max((moment - (now or datetime.now(timezone.utc))).total_seconds(), 0.0)
