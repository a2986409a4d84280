"""What stage A knows of a video: scenes, the cast, speech, and what failed."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias, cast

from pydantic import Field, model_validator
from typing_extensions import Self

from mrvideo.records.answer import Evidence
from mrvideo.records.failures import Failure
from mrvideo.records.media import Box, Shot, VideoInfo, crops_of
from mrvideo.records.spans import Record, Span, Spanned
from mrvideo.records.timed import when, without_times
from mrvideo.records.usage import Usage

Recipe: TypeAlias = Literal["fused", "paper"]


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
    """The mentions that are the same one, under one name across the video: `person_3`, written `<person_3>`
    in captions.
    """

    name: str
    kind: str
    description: str
    display_name: str | None = Field(default=None, description="a real name, where one was given or learnt")
    exemplar_seconds: float = Field(ge=0)
    box: Box | None = Field(
        default=None, description="where it is in the exemplar's frame, in shares of the source"
    )
    photo: str | None = Field(
        default=None, description="SHA-256 of a photo that the user gave; the library holds it"
    )
    mention_ids: tuple[str, ...] = ()
    scene_indexes: tuple[int, ...] = ()
    name_evidence: tuple[Evidence, ...] = ()


class CaptionPart(Spanned):
    """The caption of one span of a scene: `text` in detail, `brief` in a sentence.

    `timed` is the text with times in brackets behind what happens then, all of them inside the span; empty where
    none is known.
    """

    text: str
    brief: str = ""
    timed: str = ""

    @property
    def told(self) -> str:
        """The text with its times, as models read it.

        Whoever rewrites the text and forgets its times loses them: they never stand in other words.
        """
        return self.timed if without_times(self.timed) == self.text else self.text

    def when(self, words: str) -> Span:
        """When that happens which these words of the text tell; the whole span where no time says more."""
        return when(words, self.told, self.span)


class Scene(Spanned):
    """One continuous event: the unit that a caption describes. Scenes cover the video without gap.

    A scene longer than a clip is described in `parts`, each with its own span; they cover the scene, and a
    later one says what is new in it. `brief` and `detailed` are those of the parts, joined. A caption without
    parts is one, over the whole scene.
    """

    index: int = Field(ge=0)
    brief: str
    detailed: str
    entity_names: tuple[str, ...] = ()
    sightings: tuple[Sighting, ...] = ()
    parts: tuple[CaptionPart, ...] = ()

    @property
    def only_part(self) -> CaptionPart | None:
        """The part that is all of the caption; None where there are several."""
        return self.parts[0] if len(self.parts) == 1 and self.parts[0].text == self.detailed else None

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


class Index(Record):
    """All that stage A knows of one video under one set of settings. Loading it decodes nothing and calls
    nothing.

    `key` names everything that would change it (digest, recipe, sampling, prompts, models, cues); `settings`
    spells it out.
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
