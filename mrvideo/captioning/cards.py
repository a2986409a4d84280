"""The cards that a comparison of casts shows: words, and up to three cells of a sheet for each individual,
from different scenes.

One picture may be a poor one, or show somebody else who was taken for this one; what most of them show
decides:

    L1          the exemplar, to which the description belongs
    L1 again    frames of other scenes, where captions saw this one best
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from typing import NamedTuple

from mrvideo.captioning.cast_file import Given
from mrvideo.captioning.exemplars import Exemplars
from mrvideo.captioning.shard_records import SceneDraft
from mrvideo.captioning.sheets import CELLS, Cell, sheets, touches_edge
from mrvideo.models.base import Picture
from mrvideo.records import Box, Frame, Mention, Shot
from mrvideo.schemas.captioning import CastCard

FRAMES_OF_ONE = 3
"""Pictures of each: an odd one out is outvoted, and cells of a sheet are cheap."""

FRAMES_TRIED = 6
"""Frames of each that these are chosen from: the most different."""

OTHER_SECONDS = 2.0
"""What a draft sees best so long before or after an exemplar may show it in better light, or whole."""

MOST_CARDS = 40
"""Cards of one comparison: more are not kept apart by whoever looks."""

WHOLE_SHARE = 0.5
"""Of a cut exemplar's area, so much at least another view has, that is chosen since it is whole."""

MOST_SHEETS = 6
"""Sheets of one comparison."""


class View(NamedTuple):
    """A frame that shows somebody, and where in the source picture; None: somewhere in it."""

    seconds: float
    box: Box | None = None


@dataclass(frozen=True)
class Member:
    """Mentions already found to be one, in order of appearance. `best` is the one whose exemplar stands for
    all.
    """

    mentions: tuple[Mention, ...]
    best: Mention
    speakers: tuple[str, ...] = ()
    given: Given | None = None

    @property
    def first_seen(self) -> tuple[float, float, str]:
        """Sorts members by appearance; unique."""
        first = self.mentions[0]
        return (first.start_seconds, first.exemplar_seconds, first.mention_id)


@dataclass(frozen=True)
class Entry:
    """One card of a comparison before it has its label. `key` is what a pair is told by; `frames` its
    exemplar and others that may be its pictures, if any.
    """

    key: str
    card: CastCard
    frames: tuple[View, ...] = ()
    given: Given | None = None


Views = Mapping[str, tuple[View, ...]]
"""Mention id → where else it was seen best."""


def views_of(
    mentions: Sequence[Mention], drafts: Sequence[SceneDraft], shots: Sequence[Shot] = ()
) -> dict[str, tuple[View, ...]]:
    """Where captions saw each mention best, other than within a few seconds of its exemplar in the same draft: first
    in other shots, then in long drafts.

    A frame without a box counts only where the draft names nobody else: nobody could tell who is meant.
    """
    held: dict[str, list[tuple[SceneDraft, View]]] = {}
    for draft in drafts:
        for one in draft.best:
            if one.box is not None or len(set(draft.appearing)) == 1:
                name = f"{draft.shard_index}/{one.name}"
                held.setdefault(name, []).append((draft, View(one.seconds, one.box)))
    starts = [shot.start_seconds for shot in shots]

    def shot_of(seconds: float) -> int:
        return bisect_right(starts, seconds)

    found: dict[str, tuple[View, ...]] = {}
    for mention in mentions:
        taken = {shot_of(mention.exemplar_seconds)}
        others: list[tuple[bool, float, View]] = []
        ordered = sorted(
            held.get(mention.mention_id, []), key=lambda one: (-one[0].span.duration_seconds, one[1].seconds)
        )
        for draft, view in ordered:
            if not draft.span.contains(mention.exemplar_seconds) or (
                view.box is not None and abs(view.seconds - mention.exemplar_seconds) >= OTHER_SECONDS
            ):
                seen_before = shot_of(view.seconds) in taken
                others.append((seen_before, -draft.span.duration_seconds, view))
                taken.add(shot_of(view.seconds))
        others.sort(key=lambda one: (one[0], one[1], one[2].seconds))
        found[mention.mention_id] = tuple(view for _, _, view in others[: FRAMES_TRIED - 1])
    return found


def entry_of(member: Member, views: Views) -> Entry:
    """A member's card. Its other views come from its mentions in turn: each was found by other calls."""
    return Entry(
        key=member.first_seen[2],
        card=CastCard(
            card_id="",
            kind=member.best.kind,
            description=member.best.description,
            speakers=member.speakers,
            given_name=member.given.name if member.given else None,
        ),
        frames=tuple(islice(_frames(member, views), FRAMES_TRIED)),
    )


def _frames(member: Member, views: Views) -> Iterator[View]:
    """The exemplar, then those of other scenes, each once. Read as far as needed: a long video's members are
    long.
    """
    told = {member.best.exemplar_seconds}
    yield View(member.best.exemplar_seconds, member.best.box)
    for turn in range(FRAMES_TRIED - 1):
        for mention in chain((m for m in member.mentions if m is not member.best), (member.best,)):
            for view in views.get(mention.mention_id, ())[turn : turn + 1]:
                if view.seconds not in told:
                    told.add(view.seconds)
                    yield view


def exemplar_of(member: Member, views: Views) -> View:
    """What stands for a member: its exemplar, or where that is cut off by the picture's edge, a frame in which
    captions saw it whole.
    """
    own = View(member.best.exemplar_seconds, member.best.box)
    if own.box is None or not touches_edge(own.box):
        return own
    least = WHOLE_SHARE * own.box.width * own.box.height
    ordered = (member.best, *(one for one in member.mentions if one is not member.best))
    return next(
        (
            view
            for mention in ordered
            for view in views.get(mention.mention_id, ())
            if view.box is not None
            and not touches_edge(view.box)
            and view.box.width * view.box.height >= least
        ),
        own,
    )


def given_entry(key: str, given: Given) -> Entry:
    """The card of somebody whom the user named."""
    card = CastCard(card_id="", kind=given.kind, description=given.description, given_name=given.name)
    return Entry(key=key, card=card, given=given)


def blocks(
    left: Sequence[Entry], right: Sequence[Entry], space: int
) -> tuple[list[Sequence[Entry]], list[Sequence[Entry]]]:
    """Both sides cut so that a block of each fits one call of `space` pictures, all of them sheets; a short
    side stays whole.
    """
    most = min(MOST_CARDS, cells_of(space))
    if len(left) + len(right) <= most:
        return [left], [right]
    small = min(len(left), len(right), most // 2)
    sizes = (small, most - small) if len(left) <= len(right) else (most - small, small)
    return _even(left, sizes[0]), _even(right, sizes[1])


def cells_of(space: int) -> int:
    """How many cells a call of `space` pictures has."""
    return CELLS * min(space, MOST_SHEETS)


def frames_of_each(entries: Sequence[Entry], space: int) -> int:
    """How many pictures of each one call shows: fewer where all of all would not fit."""
    for kept in range(FRAMES_OF_ONE, 1, -1):
        if sum(min(max(1, len(entry.frames)), kept) for entry in entries) <= cells_of(space):
            return kept
    return 1


async def pictures_of(
    labelled: Sequence[tuple[str, Entry]], exemplars: Exemplars, space: int
) -> tuple[Picture, ...]:
    """All cards' pictures as sheets, as many of each as fit: the exemplar, and what differs most from it."""
    kept = frames_of_each([entry for _, entry in labelled], space)
    tried = FRAMES_TRIED if kept > 1 else 1
    frames = await exemplars.at(view.seconds for _, entry in labelled for view in entry.frames[:tried])
    cells: list[Cell] = []
    for label, entry in labelled:
        given = entry.given.jpeg if entry.given is not None else None
        own = [] if given is None else [Cell(label, Frame(0.0, given, 1, 1))]
        found = [
            Cell(f"{label} again" if place else label, frame, view.box)
            for place, view in enumerate(entry.frames[:tried])
            if (frame := frames.get(view.seconds))
        ]
        cells += _differing(own, found, kept)
    return sheets(cells)


def _differing(given: Sequence[Cell], found: Sequence[Cell], most: int) -> list[Cell]:
    """The given picture, the first found, and of the others as many as there may be: each time the one that differs
    most from those chosen, unless it shows the same once more.

    Cut out ones first; whoever walks out of the picture, and is shown as legs or an arm, only where there is
    nothing else.
    """
    chosen = [*given, *(one for one in found[:1] if not any(one.shows_what(other) for other in given))]
    others = [one for one in found[1:] if not one.is_cut] or found[1:]
    while len(chosen) < len(given) + most:
        others = [one for one in others if not any(one.shows_what(other) for other in chosen)]
        if not others:
            break
        pool = [one for one in others if one.box is not None] or others
        chosen.append(max(pool, key=lambda one: min(one.difference(other) for other in chosen)))
    return chosen


def _even(entries: Sequence[Entry], size: int) -> list[Sequence[Entry]]:
    count = math.ceil(len(entries) / max(1, size))
    cuts = [round(place * len(entries) / count) for place in range(count + 1)]
    return [entries[low:high] for low, high in pairwise(cuts)]
