"""A shard is decoded once: its frames, shots and losses."""

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np

from mrvideo.media.identity import digest_of, probe
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
