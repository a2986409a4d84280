"""Which frames of a span tell most: those between which something changes, and of a shot a sharp one.

candidates   . . . . . . . . . . . . . . . .     some for each frame that is wanted
change       ________/‾‾‾‾\\____________/‾\\__
chosen       ^      ^ ^ ^ ^      ^      ^ ^ ^     as much change between two of them as between the next two,
                                                  and no long span without one
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from anyio import to_thread
from numpy.typing import NDArray

from mrvideo.agents.ask.pixels import SHORT_ACT_FRAMES_PER_SECOND, Bin, Fetched, even_bins, fetch
from mrvideo.agents.ask.state import Context
from mrvideo.media.images import small_grey
from mrvideo.models.base import Model, nearest_pick
from mrvideo.records import Frame, Span
from mrvideo.schemas.analysis import Density

_TIMES = 4
_MOST = 96
"""So many candidates for each frame that is wanted, and for one call."""

_EVEN_SHARE = 0.4
"""This share of the frames is spread evenly: what changes slowly is not passed over."""

_NOISE_LEVEL = 4.0
"""A cell whose mean grey differs by less has not changed: compression, grain."""

_STILL_LEVEL = 0.02
"""Mean change between two candidates, in levels beyond noise, below which a span is as good as still."""

_TIMES_SHARPER = 1.15
"""Another frame of a span is taken where its JPEG is so much larger: at one quality, it has more detail."""

_NEAR = (0.3, 0.7)
"""Where in its bin another frame is tried."""

_EQUAL_LEVEL = 0.1
_EQUAL_CELL = 15.0
"""Two frames show the same below this mean, and this greatest, change of a cell."""

_NEAR_SECONDS, _NEAR_LEVEL = 0.25, 0.5
"""Frames so close to each other show the same below this mean change."""

_LASTS_SECONDS = 2.0
"""That nothing changes for longer than this is shown by two frames."""

_Cells = NDArray[np.float32]
Picks: TypeAlias = frozenset[tuple[float, ...]]


async def fetch_as(
    context: Context,
    look: Density,
    bins: Sequence[Bin],
    *,
    phase: float,
    model: Model | None = None,
    apart: bool = False,
) -> Fetched:
    """The frames that show best what the bins of such a look stand for, as `model` is to see them, none twice
    where nothing has changed. `apart` as in `fetch_telling`. Raises `VideoChanged`.
    """
    picks = (model or context.vision).capabilities.picks
    if look == "dense":
        return await fetch_telling(context, bins, phase=phase, picks=picks, apart=apart)
    if look == "glance":
        return await fetch_sharp(context, bins, picks=picks)
    fetched = await fetch(context, bins)
    return fetched if look == "text" else await _unequal(context, fetched, picks)


async def fetch_telling(
    context: Context, bins: Sequence[Bin], *, phase: float, picks: Picks = frozenset(), apart: bool = False
) -> Fetched:
    """As many frames as there are bins, of the same spans, chosen by what changes between them. The frame of
    a bin without a length stays. `apart`: each span gets as many as it has bins, however much changes in another.

    What cannot be decoded is told by the span that a candidate stands for. Raises `VideoChanged`.
    """
    loose = [b for b in bins if b.span.duration_seconds > 0]
    each = min(_TIMES, _MOST // max(len(loose), 1))
    fine = [part for bin_ in loose for part in _candidates(bin_, each, phase)]
    if len(fine) <= len(loose):
        return await fetch(context, bins)
    sent = context.sent.before
    unsent = [c for c in fine if round(c.time_seconds, 2) not in sent]
    fresh = [c.of for c in unsent]
    fixed = [b for b in bins if b.span.duration_seconds == 0]
    candidates = await fetch(context, [*fixed, *unsent, *(c for c in fine if c.of not in fresh)])
    chosen = await to_thread.run_sync(_telling, candidates, fixed, loose, apart, limiter=context.decoding)
    told = await to_thread.run_sync(_without_equal, candidates, chosen, limiter=context.decoding)
    fetched = _only(candidates, _as_picked(candidates, told, picks))
    context.sent.now |= {round(time, 2) for _, times in fetched.shown for time in times}
    return fetched


async def fetch_sharp(context: Context, bins: Sequence[Bin], *, picks: Picks = frozenset()) -> Fetched:
    """The frame of each bin; another one of its span where that is much sharper. Raises `VideoChanged`."""
    tried = [
        replace(bin_, time_seconds=bin_.span.start_seconds + share * bin_.span.duration_seconds)
        for bin_ in bins
        if bin_.span.duration_seconds > 0
        for share in _NEAR
    ]
    fetched = await fetch(context, [*bins, *tried])
    chosen: set[tuple[Span, float]] = set()
    lost: list[Bin] = []
    for bin_ in bins:
        low, high = bin_.span.start_seconds, bin_.span.stop_seconds
        # A frame that came on screen before the span still stands there, under the span's start.
        own = [f for f in _shown(fetched, bin_.of) if low - 1e-3 <= f.time_seconds <= high + 1e-3]
        if not own:
            lost.append(bin_)
            continue
        usual = min(own, key=lambda f: abs(f.time_seconds - bin_.time_seconds))
        sharp = max(own, key=lambda f: len(f.jpeg))
        better = len(sharp.jpeg) >= _TIMES_SHARPER * len(usual.jpeg)
        chosen.add((bin_.of, (sharp if better else usual).time_seconds))
    told = await to_thread.run_sync(_without_equal, fetched, chosen, limiter=context.decoding)
    chosen = _as_picked(fetched, told, picks)
    context.sent.now |= {round(time, 2) for _, time in chosen}
    unseen = tuple(u for u in fetched.unseen if any(b.span.overlaps(u.span) for b in lost))
    return replace(_only(fetched, chosen), unseen=unseen)


async def _unequal(context: Context, fetched: Fetched, picks: Picks) -> Fetched:
    every = {(of, time) for of, times in fetched.shown for time in times}
    told = await to_thread.run_sync(_without_equal, fetched, every, limiter=context.decoding)
    return _only(fetched, _as_picked(fetched, told, picks))


def _without_equal(fetched: Fetched, chosen: set[tuple[Span, float]]) -> set[tuple[Span, float]]:
    """The chosen frames without those that show what the one before shows; of what stays the same for long, the
    last too. Each span keeps one.
    """
    frames = {frame.time_seconds: frame for frame in fetched.frames}
    ordered = sorted(chosen, key=lambda one: (one[1], one[0].start_seconds))
    left = Counter(of for of, _ in ordered)
    kept: list[tuple[Span, float]] = []
    same: list[tuple[Span, float]] = []
    for place, one in enumerate(ordered):
        last = kept[-1] if kept else None
        if last is None or not _equal(frames[last[1]], frames[one[1]]):
            kept.append(one)
            continue
        goes_on = place + 1 < len(ordered) and _equal(frames[last[1]], frames[ordered[place + 1][1]])
        lasts = not goes_on and one[1] - last[1] > _LASTS_SECONDS
        if left[one[0]] == 1 or lasts:
            same.append(one)
        else:
            left[one[0]] -= 1
    return {*kept, *same}


def _equal(left: Frame, right: Frame) -> bool:
    first, second = _cells(left), _cells(right)
    if first.shape != second.shape:
        return False
    change = _change(first, second)
    if right.time_seconds - left.time_seconds <= _NEAR_SECONDS and change < _NEAR_LEVEL:
        return True
    gaps: _Cells = second - first
    greatest = float(np.abs(gaps - np.median(gaps)).max())
    return change < _EQUAL_LEVEL and greatest < _EQUAL_CELL


def _candidates(bin_: Bin, count: int, phase: float) -> list[Bin]:
    closest = math.floor(bin_.span.duration_seconds * SHORT_ACT_FRAMES_PER_SECOND)
    return even_bins(bin_.span, bin_.of, max(min(count, closest), 1), phase)


def _as_picked(fetched: Fetched, chosen: set[tuple[Span, float]], picks: Picks) -> set[tuple[Span, float]]:
    """The chosen frames, or those of a recorded request that are nearly the same of these candidates."""
    there = {round(time, 2): (of, time) for of, times in fetched.shown for time in times}
    pick = nearest_pick(picks, {round(time, 2) for _, time in chosen}, there)
    return chosen if pick is None else {there[time] for time in pick}


def _telling(
    fetched: Fetched, fixed: Sequence[Bin], loose: Sequence[Bin], apart: bool
) -> set[tuple[Span, float]]:
    """Of the frames, one for each bin."""
    bins = Counter(b.of for b in loose)
    spans = list(bins)
    own = {span: _shown(fetched, span) for span in spans}
    changes = {span: _changes(own[span]) for span in spans}
    counts = (
        {span: min(bins[span], len(own[span])) for span in spans}
        if apart
        else _counts(spans, own, changes, len(loose))
    )
    chosen = {(span, t) for span in spans for t in _spread_by_change(own[span], changes[span], counts[span])}
    for bin_ in fixed:
        shown = _shown(fetched, bin_.of)
        if shown:
            nearest = min(shown, key=lambda f: abs(f.time_seconds - bin_.time_seconds))
            chosen.add((bin_.of, nearest.time_seconds))
    return chosen


def _counts(
    spans: Sequence[Span],
    own: dict[Span, list[Frame]],
    changes: dict[Span, list[float]],
    total: int,
) -> dict[Span, int]:
    """How many frames each span gets: one, and of the others as many as its length and its changes are of
    all.
    """
    counts = {span: min(1, len(own[span])) for span in spans}
    length = sum(span.duration_seconds for span in spans)
    change = sum(map(sum, changes.values()))
    even = _EVEN_SHARE if change > 0 else 1.0
    share = {
        span: even * span.duration_seconds / max(length, 1e-9)
        + (1 - even) * sum(changes[span]) / max(change, 1e-9)
        for span in spans
    }
    for _ in range(total - sum(counts.values())):
        open_ = [span for span in spans if counts[span] < len(own[span])]
        if not open_:
            break
        counts[max(open_, key=lambda span: share[span] / counts[span])] += 1
    return counts


def _spread_by_change(frames: Sequence[Frame], changes: Sequence[float], count: int) -> list[float]:
    """Times of `count` of the frames: about as much time and change between each two; from three on with both
    ends, and with what comes before and after each motion where there is room. The end of a motion, when
    little of it is left in view, is passed over otherwise.
    """
    if count >= len(frames):
        return [frame.time_seconds for frame in frames]
    gaps = [right.time_seconds - left.time_seconds for left, right in pairwise(frames)]
    length, change = sum(gaps), sum(changes)
    even = _EVEN_SHARE if change > 0 else 1.0
    steps = [
        even * gap / max(length, 1e-9) + (1 - even) * one / max(change, 1e-9)
        for gap, one in zip(gaps, changes, strict=True)
    ]
    reached: list[float] = np.cumsum([0.0, *steps]).tolist()
    borders = _borders(changes) if count >= 3 else set[int]()
    kept = borders if len(borders) <= count else set[int]()
    free = count - len(kept)
    ends = count >= 3 and not kept
    places = [(i / (free - 1) if ends else (i + 0.5) / free) * reached[-1] for i in range(free)]
    left = [i for i in range(len(frames)) if i not in kept]
    for place in places:
        left.remove(min(left, key=lambda i: abs(reached[i] - place)))
    return [frame.time_seconds for i, frame in enumerate(frames) if i not in left]


def _borders(changes: Sequence[float]) -> set[int]:
    """The frames just before each motion, amid it and just after, the first and the last; none where nothing
    moves.
    """
    moves = [i for i, change in enumerate(changes) if change >= _STILL_LEVEL]
    starts = [i for i in moves if i - 1 not in moves]
    stops = [i + 1 for i in moves if i + 1 not in moves]
    amid = {(start + stop) // 2 for start, stop in zip(starts, stops, strict=True)}
    return {0, *starts, *amid, *stops, len(changes)} if moves else set()


def _changes(frames: Sequence[Frame]) -> list[float]:
    """How much each frame differs from the one before: mean levels beyond noise, whatever the exposure does;
    all zero where hardly anything changes.
    """
    changes = [_change(left, right) for left, right in pairwise([_cells(frame) for frame in frames])]
    return changes if max(changes, default=0.0) >= _STILL_LEVEL else [0.0] * len(changes)


def _change(left: _Cells, right: _Cells) -> float:
    if left.shape != right.shape:
        return 255.0
    gaps: _Cells = right - left
    light = float(np.median(gaps))
    beyond = np.abs(gaps - light) - _NOISE_LEVEL
    return float(np.maximum(beyond, 0).mean())


def _cells(frame: Frame) -> _Cells:
    """Mean greys of 16 × 16 pixels."""
    grey = small_grey(frame)
    return np.asarray(grey.reduce(2) if min(grey.size) > 1 else grey, dtype=np.float32)


def _shown(fetched: Fetched, span: Span) -> list[Frame]:
    times = {time for of, own in fetched.shown if of == span for time in own}
    frames = {frame.time_seconds: frame for frame in fetched.frames}
    return [frames[time] for time in sorted(times)]


def _only(fetched: Fetched, chosen: set[tuple[Span, float]]) -> Fetched:
    """These frames alone, each once."""
    times = {time for _, time in chosen}
    frames = {frame.time_seconds: frame for frame in fetched.frames if frame.time_seconds in times}
    shown = [(of, tuple(t for t in own if (of, t) in chosen)) for of, own in fetched.shown]
    return replace(
        fetched,
        frames=tuple(frames[time] for time in sorted(frames)),
        shown=tuple((of, own) for of, own in shown if own),
    )
