"""The reader contract: the frame returned for a time is the one on screen at that time."""

from collections.abc import Callable

import pytest
from mrvideo.media import open_video

Number = Callable[..., int | None]


def test_every_time_gets_the_frame_on_screen(plain_film, number_in: Number):
    times = [i * 0.11 for i in range(28)]
    with open_video(plain_film.path) as video:
        frames = list(video.read(times))
        assert [number_in(f) for f in frames] == [plain_film.number_at(t) for t in times]
        assert [f.time_seconds for f in frames] == pytest.approx(
            [plain_film.starts_seconds[plain_film.number_at(t)] for t in times]
        )
        assert video.lost == ()


@pytest.mark.parametrize("time", [2.9, 0.0, 1.5, 0.3])
def test_one_time_out_of_the_middle(plain_film, number_in: Number, time: float):
    with open_video(plain_film.path) as video:
        (frame,) = video.read([time])
    assert number_in(frame) == plain_film.number_at(time)
