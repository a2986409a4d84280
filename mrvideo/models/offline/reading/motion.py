"""How much moves, and whether two pictures show the same event."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from mrvideo.models.offline.reading.pictures import Picture, changed_share

Motion = Literal["still", "a little motion", "motion"]

SAME_EVENT_SHARE = 0.6
"""Up to this share of changed blocks two frames half a second apart belong together."""


def motion_of(pictures: Sequence[Picture]) -> Motion:
    """Of consecutive frames, by the median share of blocks that change from one to the next."""
    shares = sorted(changed_share(a, b) for a, b in pairwise(pictures))
    if not shares:
        return "still"
    middle = shares[len(shares) // 2]
    return "still" if middle < 0.004 else "a little motion" if middle < 0.15 else "motion"


def same_event(before: Picture, after: Picture) -> bool:
    """Whether two neighbouring frames look like one continuous event."""
    return changed_share(before, after) <= SAME_EVENT_SHARE
