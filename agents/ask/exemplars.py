"""Exemplar frames of the cast, shown beside a look: words alone cannot tell two look-alikes apart."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from mrvideo.agents.ask.named import entities_named
from mrvideo.agents.ask.pixels import Bin, fetch
from mrvideo.agents.ask.state import Context, View
from mrvideo.captioning.sheets import BOX_MARGIN, CELL_PIXELS, CELLS, Cell, photo_cell, sheets
from mrvideo.media.images import with_crop
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
    shown: Sequence[Span] = (),
) -> tuple[tuple[Picture, ...], tuple[str, ...]]:
    """Exemplars of those whom the texts in `named` name and of nobody else, and whose they are.

    Those who are found in their frames by a box stand on one sheet, labelled `sheet, row 1: <person_3>,
    <person_3> again`, behind the photos that the user gave: `<person_3> photo given by the user`; of others
    the whole frame is shown, labelled `<person_3>`. Both may show three views of each: one view may be a poor
    one, or of somebody else. At most a third of the `images` that the call may send (half of few), and no
    more than leave a frame for each of the `spans`; none for a model whose images the frames already fill.
    What the call shows anyway, the spans `shown`, gives way to views from elsewhere.
    """
    able = (model or context.vision).capabilities
    # Three views of one decide where two would only differ, also in a check of few pictures.
    room = min(max(images // 3, min(3, images // 2), 1), MAX_PORTRAITS, max(images - spans, 1))
    if able.look_images < _MANY_IMAGES or images < 2:
        return (), ()
    wanted = entities_named(context, named)
    boxed = [e for e in wanted if e.box is not None][:MAX_PORTRAITS]
    photos = [
        (e.name, context.photos[e.photo]) for e in wanted if e.photo is not None and e.photo in context.photos
    ][:MAX_PORTRAITS]
    views = _views(context, boxed, CELLS - len(photos) if boxed else 0, shown)
    sheet = min(len(boxed) + len(photos), 1)
    whole = [e for e in wanted if e.box is None][: room - sheet]
    room -= sheet
    if len(whole) == 1 and room == 2:
        room = 1
    views += _views(context, whole, room)
    missing = {view for _, _, view in views} - set(context.portraits)
    for cut in (False, True):
        await _add(context, [view for view in missing if (view.box is not None) is cut], cut=cut)
    found = [(name, label, context.portraits.get(view)) for name, label, view in views]
    pictured = [(name, label, frame) for name, label, frame in found if frame is not None]
    on_sheet = {e.name for e in boxed}
    cells = [photo_cell(f"<{name}>", jpeg) for name, jpeg in photos]
    cells += [Cell(label, frame) for name, label, frame in pictured if name in on_sheet]
    frames = [
        Picture(label, frame.jpeg, frame.time_seconds, frame.crop)
        for name, label, frame in pictured
        if name not in on_sheet
    ]
    known = (*(name for name, _ in photos), *(name for name, _, _ in pictured))
    return (*sheets(cells), *frames), tuple(dict.fromkeys(known))


def pictures_of_exemplars(entities: Sequence[Entity], *, views: int = 1 + _MORE_VIEWS) -> int:
    """How many pictures `portraits` would like to send: one for all who are found by a box or have a photo,
    `views` of each other.
    """
    whole = sum(e.box is None for e in entities)
    sheet = any(e.box is not None or e.photo is not None for e in entities)
    return min(sheet + views * whole, MAX_PORTRAITS)


def _views(
    context: Context, entities: Sequence[Entity], room: int, shown: Sequence[Span] = ()
) -> list[tuple[str, str, View]]:
    """Name, label and view, those of one together; second views in turn, so that each of several gets one
    before anybody gets two. Views of the spans `shown` only of those who are seen nowhere else.
    """
    own = [_views_of(context, e, shown) for e in entities]
    first = [(place, f"<{e.name}>", own[place][0]) for place, e in enumerate(entities)]
    again = [
        (place, f"<{entities[place].name}> again", view)
        for turn in zip_longest(*(views[1:] for views in own))
        for place, view in enumerate(turn)
        if view is not None
    ]
    chosen = sorted([*first, *again][: max(room, 0)], key=lambda view: view[0])
    return [(entities[place].name, label, view) for place, label, view in chosen]


async def _add(context: Context, views: Sequence[View], *, cut: bool) -> None:
    """Fetch the views' frames into the context's portraits, None for one that cannot be read; `cut`: to their
    boxes, at the size of the source.
    """
    moments = [Span(time, time) for time in sorted({view.time_seconds for view in views})]
    source = context.closeups if cut else None
    fetched = await fetch(context, [Bin(m.start_seconds, m, m) for m in moments], source=source)
    frames = {m.start_seconds: frame for (m, _), frame in zip(fetched.shown, fetched.frames, strict=True)}
    for view in views:
        frame = frames.get(view.time_seconds)
        if frame is not None and view.box is not None:
            part = view.box.padded(BOX_MARGIN).intersection(frame.crop)
            frame = frame if part is None else with_crop(frame, part, long_side_pixels=CELL_PIXELS)
        context.portraits[view] = frame


def _views_of(context: Context, entity: Entity, shown: Sequence[Span]) -> list[View]:
    """The exemplar, and those of two more spans: those furthest from what is shown already, since a static
    view repeats itself.
    """
    views = {m.exemplar_seconds: m.box for m in context.index.mentions if m.mention_id in entity.mention_ids}
    views[entity.exemplar_seconds] = entity.box
    elsewhere = [time for time in views if not any(span.contains(time) for span in shown)]
    # One without a box is described where it stands in its exemplar.
    own = entity.box is None or entity.exemplar_seconds in elsewhere or not elsewhere
    chosen = [entity.exemplar_seconds if own else min(elsewhere)]
    left = sorted({*elsewhere} - {*chosen}) if elsewhere else []
    while left and len(chosen) <= _MORE_VIEWS:
        best = max(left, key=lambda time: min(abs(time - other) for other in chosen))
        chosen.append(best)
        left.remove(best)
    return [View(time, views[time]) for time in chosen]
