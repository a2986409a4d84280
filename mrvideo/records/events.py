"""What a run reports while it goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from mrvideo.records.answer import Confidence
from mrvideo.records.spans import Record, Span, Spanned
from mrvideo.records.usage import Usage
from mrvideo.wording import with_bare_addresses


class StageStarted(Record):
    """A stage begins; `total` units of work lie ahead (shards, calls, segments)."""

    stage: str
    total: int


class StageAdvanced(Record):
    """`done` more units of a stage are finished; `usage` is what they took."""

    stage: str
    done: int = 1
    usage: Usage = Usage(cost=0.0)


class StageFinished(Record):
    """A stage is over."""

    stage: str


class Notice(Record):
    """One line for the user: a fallback taken, a failure kept for later."""

    text: Annotated[str, AfterValidator(with_bare_addresses)]


class SegmentRead(Spanned):
    """Stage B: one segment's captions were analysed."""

    relevant: tuple[Span, ...]
    confidence: Confidence


class Looked(Record):
    """Stage B: frames of these spans were looked at again."""

    spans: tuple[Span, ...]
    observations: tuple[str, ...]


class Drafted(Record):
    """Stage B: an answer was drafted, not yet checked."""

    answer: str | None
    choice: int | None
    round: int


class Checked(Record):
    """Stage B: one claim was put to fresh pixels."""

    claim: str
    holds: bool | None


Event: TypeAlias = (
    StageStarted | StageAdvanced | StageFinished | Notice | SegmentRead | Looked | Drafted | Checked
)
"""What a run reports while it goes."""


EventSink: TypeAlias = Callable[[Event], None]
"""Takes events; called from any thread."""
