"""Pictures as JPEG bytes: encoding, decoding, and contact sheets."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import simplejpeg  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from mrvideo.records import Box, Frame, clock


def encode_pixels(pixels: NDArray[np.uint8], *, quality: int = 85) -> bytes:
    """JPEG bytes of (height, width, 3 or 4) pixels: red, green, blue, and a fourth that is left out.

    Quality as in libjpeg, 1–95; colour at half the width and height, as usual. With the decoder's work in the
    caches, simplejpeg takes 0.47 ms for 512×288 pixels where Pillow takes 0.73.
    """
    layout = "RGBX" if pixels.shape[2] == 4 else "RGB"
    contiguous = np.ascontiguousarray(pixels)
    return simplejpeg.encode_jpeg(contiguous, quality, layout, "420", fastdct=False)


def encode_jpeg(image: Image.Image, *, quality: int = 85) -> bytes:
    """The picture as JPEG bytes; quality as in libjpeg, 1–95."""
    return encode_pixels(np.asarray(image.convert("RGB")), quality=quality)


def frame_of(image: Image.Image, time_seconds: float, *, quality: int = 85) -> Frame:
    """A Frame of the picture."""
    return Frame(time_seconds, encode_jpeg(image, quality=quality), image.width, image.height)


def open_image(frame: Frame) -> Image.Image:
    """The frame's pixels, RGB."""
    return Image.open(io.BytesIO(frame.jpeg)).convert("RGB")


def small_grey(frame: Frame) -> Image.Image:
    """The frame in grey at about an eighth of its size: every pixel is a mean of 8 × 8. Decoded so, which is cheap."""
    image = Image.open(io.BytesIO(frame.jpeg))
    image.draft("L", (image.width // 8, image.height // 8))
    return image.convert("L")


def view_colours(frame: Frame) -> NDArray[np.float32]:
    """The frame's mean colours, red, green and blue from 0 to 255, in 8 rows of 12 cells: enough to tell views apart."""
    image = Image.open(io.BytesIO(frame.jpeg))
    # Decodes at an eighth of the size.
    image.draft("RGB", (image.width // 8, image.height // 8))
    return np.asarray(image.convert("RGB").resize((12, 8), Image.Resampling.BOX), dtype=np.float32)


def contrast_around(cells: NDArray[Any]) -> NDArray[Any]:
    """How far apart the lightest and the darkest are of each cell of a grid and its neighbours."""
    around = (_around(np.maximum, cells), _around(np.minimum, cells))
    return around[0] - around[1]


def _around(most: np.ufunc, cells: NDArray[Any]) -> NDArray[Any]:
    """What `most`, the maximum or the minimum, is of each cell and its neighbours: by rows, then by columns, which takes
    a tenth of the time of all nine at once.
    """
    tall = np.array(cells)
    most(tall[1:], cells[:-1], out=tall[1:])
    most(tall[:-1], cells[1:], out=tall[:-1])
    wide = np.array(tall)
    most(wide[:, 1:], tall[:, :-1], out=wide[:, 1:])
    most(wide[:, :-1], tall[:, 1:], out=wide[:, :-1])
    return wide


def fit_within(width: int, height: int, long_side_pixels: int) -> tuple[int, int]:
    """The size scaled down (never up) so that its long side is at most `long_side_pixels`; each side at least
    1.
    """
    long_side = max(width, height)
    if long_side <= long_side_pixels:
        return width, height
    scale = long_side_pixels / long_side
    return max(1, round(width * scale)), max(1, round(height * scale))


def scaled(frame: Frame, long_side_pixels: int, *, jpeg_quality: int = 85) -> Frame:
    """The frame, no longer than so many pixels; unchanged where it is none the longer."""
    size = fit_within(frame.width, frame.height, long_side_pixels)
    if size == (frame.width, frame.height):
        return frame
    image = open_image(frame).resize(size, Image.Resampling.LANCZOS)
    return replace(frame_of(image, frame.time_seconds, quality=jpeg_quality), crop=frame.crop)


def with_crop(
    frame: Frame, crop: Box, *, long_side_pixels: int | None = None, jpeg_quality: int = 85
) -> Frame:
    """The frame as another crop of its source picture: cut to it, and black where it shows more than the
    frame does.

    `crop` is in shares of the source, as `frame.crop` is. No longer than
    `long_side_pixels` where given. A frame that has this crop comes back as it is. Raises ValueError where
    nothing of it is shown.
    """
    if frame.crop == crop:
        return frame
    if crop.intersection(frame.crop) is None:
        raise ValueError(f"the frame at {frame.time_seconds:.2f} s shows nothing of {crop}")
    wide, tall = frame.width / frame.crop.width, frame.height / frame.crop.height
    left, right = (round((x - frame.crop.left) * wide) for x in (crop.left, crop.right))
    top, bottom = (round((y - frame.crop.top) * tall) for y in (crop.top, crop.bottom))
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    # Pillow fills what lies outside with black.
    image = open_image(frame).crop((left, top, right, bottom))
    if long_side_pixels is not None:
        image = image.resize(fit_within(*image.size, long_side_pixels), Image.Resampling.LANCZOS)
    made = frame_of(image, frame.time_seconds, quality=jpeg_quality)
    return replace(made, crop=crop)


def contact_sheet(
    frames: Sequence[Frame],
    *,
    columns: int | None = None,
    long_side_pixels: int = 1024,
    jpeg_quality: int = 85,
) -> Frame:
    """One picture holding the frames as a grid, row by row, each with its time burnt into its upper left
    corner.

    `columns` defaults to the squarest grid. The sheet's own time is its first frame's. Raises ValueError
    without frames.

        |0:00.0   |0:05.0   |0:10.0   |
        |0:15.0   |0:20.0   |
    """
    if not frames:
        raise ValueError("a contact sheet needs at least one frame")
    columns = min(len(frames), columns or math.ceil(math.sqrt(len(frames))))
    rows = math.ceil(len(frames) / columns)
    widest, tallest = max(f.width for f in frames), max(f.height for f in frames)
    scale = min(1.0, long_side_pixels / max(columns * widest, rows * tallest))
    cell_width, cell_height = max(1, int(widest * scale)), max(1, int(tallest * scale))
    sheet = Image.new("RGB", (columns * cell_width, rows * cell_height))
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(size=max(10, min(24, cell_height // 9)))
    for i, frame in enumerate(frames):
        left, top = (i % columns) * cell_width, (i // columns) * cell_height
        picture = open_image(frame)
        picture.thumbnail((cell_width, cell_height))
        sheet.paste(
            picture, (left + (cell_width - picture.width) // 2, top + (cell_height - picture.height) // 2)
        )
        label = clock(frame.time_seconds)
        draw.rectangle(draw.textbbox((left + 2, top + 1), label, font=font), fill="black")
        draw.text((left + 2, top + 1), label, fill="white", font=font)
    return frame_of(sheet, frames[0].time_seconds, quality=jpeg_quality)
