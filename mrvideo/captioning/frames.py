"""Which frames a call sees: those on screen at the sampled times, few where nothing moves, at most what fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mrvideo.media.clips import grid_times
from mrvideo.media.images import contrast_around, scaled, small_grey
from mrvideo.models.base import MAX_IMAGES, Capabilities, Picture
from mrvideo.records import Frame, Span

STILL_SECONDS = 4.0
"""At most so long between two frames where next to nothing changes."""
DRIFT_SECONDS = 1.1
"""And where what changes too little from one sample to the next adds up."""
_SMALL_CALL = 8
_STILL_LEVEL, _NOISE_LEVEL, _NOISE_TIMES = 6.0, 12.0, 6.0
"""Levels of grey, 0–255, for means of 8 × 8 pixels: what compression makes, what a sensor's noise of 10 levels makes at
most, and how far the wildest of some thousand parts lies beyond the usual one then.
"""
_SWAY_PARTS = 0.25
"""Of a part's width, which is 8 pixels: somebody who breathes and sways moves by two of them."""
_GLOW_PARTS, _GLOW_LEVEL = 9, 24.0
"""Light that changes softly, over so many parts and by no more than this, is of nothing that moves there."""
_TICK = 1e-6


@dataclass(frozen=True, slots=True)
class Shown:
    """A frame as a call shows it.

    `time_seconds` is its own time, or the span's start for a picture that already stood there before the
    span.
    """

    frame: Frame
    time_seconds: float

    def picture(self, label: str | None = None) -> Picture:
        """For a request; labelled with its time unless told otherwise."""
        label = label or f"{self.time_seconds:.2f} s"
        return Picture(label, self.frame.jpeg, self.time_seconds, self.frame.crop)


def on_screen(
    frames: Sequence[Frame],
    span: Span,
    *,
    frames_per_second: float,
    origin_seconds: float | None = None,
    also_seconds: Sequence[float] = (),
) -> tuple[Shown, ...]:
    """The different frames on screen at the span's start and sample times, ascending. Empty when none was
    decoded there.

    Samples lie on a grid that begins at the origin; without one, at the span's start. `also_seconds` are further
    times.

    frames   a------b------------c---          (own times)
    samples  |   |   |   |   |   |   |
    shown    a       b           c             each once
    """
    shown: list[Shown] = []
    position = -1
    origin = span.start_seconds if origin_seconds is None else origin_seconds
    samples = grid_times(span, origin_seconds=origin, frames_per_second=frames_per_second)
    further = (time for time in also_seconds if span.contains(time))
    for time_seconds in sorted({span.start_seconds, *samples, *further}):
        while position + 1 < len(frames) and frames[position + 1].time_seconds <= time_seconds + _TICK:
            position += 1
        if position < 0:
            continue
        frame = frames[position]
        if not shown or shown[-1].frame is not frame:
            shown.append(Shown(frame, max(frame.time_seconds, span.start_seconds)))
    return tuple(shown)


def room(capabilities: Capabilities, *, taken: int = 0) -> int:
    """How many more pictures fit one call, at least one."""
    return max(1, min(MAX_IMAGES, capabilities.max_images) - taken)


def sheets_beside(capabilities: Capabilities) -> int:
    """How many sheets of exemplars may stand beside a scene's own frames: one, where a call takes more than a
    few pictures.
    """
    return 1 if room(capabilities) >= _SMALL_CALL // 2 else 0


def small_before(shown: Shown) -> Picture:
    """The frame before a clip, at half the size: it tells whether the clip goes on with the same event, and
    nothing of it is described.
    """
    half = scaled(shown.frame, max(shown.frame.width, shown.frame.height) // 2)
    return Shown(half, shown.time_seconds).picture("before")


def shows_before(capabilities: Capabilities) -> bool:
    """Whether a call has room for the frame before its clip."""
    return room(capabilities) >= _SMALL_CALL // 2


def thinned(shown: Sequence[Shown], stirs: Sequence[Span] = ()) -> tuple[Shown, ...]:
    """Without most of the pictures where next to nothing moves.

    moves      ....######...............##....      still: noise, light, somebody who breathes and sways
    kept       |  ||||||||    |    |    |||| |      where something begins and ends, and one every four seconds

    A run of still pictures keeps its first and its last; all of it looks as its first does, but for what drifts
    within a second. `stirs`: where something came and went between two of the pictures, which both stay.
    """
    small = [_Small(one.frame) for one in shown]
    kept: set[int] = {0, len(shown) - 1} if shown else set()
    first = 0
    for place in range(1, len(shown)):
        stirred = any(
            stir.start_seconds < shown[place].time_seconds
            and shown[place - 1].time_seconds < stir.stop_seconds
            for stir in stirs
        )
        if not stirred and small[first].is_still(small[place]):
            continue
        slow = shown[place].time_seconds - shown[first].time_seconds <= DRIFT_SECONDS
        if not stirred and slow and small[place - 1].is_still(small[place]):
            continue
        kept |= _evenly(shown, first, place - 1)
        # What drifts is no jump: the last of a run is the first of the next one.
        drifts = not stirred and place - 1 > first and small[place - 1].is_still(small[place])
        first = place - 1 if drifts else place
        kept.add(first)
    kept |= _evenly(shown, first, len(shown) - 1)
    return tuple(shown[place] for place in sorted(kept))


def _evenly(shown: Sequence[Shown], first: int, last: int) -> set[int]:
    """The first and last of a still run, and what lies evenly between them."""
    if last < first:
        return set()
    steps = max(1, math.ceil((shown[last].time_seconds - shown[first].time_seconds) / STILL_SECONDS - _TICK))
    return {round(first + (last - first) * step / steps) for step in range(steps + 1)}


def still_gap(changing: Sequence[Shown], kept: Sequence[Shown], frames_per_second: float) -> float | None:
    """Beyond this many seconds between two of the frames next to nothing changed; None where there is no such gap, or
    frames were left out for want of room.
    """
    step = round(1 / frames_per_second, 3)
    gaps = (right.time_seconds - left.time_seconds for left, right in pairwise(kept))
    return step if len(kept) == len(changing) and any(gap > 1.5 * step for gap in gaps) else None


def alike(one: Frame, other: Frame) -> bool:
    """Whether no part of the picture of 8 × 8 pixels differs by more than noise, soft light and a shift of two pixels
    make.
    """
    return _Small(one).is_still(_Small(other))


class _Small:
    """A frame as means of 8 × 8 pixels, and how far they differ around each."""

    def __init__(self, frame: Frame) -> None:
        self._size = (frame.width, frame.height)
        self._means = np.asarray(small_grey(frame), dtype=np.float32)
        self._contrast = contrast_around(self._means)

    def is_still(self, other: _Small) -> bool:
        """Whether the other shows the same, but for noise, soft light and sway."""
        if self._size != other._size:
            return False
        gaps = self._means - other._means
        sway = _SWAY_PARTS * np.minimum(self._contrast, other._contrast)
        # Most pairs need no look at the light.
        plain = float((np.abs(gaps) - sway).max())
        if plain <= _STILL_LEVEL or plain > _GLOW_LEVEL + _NOISE_LEVEL:
            return plain <= _STILL_LEVEL
        glow = _smooth(gaps).clip(-_GLOW_LEVEL, _GLOW_LEVEL)
        gaps = np.abs(gaps - glow)
        # A part in which nothing stands shifts to what looks the same; where something comes, it is of one of the two.
        beyond = gaps - sway
        noise = min(_NOISE_TIMES * float(np.median(gaps)), _NOISE_LEVEL)
        return float(beyond.max()) <= max(_STILL_LEVEL, noise)


def _smooth(gaps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Medians over some parts to each side: what is smaller than they are leaves no trace."""
    margin = _GLOW_PARTS // 2
    padded = np.pad(gaps, margin, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (_GLOW_PARTS, _GLOW_PARTS))
    return np.median(windows[:, :, ::2, ::2], axis=(2, 3)).astype(np.float32)


def spread(shown: Sequence[Shown], count: int) -> tuple[Shown, ...]:
    """At most `count` of them, evenly, with the first and the last."""
    if len(shown) <= count:
        return tuple(shown)
    if count == 1:
        return (shown[len(shown) // 2],)
    last = len(shown) - 1
    return tuple(shown[round(place * last / (count - 1))] for place in range(count))
