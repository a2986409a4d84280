"""Which frames a call sees: those on screen at the sampled times, few where nothing moves, at most what fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from mrvideo.media.clips import grid_times
from mrvideo.media.images import scaled, small_grey
from mrvideo.models.base import MAX_IMAGES, Capabilities, Picture
from mrvideo.records import Frame, Span

if TYPE_CHECKING:
    from PIL.Image import Image

STILL_STEP_SECONDS, SWAY_STEP_SECONDS = 2.0, 1.0
_SWAY_LEVEL, _SWAY_MOST = 20.0, 60.0
"""For means of 8 × 8 pixels: the edge of somebody who breathes and sways moves by a pixel or two and back."""
_SMALL_CALL = 8
_NOISE_LEVEL = 7
_SPOT_LEVEL, _SPOT_TIMES_USUAL = 14, 3
"""For means of 8 × 8 pixels. A sensor's noise of 10 levels makes 7; a thing of 6 pixels that moves by 4 makes 16."""
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


def thinned(shown: Sequence[Shown]) -> tuple[Shown, ...]:
    """Without most of the pictures where next to nothing moves.

    One every two seconds stays where nothing does. Where somebody stands and sways, one every second: what is
    left out looks, part by part, as the frame before or the one after, or in between; what is there for one
    frame alone, and where something begins or ends, stays.
    """
    small = [small_grey(one.frame) for one in shown]
    kept: list[int] = []
    for place, one in enumerate(shown):
        if 0 < place < len(shown) - 1:
            before, own, after = small[kept[-1]], small[place], small[place + 1]
            gap = one.time_seconds - shown[kept[-1]].time_seconds
            same = (_alike(before, own), _alike(own, after))
            if all(same) and gap < STILL_STEP_SECONDS - _TICK:
                continue
            if same[0] == same[1] and gap < SWAY_STEP_SECONDS - _TICK and _in_between(before, own, after):
                continue
        kept.append(place)
    return tuple(shown[place] for place in kept)


def still_gap(changing: Sequence[Shown], kept: Sequence[Shown], frames_per_second: float) -> float | None:
    """Beyond this many seconds between two of the frames next to nothing changed; None where there is no such gap, or
    frames were left out for want of room.
    """
    step = round(1 / frames_per_second, 3)
    gaps = (right.time_seconds - left.time_seconds for left, right in pairwise(kept))
    return step if len(kept) == len(changing) and any(gap > 1.5 * step for gap in gaps) else None


def alike(one: Frame, other: Frame) -> bool:
    """Whether no part of the picture, down to 16 × 16 pixels, differs in its mean by more than compression
    does, and none of 8 × 8 by far more than nearly all others: a hand that moves within one part leaves the mean
    of that part as it was.
    """
    return (one.width, one.height) == (other.width, other.height) and _alike(
        small_grey(one), small_grey(other)
    )


def _alike(first: Image, last: Image) -> bool:
    from PIL import ImageChops

    if first.size != last.size:
        return False
    if min(first.size) > 1:
        _, most = ImageChops.difference(first.reduce(2), last.reduce(2)).getextrema()
        if int(most) > _NOISE_LEVEL:  # pyright: ignore[reportArgumentType]
            return False
    levels = ImageChops.difference(first, last).histogram()
    most = max(level for level, count in enumerate(levels) if count)
    return most <= max(_SPOT_LEVEL, _SPOT_TIMES_USUAL * _level_of_nearly_all(levels))


def _in_between(before: Image, own: Image, after: Image) -> bool:
    """Whether every part of a picture is as light as in the one before, in the one after, or in between, which
    differ little themselves, whatever the exposure does to all of it.
    """
    if not before.size == own.size == after.size:
        return False
    first, middle, last = (np.asarray(image, dtype=np.float32) for image in (before, own, after))
    first = first - np.median(first - middle)
    last = last - np.median(last - middle)
    if float(np.abs(last - first).max()) > _SWAY_MOST:
        return False
    beyond = np.maximum(np.minimum(first, last) - middle, middle - np.maximum(first, last))
    return float(beyond.max()) <= _SWAY_LEVEL


def _level_of_nearly_all(levels: Sequence[int]) -> int:
    """The difference that all but one in a hundred stay within: what noise makes."""
    over = sum(levels) // 100
    for level in range(len(levels) - 1, -1, -1):
        over -= levels[level]
        if over < 0:
            return level
    return 0


def spread(shown: Sequence[Shown], count: int) -> tuple[Shown, ...]:
    """At most `count` of them, evenly, with the first and the last."""
    if len(shown) <= count:
        return tuple(shown)
    if count == 1:
        return (shown[len(shown) // 2],)
    last = len(shown) - 1
    return tuple(shown[round(place * last / (count - 1))] for place in range(count))
