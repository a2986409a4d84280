"""Before a key frame that looks at nothing before it, pictures that nobody asked for are not decoded at all."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import pytest
from support.films import frames_of

from mrvideo.media.pyav import PyAVReader
from mrvideo.media.random_access import begins_anew
from mrvideo.media.track import Track


def starts_of(path: Path) -> list[bool]:
    """For each key frame of the container, whether it begins anew."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return [
            begins_anew(packet) for packet in container.demux(stream) if packet.size and packet.is_keyframe
        ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["25fps.mp4", "h264.mkv", "h264.ts", "raw.h264"])
def test_closed_groups_of_pictures_begin_anew(film_maker, films, name: str):
    starts = starts_of(film_maker(name, **films[name]).path)
    assert starts
    assert all(starts)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["closed.mp4", "closed.ts"])
def test_closed_groups_of_hevc_do_too(film_maker, films, name: str):
    parameters = films["hevc.mp4"]["options"]["x265-params"].replace("open-gop=1", "open-gop=0")
    starts = starts_of(film_maker(name, codec="libx265", options={"x265-params": parameters}).path)
    assert len(starts) > 1
    assert all(starts)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["open_gop.mp4", "open_gop.ts", "hevc.mp4", "hevc.ts"])
def test_open_groups_do_not_but_for_the_first(film_maker, films, name: str):
    """Dangerous: pictures after such a key frame lean on ones before it."""
    first, *others = starts_of(film_maker(name, **films[name]).path)
    assert first
    assert others
    assert not any(others)


def test_codecs_whose_packets_do_not_tell_never_do(film_maker, films):
    assert not any(starts_of(film_maker("vp8.webm", **films["vp8.webm"]).path))


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times of the packets that went into a decoder."""
    times: list[float] = []
    decode = Track.decode

    def noted(track: Track, packet):
        time = track.time_of(packet.pts)
        if time is not None:
            times.append(time)
        return decode(track, packet)

    monkeypatch.setattr(Track, "decode", noted)
    return times


def test_what_follows_the_last_time_asked_for_is_left_out_up_to_the_key_frame(plain_film, decoded, number_in):
    """Key frames at 0, 1.2 and 2.4 s."""
    with PyAVReader(str(plain_film.path)) as video:
        decoded.clear()
        frames = list(frames_of(video, [0.1, 1.5]))
    assert [number_in(frame) for frame in frames] == [plain_film.number_at(0.1), plain_film.number_at(1.5)]
    # The picture after the one asked for is its reference.
    assert not [time for time in decoded if 0.3 < time < 1.19]
    assert [time for time in decoded if 1.2 <= time < 1.5]


def test_who_looks_for_camera_changes_misses_no_long_stretch(plain_film):
    seen: list[float] = []
    with PyAVReader(str(plain_film.path)) as video:
        list(frames_of(video, [0.1, 1.5], watcher=lambda time, _: seen.append(time)))
    assert max(later - earlier for earlier, later in pairwise(seen)) <= 0.17 + 3 * 0.04
    assert any(later - earlier > 0.12 for earlier, later in pairwise(seen)), "something was left out"
