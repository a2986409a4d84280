"""Pictures as arrays: decoding, and how much of one differs from another."""

from __future__ import annotations

import io
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels: TypeAlias = NDArray[np.uint8]
"""Height × width × RGB."""

SHRINK = 2
BLOCK_PIXELS = 4
CHANGED_LEVELS = 9.0
"""Mean difference of a block, in levels, from which it counts as changed: compression noise stays below 5."""

SAME_SHAPE = 0.03
"""Two sizes of one picture differ by no more than this share in their shape: sides are whole pixels."""


class Picture:
    """One frame, decoded when first needed, with a half-size copy to compare by."""

    def __init__(self, jpeg: bytes, time_seconds: float) -> None:
        self.jpeg = jpeg
        self.time_seconds = time_seconds

    @cached_property
    def pixels(self) -> Pixels:
        """At full size."""
        return pixels_of(self.jpeg)

    @cached_property
    def small(self) -> NDArray[np.int16]:
        """At half size, signed so that differences do not wrap."""
        picture: Image.Image = Image.open(io.BytesIO(self.jpeg)).convert("RGB")
        return np.asarray(picture.reduce(SHRINK), dtype=np.int16)

    def shrunk_like(self, other: Picture) -> NDArray[np.int16]:
        """At the size of the other's half-size copy; at its own where the two have not one shape."""
        height, width = other.small.shape[:2]
        wide, tall = self.small.shape[1] / width, self.small.shape[0] / height
        if abs(wide / tall - 1) > SAME_SHAPE:
            return self.small
        picture: Image.Image = Image.open(io.BytesIO(self.jpeg)).convert("RGB")
        return np.asarray(picture.resize((width, height), Image.Resampling.BOX), dtype=np.int16)


def pixels_of(jpeg: bytes) -> Pixels:
    """Decode a JPEG."""
    picture: Image.Image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    return np.asarray(picture, dtype=np.uint8)


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


def box_unchanged(before: Picture, after: Picture, box: tuple[float, float, float, float]) -> bool:
    """Whether nothing changed inside (left, top, right, bottom)."""
    if before.small.shape != after.small.shape:
        return False
    left, top, right, bottom = (max(int(edge / SHRINK), 0) for edge in box)
    inside = (slice(top, bottom + 1), slice(left, right + 1))
    first, second = before.small[inside], after.small[inside]
    return first.size > 0 and bool((_block_differences(first, second) <= CHANGED_LEVELS).all())


def changed_box(before: NDArray[np.int16], after: NDArray[np.int16]) -> tuple[int, int, int, int] | None:
    """Left, top, right and bottom, in pixels, around all that changed between two half-size copies; None when
    nothing did.
    """
    changed = _block_differences(before, after) > CHANGED_LEVELS
    if not changed.any():
        return None
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    side = SHRINK * BLOCK_PIXELS
    return (
        int(columns[0]) * side,
        int(rows[0]) * side,
        (int(columns[-1]) + 1) * side,
        (int(rows[-1]) + 1) * side,
    )


def _block_differences(before: NDArray[np.int16], after: NDArray[np.int16]) -> NDArray[np.float32]:
    difference = np.abs(before - after).max(axis=2).astype(np.float32)
    height, width = difference.shape
    padded = np.pad(difference, ((0, -height % BLOCK_PIXELS), (0, -width % BLOCK_PIXELS)), mode="edge")
    rows, columns = padded.shape[0] // BLOCK_PIXELS, padded.shape[1] // BLOCK_PIXELS
    blocks: NDArray[np.float32] = np.reshape(padded, (rows, BLOCK_PIXELS, columns, BLOCK_PIXELS))
    return blocks.mean(axis=(1, 3))
