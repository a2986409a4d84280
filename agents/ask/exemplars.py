"""Exemplar frames of the cast, shown beside a look: words alone cannot tell two look-alikes apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest

from mrvideo.agents.ask.pixels import Bin, fetch
from mrvideo.agents.ask.state import Context
from mrvideo.models.base import Model, Picture
from mrvideo.records import Entity, Span

MAX_PORTRAITS = 6

_MORE_VIEWS = 2
"""With the exemplar they make three, the least number that can outvote one."""

_MANY_IMAGES = 16
"""A model that looks at fewer frames than this spends them on the span."""


async def portraits(
    context: Context,
    *,
    named: Sequence[str] = (),
    images: int,
    spans: int = 1,
    model: Model | None = None,
) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
    """Pictures labelled `<person_3>`, and whom they show: those that the texts in `named` name, and nobody else.

    At most a third of the `images` that the call may send (half of few), six, and no more than leave a frame for each of the `spans`; none for a model whose images the frames already fill. Where
    room is left, they are shown as other stretches saw them too, labelled `<person_3> again`: one frame may be a poor one, or of
    somebody else.
    """
    able = (model or context.vision).capabilities
    # Three views of one decide where two would only differ, also in a check of few pictures.
    room = min(max(images // 3, min(3, images // 2), 1), MAX_PORTRAITS, max(images - spans, 1))
    if able.look_images < _MANY_IMAGES or images < 2:
        return (), ()
    wanted = entities_named(context, named)[:room]
    if len(wanted) == 1 and room == 2:
        room = 1
    views = [(place, f"<{e.name}>", e.exemplar_seconds) for place, e in enumerate(wanted)]
    # Second views in turn, so that each of several gets one before anybody gets two.
    turns = zip_longest(*(_elsewhere(context, e) for e in wanted))
    again = [
        (place, f"<{wanted[place].name}> again", time)
        for turn in turns
        for place, time in enumerate(turn)
        if time is not None
    ]
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


_NAME = r"[a-z]+(?:_[a-z]+)*_\d+"
_RANGE = re.compile(r"<?([a-z]+(?:_[a-z]+)*)_(\d+)>?\s*(?:to|through|until|[-–—])\s*<?\1_(\d+)>?")
_LONGEST_RANGE = 40


def names_in(text: str) -> list[str]:
    """Entity names in a text, with or without their marks; `person_1 to person_4` names four."""
    names: dict[str, None] = {}
    ranges = {match.start(): match for match in _RANGE.finditer(text)}
    for match in re.finditer(_NAME, text):
        span = ranges.get(match.start()) or ranges.get(match.start() - 1)
        if span is not None:
            first, last = int(span[2]), int(span[3])
            names.update(
                {f"{span[1]}_{n}": None for n in range(first, min(last, first + _LONGEST_RANGE) + 1)}
            )
        names[match[0]] = None
    return list(names)


def entities_named(context: Context, texts: Sequence[str]) -> list[Entity]:
    """Those of the cast whom the texts name, by entity name or by the name that people call them, in order."""
    by_name = {e.name: e for e in context.index.entities}
    called = {e.display_name.casefold(): e.name for e in context.index.entities if e.display_name}
    found: dict[str, None] = {}
    for text in texts:
        found.update(dict.fromkeys(names_in(text)))
        folded = text.casefold()
        found.update({name: None for known, name in called.items() if _says(folded, known)})
    return [by_name[name] for name in found if name in by_name]


def _says(folded: str, known: str) -> bool:
    """Whether a text says a name as a word; scripts without spaces have no such borders."""
    return bool(re.search(rf"\b{re.escape(known)}\b", folded)) if known.isascii() else known in folded


def _elsewhere(context: Context, entity: Entity) -> list[float]:
    """The exemplars of two more stretches: those furthest from what is shown already, since a static view repeats itself."""
    own = {m.exemplar_seconds for m in context.index.mentions if m.mention_id in entity.mention_ids}
    shown, left = [entity.exemplar_seconds], sorted(own - {entity.exemplar_seconds})
    while left and len(shown) <= _MORE_VIEWS:
        best = max(left, key=lambda time: min(abs(time - other) for other in shown))
        shown.append(best)
        left.remove(best)
    return shown[1:]
