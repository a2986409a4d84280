"""Spans of time, and the frozen values that everything else is made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from typing_extensions import Self

from mrvideo.wording import without_secrets

MediaPath: TypeAlias = Annotated[str, AfterValidator(without_secrets)]
"""The path or the address of a video. Of an address, user, password and query are never part of a record."""


HTML_VIEWS: dict[type[BaseModel], Callable[[Any], str]] = {}
"""How a record looks in a notebook. Filled from above: records do not know what draws them."""


class Record(BaseModel):
    """A frozen value. Equal when all fields are equal; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def _repr_html_(self) -> str | None:
        view = HTML_VIEWS.get(type(self))
        return view(self) if view else None


class Spanned(Record):
    """Anything that happens over a span of a video, with the span's two ends flat in its JSON."""

    start_seconds: float = Field(ge=0, allow_inf_nan=False)
    stop_seconds: float = Field(ge=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.stop_seconds < self.start_seconds:
            raise ValueError(
                "a span must not end before it starts, "
                f"got start={self.start_seconds} stop={self.stop_seconds}"
            )
        return self

    @property
    def span(self) -> Span:
        """The span alone."""
        return Span(self.start_seconds, self.stop_seconds)

    @property
    def duration_seconds(self) -> float:
        """Length in seconds; zero for an instant."""
        return self.stop_seconds - self.start_seconds


class Span(Spanned):
    """A half-open time range: `Span(10.0, 20.0)` is [10, 20)."""

    def __init__(self, start_seconds: float, stop_seconds: float) -> None:
        super().__init__(start_seconds=start_seconds, stop_seconds=stop_seconds)  # pyright: ignore[reportCallIssue]

    def __str__(self) -> str:
        return f"{clock(self.start_seconds)}–{clock(self.stop_seconds)}"

    @property
    def span(self) -> Span:
        return self

    @property
    def middle_seconds(self) -> float:
        """The time half-way."""
        return (self.start_seconds + self.stop_seconds) / 2

    def contains(self, time_seconds: float) -> bool:
        """Whether the time falls inside; the stop does not."""
        return self.start_seconds <= time_seconds < self.stop_seconds

    def overlaps(self, other: Span) -> bool:
        """Whether the two share time. An instant overlaps a span that contains it."""
        if self.start_seconds == self.stop_seconds:
            return other.contains(self.start_seconds) or self == other
        if other.start_seconds == other.stop_seconds:
            return self.contains(other.start_seconds)
        return self.start_seconds < other.stop_seconds and other.start_seconds < self.stop_seconds

    def intersection(self, other: Span) -> Span | None:
        """The shared part, or None when nothing is shared."""
        if not self.overlaps(other):
            return None
        return Span(
            max(self.start_seconds, other.start_seconds),
            min(self.stop_seconds, other.stop_seconds),
        )

    def spread(self, count: int) -> list[float]:
        """`count` times, each in the middle of an equal part."""
        step = self.duration_seconds / max(count, 1)
        return [self.start_seconds + step * (i + 0.5) for i in range(count)]

    def padded(self, seconds: float, *, within: Span | None = None) -> Span:
        """Widened by `seconds` on each side, cut to `within` (or to start at zero)."""
        low = within.start_seconds if within else 0.0
        high = within.stop_seconds if within else math.inf
        start = min(max(self.start_seconds - seconds, low), high)
        stop = max(min(self.stop_seconds + seconds, high), start)
        return Span(start, stop)

    def intersection_over_union(self, other: Span) -> float:
        """Temporal IoU in [0, 1]; zero for two instants."""
        shared = self.intersection(other)
        inner = shared.duration_seconds if shared else 0.0
        outer = self.duration_seconds + other.duration_seconds - inner
        return inner / outer if outer > 0 else 0.0


def merge_spans(spans: list[Span], *, gap_seconds: float | None = 0.0) -> list[Span]:
    """Sorted spans with those that touch, overlap, or lie at most `gap_seconds` apart joined; None: only
    those that overlap.
    """
    merged: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start_seconds, s.stop_seconds)):
        last = merged[-1] if merged else None
        if last and (
            last.overlaps(span)
            if gap_seconds is None
            else span.start_seconds <= last.stop_seconds + gap_seconds
        ):
            merged[-1] = Span(last.start_seconds, max(last.stop_seconds, span.stop_seconds))
        else:
            merged.append(span)
    return merged


def clock(seconds: float) -> str:
    """`3671.5` → `1:01:11.5`; whole tenths only, hours only when there are any."""
    tenths = round(seconds * 10)
    minutes, tenths = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    second = f"{tenths / 10:04.1f}"
    return f"{hours}:{minutes:02d}:{second}" if hours else f"{minutes}:{second}"
