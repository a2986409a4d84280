"""Readers give back what they take, and cannot be carried off by mistake."""

from __future__ import annotations

import os
import pickle
import sys
from pathlib import Path

import pytest
from support.films import frames_of

from mrvideo.media import decord as decord_reader
from mrvideo.media import open_video
from mrvideo.media.looks import FrameSource


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts descriptors the Linux way")
def test_a_hundred_opens_leave_no_open_file_and_little_memory(plain_film):
    def resident_mb() -> float:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

    def use() -> None:
        with open_video(plain_film.path) as video:
            list(frames_of(video, [0.5, 2.5]))

    for _ in range(30):
        use()
    files, memory = len(os.listdir("/proc/self/fd")), resident_mb()
    for _ in range(100):
        use()
    assert len(os.listdir("/proc/self/fd")) == files
    assert resident_mb() - memory < 20


def test_closing_twice_does_no_harm(plain_film):
    video = open_video(plain_film.path)
    video.close()
    video.close()


def test_a_frame_source_pickles_and_a_frame_does_not(plain_film):
    source = pickle.loads(pickle.dumps(FrameSource(plain_film.path)))
    (frame,) = source.at([1.0])
    with pytest.raises(TypeError, match="stays on the machine"):
        pickle.dumps(frame)


def test_decord_that_hangs_is_ended(plain_film, monkeypatch):
    """A process that never answers stands in for the hang that a transport stream once caused."""
    pytest.importorskip("decord")
    real = decord_reader.subprocess.Popen
    started = []

    def hanging(command, **what):
        process = real([sys.executable, "-c", "import sys; sys.stdin.read()"], **what)
        started.append(process)
        return process

    monkeypatch.setattr(decord_reader.subprocess, "Popen", hanging)
    with pytest.raises(decord_reader.DecodeError, match="pyav"):
        decord_reader.DecordReader(str(plain_film.path), timeout_seconds=0.2)
    assert started[0].poll() is not None


def test_a_slow_caller_is_no_stall(plain_film, monkeypatch):
    """Dangerous: captions are asked between two frames; the time they take was once held against the decoder."""
    from mrvideo.media import decoding

    now = 0.0
    monkeypatch.setattr(decoding.time, "thread_time", lambda: now)
    with open_video(plain_film.path) as video:
        count = 0
        for _ in frames_of(video, plain_film.middles_seconds):
            count += 1
            now += 2 * decoding.STALL_SECONDS
        assert count == len(plain_film.middles_seconds)
        assert video.lost == ()


def test_a_decoder_that_computes_without_a_picture_is_given_up(plain_film, monkeypatch):
    from mrvideo.media import decoding

    with open_video(plain_film.path) as video:
        ticks = iter(range(0, 10_000, 7))
        monkeypatch.setattr(decoding.time, "thread_time", lambda: next(ticks))
        got = dict(video.read_at(plain_film.middles_seconds))
        assert len(got) < len(plain_film.middles_seconds)
        assert any("no picture for" in failure.reason for failure in video.lost)
