"""Exemplar frames of the cast, shown beside a look: words alone cannot tell two look-alikes apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mrvideo.agents.ask.pixels import Bin, fetch
from mrvideo.agents.ask.state import Context
from mrvideo.models.base import Picture
from mrvideo.records import Entity, Span

MAX_PORTRAITS = 8

_MORE_VIEWS = 2
"""With the exemplar they make three, the least number that can outvote one."""

_MANY_IMAGES = 16
"""A model that looks at fewer frames than this spends them on the span."""


async def portraits(
    context: Context, spans: Sequence[Span], *, named: Sequence[str] = ()
) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
    """Pictures labelled `<person_3>`, and whom they show: those named first, then those who appear in the spans.

    At most eight, and none for a model whose images the frames of a look already fill. Where room is left, those named
    are shown as other stretches saw them too, labelled `<person_3> again`: one frame may be a poor one, or of somebody else.
    """
    able = context.vision.capabilities
    if able.look_images < _MANY_IMAGES:
        return (), ()
    room = max(min(MAX_PORTRAITS, able.max_images - min(able.look_images, 32)), 0)
    first, then = _wanted(context, spans, named)
    wanted = [*first, *then][:room]
    views = [(place, f"<{e.name}>", e.exemplar_seconds) for place, e in enumerate(wanted)]
    again = [(place, f"<{e.name}> again", t) for place, e in enumerate(first) for t in _elsewhere(context, e)]
    views = sorted([*views, *again[: room - len(views)]], key=lambda view: view[0])
    missing = sorted({time for _, _, time in views} - set(context.portraits))
    if missing:
        moments = [Span(time, time) for time in missing]
        fetched = await fetch(context, [Bin(span.start_seconds, span, span) for span in moments])
        frames = {
            span.start_seconds: frame for (span, _), frame in zip(fetched.shown, fetched.frames, strict=True)
        }
        context.portraits.update({time: frames.get(time) for time in missing})
    shown = [
        (place, Picture(label, frame.jpeg, frame.time_seconds))
        for place, label, time in views
        if (frame := context.portraits.get(time)) is not None
    ]
    names = dict.fromkeys(wanted[place].name for place, _ in shown)
    return tuple(picture for _, picture in shown), tuple(names)


def names_in(text: str) -> list[str]:
    """Entity names in a text, with or without their marks."""
    return re.findall(r"[a-z]+(?:_[a-z]+)*_\d+", text)


def _wanted(
    context: Context, spans: Sequence[Span], named: Sequence[str]
) -> tuple[list[Entity], list[Entity]]:
    """Those named, and the others who appear in the spans."""
    by_name = {e.name: e for e in context.index.entities}
    known = {**{(e.display_name or "").casefold(): e.name for e in context.index.entities if e.display_name}}
    first = [n for text in named for n in (*names_in(text), known.get(text.strip().casefold(), ""))]
    then = [name for scene in context.scenes.overlapping_any(spans) for name in scene.entity_names]
    return (
        [by_name[name] for name in dict.fromkeys(first) if name in by_name],
        [by_name[name] for name in dict.fromkeys(then) if name in by_name and name not in first],
    )


def _elsewhere(context: Context, entity: Entity) -> list[float]:
    """The exemplars of two more stretches."""
    times = [m.exemplar_seconds for m in context.index.mentions if m.mention_id in entity.mention_ids]
    return [time for time in dict.fromkeys(times) if time != entity.exemplar_seconds][:_MORE_VIEWS]
