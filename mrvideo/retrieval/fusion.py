"""Rankings of several sources met on time. Ranks are compared, never scores: a cosine says nothing of a BM25.

    caption  1st |=======|            3rd |======|
    speech        2nd |==|      1st |==|
    picture      1st |=|
             ^ three sources meet: leads

A place is worth the sum of 1 / (60 + rank) over the sources that rank anything near it. A source without
anything near adds nothing, so one that a video lacks costs no moment its place before the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from mrvideo.records import MomentSource, Span

RANK_OFFSET = 60
"""As in reciprocal rank fusion: how little the first place is ahead of the second."""

MEETING_SECONDS = 4.0
"""So far apart sources still speak of one moment: speech runs ahead of what it speaks of, or behind."""

_SEEN: tuple[MomentSource, ...] = ("picture", "caption", "text")
"""Sources of what is to be seen, the closest in time first: these say where a moment begins and ends, where
there is one.
"""


_CUT: tuple[MomentSource, ...] = (*_SEEN, "meaning")
"""Sources whose spans are cut by those of what is seen: a caption that is found by its meaning is as long as
one that is found by its words.
"""


@dataclass(frozen=True)
class Ranked:
    """A span that a source ranks, 1 for its best; equal ones share a rank. `video` tells spans of several
    videos apart.
    """

    source: MomentSource
    video: str
    span: Span
    rank: int
    place: int = field(default=0, compare=False)
    """Which of the source's passages it is."""


@dataclass(frozen=True)
class Meeting:
    """What sources say of one moment: its tight span, its worth, and the best of each source, best first."""

    video: str
    span: Span
    score: float
    members: tuple[Ranked, ...]


def shared_ranks(scores: Sequence[float]) -> list[int]:
    """The rank of each of some scores, which fall; equal scores share the first of their ranks: `[9, 5, 5,
    1]` → `[1, 2, 2, 4]`.
    """
    ranks: list[int] = []
    for place, score in enumerate(scores):
        ranks.append(ranks[-1] if place and score == scores[place - 1] else place + 1)
    return ranks


def fuse(rankings: Iterable[Sequence[Ranked]], *, most: int) -> list[Meeting]:
    """The moments that sources agree on most, best first; none shares time with a better one.

    The order of the rankings, and rankings without anything, change nothing.
    """
    everything = sorted({one for ranking in rankings for one in ranking}, key=_order)
    by_video: Mapping[str, list[Ranked]] = _grouped(everything)
    meetings = [meeting for own in by_video.values() for meeting in _meetings(own)]
    meetings.sort(key=lambda m: (-m.score, m.video, m.span.start_seconds, m.span.stop_seconds))
    kept: list[Meeting] = []
    taken: dict[str, list[Span]] = defaultdict(list)
    for meeting in meetings:
        if len(kept) == most:
            break
        if not any(meeting.span.overlaps(span) for span in taken[meeting.video]):
            kept.append(meeting)
            taken[meeting.video].append(meeting.span)
    return kept


def _order(one: Ranked) -> tuple[str, float, float, str, int]:
    return one.video, one.span.start_seconds, one.span.stop_seconds, one.source, one.rank


def _grouped(ranked: Iterable[Ranked]) -> dict[str, list[Ranked]]:
    by_video: dict[str, list[Ranked]] = defaultdict(list)
    for one in ranked:
        by_video[one.video].append(one)
    return by_video


def _meetings(ranked: Sequence[Ranked]) -> list[Meeting]:
    """One per span that any source ranks: it and what is near. `ranked` is in order of time."""
    longest = max((one.span.duration_seconds for one in ranked), default=0.0)
    found: list[Meeting] = []
    first = 0
    for seed in ranked:
        window = seed.span.padded(MEETING_SECONDS)
        while ranked[first].span.start_seconds < window.start_seconds - longest - MEETING_SECONDS:
            first += 1
        near: dict[MomentSource, Ranked] = {seed.source: seed}
        for other in ranked[first:]:
            if other.span.start_seconds >= window.stop_seconds:
                break
            if other.source != seed.source and other.span.overlaps(window):
                near[other.source] = min(
                    near.get(other.source, other), other, key=lambda one: (one.rank, *_order(one))
                )
        members = sorted(near.values(), key=lambda one: (one.rank, one.source))
        # Summed in an order of its own, so that equal moments have equal scores to the last bit.
        score = sum(sorted(1 / (RANK_OFFSET + one.rank) for one in members))
        found.append(Meeting(seed.video, _tight(seed, members), score, tuple(members)))
    return found


def _tight(seed: Ranked, members: Sequence[Ranked]) -> Span:
    """The seed's span, cut to what the other sources of what is seen share with it; speech beside a picture,
    and what a text means, cut nothing.
    """
    span = seed.span
    for source in _SEEN:
        for other in members:
            shared = other.span.intersection(span) if other.source == source else None
            if shared is not None and shared.duration_seconds > 0 and seed.source in _CUT:
                span = shared
    return span
