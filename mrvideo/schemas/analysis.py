"""Stage B: intentions, goals, looks, answers, checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias, cast

from pydantic import Field, ValidationInfo, field_validator, model_validator
from typing_extensions import Self

from mrvideo.records import CaptionPart, Confidence, Entity, Scene, Source, Span
from mrvideo.records.timed import without_times
from mrvideo.schemas.shared import CueLine, Filled, Message, check_choice, inputs_of, inside


class SpanReply(Message):
    """A time range in a reply. Moved to the bounds of what was shown when it misses them by a step; refused
    beyond.
    """

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
    parts: tuple[PartLine, ...] = Field(
        default=(), description="the caption's parts with their own times, where there are several"
    )
    screen_text: tuple[SightingLine, ...] = ()

    @classmethod
    def of(cls, scene: Scene, *, times: bool = True) -> SceneLine:
        """The line of a scene; with `times`, those inside its captions, in brackets, too."""

        def told(part: CaptionPart) -> str:
            return part.told if times else part.text

        parts = scene.parts if len(scene.parts) > 1 else ()
        whole = told(scene.only_part) if scene.only_part else ""
        return cls(
            index=scene.index,
            start_seconds=scene.start_seconds,
            stop_seconds=scene.stop_seconds,
            caption=whole or scene.detailed or scene.brief,
            parts=tuple(
                PartLine(start_seconds=p.start_seconds, stop_seconds=p.stop_seconds, text=told(p))
                for p in parts
            ),
            screen_text=tuple(
                SightingLine(
                    start_seconds=min(max(s.start_seconds, scene.start_seconds), scene.stop_seconds),
                    stop_seconds=max(min(s.stop_seconds, scene.stop_seconds), scene.start_seconds),
                    text=s.text,
                )
                for s in scene.sightings
            ),
        )


class PartLine(Message):
    """A part of a scene's caption with its own times."""

    start_seconds: float
    stop_seconds: float
    text: str


class SightingLine(Message):
    """A text on screen with its own times."""

    start_seconds: float
    stop_seconds: float
    text: str


class EntityLine(Message):
    """A member of the cast. `seen` tells when: `47–56, 180–188 s`."""

    name: str
    kind: str
    description: str
    display_name: str | None = None
    seen: str = ""

    @classmethod
    def of(cls, entity: Entity) -> EntityLine:
        """The line of an entity, without when it is seen."""
        return cls(
            name=entity.name,
            kind=entity.kind,
            description=entity.description,
            display_name=entity.display_name,
        )


class Finding(SpanReply):
    """Something that bears on the question: where, from which source, and its words exactly as they stand
    there.

    For `frame`, the quote words what is seen. For `caption` and `cue`, code checks that it occurs in the
    source. Times that a caption told it in brackets are no words of it.
    """

    source: Source
    quote: Filled

    @field_validator("quote")
    @classmethod
    def _words_alone(cls, value: str) -> str:
        return without_times(value) or value


class KeyCharacter(Message):
    """A word of the question and the entity (or traits) it means."""

    word: str
    entity: str


# segment_intention -----------------------------------------------------------------------------


class SegmentIntentionInputs(Message):
    """Prompt `segment_intention`: up to 64 scenes and their cues."""

    question: str
    options: tuple[str, ...] = ()
    segment_index: int
    segment_count: int
    span: Span
    scenes: tuple[SceneLine, ...]
    cues: tuple[CueLine, ...] = ()
    entities: tuple[EntityLine, ...] = ()
    speech: str = Field(default="", description="that cues follow, transcribed, none, or not transcribed")
    learnt: tuple[str, ...] = Field(default=(), description="claims that an earlier round found not to hold")
    known: tuple[str, ...] = Field(default=(), description="what else earlier rounds came to")


class SegmentIntentionReply(Message):
    """What this segment has to say on the question. No spans means: nothing here."""

    findings: tuple[Finding, ...] = ()
    reasoning: Filled
    spans: tuple[SpanReply, ...] = Field(default=(), max_length=32)
    characters: tuple[KeyCharacter, ...] = ()
    needs_context: bool = False
    confidence: Confidence

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
    speech: str = ""


class ReduceIntentionsReply(SegmentIntentionReply):
    """One analysis that stands for all given."""


class GlobalIntentionInputs(Message):
    """Prompt `global_intention`: every segment's analysis, and what earlier rounds learnt."""

    question: str
    options: tuple[str, ...] = ()
    span: Span
    analyses: tuple[Analysis, ...]
    entities: tuple[EntityLine, ...] = ()
    speech: str = ""
    learnt: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    shot_starts: tuple[float, ...] = Field(default=(), description="where the shots of the whole video begin")
    scene_count: int = Field(default=0, description="scenes of the whole video")


Density: TypeAlias = Literal["glance", "ends", "dense", "text"]
"""How a span is looked at: one frame of each shot; both ends and just outside; frames close together; crops
for small text.
"""


Decider: TypeAlias = Literal["pictures", "screen_text", "speech", "several"]
"""What tells the answer: what is seen, what stands on screen, nothing but what is said, or several of them."""


Combine: TypeAlias = Literal["select", "sum", "merge", "order"]
"""How what is seen in the spans becomes the answer."""


Scope: TypeAlias = Literal["local", "global"]
"""Whether the answer lies in certain moments, or the question is about the whole video."""


def check_scope(scope: Scope, spans: Sequence[SpanReply]) -> None:
    """Raise `ValueError` for more than ten moments of a question that is about certain ones."""
    if scope == "local" and len(spans) > 10:
        raise ValueError(f"at most 10 spans unless the question is about the whole video, got {len(spans)}")


class GlobalIntentionReply(Message):
    """The plan: what decides, where to look again, how closely, and how the parts combine."""

    reasoning: Filled
    characters: tuple[KeyCharacter, ...] = ()
    decided_by: Decider = "several"
    combine: Combine
    scope: Scope
    look: Density = "dense"
    spans: tuple[SpanReply, ...] = Field(default=(), max_length=64)

    @model_validator(mode="after")
    def _bounds(self, info: ValidationInfo) -> Self:
        inputs = inputs_of(info)
        if inputs is not None:
            for part in self.spans:
                inside(part.start_seconds, inputs.span)
                inside(part.stop_seconds, inputs.span)
            check_scope(self.scope, self.spans)
        return self


# whole_intention --------------------------------------------------------------------------------


class WholeIntentionInputs(SegmentIntentionInputs):
    """Prompt `whole_intention`: everything that is there to read, of a video that is one segment."""

    shot_starts: tuple[float, ...] = Field(default=(), description="where the shots of the whole video begin")
    scene_count: int = Field(default=0, description="scenes of the whole video")


class WholeIntentionReply(SegmentIntentionReply):
    """The only segment's analysis and the plan in one: its spans are those to look at again."""

    decided_by: Decider = "several"
    combine: Combine
    scope: Scope
    look: Density = "dense"

    @model_validator(mode="after")
    def _few(self) -> Self:
        check_scope(self.scope, self.spans)
        return self

    @property
    def plan(self) -> GlobalIntentionReply:
        """The half that plans."""
        return GlobalIntentionReply(
            reasoning=self.reasoning,
            characters=self.characters,
            decided_by=self.decided_by,
            combine=self.combine,
            scope=self.scope,
            look=self.look,
            spans=self.spans,
        )


# goals ------------------------------------------------------------------------------------------


class GoalsInputs(Message):
    """Prompt `goals`: the question, and what is known of speech. Runs beside the segment map, on which it
    does not depend.
    """

    question: str
    options: tuple[str, ...] = ()
    times: tuple[float, ...] = Field(
        default=(), description="the times that the question names, in seconds, as frames are labelled"
    )
    speech: str = ""


class GoalsReply(Message):
    """What to check inside one span, and what across spans: no analysis in either, and no time that the question
    does not name.
    """

    local_question: Filled
    global_question: Filled
    needs_speech: bool = Field(
        default=False, description="true when only spoken words can tell the answer, and no picture can"
    )


# look_local and look_global -------------------------------------------------------------------


class LookInputs(Message):
    """Prompts `look_local` (frames of planned spans) and `look_global` (one frame per shot across the video).

    Pictures are labelled with their times; `exemplars` names whom pictures ahead of
    them show, and `crops` says whether parts of frames follow at the size of the source.
    """

    question: str
    goal: str
    options: tuple[str, ...] = ()
    spans: tuple[Span, ...]
    frame_times: tuple[float, ...]
    cues: tuple[CueLine, ...] = ()
    characters: tuple[KeyCharacter, ...] = ()
    entities: tuple[EntityLine, ...] = ()
    speech: str = ""
    exemplars: tuple[str, ...] = ()
    crops: bool = False
    left_out: int = Field(default=0, description="shots of these spans of which no frame is shown")


class Observation(SpanReply):
    """Something seen in the frames shown, over the times of those frames."""

    text: Filled


class LookReply(Message):
    """What the frames show. `sees` tells "looked, and it is not there" (absent) from "these frames do not
    tell" (not_told).
    """

    observations: tuple[Observation, ...] = Field(max_length=40)
    conclusion: Filled
    sees: Literal["shown", "absent", "not_told"] = "not_told"
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
    speaker: str | None = Field(default=None, description="who says it, of a cue")
    also: tuple[Source, ...] = Field(default=(), description="sources that tell the same of the same moment")


class LookLine(Message):
    """What one look came to, the spans that it was shown, and in how many frames."""

    spans: tuple[Span, ...]
    frames: int
    conclusion: str
    sees: Literal["shown", "absent", "not_told"] = "not_told"
    left_out: int = Field(default=0, description="shots of these spans of which no frame was shown")
    confidence: Confidence


class HeldLine(Message):
    """A claim of an earlier draft that fresh frames confirmed, by its id (h1, h2, …)."""

    id: str
    text: str
    spans: tuple[Span, ...]


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
    speech: str = ""
    unseen: tuple[Span, ...] = ()
    learnt: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    held: tuple[HeldLine, ...] = ()
    problem: str = Field(
        default="", description="what was wrong with the draft before this one, when asked again"
    )
    shot_starts: tuple[float, ...] = Field(default=(), description="where the shots of the whole video begin")
    scene_count: int = Field(default=0, description="scenes of the whole video")


class Citation(Message):
    """A piece of evidence, and the words of it that the claim rests on ("" means all of it)."""

    evidence_id: str
    quote: str = ""


Rule: TypeAlias = Literal["look", "order", "earliest", "latest", "longest", "shortest"]
"""How a claim is decided: by looking, or by code over the times of what it cites, in the order in which it
cites it.
"""


class ClaimReply(Message):
    """One statement that can be checked by looking (or by code over times), and what it rests on."""

    text: Filled
    citations: tuple[Citation, ...] = ()
    check: str = Field(
        default="",
        description="the claim as a yes/no question about the cited span, positive and without naming the answer's letter",
    )
    negated: bool = Field(default=False, description="the claim says that what the check asks is not so")
    rule: Rule = "look"
    held: str = Field(default="", description="id of the claim in <held> that this one repeats")


class AnswerReply(Message):
    """`found` False: the video does not tell, and answer is null. `choice` is a 0-based index into the
    options.

    `basis`: "shown" by evidence; "absent": the parts that would show it were looked at and do not;
    "not_seen": no part that was looked at tells; "unheard": only speech could tell, and there is none to
    read; "illegible": what would tell was looked at, and is too small or too blurred.
    """

    reasoning: str = ""
    claims: tuple[ClaimReply, ...] = Field(default=(), max_length=40)
    rest_check: tuple[str, ...] = Field(
        default=(),
        max_length=2,
        description="for counts, orders, summaries, first, last and when: a yes/no question, or two, to somebody who sees the "
        "rest of the video; yes means that something is missing from the answer",
    )
    rest_within: tuple[SpanReply, ...] = Field(
        default=(), max_length=8, description="spans that alone could hold it; [] for the whole video"
    )
    basis: Literal["shown", "absent", "not_seen", "unheard", "illegible"] = "not_seen"
    found: bool
    answer: str | None = None
    choice: int | None = None
    confidence: Confidence

    @field_validator("rest_check", mode="before")
    @classmethod
    def _questions(cls, value: object) -> object:
        """One question may stand without a list; an empty one is none."""
        asked: object = (value,) if isinstance(value, str) else value
        if not isinstance(asked, (list, tuple)):
            return asked
        every = cast("Sequence[object]", asked)
        return tuple(one for one in every if not isinstance(one, str) or one.strip())

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


class Statement(Message):
    """One yes/no question of a check, and the spans that it is about; none where it is about all that is shown.

    `moment`: its number among several moments that one call shows, each by frames of its own; 0 where it shows one.
    """

    text: str
    spans: tuple[Span, ...] = ()
    moment: int = 0


class VerifyInputs(Message):
    """Prompt `verify`: yes/no questions about the same spans, or about several moments, each numbered from 1 and
    answered by itself, with fresh frames and cues of them; the answer is not shown.

    `context_times` are those of frames just outside. `sampled`: single frames of a long stretch, with gaps
    between them.
    """

    statements: tuple[Statement, ...] = Field(min_length=1)
    spans: tuple[Span, ...]
    frame_times: tuple[float, ...]
    context_times: tuple[float, ...] = ()
    sampled: bool = False
    cues: tuple[CueLine, ...] = ()
    entities: tuple[EntityLine, ...] = ()
    speech: str = ""
    exemplars: tuple[str, ...] = ()
    crops: bool = False


class CheckReply(Message):
    """What a check came to for the statement of this number. `unclear` when the frames do not tell.
    `other_time`: it is seen, but at other times than the spans named: from the first to the second of
    `shown_seconds`.
    """

    number: int
    seen: str = ""
    shown_seconds: tuple[float, ...] = ()
    verdict: Literal["yes", "other_time", "no", "unclear"]

    @model_validator(mode="after")
    def _timed(self, info: ValidationInfo) -> Self:
        if self.verdict == "other_time" and inputs_of(info) is not None and self.shown is None:
            raise ValueError("other_time needs shown_seconds: the first and the last, in order")
        return self

    @property
    def shown(self) -> tuple[float, float] | None:
        """When it is seen, where that is at another time."""
        if self.verdict != "other_time" or len(self.shown_seconds) not in (1, 2):
            return None
        start, stop = self.shown_seconds[0], self.shown_seconds[-1]
        return (start, stop) if start <= stop else None


class VerifyReply(Message):
    """A verdict for each statement, in the order of their numbers."""

    checks: tuple[CheckReply, ...]

    @field_validator("checks")
    @classmethod
    def _each_once(cls, checks: tuple[CheckReply, ...], info: ValidationInfo) -> tuple[CheckReply, ...]:
        inputs = inputs_of(info)
        numbers = sorted(check.number for check in checks)
        if inputs is not None and numbers != list(range(1, len(inputs.statements) + 1)):
            raise ValueError(
                f"one check is needed for each statement, 1 to {len(inputs.statements)}, got {numbers}"
            )
        return tuple(sorted(checks, key=lambda check: check.number))


SceneLine.model_rebuild()


# describe -------------------------------------------------------------------------------------


class DescribeInputs(Message):
    """Prompt `describe`: what is looked for, in a user's words."""

    query: str


class DescribeReply(Message):
    """What a picture of it shows, in one sentence."""

    description: Filled = Field(max_length=400)
