"""Long MP4 and MOV files are opened with a part of their index: everything that is read stays the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from support.films import frames_of

from mrvideo.media import decoding
from mrvideo.media.mp4 import movie, samples
from mrvideo.media.mp4.boxes import NotPlainError
from mrvideo.media.mp4.movie import Movie
from mrvideo.media.pyav import PyAVReader
from mrvideo.records import Span

LEFT_TO_THE_LIBRARY = {"fragmented.mp4"}


@pytest.fixture
def every_film_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Films of seconds are cut into head, wanted stretch and tail, with gaps between."""
    monkeypatch.setattr(movie, "LONG_INDEX_BYTES", 0)
    monkeypatch.setattr(movie, "_BEFORE_SECONDS", 5.0)
    monkeypatch.setattr(decoding, "_BACK_OFF_SECONDS", (0.0, 1.0, 2.5))
    monkeypatch.setattr(movie, "_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(samples, "_REORDERED_SAMPLES", 17)


@pytest.fixture
def kinds(
    films: dict[str, Any], film_maker: Callable[..., Any], tmp_path: Path
) -> dict[str, tuple[Path, list[float]]]:
    """Every MP4 and MOV among the films of the contract, as it is and eight times as long; with the pictures'
    times.
    """
    found: dict[str, tuple[Path, list[float]]] = {}
    for name in (name for name in films if name.endswith((".mp4", ".mov"))):
        film = film_maker(name, **films[name])
        found[name] = (film.path, film.middles_seconds)
        if name not in LEFT_TO_THE_LIBRARY:
            longer = tmp_path / f"8-times-{name}"
            repeat(film.path, longer, times=8)
            length = film.stop_seconds
            found[longer.name] = (
                longer,
                [i * length + time for i in range(8) for time in film.middles_seconds],
            )
    return found


def read(path: Path, wishes: list[list[float]]) -> tuple[Any, list[list[tuple[float, bytes]]], Any]:
    with PyAVReader(str(path)) as video:
        found = [[(frame.time_seconds, frame.jpeg) for frame in frames_of(video, times)] for times in wishes]
        return video.info, found, video.lost


@pytest.mark.slow
def test_a_part_of_the_index_gives_the_same_pictures(kinds, request):
    whole = {}
    for name, (path, times) in kinds.items():
        dice = random.Random(name)
        wishes = [[time] for time in dice.sample(times, min(8, len(times)))]
        wishes += [times[i : i + 9] for i in range(0, len(times), len(times) // 5 + 1)]
        wishes += [[0.0], [times[-1] + 3.0]]
        whole[name] = (path, wishes, read(path, wishes))
    request.getfixturevalue("every_film_is_long")
    assert {name for name, (path, _) in kinds.items() if Movie.of(str(path)) is None} == LEFT_TO_THE_LIBRARY
    for name, (path, wishes, expected) in whole.items():
        info, found, lost = read(path, wishes)
        assert (info, lost) == (expected[0], expected[2]), name
        for times, frames, same in zip(wishes, found, expected[1], strict=True):
            assert [frame[0] for frame in frames] == [frame[0] for frame in same], (name, times)
            assert frames == same, (name, times)


def test_what_is_listed_is_few(plain_film, tmp_path, every_film_is_long):
    repeat(plain_film.path, tmp_path / "long.mp4", times=8)
    found = Movie.of(str(tmp_path / "long.mp4"))
    assert found is not None
    with found.window(Span(15.0, 15.5)) as file, av.open(file) as container:
        listed = container.streams.video[0].frames
    assert 0 < listed < 4 * len(plain_film.starts_seconds)


def test_short_files_and_others_are_left_alone(plain_film, tmp_path):
    assert Movie.of(str(plain_film.path)) is None
    assert Movie.of(str(tmp_path / "missing.mp4")) is None


@pytest.mark.slow
def test_a_broken_index_never_leads_past_the_reader(plain_film, tmp_path, every_film_is_long, number_in):
    """Bytes of the index changed at random: this room declines or copes, and whatever the reader raises is
    its own error.
    """
    from mrvideo.errors import VideoError

    data = plain_film.path.read_bytes()
    at = data.index(b"moov")
    dice = random.Random(1)
    path = tmp_path / "broken.mp4"
    declined = 0
    for _ in range(150):
        bytes_ = bytearray(data)
        for _ in range(dice.randint(1, 4)):
            bytes_[dice.randrange(at, len(data))] = dice.randrange(256)
        path.write_bytes(bytes_)
        found = Movie.of(str(path))
        declined += found is None
        if found is not None:
            try:
                found.window(Span(1.0, 2.0)).close()
            except NotPlainError:
                declined += 1
        try:
            with PyAVReader(str(path)) as video:
                frames = list(frames_of(video, [0.5, 1.0, 2.0]))
                assert len(frames) == 3 or video.lost
        except VideoError:
            pass
    assert 0 < declined < 150


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(plain_film, tmp_path, monkeypatch):
    """Two hours made of the same packets: what is kept of the index stays the size of a stretch."""
    path = tmp_path / "long.mp4"
    repeat(plain_film.path, path, times=2400)
    monkeypatch.setattr(movie, "LONG_INDEX_BYTES", 1 << 18)
    found = Movie.of(str(path))
    assert found is not None
    with found.window(Span(3600.0, 3720.0)) as file, av.open(file) as container:
        assert container.streams.video[0].frames < 12_000
        assert container.duration / av.time_base == pytest.approx(7200, abs=5)
    with PyAVReader(str(path)) as video:
        assert video.info.duration_seconds == pytest.approx(7200, abs=1)
        assert video.info.frames_per_second == pytest.approx(25, abs=0.1)


def repeat(source: Path, target: Path, *, times: int) -> None:
    with av.open(str(source)) as film:
        stream = film.streams.video[0]
        packets = [(bytes(p), p.pts, p.dts, p.is_keyframe, p.duration) for p in film.demux(stream) if p.size]
        length = (
            sum(p[4] for p in packets) or stream.duration
        )  # FFmpeg 7 does not tell how long each is shown.
        with av.open(str(target), "w") as output:
            copy: Any = output.add_stream_from_template(stream)
            copy.time_base = stream.time_base  # Copied with the rest from PyAV 17.1 on.
            for i in range(times):
                for data, pts, dts, key, duration in packets:
                    packet = av.Packet(data)
                    packet.pts, packet.dts, packet.duration = pts + i * length, dts + i * length, duration
                    packet.time_base, packet.stream, packet.is_keyframe = stream.time_base, copy, key
                    output.mux(packet)
