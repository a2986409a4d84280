"""Every text is read with its own span, whatever moves behind it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mrvideo.models.offline.reading import clips, engine
from mrvideo.models.offline.reading.clips import read_clip
from mrvideo.models.offline.reading.pictures import Picture
from mrvideo.records import Span

pytestmark = pytest.mark.slow

CLIP = Span(20.0, 30.0)


def read(film: Any, span: Span = CLIP) -> list[tuple[str, float, float]]:
    frames = [Picture(p.jpeg, p.time_seconds) for p in film.pictures(span)]
    return [(s.text, s.start_seconds, s.stop_seconds) for s in read_clip(frames, span).sightings]


@pytest.mark.parametrize("start", [20.0, 21.7, 25.3, 28.0])
@pytest.mark.parametrize("background", ["moving", "#204060"])
def test_a_text_shown_for_two_seconds_is_found_to_the_second(
    make_film: Callable[..., Any], start: float, background: str
) -> None:
    film = make_film(60.0, background).text("KANGAROO", start, start + 2.0)
    [(text, first, last)] = read(film)
    assert text == "KANGAROO"
    assert abs(first - start) <= 0.5
    assert abs(last - (start + 2.0)) <= 0.5


def test_a_text_that_fills_the_clip_fills_its_span(make_film: Callable[..., Any]) -> None:
    assert read(make_film(60.0).text("Harbour Day", 0, 60)) == [("Harbour Day", 20.0, 30.0)]


def test_the_same_text_twice_is_two_sightings(make_film: Callable[..., Any]) -> None:
    film = make_film(60.0, "#204060").text("OPEN", 21.0, 23.0).text("OPEN", 26.0, 28.0)
    assert [text for text, _, _ in read(film)] == ["OPEN", "OPEN"]


def test_texts_that_differ_by_a_letter_stay_apart(make_film: Callable[..., Any]) -> None:
    film = make_film(60.0).text("The secret word is Mike", 21, 23).text("The secret word is Mark", 23, 25)
    assert [text for text, _, _ in read(film)] == ["The secret word is Mike", "The secret word is Mark"]


def test_texts_of_a_second_each_in_one_place_stay_apart(make_film: Callable[..., Any]) -> None:
    film = make_film(60.0, "#204060")
    names = ["Mike", "Mark", "Mary", "Marc"]
    for place, name in enumerate(names):
        film.text(f"The secret word is {name}", 22.0 + place, 23.0 + place)
    assert [text for text, _, _ in read(film)] == [f"The secret word is {name}" for name in names]


def test_several_texts_at_once_have_spans_of_their_own(make_film: Callable[..., Any]) -> None:
    film = make_film(60.0).text("NEWS", 20, 30, at=(20, 10)).text("Rain in Bergen", 23, 26, at=(40, 200))
    found = {text: (first, last) for text, first, last in read(film)}
    assert found["NEWS"] == (20.0, 30.0)
    assert found["Rain in Bergen"] == pytest.approx((23.0, 26.0), abs=0.5)


def test_lines_set_close_together_are_one_text(make_film: Callable[..., Any]) -> None:
    film = (
        make_film(60.0).text("Look where", 22, 27, at=(60, 100)).text("the gulls sleep", 22, 27, at=(40, 140))
    )
    assert [text for text, _, _ in read(film)] == ["Look where the gulls sleep"]


def test_a_text_that_something_hides_for_a_moment_is_one_text(make_film: Callable[..., Any]) -> None:
    film = make_film(60.0, "#204060").text("KITTIWAKE", 20, 30, at=(120, 120))
    plain = film.jpeg

    def hidden(seconds: float) -> bytes:
        if not 24.4 <= seconds < 25.4:
            return plain(seconds)
        kept, film.texts = film.texts, [("TIWAKE", 0, 60, (178, 120), 34)]
        jpeg = plain(seconds)
        film.texts = kept
        return jpeg

    film.jpeg = hidden
    assert read(film) == [("KITTIWAKE", 20.0, 30.0)]


def test_where_nothing_is_written_nothing_is_read(make_film: Callable[..., Any]) -> None:
    assert read(make_film(60.0)) == []


def test_a_cut_is_where_a_text_ends(make_film: Callable[..., Any]) -> None:
    film = make_film(60.0, "#204060").text("BEFORE", 0, 25.2)
    frames = [Picture(p.jpeg, p.time_seconds) for p in film.pictures(CLIP)]
    [sighting] = read_clip(frames, CLIP, cut_times=(25.2,)).sightings
    assert sighting.stop_seconds == 25.2


def test_no_frames_no_texts() -> None:
    assert read_clip([], CLIP).sightings == ()


def test_nothing_is_told_to_the_makers_of_the_libraries(tmp_path):
    """ONNX Runtime keeps a device id and a queue of reports in the home folder, from its import on, unless
    told not to.
    """
    home = tmp_path / "home"
    home.mkdir()
    program = (
        "import time, numpy; from mrvideo.models.offline.reading.engine import _new_engine; "
        "_new_engine()(numpy.zeros((64, 64, 3), numpy.uint8)); time.sleep(2)"
    )
    environment = {**os.environ, "HOME": str(home)}
    environment.pop("XDG_CACHE_HOME", None)
    subprocess.run([sys.executable, "-c", program], check=True, env=environment, timeout=120)
    assert [str(path) for path in home.rglob("*") if path.is_file()] == []


def test_the_rows_of_a_table_read_as_one_text_each(make_film: Callable[..., Any]) -> None:
    """Cell by cell, nothing told which platform belongs to which town."""
    film = make_film(60.0, "#204060")
    for height, row in ((60, ("10:05", "Turin", "Gate 2")), (130, ("10:30", "Basel", "Gate 7"))):
        for left, cell in zip((20, 170, 330), row, strict=True):
            film.text(cell, 20, 30, at=(left, height), size=28)
    assert [text for text, _, _ in read(film)] == ["10:05 Turin Gate 2", "10:30 Basel Gate 7"]


def test_two_texts_that_happen_to_stand_side_by_side_stay_two(make_film: Callable[..., Any]) -> None:
    film = make_film(60.0, "#204060").text("00042", 20, 30, at=(20, 20)).text("OSLO", 20, 30, at=(330, 20))
    assert sorted(text for text, _, _ in read(film)) == ["00042", "OSLO"]


class Reader:
    """Finds a row of letters, of which the network that reads knows none: such rows are left out of what is
    read.
    """

    def __init__(self, certainty: float, height: float) -> None:
        self.cfg = SimpleNamespace(Det=SimpleNamespace(limit_side_len=0))
        self.text_det = SimpleNamespace(limit_side_len=0)
        box = [[40.0, 100.0], [280.0, 100.0], [280.0, 100.0 + height], [40.0, 100.0 + height]]
        self.found = SimpleNamespace(boxes=np.array([box]), scores=[certainty], txts=None)

    def __call__(self, pixels: Any, *, use_det: bool, use_rec: bool) -> Any:
        return SimpleNamespace(boxes=None, txts=None, scores=None) if use_rec else self.found


@pytest.mark.parametrize(
    ("certainty", "height", "is_told"), [(0.83, 32.0, True), (0.83, 80.0, False), (0.4, 32.0, False)]
)
def test_letters_of_which_nothing_is_read_are_text_that_could_not_be_read(
    monkeypatch: pytest.MonkeyPatch, certainty: float, height: float, is_told: bool
) -> None:
    """A station's sign in Cyrillic was "no text on screen"."""
    monkeypatch.setattr(engine, "_engine", lambda: Reader(certainty, height))
    lines = engine.read_part(np.full((180, 320, 3), 255, np.uint8), of_pixels=320, of_height=180)
    assert [(line.text, line.top) for line in lines] == ([("", 100.0)] if is_told else [])


@pytest.mark.parametrize("background", ["moving", "#204060"])
def test_what_cannot_be_read_is_told_of_a_clip_that_stands_still_too(
    make_film: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, background: str
) -> None:
    """It had to be met twice, and what does not change is read once."""
    strange = engine.Line(40.0, 100.0, 280.0, 132.0, "", 0.0)
    monkeypatch.setattr(clips.Sheet, "read", lambda self, picture: [strange])
    frames = [Picture(p.jpeg, p.time_seconds) for p in make_film(60.0, background).pictures(CLIP)]
    assert read_clip(frames, CLIP).unread
    assert not read_clip(frames[:1], CLIP).unread
