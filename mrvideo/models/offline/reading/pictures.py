"""Pictures as arrays, and boxes in them: decoding, and how much of one differs from another."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from typing_extensions import Self

from mrvideo.models.base import Picture as Labelled

Pixels: TypeAlias = NDArray[np.uint8]
"""Height × width × RGB."""

SHRINK = 2
BLOCK_PIXELS = 4
CHANGED_LEVELS = 9.0
"""Mean difference of a block, in levels, from which it counts as changed: compression noise stays below 5."""

SAME_SHAPE = 0.03
"""Two sizes of one picture differ by no more than this share in their shape: sides are whole pixels."""


@dataclass(frozen=True, slots=True)
class Box:
    """An upright part of a picture, in pixels; `right` and `bottom` lie outside."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def height(self) -> float:
        """Of a line of text roughly the letters' size; at least 1."""
        return max(self.bottom - self.top, 1.0)

    @property
    def area(self) -> float:
        """In square pixels."""
        return (self.right - self.left) * (self.bottom - self.top)

    def moved(self, right: float, down: float) -> Self:
        """The same elsewhere."""
        return replace(
            self,
            left=self.left + right,
            right=self.right + right,
            top=self.top + down,
            bottom=self.bottom + down,
        )

    def scaled(self, across: float, down: float) -> Box:
        """In a picture of so many times the size."""
        return Box(self.left * across, self.top * down, self.right * across, self.bottom * down)

    def padded(self, pixels: float, within: Box) -> Box:
        """With a margin, in whole pixels, inside another box."""
        return Box(
            max(math.floor(self.left) - pixels, within.left),
            max(math.floor(self.top) - pixels, within.top),
            min(math.ceil(self.right) + pixels, within.right),
            min(math.ceil(self.bottom) + pixels, within.bottom),
        )

    def touches(self, other: Box) -> bool:
        """Whether they share anything."""
        across = other.left < self.right and other.right > self.left
        return across and other.top < self.bottom and other.bottom > self.top

    def overlap(self, other: Box) -> float:
        """Shared area over the smaller of both areas, 0 to 1."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return width * height / max(min(self.area, other.area), 1.0) if width > 0 and height > 0 else 0.0

    def is_level_with(self, other: Box) -> bool:
        """Whether they stand in one row."""
        shared = min(self.bottom, other.bottom) - max(self.top, other.top)
        return shared > 0.5 * min(self.height, other.height)

    def of(self, pixels: Pixels) -> Pixels:
        """What it holds of a picture; the box in whole pixels."""
        return pixels[int(self.top) : int(self.bottom), int(self.left) : int(self.right)]


def box_of(mask: NDArray[np.bool_]) -> Box | None:
    """Around all that is true, in places of the mask; None where nothing is."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return None
    return Box(float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


class Picture:
    """One frame, decoded when first needed, with a half-size copy to compare by."""

    def __init__(self, jpeg: bytes, time_seconds: float) -> None:
        self.jpeg = jpeg
        self.time_seconds = time_seconds

    @classmethod
    def of(cls, sent: Labelled) -> Picture:
        """A picture of a request."""
        return cls(sent.jpeg, sent.time_seconds)

    @cached_property
    def pixels(self) -> Pixels:
        """At full size."""
        return pixels_of(self.jpeg)

    @cached_property
    def frame(self) -> Box:
        """All of it."""
        height, width = self.pixels.shape[:2]
        return Box(0.0, 0.0, float(width), float(height))

    @cached_property
    def small(self) -> NDArray[np.int16]:
        """At half size, signed so that differences do not wrap."""
        return np.asarray(_decoded(self.jpeg).reduce(SHRINK), dtype=np.int16)

    def shrunk_like(self, other: Picture) -> NDArray[np.int16]:
        """At the size of the other's half-size copy; at its own where the two have not one shape."""
        height, width = other.small.shape[:2]
        wide, tall = self.small.shape[1] / width, self.small.shape[0] / height
        if abs(wide / tall - 1) > SAME_SHAPE:
            return self.small
        small = _decoded(self.jpeg).resize((width, height), Image.Resampling.BOX)
        return np.asarray(small, dtype=np.int16)


def pixels_of(jpeg: bytes) -> Pixels:
    """Decode a JPEG."""
    return np.asarray(_decoded(jpeg), dtype=np.uint8)


def _decoded(jpeg: bytes) -> Image.Image:
    return Image.open(io.BytesIO(jpeg)).convert("RGB")


def changed_share(before: Picture, after: Picture) -> float:
    """The share of 8 × 8 blocks that changed, 0 to 1; of two sizes, at the smaller one. Pictures of different
    shape are wholly changed.
    """
    first, second = before.small, after.small
    if first.shape != second.shape:
        smaller, larger = sorted((before, after), key=lambda picture: picture.small.size)
        first, second = smaller.small, larger.shrunk_like(smaller)
        if first.shape != second.shape:
            return 1.0
    return float((_block_differences(first, second) > CHANGED_LEVELS).mean())


def box_unchanged(before: Picture, after: Picture, box: Box) -> bool:
    """Whether nothing changed inside."""
    if before.small.shape != after.small.shape:
        return False
    left, top, right, bottom = (
        max(int(edge / SHRINK), 0) for edge in (box.left, box.top, box.right, box.bottom)
    )
    inside = (slice(top, bottom + 1), slice(left, right + 1))
    first, second = before.small[inside], after.small[inside]
    return first.size > 0 and bool((_block_differences(first, second) <= CHANGED_LEVELS).all())


def changed_box(before: NDArray[np.int16], after: NDArray[np.int16]) -> Box | None:
    """Around all that changed between two half-size copies, in pixels of the whole; None when nothing did."""
    box = box_of(_block_differences(before, after) > CHANGED_LEVELS)
    return box and box.scaled(SHRINK * BLOCK_PIXELS, SHRINK * BLOCK_PIXELS)


def _block_differences(before: NDArray[np.int16], after: NDArray[np.int16]) -> NDArray[np.float32]:
    difference = np.abs(before - after).max(axis=2).astype(np.float32)
    height, width = difference.shape
    padded = np.pad(difference, ((0, -height % BLOCK_PIXELS), (0, -width % BLOCK_PIXELS)), mode="edge")
    rows, columns = padded.shape[0] // BLOCK_PIXELS, padded.shape[1] // BLOCK_PIXELS
    blocks: NDArray[np.float32] = np.reshape(padded, (rows, BLOCK_PIXELS, columns, BLOCK_PIXELS))
    return blocks.mean(axis=(1, 3))
