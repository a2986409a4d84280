"""Labelled contact sheets: every picture is there, unscaled, under its label, and no file is too large."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from mrvideo.media.labelled import BAND_PIXELS, LONG_SIDE_PIXELS, MAX_BYTES, labelled_sheets


def jpeg(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def plain(width: int, height: int, grey: int) -> bytes:
    return jpeg(np.full((height, width, 3), grey, np.uint8))


def test_each_picture_stands_in_its_cell_with_its_own_pixels() -> None:
    sizes = [(512, 288), (128, 288), (512, 200), (64, 48)]
    given = [(f"{n}.00 s", plain(w, h, 40 * n + 20)) for n, (w, h) in enumerate(sizes)]
    (sheet,) = labelled_sheets(given)
    image = Image.open(io.BytesIO(sheet.jpeg))
    assert image.size == (sheet.width, sheet.height) == (3 * 512, 2 * (288 + BAND_PIXELS))
    assert [cell.label for cell in sheet.cells] == [label for label, _ in given]
    for number, (cell, size) in enumerate(zip(sheet.cells, sizes, strict=True)):
        left, top, right, bottom = cell.box
        assert (right - left, bottom - top) == size
        assert (
            abs(np.asarray(image.crop((left + 8, top + 8, right - 8, bottom - 8))) - 40.0 * number - 20).max()
            <= 3
        )
        band = np.asarray(image.crop((left, top - BAND_PIXELS, right, top)))
        assert band.max() > 128, "the label is drawn above it"


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 15, 16, 20, 21, 40])
def test_no_picture_is_left_out(count: int) -> None:
    given = [(f"{n}.00 s", plain(512, 288, n * 6)) for n in range(count)]
    made = labelled_sheets(given)
    assert [cell.label for sheet in made for cell in sheet.cells] == [label for label, _ in given]
    assert all(max(sheet.width, sheet.height) <= LONG_SIDE_PIXELS for sheet in made)
    assert len(made) == -(-count // 15)


@pytest.mark.slow
def test_noise_at_any_size_stays_below_the_bound() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (2000, 3000, 3), np.uint8)
    made = labelled_sheets(
        [("1.00 s", jpeg(noise)), ("2.00 s", jpeg(noise[:288, :512])), ("a" * 400, jpeg(noise))]
    )
    assert [cell.label for sheet in made for cell in sheet.cells] == ["1.00 s", "2.00 s", "a" * 400]
    assert all(len(sheet.jpeg) <= MAX_BYTES for sheet in made)
    assert all(max(sheet.width, sheet.height) <= LONG_SIDE_PIXELS for sheet in made)


def test_no_pictures_make_no_sheet() -> None:
    assert labelled_sheets([]) == ()


def test_a_last_sheet_holds_no_single_picture() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (64, 48)).save(stream, "JPEG")
    made = labelled_sheets((f"{n} s", stream.getvalue()) for n in range(41))
    assert [len(sheet.cells) for sheet in made] == [14, 14, 13]
    assert [cell.label for sheet in made for cell in sheet.cells] == [f"{n} s" for n in range(41)]
