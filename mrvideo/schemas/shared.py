"""What the messages of both stages share: lines of captions and speech, bounds on times and names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
)

from mrvideo.records import Box, Cue, Span

BOX_SLACK = 0.05
"""An edge may lie this far off the picture; it is then moved to the picture's own edge."""

LEAST_BOX = 0.02
"""Less than this share of a side identifies nobody."""

TIME_SLACK_SECONDS = 0.51
"""A model may miss a shown time by about one sampling step; it is then moved to the bound."""


Speech: TypeAlias = Literal["cues follow", "transcribed", "none", "not transcribed"]
"""What is known of the speech of what is shown: it follows, it is known and not shown, there is none, or nobody heard
it.
"""


class Message(BaseModel):
    """Frozen; unknown fields of a reply are dropped, since models add some."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class CueLine(Message):
    """Speech or subtitle as a model reads it."""

    start_seconds: float
    stop_seconds: float
    text: str
    speaker: str | None = None

    @classmethod
    def of(cls, cue: Cue) -> CueLine:
        """The line of a cue."""
        return cls(
            start_seconds=cue.start_seconds, stop_seconds=cue.stop_seconds, text=cue.text, speaker=cue.speaker
        )


class ScreenText(Message):
    """A text on screen, as a reply reports it."""

    text: str = Field(min_length=1)
    start_seconds: float
    stop_seconds: float


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be empty")
    return text.strip()


Filled = Annotated[str, AfterValidator(_filled)]
"""A string with something in it."""

LOCAL_NAME = re.compile(r"^[a-z]+(?:_[a-z]+)*_[a-z]{1,2}$")
"""`person_a`, `dog_b`, `red_car_aa`: a kind, an underscore, one or two letters."""


def local_name(value: str) -> str:
    """A mention's local name without its angle brackets. Raises ValueError when it is none."""
    name = value.strip().strip("<>").lower()
    if not LOCAL_NAME.match(name):
        raise ValueError(f"a local name looks like person_a, got {value!r}")
    return name


LocalName = Annotated[str, AfterValidator(local_name)]


class ShownBox(Message):
    """Where something is in a picture: shares of its width and height from the upper left, 0 to 1."""

    left: float
    top: float
    right: float
    bottom: float


def shown_box(value: Any) -> Any:
    """A box as a reply gives it, or None where it is none: off the picture, turned round, in pixels, or a
    sliver.

    A picture without a box is shown whole, so that a poor box costs nothing but size.
    """
    try:
        box = ShownBox.model_validate(value)
        edges = Box(
            *(min(max(edge, 0.0), 1.0) if -BOX_SLACK <= edge <= 1 + BOX_SLACK else edge
              for edge in (box.left, box.top, box.right, box.bottom))
        )  # fmt: skip
    except ValidationError:
        return None
    if edges.width < LEAST_BOX or edges.height < LEAST_BOX:
        return None
    return ShownBox(**edges.model_dump())


BoxReply = Annotated[ShownBox | None, BeforeValidator(shown_box)]
"""A box of a reply, checked; None stands for the whole picture."""


def inputs_of(info: ValidationInfo) -> Any:
    """The Inputs of the request a reply is validated for, or None outside a request."""
    return info.context.get("inputs") if isinstance(info.context, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]


def inside(time_seconds: float, span: Span) -> float:
    """The time moved to the span's bound when it misses by at most TIME_SLACK_SECONDS. Raises ValueError
    beyond that.
    """
    if not span.start_seconds - TIME_SLACK_SECONDS <= time_seconds <= span.stop_seconds + TIME_SLACK_SECONDS:
        raise ValueError(
            f"{time_seconds} s lies outside what was shown, {span.start_seconds}–{span.stop_seconds} s"
        )
    return min(max(time_seconds, span.start_seconds), span.stop_seconds)


def nearest(time_seconds: float, times: Sequence[float]) -> float:
    """The shown time closest to the one given. Raises ValueError when it is further than TIME_SLACK_SECONDS."""
    best = min(times, key=lambda t: abs(t - time_seconds))
    if abs(best - time_seconds) > TIME_SLACK_SECONDS:
        raise ValueError(f"no frame was shown at {time_seconds} s; the closest is {best} s")
    return best


def check_choice(choice: int | None, options: Sequence[str]) -> None:
    """Raises `ValueError` for the index of an option that there is not."""
    if choice is not None and not 0 <= choice < len(options):
        allowed = f"must be 0 to {len(options) - 1}" if options else "has no options to choose from"
        raise ValueError(f"choice {allowed}, got {choice}")
