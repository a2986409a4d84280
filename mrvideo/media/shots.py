"""Camera cuts, dissolves and short acts, from small grey pictures met in the decoding pass."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence, Set
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from mrvideo.media.images import contrast_around, view_colours
from mrvideo.media.reader import Grey
from mrvideo.media.sparse import SAME_SECONDS
from mrvideo.records import Frame, Shot, Span

Transition: TypeAlias = Literal["cut", "dissolve"]
_Numbers: TypeAlias = NDArray[np.float32]

# Levels are differences of grey values, 0–255, averaged over the picture unless said otherwise.
_CUT_LEVEL = 7.0
_CUT_TIMES_USUAL = 3.0
_CUT_UNALIKE = 0.65
_RECOLOURED_UNALIKE = 0.85
_CUT_STRANGER = 0.3
_CUT_TIMES_NEXT = 1.7
_CUT_LESS_ALIKE = 0.15
"""A cut stands out from the two steps before it and after it, or by how little its two pictures have in
common.
"""
_CUT_TIMES_CALM = 2.5
_CALM_ALIKE = 0.8
_CALM_TONES = 0.06
_CUT_STRANGE = 0.5
_SWING_TIMES = 1.1
"""A cut out of a calm shot, or into one, stands out from that side, however fast the other side moves."""
_CUT_TONES = 0.15
_CUT_TIMES_TONES = 2.4
_TONES = 32
"""A camera that swings shows other things of the same place, whose tones are much the same; a cut changes them
at once: the share of the picture that would need another tone.
"""
_CUT_CHANGED = 0.5
_COLOUR_LEVEL = 16.0
_DISSOLVE_CHANGED = 0.65
_DISSOLVE_BUT_LIGHT = 0.25
_CELL_LEVEL = 8.0
"""A camera change alters most parts of the picture, if only their colours; what moves before a camera that stays
does not.
"""
_BLACK_LEVEL = 20
_LEAST_LIT = 0.1
_DISSOLVE_SAME_LINES = 0.15
"""Of a dissolve's two ends: how alike their outlines may be. Where light or one large thing changes, outlines
stay.
"""
_FLAT_CONTRAST = 5.0
_FADE_SECONDS = 1.2
_FLASH_SECONDS = 0.35
_MIN_SHOT_SECONDS = 0.2

_DISSOLVE_SECONDS = (0.6, 1.2, 2.4)
_DISSOLVE_STEP_SECONDS = 0.1
_DISSOLVE_LEVEL = 10.0
_DISSOLVE_UNEXPLAINED = 0.3
_DISSOLVE_UNALIKE = 0.8
_PAN_KEPT = 0.36
_PAN_UNEXPLAINED = 0.47

_ACT_LEVEL, _ACT_STAYS_LEVEL = 28, 12
_ACT_CELLS = 2
"""What comes and goes between two samples changes at least two of 18 × 32 cells by so much, and more of them than differ
between the samples: where something passes by, those differ at both its places.
"""

_STIR_LEVEL, _STIR_SHIFT = 10.0, 0.15
"""What stirs, however faintly, changes one of these cells by so much more than a shift by this share of it would, as of
somebody who breathes.
"""

_PART = 64
_CONTEXT = 256
"""So many pictures before those asked about are enough to judge by: four seconds of the fastest usual rate.
"""
_STAYS_SECONDS = 1.3
"""Of the longest dissolve, half its length and a step of the grid."""


class _Grid(NamedTuple):
    """Pictures at even steps: when, and their cells."""

    times: NDArray[np.float64]
    cells: _Numbers


class ShotDetector:
    """A Watcher: call it with each picture in order, then ask about what lies after `start_seconds`.

    A cut is a jump that alters most of the picture, stands out from its surroundings and is not undone at
    once (a flash). A dissolve is a span whose pictures are blends of its two ends, which show different
    places; through black, it is a fade out and a fade in. No cut: a title that fades in, a wing that flaps, a
    car that drives off, a camera that swings.
    """

    def __init__(self, start_seconds: float = 0.0, *, joints_seconds: Sequence[float] = ()) -> None:
        """`joints_seconds`: where another recording begins, which is a cut however alike the two look in
        grey.
        """
        self._frames: Sequence[Frame] = ()
        self._start_seconds = start_seconds
        self._joints_seconds = joints_seconds
        self._times: list[float] = []
        self._greys: list[Grey] = []
        self._steps: NDArray[np.float64] | None = None
        self._lasting: dict[float, float] = {}

    def __call__(self, time_seconds: float, grey: Grey) -> None:
        if time_seconds < self._start_seconds and len(self._times) >= 2 * _CONTEXT:
            # A pass begins at a key frame, which may lie hours before.
            del self._times[:_CONTEXT], self._greys[:_CONTEXT]
        self._times.append(time_seconds)
        self._greys.append(grey)
        self._steps = None

    def with_colours(self, frames: Sequence[Frame]) -> None:
        """Frames met, ascending: they tell a cut between two places that are equally light from something that
        moves before one of them.
        """
        self._frames = frames

    def shots(self, span: Span) -> tuple[Shot, ...]:
        """Shots that cover the span without gap; a dissolve's border is its middle."""
        borders: list[tuple[float, Transition]] = []
        for time, kind in self.borders():
            if span.start_seconds < time < span.stop_seconds:
                borders.append((time, kind))
        stops = [time for time, _ in borders] + [span.stop_seconds]
        first = Shot(start_seconds=span.start_seconds, stop_seconds=stops[0], transition="start")
        later = (
            Shot(
                start_seconds=start,
                stop_seconds=stop,
                transition=kind,
                transition_seconds=self._lasting[start] if kind == "dissolve" else 0.0,
            )
            for (start, kind), stop in zip(borders, stops[1:], strict=True)
        )
        return (first, *later)

    def borders(self) -> list[tuple[float, Transition]]:
        """All cuts and dissolves met, ascending."""
        if len(self._times) < 3:
            return []
        pictures = np.stack(self._greys)
        cuts = self._cuts(pictures)
        fades = self._fades(pictures, cuts)
        self._lasting = self._dissolves(pictures, [*cuts, *fades]) | fades
        found: dict[float, Transition] = dict.fromkeys(self._lasting, "dissolve")
        for time in cuts:
            found[time] = "cut"
        for joint in self._joints_seconds:
            near = [time for time in found if abs(time - joint) < _MIN_SHOT_SECONDS]
            if self._times[0] < joint <= self._times[-1] and not near:
                found[joint] = "cut"
        return sorted(found.items())

    def acts(self, sampled_seconds: Sequence[float], *, most: int) -> tuple[float, ...]:
        """Times of pictures between two samples that show what neither does: something strong came and went.

        One of each step, at most so many, the strongest of them; ascending. Where the two samples differ as widely
        themselves, something moves on, and is seen in the next one, too.
        """
        found: list[tuple[int, float]] = []
        for start, stop in pairwise(sampled_seconds):
            low = bisect_right(self._times, start + SAME_SECONDS) - 1
            high = bisect_right(self._times, stop + SAME_SECONDS) - 1
            if low < 0 or high - low < 2:
                continue
            fours = _fours(np.stack(self._greys[low : high + 1]))
            first, between, last = fours[0], fours[1:-1], fours[-1]
            moved = int(np.count_nonzero(np.abs(last - first) >= 4 * _ACT_STAYS_LEVEL))
            gaps = np.minimum(np.abs(between - first), np.abs(between - last))
            cells = np.count_nonzero(gaps >= 4 * _ACT_LEVEL, axis=(1, 2))
            best = int(cells.argmax())
            if cells[best] >= max(_ACT_CELLS, moved + 1):
                found.append((int(cells[best]), self._times[low + 1 + best]))
        strongest = sorted(found, key=lambda one: (-one[0], one[1]))[:most]
        return tuple(sorted(time for _, time in strongest))

    def stirs(self, sampled_seconds: Sequence[float]) -> tuple[Span, ...]:
        """Between which two samples something came and went that neither of them shows, however faint; ascending."""
        found: list[Span] = []
        for start, stop in pairwise(sampled_seconds):
            low = bisect_right(self._times, start + SAME_SECONDS) - 1
            high = bisect_right(self._times, stop + SAME_SECONDS) - 1
            if low < 0 or high - low < 2:
                continue
            fours = _fours(np.stack(self._greys[low : high + 1])) / 4
            first, between, last = fours[0], fours[1:-1], fours[-1]
            gaps = np.minimum(np.abs(between - first), np.abs(between - last)).max(axis=0)
            if gaps.max() >= _STIR_LEVEL:
                shifted = _STIR_SHIFT * np.minimum(contrast_around(first), contrast_around(last))
                if float((gaps - shifted).max()) >= _STIR_LEVEL:
                    found.append(Span(start, stop))
        return tuple(found)

    def _changed(self) -> NDArray[np.float64]:
        """How much each picture differs from the one before, in the mean."""
        if self._steps is None:
            self._steps = _changes(self._greys)
        return self._steps

    def _cuts(self, pictures: NDArray[np.uint8]) -> list[float]:
        steps = self._changed()
        jumps = [i for i in _places(steps >= _CUT_LEVEL) if self._is_jump(pictures, i)]
        clear = {i for i in jumps if self._stands_out(pictures, i)}
        cuts: list[int] = []
        for i in jumps:
            if not (i in clear or self._leaves_calm(pictures, i, clear) or self._retones(pictures, i)):
                continue
            if cuts and self._times[i + 1] - self._times[cuts[-1] + 1] < _MIN_SHOT_SECONDS:
                cuts[-1] = max(cuts[-1], i, key=lambda place: steps[place])
            else:
                cuts.append(i)
        return [self._times[i + 1] for i in cuts]

    def _is_jump(self, pictures: NDArray[np.uint8], i: int) -> bool:
        """Whether step i leads to an unlike picture that differs in most places, and stays."""
        return (
            self._times[i + 1] >= _MIN_SHOT_SECONDS
            and self._is_elsewhere(pictures, i)
            and not self._is_flash(pictures, i, float(self._changed()[i]))
        )

    def _is_elsewhere(self, pictures: NDArray[np.uint8], i: int) -> bool:
        alike = _alike(pictures[i], pictures[i + 1])
        if alike <= _CUT_UNALIKE and _changed(pictures[i], pictures[i + 1]) >= _CUT_CHANGED:
            return True
        return alike <= _RECOLOURED_UNALIKE and self._is_recoloured(i)

    def _stands_out(self, pictures: NDArray[np.uint8], i: int) -> bool:
        """Whether the step is larger than those around it, or its two pictures have less in common."""
        steps, times = self._changed(), self._times
        around = [*range(max(0, i - 8), i), *range(i + 1, min(len(steps), i + 9))]
        usual = float(np.median(steps[around])) if around else 0.0
        # Where the reader left pictures out, a camera has moved on further, and what it shows differs the
        # more, by less and less.
        lengths = [times[j + 1] - times[j] for j in around]
        count = math.sqrt(max(1.0, float((times[i + 1] - times[i]) / np.median(lengths)))) if lengths else 1.0
        alike = _alike(pictures[i], pictures[i + 1])
        alike_around = self._alike_around(pictures, i) ** count
        # In a fast pan every step is large: there a cut stands out by what the two pictures have in common.
        if steps[i] < _CUT_TIMES_USUAL * count * usual and (
            steps[i] < 2 * usual or alike >= alike_around - _CUT_STRANGER
        ):
            return False
        # One of several is a camera that swings, something large that moves.
        next_to = np.r_[steps[max(0, i - 2) : i], steps[i + 1 : i + 3]]
        return bool(
            steps[i] >= _CUT_TIMES_NEXT * next_to.max(initial=0.0) or alike <= alike_around - _CUT_LESS_ALIKE
        )

    def _leaves_calm(self, pictures: NDArray[np.uint8], i: int, clear: Set[int]) -> bool:
        """Whether one side of the step is calm beside it, and it is no smaller than the steps of the other side
        but those that are cuts themselves: a camera that begins to swing does so by ever larger steps.
        """
        steps = self._changed()
        if (
            _alike(pictures[i], pictures[i + 1]) > _CUT_STRANGE
            or _tones_gap(pictures[i], pictures[i + 1]) < _CALM_TONES
        ):
            return False
        sides = (range(max(0, i - 2), i), range(i + 1, min(len(steps), i + 3)))
        for calm, other in (sides, sides[::-1]):
            if (
                calm
                and steps[i] >= _CUT_TIMES_CALM * steps[list(calm)].max()
                and min(_alike(pictures[j], pictures[j + 1]) for j in calm) >= _CALM_ALIKE
                and all(j in clear or steps[j] <= _SWING_TIMES * steps[i] for j in other)
            ):
                return True
        return False

    def _retones(self, pictures: NDArray[np.uint8], i: int) -> bool:
        """Whether the tones of the picture change at once, unlike in the steps around."""
        if _alike(pictures[i], pictures[i + 1]) > _CUT_STRANGE:
            return False
        change = _tones_gap(pictures[i], pictures[i + 1])
        near = [j for j in range(max(0, i - 3), min(len(pictures) - 1, i + 4)) if j != i]
        return change >= _CUT_TONES and change >= _CUT_TIMES_TONES * max(
            (_tones_gap(pictures[j], pictures[j + 1]) for j in near), default=0.0
        )

    def _is_recoloured(self, i: int) -> bool:
        """Whether most of the picture has another colour in the frames next to the jump, and nothing else jumps
        between them.
        """
        begun = [frame.time_seconds for frame in self._frames]
        place = bisect_right(begun, self._times[i] + SAME_SECONDS)
        after = bisect_right(begun, self._times[i + 1] - SAME_SECONDS)
        if place == 0 or after == len(begun):
            return False
        first, last = self._frames[place - 1], self._frames[after]
        low = bisect_right(self._times, first.time_seconds + SAME_SECONDS)
        high = bisect_right(self._times, last.time_seconds + SAME_SECONDS)
        steps = self._changed()
        others = np.r_[steps[max(low - 1, 0) : i], steps[i + 1 : high - 1]]
        if first.crop != last.crop or others.max(initial=0.0) >= _CUT_LEVEL:
            return False
        gaps = np.abs(view_colours(first) - view_colours(last)).max(axis=2)
        return float((gaps > _COLOUR_LEVEL).mean()) >= _CUT_CHANGED

    def _alike_around(self, pictures: NDArray[np.uint8], i: int) -> float:
        pairs = [(i - 2, i - 1), (i - 1, i), (i + 1, i + 2), (i + 2, i + 3)]
        alike = (_alike(pictures[a], pictures[b]) for a, b in pairs if a >= 0 and b < len(pictures))
        return max(0.0, min(alike, default=1.0))

    def _is_flash(self, pictures: NDArray[np.uint8], i: int, jump: float) -> bool:
        """Whether the picture before the jump is back soon, or the jump itself is the way back."""
        before, after = pictures[i].astype(np.int16), pictures[i + 1].astype(np.int16)
        for j in range(i + 2, len(pictures)):
            if self._times[j] - self._times[i + 1] > _FLASH_SECONDS:
                break
            if np.abs(pictures[j] - before).mean() < jump / 3:
                return True
        for j in range(i - 1, -1, -1):
            if self._times[i + 1] - self._times[j] > _FLASH_SECONDS:
                break
            if np.abs(pictures[j] - after).mean() < jump / 3:
                return True
        return False

    def _fades(self, pictures: NDArray[np.uint8], cuts: list[float]) -> dict[float, float]:
        """Between two pictures unlike each other, of which one fades out to a flat picture and the other in:
        its middle, and how long the picture is flat.
        """
        flat = _contrasts(pictures) < _FLAT_CONTRAST
        steps = self._changed()
        edges: list[int] = np.flatnonzero(np.diff(np.r_[False, flat, False].astype(np.int8))).tolist()
        found: dict[float, float] = {}
        for first, stop in zip(edges[::2], edges[1::2], strict=True):
            start, end = self._times[first], self._times[min(stop, len(flat) - 1)]
            if first == 0 or stop == len(flat) or any(start - 0.1 <= cut <= end + 0.1 for cut in cuts):
                continue
            before = int(np.searchsorted(self._times, start - _FADE_SECONDS))
            after = min(int(np.searchsorted(self._times, end + _FADE_SECONDS)), len(flat) - 1)
            # A flash comes at once, and so does a plain picture that is cut to.
            fades = all(
                steps[step] < _gaps(pictures[other], pictures[first]).mean() / 2
                for step, other in ((first - 1, before), (stop - 1, after))
            )
            if fades and _alike(pictures[before], pictures[after]) < _DISSOLVE_UNALIKE:
                found[(start + end) / 2] = end - start
        return found

    def _dissolves(self, pictures: NDArray[np.uint8], cuts: list[float]) -> dict[float, float]:
        """Their middles, and how long they last, ascending."""
        grids = [_even(self._times, pictures, first, stop) for first, stop in self._flowing()]
        found: list[tuple[float, int, int, float]] = []
        for place, grid in enumerate(grids):
            for seconds in _DISSOLVE_SECONDS:
                half = _half(seconds)
                if len(grid.cells) > 2 * half:
                    strength = _blended(grid.cells, half)
                    found += [(float(strength[k]), place, k + half, seconds) for k in _places(strength > 0)]
        chosen: dict[float, float] = {}
        for _, place, middle, seconds in sorted(found, reverse=True):
            grid = grids[place]
            time = float(grid.times[middle])
            apart = max(seconds / 2, _DISSOLVE_SECONDS[-1] / 2)
            if any(abs(time - cut) <= seconds / 2 + 0.1 for cut in cuts) or any(
                abs(time - other) <= apart for other in chosen
            ):
                continue
            if not self._is_between(pictures, time, seconds):
                continue
            if seconds > _DISSOLVE_SECONDS[0] or not _is_pan(grid.cells, middle, _half(seconds)):
                chosen[time] = seconds
        return dict(sorted(chosen.items()))

    def _is_between(self, pictures: NDArray[np.uint8], middle: float, seconds: float) -> bool:
        """Whether the pictures at the two ends show different places, and neither is flat (that would be half
        a fade).
        """
        places = np.searchsorted(
            self._times, [middle - seconds / 2 + 1e-6, middle + seconds / 2 + 1e-6], side="right"
        )
        first, last = (pictures[max(0, int(place) - 1)] for place in places)
        return (
            min(float(first.std()), float(last.std())) >= _FLAT_CONTRAST
            and _changed(first, last) >= _DISSOLVE_CHANGED
            and _changed(first, last, but_light=True) >= _DISSOLVE_BUT_LIGHT
            and _same_lines(first, last) < _DISSOLVE_SAME_LINES
        )

    def _flowing(self) -> list[tuple[int, int]]:
        """First picture and the one after the last, of each run of pictures that may hold a dissolve.

        In a dissolve none stays for half of its length; what is computed is bounded by the pictures, not by
        the time that one of them stays.
        """
        starts = [0, *(last + 1 for last in _places(np.diff(self._times) >= _STAYS_SECONDS))]
        runs = zip(starts, [*starts[1:], len(self._times)], strict=True)
        shortest = _DISSOLVE_SECONDS[0]
        return [
            (first, stop) for first, stop in runs if self._times[stop - 1] - self._times[first] >= shortest
        ]


def _even(times: Sequence[float], pictures: NDArray[np.uint8], first: int, stop: int) -> _Grid:
    """The pictures of a run at even steps."""
    met = np.array(times[first:stop])
    grid = np.arange(met[0], met[-1] + 1e-9, _DISSOLVE_STEP_SECONDS)
    shown = first + np.searchsorted(met, grid + 1e-6, side="right") - 1
    different, places = np.unique(shown, return_inverse=True)
    return _Grid(grid, _cells(pictures[different])[places])


def _half(seconds: float) -> int:
    """Half of the span, in steps of the grid."""
    return round(seconds / 2 / _DISSOLVE_STEP_SECONDS)


def _blended(even: _Numbers, half: int) -> _Numbers:
    """For each middle: how far apart the two ends are, where the pictures between are blends of them; else 0."""
    first, last = even[: -2 * half], even[2 * half :]
    way = last - first
    length = np.maximum((way**2).sum(axis=1), 1e-3)
    level = np.abs(way).mean(axis=1)
    good = level >= _DISSOLVE_LEVEL
    shares = [np.zeros(len(way), np.float32)]
    for part in (0.25, 0.5, 0.75):
        at = round(2 * half * part)
        between = even[at : at + len(first)] - first
        share, unexplained = _blend(between, way, length)
        good &= unexplained < _DISSOLVE_UNEXPLAINED
        shares.append(share)
    good &= (shares[1] > 0.05) & (shares[1] < 0.45) & (shares[3] > 0.55) & (shares[3] < 0.95)
    good &= (shares[2] > shares[1] + 0.1) & (shares[3] > shares[2] + 0.1)
    for k in _places(good):
        good[k] = _alike(first[k], last[k]) < _DISSOLVE_UNALIKE
    return np.where(good, level, 0).astype(np.float32)


def _is_pan(even: _Numbers, middle: int, half: int) -> bool:
    """Whether a short blend is a camera's move over something smooth.

    There the pictures keep their contrast, which sinks half-way through a dissolve, and no longer span is a
    blend, too.
    """
    first, last = even[middle - half], even[middle + half]
    usual = float(first.std() + last.std()) / 2
    kept = float(even[middle].std() - ((first + last) / 2).std()) / max(usual, 1e-3)
    return (
        max(_unexplained(even, middle, half)) + kept > _PAN_KEPT
        and sum(_unexplained(even, middle, 2 * half)) / 3 > _PAN_UNEXPLAINED
    )


def _unexplained(even: _Numbers, middle: int, half: int) -> list[float]:
    """How much of the pictures a quarter, half and three quarters through is no blend of the ends, as a share
    of the way.
    """
    start, stop = max(0, middle - half), min(len(even) - 1, middle + half)
    way = even[stop : stop + 1] - even[start]
    length = np.maximum((way**2).sum(axis=1), 1e-3)
    places = [start + round((stop - start) * part) for part in (0.25, 0.5, 0.75)]
    return [float(_blend(even[at : at + 1] - even[start], way, length)[1][0]) for at in places]


def _blend(between: _Numbers, way: _Numbers, length: _Numbers) -> tuple[_Numbers, _Numbers]:
    """How far along the way each picture lies, and what of it lies beside the way; both as shares of its
    length.
    """
    share: _Numbers = (between * way).sum(axis=1) / length
    rest = between - share[:, None] * way
    return share, np.sqrt((rest**2).sum(axis=1) / length)


def _changes(greys: Sequence[Grey]) -> NDArray[np.float64]:
    """In parts: a shard's pictures are many megabytes."""
    means = [np.zeros(0)]
    for first in range(0, len(greys) - 1, _PART):
        part = np.stack(greys[first : first + _PART + 1])
        means.append(_gaps(part[1:], part[:-1]).sum(axis=(1, 2), dtype=np.uint32) / greys[0].size)
    return np.concatenate(means)


def _fours(pictures: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Sums of 2×2 grey values."""
    tall = pictures[:, ::2].astype(np.int16) + pictures[:, 1::2]
    return tall[:, :, ::2] + tall[:, :, 1::2]


def _cells(pictures: NDArray[np.uint8]) -> _Numbers:
    """Means over 4×4 pixels: 9×16 cells a picture, in a row. Adding slices is ten times as fast as a mean
    over axes.
    """
    tall = pictures[:, ::4].astype(np.uint16)
    for k in range(1, 4):
        tall += pictures[:, k::4]
    cells = tall[:, :, ::4].astype(np.float32)
    for k in range(1, 4):
        cells += tall[:, :, k::4]
    even: _Numbers = cast("Any", cells).reshape(len(pictures), -1) / np.float32(16)
    return even


def _alike(a: NDArray[np.generic], b: NDArray[np.generic]) -> float:
    """Correlation of two pictures, -1 to 1, deaf to brightness and contrast; 1 for two empty ones of one
    grey.

    What is black in both does not count: between the same bars all pictures would be alike.
    """
    x, y = a.astype(np.float32).ravel(), b.astype(np.float32).ravel()
    lit = np.maximum(x, y) > _BLACK_LEVEL
    if np.count_nonzero(lit) >= _LEAST_LIT * len(x):
        x, y = x[lit], y[lit]
    gap = abs(float(x.mean() - y.mean()))
    x, y = x - x.mean(), y - y.mean()
    scale = math.sqrt(float((x**2).sum() * (y**2).sum()))
    if scale < 1e-3 * len(x):
        return 1.0 if gap < _CUT_LEVEL else 0.0
    return float((x * y).sum()) / scale


def _tones_gap(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Half the distance of two pictures' smoothed histograms of grey, 0 to 1."""
    shares = [
        np.convolve(np.histogram(picture, bins=_TONES, range=(0, 256))[0], (0.25, 0.5, 0.25), "same")
        for picture in (a, b)
    ]
    return float(np.abs(shares[0] / shares[0].sum() - shares[1] / shares[1].sum()).sum()) / 2


def _contrasts(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The standard deviation of each picture; in parts, as a shard's pictures are many."""
    parts = [
        pictures[first : first + _PART].std(axis=(1, 2), dtype=np.float32)
        for first in range(0, len(pictures), _PART)
    ]
    return np.concatenate(parts)


def _changed(a: NDArray[np.uint8], b: NDArray[np.uint8], *, but_light: bool = False) -> float:
    """The share of 4×4 cells that differ, of those that are not black in both. `but_light`: that differ by
    something else than most do, as an exposure that adapts makes them.
    """
    first, last = _cells(np.stack([a, b]))
    lit = np.maximum(first, last) > _BLACK_LEVEL
    if not lit.any():
        return 0.0
    gaps = (last - first)[lit]
    if but_light:
        gaps = gaps - np.median(gaps)
    return float((np.abs(gaps) > _CELL_LEVEL).mean())


def _same_lines(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """How alike the outlines of two pictures are: the correlation of their slopes, where neither is black."""
    one, other = a.astype(np.float32), b.astype(np.float32)
    lit = np.minimum(np.maximum(one, other)[:-1, :-1], np.maximum(one, other)[1:, 1:]) > _BLACK_LEVEL
    product, first, last = 0.0, 1e-3, 1e-3
    for axis in (0, 1):
        slopes = [np.diff(x, axis=axis)[: lit.shape[0], : lit.shape[1]][lit] for x in (one, other)]
        product += float((slopes[0] * slopes[1]).sum())
        first += float((slopes[0] ** 2).sum())
        last += float((slopes[1] ** 2).sum())
    return product / math.sqrt(first * last)


def _places(mask: NDArray[np.bool_]) -> list[int]:
    return [int(k) for k in np.flatnonzero(mask)]


def _gaps(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Absolute differences without a wider type."""
    return np.maximum(a, b) - np.minimum(a, b)
