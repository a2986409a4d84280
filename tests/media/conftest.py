"""Small films whose every picture carries its own number as a pattern of blocks.

8 × 4 blocks:  rows 0–1 the number's 16 bits, light for 1; rows 2–3 the same bits inverted.
A picture turned, torn or half decoded breaks the pattern, and reads as None.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.logging
import numpy as np
import pytest
from av.stream import Disposition

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
    first_number: int = 0

    def number_at(self, time_seconds: float) -> int:
        """The number on screen at the time."""
        shown = [i for i, start in enumerate(self.starts_seconds) if start <= time_seconds + 1e-6]
        return self.first_number + (shown[-1] if shown else 0)

    @property
    def middles_seconds(self) -> list[float]:
        """A time well inside each picture's stay on screen: containers round its ends."""
        ends = [*self.starts_seconds[1:], self.stop_seconds]
        return [start + 0.45 * (end - start) for start, end in zip(self.starts_seconds, ends, strict=True)]


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
    hidden: int = 0,
    cover: bool = False,
    decoy: bool = False,
    first_number: int = 0,
) -> Film:
    """Encode `count` pictures, numbered from `first_number` on; `ticks` are their PTS in `time_base` where
    they are not evenly spaced.
    """
    base = time_base or Fraction(1, 1) / Fraction(rate)
    ticks = list(ticks) if ticks is not None else [first_tick + i - hidden for i in range(count)]
    with av.open(str(path), "w", format=container_format, options=container_options or {}) as output:
        other: Any = output.add_stream("libx264", rate=Fraction(rate)) if decoy else None
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
        if other is not None:
            other.width, other.height, other.pix_fmt = 320, 192, "yuv420p"
            stream.disposition = Disposition.default.value
        tone: Any = output.add_stream(*_tone_of(path), layout="mono") if sound else None
        picture_stream: Any = None
        if cover:
            picture_stream = output.add_stream("mjpeg", rate=1)
            picture_stream.width, picture_stream.height, picture_stream.pix_fmt = 640, 384, "yuvj420p"
            picture_stream.disposition = Disposition.attached_pic.value
        for number, tick in enumerate(ticks):
            shown = first_number + number
            output.mux(stream.encode(_picture(shown, size, pix_fmt, tick, base, rotation or 0)))
            if other is not None:
                output.mux(other.encode(_picture(60_000, (320, 192), "yuv420p", tick, base)))
        output.mux(stream.encode(None))
        if other is not None:
            output.mux(other.encode(None))
        if picture_stream is not None:
            output.mux(picture_stream.encode(_picture(60_000, (640, 384), "yuvj420p", 0, Fraction(1))))
            output.mux(picture_stream.encode(None))
        if tone is not None:
            first_sample = int(float(ticks[0] * base) * tone.rate)
            for i in range(int(float((ticks[-1] - ticks[0] + 1) * base) * tone.rate) // 1024):
                wave = (np.sin(np.arange(1024) * 0.1) * 8000).astype(np.int16)[None]
                chunk = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
                chunk.sample_rate, chunk.time_base = tone.rate, Fraction(1, tone.rate)
                chunk.pts = first_sample + i * 1024
                output.mux(tone.encode(chunk))
            output.mux(tone.encode(None))
    if rotation is not None:
        turn(path, rotation)
    starts = tuple(float((tick - ticks[hidden]) * base) for tick in ticks[hidden:])
    return Film(path, starts, starts[-1] + float(1 / Fraction(rate)), first_number + hidden)


def make_joined_film(path: Path, parts: Sequence[dict[str, Any]]) -> Film:
    """Parts of their own clock joined byte by byte. Their pictures are numbered, and shown, one part after
    the other.
    """
    starts: list[float] = []
    stop_seconds = 0.0
    with path.open("wb") as joined:
        for what in parts:
            part = path.with_name(f"part-{path.name}")
            film = make_film(part, first_number=len(starts), **what)
            joined.write(part.read_bytes())
            starts += [stop_seconds + start for start in film.starts_seconds]
            stop_seconds += film.stop_seconds
    return Film(path, tuple(starts), stop_seconds)


def _tone_of(path: Path) -> tuple[str, int]:
    """Codec and rate of the sound that a container takes."""
    return ("mp2", 48_000) if path.suffix == ".mpg" else ("aac", 16_000)


def turn(path: Path, degrees: int) -> None:
    """Say in an MP4 file's first track that players turn it counter-clockwise: PyAV writes that from 17.1 on
    only.
    """
    data = bytearray(path.read_bytes())
    cosine, sine = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[degrees]
    at = data.index(b"tkhd") + 44  # of a box of version 0
    data[at : at + 20] = struct.pack(">5i", cosine << 16, -sine << 16, 0, sine << 16, cosine << 16)
    path.write_bytes(data)


def make_resized_film(path: Path) -> Film:
    """Transport stream whose pictures grow from 160×96 to 240×144 after 40 of 75."""
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        second: Any = av.CodecContext.create("libx264", "w")
        second.width, second.height, second.pix_fmt = 240, 144, "yuv420p"
        second.framerate, second.time_base = Fraction(25), Fraction(1, 25)
        for number in range(40):
            output.mux(stream.encode(_picture(number, (160, 96), "yuv420p", number, Fraction(1, 25))))
        output.mux(stream.encode(None))
        for number in [*range(40, 75), None]:
            picture = None
            if number is not None:
                picture = _picture(number, (240, 144), "yuv420p", number, Fraction(1, 25))
            for packet in second.encode(picture):
                packet.stream, packet.time_base = stream, Fraction(1, 25)
                output.mux(packet)
    starts = tuple(i / 25 for i in range(75))
    return Film(path, starts, 3.0)


def _picture(
    number: int, size: tuple[int, int], pix_fmt: str, tick: int, base: Fraction, rotation: int = 0
) -> av.VideoFrame:
    """The number upright for a viewer who turns the picture counter-clockwise by `rotation` degrees."""
    width, height = size
    if rotation in (90, 270):
        width, height = height, width
    pixels = np.ascontiguousarray(np.rot90(draw_number(number, width, height), -rotation // 90))
    picture = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format=pix_fmt)
    picture.pts, picture.time_base = tick, base
    return picture


def _irregular_ticks(count: int) -> list[int]:
    steps = random.Random(1).choices([20, 40, 60, 100], k=count - 1)
    return [sum(steps[:i]) for i in range(count)]


X265 = "log-level=none:keyint=25:pools=1"
FILMS: dict[str, dict[str, Any]] = {
    "25fps.mp4": {"options": {"bf": "3", "g": "30", "sc_threshold": "0"}, "sound": True},
    "ntsc.mp4": {"rate": Fraction(30000, 1001), "count": 90, "options": {"bf": "2"}},
    "vfr.mp4": {
        "ticks": _irregular_ticks(60),
        "time_base": Fraction(1, 1000),
        "options": {"bf": "2", "g": "20"},
    },
    "vfr.mkv": {
        "ticks": _irregular_ticks(60),
        "time_base": Fraction(1, 1000),
        "options": {"bf": "2", "g": "20"},
    },
    "open_gop.mp4": {"options": {"bf": "3", "x264-params": "open-gop=1:b-adapt=0:keyint=12:scenecut=0"}},
    "open_gop.ts": {"options": {"bf": "3", "x264-params": "open-gop=1:b-adapt=0:keyint=12:scenecut=0"}},
    "one_gop.mp4": {"options": {"bf": "3", "g": "1000"}},
    "intra_refresh.mp4": {"options": {"intra-refresh": "1", "g": "25"}},
    "h264.mkv": {"options": {"bf": "3", "g": "30"}},
    "h264.ts": {"options": {"bf": "3", "g": "30"}},
    "h264.flv": {"options": {"bf": "2", "g": "30"}},
    "raw.h264": {"options": {"bf": "2", "g": "30"}},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": X265 + ":open-gop=1"}},
    "hevc.ts": {"codec": "libx265", "options": {"x265-params": X265}},
    "hevc_10bit.mkv": {"codec": "libx265", "pix_fmt": "yuv420p10le", "options": {"x265-params": X265}},
    "vp8.webm": {"codec": "libvpx", "options": {"deadline": "realtime", "cpu-used": "8", "g": "30"}},
    "vp9.webm": {
        "codec": "libvpx-vp9",
        "options": {
            "deadline": "good",
            "cpu-used": "5",
            "g": "30",
            "auto-alt-ref": "1",
            "lag-in-frames": "16",
        },
    },
    "vp9_odd_size.webm": {
        "codec": "libvpx-vp9",
        "size": (171, 101),
        "options": {"deadline": "realtime", "cpu-used": "8", "g": "30"},
    },
    "av1.mkv": {"codec": "libsvtav1", "options": {"preset": "12", "g": "30", "svtav1-params": "lp=1"}},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"g": "25"}},
    "mpeg4_b_frames.avi": {"codec": "mpeg4", "options": {"g": "25", "bf": "2"}},
    "mpeg2.mpg": {"codec": "mpeg2video", "options": {"g": "12", "bf": "2"}, "container_format": "dvd"},
    "mpeg2_with_sound.mpg": {
        "codec": "mpeg2video",
        "options": {"g": "12", "bf": "2"},
        "container_format": "dvd",
        "sound": True,
    },
    "mpeg2.ts": {"codec": "mpeg2video", "options": {"g": "12", "bf": "2"}},
    "mpeg2_interlaced.ts": {
        "codec": "mpeg2video",
        "size": (160, 128),
        "options": {"flags": "+ildct+ilme", "bf": "2", "g": "12"},
    },
    "interlaced.mp4": {"size": (160, 128), "options": {"x264-params": "interlaced=1:tff=1", "bf": "2"}},
    "without_count.mkv": {"options": {"bf": "3", "g": "30"}, "container_options": {"live": "1"}},
    "fragmented.mp4": {"options": {"g": "20"}, "container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "10bit.mp4": {"pix_fmt": "yuv420p10le"},
    "odd_size.mp4": {"size": (161, 97), "pix_fmt": "yuv444p"},
    "wide_pixels.mp4": {"aspect": Fraction(16, 11)},
    "tall_pixels.mkv": {"aspect": Fraction(8, 9)},
    "turned_90.mp4": {"rotation": 90},
    "turned_180.mp4": {"rotation": 180},
    "turned_270.mp4": {"rotation": 270},
    "late_start.mp4": {"first_tick": 250},
    "late_start.ts": {"first_tick": 250},
    "late_start.mkv": {"first_tick": 250},
    "edit_list.mp4": {
        "hidden": 10,
        "options": {"bf": "2", "g": "30"},
        "container_options": {"avoid_negative_ts": "disabled"},
    },
    "two_streams.mp4": {"decoy": True},
    "two_streams.mkv": {"decoy": True},
    "cover.mp4": {"cover": True},
    "gif.gif": {"codec": "gif", "pix_fmt": "rgb8", "rate": 20},
    "one_frame.mp4": {"count": 1},
}


_SHORT: dict[str, Any] = {"count": 40, "options": {"bf": "2", "g": "15"}}
_PROGRAM: dict[str, Any] = {
    "count": 40,
    "codec": "mpeg2video",
    "options": {"g": "12", "bf": "2"},
    "container_format": "dvd",
}
_OTHER_STREAM = {"mpegts_start_pid": "300", "mpegts_pmt_start_pid": "5000"}
JOINED: dict[str, list[dict[str, Any]]] = {
    "joined.ts": [_SHORT, _SHORT],
    "joined_with_sound.ts": [{**_SHORT, "sound": True}, {**_SHORT, "sound": True}],
    "joined_sound_and_none.ts": [{**_SHORT, "sound": True}, _SHORT],
    # FFmpeg takes a clock that is more than a minute behind the first one for one that went once round.
    "joined_far_back.ts": [{**_SHORT, "first_tick": 25_000}, _SHORT],
    "joined_far_ahead.ts": [_SHORT, {**_SHORT, "first_tick": 25_000}],
    "joined_other_stream.ts": [_SHORT, {**_SHORT, "container_options": _OTHER_STREAM}],
    "joined_other_codec.ts": [_SHORT, {**_SHORT, "codec": "mpeg2video", "size": (240, 144)}],
    "joined.m2ts": [{**_SHORT, "container_options": {"mpegts_m2ts_mode": "1"}}] * 2,
    "joined_thrice.ts": [_SHORT, {**_SHORT, "first_tick": 500}, {**_SHORT, "count": 30, "first_tick": 100}],
    "joined.flv": [_SHORT, _SHORT],
    "joined.mpg": [_PROGRAM, _PROGRAM],
    "joined_with_sound.mpg": [{**_PROGRAM, "sound": True}, {**_PROGRAM, "sound": True}],
    "joined_mpeg1.mpg": [{**_PROGRAM, "codec": "mpeg1video", "container_format": "mpeg"}] * 2,
}


@pytest.fixture(scope="session", params=[*FILMS, "resized.ts", *JOINED])
def film(request: pytest.FixtureRequest, film_maker: Callable[..., Film]) -> Film:
    """Every kind of film in turn."""
    name: str = request.param
    return film_maker(name, **FILMS.get(name, {}))


@pytest.fixture(scope="session")
def film_maker(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Film]:
    """`film_maker(name, **what)`: a film, made once per session."""
    folder = tmp_path_factory.mktemp("films")
    made: dict[str, Film] = {}

    def make(name: str, **what: Any) -> Film:
        if name not in made:
            path = folder / name
            if name in JOINED:
                made[name] = make_joined_film(path, JOINED[name])
            else:
                made[name] = make_resized_film(path) if name == "resized.ts" else make_film(path, **what)
        return made[name]

    return make


@pytest.fixture(scope="session")
def plain_film(film_maker: Callable[..., Film]) -> Film:
    """Three seconds, 25 fps, H.264 with B-frames, sound."""
    return film_maker("25fps.mp4", **FILMS["25fps.mp4"])


@pytest.fixture(scope="session")
def number_in() -> Callable[[Frame], int | None]:
    """Reads the number of a frame."""
    return read_number


@pytest.fixture(scope="session", name="draw_number")
def _draw_number() -> Callable[..., np.ndarray]:
    """Draws a number as a picture."""
    return draw_number


@pytest.fixture(scope="session")
def films() -> dict[str, dict[str, Any]]:
    """What each kind of film is made of, for `film_maker`."""
    return FILMS


@pytest.fixture(scope="session")
def silent_track() -> Callable[..., Path]:
    """`silent_track(path, codec="aac", cover=False)`: half a second of sound, with a cover picture if wanted."""

    def make(path: Path, *, codec: str = "aac", cover: bool = False) -> Path:
        with av.open(str(path), "w", format="mp4" if cover else None) as output:
            tone: Any = output.add_stream(codec, rate=16000, layout="mono")
            art: Any = None
            if cover:
                art = output.add_stream("mjpeg", rate=1)
                art.width, art.height, art.pix_fmt = 160, 96, "yuvj420p"
                art.disposition = Disposition.attached_pic.value
                output.mux(art.encode(_picture(1, (160, 96), "yuvj420p", 0, Fraction(1))))
                output.mux(art.encode(None))
            for i in range(8):
                chunk = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), format="s16", layout="mono")
                chunk.sample_rate, chunk.pts, chunk.time_base = 16000, i * 1024, Fraction(1, 16000)
                output.mux(tone.encode(chunk))
            output.mux(tone.encode(None))
        return path

    return make
