"""Sound as samples: nothing shifted, nothing doubled, nothing whole in memory, damage told."""

from __future__ import annotations

import io
from itertools import count, islice

import av
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from mrvideo.media.audio import SAMPLE_RATE, LostSound, Sound, encode_flac, read_sound
from mrvideo.speech.chunks import Chunk, chunked, quietest


def onsets(sounds: list[Sound]) -> list[float]:
    """Times at which sound begins after silence."""
    found = []
    last = -1.0
    for sound in sounds:
        for at in np.flatnonzero(np.abs(sound.samples.astype(int)) > 1500):
            time = sound.start_seconds + at / SAMPLE_RATE
            if time - last > 0.1:
                found.append(time)
            last = time
    return found


def test_samples_stand_at_their_time_after_resampling(make_video, bursts):
    path = make_video(sound=bursts(4.0, (0.5, 0.2, 880), (3.3, 0.2, 880)), sound_starts_seconds=0.25)
    sounds = list(read_sound(path))
    assert np.allclose(onsets(sounds), [0.75, 3.55], atol=0.002)
    assert abs(sounds[0].start_seconds - 0.25) < 0.002
    assert abs(sounds[-1].stop_seconds - 4.25) < 0.002


def test_a_gap_in_the_sound_does_not_shift_what_follows(tmp_path, bursts):
    path = tmp_path / "gap.mkv"
    sound = bursts(1.0, (0.5, 0.2, 880))
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=48_000, layout="mono")
        packets = []
        for n in range(60):
            frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
            frame.pts = n
            packets += video.encode(frame)
        packets += video.encode(None)
        for start in (0, 48_000 * 3):  # a second of sound, two without, a second of sound
            for at in range(0, len(sound), 960):
                piece = av.AudioFrame.from_ndarray(
                    sound[at : at + 960].reshape(1, -1), format="s16", layout="mono"
                )
                piece.sample_rate = 48_000
                piece.pts = start + at
                packets += audio.encode(piece)
        for packet in sorted(packets, key=lambda p: float(p.dts * p.time_base)):
            container.mux_one(packet)
    assert np.allclose(onsets(list(read_sound(path))), [0.5, 3.5], atol=0.003)
    (chunk,) = chunked(read_sound(path), longest_seconds=60.0)
    assert np.allclose(onsets([Sound(chunk.start_seconds, chunk.samples)]), [0.5, 3.5], atol=0.003)


def test_damaged_sound_is_told_and_the_rest_keeps_its_time(damaged_sound):
    path = damaged_sound
    items = list(read_sound(path))
    lost = [item for item in items if isinstance(item, LostSound)]
    assert lost
    assert all(item.span.start_seconds > 3.5 and item.span.stop_seconds < 6.5 for item in lost)
    begins = onsets([item for item in items if isinstance(item, Sound)])
    whole = [time for time in begins if not 3.5 < time < 6.5]
    assert np.allclose(whole, [0.5, 1.5, 2.5, 6.5, 7.5, 8.5, 9.5], atol=0.003)


def test_a_video_without_sound_gives_none(make_video):
    assert list(read_sound(make_video())) == []


def test_flac_holds_the_samples_exactly():
    samples = np.random.default_rng(1).integers(-30_000, 30_000, 12_345).astype(np.int16)
    with av.open(io.BytesIO(encode_flac(samples))) as container:
        read = np.concatenate([frame.to_ndarray().ravel() for frame in container.decode(audio=0)])
    assert np.array_equal(read, samples)


def test_pieces_come_before_the_sound_has_ended():
    """A three-hour track must not be held whole: this one never ends."""
    second = np.full(SAMPLE_RATE, 1000, np.int16)
    endless = (Sound(float(n), second) for n in count())
    chunks = list(islice(chunked(endless, longest_seconds=5.0), 4))
    assert all(chunk.duration_seconds <= 5.0 for chunk in chunks)
    assert next(endless).start_seconds < 25.0


PIECES = st.lists(st.tuples(st.integers(-60, 5_000), st.integers(1, 3_000)), max_size=12)


@settings(deadline=None)
@given(PIECES, st.integers(-2_000, 2_000), st.integers(600, 4_000))
def test_every_sample_is_in_one_piece_at_its_own_time(pieces, begin, longest):
    """Milliseconds; each sample's value says when it belongs."""
    per_ms = SAMPLE_RATE // 1000
    sounds, at = [], begin
    for gap, length in pieces:
        at += gap
        times = np.arange(at, at + length).repeat(per_ms)
        sounds.append(Sound(at / 1000, (times % 30_000 + 1).astype(np.int16)))
        at += length
    seen: set[int] = set()
    for chunk in chunked(iter(sounds), longest_seconds=longest / 1000):
        assert chunk.start_seconds >= 0
        assert chunk.duration_seconds <= longest / 1000 + 1e-9
        first = round(chunk.start_seconds * 1000)
        values = chunk.samples[per_ms // 2 :: per_ms]
        for n, value in enumerate(values.tolist()):
            if value:
                expected = first + n
                # Jumps of at most 20 ms are taken for rounding.
                assert min((value - 1 - expected) % 30_000, (expected - value + 1) % 30_000) <= 21
                assert expected not in seen
                seen.add(expected)
    covered = {
        time
        for sound in sounds
        for time in range(round(sound.start_seconds * 1000), round(sound.stop_seconds * 1000))
        if time >= 0
    }
    assert len(covered - seen) <= 21 * (len(sounds) + 1)


def test_the_cut_lies_in_the_longest_silence():
    samples = np.full(SAMPLE_RATE * 4, 8000, np.int16)
    samples[SAMPLE_RATE * 1 : round(SAMPLE_RATE * 1.1)] = 0  # a stop within a word
    samples[SAMPLE_RATE * 2 : SAMPLE_RATE * 3] = 3  # a pause, with a little noise
    assert abs(quietest(samples, 0, len(samples)) / SAMPLE_RATE - 2.5) < 0.05


def test_silence_is_known_as_such():
    samples = np.zeros(SAMPLE_RATE * 2, np.int16)
    assert Chunk(5.0, samples).sounding is None
    samples[SAMPLE_RATE : SAMPLE_RATE + 800] = 2000
    sounding = Chunk(5.0, samples).sounding
    assert sounding is not None
    assert (sounding.start_seconds, sounding.stop_seconds) == (6.0, 6.05)
