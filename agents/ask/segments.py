"""Cutting an index into segments: 64 scenes each with their cues, fewer where that would not fit one call."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mrvideo.agents.ask.calls import clipped, keep_within, report_cut, room_for
from mrvideo.agents.ask.exemplars import entities_named
from mrvideo.agents.ask.state import Context, Segment
from mrvideo.models.base import Model
from mrvideo.records import Entity, Span, merge_spans
from mrvideo.schemas.analysis import EntityLine, SceneLine, SightingLine
from mrvideo.schemas.shared import CueLine

SCENES_PER_SEGMENT = 64

_TIMES_TOLD = 6

_CALLED_TOLD = 40
"""So many people with names of their own stand in each request; of more, those that matter there."""

CAST_SHARE = 8
"""At most one part in this many of a request is spent on the cast."""


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
        cast = cast_of(context, [Span(s.start_seconds, s.stop_seconds) for s in own_scenes], room=room)
        halves.append(Segment(segment.index, segment.count, span, own_scenes, own_cues, cast))
    return halves


def unheard(context: Context, needs_speech: bool) -> bool:
    """Whether only speech can tell the answer, and nobody has transcribed it."""
    return needs_speech and context.speech == "not transcribed"


def cast_of(
    context: Context, spans: Sequence[Span], *, room: int | None = None, also: Sequence[str] = ()
) -> tuple[EntityLine, ...]:
    """The entities that appear in these spans and those with a name of their own, with when each is seen.

    Where an eighth of a call does not hold them all, descriptions are shortened before anybody is left out;
    whom the captions name is never left out.
    """
    if not context.index.entities:
        return ()
    names = {name for scene in context.scenes.overlapping_any(spans) for name in scene.entity_names} | set(
        also
    )
    called = {e.name for e in context.index.entities if e.display_name}
    if len(called) > _CALLED_TOLD:
        # Of many people of a long video, a request tells those whom the question means.
        called = {e.name for e in entities_named(context, [context.question, *context.options])}
    chosen = [e for e in context.index.entities if e.name in names or e.name in called]
    lines = [EntityLine.of(e).model_copy(update={"seen": _when_seen(context, e)}) for e in chosen]
    if room is None:
        room = room_for(context, context.text) // CAST_SHARE
    if sum(context.weight_of(line) for line in lines) <= room:
        return tuple(lines)
    for most in (120, 60, 30, 0):
        lines = [line.model_copy(update={"description": clipped(line.description, most)}) for line in lines]
        if sum(context.weight_of(line) for line in lines) <= room:
            return tuple(lines)
    bare = [line.model_copy(update={"seen": ""}) for line in lines]
    needed = [line for line in bare if line.name in names]
    left = room - sum(context.weight_of(line) for line in needed)
    others = [line for line in bare if line.name not in names]
    kept = keep_within(others, max(left, 0), weight=context.weight_of, rank=lambda _: 0)
    report_cut(
        context, "members of the cast", kept=len(needed) + len(kept), given=len(bare), model=context.text
    )
    return tuple(line for line in bare if line in needed or line in kept)


def _when_seen(context: Context, entity: Entity) -> str:
    """`47–56, 180–188 s`: the scenes that show it, those that adjoin as one, the first six."""
    scenes = [scene.span for scene in context.shown.get(entity.name, ())]
    spans = merge_spans(scenes, gap_seconds=0.1)
    told = ", ".join(f"{s.start_seconds:.0f}–{s.stop_seconds:.0f}" for s in spans[:_TIMES_TOLD])
    more = f" and {len(spans) - _TIMES_TOLD} times more" if len(spans) > _TIMES_TOLD else ""
    return f"{told} s{more}" if told else ""


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
        entities=cast_of(
            context, [Span(s.start_seconds, s.stop_seconds) for s in scenes], room=room // CAST_SHARE
        ),
    )


def _hull(parts: Sequence[SceneLine | CueLine | SightingLine]) -> Span:
    return Span(max(min(part.start_seconds for part in parts), 0.0), max(part.stop_seconds for part in parts))
