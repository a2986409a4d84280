"""Small films whose every picture carries its own number as a pattern of blocks.

8 × 4 blocks:  rows 0–1 the number's 16 bits, light for 1; rows 2–3 the same bits inverted.
A picture turned, torn or half decoded breaks the pattern, and reads as None.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from mrvideo.media.images import open_image
from mrvideo.records import Frame

COLUMNS, ROWS = 8, 4


def draw_number(number: int, width: int = 160, height: int = 96) -> np.ndarray:
    """RGB picture of the number."""
    bits = np.array([(number >> i) & 1 for i in range(16)]).reshape(2, COLUMNS)
    grid = np.concatenate([bits, 1 - bits]) * 170 + 40
    rows = np.arange(height) * ROWS // height
    columns = np.arange(width) * COLUMNS // width
    return np.repeat(grid[rows][:, columns, None], 3, axis=2).astype(np.uint8)


def read_number(frame: Frame) -> int | None:
    """The number that a frame shows, or None when its pattern does not hold."""
    pixels = np.asarray(open_image(frame).convert("L"), dtype=float)
    height, width = pixels.shape
    blocks = np.array(
        [
            [
                pixels[
                    round((r + 0.3) * height / ROWS) : round((r + 0.7) * height / ROWS) + 1,
                    round((c + 0.3) * width / COLUMNS) : round((c + 0.7) * width / COLUMNS) + 1,
                ].mean()
                for c in range(COLUMNS)
            ]
            for r in range(ROWS)
        ]
    )
    bits, inverse = blocks[:2].ravel(), blocks[2:].ravel()
    if np.abs(bits - inverse).min() < 40:
        return None
    return int(sum(1 << i for i, on in enumerate(bits > inverse) if on))


@dataclass(frozen=True)
class Film:
    """A made video: where it is, and when each of its numbered pictures is shown (seconds since the first)."""

    path: Path
    starts_seconds: tuple[float, ...]
    stop_seconds: float
    codec: str = ""
    tolerance_seconds: float = 0.0
    notes: dict[str, Any] = field(default_factory=dict)

    def number_at(self, time_seconds: float) -> int:
        """The number on screen at the time."""
        return max(i for i, start in enumerate(self.starts_seconds) if start <= time_seconds + 1e-6 or i == 0)


def make_film(
    path: Path,
    *,
    codec: str = "libx264",
    count: int = 75,
    rate: Fraction | int = 25,
    ticks: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    size: tuple[int, int] = (160, 96),
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    container_format: str | None = None,
    aspect: Fraction | None = None,
    rotation: int | None = None,
    sound: bool = False,
    first_tick: int = 0,
    b_frames: int | None = None,
    gop: int | None = None,
) -> Film:
    """Encode `count` numbered pictures; `ticks` are their PTS in `time_base` where they are not evenly spaced."""
    base = time_base or Fraction(1, 1) / Fraction(rate)
    ticks = list(ticks) if ticks is not None else [first_tick + i for i in range(count)]
    with av.open(str(path), "w", format=container_format, options=container_options or {}) as output:
        stream: Any = output.add_stream(codec, rate=Fraction(rate), options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = pix_fmt
        stream.codec_context.time_base = base
        stream.codec_context.thread_count = 1
        if gop is not None:
            stream.codec_context.gop_size = gop
        if b_frames is not None:
            stream.codec_context.max_b_frames = b_frames
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation is not None:
            stream.set_display_rotation(rotation)
        tone: Any = output.add_stream("aac", rate=16000, layout="mono") if sound else None
        for number, tick in enumerate(ticks):
            picture = av.VideoFrame.from_ndarray(draw_number(number, *size), format="rgb24").reformat(
                format=pix_fmt
            )
            picture.pts, picture.time_base = tick, base
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))
        if tone is not None:
            seconds = float((ticks[-1] + 1) * base)
            for i in range(int(seconds * 16000) // 1024):
                wave = (np.sin(np.arange(1024) * 0.1) * 8000).astype(np.int16)[None]
                chunk = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
                chunk.sample_rate, chunk.pts, chunk.time_base = 16000, i * 1024, Fraction(1, 16000)
                output.mux(tone.encode(chunk))
            output.mux(tone.encode(None))
    starts = tuple(float((tick - ticks[0]) * base) for tick in ticks)
    return Film(path, starts, starts[-1] + float(1 / Fraction(rate)), codec)


@pytest.fixture(scope="session")
def film_maker(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Film]:
    """`film_maker(name, **what)`: a film, made once per session."""
    folder = tmp_path_factory.mktemp("films")
    made: dict[str, Film] = {}

    def make(name: str, **what: Any) -> Film:
        if name not in made:
            made[name] = make_film(folder / name, **what)
        return made[name]

    return make


@pytest.fixture(scope="session")
def plain_film(film_maker: Callable[..., Film]) -> Film:
    """Three seconds, 25 fps, H.264 with B-frames, sound."""
    return film_maker("plain.mp4", sound=True, options={"bf": "3", "g": "30"})


@pytest.fixture(scope="session")
def number_in() -> Callable[[Frame], int | None]:
    """Reads the number of a frame."""
    return read_number
