"""A decision, and the words that answers put times and texts in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mrvideo.models.offline.timeline import Item
from mrvideo.records import clock


@dataclass(frozen=True)
class Decision:
    """What the timeline supports. `cited` are the items it rests on; `missing` says that they show what is not there."""

    answer: str
    choice: int | None
    confidence: int
    cited: tuple[Item, ...]
    reasoning: str
    found: bool = True
    missing: bool = False


def seconds_words(seconds: float) -> str:
    """`1:23.5`."""
    return clock(seconds)


def span_words(item: Item, *, long: bool = False) -> str:
    """`1:23.5–1:25.5`, with plain seconds behind it when `long`."""
    words = f"{clock(item.start_seconds)}–{clock(item.stop_seconds)}"
    return f"{words} ({item.start_seconds:.1f} s to {item.stop_seconds:.1f} s)" if long else words


def texts_words(texts: Sequence[str]) -> str:
    """Texts in a row."""
    return ", ".join(dict.fromkeys(texts))
