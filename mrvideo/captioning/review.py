"""Casts put right: every stretch's mentions compared once more, with the whole cast, and what two opinions deny is undone.

tree      {a0 a1 b2 a3}  {b0 b1}           b2 was taken for a1
review    b2 | the others  → is b0         its own frames against each entity as it is without this stretch
again     b2 | the others  → is b0         a second opinion, for those only that differ from the tree
          {a0 a1 a3}     {b0 b1 b2}
last      who was set apart is looked for once more in the cast as it is now
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence

from mrvideo.captioning.calls import together
from mrvideo.captioning.cards import Entry, Member, Views, entry_of
from mrvideo.records import Mention, Span

Compare = Callable[[Sequence[Entry], Sequence[Entry], Span], Awaitable["Sequence[tuple[str, str]] | None"]]
"""Left and right cards to pairs of their keys; None when a call failed, which is no opinion."""

MayJoin = Callable[[Member, Member], bool]

Opinions = dict[str, "str | None"]
"""Mention id → the mention whose exemplar stood for whom it is, or None: nobody's."""


async def reviewed(
    members: Sequence[Member], compare: Compare, views: Views, *, may_join: MayJoin
) -> tuple[Member, ...]:
    """The members after the review. A cast of one stretch has nothing to be compared with.

    Whom the user named stays who they are. The outcome does not depend on which reply came first.
    """
    cast = sorted(members, key=lambda member: member.first_seen)
    first = await _all_opinions(cast, compare, views, None)
    home = {mention.mention_id: member for member in cast for mention in member.mentions}
    doubted = {key: chosen for key, chosen in first.items() if _differs(chosen, home[key], home)}
    second = await _all_opinions(cast, compare, views, doubted)
    moves = {key: chosen for key, chosen in second.items() if doubted[key] == chosen}
    cast = _moved(cast, moves, may_join)
    alone = {member.mentions[0].mention_id for member in cast if len(member.mentions) == 1}
    apart = [key for key, chosen in moves.items() if chosen is None and key in alone]
    found = await _all_opinions(cast, compare, views, apart)
    return tuple(_moved(cast, {key: chosen for key, chosen in found.items() if chosen}, may_join))


def _differs(chosen: str | None, own: Member, home: Mapping[str, Member]) -> bool:
    if own.given is not None:
        return False
    if chosen is None:
        return len({one.shard_index for one in own.mentions}) > 1
    return home[chosen] is not own


async def _all_opinions(
    cast: Sequence[Member], compare: Compare, views: Views, only: Collection[str] | None
) -> Opinions:
    shards: dict[int, list[Mention]] = {}
    for member in cast:
        for mention in member.mentions:
            if only is None or mention.mention_id in only:
                shards.setdefault(mention.shard_index, []).append(mention)
    # Made once: a long video has many stretches, and few of the cast are in each.
    whole = [(m, frozenset(one.shard_index for one in m.mentions), entry_of(m, views)) for m in cast]
    found = await together(_opinions(shards[shard], whole, compare, views) for shard in sorted(shards))
    return {key: chosen for opinions in found for key, chosen in opinions.items()}


async def _opinions(
    own: Sequence[Mention],
    cast: Sequence[tuple[Member, frozenset[int], Entry]],
    compare: Compare,
    views: Views,
) -> Opinions:
    """Of mentions of one stretch. Empty where there is nothing to compare them with, or the comparison failed."""
    right: list[Entry] = []
    best: dict[str, str] = {}
    for member, shards, entry in cast:
        rest = _without(member, own[0].shard_index) if own[0].shard_index in shards else member
        if rest is not None:
            right.append(entry if rest is member else entry_of(rest, views))
            best[right[-1].key] = rest.best.mention_id
    if not right:
        return {}
    left = [entry_of(Member((mention,), mention), views) for mention in own]
    hull = Span(min(m.start_seconds for m in own), max(m.stop_seconds for m in own))
    pairs = await compare(left, right, hull)
    if pairs is None:
        return {}
    found: Opinions = {mention.mention_id: None for mention in own}
    for mine, theirs in sorted(pairs):
        found[mine] = found[mine] or best[theirs]
    return found


def _without(member: Member, shard: int) -> Member | None:
    mentions = tuple(m for m in member.mentions if m.shard_index != shard)
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
    """The group as a member, with the exemplar, voices and given name of those of the cast whose exemplar it holds."""
    ordered = sorted(group, key=lambda m: (m.start_seconds, m.exemplar_seconds, m.mention_id))
    olds = [member for member in cast if member.best in ordered]
    return Member(
        mentions=tuple(ordered),
        best=olds[0].best if olds else ordered[0],
        speakers=tuple(dict.fromkeys(label for member in olds for label in member.speakers)),
        given=next((member.given for member in olds if member.given is not None), None),
    )
