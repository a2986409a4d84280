"""Where chapters begin: at the scene that differs most from what was before, 8 to 16 scenes after the last
border.

    scenes    |....................|....................
    started   s       s+8     s+16
    border            [--------] the greatest change of people, words and shots; what lies beyond s+20 has no say

So that scenes which are added at the end move no border but the last ones.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

FEWEST, MOST = 8, 16
"""Children of a node. The last of a level may have fewer."""

_WINDOW = 4
"""So many neighbours on each side are compared."""

_CUT_BONUS, _PAUSE_BONUS = 0.15, 0.2
_PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class Unit:
    """What is put together: a scene or a node; its people, its words, and how it is set off from the one
    before.
    """

    names: frozenset[str]
    words: Mapping[str, int]
    set_off: float = 0.0


def borders(units: Sequence[Unit]) -> list[range]:
    """The units in groups of `FEWEST` to `MOST`, in order; all together where they are no more than `MOST`."""
    groups: list[range] = []
    start = 0
    while len(units) - start > MOST:
        last = min(start + MOST, len(units) - 1)
        places = range(start + FEWEST, last + 1)
        border = max(places, key=lambda place: (change(units, place, start), -place))
        groups.append(range(start, border))
        start = border
    if start < len(units):
        groups.append(range(start, len(units)))
    return groups


def change(units: Sequence[Unit], place: int, start: int) -> float:
    """How much is new from this unit on, beside those since `start`: 0 nothing; other people, other words and
    a set-off add up.
    """
    before = units[max(start, place - _WINDOW) : place]
    behind = units[place : place + _WINDOW]
    names = _distance(
        Counter(n for u in before for n in u.names), Counter(n for u in behind for n in u.names)
    )
    words = _distance(_sum(before), _sum(behind))
    return names + words + units[place].set_off


def set_off(gap_seconds: float | None, *, cut: bool) -> float:
    """What speaks for a border apart from what is shown: a camera cut, and a pause between what is said."""
    paused = gap_seconds is not None and gap_seconds >= _PAUSE_SECONDS
    return _CUT_BONUS * cut + _PAUSE_BONUS * paused


def words_of(texts: Collection[str], stop: Collection[str]) -> Mapping[str, int]:
    """How often each word stands in the texts; those that say nothing of a topic are left out."""
    return Counter(
        word
        for text in texts
        for word in (part.strip(".,;:!?\"'()[]<>").casefold() for part in text.split())
        if len(word) > 2 and word not in stop
    )


def _sum(units: Sequence[Unit]) -> Counter[str]:
    total: Counter[str] = Counter()
    for unit in units:
        total.update(unit.words)
    return total


def _distance(first: Mapping[str, int], second: Mapping[str, int]) -> float:
    """1 less the cosine of two counts; nothing beside nothing is the same."""
    if not first and not second:
        return 0.0
    shared = sum(count * second.get(word, 0) for word, count in first.items())
    norms = math.sqrt(sum(c * c for c in first.values()) * sum(c * c for c in second.values()))
    return 1.0 - shared / norms if norms else 1.0
