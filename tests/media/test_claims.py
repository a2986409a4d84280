"""What a file claims costs nothing by itself: work and memory are bounded by its pictures, not by the seconds
they span.
"""

from __future__ import annotations

import struct
import tracemalloc
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from support.films import frames_of

from mrvideo.media import open_video
from mrvideo.media.identity import probe
from mrvideo.media.shard import read_shard
from mrvideo.media.shots import ShotDetector
from mrvideo.records import Span

MEGABYTE = 1 << 20
MILLISECONDS = Fraction(1, 1000)


def peak_bytes(work) -> int:
    """The most memory that Python and numpy held at once for it."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def watched(times: list[float]) -> ShotDetector:
    """A detector that saw a grey picture at each time."""
    chance = np.random.default_rng(1)
    detector = ShotDetector()
    for time in times:
        detector(time, chance.integers(0, 255, (36, 64)).astype(np.uint8))
    return detector


def test_two_pictures_a_million_seconds_apart_take_no_memory():
    """Dangerous: 21 GiB, for a file of 1.4 KB."""
    detector = watched([0.0, 0.04, 0.08, 1e6, 1e6 + 0.04])
    span = Span(0.0, 1e6 + 1)
    assert peak_bytes(lambda: detector.shots(span)) < 4 * MEGABYTE


@pytest.mark.slow
def test_a_slide_show_of_hours_takes_memory_by_its_slides():
    """Dangerous: 650 MB for each of its shards, as a pass begins at a key frame that may lie hours before."""
    detector = watched([60.0 * i for i in range(240)])
    assert peak_bytes(lambda: detector.shots(Span(14_280.0, 14_400.0))) < 16 * MEGABYTE


def test_what_lies_long_before_the_asked_span_is_let_go():
    """A film whose only key frame is its first picture is decoded from there on for each shard."""
    detector = ShotDetector(600.0)
    picture = np.zeros((36, 64), np.uint8)

    def watch() -> None:
        for i in range(15_000):
            detector(i / 25, picture.copy())

    assert peak_bytes(watch) < 4 * MEGABYTE
    assert detector.borders() == []


def test_a_cut_right_after_the_long_lead_is_found():
    chance = np.random.default_rng(2)
    one, other = (chance.integers(0, 255, (36, 64)).astype(np.uint8) for _ in range(2))
    detector = ShotDetector(600.0)
    for i in range(15_200):
        detector(i / 25, one if i < 15_010 else other)
    (first, second) = detector.shots(Span(600.0, 608.0))
    assert (first.stop_seconds, second.transition) == (600.4, "cut")


def test_dissolves_are_found_on_both_sides_of_a_picture_that_stays():
    chance = np.random.default_rng(3)
    places = [np.kron(chance.random((9, 16)), np.ones((4, 4))) * 200 + 20 for _ in range(4)]

    def picture(time: float) -> np.ndarray:
        before, after = (places[0], places[1]) if time < 100 else (places[2], places[3])
        share = min(1.0, max(0.0, (time % 100) - 4.0))
        return (1 - share) * before + share * after

    detector = ShotDetector()
    for start in (0.0, 1000.0):
        for i in range(150):
            time = start + i / 15
            detector(time, picture(time).astype(np.uint8))
    dissolves = [time for time, kind in detector.borders() if kind == "dissolve"]
    assert dissolves == pytest.approx([4.5, 1004.5], abs=0.4)


@pytest.mark.parametrize("far_seconds", [1_000_000, 2_000_000])
def test_a_picture_stamped_days_later_is_told_and_not_waited_for(film_maker, number_in, far_seconds: int):
    """Dangerous: it was planned as 8,000 shards, and 100,000 calls on one picture."""
    film = film_maker(
        f"claim_{far_seconds}.mkv",
        ticks=[0, 500, 1000, 1500, far_seconds * 1000],
        time_base=MILLISECONDS,
        options={"g": "1"},
    )
    info = probe(film.path)
    assert info.duration_seconds == pytest.approx(1.5, abs=0.6)
    (note,) = info.notes
    assert "days later" in note
    assert "re-mux" in note
    with open_video(film.path) as video:
        assert [number_in(frame) for frame in frames_of(video, [0.1, 0.7, 1.2])] == [0, 1, 2]
        assert video.lost == ()


def test_a_length_of_days_that_no_picture_reaches_is_not_believed(film_maker, films, tmp_path: Path):
    """Large enough to hold half a byte for each second that it claims."""
    data = bytearray(film_maker("h264.mkv", **films["h264.mkv"]).path.read_bytes())
    at = data.index(b"\x44\x89\x88") + 3
    data[at : at + 8] = struct.pack(">d", 1e9)
    path = tmp_path / "long.mkv"
    path.write_bytes(data + b"\xec" + (1 << 56 | 700_000).to_bytes(8, "big") + bytes(700_000))
    info = probe(path)
    assert info.duration_seconds == pytest.approx(3.0, abs=0.1)
    assert "is not believed" in info.notes[0]


def test_a_slide_show_of_four_hours_is_as_long_as_it_says(film_maker, number_in):
    """Pictures that stay for a minute, or for hours where somebody speaks over them, are no damage."""
    ticks = [60_000 * i for i in range(180)] + [14_400_000 - 60_000]
    film = film_maker("slides.mkv", ticks=ticks, time_base=MILLISECONDS, size=(80, 48))
    info = probe(film.path)
    assert info.notes == ()
    assert info.duration_seconds == pytest.approx(14_340.0, abs=1.0)
    peak = peak_bytes(lambda: read_shard(film.path, Span(14_220.0, 14_340.0)))
    assert peak < 8 * MEGABYTE
    with open_video(film.path) as video:
        assert [number_in(frame) for frame in frames_of(video, [59.0, 61.0, 12_000.0, 14_340.01])] == [
            0,
            1,
            179,
            180,
        ]


@pytest.mark.slow
def test_it_is_told_which_of_two_video_streams_is_read(film_maker, films):
    info = probe(film_maker("two_streams.mp4", **films["two_streams.mp4"]).path)
    assert info.notes == ("2 video streams: stream 1 (h264, 160×96) is read, not stream 0 (h264, 320×192)",)
    assert probe(film_maker("cover.mp4", **films["cover.mp4"]).path).notes == ()
