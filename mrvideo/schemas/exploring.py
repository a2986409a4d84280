"""The exploring agent: one step of a conversation, either a tool to call or an answer."""

from __future__ import annotations

import json

from pydantic import Field, ValidationInfo, model_validator
from typing_extensions import Self

from mrvideo.schemas.shared import Filled, Message, inputs_of


class ToolLine(Message):
    """A tool that may be called: its name, what it does, and its arguments as JSON schema."""

    name: str
    description: str
    arguments_schema: str


class SpokenLine(Message):
    """One turn of the conversation so far."""

    who: str = Field(description="user or you")
    text: str


class StepLine(Message):
    """A tool call of this turn and what came back. `step_id` is how an answer cites it."""

    step_id: str
    tool: str
    arguments: str
    result: str


class ExploreInputs(Message):
    """Prompt `explore`: the videos, the conversation, the tools, and this turn's steps."""

    videos: tuple[str, ...]
    tools: tuple[ToolLine, ...]
    conversation: tuple[SpokenLine, ...]
    steps: tuple[StepLine, ...] = ()
    steps_left: int


class StepCitation(Message):
    """Words of a tool's result that the answer rests on, exactly as they stand there."""

    step_id: str
    quote: Filled


class ExploreReply(Message):
    """Either `tool` with `arguments` (a JSON object as text), or `answer` with its citations."""

    thought: str = ""
    tool: str | None = None
    arguments: str = "{}"
    citations: tuple[StepCitation, ...] = Field(default=(), max_length=20)
    answer: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self, info: ValidationInfo) -> Self:
        if (self.tool is None) == (not (self.answer or "").strip()):
            raise ValueError("give either a tool to call or an answer, not both and not neither")
        inputs = inputs_of(info)
        if self.tool is None or inputs is None:
            return self
        names = [tool.name for tool in inputs.tools]
        if self.tool not in names:
            raise ValueError(f"no tool named {self.tool!r}; there are {', '.join(names)}")
        if inputs.steps_left <= 0:
            raise ValueError("no steps are left: answer from what you have")
        try:
            arguments = json.loads(self.arguments)
        except json.JSONDecodeError as error:
            raise ValueError(f"arguments must be one JSON object as text: {error}") from error
        if not isinstance(arguments, dict):
            raise ValueError("arguments must be one JSON object as text")
        return self
