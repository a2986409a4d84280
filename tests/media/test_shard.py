"""A shard is decoded once: its frames, shots and losses."""

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from mrvideo.media.identity import digest_of, probe
from mrvideo.media.images import open_image
from mrvideo.media.looks import FrameSource
from mrvideo.media.options import ReadOptions
from mrvideo.media.shard import read_shard
from mrvideo.records import Span


def test_a_shard_holds_its_samples_and_the_frame_before_it(plain_film, number_in):
    shard = read_shard(plain_film.path, Span(1.0, 3.0), frames_per_second=2.0)
    assert [round(f.time_seconds, 2) for f in shard.frames] == [0.48, 1.0, 1.48, 2.0, 2.48]
    assert [number_in(f) for f in shard.frames] == [12, 25, 37, 50, 62]
    assert shard.shots[0].start_seconds == 1.0
    assert shard.shots[-1].stop_seconds == 3.0
    assert shard.lost == ()


def test_looks_come_in_the_order_asked(plain_film, number_in):
    frames = FrameSource(plain_film.path).at([2.0, 0.4, 2.0, 1.0])
    assert [number_in(f) for f in frames] == [50, 10, 50, 25]


def test_a_probe_tells_the_digest_and_the_length(plain_film):
    info = probe(plain_film.path)
    assert info.digest == digest_of(plain_film.path)
    assert len(info.digest) == 64
    assert (round(info.duration_seconds, 2), info.width, info.height) == (3.0, 160, 96)
    assert info.has_audio
    assert info.codec == "h264"


def test_a_coarse_shard_holds_key_frames_alone(plain_film, number_in):
    """Asked twice a second, answered by the key frames of 0.0, 1.2 and 2.4 s, each once and at its own time."""
    shard = read_shard(
        plain_film.path, Span(0.0, 3.0), ReadOptions(keyframes_only=True), frames_per_second=2.0
    )
    assert [number_in(f) for f in shard.frames] == [0, 30, 60]
    assert [round(f.time_seconds, 2) for f in shard.frames] == [0.0, 1.2, 2.4]
    assert shard.lost == ()


def _equally_light(path: Path, pictures: Sequence[np.ndarray]) -> Path:
    """Two seconds of each picture at 10 frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.options = {"preset": "ultrafast", "g": "50"}
        for picture in pictures:
            for _ in range(20):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def _with_figure(ground: tuple[int, int, int], left: int) -> np.ndarray:
    """A ground of one colour, and a white figure over an eighth of it."""
    picture = np.full((96, 160, 3), ground, np.uint8)
    picture[20:80, left : left + 32] = 255
    return picture


def test_a_cut_between_two_places_that_are_equally_light_is_found(tmp_path: Path):
    """Dangerous: in grey only the figures changed, so two scenes were one shot, and the first look showed one of
    them.
    """
    places = [_with_figure((173, 139, 166), 10), _with_figure((62, 186, 219), 110)]
    shots = read_shard(_equally_light(tmp_path / "cut.mp4", places), Span(0.0, 4.0)).shots
    assert [(round(shot.start_seconds, 2), shot.transition) for shot in shots] == [
        (0.0, "start"),
        (2.0, "cut"),
    ]


def test_a_figure_that_jumps_in_one_place_is_no_cut(tmp_path: Path):
    places = [_with_figure((173, 139, 166), 10), _with_figure((173, 139, 166), 110)]
    shots = read_shard(_equally_light(tmp_path / "jump.mp4", places), Span(0.0, 4.0)).shots
    assert len(shots) == 1


def _with_ball(path: Path, thrown: Sequence[int], *, rolls: bool = False, clock: bool = False) -> Path:
    """Eight seconds at 20 frames a second before a patterned wall under a sensor's noise; a ball is seen in the
    frames of these numbers alone, or rolls all along; a clock's hand moves beside it.
    """
    dice = np.random.default_rng(3)
    wall = np.kron(dice.integers(40, 160, (12, 20)), np.ones((16, 16)))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=20)
        stream.width, stream.height, stream.pix_fmt = 320, 192, "yuv420p"
        stream.options = {"preset": "veryfast", "g": "80"}
        for number in range(160):
            grey = wall + dice.normal(0, 4, wall.shape)
            if number in thrown or rolls:
                left = 4 + number * 7 % 280
                grey[80:110, left : left + 30] = 250
            if clock:
                grey[10:20, 20 + number % 40 * 2 : 30 + number % 40 * 2] = 250
            pixels = np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.slow
def test_what_comes_and_goes_between_two_samples_is_seen(tmp_path: Path):
    """Dangerous: a ball in the air for a fifth of a second fell between two frames, and was never told of."""
    shard = read_shard(_with_ball(tmp_path / "thrown.mp4", range(63, 67)), Span(0.0, 8.0))
    (time,) = shard.acts
    assert 3.15 <= time < 3.35
    times = [frame.time_seconds for frame in shard.frames]
    assert time in times and times == sorted(set(times)) and len(times) == 17
    (frame,) = (frame for frame in shard.frames if frame.time_seconds == time)
    assert (np.asarray(open_image(frame).convert("L")) > 220).sum() > 500, "the ball"


@pytest.mark.slow
def test_a_short_act_is_seen_though_something_small_moves_beside_it(tmp_path: Path):
    (time,) = read_shard(_with_ball(tmp_path / "c.mp4", range(63, 67), clock=True), Span(0.0, 8.0)).acts
    assert 3.15 <= time < 3.35


@pytest.mark.slow
def test_what_moves_on_or_is_only_noise_needs_no_further_frames(tmp_path: Path):
    assert read_shard(_with_ball(tmp_path / "rolls.mp4", (), rolls=True), Span(0.0, 8.0)).acts == ()
    assert read_shard(_with_ball(tmp_path / "wall.mp4", ()), Span(0.0, 8.0)).acts == ()


@pytest.mark.slow
def test_further_frames_are_bounded(tmp_path: Path):
    many = [number for number in range(160) if number % 10 in (4, 5, 6)]
    assert len(read_shard(_with_ball(tmp_path / "many.mp4", many), Span(0.0, 8.0)).acts) == 1
