"""What travels through the graph: the run's context, the shared state, and the tasks of its maps."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Protocol

import anyio
from pydantic import BaseModel
from typing_extensions import TypedDict

from mrvideo.agents.ask.budget import Pictures, SentTimes
from mrvideo.agents.ask.sources import Sources
from mrvideo.agents.ask.timeline import SpanIndex, borders_of
from mrvideo.memory.evidence import leaves_of
from mrvideo.memory.recall import Recall
from mrvideo.memory.tree import Memory
from mrvideo.models.base import Model
from mrvideo.models.tokens import text_tokens
from mrvideo.records import (
    Answer,
    Box,
    Claim,
    Cue,
    Effort,
    Event,
    Evidence,
    Frame,
    Index,
    ModelFinding,
    Moment,
    Scene,
    Source,
    Span,
    Unseen,
)
from mrvideo.records.shown import shown_names
from mrvideo.schemas.analysis import (
    Analysis,
    AnswerReply,
    ClaimReply,
    Density,
    EntityLine,
    GlobalIntentionReply,
    GoalsReply,
    LookReply,
    SceneLine,
)
from mrvideo.schemas.shared import CueLine
from mrvideo.speech.known import Speech, speech_of


class Frames(Protocol):
    """Where fresh pixels come from: `mrvideo.media.looks.FrameSource`. Called from worker threads."""

    def at(self, times_seconds: list[float]) -> list[Frame]:
        """The frame on screen at each ascending time that can be read."""
        ...


@dataclass(frozen=True)
class View:
    """Where somebody is seen: the time of a frame, and the part of the source picture; None: all of it."""

    time_seconds: float
    box: Box | None


@dataclass
class InFlight:
    """A run's calls that no reply has come to yet, and the error that let no further one begin."""

    calls: set[asyncio.Future[None]] = field(default_factory=set["asyncio.Future[None]"])
    ended: Exception | None = None


@dataclass(frozen=True)
class Context:
    """What one run is asked, and with what: the same for every node. Only `portraits`, `pictures`, `sent` and
    `in_flight` change.

    `effort` is what can be done: `low` where there is nothing to look at or with. `checker` checks claims in
    the place of `vision`. `closeups` serves frames at the size of the source. `memory` is walked to choose
    what is read; without one, all is read. `max_opened` bounds the chapters that a walk opens; those that
    `pointed` lies in are among them.
    """

    question: str
    options: tuple[str, ...]
    index: Index
    sources: Sources
    frames: Frames | None
    vision: Model
    text: Model
    effort: Effort
    must_choose: bool
    max_rounds: int
    on_event: Callable[[Event], None]
    memory: Memory | None = None
    max_opened: int = 8
    pointed: tuple[Moment, ...] = ()
    checker: Model | None = None
    closeups: Frames | None = None
    photos: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """JPEGs that the user gave of members of the cast, by `Entity.photo`."""
    pictures: Pictures = field(default_factory=lambda: Pictures(0))
    sent: SentTimes = field(default_factory=SentTimes)
    portraits: dict[View, Frame | None] = field(default_factory=dict["View", "Frame | None"])
    """Exemplars fetched so far; None where the frame could not be read."""
    in_flight: InFlight = field(default_factory=InFlight)
    # Decoding is done by threads that fill the cores; more than two of them only queue.
    decoding: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(2))

    def tokens_of(self, text: str) -> int:
        """What a text costs with the model that counts more of it. By tiktoken where its tables are at hand;
        see there.
        """
        # A tenth more, since the rule that stands in for a tokenizer may fall that short.
        names = {self.text.name, self.vision.name, self.eye.name}
        return max(text_tokens(text, name) for name in names) * 11 // 10 + 1

    @property
    def eye(self) -> Model:
        """The model that checks claims."""
        return self.checker or self.vision

    def weight_of(self, message: BaseModel) -> int:
        """What a record costs, with its times and the marks around it."""
        return self.tokens_of(message.model_dump_json(exclude_defaults=True))

    @cached_property
    def scenes(self) -> SpanIndex[Scene]:
        """The index's scenes by time."""
        return SpanIndex(self.index.scenes)

    @cached_property
    def shown(self) -> dict[str, list[Scene]]:
        """The scenes that show each of the cast, in order of time. Being spoken of is not being seen."""
        found: dict[str, list[Scene]] = {}
        for scene in self.scenes.items:
            for name in shown_names(scene):
                found.setdefault(name, []).append(scene)
        return found

    @cached_property
    def cues(self) -> SpanIndex[Cue]:
        """The index's cues by time."""
        return SpanIndex(self.index.cues)

    @cached_property
    def recall(self) -> Recall:
        """Finds scenes by words. Made on first use; long videos take a second."""
        return Recall(leaves_of(self.index), self.index.entities)

    @cached_property
    def speech(self) -> Speech:
        """What is known of the speech of the whole video, for requests without cues."""
        return speech_of(self.index, [self.whole], ())

    @cached_property
    def cuts(self) -> list[float]:
        """Where shots begin, without the beginning of the video, in order."""
        return sorted({shot.start_seconds for shot in self.index.shots if shot.start_seconds > 0})

    @cached_property
    def borders(self) -> list[float]:
        """Where shots begin, and scenes that begin away from any cut."""
        return borders_of(self.cuts, [scene.start_seconds for scene in self.scenes.items])

    @cached_property
    def whole(self) -> Span:
        """The span of the video; of its captions where these reach further, as imported ones may. Subtitles
        of another cut say nothing of where the pictures end.
        """
        stops = [scene.stop_seconds for scene in self.index.scenes]
        return Span(0.0, max([self.index.video.duration_seconds, *stops]))


@dataclass(frozen=True)
class Walked:
    """What the memory had opened: scenes, by position; whether the facts of every chapter were read; how many
    calls in a row it took.
    """

    scenes: frozenset[int] = field(default_factory=frozenset[int])
    everything: bool = False
    steps: int = 0


@dataclass(frozen=True)
class Segment:
    """A run of scenes with their cues, small enough for one call. `span` holds all of them."""

    index: int
    count: int
    span: Span
    scenes: tuple[SceneLine, ...]
    cues: tuple[CueLine, ...]
    entities: tuple[EntityLine, ...]


@dataclass(frozen=True)
class Reading:
    """A segment's analysis, or that of several reduced to one, in the round that made it. Of a video that is one
    segment, with the plan that its reading made.
    """

    round: int
    analysis: Analysis
    plan: GlobalIntentionReply | None = None


@dataclass(frozen=True)
class Look:
    """What one re-look saw. `shown` holds, per span, the times of the frames that were really sent. `goal`: what
    was looked for.
    """

    round: int
    reply: LookReply
    shown: tuple[tuple[Span, tuple[float, ...]], ...]
    goal: str
    across: bool = False
    left_out: int = 0
    """Shots of the spans of which no frame was sent."""


@dataclass(frozen=True)
class Draft:
    """A checked draft: its claims cite evidence that exists. `withheld` is an answer no citation of which
    did.
    """

    reply: AnswerReply
    claims: tuple[Claim, ...]
    asked: tuple[ClaimReply, ...] = ()
    """Each claim as it was drafted, with its check."""
    removed_citations: int = 0
    dropped_claims: int = 0
    asked_twice: bool = False
    withheld: str | None = None


@dataclass(frozen=True)
class Verdict:
    """What fresh pixels said of the claim at this place of the draft. `holds` is None when they did not tell.

    `looked` is False where nobody could look: another look would fare no better. `corrected` is when it is
    really seen, where the check confirmed all but the time. `timed`: decided by code, over times alone.
    `findings`: by model, where two differ.
    """

    round: int
    claim_index: int
    holds: bool | None
    seen: str = ""
    looked: bool = True
    pixels: bool = False
    heard: bool = False
    """Read in the cues, and nothing was shown: it is about what is said alone."""
    corrected: Span | None = None
    timed: bool = False
    second: bool = False
    """Said by a model that made none of the evidence."""
    unpaid: bool = False
    """No picture was left to look with."""
    findings: tuple[ModelFinding, ...] = ()


@dataclass(frozen=True)
class Opinion:
    """What one check of a claim came to. `looked`: whether a model saw anything of it; `sent`: pictures of its
    moment, and of whom the call is about.
    """

    holds: bool | None
    seen: str
    unseen: tuple[Unseen, ...]
    looked: bool = True
    pixels: bool = False
    heard: bool = False
    """Cues were read, and nothing was shown."""
    second: bool = False
    corrected: Span | None = None
    sent: int = 0
    frames: int = 0
    shown: tuple[Span, ...] = ()
    """The spans of which frames were shown."""
    unclear: bool = False
    """The frames, or the cues where none were shown, did not tell."""


@dataclass(frozen=True)
class Held:
    """A claim that fresh frames confirmed, with the spans that showed it. Later rounds do not check it again."""

    id: str
    text: str
    check: str
    negated: bool
    spans: tuple[Span, ...]
    seen: str
    pixels: bool
    heard: bool = False


@dataclass(frozen=True)
class Missed:
    """What a check of the video's rest saw that the draft of a round leaves out."""

    round: int
    span: Span
    seen: str


@dataclass(frozen=True)
class Rest:
    """How much of the rest a check of it was shown: frames of `shown` of its spans, the likeliest first."""

    round: int
    frames: int
    shown: int
    spans: int


@dataclass(frozen=True)
class Outcome:
    """A round's draft as its checks left it. `rank`: 2 when all holds, 1 when nothing was denied, else 0.

    `pixels`: each of its claims was held against fresh frames, or what is said alone against the cues.
    `second`: each was confirmed by a model that made none of the evidence.
    """

    round: int
    rank: int
    draft: Draft
    claims: tuple[Claim, ...]
    evidence: tuple[Evidence, ...]
    pixels: bool = False
    second: bool = False


class State(TypedDict):
    """What nodes read and add to. Lists of maps grow by concatenation; what belongs to a round says so
    itself.

    A key is there once a node before has written it; reading one too early is a bug of the edges. `by_speech`:
    the round's plan lets cues decide; None where they were thought to, and did not.
    """

    walked: Walked
    segments: list[Segment]
    to_read: list[Segment]
    analyses: Annotated[list[Reading], operator.add]
    reduced: Annotated[list[Reading], operator.add]
    goals: GoalsReply
    round: int
    plan: GlobalIntentionReply
    by_speech: bool | None
    looks: Annotated[list[Look], operator.add]
    unseen: Annotated[list[Unseen], operator.add]
    evidence: list[Evidence]
    draft: Draft
    verdicts: Annotated[list[Verdict], operator.add]
    denied: Annotated[list[Denied], operator.add]
    missed: Annotated[list[Missed], operator.add]
    rests: Annotated[list[Rest], operator.add]
    held: list[Held]
    also: dict[str, tuple[Source, ...]]
    outcomes: list[Outcome]
    learnt: list[str]
    known: list[str]
    answer: Answer


def verdicts_now(state: State) -> list[Verdict]:
    """Those of the round."""
    return [verdict for verdict in state.get("verdicts", []) if verdict.round == state["round"]]


def has_missed(state: State) -> bool:
    """Whether the round's check of the rest saw something that its draft leaves out."""
    return any(one.round == state["round"] for one in state.get("missed", []))


def spare_calls(state: State) -> int:
    """How many more calls in a row this round may take: six are promised, eight where a memory is walked, and
    these are what it needs or has taken.

    Each round needs segments, plan, look, answer, verify, and perhaps the reduce level.
    """
    reduced = any(reading.round == state["round"] for reading in state.get("reduced", []))
    steps = state["walked"].steps
    # Where cues were thought to decide, the answer was asked for before anything was looked at.
    late = state["by_speech"] is None
    return (8 if steps else 6) - 5 - reduced - steps - late


class SegmentTask(TypedDict):
    """One call of the segment map, with what earlier rounds learnt."""

    round: int
    segment: Segment
    learnt: tuple[str, ...]
    known: tuple[str, ...]


class ReduceTask(TypedDict):
    """One call of the reduce level."""

    round: int
    analyses: list[Analysis]


class LookTask(TypedDict):
    """One re-look: what to show of which spans, in how many pictures at most (exemplars and crops among
    them).
    """

    round: int
    goal: str
    spans: tuple[Span, ...]
    plan: GlobalIntentionReply
    look: Density
    images: int
    left_out: int
    phase: float
    turn: int


class VerifyTask(TypedDict):
    """One claim of the draft, with the evidence it cites."""

    round: int
    claim_index: int
    claim: Claim
    asked: ClaimReply
    evidence: tuple[Evidence, ...]
    look: Density


class CheckTask(TypedDict):
    """One call: by moment, claims whose cited spans are the same for the most part, and in how many pictures at
    most all of these are shown. `may_repeat`: what it denies, or cannot tell, may be checked again.
    """

    moments: tuple[tuple[VerifyTask, ...], ...]
    images: int
    may_repeat: bool


@dataclass(frozen=True)
class Denied:
    """A claim that a first check denied, or could not tell from its frames, and what that came to: it may get
    a second one.
    """

    task: VerifyTask
    opinion: Opinion


class RestTask(TypedDict):
    """Whether the draft leaves out something that these spans show. Those in `likely`, best first, are shown
    before others. `closely`: where something changes, as so little time is left for it.
    """

    round: int
    checks: tuple[str, ...]
    spans: tuple[Span, ...]
    likely: tuple[Span, ...]
    closely: bool
    images: int
