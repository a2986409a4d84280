"""Recordings joined byte by byte are read on one clock, everywhere; what only looks like a joint is none.

That every picture of them comes back at its time is part of the readers' contract.
"""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from support.films import frames_of

from mrvideo.media.audio import LostSound, Sound, read_sound
from mrvideo.media.identity import probe
from mrvideo.media.joined import JoinedReader, parts_of
from mrvideo.media.looks import FrameSource
from mrvideo.media.registry import open_video
from mrvideo.media.shard import read_shard
from mrvideo.media.shots import ShotDetector
from mrvideo.media.subtitles import load_subtitles
from mrvideo.records import Span

PACKET = 188


def stamped_packets(data: bytes) -> list[int]:
    """Where the transport stream's packets stand that begin a picture with its time."""
    found: list[int] = []
    for at in range(0, len(data), PACKET):
        body = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0)
        if data[at + 1] & 0x40 and data[body : body + 4] == b"\0\0\1\xe0" and data[body + 7] & 0x80:
            found.append(body)
    return found


@pytest.fixture
def joined(film_maker):
    """Two parts of 1.6 s with sound, both from the same time on."""
    return film_maker("joined_with_sound.ts")


@pytest.mark.slow
def test_looks_find_what_was_captioned(joined, number_in):
    """Dangerous: a look at 0.5 s showed the second part, while captions told of the first."""
    shard = read_shard(joined.path, Span(0.0, 3.2))
    captioned = {round(f.time_seconds, 3): number_in(f) for f in shard.frames}
    frames = FrameSource(joined.path).at(list(captioned))
    assert [number_in(frame) for frame in frames] == list(captioned.values())
    assert captioned[0.48] == 12
    assert captioned[2.0] == 50
    assert shard.lost == ()


def test_a_joint_is_a_cut_however_alike_its_sides_are(joined):
    """One colour was told of a blue part and a red one that are equally bright."""
    shots = read_shard(joined.path, Span(0.0, 3.2)).shots
    assert [shot.transition for shot in shots if shot.start_seconds == pytest.approx(1.6)] == ["cut"]
    detector = ShotDetector(joints_seconds=[1.0, 9.0])
    for step in range(50):
        detector(step / 25, np.full((36, 64), 90, np.uint8))
    assert detector.borders() == [(1.0, "cut")]


def test_what_is_told_of_the_whole(joined):
    info = probe(joined.path)
    assert info.duration_seconds == pytest.approx(3.2, abs=0.001)
    assert info.size_bytes == joined.path.stat().st_size
    assert info.has_audio
    assert info.notes == (
        "the recording's clock starts anew at 0:01.6: its 2 parts are read one after the other",
    )


def test_a_single_recording_has_no_parts_and_no_note(film_maker, films):
    for name in ("h264.ts", "mpeg2.mpg", "h264.flv", "25fps.mp4"):
        path = film_maker(name, **films[name]).path
        assert parts_of(str(path)) == ()
        assert probe(path).notes == ()


@pytest.mark.parametrize("name", ["joined_with_sound.ts", "joined_with_sound.mpg"])
def test_sound_stands_on_the_same_clock(film_maker, name: str):
    sounds = list(read_sound(film_maker(name).path))
    assert all(isinstance(sound, Sound) for sound in sounds)
    ends = [(sound.start_seconds, sound.stop_seconds) for sound in sounds if isinstance(sound, Sound)]
    assert ends == sorted(ends)
    heard = [span for span in ends if span[0] >= 1.6 - 0.001]
    assert heard[0][0] == pytest.approx(1.6, abs=0.07)
    assert heard[-1][1] == pytest.approx(3.2, abs=0.1)
    assert max(stop for start, stop in ends if start < 1.59) <= 1.6 + 0.001


def test_sound_of_one_part_alone_stands_in_that_part(film_maker, tmp_path: Path):
    with_sound = film_maker("with_sound.ts", count=40, options={"bf": "2", "g": "15"}, sound=True)
    without = film_maker("without_sound.ts", count=40, options={"bf": "2", "g": "15"})
    path = tmp_path / "late_sound.ts"
    path.write_bytes(without.path.read_bytes() + with_sound.path.read_bytes())
    sounds = list(read_sound(path))
    assert sounds
    assert not [sound for sound in sounds if isinstance(sound, LostSound)]
    assert min(sound.start_seconds for sound in sounds if isinstance(sound, Sound)) == pytest.approx(
        1.6, abs=0.07
    )


@pytest.mark.parametrize("name", ["joined_far_back.ts", "joined_with_sound.mpg"])
def test_subtitles_beside_it_reach_to_its_end(film_maker, tmp_path: Path, name: str):
    """Dangerous: lines over the second part were said to come after the video's end."""
    path = tmp_path / name
    shutil.copy(film_maker(name).path, path)
    path.with_suffix(".srt").write_text(
        "1\n00:00:00,500 --> 00:00:01,000\nfirst\n\n2\n00:00:02,500 --> 00:00:03,000\nsecond\n"
    )
    found = load_subtitles(path)
    assert found.notes == ()
    assert [cue.text for cue in found.cues] == ["first", "second"]
    assert found.cues[1].start_seconds == pytest.approx(2.5, abs=0.1)


def test_a_stream_may_break_off_and_begin_again_within_one_flv_header(film_maker, tmp_path: Path, number_in):
    """As recorders of live streams write it: the second part's header is missing."""
    part = film_maker("part.flv", count=40, options={"bf": "2", "g": "15"})
    data = part.path.read_bytes()
    path = tmp_path / "again.flv"
    path.write_bytes(data + data[13:])
    with open_video(path) as video:
        frames = list(frames_of(video, [0.5, 1.5, 1.7, 3.1]))
        assert video.info.duration_seconds == pytest.approx(3.2, abs=0.001)
    assert [number_in(frame) for frame in frames] == [12, 37, 2, 37]


def test_a_watcher_sees_a_part_that_nobody_asked_for(film_maker):
    seen: list[float] = []
    with open_video(film_maker("joined_thrice.ts").path) as video:
        times = list(frames_of(video, [1.0, 3.5], watcher=lambda time, _: seen.append(time)))
    assert len(times) == 2
    between = [time for time in seen if 1.6 - 0.001 <= time < 3.2]
    assert between[0] == pytest.approx(1.6, abs=0.001)
    assert between[-1] > 3.1
    assert max(later - earlier for earlier, later in pairwise(seen)) <= 0.17 + 3 * 0.04


def test_a_part_that_cannot_be_decoded_is_a_listed_loss(film_maker, tmp_path: Path, number_in):
    part = film_maker("part.ts", count=40, options={"bf": "2", "g": "15"})
    data = part.path.read_bytes()
    spoilt = bytearray(data)
    for body in stamped_packets(data):
        end = body // PACKET * PACKET + PACKET
        spoilt[body + 19 : end] = b"\xff" * (end - body - 19)
    path = tmp_path / "spoilt.ts"
    path.write_bytes(data + spoilt + data)
    times = [0.5, 2.0, 4.0]
    with open_video(path) as video:
        got = dict(video.read_at(times))
        lost = video.lost
        duration = video.info.duration_seconds
    assert {time: number_in(frame) for time, frame in got.items()} == {0.5: 12, 4.0: number_in(got[4.0])}
    assert [failure.stage for failure in lost] == ["decode"]
    assert lost[0].span.contains(2.0)
    assert 4.5 < duration < 4.9


@pytest.mark.parametrize("ticks", [0, 5_000_000, 2**33 - 1])
@pytest.mark.parametrize("place", [3, 20, 39])
def test_one_damaged_timestamp_is_no_border(film_maker, tmp_path: Path, ticks: int, place: int):
    data = bytearray(film_maker("part.ts", count=40, options={"bf": "2", "g": "15"}).path.read_bytes())
    body = stamped_packets(data)[place]
    prefix = data[body + 9] & 0xF0
    stamp = (
        prefix << 32
        | (ticks >> 30 & 7) << 33
        | 1 << 32
        | (ticks >> 15 & 0x7FFF) << 17
        | 1 << 16
        | (ticks & 0x7FFF) << 1
        | 1
    )
    data[body + 9 : body + 14] = stamp.to_bytes(5, "big")
    if prefix == 0x30:
        data[body + 14 : body + 19] = (stamp & ~(0xF0 << 32) | 0x10 << 32).to_bytes(5, "big")
    path = tmp_path / "damaged.ts"
    path.write_bytes(data)
    assert parts_of(str(path)) == ()


def test_a_clock_that_goes_once_round_is_no_border(film_maker, number_in):
    """After 26.5 hours of running, a receiver's clock begins again at zero in the middle of a film."""
    film = film_maker(
        "round.ts", count=75, options={"bf": "2", "g": "15"}, first_tick=int((2**33 / 90_000 - 1.5) * 25)
    )
    assert parts_of(str(film.path)) == ()
    with open_video(film.path) as video:
        frames = list(frames_of(video, [0.5, 1.0, 2.0, 2.9]))
    assert [number_in(frame) for frame in frames] == [12, 25, 50, 72]


def test_a_slide_show_is_no_row_of_recordings(film_maker):
    """Its pictures lie further apart than a jump of a recording's clock."""
    film = film_maker("slides.ts", ticks=[15 * i for i in range(12)], time_base=None, rate=1)
    assert parts_of(str(film.path)) == ()


def test_a_cut_in_the_middle_of_a_packet_hides_no_part(film_maker, tmp_path: Path):
    """A recorder that was switched off leaves half a packet: what follows is out of step."""
    data = film_maker("part.ts", count=40, options={"bf": "2", "g": "15"}).path.read_bytes()
    path = tmp_path / "half.ts"
    path.write_bytes(data[:-100] + data)
    assert [round(part.span.start_seconds, 1) for part in parts_of(str(path))] == [0.0, 1.6]


def test_parts_are_looked_for_again_when_the_file_has_grown(film_maker, tmp_path: Path):
    part = film_maker("part.ts", count=40, options={"bf": "2", "g": "15"})
    path = tmp_path / "growing.ts"
    shutil.copy(part.path, path)
    assert parts_of(str(path)) == ()
    with path.open("ab") as file:
        file.write(part.path.read_bytes())
    assert len(parts_of(str(path))) == 2


def test_a_stream_that_turns_up_late_breaks_nothing(film_maker, tmp_path: Path, number_in):
    """Dangerous: its first packet ended reading in an IndexError that said nothing about the file."""
    what = {"options": {"bf": "0", "g": "50"}}
    first = film_maker("two_seconds.ts", count=50, **what)
    second = film_maker("with_sound_after.ts", count=50, first_tick=50, sound=True, **what)
    path = tmp_path / "late_sound.ts"
    # More than FFmpeg looks at, at both ends, to learn of the streams.
    nothing = (b"\x47\x1f\xff\x10" + b"\xff" * 184) * 30_000
    third = film_maker("two_seconds_after.ts", count=50, first_tick=100, **what)
    path.write_bytes(nothing.join(film.path.read_bytes() for film in (first, second, third)))
    with av.open(str(path)) as container:
        assert not container.streams.audio, "it is known from the start: this tests nothing"
    assert parts_of(str(path)) == ()
    with open_video(path) as video:
        assert [number_in(frame) for frame in frames_of(video, [0.5, 2.5, 5.9])] == [12, 12, 47]
        assert video.lost == ()
    assert list(read_sound(path)) == []


def test_a_reader_of_parts_closes_what_it_opened(joined):
    parts = parts_of(str(joined.path))
    video = JoinedReader(str(joined.path), parts)
    assert len(list(frames_of(video, [0.1, 3.0]))) == 2
    video.close()
    video.close()
    assert np.isclose(parts[1].span.start_seconds, 1.6)
