"""Stage A: characters, clips, scenes, casts."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator
from typing_extensions import Self

from mrvideo.records import Span
from mrvideo.schemas.shared import (
    BoxReply,
    CueLine,
    Filled,
    LocalName,
    Message,
    ScreenText,
    Speech,
    inputs_of,
    inside,
    nearest,
)

# characters ----------------------------------------------------------------------------------


class CharactersInputs(Message):
    """Prompt `characters`: sparse frames of one shard, labelled with their times."""

    span: Span
    frame_times: tuple[float, ...]
    shared_times: tuple[float, ...] = Field(
        default=(), description="those of them that the shard before or after is described from, too"
    )
    speech: Speech = "none"
    cues: tuple[CueLine, ...] = ()


class CharacterReply(Message):
    """One character or object that is shown saliently: where it is seen, what it looks like, and then its
    name.

    `exemplar_seconds` is the time of the shown frame that identifies it best, `box` where it is there (None:
    alone in it, or unsure), `seen_seconds` are those of all that show it. `description` holds what lasts
    (looks, clothes) and `activity` what is done, which is no trait. The prompts say so: a schema is sent with
    each call, and says nothing twice.
    """

    exemplar_seconds: float
    box: BoxReply = None
    seen_seconds: tuple[float, ...] = ()
    description: Filled
    activity: str = ""
    kind: Filled
    name: LocalName

    @field_validator("exemplar_seconds")
    @classmethod
    def _shown(cls, value: float, info: ValidationInfo) -> float:
        inputs = inputs_of(info)
        return nearest(value, inputs.frame_times) if inputs and inputs.frame_times else value


class SharedReply(Message):
    """Where a character is in a frame that two shards are described from."""

    seconds: float
    box: BoxReply = None
    name: LocalName


class Watermark(NamedTuple):
    """A text or logo laid over the picture, and the labels of the first and the last frame that show it."""

    text: str
    first_seconds: float
    last_seconds: float


_LABELS = re.compile(r"\(\s*(\d+(?:\.\d+)?)(?:\s*(?:[-–—]|to)\s*(\d+(?:\.\d+)?))?\s*s?\s*\)$")
_ALL_ALONG = (0.0, math.inf)


class CharactersReply(Message):
    """At most a dozen: be picky. `watermarks` are texts and logos that stand over the picture in several shots, as lines
    with the labels of the first and the last frame that show them, for a schema of their own would cost each call more.

    `shared`: whom the frames show that the shard before or after is described from, too.
    """

    watermarks: tuple[str, ...] = ()
    characters: tuple[CharacterReply, ...] = Field(max_length=12)
    shared: tuple[SharedReply, ...] = ()

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        _each_once(self.characters)
        return self

    @property
    def standing(self) -> tuple[Watermark, ...]:
        """The watermarks with their labels; one without any stands there all along, as replies told it before they were
        asked for labels.
        """
        found: list[Watermark] = []
        for line in (" ".join(line.split()) for line in self.watermarks):
            labels = _LABELS.search(line)
            text = line[: labels.start()].rstrip() if labels else line
            ends = sorted((float(labels[1]), float(labels[2] or labels[1]))) if labels else _ALL_ALONG
            if text:
                found.append(Watermark(text, *ends))
        return tuple(found)


def _each_once(characters: Sequence[CharacterReply]) -> None:
    names = [character.name for character in characters]
    if len(set(names)) != len(names):
        raise ValueError(f"each name once, got {names}")


# caption_clip (recipe fused) -----------------------------------------------------------------


class MentionLine(Message):
    """A mention of the shard, as the caption prompts list it. Its exemplar is on the sheet, in the cell
    `<name>`, if at all.
    """

    name: str
    description: str


class SaidLine(Message):
    """What was said of a part of the scene that was running when the clip began."""

    start_seconds: float
    stop_seconds: float
    text: str


class CaptionClipInputs(Message):
    """Prompt `caption_clip`: a sheet of exemplars (a cell `<person_a>` for each mention), the frame before
    the clip (labelled `before`), then the clip's frames (labelled with their times).
    """

    span: Span
    frame_times: tuple[float, ...]
    still_gap_seconds: float | None = Field(
        default=None,
        description="where more than this lies between two frames, next to nothing changed in between",
    )
    has_previous: bool = Field(description="whether a frame from before the clip is shown first")
    begins_on: Literal["cut", "dissolve"] | None = Field(
        default=None, description="what lies between that frame and the clip; None: nothing"
    )
    cuts_back: bool = Field(default=False, description="whether the clip shows that frame's shot once more")
    said: tuple[SaidLine, ...] = Field(default=(), description="of the running scene, when it may go on")
    mentions: tuple[MentionLine, ...] = ()
    elsewhere: tuple[MentionLine, ...] = Field(
        default=(), description="mentions that are not expected in the clip, shortly described"
    )
    watermarks: tuple[str, ...] = Field(
        default=(), description="texts that are known to stand over the clip's picture"
    )
    speech: Speech = "none"
    cues: tuple[CueLine, ...] = ()
    cut_times: tuple[float, ...] = Field(default=(), description="camera cuts found from pixels")


class Appearing(Message):
    """A listed character that is seen, and the frame that shows it best."""

    best_seconds: float | None = None
    box: BoxReply = None
    name: LocalName


def _appearing(value: Any) -> Any:
    """A bare name is one of whom no best frame is told."""
    return {"name": value} if isinstance(value, str) else value


class SceneReply(Message):
    """One continuous event inside the clip: what is read and seen in it, and then the sentence that sums it
    up.
    """

    start_seconds: float
    stop_seconds: float
    screen_text: tuple[ScreenText, ...] = ()
    appearing: tuple[Annotated[Appearing, BeforeValidator(_appearing)], ...] = ()
    detailed: Filled
    brief: Filled

    @property
    def names(self) -> tuple[str, ...]:
        """Who appears, each once."""
        return tuple(dict.fromkeys(one.name for one in self.appearing))

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

    def check_names(self, known: Collection[str]) -> None:
        """Raises `ValueError` for a name that is not among the known ones."""
        unknown = [name for name in self.names if name not in known]
        if unknown:
            raise ValueError(f"not in the list of characters: {unknown}")


_LINE = re.compile(r"<?(\w+)>?\s*:\s*(\S.*)", re.DOTALL)
_LONGEST_DESCRIPTION = 400
_LONGEST_NAME = 60


class Named(NamedTuple):
    """Somebody's real name as a clip's cues or texts tell it, and when; None: at no time in particular."""

    label: str
    called: str
    seconds: float | None


class CaptionClipReply(Message):
    """What goes on of the scene before, who is there that is not listed, the clip's scenes in order, and names that cues or
    texts tell.

    `corrections` are lines of the list that the frames show to be wrong, put right; `names` lines such as
    "person_a: Iris (131.0)", with the time at which a cue or a text says so: as lines, for a schema of
    their own would cost each call more than they do. `continues_previous`: the first scene is the event shown in
    the frame before.
    """

    lasts: str = ""
    newcomers: tuple[CharacterReply, ...] = Field(default=(), max_length=4)
    corrections: tuple[str, ...] = ()
    scenes: tuple[SceneReply, ...] = Field(min_length=1, max_length=20)
    names: tuple[str, ...] = ()
    continues_previous: bool

    @model_validator(mode="after")
    def _known(self, info: ValidationInfo) -> Self:
        _each_once(self.newcomers)
        inputs = inputs_of(info)
        if inputs is None:
            return self
        new = {newcomer.name for newcomer in self.newcomers}
        known = {mention.name for mention in (*inputs.mentions, *inputs.elsewhere)}
        taken = new & known
        if taken:
            raise ValueError(f"names of newcomers that somebody else has: {sorted(taken)}")
        for scene in self.scenes:
            scene.check_names(new | known)
        return self

    def corrected(self, listed: Mapping[str, str]) -> dict[str, str]:
        """Name → its description, put right, of those listed (name → description). A line that is none of the
        list's, says nothing new, or a page, is nothing.
        """
        found: dict[str, str] = {}
        for line in self.corrections:
            match = _LINE.fullmatch(line.strip())
            name, text = (match[1].lower(), " ".join(match[2].split())) if match else ("", "")
            if name in listed and text != listed[name] and len(text) <= _LONGEST_DESCRIPTION:
                found[name] = text
        return found

    @property
    def called(self) -> tuple[Named, ...]:
        """The names told, with their times; a line that has another form is nothing."""
        found: list[Named] = []
        for line in (" ".join(line.split()) for line in self.names):
            time = _LABELS.search(line)
            match = _LINE.fullmatch(line[: time.start()].rstrip() if time else line)
            words = match[2].strip(" \"'“”") if match else ""
            if match and words and len(words) <= _LONGEST_NAME:
                found.append(Named(match[1].lower(), words, float(time[1]) if time else None))
        return tuple(found)


# split_clip, merge_border, caption_scene (recipe paper) -----------------------------------------


class SplitClipInputs(Message):
    """Prompt `split_clip`: the clip's frames, labelled with their times."""

    span: Span
    frame_times: tuple[float, ...]
    still_gap_seconds: float | None = Field(
        default=None,
        description="where more than this lies between two frames, next to nothing changed in between",
    )
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
    """Prompt `merge_border`: the last frames of one scene (labelled `before …`) and the first of the next
    (`after …`).
    """

    border_seconds: float
    before: str = Field(description="brief caption of the scene before the border")
    after: str = Field(description="brief caption of the scene after it")


class MergeBorderReply(Message):
    """What is seen on both sides, and whether it is one continuous event."""

    seen: str = ""
    same_scene: bool


class CaptionSceneInputs(Message):
    """Prompt `caption_scene`: a sheet of exemplars, then the merged scene's frames."""

    span: Span
    frame_times: tuple[float, ...]
    still_gap_seconds: float | None = Field(
        default=None,
        description="where more than this lies between two frames, next to nothing changed in between",
    )
    previous_brief: str | None = None
    mentions: tuple[MentionLine, ...] = ()
    watermarks: tuple[str, ...] = ()
    speech: Speech = "none"
    cues: tuple[CueLine, ...] = ()


class CaptionSceneReply(SceneReply):
    """The scene's captions; its times must lie inside the span shown."""

    @model_validator(mode="after")
    def _known(self, info: ValidationInfo) -> Self:
        inputs = inputs_of(info)
        if inputs is not None:
            self.check_names({mention.name for mention in inputs.mentions})
        return self


# possible_cast and link_cast -------------------------------------------------------------------


class CastCard(Message):
    """One side's mention (or a group of mentions already linked). Its frames are cells of the sheets, named
    by `card_id`.
    """

    card_id: str
    kind: str
    description: str
    speakers: tuple[str, ...] = Field(default=(), description="speaker labels heard while it is shown")
    given_name: str | None = None


class Stretch(Message):
    """The cards of one stretch of a video."""

    span: Span
    cards: tuple[CastCard, ...]


class PossibleCastInputs(Message):
    """Prompt `possible_cast`: the descriptions of everybody in a video, without pictures."""

    stretches: tuple[Stretch, ...]


class Group(Message):
    """Cards that may be of one individual, as far as words tell."""

    traits: str = Field(default="", description="what they have in common")
    card_ids: tuple[str, ...]


class PossibleCastReply(Message):
    """Who may be who. A card may stand in several groups; one that stands in none is nobody else."""

    groups: tuple[Group, ...] = ()

    @model_validator(mode="after")
    def _known(self, info: ValidationInfo) -> Self:
        inputs = inputs_of(info)
        if inputs is not None:
            known = {card.card_id for stretch in inputs.stretches for card in stretch.cards}
            unknown = {card for group in self.groups for card in group.card_ids} - known
            if unknown:
                raise ValueError(f"no such cards: {sorted(unknown)[:5]}")
        return self


class LinkCastInputs(Message):
    """Prompt `link_cast`: which of the left are the same as which of the right?"""

    left: tuple[CastCard, ...]
    right: tuple[CastCard, ...]


class LinkReply(Message):
    """A pair that is the same one: what is seen of both, who they are, and whose exemplar shows it better."""

    seen: str = ""
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

    cue_quote: str = ""
    seen: str = ""
    confirmed: bool


# repair ----------------------------------------------------------------------------------------


class RepairInputs(Message):
    """Prompt `repair`: what was wrong with a reply. Sent as one more user turn by adapters that talk to
    servers.
    """

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
