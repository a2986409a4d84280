"""The records that travel between a shard's worker and the driver: no frame, no model, only what was found."""

from __future__ import annotations

from typing import Any, cast

from pydantic import Field, model_validator

from mrvideo.captioning.options import CaptioningOptions
from mrvideo.media.options import ReadOptions
from mrvideo.models.budget import Allowance
from mrvideo.models.memory_store import KeptReply
from mrvideo.models.recording import RecordedReply
from mrvideo.models.replay import Missing
from mrvideo.records import (
    Box,
    Cue,
    Evidence,
    Failure,
    Mention,
    Record,
    Shot,
    Sighting,
    Span,
    Spanned,
    Usage,
    VideoInfo,
    may_yet_end_well,
)
from mrvideo.speech.known import Speech, speech_in


class ShardSpec(Record):
    """All that a worker needs to caption one shard, wherever it runs."""

    index: int = Field(ge=0)
    span: Span
    video: VideoInfo
    cues: tuple[Cue, ...] = ()
    answered: tuple[str, ...] = Field(
        default=(), description="digests of the requests of this shard that an earlier run got answers to"
    )
    heard: bool = Field(
        default=False, description="the sound was transcribed, or the video has cues somewhere"
    )
    unheard: tuple[Span, ...] = Field(default=(), description="where transcribing failed")
    options: CaptioningOptions
    reading: ReadOptions
    replies: tuple[KeptReply, ...] = Field(
        default=(),
        description="for a worker, which has no library: what an earlier run was told of this shard",
    )

    allowance: Allowance | None = Field(
        default=None, description="for a worker, which cannot ask the run's budget: what it may take at most"
    )

    def speech(self, span: Span) -> Speech:
        """What is known of the speech of a span of the shard."""
        shown = [cue for cue in self.cues if cue.span.overlaps(span)]
        audio = self.video.has_audio
        return speech_in([span], shown, heard=self.heard, has_audio=audio, unheard=self.unheard)


class BestSeen(Record):
    """The frame of a draft that shows somebody best, and where; names are local to the shard."""

    name: str
    seconds: float
    box: Box | None = None


class SceneDraft(Spanned):
    """A scene, or the part of one that one call captioned; names are still local to its shard.

    `continues`: it goes on with the event before. `told`: and its words say only what is new, since its call
    was told of that event. `same_picture`: and the picture at its start is the very one before it, so that no
    frame exists at which a boundary could stand.
    """

    shard_index: int = Field(ge=0)
    brief: str
    detailed: str
    appearing: tuple[str, ...] = ()
    best: tuple[BestSeen, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    continues: bool = False
    told: bool = False
    same_picture: bool = False


class Corrected(Record):
    """A mention's description as a clip's reply put it right; the name is local to the shard."""

    name: str
    seconds: float = Field(description="where the clip begins")
    description: str


class Called(Record):
    """A real name that a clip's reply gives somebody, and the cue or the text on screen in which it stands; `name` is local
    to the shard.
    """

    name: str
    called: str
    evidence: Evidence


class ShardRecords(Record):
    """What one shard yields. Drafts and the failures that hide pictures cover its span without gap; `usage` counts calls
    paid for.
    """

    index: int
    span: Span
    mentions: tuple[Mention, ...] = ()
    corrected: tuple[Corrected, ...] = ()
    called: tuple[Called, ...] = ()
    # The name of what is kept, and is not changed.
    pieces: tuple[SceneDraft, ...] = ()
    failures: tuple[Failure, ...] = ()
    shots: tuple[Shot, ...] = ()
    watermarks: tuple[Sighting, ...] = Field(
        default=(),
        description="texts and logos laid over the picture in several shots, and when they stand there",
    )
    shared: tuple[BestSeen, ...] = Field(
        default=(), description="where mentions are in frames that the shard before or after was shown, too"
    )
    usage: dict[str, Usage] = Field(default_factory=dict)
    answered: tuple[str, ...] = Field(
        default=(), description="digests of the requests that were answered, as long as another one failed"
    )

    @model_validator(mode="before")
    @classmethod
    def _over_all(cls, data: Any) -> Any:
        """A watermark without a time, as older records keep it, stands over the whole shard."""
        if not isinstance(data, dict):
            return cast("object", data)
        fields = cast("dict[str, Any]", data)
        kept = cast("tuple[object, ...]", fields.get("watermarks") or ())
        whole = fields.get("span")
        if not isinstance(whole, dict) or not any(isinstance(mark, str) for mark in kept):
            return fields
        over = cast("dict[str, object]", whole)
        marks = [{**over, "text": mark} if isinstance(mark, str) else mark for mark in kept]
        return {**fields, "watermarks": marks}

    @property
    def finished(self) -> bool:
        """Whether another run could not do better: broken bytes stay broken, all else is tried again."""
        return not may_yet_end_well(self.failures)

    @property
    def described(self) -> tuple[Mention, ...]:
        """The mentions, each with the last description that a clip gave it."""
        last = {one.name: one.description for one in sorted(self.corrected, key=lambda one: one.seconds)}
        return tuple(
            mention.model_copy(update={"description": last.get(mention.name, mention.description)})
            for mention in self.mentions
        )


class WorkerResult(Record):
    """What a worker hands back: the records, and the replies that it was given meanwhile, to be kept in the
    library.

    `recorded` are replies for the recording that this run makes, `missing` requests that the one it is
    answered from lacks.
    """

    records: ShardRecords
    replies: tuple[KeptReply, ...] = ()
    recorded: tuple[RecordedReply, ...] = ()
    missing: tuple[Missing, ...] = ()
    reached: str | None = Field(
        default=None, description="the shard is not done: why its allowance did not do"
    )
