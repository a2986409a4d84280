"""Parts of a frame at the size of the source, for what is too small on the frame itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product

from anyio import to_thread

from mrvideo.agents.ask.pixels import MOST_CROPS, SAME_FRAME_SECONDS, shown_boxes
from mrvideo.agents.ask.state import Context, Frames
from mrvideo.captioning.sheets import BOX_MARGIN
from mrvideo.errors import VideoChanged, VideoError
from mrvideo.media.images import with_crop
from mrvideo.models.base import Picture
from mrvideo.records import Box, Frame

LEAST_GAIN = 1.5
"""A crop shows things at least so many times larger than the frame does."""

MOST_SPLIT = 0.1
"""Of the picture's width: what is no larger lies whole in one of the crops."""


async def with_crops(
    context: Context, frames: Sequence[Frame], pictures: Sequence[Picture], most: int
) -> tuple[Picture, ...]:
    """The pictures, each followed by crops from its frame at the size of the source, `most` crops in all: of whom the
    question names and a box finds there, else of all of it. None where they would be hardly larger than the frame.
    """
    if context.closeups is None or not frames or most < 2:
        return tuple(pictures)
    side = context.vision.capabilities.long_side_pixels
    each = min(max(most // len(frames), 2), MOST_CROPS)
    named = shown_boxes(context)
    boxes = {
        frame.time_seconds: [
            (name, box) for name, time, box in named if abs(time - frame.time_seconds) <= SAME_FRAME_SECONDS
        ]
        for frame in frames
    }
    try:
        crops = await to_thread.run_sync(
            _crops, context.closeups, frames, boxes, side, each, limiter=context.decoding
        )
    except VideoChanged:
        raise
    except (VideoError, OSError):
        return tuple(pictures)
    shown: list[Picture] = []
    for picture in pictures:
        own = crops.get(picture.time_seconds, []) if most >= 2 else []
        shown += [picture, *own[: max(most, 0)]]
        most -= len(own)
    return tuple(shown)


def _crops(
    closeups: Frames,
    frames: Sequence[Frame],
    boxes: Mapping[float, Sequence[tuple[str, Box]]],
    side: int,
    each: int,
) -> dict[float, list[Picture]]:
    """By time: crops of the boxes known there, else parts of the frame, row by row, at most so many of each."""
    found: dict[float, list[Picture]] = {}
    for sent in frames:
        close = next(iter(closeups.at([sent.time_seconds])), None)
        if close is None:
            continue
        parts = [
            (f"crop: <{name}>", box.padded(BOX_MARGIN)) for name, box in boxes.get(sent.time_seconds, ())
        ]
        own = _closer(close, sent, parts[:each], side)
        own = own or _closer(close, sent, _grid(close, side, each), side)
        if own:
            found[sent.time_seconds] = own
    return found


def _closer(close: Frame, sent: Frame, parts: Sequence[tuple[str, Box]], side: int) -> list[Picture]:
    """These parts of the source as the frame at its size shows them, but for such as show things hardly larger than the
    frame that was sent.
    """
    found: list[Picture] = []
    for label, box in parts:
        part = box.intersection(close.crop)
        if part is None or _pixels(close, part, side) < LEAST_GAIN * sent.width / sent.crop.width:
            continue
        cut = with_crop(close, part, long_side_pixels=side)
        found.append(Picture(f"{sent.time_seconds:.2f} s, {label}", cut.jpeg, sent.time_seconds, cut.crop))
    return found


def _pixels(close: Frame, part: Box, side: int) -> float:
    """As how many pixels the width of the whole source would be shown, in a picture of this part of it."""
    wide, tall = close.width / close.crop.width, close.height / close.crop.height
    return wide * min(1.0, side / max(wide * part.width, tall * part.height))


def _grid(close: Frame, side: int, each: int) -> list[tuple[str, Box]]:
    """The frame in at most so many overlapping parts, as few as show things largest.

    |------------|              what is no wider and no taller than a tenth of the picture's width
             |------------|     lies whole in one of them
    """
    width = MOST_SPLIT
    height = min(MOST_SPLIT * close.width / close.height, 0.5)
    best: list[tuple[str, Box]] = []
    largest = 0.0
    shapes = [(columns, rows) for columns, rows in product(range(1, 4), repeat=2) if columns * rows <= each]
    for columns, rows in sorted(shapes, key=lambda shape: shape[0] * shape[1]):
        parts = [
            (
                f"crop: row {row + 1} of {rows}, column {column + 1} of {columns}",
                Box(left, top, right, bottom).out_of(close.crop),
            )
            for row, (top, bottom) in enumerate(_overlapping(rows, height))
            for column, (left, right) in enumerate(_overlapping(columns, width))
        ]
        size = _pixels(close, parts[0][1], side)
        if size > largest * (1 + 1e-6):
            largest, best = size, parts
    return best


def _overlapping(count: int, overlap: float) -> list[tuple[float, float]]:
    """So many parts of the same length from 0 to 1, of which each overlaps the next by this share of the whole."""
    length = (1 + (count - 1) * overlap) / count
    return [
        (place * (length - overlap), min(place * (length - overlap) + length, 1.0)) for place in range(count)
    ]
