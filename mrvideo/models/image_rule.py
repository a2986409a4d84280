"""How many tokens an image of a size in pixels counts as, by one family's rule.

tiles     OpenAI, older models: a base, plus so much for each 512-px tile after scaling to 2048 × 768
patches   OpenAI, newer and small models: 32-px patches, at most 1536, times a factor
gemini    258 up to 384 × 384, else 258 for each 768-px tile
grid      Qwen-VL, GLM-V: one token for each 28-px (Qwen3: 32-px) square of the image, scaled into bounds of pixels
pixels    Claude: width × height ÷ 750
rows      Pixtral, Mistral Small 3: rows of squares within a long side, one more token at the end of each row
crops     InternVL: so much for each tile of the grid whose shape fits best, and for a thumbnail where there are several
split     Idefics3, SmolVLM: scaled to a long side, so much for each tile of it and for the whole
hd        Phi-4-multimodal: a thumbnail, and one token for each 28-px square of a grid of 448-px tiles, rows ended
fixed     so much, whatever the size
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["tiles", "patches", "gemini", "grid", "pixels", "rows", "crops", "split", "hd", "fixed"]


@dataclass(frozen=True)
class ImageRule:
    """One family's rule. `base` and `per_unit` are tokens; what a unit is depends on the kind.

    `base` counts what stands around the image too, such as its start and end. `long_side_pixels`: what an
    image is scaled to (`split`) or down to (`rows`). `least_pixels` and `most_pixels` bound an image's area;
    0 is no bound.
    """

    prefixes: tuple[str, ...]
    kind: Kind
    base: float = 0
    per_unit: float = 1
    unit_pixels: int = 0
    most_units: int = 0
    long_side_pixels: int = 0
    least_pixels: int = 0
    most_pixels: int = 0
    source: str = ""

    def whole(self) -> ImageRule:
        """The same where images are not cut into tiles, as `hf:` models are asked."""
        return replace(self, most_units=1) if self.kind in ("crops", "split") else self

    def tokens(self, width: int, height: int, *, low_detail: bool = False) -> int:
        """Tokens of one image, in pixels. `low_detail` matters for rules by tiles only."""
        if low_detail and self.kind == "tiles":
            return round(self.base)
        return math.ceil(round(_COUNTS[self.kind](self, width, height), 6))


def _tiles(rule: ImageRule, width: int, height: int) -> float:
    shrink = min(1.0, 2048 / max(width, height))
    shrink *= min(1.0, 768 / (min(width, height) * shrink))
    tiles = math.ceil(width * shrink / 512) * math.ceil(height * shrink / 512)
    return rule.base + rule.per_unit * tiles


def _patches(rule: ImageRule, width: int, height: int) -> float:
    patches = math.ceil(width / rule.unit_pixels) * math.ceil(height / rule.unit_pixels)
    return min(patches, rule.most_units) * rule.per_unit


def _gemini(rule: ImageRule, width: int, height: int) -> float:
    if max(width, height) <= 384:
        return rule.per_unit
    return math.ceil(width / rule.unit_pixels) * math.ceil(height / rule.unit_pixels) * rule.per_unit


def _grid(rule: ImageRule, width: int, height: int) -> float:
    unit = rule.unit_pixels
    columns, rows = round(width / unit), round(height / unit)
    area = columns * rows * unit * unit
    if rule.most_pixels and area > rule.most_pixels:
        scale = math.sqrt(rule.most_pixels / (width * height))
        columns, rows = (max(math.floor(side * scale / unit), 1) for side in (width, height))
    elif area < rule.least_pixels:
        scale = math.sqrt(rule.least_pixels / (width * height))
        columns, rows = (math.ceil(side * scale / unit) for side in (width, height))
    return rule.base + max(columns, 1) * max(rows, 1)


def _pixels(rule: ImageRule, width: int, height: int) -> float:
    return width * height / rule.unit_pixels


def _rows(rule: ImageRule, width: int, height: int) -> float:
    shrink = min(1.0, rule.long_side_pixels / max(width, height))
    columns, rows = (
        max(math.ceil(math.floor(side * shrink + 1e-9) / rule.unit_pixels), 1) for side in (width, height)
    )
    return (columns + 1) * rows


def _crops(rule: ImageRule, width: int, height: int) -> float:
    columns, rows = _best_grid(width, height, rule.most_units, rule.unit_pixels)
    tiles = columns * rows
    return rule.base + rule.per_unit * (tiles + 1 if tiles > 1 else 1)


def _split(rule: ImageRule, width: int, height: int) -> float:
    scale = rule.long_side_pixels / max(width, height)
    columns, rows = (max(math.ceil(int(side * scale) / rule.unit_pixels), 1) for side in (width, height))
    if rule.most_units == 1 or columns * rows == 1:
        return rule.base + rule.per_unit
    # A mark and a place before each tile, a line break after each row.
    return rule.base + rule.per_unit + columns * rows * (rule.per_unit + 2) + rows


def _hd(rule: ImageRule, width: int, height: int) -> float:
    side = rule.unit_pixels
    columns, rows = math.ceil(width / side), math.ceil(height / side)
    if columns * rows > rule.most_units:
        columns, rows = _best_grid(width, height, rule.most_units, side)
    scale = min(columns * side / width, rows * side / height)
    # What fills the tiles up counts for nothing, in cells of 14 px of which two by two are one token.
    across, down = (
        math.ceil((tiles * side - math.floor((tiles * side - int(length * scale)) / 14) * 14) / 28)
        for tiles, length in ((columns, width), (rows, height))
    )
    return rule.base + across * down + down


def _fixed(rule: ImageRule, width: int, height: int) -> float:
    return rule.base


def _best_grid(width: int, height: int, most_tiles: int, side: int) -> tuple[int, int]:
    """Columns and rows of at most so many tiles whose shape is nearest to the image's; of equals the larger,
    if the image has more than half of its pixels.
    """
    grids = [
        (columns, rows)
        for columns in range(1, most_tiles + 1)
        for rows in range(1, most_tiles + 1)
        if columns * rows <= most_tiles
    ]
    best, nearest = (1, 1), math.inf
    for columns, rows in sorted(grids, key=lambda grid: grid[0] * grid[1]):
        off = abs(width / height - columns / rows)
        larger = width * height > 0.5 * side * side * columns * rows
        if off < nearest or (off == nearest and larger):
            best, nearest = (columns, rows), off
    return best


_COUNTS: dict[Kind, Callable[[ImageRule, int, int], float]] = {
    "tiles": _tiles,
    "patches": _patches,
    "gemini": _gemini,
    "grid": _grid,
    "pixels": _pixels,
    "rows": _rows,
    "crops": _crops,
    "split": _split,
    "hd": _hd,
    "fixed": _fixed,
}
