"""Stage B: intentions, goals, looks, answers, checks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, model_validator
from typing_extensions import Self

from mrvideo.records import Confidence, Source, Span
from mrvideo.schemas.shared import CueLine, Filled, Message, check_choice, inputs_of, inside


class SpanReply(Message):
    """A time range in a reply. Moved to the bounds of what was shown when it misses them by a step; refused beyond."""

    start_seconds: float
    stop_seconds: float

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.stop_seconds < self.start_seconds:
            raise ValueError(
                f"a span must not end before it starts: {self.start_seconds}, {self.stop_seconds}"
            )
        return self

    @property
    def span(self) -> Span:
        """As a record, cut at zero."""
        return Span(max(self.start_seconds, 0.0), max(self.stop_seconds, 0.0))


class SceneLine(Message):
    """A scene as the analysis reads it: times, detailed caption under shared names, texts on screen."""

    index: int
    start_seconds: float
    stop_seconds: float
    caption: str
    screen_text: tuple[SightingLine, ...] = ()


class SightingLine(Message):
    """A text on screen with its own times."""

    start_seconds: float
    stop_seconds: float
    text: str


class EntityLine(Message):
    """A member of the cast."""

    name: str
    kind: str
    description: str
    display_name: str | None = None


class Finding(SpanReply):
    """Something that bears on the question: where, from which source, and its words exactly as they stand there.

    For `frame`, the quote words what is seen. For `caption` and `cue`, code checks that it occurs in the source.
    """

    source: Source
    quote: Filled


class KeyCharacter(Message):
    """A word of the question and the entity (or traits) it means."""

    word: str
    entity: str


# segment_intention -----------------------------------------------------------------------------


class SegmentIntentionInputs(Message):
    """Prompt `segment_intention`: 32 scenes, their cues, and each scene's middle frame (labelled with its time)."""

    question: str
    options: tuple[str, ...] = ()
    segment_index: int
    segment_count: int
    span: Span
    scenes: tuple[SceneLine, ...]
    cues: tuple[CueLine, ...] = ()
    entities: tuple[EntityLine, ...] = ()
    learnt: tuple[str, ...] = Field(default=(), description="claims that an earlier round found not to hold")
    known: tuple[str, ...] = Field(default=(), description="what else earlier rounds came to")


class SegmentIntentionReply(Message):
    """What this segment has to say on the question. No spans means: nothing here."""

    reasoning: Filled
    spans: tuple[SpanReply, ...] = Field(default=(), max_length=32)
    findings: tuple[Finding, ...] = ()
    confidence: Confidence
    characters: tuple[KeyCharacter, ...] = ()
    needs_context: bool = False

    @model_validator(mode="after")
    def _bounds(self, info: ValidationInfo) -> Self:
        inputs = inputs_of(info)
        if inputs is not None:
            for part in (*self.spans, *self.findings):
                inside(part.start_seconds, inputs.span)
                inside(part.stop_seconds, inputs.span)
        return self


# reduce_intentions and global_intention --------------------------------------------------------


class Analysis(Message):
    """A segment's analysis (or several, already reduced) on its way up the tree."""

    span: Span
    reasoning: str
    spans: tuple[SpanReply, ...] = ()
    findings: tuple[Finding, ...] = ()
    confidence: Confidence
    characters: tuple[KeyCharacter, ...] = ()
    needs_context: bool = False


class ReduceIntentionsInputs(Message):
    """Prompt `reduce_intentions`: neighbouring analyses, too many for one call with all others."""

    question: str
    options: tuple[str, ...] = ()
    span: Span
    analyses: tuple[Analysis, ...]


class ReduceIntentionsReply(SegmentIntentionReply):
    """One analysis that stands for all given."""


class GlobalIntentionInputs(Message):
    """Prompt `global_intention`: every segment's analysis, and what earlier rounds learnt."""

    question: str
    options: tuple[str, ...] = ()
    span: Span
    analyses: tuple[Analysis, ...]
    entities: tuple[EntityLine, ...] = ()
    learnt: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    shot_starts: tuple[float, ...] = Field(default=(), description="where the shots of the whole video begin")
    scene_count: int = Field(default=0, description="scenes of the whole video")


class GlobalIntentionReply(Message):
    """The plan: where to look again and how the parts combine."""

    reasoning: Filled
    combine: Literal["select", "sum", "merge", "order"]
    scope: Literal["local", "global"]
    spans: tuple[SpanReply, ...] = Field(default=(), max_length=64)
    characters: tuple[KeyCharacter, ...] = ()

    @model_validator(mode="after")
    def _bounds(self, info: ValidationInfo) -> Self:
        inputs = inputs_of(info)
        if inputs is not None:
            for part in self.spans:
                inside(part.start_seconds, inputs.span)
                inside(part.stop_seconds, inputs.span)
            if self.scope == "local" and len(self.spans) > 10:
                raise ValueError(
                    f"at most 10 spans unless the question is about the whole video, got {len(self.spans)}"
                )
        return self


# goals ------------------------------------------------------------------------------------------


class GoalsInputs(Message):
    """Prompt `goals`: the question alone. Runs beside the segment map, on which it does not depend."""

    question: str
    options: tuple[str, ...] = ()


class GoalsReply(Message):
    """What to check inside one span, and what across spans: no analysis and no times in either."""

    local_question: Filled
    global_question: Filled


# look_local and look_global -------------------------------------------------------------------


class LookInputs(Message):
    """Prompts `look_local` (dense frames of one span) and `look_global` (one frame per scene across spans).

    Pictures are labelled with their times.
    """

    question: str
    goal: str
    options: tuple[str, ...] = ()
    spans: tuple[Span, ...]
    frame_times: tuple[float, ...]
    cues: tuple[CueLine, ...] = ()
    characters: tuple[KeyCharacter, ...] = ()
    entities: tuple[EntityLine, ...] = ()


class Observation(SpanReply):
    """Something seen in the frames shown, over the times of those frames."""

    text: Filled


class LookReply(Message):
    """What the frames show. No observations means: nothing that bears on the goal."""

    observations: tuple[Observation, ...] = Field(max_length=40)
    conclusion: Filled
    confidence: Confidence

    @model_validator(mode="after")
    def _bounds(self, info: ValidationInfo) -> Self:
        inputs = inputs_of(info)
        if inputs is not None and inputs.spans:
            shown = Span(
                min(s.start_seconds for s in inputs.spans), max(s.stop_seconds for s in inputs.spans)
            )
            for part in self.observations:
                inside(part.start_seconds, shown)
                inside(part.stop_seconds, shown)
        return self


# answer -----------------------------------------------------------------------------------------


class EvidenceLine(Message):
    """Evidence that may be cited, by its id."""

    id: str
    start_seconds: float
    stop_seconds: float
    source: Source
    quote: str


class LookLine(Message):
    """What one look came to, and the spans that it was shown."""

    spans: tuple[Span, ...]
    conclusion: str
    confidence: Confidence


class AnswerInputs(Message):
    """Prompt `answer`: the plan, all analyses, what the looks saw, and the evidence by id."""

    question: str
    options: tuple[str, ...] = ()
    must_choose: bool = False
    plan: GlobalIntentionReply
    analyses: tuple[Analysis, ...] = ()
    looks: tuple[LookLine, ...] = ()
    evidence: tuple[EvidenceLine, ...] = ()
    entities: tuple[EntityLine, ...] = ()
    unseen: tuple[Span, ...] = ()
    learnt: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    problem: str = Field(
        default="", description="what was wrong with the draft before this one, when asked again"
    )
    shot_starts: tuple[float, ...] = Field(default=(), description="where the shots of the whole video begin")
    scene_count: int = Field(default=0, description="scenes of the whole video")


class Citation(Message):
    """A piece of evidence, and the words of it that the claim rests on ("" means all of it)."""

    evidence_id: str
    quote: str = ""


class ClaimReply(Message):
    """One statement that can be checked by looking, and what it rests on."""

    text: Filled
    citations: tuple[Citation, ...] = ()
    check: str = Field(
        default="",
        description="the claim as a yes/no question about the cited span, without naming the answer's letter",
    )


class AnswerReply(Message):
    """`found` False: the video does not tell, and answer is null. `choice` is a 0-based index into the options."""

    reasoning: str = ""
    found: bool
    answer: str | None = None
    choice: int | None = None
    confidence: Confidence
    claims: tuple[ClaimReply, ...] = Field(default=(), max_length=40)
    rest_check: str = Field(
        default="",
        description="for counts, orders and summaries: a yes/no question to somebody who sees the rest of the video; "
        "yes means that something is missing from the answer",
    )

    @model_validator(mode="after")
    def _consistent(self, info: ValidationInfo) -> Self:
        inputs = inputs_of(info)
        if self.found and not (self.answer or "").strip() and self.choice is None:
            raise ValueError("found is true, but neither answer nor choice is given")
        if inputs is None:
            return self
        check_choice(self.choice, inputs.options)
        if inputs.must_choose and inputs.options and self.choice is None:
            raise ValueError("a choice is demanded: give the 0-based index of one option")
        if self.found and inputs.options and self.choice is None:
            raise ValueError("options are given: choose one by its 0-based index, or set found to false")
        return self


# verify -----------------------------------------------------------------------------------------


class VerifyInputs(Message):
    """Prompt `verify`: a yes/no question about one span, with fresh frames and cues of it; the answer is not shown."""

    check: str
    span: Span
    frame_times: tuple[float, ...]
    cues: tuple[CueLine, ...] = ()
    entities: tuple[EntityLine, ...] = ()


class VerifyReply(Message):
    """`unclear` when the frames do not tell."""

    verdict: Literal["yes", "no", "unclear"]
    seen: str = ""


SceneLine.model_rebuild()
