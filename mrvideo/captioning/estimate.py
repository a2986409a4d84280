"""What stage A will take before anything is paid: calls, images and passes over the pixels, stage by stage.

Counts of clips and frames are exact (fewer where nothing moves, which only decoding shows). How many characters and
scenes there will be nobody knows beforehand: those are assumptions, named in the arguments.
"""

from __future__ import annotations

import math

from mrvideo.captioning.cards import FRAMES_OF_ONE, Entry, blocks, frames_of_each
from mrvideo.captioning.frames import exemplars_beside, room, shows_before
from mrvideo.captioning.options import CaptioningOptions
from mrvideo.captioning.paper import BORDER_FRAMES
from mrvideo.captioning.shard_view import plan
from mrvideo.media.clips import plan_clips, sample_times
from mrvideo.media.images import fit_within
from mrvideo.models.base import Capabilities
from mrvideo.models.prices import cost, image_tokens, schema_tokens, text_tokens
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Record, Span, Usage, VideoInfo
from mrvideo.schemas.captioning import CastCard

_OUTPUT_TOKENS = {
    "characters": 400,
    "caption_clip": 500,
    "split_clip": 120,
    "merge_border": 10,
    "caption_scene": 300,
    "link_cast": 80,
}
"""Of one usual reply. Reasoning models take more."""

_INPUT_TOKENS = {"caption_clip": 250, "caption_scene": 250, "link_cast": 400}
"""Of one call's own text: characters, cues, cards."""


class StageEstimate(Record):
    """One stage's calls. `passes`: how often each frame at the full rate is sent; exemplars come on top of it.

    `width` and `height` are the size of the frames sent.
    """

    stage: str
    prompt: str
    calls: int
    images: int
    dense_images: int
    passes: float
    width: int
    height: int

    def usage(self, model: str) -> Usage:
        """Tokens and money with a model; `cost` is None when its price is unknown."""
        import mrvideo.schemas.captioning as messages

        prompt = load_prompt(self.prompt)
        own = text_tokens(prompt.static, model) + _INPUT_TOKENS.get(self.prompt, 60)
        own += schema_tokens(getattr(messages, prompt.reply), model)
        # A label such as `1234.50 s` stands before each picture.
        pictures = self.images * (image_tokens(self.width, self.height, model) + 6)
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
    scenes_per_clip: float = 1.0,
    frames_per_mention: int = FRAMES_OF_ONE,
) -> tuple[StageEstimate, ...]:
    """Every stage of stage A, in order, for the options' recipe. No model is asked and nothing is decoded.

    `mentions_per_shard` characters are assumed in each shard, the same ones throughout, each with `frames_per_mention` for
    the cast; `scenes_per_clip` matters to the recipe `paper` alone, which captions scene by scene. Second opinions on the
    cast, asked only where two comparisons differ, come on top.
    """
    capabilities = capabilities or Capabilities()
    size = fit_within(info.width, info.height, options.reading_for(capabilities).pixels)
    shards = plan(info.duration_seconds, options)
    clips = [clip.span for shard in shards for clip in plan_clips(shard, clip_seconds=options.clip_seconds)]
    frames = [_count(clip, options.frames_per_second) for clip in clips]
    dense = sum(frames)

    def row(stage: str, prompt: str, calls: int, dense_images: int, others: int) -> StageEstimate:
        return StageEstimate(
            stage=stage,
            prompt=prompt,
            calls=calls,
            images=dense_images + others,
            dense_images=dense_images,
            passes=dense_images / dense if dense else 0.0,
            width=size[0],
            height=size[1],
        )

    faces = min(mentions_per_shard, exemplars_beside(capabilities))
    sparse = sum(min(_count(shard, options.characters_per_second), room(capabilities)) for shard in shards)
    rows = [row("characters", "characters", len(shards), 0, sparse)]
    if options.recipe == "fused":
        # The frame before a clip is the last of the one before it, sent again; the first clip has none.
        before = max(0, len(clips) - 1) if shows_before(capabilities) else 0
        spaces = [room(capabilities, taken=faces + (place > 0 and before > 0)) for place in range(len(clips))]
        sent = sum(min(count, space) for count, space in zip(frames, spaces, strict=True))
        rows.append(row("caption", "caption_clip", len(clips), sent, before + faces * len(clips)))
    else:
        borders = max(0, len(clips) - 1)
        rows.append(
            row("split", "split_clip", len(clips), sum(min(n, room(capabilities)) for n in frames), 0)
        )
        rows.append(
            row(
                "merge", "merge_border", borders, 0, 2 * min(BORDER_FRAMES, room(capabilities) // 2) * borders
            )
        )
        scenes = math.ceil(len(clips) * scenes_per_clip)
        per_scene = dense / scenes if scenes else 0.0
        parts = scenes * max(1, math.ceil(per_scene / room(capabilities, taken=faces)))
        rows.append(row("caption", "caption_scene", parts, dense, faces * parts))
    # Up a tree, then every shard once more with the whole cast.
    links = 2 * len(shards) - 1 if mentions_per_shard and len(shards) > 1 else 0
    card = Entry("", CastCard(card_id="", kind="", description=""), times=(0.0,) * frames_per_mention)
    lefts, rights = blocks([card] * mentions_per_shard, [card] * mentions_per_shard, room(capabilities))
    cards = sum(len(one) + len(other) for one in lefts for other in rights)
    shown = min(frames_per_mention, frames_of_each([*lefts[0], *rights[0]], room(capabilities)))
    rows.append(row("cast", "link_cast", links * len(lefts) * len(rights), 0, links * cards * shown))
    return tuple(rows)


def _count(span: Span, frames_per_second: float) -> int:
    return len(sample_times(span, frames_per_second=frames_per_second))
