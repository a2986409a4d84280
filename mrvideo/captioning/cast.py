"""The cast: mentions of all shards become entities, by a tree of comparisons with vetoes from the pixels.

words     who may be who at all, from everybody's description: one call, no picture
shard     0      1      2      3
           \\    /        \\    /        each level at once; a comparison sees sheets of those who may be one, and nobody else,
            0–1           2–3          on never more than 40 pictures: bigger casts go block by block
               \\         /
                  0–3
review    what was claimed, asked the other way round

Hard rule: two mentions seen in the same scene are never one entity, whatever the model says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, permutations

from mrvideo.captioning.calls import Calls, together
from mrvideo.captioning.cards import (
    MOST_SHEETS,
    Entry,
    Member,
    Views,
    blocks,
    entry_of,
    given_entry,
    pictures_of,
)
from mrvideo.captioning.cast_file import Given
from mrvideo.captioning.exemplars import Exemplars
from mrvideo.captioning.frames import room
from mrvideo.captioning.review import reviewed, shard_of
from mrvideo.captioning.shard_records import SceneDraft
from mrvideo.captioning.union import united
from mrvideo.mapreduce import tree_reduce
from mrvideo.models.base import Request
from mrvideo.models.tokens import text_tokens
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Failure, Mention, Span
from mrvideo.schemas.captioning import (
    LinkCastInputs,
    LinkCastReply,
    PossibleCastInputs,
    PossibleCastReply,
    Stretch,
)

__all__ = ["Cast", "Member", "co_occurring"]

_PREPARED_PER_CALL = 2
"""Comparisons with their pictures, for each call that may be in flight."""

WORDS_FROM = 9
"""Mentions from which on the words are asked first: fewer are compared in one call of pictures anyway."""

_WORDS_SHARE = 2
"""At most one part in this many of what a model can read goes to everybody's descriptions; beyond, pictures
alone decide.
"""

Found = list[tuple[tuple[str, str], str]]
"""Pairs, (left key, right key), each with the side whose exemplar is better."""


def co_occurring(drafts: Iterable[SceneDraft]) -> frozenset[frozenset[str]]:
    """Pairs of mention ids that one scene shows together."""
    return frozenset(
        frozenset(f"{draft.shard_index}/{name}" for name in pair)
        for draft in drafts
        for pair in combinations(sorted(set(draft.appearing)), 2)
    )


class Cast:
    """One video's linking: holds what every comparison needs, and the failures it met."""

    def __init__(
        self,
        calls: Calls,
        exemplars: Exemplars,
        vetoes: frozenset[frozenset[str]],
        views: Views | None = None,
        same: Collection[tuple[str, str]] = (),
    ) -> None:
        """`vetoes` are pairs of mention ids that are not one, `same` such that are, by the pixels of one frame."""
        self._calls = calls
        self._exemplars = exemplars
        self._views = views or {}
        self._vetoes: dict[str, set[str]] = {}
        for pair in vetoes:
            one, other = sorted(pair)
            self._vetoes.setdefault(one, set()).add(other)
            self._vetoes.setdefault(other, set()).add(one)
        self._same: dict[str, set[str]] = {}
        for one, other in same:
            self._same.setdefault(one, set()).add(other)
            self._same.setdefault(other, set()).add(one)
        self._settled: set[str] = set()
        self._asked: dict[frozenset[Entry], bool] = {}
        self._failures: list[Failure] = []
        self._possible: dict[str, set[str]] | None = None
        # The pictures of a long video's comparisons would fill the memory if all that wait for their call had
        # theirs.
        self._turns = asyncio.Semaphore(_PREPARED_PER_CALL * calls.model.capabilities.concurrency)

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Comparisons that could not be made; their mentions stay apart. In order of time."""
        return tuple(sorted(self._failures, key=lambda f: (f.start_seconds, f.stop_seconds, f.reasons)))

    async def link(
        self,
        mentions: Sequence[Mention],
        speakers: Mapping[str, tuple[str, ...]],
        given: Sequence[Given] = (),
    ) -> tuple[Member, ...]:
        """The video's entities, by first appearance. `speakers` are the voices that go with a mention id."""
        shards: dict[tuple[int, str], list[Member]] = {}
        for mention in mentions:
            member = Member((mention,), mention, speakers.get(mention.mention_id, ()))
            shards.setdefault(shard_of(mention), []).append(member)
        if not shards:
            return ()
        sides = [sorted(shards[key], key=lambda m: m.first_seen) for key in sorted(shards)]
        if len(sides) > 1 and len(mentions) >= WORDS_FROM:
            self._possible = await self._by_words(sides)
        if given:
            sides = await together(self._recognise(given, side) for side in sides)
        members = await tree_reduce(sides, self._merge)
        return await reviewed(
            members,
            self._pairs,
            self._views,
            may_join=self._apart_ok,
            may_be=self._may_be,
            settled=self._settled,
        )

    async def _by_words(self, sides: Sequence[Sequence[Member]]) -> dict[str, set[str]] | None:
        """Mention id → those that it may be, from the descriptions alone; None where nobody could be asked."""
        members = [member for side in sides for member in side]
        ids = {member.best.mention_id: f"c{number}" for number, member in enumerate(members, start=1)}
        inputs = PossibleCastInputs(
            stretches=tuple(
                Stretch(
                    span=_hull(side),
                    cards=tuple(
                        entry_of(member, {}).card.model_copy(update={"card_id": ids[member.best.mention_id]})
                        for member in side
                    ),
                )
                for side in sides
            )
        )
        prompt = load_prompt("possible_cast")
        model = self._calls.model
        if (
            text_tokens(prompt.render(inputs).user, model.name)
            > model.capabilities.context_tokens // _WORDS_SHARE
        ):
            return None
        reply = await self._calls.ask(
            Request(
                prompt=prompt,
                inputs=inputs,
                reply_type=PossibleCastReply,
                stage="cast",
                span=_hull(members),
                max_output_tokens=8192,
            ),
            hides="names",
        )
        if isinstance(reply, Failure):
            # Nothing is lost by it but money: the pictures are compared without.
            return None
        mention_of = {card: mention for mention, card in ids.items()}
        possible: dict[str, set[str]] = {mention: set() for mention in ids}
        for group in reply.groups:
            for one, other in permutations({mention_of[card] for card in group.card_ids}, 2):
                possible[one].add(other)
        return possible

    def _may_be(self, one: Member, other: Member) -> bool:
        """Whether words and what was seen together leave it open that the two are one."""
        if self._possible is None or one.given is not None or other.given is not None:
            return self._apart_ok(one, other)
        ids = {mention.mention_id for mention in other.mentions}
        return self._apart_ok(one, other) and any(
            self._possible[mention.mention_id] & ids for mention in one.mentions
        )

    async def _pairs(
        self, left: Sequence[Entry], right: Sequence[Entry], span: Span
    ) -> list[tuple[str, str]] | None:
        alone = frozenset((*left, *right))
        if len(left) == len(right) == 1 and alone in self._asked:
            # With sides swapped it is the same question once more: two cards, the same pictures, nobody else.
            return [(left[0].key, right[0].key)] if self._asked[alone] else []
        found = await self._by_block(left, right, span)
        return None if None in found else [pair for pairs in found for pair, _ in pairs or ()]

    async def _recognise(self, given: Sequence[Given], side: list[Member]) -> list[Member]:
        """Linked first: which of a shard's mentions are people that the user named."""
        wanted: dict[int, int] = {}
        left = [given_entry(f"given/{number}", one) for number, one in enumerate(given)]
        right = [entry_of(member, self._views) for member in side]
        for pair, _ in await self._compare(left, right, _hull(side)):
            number = int(pair[0].removeprefix("given/"))
            at = next(place for place, member in enumerate(side) if member.first_seen[2] == pair[1])
            # Both orders are those of the lists, so that the first pair wins whichever came first.
            wanted[at] = min(number, wanted.get(at, number))
        found: dict[int, list[Member]] = {}
        for at in sorted(wanted):
            same = found.setdefault(wanted[at], [])
            if all(self._apart_ok(side[at], other) for other in same):
                same.append(side[at])
        known = [replace(_joined(same, {}), given=given[number]) for number, same in found.items()]
        named = {member.first_seen[2] for same in found.values() for member in same}
        rest = [member for member in side if member.first_seen[2] not in named]
        return sorted([*known, *rest], key=lambda member: member.first_seen)

    async def _merge(self, left: list[Member], right: list[Member]) -> list[Member]:
        members = {member.first_seen[2]: member for member in (*left, *right)}
        order = sorted(members, key=lambda key: members[key].first_seen)
        seen = [
            (one, other)
            for one in left
            for other in right
            # Eyes that confuse look-alikes do so in one frame sooner than in several: those are compared.
            if self._are_one(one, other)
            and not any(self._may_be(one, third) for third in right if third is not other)
            and not any(self._may_be(third, other) for third in left if third is not one)
        ]
        # Whoever is known by a frame that both sides were shown needs no comparison.
        lefts = [one for one in left if not any(one is pair[0] for pair in seen)]
        rights = [one for one in right if not any(one is pair[1] for pair in seen)]
        for one, other in seen:
            ids = {mention.mention_id for member in (one, other) for mention in member.mentions}
            self._settled |= {key for key in ids if not ids.isdisjoint(self._same.get(key, ()))}
        found = await self._compare(
            [
                entry_of(one, self._views)
                for one in lefts
                if any(self._may_be(one, other) for other in rights)
            ],
            [
                entry_of(one, self._views)
                for one in rights
                if any(self._may_be(other, one) for other in lefts)
            ],
            _hull([*left, *right]),
        )
        better = dict(found)
        named = [(one.first_seen[2], other.first_seen[2]) for one, other in seen] + [
            (one.first_seen[2], other.first_seen[2])
            for one in left
            for other in right
            if one.given is not None and one.given is other.given
        ]

        def may_join(one: list[str], other: list[str]) -> bool:
            return all(self._apart_ok(members[a], members[b]) for a in one for b in other)

        clusters = united(order, [*better, *named], may_join=may_join)
        return [_joined([members[key] for key in cluster], better) for cluster in clusters]

    def _are_one(self, one: Member, other: Member) -> bool:
        """Whether a frame shows that they are, and nothing forbids it."""
        ids = {mention.mention_id for mention in other.mentions}
        known = any(self._same.get(mention.mention_id, set()) & ids for mention in one.mentions)
        return known and self._apart_ok(one, other)

    def _apart_ok(self, one: Member, other: Member) -> bool:
        """Whether nothing forbids the two to be one."""
        if one.given is not None and other.given is not None and one.given is not other.given:
            return False
        ids = {mention.mention_id for mention in other.mentions}
        return all(not self._vetoes.get(mention.mention_id, set()) & ids for mention in one.mentions)

    async def _compare(self, left: Sequence[Entry], right: Sequence[Entry], span: Span) -> Found:
        """All pairs the model finds; those of a call that failed are missing."""
        return [pair for pairs in await self._by_block(left, right, span) for pair in pairs or ()]

    async def _by_block(
        self, left: Sequence[Entry], right: Sequence[Entry], span: Span
    ) -> list[Found | None]:
        if not left or not right:
            return []
        space = room(self._calls.model.capabilities)
        lefts, rights = blocks(left, right, space)
        return await together(self._ask(one, other, span) for one in lefts for other in rights)

    async def _ask(self, left: Sequence[Entry], right: Sequence[Entry], span: Span) -> Found | None:
        space = room(self._calls.model.capabilities)
        async with self._turns:
            labelled = [(f"L{number}", entry) for number, entry in enumerate(left, start=1)]
            labelled += [(f"R{number}", entry) for number, entry in enumerate(right, start=1)]
            cards = [entry.card.model_copy(update={"card_id": label}) for label, entry in labelled]
            request = Request(
                prompt=load_prompt("link_cast"),
                inputs=LinkCastInputs(left=tuple(cards[: len(left)]), right=tuple(cards[len(left) :])),
                reply_type=LinkCastReply,
                stage="cast",
                pictures=await pictures_of(labelled, self._exemplars, space),
                span=span,
            )
            reply = await self._calls.ask(request, hides="names")
        if isinstance(reply, Failure) and min(MOST_SHEETS, room(self._calls.model.capabilities)) < min(
            MOST_SHEETS, space
        ):
            # It was too large for what the server takes, as it has said since.
            parts = await self._by_block(left, right, span)
            return None if None in parts else [pair for pairs in parts for pair in pairs or ()]
        if isinstance(reply, Failure) and request.digest in self._calls.too_large and len(labelled) > 2:
            # Not for its pictures: each has a card of words, too.
            lefts, rights = _in_two(left, right)
            parts = await together(self._ask(one, other, span) for one in lefts for other in rights)
            return None if None in parts else [pair for pairs in parts for pair in pairs or ()]
        if isinstance(reply, Failure):
            self._failures.append(reply)
            return None
        if len(left) == len(right) == 1:
            self._asked[frozenset((*left, *right))] = bool(reply.pairs)
        keys = {label: entry.key for label, entry in labelled}
        return [((keys[pair.left_id], keys[pair.right_id]), pair.better) for pair in reply.pairs]


def _in_two(
    left: Sequence[Entry], right: Sequence[Entry]
) -> tuple[list[Sequence[Entry]], list[Sequence[Entry]]]:
    """Both sides, the longer one in halves."""
    middle = max(len(left), len(right)) // 2
    if len(left) >= len(right):
        return [left[:middle], left[middle:]], [right]
    return [left], [right[:middle], right[middle:]]


def _hull(members: Sequence[Member]) -> Span:
    mentions = [mention for member in members for mention in member.mentions]
    return Span(min(m.start_seconds for m in mentions), max(m.stop_seconds for m in mentions))


def _joined(members: Sequence[Member], better: Mapping[tuple[str, str], str]) -> Member:
    """One member of several. The exemplar that no comparison found worse survives, else the earliest."""
    keys = {member.first_seen[2]: member for member in members}
    lost = {
        pair[1] if side == "left" else pair[0]
        for pair, side in better.items()
        if pair[0] in keys and pair[1] in keys
    }
    best = next((member for member in members if member.first_seen[2] not in lost), members[0])
    mentions = sorted(
        (mention for member in members for mention in member.mentions),
        key=lambda m: (m.start_seconds, m.exemplar_seconds, m.mention_id),
    )
    return Member(
        mentions=tuple(mentions),
        best=best.best,
        speakers=tuple(dict.fromkeys(label for member in members for label in member.speakers)),
        given=next((member.given for member in members if member.given is not None), None),
    )
