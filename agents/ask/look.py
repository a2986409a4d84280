"""Looking again: dense frames inside each planned span, one frame per scene across all of them. Paper, §3.3."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

from langgraph.runtime import Runtime

from mrvideo.agents.ask.calls import call, failure_of, fitted, room_for
from mrvideo.agents.ask.evidence import collect
from mrvideo.agents.ask.exemplars import MAX_PORTRAITS, portraits
from mrvideo.agents.ask.pixels import (
    Bin,
    dense_bins,
    fetch,
    images_across,
    images_per_look,
    phase_of,
    pictures_of,
    scene_bins,
)
from mrvideo.agents.ask.segments import CAST_SHARE, cast_of, cues_within
from mrvideo.agents.ask.state import Context, Look, LookTask, State
from mrvideo.errors import ModelError, RequestTooLarge
from mrvideo.models.base import Picture
from mrvideo.records import Looked, Span, StageFinished, Unseen
from mrvideo.schemas.analysis import GlobalIntentionReply, LookInputs, LookReply

LONG_LOOK_SECONDS = 60.0
"""A planned span longer than this is looked at in pieces, so that frames stay dense."""

MAX_ACROSS = 8
"""Looks across a whole video; beyond about 250 scenes their frames are spread evenly."""

MAX_LOOKS = 24
"""Pieces are made longer rather than more than this; a plan with more spans still gets one look for each."""


def local_spans(plan: GlobalIntentionReply) -> list[Span]:
    """One span per dense look: the plan's spans, long ones in pieces."""
    spans = [s.span for s in plan.spans]
    pieces = [max(1, math.ceil(s.duration_seconds / LONG_LOOK_SECONDS)) for s in spans]
    while sum(pieces) > MAX_LOOKS and max(pieces) > 1:
        pieces[pieces.index(max(pieces))] -= 1
    looks: list[Span] = []
    for span, count in zip(spans, pieces, strict=True):
        step = span.duration_seconds / count
        cuts = [span.start_seconds + i * step for i in range(count)] + [span.stop_seconds]
        looks.extend(Span(low, high) for low, high in pairwise(cuts))
    return looks


def global_spans(context: Context, plan: GlobalIntentionReply) -> list[tuple[Span, ...]]:
    """What each look across spans covers.

    A question about certain moments: their spans, in one look; none where a dense look shows all of it already. A question
    about the whole video, or one of which captions know nothing: the whole video in stretches of about 32 scenes, at most
    eight looks side by side. What the captions missed is found here or nowhere.
    """
    spans = [s.span for s in plan.spans]
    whole = context.whole
    if whole.duration_seconds == 0:
        return []
    if plan.scope == "global":
        return [(stretch,) for stretch in _stretches(context)]
    if not spans:
        return [(whole,)]
    scenes = context.scenes.overlapping_any(spans)
    return [] if len(spans) == 1 and len(scenes) <= 1 else [tuple(spans)]


def _stretches(context: Context) -> list[Span]:
    scenes, whole = context.scenes.items, context.whole
    images = images_across(context, taken=MAX_PORTRAITS if context.index.entities else 0)
    count = min(max(math.ceil(len(scenes) / images), 1), MAX_ACROSS)
    cuts = [scenes[len(scenes) * i // count].start_seconds for i in range(1, count)]
    return [Span(low, high) for low, high in pairwise([0.0, *cuts, whole.stop_seconds])]


async def look_local(task: LookTask, runtime: Runtime[Context]) -> dict[str, Any]:
    """Dense frames of one span, at most two a second."""
    context = runtime.context

    async def look(final: bool) -> dict[str, Any]:
        exemplars = await portraits(context, task["spans"], named=[c.entity for c in task["plan"].characters])
        bins = dense_bins(task["spans"], images_per_look(context), phase=phase_of(task["round"]))
        return await _look(context, "look_local", task, bins, exemplars, final=final)

    return await fitted(context.vision, look)


async def look_global(task: LookTask, runtime: Runtime[Context]) -> dict[str, Any]:
    """One frame per scene, in order."""
    context = runtime.context

    async def look(final: bool) -> dict[str, Any]:
        exemplars = await portraits(context, task["spans"], named=[c.entity for c in task["plan"].characters])
        images = images_across(context, taken=len(exemplars[0]))
        bins = scene_bins(context, task["spans"], images, phase=phase_of(task["round"]))
        return await _look(context, "look_global", task, bins, exemplars, final=final)

    return await fitted(context.vision, look)


async def collect_looks(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Findings and observations become evidence with ids."""
    context = runtime.context
    if context.effort != "low":
        context.on_event(StageFinished(stage="look_local"))
        context.on_event(StageFinished(stage="look_global"))
    return {"evidence": collect(context, state)}


async def _look(
    context: Context,
    prompt: str,
    task: LookTask,
    bins: list[Bin],
    exemplars: tuple[tuple[Picture, ...], tuple[str, ...]],
    *,
    final: bool,
) -> dict[str, Any]:
    fetched = await fetch(context, bins)
    if not fetched.frames:
        return {"unseen": list(fetched.unseen)}
    shown = [span for span, _ in fetched.shown]
    model = context.vision
    # Across spans, only speech beside a shown frame helps to read it.
    near = [Span(f.time_seconds, f.time_seconds).padded(2.0) for f in fetched.frames]
    pictures = (*exemplars[0], *pictures_of(fetched.frames))
    room = room_for(context, model, images=len(pictures))
    inputs = LookInputs(
        question=context.question,
        goal=task["goal"],
        options=context.options,
        spans=tuple(shown),
        frame_times=tuple(f.time_seconds for f in fetched.frames),
        cues=cues_within(context, shown if prompt == "look_local" else near, room=room // 2, model=model),
        characters=task["plan"].characters,
        entities=cast_of(context, shown, room=room // CAST_SHARE, also=exemplars[1]),
    )
    hull = Span(min(s.start_seconds for s in shown), max(s.stop_seconds for s in shown))
    try:
        reply = await call(context, model, prompt, inputs, LookReply, pictures=pictures, span=hull)
    except ModelError as error:
        if isinstance(error, RequestTooLarge) and not final:
            raise
        reason = f"its frames could not be looked at: {failure_of(error)}"
        failed = [Unseen.of(s, reason) for s in shown]
        return {"unseen": [*fetched.unseen, *failed]}
    context.on_event(Looked(spans=tuple(shown), observations=tuple(o.text for o in reply.observations)))
    return {
        "looks": [Look(round=task["round"], reply=reply, shown=fetched.shown)],
        "unseen": list(fetched.unseen),
    }
