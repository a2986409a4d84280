"""Only what changed is searched again, and nothing is lost by it."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from mrvideo.models.offline.reading import sheet as rereading
from mrvideo.models.offline.reading.engine import read_picture
from mrvideo.models.offline.reading.pictures import Picture
from mrvideo.models.offline.reading.sheet import Sheet


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The pictures that were searched as a whole."""
    searched: list[bytes] = []

    def note(jpeg: bytes) -> Any:
        searched.append(jpeg)
        return read_picture(jpeg)

    monkeypatch.setattr(rereading, "read_picture", note)
    return searched


def texts(sheet: Sheet, film: Any, seconds: float) -> list[str]:
    return [line.text for line in sheet.read(Picture(film.jpeg(seconds), seconds))]


def test_what_comes_and_goes_beside_a_standing_text_is_read_without_searching_the_whole(
    make_film: Callable[..., Any], whole: list[bytes]
) -> None:
    film = (
        make_film(10.0, "#204060").text("HARBOUR", 0, 10, at=(30, 20)).text("Kittiwake", 1, 3, at=(250, 200))
    )
    film.text("Guillemot", 2, 3, at=(250, 200))
    sheet = Sheet()
    assert texts(sheet, film, 0.5) == ["HARBOUR"]
    assert texts(sheet, film, 1.5) == ["HARBOUR", "Kittiwake"]
    assert texts(sheet, film, 3.5) == ["HARBOUR"]
    assert len(whole) <= 1


@pytest.mark.slow
def test_a_part_is_read_as_well_as_the_whole(make_film: Callable[..., Any], whole: list[bytes]) -> None:
    film = make_film(10.0, "#204060").text("NO SWIMMING", 1, 10, at=(200, 200), size=18)
    sheet = Sheet()
    texts(sheet, film, 0.0)
    [part] = sheet.read(Picture(film.jpeg(2.0), 2.0))
    [plain] = read_picture(film.jpeg(2.0))
    assert part.text == plain.text
    assert part.overlap(plain) > 0.8
    assert len(whole) <= 1


def test_a_text_that_changes_in_part_is_read_in_whole(make_film: Callable[..., Any]) -> None:
    film = make_film(10.0, "#204060").text("Platform", 0, 10, at=(40, 120))
    film.text("twelve", 1, 10, at=(185, 120))
    sheet = Sheet()
    assert texts(sheet, film, 0.5) == ["Platform"]
    assert "".join(texts(sheet, film, 1.5)).replace(" ", "") == "Platformtwelve"


@pytest.mark.slow
def test_a_text_that_fades_in_too_slowly_to_change_a_picture_is_found_in_the_end(
    make_film: Callable[..., Any],
) -> None:
    """Compared with the picture just before, it would never be seen to come."""
    film = make_film(10.0, "#404040").text("MIDNIGHT", 5, 10, at=(40, 120))
    before, after = (Image.open(io.BytesIO(film.jpeg(t))) for t in (0.0, 6.0))
    sheet = Sheet()
    read: list[list[str]] = []
    for step in range(41):
        held = io.BytesIO()
        Image.blend(before, after, step / 40).save(held, "JPEG", quality=95)
        read.append([line.text for line in sheet.read(Picture(held.getvalue(), float(step)))])
    assert read[0] == []
    assert read[-1] == ["MIDNIGHT"]
