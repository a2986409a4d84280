"""Contact sheets: many small pictures of individuals as a few large ones, each cell with its name above it.

    |<person_a>|<person_b>|<red_car_a>    |        a cell: the name, below it what a box of a frame shows
    |   ,@@,   |   ,&&,   |   ___,--.__   |        one height in a row, widths as the boxes' shapes are
    |----------|----------|---------------|        a row is as wide as a sheet may be, at most

A frame of its own costs what four to ten cells of a sheet do, and shows mostly what is not meant.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageStat

from mrvideo.media.images import encode_jpeg, open_image
from mrvideo.models.base import Picture
from mrvideo.records import WHOLE, Box, Frame

CELL_PIXELS = 192
"""Height of a row of upright individuals; wide ones have lower rows, of about as many pixels."""

NAME_PIXELS = 20
"""Height of the name above it."""

SHEET_PIXELS = 4 * CELL_PIXELS
"""Most pixels of a row."""

CELLS = 12
"""Most cells of one sheet."""

USUAL_SHAPE = 0.65
"""Width of a box in heights, where nobody knows: of somebody who is seen from head to knee."""

_SQUARISH = 0.75
"""Rows of cells that are wider than this, in heights, are lower."""

_NARROWEST, _WIDEST = 0.25, 4.0
"""Shapes of cells; what is beyond has a margin."""

_SAME_LEVEL = 10
"""Difference of brightness, of 255, that compression makes."""

_EDGE = 0.01
"""Share of a picture's width that a box may miss its edge by."""

BOX_MARGIN = 0.08
"""A box is widened by this share of its size: what identifies somebody often lies at its edge."""


@dataclass(frozen=True)
class Cell:
    """One picture of an individual: the name it goes by in the request, a frame, and where it is in the
    source picture. `told` is what the sheet's label says of it where that is more than fits above it.
    """

    name: str
    frame: Frame
    box: Box | None = None
    told: str | None = None

    def image(self) -> Image.Image:
        """What the box shows, or the whole frame, in the frame's own pixels."""
        image = open_image(self.frame)
        part = self.box.padded(BOX_MARGIN).seen_in(self.frame.crop) if self.box is not None else None
        if part is not None and part != WHOLE:
            edges = (part.left, part.top, part.right, part.bottom)
            sizes = (image.width, image.height, image.width, image.height)
            left, top, right, bottom = (round(edge * size) for edge, size in zip(edges, sizes, strict=True))
            image = image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
        return image

    @cached_property
    def _small(self) -> Image.Image:
        return self.image().convert("L").resize((16, 16), Image.Resampling.BOX)

    def shows_what(self, other: Cell) -> bool:
        """Whether it is all but the same picture: nobody learns more from both."""
        _, most = ImageChops.difference(self._small, other._small).getextrema()
        return int(most) <= _SAME_LEVEL  # pyright: ignore[reportArgumentType]

    def difference(self, other: Cell) -> float:
        """How far the pictures differ in the mean, of 255."""
        return ImageStat.Stat(ImageChops.difference(self._small, other._small)).mean[0]

    @property
    def is_cut(self) -> bool:
        """Whether its box ends at the left or right edge of the picture, as that of somebody who walks out of
        it does.
        """
        part = self.box.seen_in(self.frame.crop) if self.box is not None else None
        return part is not None and part != WHOLE and (part.left < _EDGE or part.right > 1 - _EDGE)


def touches_edge(box: Box) -> bool:
    """Whether a box ends at the left, right or upper edge of the source: what it holds is cut off there. People are
    often shown down to the picture's lower edge.
    """
    return box.left < _EDGE or box.right > 1 - _EDGE or box.top < _EDGE


def photo_cell(name: str, jpeg: bytes) -> Cell:
    """A photo that the user gave of somebody. It is of no time in the video."""
    return Cell(f"{name} photo", Frame(0.0, jpeg, 1, 1), told=f"{name} photo given by the user")


def sheets(cells: Sequence[Cell]) -> tuple[Picture, ...]:
    """The cells in order, on as few sheets as hold them. A sheet's label names its cells row by row; its time
    is the first's.
    """
    return tuple(_sheet(cells[at : at + CELLS]) for at in range(0, len(cells), CELLS))


def sheet_size(cells: int, shape: float = USUAL_SHAPE) -> tuple[int, int]:
    """Width and height of a sheet of so many cells of one shape (width in heights), in pixels."""
    rows = _rows([shape] * cells, [0] * cells)
    return _size(rows)


def sheet_label(rows: Sequence[Sequence[str]]) -> str:
    """`sheet, row 1: <person_a>, <person_b>; row 2: <dog_a>`."""
    return "sheet, " + "; ".join(
        f"row {number}: {', '.join(row)}" for number, row in enumerate(rows, start=1)
    )


class _Row(NamedTuple):
    """A row's height, and the widths of its cells, in pixels."""

    height: int
    widths: tuple[int, ...]


def _rows(shapes: Sequence[float], least: Sequence[int]) -> list[_Row]:
    """Cells of these shapes in order, as many in a row as fit; none is narrower than its `least` pixels."""
    rows: list[_Row] = []
    begin = 0
    for end in range(2, len(shapes) + 1):
        if end - begin > 1 and sum(_row(shapes[begin:end], least[begin:end]).widths) > SHEET_PIXELS:
            rows.append(_row(shapes[begin : end - 1], least[begin : end - 1]))
            begin = end - 1
    return [*rows, _row(shapes[begin:], least[begin:])]


def _row(shapes: Sequence[float], least: Sequence[int]) -> _Row:
    # Of a tall and a wide one neither shrinks to nothing by it.
    mean = math.prod(shapes) ** (1 / len(shapes))
    height = round(CELL_PIXELS * min(1.0, math.sqrt(_SQUARISH / mean)))
    return _Row(height, tuple(max(low, round(height * one)) for one, low in zip(shapes, least, strict=True)))


def _size(rows: Sequence[_Row]) -> tuple[int, int]:
    return max(sum(row.widths) for row in rows), sum(row.height + NAME_PIXELS for row in rows)


def _sheet(cells: Sequence[Cell]) -> Picture:
    font = ImageFont.load_default(size=NAME_PIXELS - 6)
    images = [cell.image() for cell in cells]
    shapes = [min(max(image.width / image.height, _NARROWEST), _WIDEST) for image in images]
    rows = _rows(shapes, [math.ceil(font.getlength(cell.name)) + 6 for cell in cells])
    sheet = Image.new("RGB", _size(rows))
    draw = ImageDraw.Draw(sheet)
    place, top = 0, 0
    for row in rows:
        left = 0
        for width in row.widths:
            # Small ones are enlarged: a model sees as little of thirty pixels as we do.
            image = images[place]
            scale = min(width / image.width, row.height / image.height)
            size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
            sheet.paste(image.resize(size), (left, top + NAME_PIXELS))
            draw.text((left + 3, top + 1), cells[place].name, fill="white", font=font)
            place, left = place + 1, left + width
        top += row.height + NAME_PIXELS
    names = iter(cell.told or cell.name for cell in cells)
    label = sheet_label([[next(names) for _ in row.widths] for row in rows])
    return Picture(label, encode_jpeg(sheet), cells[0].frame.time_seconds)
