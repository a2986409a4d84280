"""The cast of a request: those whom its texts name, and nobody else.

reading    whom its captions name                        when each is seen is told by the captions themselves
plan       whom the question or an analysis names        with times: first, last, between
look       the question, goal, plan, shown captions      no times: what is there is told by the frames
check      whom the claim names                          no times
answer     whom the plan, a look or evidence names       with times
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mrvideo.agents.ask.calls import clipped, keep_within, report_cut, room_for
from mrvideo.agents.ask.named import entities_named
from mrvideo.agents.ask.state import Context
from mrvideo.records import Entity, Span, merge_spans
from mrvideo.records.shown import showing_spans
from mrvideo.schemas.analysis import EntityLine

CAST_SHARE = 8
"""At most one part in this many of a request is spent on the cast."""

_TIMES_TOLD = 4

_CALLED_TOLD = 40
"""So many people with names of their own are listed where names are linked; of more, those whom the question names."""


def cast_of(
    context: Context,
    *,
    texts: Iterable[str] = (),
    names: Iterable[str] = (),
    called: bool = False,
    times: bool = False,
    room: int | None = None,
) -> tuple[EntityLine, ...]:
    """The entities that the texts name, and those in `names`, whom captions in the request name.

    `called` adds those with a name of their own, for requests that link the question's names; `times` tells
    when each is seen. Where the room (an eighth of a call) does not hold them all, descriptions are shortened
    before anybody is left out; who is named is never left out.
    """
    if not context.index.entities:
        return ()
    named = {*names, *(e.name for e in entities_named(context, list(texts)))}
    others = _called(context) if called else set[str]()
    chosen = [e for e in context.index.entities if e.name in named or e.name in others]
    lines = [
        EntityLine.of(e).model_copy(update={"seen": _when_seen(context, e) if times else ""}) for e in chosen
    ]
    if room is None:
        room = room_for(context, context.text) // CAST_SHARE
    if sum(context.weight_of(line) for line in lines) <= room:
        return tuple(lines)
    for most in (120, 60, 30, 0):
        lines = [line.model_copy(update={"description": clipped(line.description, most)}) for line in lines]
        if sum(context.weight_of(line) for line in lines) <= room:
            return tuple(lines)
    bare = [line.model_copy(update={"seen": ""}) for line in lines]
    needed = [line for line in bare if line.name in named]
    left = room - sum(context.weight_of(line) for line in needed)
    rest = [line for line in bare if line.name not in named]
    kept = keep_within(rest, max(left, 0), weight=context.weight_of, rank=lambda _: 0)
    report_cut(
        context, "members of the cast", kept=len(needed) + len(kept), given=len(bare), model=context.text
    )
    return tuple(line for line in bare if line in needed or line in kept)


def named_in_scenes(context: Context, spans: Sequence[Span]) -> set[str]:
    """Whom the scenes of these spans list."""
    return {name for scene in context.scenes.overlapping_any(spans) for name in scene.entity_names}


def shown_in(context: Context, spans: Sequence[Span]) -> set[str]:
    """Whom the captions of these spans show: by the parts that overlap them, not by whole scenes."""
    return {
        entity.name
        for entity in context.index.entities
        for scene in context.shown.get(entity.name, ())
        if any(span.overlaps(of) for span in showing_spans(scene, entity.name) for of in spans)
    }


def _called(context: Context) -> set[str]:
    called = {e.name for e in context.index.entities if e.display_name}
    if len(called) > _CALLED_TOLD:
        # Of many people of a long video, a request tells those whom the question means.
        called = {e.name for e in entities_named(context, [context.question, *context.options])}
    return called


def _when_seen(context: Context, entity: Entity) -> str:
    """`47–56, 180–188 s`: the parts of captions that show it, those that adjoin as one; of many the first
    ones and the last.
    """
    shown = [s for scene in context.shown.get(entity.name, ()) for s in showing_spans(scene, entity.name)]
    told = [f"{s.start_seconds:.0f}–{s.stop_seconds:.0f}" for s in merge_spans(shown, gap_seconds=0.1)]
    if len(told) <= _TIMES_TOLD:
        return f"{', '.join(told)} s" if told else ""
    first = told[: _TIMES_TOLD - 1]
    return f"{', '.join(first)} s, {len(told) - _TIMES_TOLD} times more, last {told[-1]} s"
