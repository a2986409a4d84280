"""Recipe `paper`: split each clip, join scenes over clip borders, caption each scene; two dense passes over
the pixels.

clips     |-----------|-----------|
split     |--a--|--b--|--c--|--d--|      one call per clip, all at once
merge                 ^ same?            one call per border, all at once
caption   |--a--|-----bc----|--d--|      one call per scene, all at once; a long scene in parts
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from mrvideo.captioning.calls import Calls, together
from mrvideo.captioning.frames import Shown, room, sheets_beside, spread, still_gap
from mrvideo.captioning.laying_out import ReplyGroup, draft_of, grouped, joined_text, laid_out, merged
from mrvideo.captioning.options import cues_of
from mrvideo.captioning.scenes import Known, exemplars, mention_lines
from mrvideo.captioning.shard_records import SceneDraft
from mrvideo.captioning.shard_view import ClipView, ShardView
from mrvideo.captioning.sheets import CELLS
from mrvideo.captioning.whereabouts import Whereabouts
from mrvideo.models.base import Capabilities, Picture, Request
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Failure, Frame, Mention, Sighting, Span
from mrvideo.schemas.captioning import (
    CaptionSceneInputs,
    CaptionSceneReply,
    MergeBorderInputs,
    MergeBorderReply,
    SplitClipInputs,
    SplitClipReply,
)
from mrvideo.schemas.shared import CueLine

BORDER_FRAMES = 2
"""Frames shown of each side of a border."""


async def caption_in_three_steps(
    view: ShardView, mentions: Sequence[Mention], watermarks: tuple[Sighting, ...], calls: Calls
) -> tuple[list[SceneDraft | Failure], list[Failure]]:
    """Drafts and failures that cover the shard's decoded clips, and failures of border calls, which hide
    nothing.
    """
    split = await together(_split_clip(view, clip, calls) for clip in view.clips)
    answers = await together(
        _same_scene(left, right, split[place], split[place + 1], calls)
        for place, (left, right) in enumerate(pairwise(view.clips))
    )
    border_failures = [answer for answer in answers if isinstance(answer, Failure)]
    for place, answer in enumerate(answers, start=1):
        first = split[place][0]
        if answer is True and isinstance(first, SceneDraft):
            split[place][0] = first.model_copy(update={"continues": True})
    entries = laid_out([entry for entries in split for entry in entries], view.span) if view.clips else ()
    runs = merged(entries, longest_seconds=view.spec.options.longest_scene_seconds)
    shown = _all_shown(view)
    briefs = [joined_text([draft.brief for draft in run], " ") for run in runs]
    known = Known(view, Whereabouts(view), watermarks)
    results = await together(
        _caption_run(known, run, shown, briefs[place - 1] if place else None, brief, mentions, calls)
        for place, (run, brief) in enumerate(zip(runs, briefs, strict=True))
    )
    failures = [entry for entry in entries if isinstance(entry, Failure)]
    return [*failures, *(entry for entries in results for entry in entries)], border_failures


async def _split_clip(view: ShardView, clip: ClipView, calls: Calls) -> list[SceneDraft | Failure]:
    def request(able: Capabilities) -> Request[SplitClipReply]:
        changing = view.thinned(clip.shown)
        shown = spread(changing, room(able))
        return Request(
            prompt=load_prompt("split_clip"),
            inputs=SplitClipInputs(
                span=clip.span,
                frame_times=tuple(one.time_seconds for one in shown),
                still_gap_seconds=still_gap(changing, shown, view.spec.options.frames_per_second),
                cut_times=clip.cuts_seen(shown),
            ),
            reply_type=SplitClipReply,
            stage="split",
            pictures=tuple(one.picture() for one in shown),
            span=clip.span,
        )

    reply = await calls.ask_fitting(request)
    if isinstance(reply, Failure):
        return [reply]
    return [
        SceneDraft(
            start_seconds=group.span.start_seconds,
            stop_seconds=group.span.stop_seconds,
            shard_index=view.spec.index,
            brief=joined_text([scene.brief for scene in group.replies], "; "),
            detailed="",
            same_picture=place == 0 and clip.same_picture,
        )
        for place, group in enumerate(grouped(reply.scenes, clip.span, clip.frame_times, clip.cut_times))
    ]


async def _same_scene(
    left_clip: ClipView,
    right_clip: ClipView,
    left: Sequence[SceneDraft | Failure],
    right: Sequence[SceneDraft | Failure],
    calls: Calls,
) -> bool | Failure:
    before, after = left[-1], right[0]
    if isinstance(before, Failure) or isinstance(after, Failure) or after.same_picture:
        return False
    if right_clip.span.start_seconds > left_clip.span.stop_seconds + 1e-6:
        return False  # Broken bytes lie between them.
    low = [one.frame for one in left_clip.shown if one.frame.time_seconds >= before.start_seconds]
    high = [one.frame for one in right_clip.shown if one.frame.time_seconds < after.stop_seconds]
    return await same_scene(before, after, low[-BORDER_FRAMES:], high[:BORDER_FRAMES], calls)


async def same_scene(
    before: SceneDraft, after: SceneDraft, low: Sequence[Frame], high: Sequence[Frame], calls: Calls
) -> bool | Failure:
    """Whether two neighbouring drafts are one event, from the last frames of one and the first of the other."""

    def request(able: Capabilities) -> Request[MergeBorderReply]:
        each = min(BORDER_FRAMES, room(able) // 2)
        return Request(
            prompt=load_prompt("merge_border"),
            inputs=MergeBorderInputs(
                border_seconds=after.start_seconds, before=before.brief, after=after.brief
            ),
            reply_type=MergeBorderReply,
            stage="merge",
            # None of either side where one call has no room for both: the captions are told, too.
            pictures=(
                *(_side("before", f) for f in low[len(low) - each :]),
                *(_side("after", f) for f in high[:each]),
            ),
            span=Span(before.start_seconds, after.stop_seconds),
        )

    reply = await calls.ask_fitting(request, hides="borders")
    return reply if isinstance(reply, Failure) else reply.same_scene


def _side(side: str, frame: Frame) -> Picture:
    return Picture(f"{side} {frame.time_seconds:.2f} s", frame.jpeg, frame.time_seconds)


async def _caption_run(
    known: Known,
    run: tuple[SceneDraft, ...],
    shown: Sequence[Shown],
    previous_brief: str | None,
    own_brief: str,
    mentions: Sequence[Mention],
    calls: Calls,
) -> list[SceneDraft | Failure]:
    """A merged scene, captioned in as many parts as its frames need."""
    view = known.view
    span = Span(run[0].start_seconds, run[-1].stop_seconds)
    inside = [one for one in shown if span.contains(one.frame.time_seconds)]
    if run[0].same_picture or not inside:
        # The picture on screen when the scene starts is older than the scene: nothing has changed since.
        inside = [*[one for one in shown if one.frame.time_seconds < span.start_seconds][-1:], *inside]
    frames = view.thinned(inside)
    able = calls.model.capabilities
    sheet = sheets_beside(able) if mentions else 0
    count = max(1, math.ceil(len(frames) / room(able, taken=sheet)))
    cuts = [round(part * len(frames) / count) for part in range(count + 1)]
    starts = [span.start_seconds, *(frames[cut].frame.time_seconds for cut in cuts[1:-1]), span.stop_seconds]
    return list(
        await together(
            _caption_part(
                known,
                Span(starts[part], starts[part + 1]),
                frames[cuts[part] : cuts[part + 1]],
                previous_brief if part == 0 else own_brief,
                mentions,
                continues=part > 0,
                same_picture=part == 0 and run[0].same_picture,
                calls=calls,
            )
            for part in range(count)
        )
    )


async def _caption_part(
    known: Known,
    span: Span,
    shown: Sequence[Shown],
    previous_brief: str | None,
    mentions: Sequence[Mention],
    *,
    continues: bool,
    same_picture: bool,
    calls: Calls,
) -> SceneDraft | Failure:
    view = known.view
    seen: tuple[Shown, ...] = ()

    def request(able: Capabilities) -> Request[CaptionSceneReply]:
        nonlocal seen
        listed = known.where.may_appear(mentions, span, shown)[:CELLS]
        sheet = exemplars(view, listed, able)
        # The server may take fewer pictures than when the scene was cut into parts.
        seen = spread(shown, room(able, taken=len(sheet)))
        return Request(
            prompt=load_prompt("caption_scene"),
            inputs=CaptionSceneInputs(
                span=span,
                frame_times=tuple(max(one.time_seconds, span.start_seconds) for one in seen),
                still_gap_seconds=still_gap(shown, seen, view.spec.options.frames_per_second),
                previous_brief=previous_brief,
                mentions=mention_lines(listed),
                watermarks=known.watermarks_in(span),
                speech=view.spec.speech(span),
                cues=tuple(CueLine.of(cue) for cue in cues_of(view.spec.cues, span)),
            ),
            reply_type=CaptionSceneReply,
            stage="caption",
            pictures=(*sheet, *(one.picture() for one in seen)),
            span=span,
        )

    reply = await calls.ask_fitting(request)
    if isinstance(reply, Failure):
        return reply
    return draft_of(
        ReplyGroup(span, (reply,)),
        shard_index=view.spec.index,
        shown=span,
        frames=seen,
        continues=continues,
        same_picture=same_picture,
    )


def _all_shown(view: ShardView) -> list[Shown]:
    """Every frame of the shard's clips once, ascending."""
    found = {one.frame.time_seconds: one for clip in reversed(view.clips) for one in reversed(clip.shown)}
    return [found[time] for time in sorted(found)]
