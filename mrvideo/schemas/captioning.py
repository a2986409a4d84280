"""Stage A: characters, clips, scenes, casts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator
from typing_extensions import Self

from mrvideo.records import Span
from mrvideo.schemas.shared import (
    CueLine,
    Filled,
    LocalName,
    Message,
    ScreenText,
    inputs_of,
    inside,
    nearest,
)

# characters ----------------------------------------------------------------------------------


class CharactersInputs(Message):
    """Prompt `characters`: sparse frames of one shard, labelled with their times."""

    span: Span
    frame_times: tuple[float, ...]
    cues: tuple[CueLine, ...] = ()


class CharacterReply(Message):
    """One character or object that is shown saliently."""

    name: LocalName
    kind: Filled
    description: Filled
    exemplar_seconds: float = Field(description="time of the shown frame that identifies it best")

    @field_validator("exemplar_seconds")
    @classmethod
    def _shown(cls, value: float, info: ValidationInfo) -> float:
        inputs = inputs_of(info)
        return nearest(value, inputs.frame_times) if inputs and inputs.frame_times else value


class CharactersReply(Message):
    """At most a dozen: be picky."""

    characters: tuple[CharacterReply, ...] = Field(max_length=12)

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        names = [character.name for character in self.characters]
        if len(set(names)) != len(names):
            raise ValueError(f"each name once, got {names}")
        return self


# caption_clip (recipe fused) -----------------------------------------------------------------


class MentionLine(Message):
    """A mention of the shard, as the caption prompts list it. Its exemplar is among the pictures, labelled `<name>`."""

    name: str
    description: str


class CaptionClipInputs(Message):
    """Prompt `caption_clip`: pictures are exemplars (labelled `<person_a>`), the frame before the clip
    (labelled `before`), then the clip's frames (labelled with their times)."""

    span: Span
    frame_times: tuple[float, ...]
    has_previous: bool = Field(description="whether a frame from before the clip is shown first")
    mentions: tuple[MentionLine, ...] = ()
    cues: tuple[CueLine, ...] = ()
    cut_times: tuple[float, ...] = Field(default=(), description="camera cuts found from pixels")


class SceneReply(Message):
    """One continuous event inside the clip."""

    start_seconds: float
    stop_seconds: float
    brief: Filled
    detailed: Filled
    appearing: tuple[LocalName, ...] = Field(default=(), description="the listed characters that appear")
    screen_text: tuple[ScreenText, ...] = ()

    @model_validator(mode="after")
    def _bounds(self, info: ValidationInfo) -> Self:
        if self.stop_seconds < self.start_seconds:
            raise ValueError(
                f"a scene must not end before it starts: {self.start_seconds}, {self.stop_seconds}"
            )
        inputs = inputs_of(info)
        if inputs is None:
            return self
        inside(self.start_seconds, inputs.span)
        inside(self.stop_seconds, inputs.span)
        known = {mention.name for mention in inputs.mentions}
        unknown = [name for name in self.appearing if name not in known]
        if unknown:
            raise ValueError(f"not in the list of characters: {unknown}")
        return self


class CaptionClipReply(Message):
    """The clip's scenes in order. `continues_previous`: the first scene is the event shown in the frame before."""

    continues_previous: bool
    scenes: tuple[SceneReply, ...] = Field(min_length=1, max_length=20)


# split_clip, merge_border, caption_scene (recipe paper) -----------------------------------------


class SplitClipInputs(Message):
    """Prompt `split_clip`: the clip's frames, labelled with their times."""

    span: Span
    frame_times: tuple[float, ...]
    cut_times: tuple[float, ...] = ()


class SplitReply(Message):
    """One scene of a split."""

    start_seconds: float
    stop_seconds: float
    brief: Filled

    @model_validator(mode="after")
    def _bounds(self, info: ValidationInfo) -> Self:
        if self.stop_seconds < self.start_seconds:
            raise ValueError(
                f"a scene must not end before it starts: {self.start_seconds}, {self.stop_seconds}"
            )
        inputs = inputs_of(info)
        if inputs is not None:
            inside(self.start_seconds, inputs.span)
            inside(self.stop_seconds, inputs.span)
        return self


class SplitClipReply(Message):
    """The clip's scenes in order."""

    scenes: tuple[SplitReply, ...] = Field(min_length=1, max_length=20)


class MergeBorderInputs(Message):
    """Prompt `merge_border`: the last frames of one scene (labelled `before …`) and the first of the next (`after …`)."""

    border_seconds: float
    before: str = Field(description="brief caption of the scene before the border")
    after: str = Field(description="brief caption of the scene after it")


class MergeBorderReply(Message):
    """Whether the two are one continuous event."""

    same_scene: bool


class CaptionSceneInputs(Message):
    """Prompt `caption_scene`: exemplars, then the merged scene's frames."""

    span: Span
    frame_times: tuple[float, ...]
    previous_brief: str | None = None
    mentions: tuple[MentionLine, ...] = ()
    cues: tuple[CueLine, ...] = ()


class CaptionSceneReply(SceneReply):
    """The scene's captions; its times must lie inside the span shown."""


# link_cast -----------------------------------------------------------------------------------


class CastCard(Message):
    """One side's mention (or a group of mentions already linked). Its exemplar is among the pictures, labelled with `card_id`."""

    card_id: str
    kind: str
    description: str
    speakers: tuple[str, ...] = Field(default=(), description="speaker labels heard while it is shown")
    given_name: str | None = None


class LinkCastInputs(Message):
    """Prompt `link_cast`: which of the left are the same as which of the right?"""

    left: tuple[CastCard, ...]
    right: tuple[CastCard, ...]


class LinkReply(Message):
    """A pair that is the same one, and whose exemplar shows it better."""

    left_id: str
    right_id: str
    better: Literal["left", "right"]


class LinkCastReply(Message):
    """Only pairs that are certainly the same. Each card in one pair at most."""

    pairs: tuple[LinkReply, ...]

    @model_validator(mode="after")
    def _known(self, info: ValidationInfo) -> Self:
        inputs = inputs_of(info)
        if inputs is None:
            return self
        left, right = {c.card_id for c in inputs.left}, {c.card_id for c in inputs.right}
        for pair in self.pairs:
            if pair.left_id not in left or pair.right_id not in right:
                raise ValueError(f"no such pair of cards: {pair.left_id}, {pair.right_id}")
        return self


# confirm_name ---------------------------------------------------------------------------------


class ConfirmNameInputs(Message):
    """Prompt `confirm_name`: is the entity on the picture the one the cues call by this name?"""

    entity: CastCard
    name: str
    cues: tuple[CueLine, ...]


class ConfirmNameReply(Message):
    """`cue_quote` repeats the words that carry the name."""

    confirmed: bool
    cue_quote: str = ""


# repair ----------------------------------------------------------------------------------------


class RepairInputs(Message):
    """Prompt `repair`: what was wrong with a reply. Sent as one more user turn by adapters that talk to servers."""

    problem: str
    reply_schema: str


class RepairReply(Message):
    """Never parsed: the repaired reply has the type of the request it repairs."""


# reply_format -----------------------------------------------------------------------------------


class ReplyFormatInputs(Message):
    """Prompt `reply_format`: appended by adapters for servers that hold no reply to a schema."""

    reply_schema: str


class ReplyFormatReply(Message):
    """Never parsed: the reply has the type of the request that this is appended to."""
