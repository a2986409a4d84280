"""A broadcast with several programmes in one transport stream: one of them is read, and its sound is the one
that is heard.
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from mrvideo.media.audio import SAMPLE_RATE, Sound, read_sound
from mrvideo.media.identity import probe
from mrvideo.media.looks import FrameSource

PACKET = 188
LOW, HIGH = 440, 1760


def programme(path: Path, number: int, size: tuple[int, int], hertz: int, language: str) -> list[bytes]:
    """The packets of two seconds of pictures of one grey, with a tone."""
    options = {
        "mpegts_service_id": str(number),
        "mpegts_start_pid": str(256 * number),
        "mpegts_pmt_start_pid": str(4080 + 16 * number),
    }
    with av.open(str(path), "w", format="mpegts", options=options) as output:
        stream: Any = output.add_stream("libx264", rate=25, options={"g": "25", "bf": "0"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        tone: Any = output.add_stream("mp2", rate=48_000, layout="mono")
        tone.metadata["language"] = language
        for index in range(50):
            grey = np.full((size[1], size[0], 3), 60 * number, np.uint8)
            picture: Any = av.VideoFrame.from_ndarray(grey, format="rgb24").reformat(format="yuv420p")
            picture.pts, picture.time_base = index, Fraction(1, 25)
            output.mux(stream.encode(picture))
            samples = np.arange(1920 * index, 1920 * (index + 1)) * (2 * np.pi * hertz / 48_000)
            wave = (np.sin(samples) * 8000).astype(np.int16)[None]
            chunk = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
            chunk.sample_rate, chunk.pts, chunk.time_base = 48_000, 1920 * index, Fraction(1, 48_000)
            output.mux(tone.encode(chunk))
        output.mux(stream.encode(None))
        output.mux(tone.encode(None))
    data = path.read_bytes()
    return [data[at : at + PACKET] for at in range(0, len(data), PACKET)]


def table_of(programmes: dict[int, int]) -> bytes:
    """The packet that lists the programmes (ISO 13818-1, 2.4.4.3): number and where its own table stands."""
    listed = b"".join(
        number.to_bytes(2, "big") + (0xE000 | place).to_bytes(2, "big")
        for number, place in programmes.items()
    )
    section = b"\0" + (0xB000 | (len(listed) + 9)).to_bytes(2, "big") + b"\0\1\xc1\0\0" + listed
    check = 0xFFFFFFFF
    for byte in section:
        check ^= byte << 24
        for _ in range(8):
            check = (check << 1 ^ (0x04C11DB7 if check & 0x80000000 else 0)) & 0xFFFFFFFF
    return (b"\x47\x40\0\x10\0" + section + check.to_bytes(4, "big")).ljust(PACKET, b"\xff")


def identifier(packet: bytes) -> int:
    return (packet[1] & 0x1F) << 8 | packet[2]


@pytest.fixture
def broadcast(tmp_path: Path) -> Path:
    """A small programme in English with a low tone, and a large one in German with a high tone."""
    small = programme(tmp_path / "small.ts", 1, (160, 96), LOW, "eng")
    large = programme(tmp_path / "large.ts", 2, (320, 192), HIGH, "deu")
    table = table_of({1: 4096, 2: 4112})
    mixed = [
        packet
        for place in range(max(len(small), len(large)))
        for packet in (*small[place : place + 1], *large[place : place + 1])
        if identifier(packet) not in (0, 0x11)
    ]
    path = tmp_path / "broadcast.ts"
    path.write_bytes(b"".join([table, *mixed]))
    return path


def hertz_of(path: Path, language: str | None) -> float:
    heard = np.concatenate(
        [found.samples for found in read_sound(path, language=language) if isinstance(found, Sound)]
    )
    return float(np.abs(np.fft.rfft(heard[:SAMPLE_RATE])).argmax())


def test_the_programme_that_is_read_is_told(broadcast: Path):
    (note,) = probe(broadcast).notes
    assert note.startswith("2 video streams: ") and "320×192) is read, not " in note
    (frame,) = FrameSource(broadcast).at([1.0])
    assert frame.width == 320


@pytest.mark.parametrize("language", [None, "de", "en"])
def test_the_sound_is_of_the_same_programme(broadcast: Path, language: str | None):
    """Dangerous: words of another programme were cited as said in this one."""
    assert hertz_of(broadcast, language) == pytest.approx(HIGH, abs=2)
