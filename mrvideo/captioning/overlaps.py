"""Who is one over a shard's border, from the frames that both shards were shown: boxes that coincide.

shard 0   <person_a> |####|   |  |           one frame, two replies: person_a of 0 is person_c of 1
shard 1   <person_c> |#####|  |##| <person_d>      person_d of 1 is neither

No model is asked for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import NamedTuple

from mrvideo.captioning.shard_records import ShardRecords
from mrvideo.records import Box

SAME_SHARE = 0.5
"""Of what two boxes cover together, the part that both cover. Two who look at one individual agree by more, as detectors are
commonly judged; two individuals beside each other share less.
"""

APART_SHARE = 0.1
"""Below it two boxes hold two individuals: shoulders of neighbours overlap by as much."""

_TICK = 1e-6


class Known(NamedTuple):
    """Pairs of mention ids: those that are the same one, and those that are not."""

    same: frozenset[tuple[str, str]] = frozenset()
    apart: frozenset[frozenset[str]] = frozenset()


class _Seen(NamedTuple):
    """A mention in a shared frame."""

    mention_id: str
    is_person: bool
    box: Box


def known_of(records: Sequence[ShardRecords]) -> Known:
    """What the shared frames of neighbouring shards tell.

    A pair holds only where each of the two is the one that the other's box fits, in every frame that shows both;
    that two are apart, only where somebody else in that frame shows that both replies mean the same places.
    """
    same: set[tuple[str, str]] = set()
    apart: set[frozenset[str]] = set()
    for left, right in pairwise(sorted(records, key=lambda one: one.index)):
        pairs: set[tuple[str, str]] = set()
        others: set[frozenset[str]] = set()
        for ours, theirs in _frames(left, right):
            found = set(_matched(ours, theirs))
            pairs |= found
            cross = ((one, other) for one in ours for other in theirs) if found else ()
            beside = (pair for seen in (ours, theirs) for pair in combinations(seen, 2))
            others |= {
                frozenset((one.mention_id, other.mention_id))
                for one, other in (*cross, *beside)
                if _share(one.box, other.box) < APART_SHARE
            }
        for one, other in pairs:
            rivals = [pair for pair in pairs if (pair[0] == one) != (pair[1] == other)]
            if not rivals and frozenset((one, other)) not in others:
                same.add((one, other))
        apart |= others - {frozenset(pair) for pair in pairs}
    return Known(frozenset(same), frozenset(apart))


def _frames(left: ShardRecords, right: ShardRecords) -> Iterator[tuple[list[_Seen], list[_Seen]]]:
    """For each frame that both replies tell of, whom either sees there."""
    for time in sorted({one.seconds for one in left.shared}):
        ours, theirs = _at(left, time), _at(right, time)
        if ours and theirs:
            yield ours, theirs


def _at(shard: ShardRecords, seconds: float) -> list[_Seen]:
    """Those seen at a time; a name that is said to be at two places there is at neither."""
    kinds = {mention.name: mention.kind for mention in shard.mentions}
    here = [one for one in shard.shared if abs(one.seconds - seconds) < _TICK and one.name in kinds]
    return [
        _Seen(f"{shard.index}/{one.name}", kinds[one.name] == "person", one.box)
        for one in here
        if one.box is not None and sum(other.name == one.name for other in here) == 1
    ]


def _matched(ours: Sequence[_Seen], theirs: Sequence[_Seen]) -> Iterator[tuple[str, str]]:
    """Pairs whose boxes coincide, and with nobody else's."""
    for one in ours:
        for other in theirs:
            if _share(one.box, other.box) < SAME_SHARE or one.is_person != other.is_person:
                continue
            rivals = [_share(one.box, third.box) for third in theirs if third is not other]
            rivals += [_share(third.box, other.box) for third in ours if third is not one]
            if max(rivals, default=0.0) < SAME_SHARE:
                yield one.mention_id, other.mention_id


def _share(one: Box, other: Box) -> float:
    both = one.intersection(other)
    if both is None:
        return 0.0
    shared = both.width * both.height
    return shared / (one.width * one.height + other.width * other.height - shared)
