"""The cards that a comparison of casts shows: words, and up to three frames of each individual, from different scenes.

One frame may be a poor one, or show somebody else who was taken for this one; what most of three show decides:

    L1          the exemplar, to which the description belongs
    L1 again    frames of other scenes in which captions name this one alone
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise

from mrvideo.captioning.cast_file import Given
from mrvideo.captioning.exemplars import Exemplars
from mrvideo.captioning.shard_records import Piece
from mrvideo.models.base import Picture
from mrvideo.records import Mention
from mrvideo.schemas.captioning import CastCard

FRAMES_OF_ONE = 3
"""The least number of frames that can outvote one."""

MOST_CALLS = 4
"""What would take more calls than this with several frames of each individual is compared by one frame each."""


@dataclass(frozen=True)
class Member:
    """Mentions already found to be one, in order of appearance. `best` is the one whose exemplar stands for all."""

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
    """One card of a comparison before it has its label. `key` is what a pair is told by; `times` its frames, if any."""

    key: str
    card: CastCard
    times: tuple[float, ...] = ()
    given: Given | None = None


Views = Mapping[str, tuple[float, ...]]
"""Mention id → times at which captions name this one alone."""


def views_of(mentions: Sequence[Mention], pieces: Sequence[Piece]) -> dict[str, tuple[float, ...]]:
    """The middles of the longest pieces that name a mention and nobody else; its exemplar's own piece is no other view."""
    alone: dict[str, list[Piece]] = {}
    for piece in pieces:
        if len(set(piece.appearing)) == 1:
            alone.setdefault(f"{piece.shard_index}/{piece.appearing[0]}", []).append(piece)
    return {
        mention.mention_id: tuple(
            piece.span.middle_seconds
            for piece in sorted(
                alone.get(mention.mention_id, []), key=lambda p: (-p.span.duration_seconds, p.start_seconds)
            )
            if not piece.span.contains(mention.exemplar_seconds)
        )[: FRAMES_OF_ONE - 1]
        for mention in mentions
    }


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
        times=tuple(islice(_times(member, views), FRAMES_OF_ONE)),
    )


def _times(member: Member, views: Views) -> Iterator[float]:
    """The exemplar's, then those of other scenes, each once. Read as far as needed: a long video's members are long."""
    told = {member.best.exemplar_seconds}
    yield member.best.exemplar_seconds
    for turn in range(FRAMES_OF_ONE - 1):
        for mention in chain((m for m in member.mentions if m is not member.best), (member.best,)):
            for time in views.get(mention.mention_id, ())[turn : turn + 1]:
                if time not in told:
                    told.add(time)
                    yield time


def given_entry(key: str, given: Given) -> Entry:
    """The card of somebody whom the user named."""
    card = CastCard(card_id="", kind=given.kind, description=given.description, given_name=given.name)
    return Entry(key=key, card=card, given=given)


def blocks(
    left: Sequence[Entry], right: Sequence[Entry], space: int
) -> tuple[list[Sequence[Entry]], list[Sequence[Entry]]]:
    """Both sides cut so that a block of each fits one call of `space` pictures; a short side stays whole."""
    most = max((len(entry.times) for entry in (*left, *right)), default=1)
    if most > 1 and space // most >= 2:
        lefts, rights = _cut(left, right, space // most)
        if len(lefts) * len(rights) <= MOST_CALLS:
            return lefts, rights
    return _cut(left, right, space)


def _cut(
    left: Sequence[Entry], right: Sequence[Entry], space: int
) -> tuple[list[Sequence[Entry]], list[Sequence[Entry]]]:
    if len(left) + len(right) <= space:
        return [left], [right]
    small = min(len(left), len(right), space // 2)
    sizes = (small, space - small) if len(left) <= len(right) else (space - small, small)
    return _even(left, sizes[0]), _even(right, sizes[1])


def frames_of_each(entries: Sequence[Entry], space: int) -> int:
    """How many frames of each one call shows: the first alone where more of all would not fit."""
    return FRAMES_OF_ONE if sum(max(1, len(entry.times)) for entry in entries) <= space else 1


async def pictures_of(
    labelled: Sequence[tuple[str, Entry]], exemplars: Exemplars, space: int
) -> tuple[Picture, ...]:
    """All cards' frames, as many of each as fit."""
    kept = frames_of_each([entry for _, entry in labelled], space)
    frames = await exemplars.at(time for _, entry in labelled for time in entry.times[:kept])
    pictures: list[Picture] = []
    for label, entry in labelled:
        if entry.given is not None and (photo := entry.given.picture(label)) is not None:
            pictures.append(photo)
        for place, time in enumerate(entry.times[:kept]):
            if frame := frames.get(time):
                pictures.append(Picture(f"{label} again" if place else label, frame.jpeg, time))
    return tuple(pictures)


def _even(entries: Sequence[Entry], size: int) -> list[Sequence[Entry]]:
    count = math.ceil(len(entries) / max(1, size))
    cuts = [round(place * len(entries) / count) for place in range(count + 1)]
    return [entries[low:high] for low, high in pairwise(cuts)]
