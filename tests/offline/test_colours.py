"""Colours get the names that people give them."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from mrvideo.models.offline.reading.colours import colour_name, dominant_colours
from mrvideo.models.offline.reading.pictures import Picture


@pytest.mark.parametrize(
    ("colour", "name"),
    [
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((128, 128, 128), "grey"),
        ((220, 30, 30), "red"),
        ((30, 60, 200), "blue"),
        ((10, 20, 80), "dark blue"),
        ((40, 160, 60), "green"),
        ((250, 220, 40), "yellow"),
        ((250, 150, 20), "orange"),
        ((120, 72, 40), "brown"),
        ((150, 200, 250), "light blue"),
        ((250, 150, 190), "pink"),
    ],
)
def test_a_colour_is_called_what_people_call_it(colour: tuple[int, int, int], name: str) -> None:
    assert colour_name(*colour) in (name, f"light {name}")


def test_the_largest_colour_comes_first() -> None:
    sheet = Image.new("RGB", (96, 54), (20, 30, 200))
    sheet.paste((240, 240, 240), (0, 0, 96, 16))
    held = io.BytesIO()
    sheet.save(held, "JPEG", quality=95)
    assert dominant_colours([Picture(held.getvalue(), 0.0)]) == ["blue", "white"]
