"""Videos with subtitles and sound, made by the tests themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from mrvideo.records import Cue, Scene

RATE = 48_000


@pytest.fixture
def make_video(tmp_path: Path) -> Callable[..., Path]:
    """A video of grey pictures, with any sound and any subtitle packets, all on the container's clock.

    `subtitles`: (codec, language, [(start_seconds, duration_seconds, packet bytes)]) for each stream.
    """

    def make(
        name: str = "talk.mkv",
        *,
        seconds: float = 4.0,
        first_picture_seconds: float = 0.0,
        sound: NDArray[np.int16] | None = None,
        sound_starts_seconds: float = 0.0,
        subtitles: Sequence[tuple[str, str, Sequence[tuple[float, float, bytes]]]] = (),
        default_track: int | None = None,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            video = container.add_stream("mpeg4", rate=10)
            video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
            video.codec_context.time_base = Fraction(1, 1000)
            audio = (
                container.add_stream("pcm_s16le" if name.endswith("mkv") else "aac", rate=RATE)
                if sound is not None
                else None
            )
            if audio is not None:
                audio.layout = "mono"
            tracks = []
            for codec, language, _ in subtitles:
                track = container.add_mux_stream(codec, time_base=Fraction(1, 1000))
                track.metadata["language"] = language
                tracks.append(track)
            if default_track is not None:
                tracks[default_track].disposition = av.stream.Disposition.default
            container.start_encoding()
            packets = []
            for n in range(round(seconds * 10)):
                frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), n % 256, np.uint8), format="rgb24")
                frame.pts, frame.time_base = round(first_picture_seconds * 1000) + n * 100, Fraction(1, 1000)
                packets += video.encode(frame)
            packets += video.encode(None)
            if audio is not None and sound is not None:
                for at in range(0, len(sound), 1024):
                    piece = av.AudioFrame.from_ndarray(
                        sound[at : at + 1024].reshape(1, -1), format="s16", layout="mono"
                    )
                    piece.sample_rate, piece.time_base = RATE, Fraction(1, RATE)
                    piece.pts = round(sound_starts_seconds * RATE) + at
                    packets += audio.encode(piece)
                packets += audio.encode(None)
            for track, (_, _, lines) in zip(tracks, subtitles, strict=True):
                for start, duration, data in lines:
                    packet = av.Packet(data)
                    packet.stream, packet.time_base = track, Fraction(1, 1000)
                    packet.pts = packet.dts = round(start * 1000)
                    packet.duration = round(duration * 1000)
                    packets.append(packet)
            packets.sort(key=lambda packet: float(packet.dts * packet.time_base))
            for packet in packets:
                container.mux_one(packet)
        return path

    return make


@pytest.fixture
def cue() -> Callable[..., Cue]:
    """A cue from its essentials."""

    def make(start: float, stop: float, text: str, speaker: str | None = None) -> Cue:
        return Cue(start_seconds=start, stop_seconds=stop, text=text, speaker=speaker)

    return make


@pytest.fixture
def scene() -> Callable[..., Scene]:
    """A scene from its index (10 s each) and its entities."""

    def make(index: int, *entities: str) -> Scene:
        return Scene(
            index=index,
            start_seconds=index * 10.0,
            stop_seconds=index * 10.0 + 10.0,
            brief="",
            detailed="",
            entity_names=entities,
        )

    return make
