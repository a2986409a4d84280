"""The reader contract: the frame returned for a time is the one on screen at that time, or the reader refuses
by name.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from support.films import frames_of

from mrvideo.errors import ReaderRefused
from mrvideo.media import open_video
from mrvideo.media.joined import JoinedReader, parts_of
from mrvideo.media.options import ReadOptions
from mrvideo.media.pyav import PyAVReader
from mrvideo.media.reader import Reader

REFUSED_BY_DECORD = (
    "hevc",
    "av1",
    "mpeg4",
    "mpeg2",
    "raw",
    "open_gop",
    "h264.ts",
    "h264.flv",
    "interlaced",
    "gif",
    "edit_list",
    "two_streams",
    "cover",
    "wide_pixels",
    "tall_pixels",
    "late_start.ts",
    "resized",
    "intra_refresh",
    "without_count",
    "fragmented",
    "joined",
)


@pytest.fixture(params=["sparse", "every-frame"])
def video(request: pytest.FixtureRequest, film) -> Iterator[Reader]:
    """The film in the default reader, with and without leaving out what nobody asked for."""
    path, sparse = str(film.path), request.param == "sparse"
    parts = parts_of(path)
    assert bool(parts) == film.path.name.startswith("joined")
    with JoinedReader(path, parts, sparse=sparse) if parts else PyAVReader(path, sparse=sparse) as opened:
        yield opened


def check_every_picture_comes_back_at_its_own_time(video: Reader, film, number_in):
    frames = list(frames_of(video, film.middles_seconds))
    expected = range(film.first_number, film.first_number + len(film.starts_seconds))
    assert [number_in(frame) for frame in frames] == list(expected)
    assert [f.time_seconds for f in frames] == pytest.approx(film.starts_seconds, abs=0.002)
    assert video.lost == ()


def check_sparse_times_get_the_same_pictures(video: Reader, film, number_in):
    times = film.middles_seconds[::13]
    assert [number_in(frame) for frame in frames_of(video, times)] == [film.number_at(t) for t in times]
    assert video.lost == ()


def check_few_times_at_random_get_the_same_pictures(video: Reader, film, number_in):
    """Far apart or close, before and after key frames: what is left out between them must not show."""
    dice = random.Random(11)
    for count in (1, 2, 2, 3, 5):
        times = sorted(dice.uniform(0.0, film.stop_seconds - 0.01) for _ in range(count))
        assert [number_in(frame) for frame in frames_of(video, times)] == [film.number_at(t) for t in times]
    assert video.lost == ()


def check_single_times_in_any_order(video: Reader, film, number_in):
    for time in random.Random(7).sample(film.middles_seconds, k=min(8, len(film.starts_seconds))):
        (frame,) = frames_of(video, [time])
        assert number_in(frame) == film.number_at(time)
    assert video.lost == ()


def check_readings_follow_each_other_in_any_order(video: Reader, film, number_in):
    """Each reading stops somewhere else in the decoder's work; the next one must not notice."""
    dice = random.Random(3)
    for _ in range(12):
        first = dice.randrange(len(film.middles_seconds))
        times = film.middles_seconds[first : first + dice.choice([1, 3, 9])]
        assert [number_in(frame) for frame in frames_of(video, times)] == [film.number_at(t) for t in times]


def check_a_frames_own_time_leads_back_to_it(video: Reader, film, number_in):
    for frame in list(frames_of(video, film.middles_seconds[::9])):
        (again,) = frames_of(video, [frame.time_seconds])
        assert number_in(again) == number_in(frame)
        assert again.time_seconds == frame.time_seconds


def check_the_duration_reaches_the_last_pictures_end(video: Reader, film, number_in):
    assert video.info.duration_seconds == pytest.approx(film.stop_seconds, abs=0.09)


def check_a_time_before_the_first_picture_gets_it(video: Reader, film, number_in):
    (frame,) = frames_of(video, [-1.0])
    assert number_in(frame) == film.first_number


def check_the_watcher_sees_each_decoded_picture_once_in_order(video: Reader, film, number_in):
    seen: list[float] = []
    shapes: set[tuple[int, ...]] = set()

    def watch(time_seconds: float, grey) -> None:
        seen.append(time_seconds)
        shapes.add(grey.shape)

    list(frames_of(video, film.middles_seconds, watcher=watch))
    assert seen == sorted(set(seen))
    assert seen == pytest.approx(film.starts_seconds, abs=0.002)
    assert shapes == {(36, 64)}


def check_a_reading_given_up_does_not_disturb_the_next(video: Reader, film, number_in):
    next(iter(frames_of(video, film.middles_seconds)))
    (frame,) = frames_of(video, [film.middles_seconds[-1]])
    assert number_in(frame) == film.number_at(film.middles_seconds[-1])


def check_times_past_the_end_are_reported(video: Reader, film, number_in):
    frames = list(frames_of(video, [film.middles_seconds[-1], film.stop_seconds + 5.0]))
    assert [number_in(frame) for frame in frames] == [film.number_at(film.stop_seconds)]
    (lost,) = video.lost
    assert lost.span.contains(film.stop_seconds + 5.0)
    assert not lost.span.contains(film.middles_seconds[-1])


CONTRACT = [
    check_every_picture_comes_back_at_its_own_time,
    check_sparse_times_get_the_same_pictures,
    check_few_times_at_random_get_the_same_pictures,
    check_single_times_in_any_order,
    check_readings_follow_each_other_in_any_order,
    check_a_frames_own_time_leads_back_to_it,
    check_the_duration_reaches_the_last_pictures_end,
    check_a_time_before_the_first_picture_gets_it,
    check_the_watcher_sees_each_decoded_picture_once_in_order,
    check_a_reading_given_up_does_not_disturb_the_next,
    check_times_past_the_end_are_reported,
]


@pytest.mark.slow
@pytest.mark.parametrize("promise", CONTRACT, ids=lambda promise: promise.__name__)
def test_pyav_keeps_the_contract(promise, video: Reader, film, number_in):
    promise(video, film, number_in)


@pytest.mark.slow
def test_decord_keeps_the_contract_or_refuses(film, number_in):
    """One process for all promises: starting it is what takes the time."""
    pytest.importorskip("decord")
    must_refuse = film.path.name.startswith(REFUSED_BY_DECORD)
    try:
        opened = open_video(film.path, ReadOptions(reader="decord"))
    except ReaderRefused as refusal:
        assert must_refuse
        assert "use the reader 'pyav'" in str(refusal)
        return
    assert not must_refuse
    with opened as video:
        for promise in CONTRACT:
            promise(video, film, number_in)


def test_times_must_ascend(plain_film):
    with open_video(plain_film.path) as video, pytest.raises(ValueError, match="ascending"):
        list(frames_of(video, [1.0, 0.5]))


def test_key_frames_only_gives_the_last_key_frame_before_each_time(plain_film, number_in):
    with open_video(plain_film.path, ReadOptions(keyframes_only=True)) as video:
        frames = list(frames_of(video, [0.5, 1.0, 1.3, 2.9]))
    assert [number_in(frame) for frame in frames] == [0, 0, 30, 60]
    assert [round(frame.time_seconds, 2) for frame in frames] == [0.0, 0.0, 1.2, 2.4]


@pytest.mark.parametrize(
    ("name", "size", "small"),
    [
        ("wide_pixels.mp4", (233, 96), (100, 41)),
        ("tall_pixels.mkv", (160, 108), (100, 68)),
        ("turned_90.mp4", (96, 160), (60, 100)),
        ("turned_180.mp4", (160, 96), (100, 60)),
    ],
)
def test_frames_are_upright_and_square_pixelled(film_maker, films, name: str, size, small):
    path = film_maker(name, **films[name]).path
    with open_video(path, ReadOptions(long_side_pixels=100)) as video:
        (frame,) = frames_of(video, [0.0])
        assert (video.info.width, video.info.height) == size
    assert (frame.width, frame.height) == small
