"""Scores against what people found important: rank correlations, and overlap of short summaries."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mrvideo.evals.items import Outcome

Values: TypeAlias = NDArray[Any]
"""One number for each frame, or 0 and 1."""

BUDGET = 0.15
"""The share of a video that a summary may last."""

_ROWS = 512


def frame_scores(outcome: Outcome, times: Sequence[float]) -> Values:
    """The score of the span that holds each time, 0 where none does. The spans are in order and part from each
    other.
    """
    starts = [span.start_seconds for span in outcome.spans]
    scores = np.zeros(len(times))
    for place, time in enumerate(times):
        at = bisect_right(starts, time) - 1
        if at >= 0 and outcome.spans[at].contains(time):
            scores[place] = outcome.scores[at]
    return scores


def kendall(one: Values, other: Values) -> float:
    """Kendall's τ-b; 0 where either side is of one value only."""
    agreed = ours = theirs = 0.0
    for first in range(0, len(one), _ROWS):
        a = np.sign(one[first : first + _ROWS, None] - one[None, :]).astype(np.float32)
        b = np.sign(other[first : first + _ROWS, None] - other[None, :]).astype(np.float32)
        agreed += float((a * b).sum(dtype=np.float64))
        ours += float(np.abs(a).sum(dtype=np.float64))
        theirs += float(np.abs(b).sum(dtype=np.float64))
    return agreed / math.sqrt(ours * theirs) if ours and theirs else 0.0


def spearman(one: Values, other: Values) -> float:
    """Spearman's ρ, equal values sharing their mean rank; 0 where either side is of one value only."""
    a, b = _ranks(one), _ranks(other)
    a, b = a - a.mean(), b - b.mean()
    spread = math.sqrt(float((a * a).sum()) * float((b * b).sum()))
    return float((a * b).sum()) / spread if spread else 0.0


def _ranks(values: Values) -> Values:
    ordered = np.sort(values)
    # The mean of the first and the last rank that a value takes, counted from 1.
    first = np.searchsorted(ordered, values, side="left") + 1
    last = np.searchsorted(ordered, values, side="right")
    return (first + last) / 2


def f_score(chosen: Values, wanted: Values) -> float:
    """The harmonic mean of precision and recall of two masks; 0 where they share nothing."""
    ours, theirs = chosen > 0, wanted > 0
    shared = int((ours & theirs).sum())
    total = int(ours.sum()) + int(theirs.sum())
    return 2 * shared / total if shared else 0.0


def top_frames(scores: Values) -> Values:
    """VideoXum's choice: every frame that scores no less than the one at place int(15 % of all), best first.

    Frames of that score all come in, so that a coarse score chooses more than 15 %.
    """
    least = np.sort(scores)[::-1][int(len(scores) * BUDGET)]
    return scores >= least


def chosen_shots(scores: Values, shots: Sequence[tuple[int, int]]) -> Values:
    """The frames of those shots, `(first, last)`, whose mean scores sum up highest within 15 % of the video."""
    frames = shots[-1][1] + 1
    lengths = [last - first + 1 for first, last in shots]
    values = [float(scores[first : last + 1].mean()) for first, last in shots]
    chosen = np.zeros(frames, dtype=bool)
    for shot in _packed(values, lengths, int(frames * BUDGET)):
        first, last = shots[shot]
        chosen[first : last + 1] = True
    return chosen


def _packed(values: Sequence[float], lengths: Sequence[int], room: int) -> list[int]:
    """The 0/1 knapsack: places of highest value together within `room`; none of value 0."""
    best = np.zeros((len(values) + 1, room + 1))
    for place, (value, length) in enumerate(zip(values, lengths, strict=True), start=1):
        best[place] = best[place - 1]
        if length <= room:
            with_it = best[place - 1, : room + 1 - length] + value
            best[place, length:] = np.maximum(best[place - 1, length:], with_it)
    kept: list[int] = []
    for place in range(len(values), 0, -1):
        if best[place, room] != best[place - 1, room]:
            kept.append(place - 1)
            room -= lengths[place - 1]
    return kept[::-1]
