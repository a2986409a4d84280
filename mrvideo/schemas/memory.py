"""Memory: chapters of scenes, and nodes above chapters."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, model_validator
from typing_extensions import Self

from mrvideo.records import Span
from mrvideo.schemas.analysis import EntityLine, SceneLine
from mrvideo.schemas.shared import CueLine, Filled, Message, inputs_of


class FactReply(Message):
    """One thing that matters, in a sentence, and the numbers of the scenes that show or say it."""

    text: Filled
    kind: Literal["event", "text", "speech", "quantity"] = "event"
    scenes: tuple[int, ...] = Field(min_length=1, max_length=16)


class SentenceReply(Message):
    """A sentence of the summary and the numbers of the scenes that it rests on."""

    text: Filled
    scenes: tuple[int, ...] = Field(min_length=1, max_length=48)


class ChapterInputs(Message):
    """Prompt `chapter`: consecutive scenes as they were captioned, what was said, and who appears."""

    span: Span
    scenes: tuple[SceneLine, ...]
    cues: tuple[CueLine, ...] = ()
    entities: tuple[EntityLine, ...] = ()
    speech: str = ""
    shortened: bool = Field(default=False, description="captions and cues were cut to fit the model")


class ChapterReply(Message):
    """What to remember of a chapter. Facts first, then what they come to."""

    facts: tuple[FactReply, ...] = Field(max_length=400)
    summary: tuple[SentenceReply, ...] = Field(min_length=1, max_length=8)
    title: Filled


class NodeLine(Message):
    """A node of the level below: its span, title, summary and facts, each with the scenes that bear it out."""

    name: str
    start_seconds: float
    stop_seconds: float
    title: str
    summary: tuple[SentenceReply, ...] = ()
    facts: tuple[FactReply, ...] = ()


class JoinChaptersInputs(Message):
    """Prompt `join_chapters`: consecutive nodes, to be told as one."""

    span: Span
    nodes: tuple[NodeLine, ...]
    entities: tuple[EntityLine, ...] = ()


class JoinChaptersReply(ChapterReply):
    """What to remember of all of them together."""


# walk and read_facts ---------------------------------------------------------------------------


class WalkInputs(Message):
    """Prompt `walk`: nodes of one level, of which those are opened that may bear on the question."""

    question: str
    options: tuple[str, ...] = ()
    nodes: tuple[NodeLine, ...]
    chapters: bool = Field(description="whether these are chapters, right above the scenes")
    entities: tuple[EntityLine, ...] = ()
    speech: str = ""
    most: int = Field(description="open at most so many")


class WalkReply(Message):
    """Which nodes to open, best first. `everything`: the question cannot be answered from parts of the video."""

    reasoning: Filled
    open: tuple[str, ...] = Field(default=(), max_length=64)
    scope: Literal["parts", "everything"] = "parts"

    @model_validator(mode="after")
    def _there(self, info: ValidationInfo) -> Self:
        inputs = inputs_of(info)
        if inputs is not None:
            names = {node.name for node in inputs.nodes}
            unknown = [name for name in self.open if name.strip("[] ") not in names]
            if unknown and len(unknown) == len(self.open):
                raise ValueError(f"no part is named {unknown[0]!r}; name parts as they are listed")
        return self


class ReadFactsInputs(Message):
    """Prompt `read_facts`: the facts of consecutive chapters, for a question about the whole video."""

    question: str
    options: tuple[str, ...] = ()
    span: Span
    nodes: tuple[NodeLine, ...]
    entities: tuple[EntityLine, ...] = ()
    speech: str = ""


class ReadFactsReply(Message):
    """The scenes that bear on the question, or may."""

    reasoning: Filled
    scenes: tuple[int, ...] = Field(default=(), max_length=256)


# tell ------------------------------------------------------------------------------------------


class TellInputs(Message):
    """Prompt `tell`: what is remembered of a part of the video, to be told about something, as steps, or as a
    story.
    """

    style: Literal["summary", "steps", "story"]
    about: str = ""
    span: Span
    nodes: tuple[NodeLine, ...]
    entities: tuple[EntityLine, ...] = ()
    speech: str = ""
    sentences: int = Field(description="tell it in at most so many")


class TellReply(Message):
    """Sentences in order, each with the scenes that it rests on; none where nothing of it is there."""

    sentences: tuple[SentenceReply, ...] = Field(default=(), max_length=64)
