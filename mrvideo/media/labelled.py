"""Labelled contact sheets: pictures in a grid, each with its label in a band above it, in files of bounded
size.

    |12.00 s  |12.50 s  |13.00 s  |        `Cell.box` is where the picture itself lies, without its band,
    |  ~~~~   |  ~~~~   |  ~~~~   |        in pixels of the sheet
    |13.50 s  |<dog_a>  |

Pictures keep their own pixels: a cell is as large as the largest of its sheet, and smaller ones stand in its
upper left.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from mrvideo.media.images import encode_jpeg, fit_within

MAX_BYTES = 1_000_000
"""Of one sheet: what clients take as one picture."""

LONG_SIDE_PIXELS = 1568
"""Of one sheet: common models scale down what is larger."""

BAND_PIXELS = 20
_QUALITIES = (88, 75, 60)


@dataclass(frozen=True, slots=True)
class SheetCell:
    """One picture of a sheet: its label, and its left, top, right and bottom edges in pixels of the sheet."""

    label: str
    box: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A picture of labelled pictures, as JPEG bytes; cells row by row."""

    jpeg: bytes
    width: int
    height: int
    cells: tuple[SheetCell, ...]


def labelled_sheets(pictures: Iterable[tuple[str, bytes]], *, most_cells: int = 20) -> tuple[Sheet, ...]:
    """The pictures (label, JPEG) in order, on as few sheets as hold them: at most `most_cells`, `MAX_BYTES`
    and `LONG_SIDE_PIXELS` each.
    """
    opened = [(label, _opened(jpeg)) for label, jpeg in pictures]
    made: list[Sheet] = []
    at = 0
    while at < len(opened):
        rest = len(opened) - at
        count = _fitting([image.size for _, image in opened[at : at + most_cells]])
        # As many on each: a last sheet of one picture costs a look of its own.
        count = -(-rest // -(-rest // count))
        sheet = _sheet(opened[at : at + count])
        while sheet is None and count > 1:
            count = -(-count // 2)
            sheet = _sheet(opened[at : at + count])
        if sheet is None:
            label, image = opened[at]
            # Noise at full size: the half of its pixels takes a fraction of the bytes.
            opened[at] = (label, image.resize(fit_within(*image.size, max(image.size) // 2)))
            continue
        made.append(sheet)
        at += count
    return tuple(made)


def _opened(jpeg: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg)).convert("RGB")
    return image.resize(fit_within(*image.size, LONG_SIDE_PIXELS - BAND_PIXELS))


def _grid(sizes: Sequence[tuple[int, int]]) -> tuple[int, int, int, int]:
    """Columns, rows, and a cell's width and height with its band."""
    width, height = max(w for w, _ in sizes), max(h for _, h in sizes) + BAND_PIXELS
    columns = max(1, min(len(sizes), LONG_SIDE_PIXELS // width))
    return columns, -(-len(sizes) // columns), width, height


def _fitting(sizes: Sequence[tuple[int, int]]) -> int:
    """How many of the first fit on one sheet; at least one."""
    for count in range(len(sizes), 1, -1):
        _, rows, _, height = _grid(sizes[:count])
        if rows * height <= LONG_SIDE_PIXELS:
            return count
    return 1


def _sheet(pictures: Sequence[tuple[str, Image.Image]]) -> Sheet | None:
    """One sheet; None where it takes more bytes than a sheet may."""
    columns, rows, width, height = _grid([image.size for _, image in pictures])
    sheet = Image.new("RGB", (columns * width, rows * height))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=BAND_PIXELS - 6)
    cells: list[SheetCell] = []
    for place, (label, image) in enumerate(pictures):
        left, top = place % columns * width, place // columns * height
        sheet.paste(image, (left, top + BAND_PIXELS))
        draw.text((left + 3, top + 1), _shortened(label, draw, font, width), fill="white", font=font)
        box = (left, top + BAND_PIXELS, left + image.width, top + BAND_PIXELS + image.height)
        cells.append(SheetCell(label, box))
    for quality in _QUALITIES:
        jpeg = encode_jpeg(sheet, quality=quality)
        if len(jpeg) <= MAX_BYTES:
            return Sheet(jpeg, sheet.width, sheet.height, tuple(cells))
    return None


def _shortened(label: str, draw: ImageDraw.ImageDraw, font: object, width: int) -> str:
    while len(label) > 1 and draw.textlength(label, font=font) > width - 6:  # pyright: ignore[reportArgumentType]
        label = label[:-2] + "…"
    return label
