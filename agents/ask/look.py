"""Looking again: frames of the planned spans as closely as the plan asks, one of each shot across the video.
Paper, §3.3.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from langgraph.runtime import Runtime

from mrvideo.agents.ask.budget import LOOK_MOST, share_of_looks
from mrvideo.agents.ask.calls import call, failure_of, fitted, room_for
from mrvideo.agents.ask.cast import CAST_SHARE, cast_of, shown_in
from mrvideo.agents.ask.changes import fetch_as
from mrvideo.agents.ask.crops import with_crops
from mrvideo.agents.ask.evidence import collect
from mrvideo.agents.ask.exemplars import pictures_of_exemplars, portraits
from mrvideo.agents.ask.named import entities_named
from mrvideo.agents.ask.pixels import (
    asked_times,
    bins_for,
    frames_for,
    glance_frames,
    images_across,
    images_per_look,
    phase_of,
    pictures_of,
    spread,
)
from mrvideo.agents.ask.segments import cues_within, unheard
from mrvideo.agents.ask.shots import padded, units
from mrvideo.agents.ask.state import Context, Look, LookTask, State
from mrvideo.errors import ModelError, RequestTooLarge
from mrvideo.records import Entity, Looked, Notice, Span, StageFinished, Unseen, merge_spans
from mrvideo.schemas.analysis import Density, LookInputs, LookReply
from mrvideo.schemas.shared import TIME_SLACK_SECONDS
from mrvideo.speech.known import speech_of
from mrvideo.wording import counted

_CHECKS_RESERVE = 40
"""Pictures that a question about the whole video keeps for its checks and for a further round."""

_POINTED_LOOKS = 3
"""Moments that only their pictures speak for, of those that were found beforehand."""

_EVENT_SECONDS = 4.0
"""A whole part of a caption longer than this holds the event, and is not it."""

_TWICE_LEAST = 6
_SECOND_LOOK = 3


def look_tasks(context: Context, state: State) -> tuple[list[LookTask], list[LookTask]]:
    """The round's looks at the planned spans, and those across the video, with the pictures that each may
    send.

    A question about certain moments: its spans, and no look across them, which would show the same. Where
    captions know of none: one of each shot of the whole video. A question about the whole video: each shot
    once, and the planned spans once more where a closer look is asked for, or no check follows; what the
    captions missed is found there or nowhere. A later round looks only where something was denied or is open.
    Words that nobody has transcribed, or said, are not looked for in pictures.
    """
    context.sent.settle()
    plan, pictures, round_ = state["plan"], context.pictures, state["round"]
    spans = open_spans(context, state)
    if unheard(context, state):
        spans = [s for s in spans if any(scene.sightings for scene in context.scenes.overlapping(s))]
        if not spans:
            return [], []
    whole = [context.whole] if context.whole.duration_seconds > 0 else []
    checked = context.effort == "high"
    if spans and (plan.scope == "local" or round_ > 1):
        share = pictures.take(share_of_looks(pictures, checked=checked))
        return _local(context, state, spans, share, twice=not _told(state, spans)), []
    if plan.scope == "local":
        # Nothing is planned again where all that was asked for has held.
        across = [] if state.get("held") else whole
        return [], _across(context, state, across, pictures.take(share_of_looks(pictures, checked=checked)))
    pictures.widen(context.effort, glance_frames(context, whole))
    wide = pictures.left - _CHECKS_RESERVE if checked else pictures.left
    across = _across(context, state, whole, pictures.take(min(max(wide, 1), _wanted_across(context, state))))
    if checked and plan.look == "glance":
        # What captions tell has two witnesses by now, and a check to come.
        spans = [s for s in spans if not _told(state, [s])]
    if (
        sum(s.duration_seconds for s in spans) >= 0.9 * context.whole.duration_seconds
        and plan.look == "glance"
    ):
        return [], across
    free = max(pictures.left - _CHECKS_RESERVE, 0) if checked else pictures.left
    local = _local(context, state, spans, pictures.take(min(free, 2 * LOOK_MOST)), twice=False)
    # What the look across shows of them is shown once.
    return [{**task, "turn": 1} for task in local] if across else local, across


def _told(state: State, spans: Sequence[Span]) -> bool:
    """Whether a caption or a cue tells what was asked for in one of the spans: then a look is its second
    witness.
    """
    readings = [*state.get("analyses", []), *state.get("reduced", [])]
    return any(f.span.overlaps(s) for reading in readings for f in reading.analysis.findings for s in spans)


def open_spans(context: Context, state: State) -> list[Span]:
    """The planned spans, less those that lie in what has held; and the times that the question names, a
    second around each.

    Where no caption or cue tells of any of them, the moments too whose pictures fit the question.
    """
    held = [span for one in state.get("held", []) for span in one.spans]
    spans = [s.span for s in state["plan"].spans]
    spans = [s for s in spans if not any(_inside(s, padded(context, h)) for h in held)]
    for time in asked_times(context):
        if state["round"] == 1 and not any(s.contains(time) for s in spans):
            spans.append(padded(context, Span(time, min(time + 0.01, context.whole.stop_seconds)), 1.0))
    if state["round"] == 1 and not _told(state, spans):
        pictured = [m.span for m in context.pointed if any(r.source == "picture" for r in m.why)]
        spans += [p for p in pictured[:_POINTED_LOOKS] if not any(p.overlaps(s) for s in spans)]
    return sorted(spans, key=lambda s: (s.start_seconds, s.stop_seconds))


def _inside(span: Span, other: Span) -> bool:
    return other.start_seconds - 0.1 <= span.start_seconds and span.stop_seconds <= other.stop_seconds + 0.1


def _local(context: Context, state: State, spans: list[Span], images: int, *, twice: bool) -> list[LookTask]:
    """One call for all spans, or several of neighbouring ones where their frames do not fit one.

    `twice`: two calls, each with half of the pictures and with other frames, where nothing but looks can
    tell.
    """
    if images == 0 or not spans:
        context.pictures.give_back(images)
        return []
    if images <= len(spans):
        # Those that no look has seen come first; what is left out is said.
        seen = [of for one in state.get("looks", []) for of, _ in one.shown]
        fresh = sorted(spans, key=lambda s: any(s.overlaps(of) for of in seen))
        chosen = fresh[: max(images - 1, 1)]
        left_out = len(spans) - len(chosen)
        context.on_event(
            Notice(
                text=f"{counted(left_out, 'planned span')} not looked at: the question's pictures are spent"
            )
        )
        spans = [s for s in spans if s in chosen]
    if twice and images >= max(_TWICE_LEAST, 2 * (len(spans) + 1)):
        half = images // 2
        context.pictures.give_back(images - 2 * half)
        return [
            *_local_once(context, state, spans, half, 0),
            *_local_once(context, state, spans, half, _SECOND_LOOK),
        ]
    return _local_once(context, state, spans, images, 0)


def _local_once(
    context: Context, state: State, spans: list[Span], images: int, number: int
) -> list[LookTask]:
    look = _closeness(context, state["plan"].look, spans)
    wanted = [max(frames_for(context, look, [s]), 1) for s in spans]
    most = min(images_per_look(context), LOOK_MOST)
    exemplars = min(pictures_of_exemplars(_named(context, state)), most // 3)
    count = min(max(math.ceil(min(sum(wanted) + exemplars, images) / most), 1), len(spans))
    tasks: list[LookTask] = []
    left, open_ = images, sum(wanted)
    for group in _groups(spans, wanted, count):
        own = sum(wanted[spans.index(s)] for s in group)
        share = min(left, most, max(left * own // max(open_, 1), 1), own + exemplars)
        open_ -= own
        if share == 0:
            continue
        left -= share
        tasks.append(_task(state, state["goals"].local_question, group, look, share, 0, number))
    context.pictures.give_back(left)
    return tasks


def _closeness(context: Context, look: Density, spans: Sequence[Span]) -> Density:
    """As the plan asks; but the ends of a part of a caption, which a clip's border made, are no ends of what
    happens in it: it is looked at closely.
    """
    if look != "ends":
        return look
    parts = [p.span for s in context.scenes.overlapping_any(spans) if len(s.parts) > 1 for p in s.parts]
    return "dense" if any(_is_part(span, part) for span in spans for part in parts) else look


def _is_part(span: Span, part: Span) -> bool:
    beside = abs(span.start_seconds - part.start_seconds), abs(span.stop_seconds - part.stop_seconds)
    return span.duration_seconds > _EVENT_SECONDS and max(beside) <= TIME_SLACK_SECONDS


def _across(context: Context, state: State, spans: list[Span], images: int) -> list[LookTask]:
    """One frame of each shot, in order, in as few calls as hold them; parted where a scene begins. Where pictures
    are few in a later round, first of shots that no look has shown.
    """
    every = units(context, spans)
    exemplars = _exemplars_across(context, state)
    parts = every if state["round"] == 1 else _new_first(context, every, max(images - exemplars, 1))
    if images == 0 or not parts:
        context.pictures.give_back(images)
        return []
    most = images_across(context)
    wanted = glance_frames(context, parts)
    count = max(math.ceil(min(wanted, images) / max(most - exemplars, 1)), 1)
    groups = _groups(parts, [1] * len(parts), count)
    tasks: list[LookTask] = []
    left, open_ = images, sum(glance_frames(context, group) + exemplars for group in groups)
    for group in groups:
        own = glance_frames(context, group) + exemplars
        share = min(math.ceil(left * own / open_), most, own, left)
        open_ -= own
        if share == 0:
            continue
        left -= share
        shown = max(share - exemplars, 1)
        tasks.append(
            _task(
                state,
                state["goals"].global_question,
                merge_spans(group, gap_seconds=0.05),
                "glance",
                share,
                max(len(group) - shown, 0),
            )
        )
    context.pictures.give_back(left)
    out = sum(task["left_out"] for task in tasks)
    if out:
        context.on_event(
            Notice(text=f"{out} of {len(every)} shots are not looked at: only their captions are read")
        )
    return tasks


def _new_first(context: Context, parts: Sequence[Span], frames: int) -> list[Span]:
    """What a look of so many frames shows of more parts: those that none has shown, then others, evenly chosen."""
    if frames >= len(parts):
        return list(parts)
    sent = context.sent.before
    new = [part for part in parts if not any(part.contains(time) for time in sent)]
    others = spread([part for part in parts if part not in new], max(frames - len(new), 0)) if new else parts
    return sorted([*new, *others], key=lambda part: part.start_seconds)


def _wanted_across(context: Context, state: State) -> int:
    exemplars = _exemplars_across(context, state)
    frames = glance_frames(context, [context.whole])
    calls = math.ceil(frames / max(images_across(context) - exemplars, 1))
    return frames + calls * exemplars


def _exemplars_across(context: Context, state: State) -> int:
    """Room for the exemplars of each look across: a sheet, and of those whose frames are shown whole three
    views of one, one of more.
    """
    if context.vision.capabilities.look_images < 16:
        return 0
    named = _named(context, state)
    return pictures_of_exemplars(named, views=3 if len(named) == 1 else 1)


def _named(context: Context, state: State) -> list[Entity]:
    return entities_named(context, _texts(context, state))


def _texts(context: Context, state: State) -> list[str]:
    return [*(c.entity for c in state["plan"].characters), context.question]


def _groups(spans: Sequence[Span], wanted: Sequence[int], count: int) -> list[list[Span]]:
    """Neighbours together, about as many frames in each group."""
    total, done = sum(wanted), 0
    groups: list[list[Span]] = [[] for _ in range(count)]
    for span, own in zip(spans, wanted, strict=True):
        groups[min(done * count // max(total, 1), count - 1)].append(span)
        done += own
    return [group for group in groups if group]


def _task(
    state: State,
    goal: str,
    spans: Sequence[Span],
    look: Density,
    images: int,
    left_out: int,
    number: int = 0,
) -> LookTask:
    return {
        "round": state["round"],
        "goal": goal,
        "spans": tuple(spans),
        "plan": state["plan"],
        "look": look,
        "images": images,
        "left_out": left_out,
        "phase": phase_of(state["round"], check=number),
        "turn": 0,
    }


async def look_local(task: LookTask, runtime: Runtime[Context]) -> dict[str, Any]:
    """Frames of the planned spans, as closely as the plan asks."""
    return await _looked(runtime.context, "look_local", task)


async def look_global(task: LookTask, runtime: Runtime[Context]) -> dict[str, Any]:
    """One frame of each shot, in order."""
    return await _looked(runtime.context, "look_global", task)


async def collect_looks(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Findings and observations become evidence with ids."""
    context = runtime.context
    if context.effort != "low":
        context.on_event(StageFinished(stage="look_local"))
        context.on_event(StageFinished(stage="look_global"))
    return collect(context, state)


async def _looked(context: Context, prompt: str, task: LookTask) -> dict[str, Any]:
    async def once(final: bool) -> dict[str, Any]:
        return await _look(context, prompt, task, final=final)

    return await fitted(context.vision, once)


async def _look(context: Context, prompt: str, task: LookTask, *, final: bool) -> dict[str, Any]:
    plan, spans = task["plan"], task["spans"]
    across = prompt == "look_global"
    images = min(task["images"], images_across(context) if across else images_per_look(context))
    named = [*(c.entity for c in plan.characters), context.question]
    exemplars, known = await portraits(
        context, named=named, images=images, spans=1 if across else len(spans), shown=spans
    )
    free = max(images - len(exemplars), 1)
    frames = free // 3 if task["look"] == "text" and context.closeups is not None else free
    bins = bins_for(context, task["look"], spans, max(frames, 1), phase=task["phase"], turn=task["turn"])
    fetched = await fetch_as(context, task["look"], bins, phase=task["phase"])
    if not fetched.frames:
        context.pictures.give_back(task["images"])
        return {"unseen": list(fetched.unseen)}
    shown = _spans_shown(fetched.shown)
    model = context.vision
    # Across the video, only speech beside a shown frame helps to read it.
    near = [Span(f.time_seconds, f.time_seconds).padded(2.0) for f in fetched.frames]
    own = pictures_of(fetched.frames)
    if task["look"] == "text":
        own = await with_crops(context, fetched.frames, own, free - len(own))
    pictures = (*exemplars, *own)
    room = room_for(context, model, images=len(pictures))
    cues = cues_within(context, near if across else shown, room=room // 2, model=model)
    # A look across the video shows everybody: those whom the question is about.
    there = set[str]() if across else shown_in(context, shown)
    inputs = LookInputs(
        question=context.question,
        goal=task["goal"],
        options=context.options,
        spans=tuple(shown),
        frame_times=tuple(f.time_seconds for f in fetched.frames),
        cues=cues,
        characters=plan.characters,
        entities=cast_of(
            context,
            texts=[*named, *context.options, task["goal"]],
            names=(*known, *there),
            room=room // CAST_SHARE,
        ),
        speech=speech_of(context.index, shown, cues),
        exemplars=known,
        crops=len(own) > len(fetched.frames),
        left_out=task["left_out"],
    )
    hull = Span(min(s.start_seconds for s in shown), max(s.stop_seconds for s in shown))
    try:
        reply = await call(context, model, prompt, inputs, LookReply, pictures=pictures, span=hull)
    except ModelError as error:
        if isinstance(error, RequestTooLarge) and not final:
            raise
        context.pictures.give_back(task["images"])
        reason = f"its frames could not be looked at: {failure_of(error)}"
        failed = [Unseen.of(s, reason) for s in shown]
        return {"unseen": [*fetched.unseen, *failed]}
    context.pictures.give_back(task["images"] - len(pictures))
    context.on_event(Looked(spans=tuple(shown), observations=tuple(o.text for o in reply.observations)))
    look = Look(task["round"], reply, fetched.shown, task["goal"], across=across, left_out=task["left_out"])
    return {"looks": [look], "unseen": list(fetched.unseen)}


def _spans_shown(shown: Sequence[tuple[Span, tuple[float, ...]]]) -> list[Span]:
    """What frames really stand for: shots that adjoin as one, nothing over a gap. A moment just outside
    belongs to the span beside it.
    """
    owners = [owner for owner, _ in shown]
    lasting = merge_spans([o for o in owners if o.duration_seconds > 0], gap_seconds=0.05)
    if not lasting:
        return merge_spans(owners)
    for moment in (o for o in owners if o.duration_seconds == 0):
        time = moment.start_seconds
        near = min(lasting, key=lambda s: max(s.start_seconds - time, time - s.stop_seconds))
        wide = Span(min(near.start_seconds, time), max(near.stop_seconds, time))
        lasting[lasting.index(near)] = wide
    return merge_spans(lasting, gap_seconds=0.05)
