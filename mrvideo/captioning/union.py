"""Who is one with whom: pairs joined under vetoes, the same whatever order the pairs came in."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

K = TypeVar("K", bound=Hashable)


def united(
    items: Sequence[K], pairs: Iterable[tuple[K, K]], *, may_join: Callable[[list[K], list[K]], bool]
) -> tuple[tuple[K, ...], ...]:
    """Clusters of the items, in the items' order.

    Pairs are taken in the order of their items, not in that of their arrival, and one that would bring
    together what `may_join` (asked with all members of both clusters) forbids is dropped.
    """
    place = {item: number for number, item in enumerate(items)}
    clusters: dict[K, list[K]] = {item: [item] for item in items}
    ordered = sorted({(min(place[a], place[b]), max(place[a], place[b])) for a, b in pairs if a != b})
    for low, high in ordered:
        left, right = clusters[items[low]], clusters[items[high]]
        if left is right or not may_join(left, right):
            continue
        left.extend(right)
        for item in right:
            clusters[item] = left
    seen: set[int] = set()
    found: list[tuple[K, ...]] = []
    for item in items:
        cluster = clusters[item]
        if id(cluster) not in seen:
            seen.add(id(cluster))
            found.append(tuple(sorted(cluster, key=lambda member: place[member])))
    return tuple(found)
