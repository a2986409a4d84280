"""An MP4 file that is written picture by picture, with the sound that belongs to them beside them."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from mrvideo.errors import VideoError
from mrvideo.media import compat
from mrvideo.media.cutting.sound import BLOCK, Samples, audio_frame
from mrvideo.media.cutting.source import Film, Shown
from mrvideo.media.images import fit_within

TICKS = 90_000
"""Of a second. Of the usual rates and clocks, pictures lie on a tick or within 6 µs of one."""

_BASE = Fraction(1, TICKS)
_AS_THEY_ARE = {"yuv420p": "libx264", "yuvj420p": "libx264", "yuv420p10le": "libx265"}
"""Formats of pixels that are encoded as they are, and with what. Others become 8-bit 4:2:0, which every
player shows.
"""
# Without B-frames: MP4 counts how long a picture stays from when it is decoded, which is then when it is
# shown.
_OPTIONS: dict[str, dict[str, str]] = {
    "libx264": {"crf": "17", "preset": "veryfast", "g": "60", "bf": "0"},
    "libx265": {"crf": "18", "preset": "veryfast", "x265-params": "log-level=none:keyint=60:bframes=0"},
}
_FOR_A_BROWSER = {
    "preset": "superfast", "profile": "main", "crf": "25", "maxrate": "4M", "bufsize": "8M", "g": "60", "bf": "0",
    "threads": "2",
}  # fmt: skip
_IN_FRAGMENTS = "frag_keyframe+empty_moov+default_base_moof"
_SOUND_BITS_PER_CHANNEL = 96_000


class Writer:
    """Pictures and sound in, an MP4 file out. `finish` completes it; `close` alone leaves it unfinished.

    With `long_side_pixels`, pictures that are encoded are no larger than that, and the file is one that a
    browser's MediaSource takes: H.264 of 8 bits, in fragments.
    """

    def __init__(
        self, made: Path, sound: tuple[int, str] | None, *, long_side_pixels: int | None = None
    ) -> None:
        flags = "+faststart" if long_side_pixels is None else _IN_FRAGMENTS
        # PyAV's types of what is written are only partly known.
        self._output: Any = av.open(str(made), "w", format="mp4", options={"movflags": flags})
        self._long_side_pixels = long_side_pixels
        self._video: Any = None
        self._scaler = VideoReformatter()
        self._size = (0, 0)
        self._format = ""
        self._durations: dict[int, int] = {}
        self._encoding = False
        self._kind = sound
        self._sound: Any = None
        self._waiting: list[Samples] = []
        self._waiting_count = self._fed = self._heard = 0
        self._samples: Iterator[Samples] = iter(())

    def encode_pictures(self, film: Film) -> None:
        """The pictures that follow are encoded, in the size and the kind of this film's."""
        picture = film.first
        small = self._long_side_pixels is not None
        name = None if small else _AS_THEY_ARE.get(picture.format.name)
        self._format = picture.format.name if name else "yuv420p"
        if name is None and picture.format.name.startswith("yuvj"):
            self._format = "yuvj420p"
        width, height = (picture.width, picture.height) if not small else self._smaller(film)
        self._size = (max(2, width - width % 2), max(2, height - height % 2))
        encoder = name or "libx264"
        options = _FOR_A_BROWSER if small else _OPTIONS[encoder]
        try:
            video = self._output.add_stream(encoder, rate=_rate(film), options=options)
        except (ValueError, av.error.FFmpegError) as error:
            raise VideoError(
                f"{film.path}: this PyAV has no encoder {encoder} for its pictures; install the av package of PyPI"
            ) from error
        context = video.codec_context
        video.width, video.height, video.pix_fmt = *self._size, self._format
        video.time_base = context.time_base = _BASE
        if film.track.stream.sample_aspect_ratio and not small:
            context.sample_aspect_ratio = film.track.stream.sample_aspect_ratio
        source = film.track.codec
        for told in ("color_range", "color_primaries", "color_trc", "colorspace"):
            setattr(context, told, getattr(source, told))
        if self._format == "yuvj420p":
            context.color_range = 2
        if encoder == "libx265":
            context.codec_tag = "hvc1"  # What Apple's players ask for.
        self._video, self._encoding = video, True
        self._add_sound()

    def _smaller(self, film: Film) -> tuple[int, int]:
        """The size with square pixels, not yet turned, within the long side."""
        sides = (film.info.width, film.info.height)
        width, height = sides if film.first.rotation % 180 == 0 else (sides[1], sides[0])
        most = self._long_side_pixels
        return (width, height) if most is None else fit_within(width, height, most)

    def copy_pictures(self, film: Film) -> Any:
        """The stream that copied packets go to."""
        # Opaque: there need be no encoder for it.
        self._video = self._output.add_stream_from_template(film.track.stream, opaque=True)
        if film.track.codec_name == "hevc":
            self._video.codec_context.codec_tag = "hvc1"
        self._add_sound()
        return self._video

    def _add_sound(self) -> None:
        if self._kind is not None:
            rate, layout = self._kind
            if self._long_side_pixels is not None:
                # What the encoder gives before the film begins is left out, see `_mux_sound`: a block more of
                # silence leads it, so that nothing of the film is lost with it.
                self._fed = -BLOCK
                self._waiting = [np.zeros((2 if layout == "stereo" else 1, BLOCK), np.float32)]
                self._waiting_count = BLOCK
            self._sound = self._output.add_stream("aac", rate=rate, layout=layout)
            channels = self._sound.codec_context.layout.nb_channels
            self._sound.codec_context.bit_rate = min(_SOUND_BITS_PER_CHANNEL, 4 * rate) * channels

    def hear(self, samples: Iterator[Samples]) -> None:
        """What is heard from here on; what came before is written out first."""
        self.hear_until(None)
        self._samples = samples

    def write(self, shown: Shown, tick: int, stop_tick: int) -> None:
        """A picture that is on screen from one tick of the film to another."""
        picture = self._fitted(shown.picture)
        picture.pts, picture.time_base = tick, _BASE
        picture.pict_type = PictureType.NONE  # Else key frames stand where the source's did.
        self._durations[tick] = max(1, stop_tick - tick)
        self._mux_pictures(self._video.encode(picture))

    def mux_copied(self, packet: Packet[Any], start_seconds: float) -> None:
        """A packet of the film, its times moved already."""
        self._output.mux(packet)
        self.hear_until(start_seconds)

    def _mux_pictures(self, packets: list[Packet[Any]]) -> None:
        for packet in packets:
            if packet.pts is not None:
                tick = round(packet.pts * (packet.time_base or _BASE) / _BASE)
                lasts = self._durations.pop(tick, None)
                if lasts is not None:
                    packet.duration = max(1, round(lasts * _BASE / (packet.time_base or _BASE)))
                self._output.mux(packet)
                self.hear_until(tick / TICKS)

    def hear_until(self, seconds: float | None) -> None:
        """Write the sound up to this time of the film; None: all that there is."""
        if self._sound is None:
            return
        rate = self._kind[0] if self._kind else 1
        while seconds is None or self._heard < seconds * rate:
            block = next(self._samples, None)
            if block is None:
                return
            self._heard += block.shape[1]
            self._waiting.append(block)
            self._waiting_count += block.shape[1]
            if self._waiting_count >= BLOCK:
                self._encode_sound(whole=True)

    def _encode_sound(self, *, whole: bool) -> None:
        rate, layout = self._kind or (1, "")
        if not self._waiting_count:
            return
        samples = np.concatenate(self._waiting, axis=1)
        stop = samples.shape[1] - (samples.shape[1] % BLOCK if whole else 0)
        for at in range(0, stop, BLOCK):
            piece = samples[:, at : min(at + BLOCK, stop)]
            frame = audio_frame(piece, rate=rate, layout=layout, first=self._fed)
            self._fed += piece.shape[1]
            self._mux_sound(self._sound.encode(frame))
        self._waiting = [samples[:, stop:]]
        self._waiting_count = samples.shape[1] - stop

    def _mux_sound(self, packets: list[Packet[Any]]) -> None:
        for packet in packets:
            # In fragments there is no list of edits: a packet before 0 would move all that follows.
            if self._long_side_pixels is None or (packet.pts is not None and packet.pts >= 0):
                self._output.mux(packet)

    def finish(self) -> None:
        """Write what is left, and the file's index."""
        if self._encoding:
            self._mux_pictures(self._video.encode(None))
        self.hear_until(None)
        if self._sound is not None:
            self._encode_sound(whole=False)
            self._mux_sound(self._sound.encode(None))
        self._output.close()

    def close(self) -> None:
        """Let go of the file. Safe to call twice."""
        self._output.close()

    def _fitted(self, picture: VideoFrame) -> VideoFrame:
        if (picture.width, picture.height) == self._size and picture.format.name == self._format:
            return picture
        width, height = self._size
        return compat.scale(
            self._scaler,
            picture,
            width=width,
            height=height,
            interpolation=Interpolation.BICUBIC,
            matrix=None,
            pixel_format=self._format,
        )


def _rate(film: Film) -> Fraction:
    rate = film.track.rate
    return Fraction(rate).limit_denominator(1001) if rate else Fraction(25)
