"""The baseline that evals compare with: frames at even distances, one call."""

from __future__ import annotations

from pydantic import Field, ValidationInfo, model_validator
from typing_extensions import Self

from mrvideo.records import Confidence
from mrvideo.schemas.analysis import SpanReply
from mrvideo.schemas.shared import CueLine, Message, check_choice, inputs_of


class UniformInputs(Message):
    """Prompt `uniform`: the whole video in a handful of frames, labelled with their times."""

    question: str
    options: tuple[str, ...] = ()
    must_choose: bool = False
    frame_times: tuple[float, ...]
    cues: tuple[CueLine, ...] = ()
    speech: str = ""


class UniformReply(Message):
    """`choice` is a 0-based index into the options."""

    seen: str = ""
    spans: tuple[SpanReply, ...] = Field(default=(), max_length=40)
    found: bool
    answer: str | None = None
    choice: int | None = None
    confidence: Confidence

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Self:
        inputs = inputs_of(info)
        if inputs is None:
            return self
        check_choice(self.choice, inputs.options)
        if inputs.options and self.choice is None and (self.found or inputs.must_choose):
            raise ValueError("options are given: choose one by its 0-based index")
        if self.found and not inputs.options and not (self.answer or "").strip():
            raise ValueError("found is true, but no answer is given")
        return self
