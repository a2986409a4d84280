"""Recipe `fused`: one call per clip splits it, judges its border and captions it; one dense pass over the pixels."""

from __future__ import annotations

from collections.abc import Sequence

from mrvideo.captioning.calls import Calls, together
from mrvideo.captioning.frames import exemplars_beside, room, shows_before, spread, thinned
from mrvideo.captioning.options import cues_of
from mrvideo.captioning.shard_records import Piece
from mrvideo.captioning.shard_view import ClipView, ShardView
from mrvideo.captioning.tiling import blocks, piece_of
from mrvideo.models.base import Capabilities, Picture, Request
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Failure, Mention
from mrvideo.schemas.captioning import CaptionClipInputs, CaptionClipReply, MentionLine
from mrvideo.schemas.shared import CueLine


async def caption_clips(view: ShardView, mentions: Sequence[Mention], calls: Calls) -> list[Piece | Failure]:
    """Pieces and failures that tile the shard's decoded clips."""
    results = await together(_caption_clip(view, clip, mentions, calls) for clip in view.clips)
    return [tile for tiles in results for tile in tiles]


async def _caption_clip(
    view: ShardView, clip: ClipView, mentions: Sequence[Mention], calls: Calls
) -> list[Piece | Failure]:
    told_before = False

    def request(able: Capabilities) -> Request[CaptionClipReply]:
        nonlocal told_before
        faces = exemplars(view, mentions, able)
        before = (clip.before.picture("before"),) if clip.before is not None and shows_before(able) else ()
        told_before = bool(before)
        space = room(able, taken=len(faces) + len(before))
        shown = spread(thinned(clip.shown, view.still_spans), space)
        return Request(
            prompt=load_prompt("caption_clip"),
            inputs=CaptionClipInputs(
                span=clip.span,
                frame_times=tuple(one.time_seconds for one in shown),
                has_previous=told_before,
                mentions=mention_lines(mentions),
                cues=tuple(CueLine.of(cue) for cue in cues_of(view.spec.cues, clip.span)),
                cut_times=clip.cut_times,
            ),
            reply_type=CaptionClipReply,
            stage="caption",
            pictures=(*faces, *before, *(one.picture() for one in shown)),
            span=clip.span,
        )

    reply = await calls.ask_fitting(request)
    if isinstance(reply, Failure):
        return [reply]
    found = blocks(reply.scenes, clip.span, clip.frame_times, clip.cut_times)
    return [
        piece_of(
            block,
            shard_index=view.spec.index,
            shown=clip.span,
            continues=place == 0 and told_before and reply.continues_previous,
            same_picture=place == 0 and clip.same_picture,
        )
        for place, block in enumerate(found)
    ]


def exemplars(
    view: ShardView, mentions: Sequence[Mention], capabilities: Capabilities
) -> tuple[Picture, ...]:
    """The mentions' exemplars, but never more than leave most of a call to the scene itself."""
    pictures = [view.exemplar(mention) for mention in mentions]
    return tuple(picture for picture in pictures if picture is not None)[: exemplars_beside(capabilities)]


def mention_lines(mentions: Sequence[Mention]) -> tuple[MentionLine, ...]:
    """The mentions as the caption prompts list them."""
    return tuple(MentionLine(name=mention.name, description=mention.description) for mention in mentions)
