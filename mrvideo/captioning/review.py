"""Casts put right: what the tree claimed is asked the other way round, and what two opinions deny is undone.

tree      {a0 a1 b2 a3}  {b0 b1}           b2 was taken for a1
review    b2 | the others  → is b0         each shard but the first, if any of it was claimed: its own pictures against each
                                           entity as it is without this shard
again     b2 | the others  → is b0         a second opinion, for those only that differ from the tree
          {a0 a1 a3}     {b0 b1 b2}
last      who was set apart, or left alone by that, is looked for once more in the cast as it is now
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence, Set
from typing import NamedTuple

from mrvideo.captioning.calls import together
from mrvideo.captioning.cards import Entry, Member, Views, entry_of
from mrvideo.records import Mention, Span

Compare = Callable[[Sequence[Entry], Sequence[Entry], Span], Awaitable["Sequence[tuple[str, str]] | None"]]
"""Left and right cards to pairs of their keys; None when a call failed, which is no opinion."""

MayJoin = Callable[[Member, Member], bool]

MayBe = Callable[[Member, Member], bool]
"""Whether two may be one as far as words tell: others are not compared."""

Opinions = dict[str, "str | None"]
"""Mention id → the mention whose exemplar stood for whom it is, or None: nobody's."""


def shard_of(mention: Mention) -> tuple[int, str]:
    """What a mention was told apart in: its shard; one that was found late was told apart from nobody there."""
    return (mention.shard_index, mention.name if mention.late else "")


async def reviewed(
    members: Sequence[Member],
    compare: Compare,
    views: Views,
    *,
    may_join: MayJoin,
    may_be: MayBe,
    settled: Set[str] = frozenset(),
) -> tuple[Member, ...]:
    """The members after the review. Where nothing was claimed, nothing is asked; nor of `settled` mentions, which a
    frame that two shards were shown put where they are.

    Whom the user named stays who they are. The outcome does not depend on which reply came first.
    """
    cast = sorted(members, key=lambda member: member.first_seen)
    ask = _Ask(compare, views, may_be)
    first = await _all_opinions(cast, ask, _claimed(cast) - settled)
    home = {mention.mention_id: member for member in cast for mention in member.mentions}
    doubted = {key: chosen for key, chosen in first.items() if _differs(chosen, home[key], home)}
    second = await _all_opinions(cast, ask, doubted)
    moves = {key: chosen for key, chosen in second.items() if doubted[key] == chosen}
    cast = _moved(cast, moves, may_join)
    alone = {member.mentions[0].mention_id for member in cast if len(member.mentions) == 1}
    left = {one.mention_id for key in moves for one in home[key].mentions}
    found = await _all_opinions(cast, ask, alone & left)
    return tuple(_moved(cast, {key: chosen for key, chosen in found.items() if chosen}, may_join))


class _Ask(NamedTuple):
    """How two sides are compared."""

    compare: Compare
    views: Views
    may_be: MayBe


def _claimed(cast: Sequence[Member]) -> set[str]:
    """The mentions of every shard of which any was claimed to be somebody of another; not those of the
    first one: whatever was claimed of them is asked from the other side.
    """
    shards: dict[tuple[int, str], set[str]] = {}
    claimed: set[tuple[int, str]] = set()
    for member in cast:
        own = {shard_of(mention) for mention in member.mentions}
        for mention in member.mentions:
            shards.setdefault(shard_of(mention), set()).add(mention.mention_id)
        if len(own) > 1:
            claimed |= own
    rest = sorted(shards)[1:]
    return {key for shard in rest if shard in claimed for key in shards[shard]}


def _differs(chosen: str | None, own: Member, home: Mapping[str, Member]) -> bool:
    if own.given is not None:
        return False
    if chosen is None:
        return len({shard_of(one) for one in own.mentions}) > 1
    return home[chosen] is not own


async def _all_opinions(cast: Sequence[Member], ask: _Ask, only: Collection[str]) -> Opinions:
    shards: dict[tuple[int, str], list[Mention]] = {}
    for member in cast:
        for mention in member.mentions:
            if mention.mention_id in only:
                shards.setdefault(shard_of(mention), []).append(mention)
    # Made once: a long video has many shards, and few of the cast are in each.
    whole = [
        (member, frozenset(shard_of(one) for one in member.mentions), entry_of(member, ask.views))
        for member in cast
    ]
    found = await together(_opinions(shards[key], whole, ask) for key in sorted(shards))
    return {key: chosen for opinions in found for key, chosen in opinions.items()}


async def _opinions(
    own: Sequence[Mention], cast: Sequence[tuple[Member, frozenset[tuple[int, str]], Entry]], ask: _Ask
) -> Opinions:
    """Of mentions of one shard. Empty where there is nothing to compare them with, or the comparison
    failed.
    """
    shard = shard_of(own[0])
    mine = [Member((mention,), mention) for mention in own]
    right: list[Entry] = []
    best: dict[str, str] = {}
    compared: set[str] = set()
    for member, shards, entry in cast:
        rest = _without(member, shard) if shard in shards else member
        alike = [] if rest is None else [one.best.mention_id for one in mine if ask.may_be(one, rest)]
        if rest is not None and alike:
            compared.update(alike)
            right.append(entry if rest is member else entry_of(rest, ask.views))
            best[right[-1].key] = rest.best.mention_id
    left = [entry_of(one, ask.views) for one in mine if one.best.mention_id in compared]
    if not left:
        return {}
    hull = Span(min(m.start_seconds for m in own), max(m.stop_seconds for m in own))
    pairs = await ask.compare(left, right, hull)
    if pairs is None:
        return {}
    found: Opinions = dict.fromkeys(entry.key for entry in left)
    for one, other in sorted(pairs):
        found[one] = found[one] or best[other]
    return found


def _without(member: Member, shard: tuple[int, str]) -> Member | None:
    mentions = tuple(m for m in member.mentions if shard_of(m) != shard)
    if not mentions:
        return None
    best = member.best if member.best in mentions else mentions[0]
    return Member(mentions, best, member.speakers, member.given)


def _moved(cast: Sequence[Member], moves: Mapping[str, str | None], may_join: MayJoin) -> list[Member]:
    """Members after the moves, taken in order of appearance; a move that a veto forbids is not made."""
    groups = [list(member.mentions) for member in cast]
    mentions = {m.mention_id: m for group in groups for m in group}
    given = {m.mention_id: member.given for member in cast for m in member.mentions if member.given}
    for key in sorted(moves, key=lambda k: (mentions[k].start_seconds, k)):
        chosen, mention = moves[key], mentions[key]
        home = next(group for group in groups if mention in group)
        target: list[Mention] = []
        if chosen is not None:
            target = next(group for group in groups if mentions[chosen] in group)
            named = next((given[m.mention_id] for m in target if m.mention_id in given), None)
            joined = Member(tuple(target), target[0], given=named)
            if target is home or not may_join(Member((mention,), mention), joined):
                continue
        home.remove(mention)
        target.append(mention)
        groups = [group for group in (*groups, target) if group]
        groups = [group for n, group in enumerate(groups) if not any(group is g for g in groups[:n])]
    return sorted((_member(group, cast) for group in groups), key=lambda member: member.first_seen)


def _member(group: Sequence[Mention], cast: Sequence[Member]) -> Member:
    """The group as a member, with the exemplar, voices and given name of those of the cast whose exemplar it
    holds.
    """
    ordered = sorted(group, key=lambda m: (m.start_seconds, m.exemplar_seconds, m.mention_id))
    olds = [member for member in cast if member.best in ordered]
    return Member(
        mentions=tuple(ordered),
        best=olds[0].best if olds else ordered[0],
        speakers=tuple(dict.fromkeys(label for member in olds for label in member.speakers)),
        given=next((member.given for member in olds if member.given is not None), None),
    )
