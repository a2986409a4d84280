"""Cutting an index into segments: 64 scenes each with their cues, fewer where that would not fit one call."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mrvideo.agents.ask.calls import clipped, keep_within, report_cut, room_for
from mrvideo.agents.ask.cast import CAST_SHARE, cast_of, named_in_scenes
from mrvideo.agents.ask.state import Context, Segment, State
from mrvideo.models.base import Model
from mrvideo.records import Span
from mrvideo.schemas.analysis import EntityLine, SceneLine, SightingLine
from mrvideo.schemas.shared import CueLine

SCENES_PER_SEGMENT = 64


@dataclass(frozen=True)
class _Item:
    """A scene (or none, where speech has no picture) and the cues that begin while it lasts."""

    scene: SceneLine | None
    entity_names: tuple[str, ...]
    cues: tuple[CueLine, ...]
    weight: int


def plan_segments(context: Context, only: Collection[int] | None = None) -> list[Segment]:
    """Every scene (or those at the positions `only`) and its cues in exactly one segment, in order; a scene
    repeats only where its cues need two calls.

    scenes   |--0--|--1--| … |--31--|   |--32--| …
    cues      c c   c      …  c   ^ a failed span between scenes: its cues stay with the scene before
    """
    room = room_for(context, context.text)
    # The cast and the marks around each line come on top.
    room = room * (CAST_SHARE - 1) // CAST_SHARE
    runs: list[list[_Item]] = []
    left = 0
    for item in _items(context, room, only):
        if not runs or item.weight > left or len(runs[-1]) == SCENES_PER_SEGMENT:
            runs.append([])
            left = room
        runs[-1].append(item)
        left -= item.weight
    return [_segment(context, i, len(runs), run, room) for i, run in enumerate(runs)]


def halved(context: Context, segment: Segment) -> list[Segment]:
    """A segment that is too long for one call, in two; of one scene, with half of its cues each. None where
    it cannot be cut.

    The cast of each takes half of the room that that of the whole took.
    """
    scenes, cues = segment.scenes, segment.cues
    if len(scenes) > 1:
        middle = len(scenes) // 2
        border = scenes[middle].start_seconds
        sides = [
            (scenes[:middle], tuple(cue for cue in cues if cue.start_seconds < border)),
            (scenes[middle:], tuple(cue for cue in cues if cue.start_seconds >= border)),
        ]
    elif len(cues) > 1:
        sides = [(scenes, cues[: len(cues) // 2]), (scenes, cues[len(cues) // 2 :])]
    else:
        return []
    room = sum(context.weight_of(line) for line in segment.entities) // 2
    halves: list[Segment] = []
    for place, (own_scenes, own_cues) in enumerate(sides):
        hull = _hull([*(own_scenes if len(scenes) > 1 else ()), *own_cues])
        # Two of one scene are told apart by their spans, which together are that of the whole.
        span = (
            Span(segment.span.start_seconds, hull.stop_seconds)
            if place == 0
            else Span(hull.start_seconds, segment.span.stop_seconds)
        )
        cast = _cast(context, own_scenes, room)
        index = 2 * segment.index + place
        halves.append(Segment(index, 2 * segment.count, span, own_scenes, own_cues, cast))
    return halves


def unheard(context: Context, state: State) -> bool:
    """Whether only speech can tell the answer, as the goals or the plan say, and there is none to read: nobody has
    transcribed it, or nothing is said.
    """
    # Where nothing is looked at, no goals are worded.
    told = "goals" in state and state["goals"].needs_speech
    needs_speech = told or state["plan"].decided_by == "speech"
    return needs_speech and context.speech in ("not transcribed", "none")


def cues_within(context: Context, spans: Sequence[Span], *, room: int, model: Model) -> tuple[CueLine, ...]:
    """The cues that overlap any of the spans, as many as fit."""
    lines = [CueLine.of(cue) for cue in context.cues.overlapping_any(spans)]
    kept = keep_within(lines, room, weight=context.weight_of, rank=lambda _: 0)
    report_cut(context, "cues", kept=len(kept), given=len(lines), model=model)
    return tuple(kept)


def _items(context: Context, room: int, only: Collection[int] | None) -> list[_Item]:
    cues, scenes = context.cues.items, context.scenes.items
    items: list[_Item] = []
    position = 0
    for place, scene in enumerate(scenes):
        last = place + 1 == len(scenes)
        until = float("inf") if last else scenes[place + 1].start_seconds
        own: list[CueLine] = []
        while position < len(cues) and cues[position].start_seconds < until:
            own.append(CueLine.of(cues[position]))
            position += 1
        if only is not None and place not in only:
            continue
        items.extend(
            _fitting(
                context, _shortened(context, SceneLine.of(scene), room // 2), scene.entity_names, own, room
            )
        )
    if not scenes:
        items.extend(_fitting(context, None, (), [CueLine.of(cue) for cue in cues], room // 4))
    return items


def _fitting(
    context: Context, line: SceneLine | None, entity_names: tuple[str, ...], cues: list[CueLine], room: int
) -> list[_Item]:
    base = context.weight_of(line) if line else 0
    items: list[_Item] = []
    run: list[CueLine] = []
    weight = base
    for cue in cues:
        cost = context.weight_of(cue)
        if run and weight + cost > room:
            items.append(_Item(line, entity_names, tuple(run), weight))
            run, weight = [], base
        run.append(cue)
        weight += cost
    if run or line:
        items.append(_Item(line, entity_names, tuple(run), weight))
    return items


def _shortened(context: Context, line: SceneLine, room: int) -> SceneLine:
    """A caption that alone would not fit is cut; so are its texts on screen, from the last."""
    if context.weight_of(line) <= room:
        return line
    caption = line.caption
    while context.tokens_of(caption) > max(room // 2, 50):
        caption = clipped(caption, len(caption) * 3 // 4)
    texts = keep_within(line.screen_text, room // 2, weight=context.weight_of, rank=lambda _: 0)
    return line.model_copy(update={"caption": caption, "parts": (), "screen_text": tuple(texts)})


def _segment(context: Context, index: int, count: int, items: list[_Item], room: int) -> Segment:
    scenes = tuple(dict.fromkeys(item.scene for item in items if item.scene))
    cues = tuple(cue for item in items for cue in item.cues)
    parts = [*scenes, *cues, *(text for scene in scenes for text in scene.screen_text)]
    return Segment(
        index=index,
        count=count,
        span=_hull(parts),
        scenes=scenes,
        cues=cues,
        entities=_cast(context, scenes, room // CAST_SHARE),
    )


def _cast(context: Context, scenes: Sequence[SceneLine], room: int) -> tuple[EntityLine, ...]:
    spans = [Span(s.start_seconds, s.stop_seconds) for s in scenes]
    return cast_of(context, names=named_in_scenes(context, spans), called=True, room=room)


def _hull(parts: Sequence[SceneLine | CueLine | SightingLine]) -> Span:
    return Span(max(min(part.start_seconds for part in parts), 0.0), max(part.stop_seconds for part in parts))
