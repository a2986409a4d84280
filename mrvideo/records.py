"""The values that travel between rooms: frozen, typed, and refusing nonsense.

Times are seconds on the video's own clock: presentation time (PTS) since its first frame.
Spans are half-open, `[start_seconds, stop_seconds)`; all arithmetic on them lives here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, NoReturn, TypeAlias, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, computed_field, model_validator
from typing_extensions import Self

from mrvideo.wording import plain, with_bare_addresses, without_secrets

Confidence: TypeAlias = Literal[1, 2, 3, 4, 5]
Effort: TypeAlias = Literal["low", "medium", "high", "exhaustive"]
Recipe: TypeAlias = Literal["fused", "paper"]
Source: TypeAlias = Literal["caption", "cue", "frame"]
Checker: TypeAlias = Literal["pixels", "second model", "quote"]
"""What a claim was held against: fresh frames, a model that did not make it, or only the words that it quotes."""


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
    """Sorted spans with those that touch, overlap, or lie at most `gap_seconds` apart joined; None: only those that overlap."""
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


HIGHEST_JPEG_QUALITY = 95
"""libjpeg's scale ends at 100, but above this pictures only grow."""


class VideoInfo(Record):
    """One media file, as its container describes it. Sizes are pixels, upright (rotation and sample aspect applied)."""

    digest: str = Field(description="SHA-256 of the whole file, hexadecimal: the video's identity")
    path: MediaPath
    duration_seconds: float = Field(ge=0)
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    frames_per_second: float | None = Field(description="average; None where the container does not say")
    codec: str
    has_audio: bool
    size_bytes: int
    notes: tuple[str, ...] = ()
    """What a user should know of how the file is read, a line each."""


class Box(Record):
    """A rectangle of a picture in shares of its width and height, from the upper left: `Box(0.25, 0, 0.75, 1)` is its middle half.

    Boxes in records are shares of the upright *source* picture, so that one of them holds whatever a frame was cut out of it.

    source     |..[======crop======]..|
    box        |.....[box]............|       box.seen_in(crop): where the crop shows it
    in crop       |...[box].........|         box.out_of(crop): back to the source
    """

    left: float = Field(ge=0, le=1)
    top: float = Field(ge=0, le=1)
    right: float = Field(ge=0, le=1)
    bottom: float = Field(ge=0, le=1)

    def __init__(self, left: float, top: float, right: float, bottom: float) -> None:
        super().__init__(left=left, top=top, right=right, bottom=bottom)  # pyright: ignore[reportCallIssue]

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if self.right <= self.left or self.bottom <= self.top:
            raise ValueError(
                "a box must have its left before its right and its top above its bottom, "
                f"got left={self.left} top={self.top} right={self.right} bottom={self.bottom}"
            )
        return self

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def intersection(self, other: Box) -> Box | None:
        """The shared part, or None when nothing is shared."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        return Box(left, top, right, bottom) if left < right and top < bottom else None

    def union(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def contains(self, other: Box) -> bool:
        """Whether no part of the other lies outside."""
        return self.union(other) == self

    def padded(self, share: float) -> Box:
        """Widened on each side by this share of its own width and height, cut to the picture."""
        wider, taller = share * self.width, share * self.height
        return Box(
            max(0.0, self.left - wider),
            max(0.0, self.top - taller),
            min(1.0, self.right + wider),
            min(1.0, self.bottom + taller),
        )

    def seen_in(self, crop: Box) -> Box | None:
        """This box of the source in shares of a crop of it; None when the crop shows nothing of it."""
        shown = self.intersection(crop)
        if shown is None:
            return None
        left, right = ((x - crop.left) / crop.width for x in (shown.left, shown.right))
        top, bottom = ((y - crop.top) / crop.height for y in (shown.top, shown.bottom))
        return Box(left, top, min(right, 1.0), min(bottom, 1.0)) if left < right and top < bottom else None

    def out_of(self, crop: Box) -> Box:
        """This box, which is in shares of a crop, in shares of the source."""
        return Box(
            crop.left + self.left * crop.width,
            crop.top + self.top * crop.height,
            min(crop.left + self.right * crop.width, 1.0),
            min(crop.top + self.bottom * crop.height, 1.0),
        )


WHOLE = Box(0.0, 0.0, 1.0, 1.0)
"""The whole picture."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture: upright, scaled, JPEG-encoded. It stays on the machine that decoded it.

    `crop` says which part of the upright source picture it shows: all of it, or what was left without black bars.
    Pickling raises `TypeError`, so that no engine can send it. The one exception is `frame_between_processes`.
    """

    time_seconds: float
    jpeg: bytes = field(repr=False)
    width: int
    height: int
    crop: Box = WHOLE

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Frame stays on the machine that decoded it; send its time instead")


def frame_between_processes(frame: Frame) -> tuple[type[Frame], tuple[float, bytes, int, int, Box]]:
    """A reducer for pickling, given to the processes that do nothing but decode, on this machine, and to nobody else."""
    return Frame, (frame.time_seconds, frame.jpeg, frame.width, frame.height, frame.crop)


class Clip(Spanned):
    """The unit of the captioning map."""

    index: int = Field(ge=0)


class Shot(Spanned):
    """What lies between two camera cuts; `transition` says how it begins.

    `crop` is the picture without its black bars; None in an index made before they were looked for.
    """

    transition: Literal["start", "cut", "dissolve"] = "cut"
    crop: Box | None = None


def crops_of(shots: Iterable[Shot]) -> tuple[tuple[float, Box], ...] | None:
    """From when on each crop holds, in order of time; None unless all shots know theirs."""
    found: list[tuple[float, Box]] = []
    for shot in shots:
        if shot.crop is None:
            return None
        found.append((shot.start_seconds, shot.crop))
    return tuple(found) or None


class Cue(Spanned):
    """One timed line of speech or subtitle."""

    text: str
    speaker: str | None = None
    source: Literal["sidecar", "embedded", "speech"] = "sidecar"
    language: str | None = None


class Sighting(Spanned):
    """A text read on screen and the span over which it stood there."""

    text: str


class Mention(Spanned):
    """A character or object seen in one shard, under a local name such as `person_a`."""

    shard_index: int = Field(ge=0)
    name: str
    kind: str
    description: str = Field(description="lasting traits and clothes")
    activity: str = Field(default="", description="what it does in its shard; no trait to recognise it by")
    exemplar_seconds: float = Field(ge=0, description="time of the frame that shows it best")
    box: Box | None = Field(default=None, description="where it is in that frame; None: the whole frame")
    seen_seconds: tuple[float, ...] = Field(default=(), description="times of frames that show it")
    late: bool = Field(
        default=False,
        description="found while its clip was captioned, so it may be another of the same shard",
    )

    @property
    def mention_id(self) -> str:
        """Unique within a video: `3/person_a`."""
        return f"{self.shard_index}/{self.name}"


class Entity(Record):
    """The mentions that are the same one, under one name across the video: `person_3`, written `<person_3>` in captions."""

    name: str
    kind: str
    description: str
    display_name: str | None = Field(default=None, description="a real name, where one was given or learnt")
    exemplar_seconds: float = Field(ge=0)
    box: Box | None = Field(
        default=None, description="where it is in the exemplar's frame, in shares of the source"
    )
    mention_ids: tuple[str, ...] = ()
    scene_indexes: tuple[int, ...] = ()
    name_evidence: tuple[Evidence, ...] = ()


class CaptionPart(Spanned):
    """What was said of one stretch of a scene: `text` in detail, `brief` in a sentence."""

    text: str
    brief: str = ""


class Scene(Spanned):
    """One continuous event: the unit that a caption describes. Scenes tile the video.

    A scene longer than a clip is described in `parts`, each with its own span; they tile the scene, and a later one says what is
    new in it. `brief` and `detailed` are those of the parts, joined. A caption without parts is one, over the whole scene.
    """

    index: int = Field(ge=0)
    brief: str
    detailed: str
    entity_names: tuple[str, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    parts: tuple[CaptionPart, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _one_part(cls, data: Any) -> Any:
        """Of a caption without parts, as libraries of 0.1.0 keep it, the one part is made."""
        if not isinstance(data, dict):
            return cast("object", data)
        fields = cast("dict[str, Any]", data)
        text = fields.get("detailed")
        if fields.get("parts") or not isinstance(text, str) or not text.strip():
            return fields
        whole = {name: fields[name] for name in ("start_seconds", "stop_seconds", "brief") if name in fields}
        return {**fields, "parts": ({**whole, "text": text},)}

    @model_validator(mode="after")
    def _parts_inside(self) -> Self:
        for part in self.parts:
            if part.start_seconds < self.start_seconds or part.stop_seconds > self.stop_seconds:
                raise ValueError(f"a part of a scene must lie inside it, got {part.span} in {self.span}")
        return self


Hides: TypeAlias = Literal["pictures", "sound", "names", "borders"]
"""What is unknown of a span: what it shows, what is said, who is who, or whether one scene goes on in the next."""


class _Reasoned(Spanned):
    """A span and why something is unknown of it, one reason each cause."""

    reasons: tuple[str, ...] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _one_reason(cls, data: Any) -> Any:
        """Of a single `reason`, as libraries of 0.1.0 keep it, the reasons are made; beside them it says nothing new."""
        if isinstance(data, dict) and "reason" in data:
            fields = dict(cast("dict[str, Any]", data))
            reason = fields.pop("reason")
            fields.setdefault("reasons", (reason,))
            return fields
        return cast("object", data)

    @computed_field
    @property
    def reason(self) -> str:
        """All reasons in one line."""
        return "; ".join(self.reasons)


class Failure(_Reasoned):
    """A span that one step could not perceive. The step that makes it says what it hides, and whether trying again is vain.

    `final`: it will be the same next time, as for bytes that do not decode. Others are tried again by the next index run.
    """

    stage: str
    hides: Hides = "pictures"
    final: bool = False

    @classmethod
    def of(
        cls, span: Span, stage: str, *reasons: str, hides: Hides = "pictures", final: bool = False
    ) -> Self:
        """A failure over a span."""
        return cls(
            start_seconds=span.start_seconds,
            stop_seconds=span.stop_seconds,
            stage=stage,
            reasons=reasons,
            hides=hides,
            final=final,
        )

    @model_validator(mode="before")
    @classmethod
    def _of_010(cls, data: Any) -> Any:
        """Libraries of 0.1.0 keep a stage and one reason; what that stage hid is filled in."""
        if isinstance(data, dict) and "reason" in data and "hides" not in data and "reasons" not in data:
            fields = cast("dict[str, Any]", data)
            return {**_KEPT_BY_010.get(str(fields.get("stage")), {}), **fields}
        return cast("object", data)


_KEPT_BY_010: dict[str, dict[str, Any]] = {
    "decode": {"final": True},
    "sound": {"hides": "sound", "final": True},
    "speech": {"hides": "sound"},
    "characters": {"hides": "names"},
    "cast": {"hides": "names"},
    "names": {"hides": "names"},
    "merge": {"hides": "borders"},
}


def may_yet_end_well(failures: Iterable[Failure]) -> bool:
    """Whether another index run could do better at any of them."""
    return any(not failure.final for failure in failures)


class Unseen(_Reasoned):
    """A span that an answer could not take into account, and why."""

    @classmethod
    def of(cls, span: Span, *reasons: str) -> Self:
        """An unseen span."""
        return cls(start_seconds=span.start_seconds, stop_seconds=span.stop_seconds, reasons=reasons)


class Evidence(Spanned):
    """What was seen or said over a span, where that came from, and its words as they stand there."""

    id: str = ""
    source: Source
    quote: str


class ModelFinding(Record):
    """What one model found of a claim, in its words; `holds` None: it could not tell."""

    model: str
    holds: bool | None
    seen: str


class Claim(Record):
    """One statement of an answer and the evidence it rests on. `holds` is what verification found, None when not asked.

    `findings` is there where two models looked and differ: both are told, and neither is averaged away.
    """

    text: str
    evidence_ids: tuple[str, ...]
    holds: bool | None = None
    findings: tuple[ModelFinding, ...] = ()


class Usage(Record):
    """What calls took. `cost` is in US dollars; None means unknown, which is not zero."""

    calls: int = 0
    input_tokens: int = 0
    cached_tokens: int = 0
    output_tokens: int = 0
    images: int = 0
    seconds: float = 0.0
    cost: float | None = 0.0

    def __add__(self, other: Usage) -> Usage:
        unknown = self.cost is None or other.cost is None
        return Usage(
            calls=self.calls + other.calls,
            input_tokens=self.input_tokens + other.input_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            images=self.images + other.images,
            seconds=self.seconds + other.seconds,
            cost=None if unknown else (self.cost or 0.0) + (other.cost or 0.0),
        )


_UNREAD_TOLD = 3


class Answer(Record):
    """An answer with everything needed to check it.

    `answer` is None when the video does not hold one ("not found"); `searched` then says what was looked through.
    `nearest` are then the moments that come closest to what was asked. `guessed` marks a choice that `must_choose`
    forced without evidence. `unread` are spans whose captions were not consulted: the memory of a long video pointed elsewhere. `checked_by` says what all claims were held against; `verified` is pixels or a second model:
    that a quote stands where it is cited does not make an answer true.
    """

    question: str
    options: tuple[str, ...] = ()
    answer: str | None
    choice: int | None = Field(default=None, ge=0, description="0-based index into options")
    guessed: bool = False
    confidence: Confidence
    verified: bool
    checked_by: tuple[Checker, ...] = ()
    claims: tuple[Claim, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    nearest: tuple[Evidence, ...] = ()
    unseen: tuple[Unseen, ...] = ()
    unread: tuple[Span, ...] = ()
    removed_citations: int = 0
    searched: str = ""
    rounds: int = 1
    effort: Effort = "high"
    usage: Usage = Usage()
    video: MediaPath = Field(description="path of the video as it was asked")
    video_digest: str
    models: dict[str, str] = Field(default_factory=dict, description="role → model name")
    settings: dict[str, Any] = Field(default_factory=dict, description="what else would change the answer")

    @property
    def checks(self) -> str:
        """What it was checked by, in words: `checked by pixels, quote`, `not checked`."""
        return f"checked by {', '.join(self.checked_by)}" if self.checked_by else "not checked"

    @property
    def differences(self) -> tuple[str, ...]:
        """Where a second model found otherwise: the claim, and what each of the two found."""
        words = {True: "yes", False: "no", None: "unclear"}
        return tuple(
            f"{claim.text} "
            + "; ".join(
                f"{f.model}: {words[f.holds]}{f', {f.seen}' if f.seen else ''}" for f in claim.findings
            )
            for claim in self.claims
            if claim.findings
        )

    @property
    def told(self) -> str:
        """The answer, the chosen option, or in what it was not found: a model that only reads knows no more than texts and speech."""
        if self.answer is not None or self.choice is not None:
            return self.answer if self.answer is not None else self.options[self.choice or 0]
        if self.models.get("text") == "offline":
            return "not found in what was read and heard"
        return "not found in what was read of the video" if self.unread else "not found in the video"

    @property
    def marks(self) -> tuple[str, ...]:
        """How far to trust it, in a few words each."""
        found = self.answer is not None or self.choice is not None
        marks = (f"confidence {self.confidence} of 5", *([self.checks] if found else []))
        return (*marks, "a guess: a choice was demanded") if self.guessed else marks

    def __str__(self) -> str:
        """For people, safe for a terminal: what, how sure, on what evidence, and what was not seen."""
        lines = [plain(self.told), ", ".join(self.marks)]
        lines += [f"  {e.span}  {e.source}: {plain(e.quote)}" for e in self.evidence]
        lines += [f"  closest: {e.span}  {e.source}: {plain(e.quote)}" for e in self.nearest]
        lines += [f"  models differ: {plain(told)}" for told in self.differences]
        lines += [f"  not seen: {u.span}: {plain(u.reason)}" for u in self.unseen]
        if self.unread:
            shown = ", ".join(str(span) for span in self.unread[:_UNREAD_TOLD])
            more = f" and {len(self.unread) - _UNREAD_TOLD} more" if len(self.unread) > _UNREAD_TOLD else ""
            lines.append(f"  not read: {shown}{more}; --effort exhaustive reads all")
        if self.searched and (self.unseen or not self.evidence):
            lines.append(f"searched: {plain(self.searched)}")
        return "\n".join(lines)


class Index(Record):
    """All that stage A knows of one video under one set of settings. Loading it decodes nothing and calls nothing.

    `key` names everything that would change it (digest, recipe, sampling, prompts, models, cues); `settings` spells it out.
    """

    key: str
    video: VideoInfo
    settings: dict[str, Any] = Field(default_factory=dict)
    scenes: tuple[Scene, ...] = ()
    entities: tuple[Entity, ...] = ()
    mentions: tuple[Mention, ...] = ()
    cues: tuple[Cue, ...] = ()
    shots: tuple[Shot, ...] = ()
    failures: tuple[Failure, ...] = ()
    usage: Usage = Usage()
    created_at: str = Field(default="", description="ISO 8601, UTC")

    @property
    def span(self) -> Span:
        """The whole video."""
        return Span(0.0, self.video.duration_seconds)

    @property
    def crops(self) -> tuple[tuple[float, Box], ...] | None:
        """From when on which part of the picture lies between black bars; None where that was not looked for."""
        return crops_of(self.shots)


class Hit(Spanned):
    """One search result: a caption, cue or on-screen text that matches, best first."""

    video_digest: str
    video: MediaPath
    source: Source
    text: str
    score: float


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

Entity.model_rebuild()
