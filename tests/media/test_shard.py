"""A shard is decoded once: its frames, shots and losses."""

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
