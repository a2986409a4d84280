"""Contact sheets: many small pictures of individuals as a few large ones, each cell with its name above it.

    |<person_a>|<person_b>|<dog_a>   |        a cell: the name, below it what a box of a frame shows
    |  ,@@,    |   ,&&,   |          |        as large as fits, from the upper left
    |----------|----------|----------|

A frame of its own costs what four to ten cells of a sheet do, and shows mostly what is not meant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageFont

from mrvideo.media.images import encode_jpeg, open_image
from mrvideo.models.base import Picture
from mrvideo.records import WHOLE, Box, Frame

CELL_PIXELS = 192
"""Long side of what a cell shows. A person fills it, where the frame has so many pixels of one."""

NAME_PIXELS = 20
"""Height of the name above it."""

COLUMNS, ROWS = 4, 3
CELLS = COLUMNS * ROWS
"""Most cells of one sheet."""

_SAME_LEVEL = 10
"""Difference of brightness, of 255, that compression makes."""

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
        """What the box shows, or the whole frame: at most `CELL_PIXELS` on its long side."""
        image = open_image(self.frame)
        part = self.box.padded(BOX_MARGIN).seen_in(self.frame.crop) if self.box is not None else None
        if part is not None and part != WHOLE:
            edges = (part.left, part.top, part.right, part.bottom)
            sizes = (image.width, image.height, image.width, image.height)
            left, top, right, bottom = (round(edge * size) for edge, size in zip(edges, sizes, strict=True))
            image = image.crop((left, top, max(right, left + 1), max(bottom, top + 1)))
        # Small ones are enlarged: a model sees as little of thirty pixels as we do.
        scale = CELL_PIXELS / max(image.size)
        return image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))

    def shows_what(self, other: Cell) -> bool:
        """Whether it is all but the same picture: nobody learns more from both."""
        small = [cell.image().convert("L").resize((16, 16), Image.Resampling.BOX) for cell in (self, other)]
        _, most = ImageChops.difference(*small).getextrema()
        return int(most) <= _SAME_LEVEL  # pyright: ignore[reportArgumentType]


def photo_cell(name: str, jpeg: bytes) -> Cell:
    """A photo that the user gave of somebody. It is of no time in the video."""
    return Cell(f"{name} photo", Frame(0.0, jpeg, 1, 1), told=f"{name} photo given by the user")


def sheets(cells: Sequence[Cell]) -> tuple[Picture, ...]:
    """The cells in order, on as few sheets as hold them. A sheet's label names its cells row by row; its time
    is the first's.
    """
    return tuple(_sheet(cells[at : at + CELLS]) for at in range(0, len(cells), CELLS))


def sheet_size(cells: int) -> tuple[int, int]:
    """Width and height of a sheet of so many cells, in pixels."""
    columns = min(cells, COLUMNS)
    return columns * CELL_PIXELS, -(-cells // columns) * (CELL_PIXELS + NAME_PIXELS)


def sheet_label(names: Sequence[str]) -> str:
    """`sheet, row 1: <person_a>, <person_b>; row 2: <dog_a>`."""
    columns = min(len(names), COLUMNS)
    rows = [names[at : at + columns] for at in range(0, len(names), columns)]
    return "sheet, " + "; ".join(
        f"row {number}: {', '.join(row)}" for number, row in enumerate(rows, start=1)
    )


def _sheet(cells: Sequence[Cell]) -> Picture:
    columns = min(len(cells), COLUMNS)
    sheet = Image.new("RGB", sheet_size(len(cells)))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=NAME_PIXELS - 6)
    for place, cell in enumerate(cells):
        left, top = place % columns * CELL_PIXELS, place // columns * (CELL_PIXELS + NAME_PIXELS)
        sheet.paste(cell.image(), (left, top + NAME_PIXELS))
        draw.text((left + 3, top + 1), cell.name, fill="white", font=font)
    return Picture(
        sheet_label([cell.told or cell.name for cell in cells]),
        encode_jpeg(sheet),
        cells[0].frame.time_seconds,
    )
