"""What stage A will take before anything is paid: calls, images and passes over the pixels, stage by stage.

Counts of clips and frames are exact (fewer where nothing moves, which only decoding shows). How many
characters and scenes there will be nobody knows beforehand: those are assumptions, named in the arguments.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mrvideo.captioning.cards import FRAMES_OF_ONE, Entry, View, blocks, frames_of_each
from mrvideo.captioning.cast import WORDS_FROM
from mrvideo.captioning.frames import room, sheets_beside, shows_before
from mrvideo.captioning.glance import first_look
from mrvideo.captioning.options import CaptioningOptions
from mrvideo.captioning.paper import BORDER_FRAMES
from mrvideo.captioning.shard_view import MOST_SHARED, SHARED_SECONDS, plan
from mrvideo.captioning.sheets import CELLS, sheet_size
from mrvideo.media.clips import plan_clips, sample_times
from mrvideo.media.images import fit_within
from mrvideo.models.base import Capabilities
from mrvideo.models.prices import cost, image_tokens, schema_tokens, text_tokens
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Record, Span, Usage, VideoInfo
from mrvideo.schemas.captioning import CastCard

_OUTPUT_TOKENS = {
    "characters": 600,
    "caption_clip": 530,
    "split_clip": 120,
    "merge_border": 30,
    "caption_scene": 320,
    "possible_cast": 400,
    "link_cast": 120,
}
"""Of one usual reply. Reasoning models take more."""

_INPUT_TOKENS = {"caption_clip": 300, "caption_scene": 200, "link_cast": 400}
"""Of one call's own text: characters, what was said before, cues, cards."""

_CARD_TOKENS = 45
"""Of one character's description, where all of them are put into one call."""


class StageEstimate(Record):
    """One stage's calls. `passes`: how often each frame at the full rate is sent; exemplars come on top of
    it.

    `width` and `height` are the size of the frames sent, `halved` how many are sent at half of it. `sheets` are the contact sheets among the images:
    how many there are of each number of cells. `own_tokens` is one call's text of its own.
    """

    stage: str
    prompt: str
    calls: int
    images: int
    dense_images: int
    passes: float
    width: int
    height: int
    halved: int = 0
    sheets: tuple[tuple[int, int], ...] = ()
    own_tokens: int = 60

    def usage(self, model: str) -> Usage:
        """Tokens and money with a model; `cost` is None when its price is unknown."""
        import mrvideo.schemas.captioning as messages

        prompt = load_prompt(self.prompt)
        own = text_tokens(prompt.static, model) + self.own_tokens
        own += schema_tokens(getattr(messages, prompt.reply), model)
        # A label such as `1234.50 s` stands before each picture.
        frames = self.images - self.halved - sum(count for count, _ in self.sheets)
        pictures = frames * (image_tokens(self.width, self.height, model) + 6)
        pictures += self.halved * (image_tokens(self.width // 2, self.height // 2, model) + 6)
        for count, cells in self.sheets:
            pictures += count * (image_tokens(*sheet_size(cells), model) + 6 + 4 * cells)
        usage = Usage(
            calls=self.calls,
            input_tokens=self.calls * own + pictures,
            output_tokens=self.calls * _OUTPUT_TOKENS[self.prompt],
            images=self.images,
        )
        return usage.model_copy(update={"cost": cost(model, usage)})


def estimate_calls(
    info: VideoInfo,
    options: CaptioningOptions,
    *,
    capabilities: Capabilities | None = None,
    mentions_per_shard: int = 4,
    appearing_per_clip: int = 2,
    shot_seconds: float = 8.0,
    scenes_per_clip: float = 1.0,
    frames_per_mention: int = FRAMES_OF_ONE,
    known_at_borders: int = 2,
) -> tuple[StageEstimate, ...]:
    """Every stage of stage A, in order, for the options' recipe. No model is asked and nothing is decoded.

    `mentions_per_shard` characters are assumed in each shard, the same ones throughout, each with
    `frames_per_mention` for the cast, and `appearing_per_clip` of them that may be seen in a clip; camera
    shots of `shot_seconds`; `known_at_borders` of the characters are known over a shard's border by a frame that
    both shards see, and not compared; `scenes_per_clip` matters to the recipe `paper` alone, which captions scene by
    scene. Who is found only by a clip's caption, and second opinions on the cast, asked only where two
    comparisons differ, come on top.
    """
    capabilities = capabilities or Capabilities()
    shards = plan(info.duration_seconds, options)
    clips = [clip.span for shard in shards for clip in plan_clips(shard, clip_seconds=options.clip_seconds)]
    frames = [_count(clip, options.frames_per_second) for clip in clips]
    film = _Film(info, options, capabilities, dense=sum(frames))
    listed = min(appearing_per_clip, mentions_per_shard, CELLS)
    sheet = sheets_beside(capabilities) if listed else 0
    sparse = sum(
        min(_first_look(shard, options, shot_seconds, is_last=shard == shards[-1]), room(capabilities))
        for shard in shards
    )
    first = film.row("characters", "characters", len(shards), others=sparse)
    if options.recipe == "fused":
        captions = _fused(film, frames, listed=listed, sheet=sheet)
    else:
        captions = _paper(film, frames, math.ceil(len(clips) * scenes_per_clip), listed=listed, sheet=sheet)
    compared = max(0, mentions_per_shard - known_at_borders)
    cast = _cast(film, len(shards), mentions_per_shard, compared, frames_per_mention)
    return (first, *captions, *cast)


@dataclass(frozen=True)
class _Film:
    """What all rows have in common. `dense`: frames of the video at the full rate."""

    info: VideoInfo
    options: CaptioningOptions
    capabilities: Capabilities
    dense: int

    def row(
        self,
        stage: str,
        prompt: str,
        calls: int,
        *,
        dense: int = 0,
        others: int = 0,
        halved: int = 0,
        sheets: tuple[tuple[int, int], ...] = (),
        own_tokens: int | None = None,
    ) -> StageEstimate:
        """A stage's calls. `dense` and `others` are frames at the full size, `halved` at half of it."""
        size = fit_within(
            self.info.width, self.info.height, self.options.reading_for(self.capabilities).pixels
        )
        return StageEstimate(
            stage=stage,
            prompt=prompt,
            calls=calls,
            images=dense + others + halved + sum(count for count, _ in sheets),
            halved=halved,
            sheets=sheets,
            own_tokens=_INPUT_TOKENS.get(prompt, 60) if own_tokens is None else own_tokens,
            dense_images=dense,
            passes=dense / self.dense if self.dense else 0.0,
            width=size[0],
            height=size[1],
        )


def _fused(film: _Film, frames: Sequence[int], *, listed: int, sheet: int) -> list[StageEstimate]:
    """One call a clip, of so many frames each."""
    most = film.options.cells_per_clip
    # The frame before a clip is the last of the one before it, sent again; the first clip has none.
    before = max(0, len(frames) - 1) if shows_before(film.capabilities) else 0
    sent = sum(
        min(
            count if most is None else min(count, most),
            room(film.capabilities, taken=sheet + (place > 0 and before > 0)),
        )
        for place, count in enumerate(frames)
    )
    faces = ((len(frames), listed),) if sheet else ()
    return [film.row("caption", "caption_clip", len(frames), dense=sent, sheets=faces, halved=before)]


def _paper(
    film: _Film, frames: Sequence[int], scenes: int, *, listed: int, sheet: int
) -> list[StageEstimate]:
    """Clips are split, scenes joined over borders, and each captioned by itself."""
    borders = max(0, len(frames) - 1)
    at_border = 2 * min(BORDER_FRAMES, room(film.capabilities) // 2)
    per_scene = film.dense / scenes if scenes else 0.0
    parts = scenes * max(1, math.ceil(per_scene / room(film.capabilities, taken=sheet)))
    faces = ((parts, listed),) if sheet else ()
    split = sum(min(count, room(film.capabilities)) for count in frames)
    return [
        film.row("split", "split_clip", len(frames), dense=split),
        film.row("merge", "merge_border", borders, others=at_border * borders),
        film.row("caption", "caption_scene", parts, dense=film.dense, sheets=faces),
    ]


def _cast(
    film: _Film, shards: int, mentions: int, compared: int, frames_per_mention: int
) -> list[StageEstimate]:
    """One text call on all descriptions, then comparisons up a tree, and of every shard but the first once more with
    the whole cast; `compared` of a shard's `mentions` are not known over its border.
    """
    if not mentions or shards < 2:
        return [film.row("cast", "link_cast", 0)]
    rows: list[StageEstimate] = []
    cards = mentions * shards
    if cards >= WORDS_FROM:
        rows.append(film.row("cast", "possible_cast", 1, own_tokens=_CARD_TOKENS * cards))
    card = Entry("", CastCard(card_id="", kind="", description=""), (View(0.0),) * frames_per_mention)
    space = room(film.capabilities)
    calls, sheets = 0, Counter[int]()
    for left, right in ((compared, compared), (compared, mentions)):
        lefts, rights = blocks([card] * left, [card] * right, space) if left else ([], [])
        for both in ((*one, *other) for one in lefts for other in rights):
            cells = len(both) * min(frames_per_mention, frames_of_each(both, space))
            sheets.update([CELLS] * (cells // CELLS) + [cells % CELLS] * (cells % CELLS > 0))
            calls += 1
    made = tuple(((shards - 1) * count, cells) for cells, count in sorted(sheets.items()))
    return [*rows, film.row("cast", "link_cast", (shards - 1) * calls, sheets=made)]


def _first_look(span: Span, options: CaptioningOptions, shot_seconds: float, *, is_last: bool) -> int:
    """Frames that a shard's characters are chosen from: one of each shot, within bounds, and those after it."""
    most = max(1, math.ceil(span.duration_seconds * options.characters_per_second - 1e-6))
    usual = most if options.recipe == "paper" else math.ceil(most / 2)
    after = 0 if is_last else min(MOST_SHARED, math.ceil(SHARED_SECONDS / shot_seconds))
    # The shard's borders cut a shot in two.
    shots = math.ceil(span.duration_seconds / shot_seconds) + 1
    return max(usual - after, min(first_look(most, shots, options), shots)) + after


def _count(span: Span, frames_per_second: float) -> int:
    return len(sample_times(span, frames_per_second=frames_per_second))
