"""Black bars: where the picture lies between them, and one such place for all frames of a shot.

    |##|        |##|    bars are flat and black, lie on both sides, and end in a straight line
    |##| picture|##|    (upright footage; above and below: letterbox; all around: both)

A dark scene is no bar: its black is not flat, or no straight line ends it. Whatever stands in a bar
(subtitles, a logo) stays in the picture: nothing is cut off but what is black in that very frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrvideo.media.images import open_image, with_crop
from mrvideo.records import WHOLE, Box, Frame, Shot

# Levels are luma from 0 to 255, above what counts as black in the stream.
_DARK_LEVEL = 16
_FLAT_LEVEL = 2.0
_EDGE_LEVEL = 5
_EDGE_COVERED = 0.35
_BEFORE_COVERED = 0.03
"""So much of a bar's inner edge must be lighter than the bar, and so little of the line before it may be."""
_EDGE_DEPTH = 0.015
_LEAST_BAR = 0.015
"""As a share of the side. Thinner ones are the coder's own, and cost nothing."""
_LEAST_PICTURE = 0.1
_EVEN = 0.015
"""Bars with something in them must be as wide as the ones opposite, to this share of the side."""
_BESIDE_TEXT = 0.01
_JITTER = 0.02
"""Boxes that differ by less are one box, met with noise."""
_DARK_GREY = 28
"""Of a JPEG, whose own noise is counted in."""

Luma = NDArray[Any]


class _Lines(NamedTuple):
    """A range of rows or columns, half-open."""

    start: int
    stop: int


class Bars:
    """Which part of each picture of a pass to keep; a box once found holds for what follows, as long as
    nothing lies outside.
    """

    def __init__(self) -> None:
        self._last: Box | None = None

    def box(self, luma: Luma, black: int) -> Box:
        """The picture's part between its bars; `WHOLE` where there are none, or nothing tells."""
        seen, found = seen_and_picture(luma, black)
        last = self._last
        fits = last is not None and (seen is None or last.contains(seen))
        if last is not None and fits and (found is None or _gap(last, found) <= _JITTER):
            return last
        self._last = found
        return found or WHOLE


def seen_and_picture(luma: Luma, black: int) -> tuple[Box | None, Box | None]:
    """Where anything is lighter than black (None: nowhere), and the picture between bars (None: there are
    none, or it is too dark to tell).

    `luma` (height, width) has 8 bits a value; `black` is what the stream calls black: 0 or 16.
    """
    height, width = luma.shape
    limit = black + _DARK_LEVEL
    if min(height, width) < 16 or all(
        int(line.max()) > limit for line in (luma[1], luma[height - 2], luma[:, 1], luma[:, width - 2])
    ):
        return WHOLE, None
    rows, columns = (_seen(luma.max(axis=axis), limit) for axis in (1, 0))
    if rows is None or columns is None:
        return None, None
    seen = Box(columns.start / width, rows.start / height, columns.stop / width, rows.stop / height)
    upright = _between_bars(luma, rows, columns)
    across = _between_bars(np.swapaxes(luma, 0, 1), columns, rows)
    top, bottom = upright or _Lines(0, height)
    left, right = across or _Lines(0, width)
    is_picture = (right - left) * (bottom - top) >= _LEAST_PICTURE * width * height
    if (upright is None and across is None) or not is_picture:
        return seen, None
    return seen, Box(left / width, top / height, right / width, bottom / height)


def _seen(most: NDArray[Any], limit: int) -> _Lines | None:
    places = np.flatnonzero(most > limit)
    return _Lines(int(places[0]), int(places[-1]) + 1) if len(places) else None


def _between_bars(luma: Luma, lines: _Lines, across: _Lines) -> _Lines | None:
    """What of the lines is not bars; None where they are thin, uneven in colour, or end in no straight line."""
    count = len(luma)
    least = _LEAST_BAR * count
    if lines.start < least and count - lines.stop < least:
        return None
    inner = luma[:, across.start : across.stop]
    depth = max(2, round(_EDGE_DEPTH * count))
    start, stop = _edge(inner, depth), count - _edge(inner[::-1], depth)
    if start < least or count - stop < least or stop <= start:
        return None
    before, after = start - lines.start > depth, lines.stop - stop > depth
    if (before or after) and abs(start - (count - stop)) > _EVEN * count:
        return None
    beside = round(_BESIDE_TEXT * count)
    found = _Lines(
        max(0, lines.start - beside) if before else min(lines.start, start),
        min(count, lines.stop + beside) if after else max(lines.stop, stop),
    )
    cut_off = (luma[: found.start], luma[found.stop :])
    is_flat = all(len(bar) == 0 or float(bar.std()) <= _FLAT_LEVEL for bar in cut_off)
    return found if is_flat and sum(map(len, cut_off)) >= least else None


def _edge(luma: Luma, depth: int) -> int:
    """The first line from outside that is lighter than the outermost over most of its length, where that
    begins at once; else 0.
    """
    outside = int(luma[:2].max()) + _EDGE_LEVEL
    covered = (luma[: len(luma) // 2] > outside).mean(axis=1)
    for line in np.flatnonzero(covered >= _EDGE_COVERED)[:1]:
        if covered[max(0, int(line) - depth)] <= _BEFORE_COVERED:
            return int(line)
    return 0


def _gap(one: Box, other: Box) -> float:
    """By how much the sides of the two lie apart, at most."""
    return max(
        abs(a - b)
        for a, b in (
            (one.left, other.left),
            (one.top, other.top),
            (one.right, other.right),
            (one.bottom, other.bottom),
        )
    )


def evened(
    frames: Sequence[Frame], shots: Sequence[Shot], *, long_side_pixels: int, jpeg_quality: int
) -> tuple[tuple[Frame, ...], tuple[Shot, ...]]:
    """Frames of one shot with one crop: the smallest that shows all that any of them shows. And the shots,
    each with its crop.
    """
    made = list(frames)
    known: list[Shot] = []
    for shot in shots:
        places = [place for place, frame in enumerate(frames) if shot.span.contains(frame.time_seconds)]
        crop = _common([frames[place] for place in places])
        known.append(shot.model_copy(update={"crop": crop}))
        for place in places:
            made[place] = with_crop(
                frames[place], crop, long_side_pixels=long_side_pixels, jpeg_quality=jpeg_quality
            )
    return tuple(made), tuple(known)


def _common(frames: Sequence[Frame]) -> Box:
    cropped = [frame.crop for frame in frames if frame.crop != WHOLE]
    if not cropped:
        return WHOLE
    common = reduce(Box.union, cropped)
    # A frame that is whole shows no bars; or it was too dark to tell, and is black outside of them, too.
    whole = (frame for frame in frames if frame.crop == WHOLE)
    return common if all(_is_black_outside(frame, common) for frame in whole) else WHOLE


def _is_black_outside(frame: Frame, box: Box) -> bool:
    grey = np.array(open_image(frame).convert("L"))
    left, top, right, bottom = (
        round(box.left * frame.width) - 2,
        round(box.top * frame.height) - 2,
        round(box.right * frame.width) + 2,
        round(box.bottom * frame.height) + 2,
    )
    grey[max(0, top) : bottom, max(0, left) : right] = 0
    return int(grey.max()) <= _DARK_GREY
