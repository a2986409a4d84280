"""Exemplar frames of the cast, shown beside a look: words alone cannot tell two look-alikes apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mrvideo.agents.pixels import Bin, fetch
from mrvideo.agents.state import Context
from mrvideo.models.base import Picture
from mrvideo.records import Entity, Span

MAX_PORTRAITS = 8

_MANY_IMAGES = 16
"""A model that looks at fewer frames than this spends them on the span."""


async def portraits(
    context: Context, spans: Sequence[Span], *, named: Sequence[str] = ()
) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
    """Pictures labelled `<person_3>`, and whom they show: those named first, then those who appear in the spans.

    At most eight, and none for a model whose images the frames of a look already fill.
    """
    able = context.vision.abilities
    if able.look_images < _MANY_IMAGES:
        return (), ()
    room = min(MAX_PORTRAITS, able.max_images - min(able.look_images, 32))
    wanted = _wanted(context, spans, named)[: max(room, 0)]
    missing = [e for e in wanted if e.name not in context.portraits]
    if missing:
        times = [(e, Span(e.exemplar_seconds, e.exemplar_seconds)) for e in missing]
        fetched = await fetch(context, [Bin(span.start_seconds, span, span) for _, span in times])
        frames = {
            span.start_seconds: frame for (span, _), frame in zip(fetched.shown, fetched.frames, strict=True)
        }
        for entity, span in times:
            frame = frames.get(span.start_seconds)
            context.portraits[entity.name] = (
                Picture(f"<{entity.name}>", frame.jpeg, frame.time_seconds) if frame else None
            )
    shown = [(p, e.name) for e in wanted if (p := context.portraits.get(e.name)) is not None]
    return tuple(p for p, _ in shown), tuple(name for _, name in shown)


def names_in(text: str) -> list[str]:
    """Entity names in a text, with or without their marks."""
    return re.findall(r"[a-z]+(?:_[a-z]+)*_\d+", text)


def _wanted(context: Context, spans: Sequence[Span], named: Sequence[str]) -> list[Entity]:
    by_name = {e.name: e for e in context.index.entities}
    known = {**{(e.display_name or "").casefold(): e.name for e in context.index.entities if e.display_name}}
    first = [n for text in named for n in (*names_in(text), known.get(text.strip().casefold(), ""))]
    then = [name for scene in context.scenes.overlapping_any(spans) for name in scene.entity_names]
    return [by_name[name] for name in dict.fromkeys([*first, *then]) if name in by_name]
