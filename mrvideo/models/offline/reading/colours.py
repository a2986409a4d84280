"""The colours of a picture, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from PIL import Image

from mrvideo.models.offline.reading.pictures import Picture, Pixels

_SAMPLE_PIXELS = (48, 27)
_LEAST_SHARE = 0.15

BAR_LEVEL, BAR_SHARE, LEAST_SHARE_LEFT = 24, 0.02, 0.25
"""A row is a bar where 98 % of it are darker than this level; what is left must be a quarter of the picture's
side.
"""

_HUES = (
    (15, "red"),
    (42, "orange"),
    (68, "yellow"),
    (165, "green"),
    (192, "cyan"),
    (255, "blue"),
    (290, "purple"),
    (335, "pink"),
    (361, "red"),
)
"""Upper bound of the hue in degrees, and its name."""


def colour_name(red: int, green: int, blue: int) -> str:
    """The everyday name of one colour: `dark blue`, `white`, `brown`."""
    high, low = max(red, green, blue), min(red, green, blue)
    value, spread = high / 255, high - low
    saturation = spread / high if high else 0.0
    if value < 0.16:
        return "black"
    if saturation < 0.14 or spread < 18:
        return (
            "white"
            if value > 0.86
            else "light grey"
            if value > 0.68
            else "grey"
            if value > 0.36
            else "dark grey"
        )
    if high == red:
        hue = 60 * ((green - blue) / spread % 6)
    elif high == green:
        hue = 60 * ((blue - red) / spread + 2)
    else:
        hue = 60 * ((red - green) / spread + 4)
    name = next(word for bound, word in _HUES if hue < bound)
    if name == "orange" and value < 0.72:
        return "dark brown" if value < 0.4 else "brown"
    if name == "red" and saturation < 0.5 and value > 0.6:
        return "pink"
    if value < 0.4:
        return f"dark {name}"
    if saturation < 0.42 and value > 0.6:
        return f"light {name}"
    return name


def without_bars(pixels: Pixels) -> Pixels:
    """The picture without the black bars around it; as it is where all of it is dark."""
    lit = pixels.max(axis=2) > BAR_LEVEL
    rows, columns = np.flatnonzero(lit.mean(axis=1) > BAR_SHARE), np.flatnonzero(lit.mean(axis=0) > BAR_SHARE)
    if rows.size < LEAST_SHARE_LEFT * pixels.shape[0] or columns.size < LEAST_SHARE_LEFT * pixels.shape[1]:
        return pixels
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def dominant_colours(pictures: Sequence[Picture]) -> list[str]:
    """Names of the three colours at most that cover most of the pictures, largest first."""
    counts: Counter[str] = Counter()
    for picture in pictures:
        small = Image.fromarray(without_bars(picture.pixels)).resize(_SAMPLE_PIXELS, Image.Resampling.BOX)
        pixels = np.reshape(np.asarray(small, dtype=np.uint8), (-1, 3))
        colours, numbers = np.unique(pixels >> 3 << 3, axis=0, return_counts=True)
        for (red, green, blue), number in zip(colours.tolist(), numbers.tolist(), strict=True):
            counts[colour_name(red + 4, green + 4, blue + 4)] += number
    least = _LEAST_SHARE * sum(counts.values())
    most = counts.most_common(3)
    return [name for place, (name, number) in enumerate(most) if not place or number >= least]
