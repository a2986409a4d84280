"""The sound of a span as samples that begin and end with it: silence where the film has none, never moved in
time.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, cast

import av
import av.error
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from mrvideo.media import compat, containers
from mrvideo.media.audio import choose_audio
from mrvideo.media.cutting.source import Film

Samples = NDArray[np.float32]
"""(channels, count), -1 to 1."""

BLOCK = 1024
"""Samples that AAC encodes at once."""

_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000)
_USUAL_RATE = 48000
_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
_JUMP_SECONDS = 0.04
"""A frame further than this from where the samples before it end is a gap or an overlap, not rounding."""
_LEAD_SECONDS = 1.0
"""Decoding begins so long before the span: a packet leans on the one before it."""
_LATE_SECONDS = 0.1
_MOST_ERRORS = 64


class Hearing:
    """The sound of one recording, open for its samples. Close it."""

    def __init__(self, film: Film) -> None:
        self._film = film
        self._container, self._stream = self._open()

    @staticmethod
    def kind_of(film: Film) -> tuple[int, str] | None:
        """Samples per second and the layout of channels to encode; None for a film without sound that can be
        decoded.
        """
        with compat.closing(film.track.open_whole()) as container:
            stream = _audio_of(container, film)
            if stream is None:
                return None
            rate = stream.codec_context.sample_rate
            layout = _LAYOUTS.get(stream.codec_context.layout.nb_channels, "stereo")
        return (rate if rate in _AAC_RATES else _USUAL_RATE), layout

    def close(self) -> None:
        """Let go of the file."""
        compat.close(self._container)

    def _open(self) -> tuple[InputContainer, AudioStream | None]:
        container = self._film.track.open_whole()
        try:
            stream = _audio_of(container, self._film)
            if stream is not None:
                compat.read_only(container, stream)
        except BaseException:
            compat.close(container)
            raise
        return container, stream

    def samples(self, rate: int, layout: str, count: int) -> Iterator[Samples]:
        """`count` samples from the span's start on, in blocks of any length."""
        channels = next(number for number, name in _LAYOUTS.items() if name == layout)
        start = self._film.source.span.start_seconds
        given = 0
        for at_seconds, block in self._from(start, rate, layout):
            place = round((at_seconds - start) * rate)
            if place + block.shape[1] <= given:
                continue
            if place > given:
                yield from _silence(min(place, count) - given, channels)
                given = min(place, count)
            block = block[:, given - place :][:, : count - given]
            if block.shape[1]:
                yield block
                given += block.shape[1]
            if given >= count:
                return
        yield from _silence(count - given, channels)

    def _from(self, start: float, rate: int, layout: str) -> Iterator[tuple[float, Samples]]:
        """Samples with their times, from before the start on where there are any."""
        if self._stream is None:
            return
        at = start - _LEAD_SECONDS
        if at > 0:
            try:
                self._container.seek(int((self._film.origin_seconds + at) * av.time_base))
                first = next(iter(self._frames()), None)
            except (av.error.FFmpegError, OverflowError):
                first = None
            late = first is None or self._time_of(first, start) > at + _LATE_SECONDS
            # Opened anew in any case: what a decoder has begun is not begun again.
            self.close()
            self._container, self._stream = self._open()
            if not late:
                self._container.seek(int((self._film.origin_seconds + at) * av.time_base))
        yield from self._resampled(rate, layout)

    def _frames(self) -> Iterator[AudioFrame]:
        stream = cast("Any", self._stream)
        packets = containers.packets_of(self._container, stream)
        errors = 0
        while errors < _MOST_ERRORS:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                return
            try:
                yield from stream.decode(packet)
            except compat.DECODE_ERRORS:
                errors += 1

    def _time_of(self, frame: AudioFrame, otherwise: float) -> float:
        base = frame.time_base or (self._stream.time_base if self._stream else None)
        if frame.pts is None or base is None:
            return otherwise
        return float(frame.pts * base) - self._film.origin_seconds

    def _resampled(self, rate: int, layout: str) -> Iterator[tuple[float, Samples]]:
        """A run is samples without a jump; each run has its own resampler and start."""
        resampler: AudioResampler | None = None
        kind: tuple[str, str, int] | None = None
        run = taken = 0.0
        given = 0

        def out(frame: AudioFrame | None) -> Iterator[tuple[float, Samples]]:
            nonlocal given
            assert resampler is not None
            for piece in resampler.resample(frame):
                block = cast("Samples", piece.to_ndarray())
                yield run + given / rate, block
                given += block.shape[1]

        for frame in self._frames():
            at = self._time_of(frame, run + taken)
            now = (frame.format.name, frame.layout.name, frame.sample_rate)
            if resampler is None or now != kind or abs(at - run - taken) > _JUMP_SECONDS:
                if resampler is not None:
                    yield from out(None)
                resampler, kind = AudioResampler(format="fltp", layout=layout, rate=rate), now
                run, taken, given = at, 0.0, 0
            taken += frame.samples / frame.sample_rate
            frame.pts = None  # The run's own count is the clock from here on.
            yield from out(frame)
        if resampler is not None:
            yield from out(None)


def audio_frame(samples: Samples, *, rate: int, layout: str, first: int) -> AudioFrame:
    """Samples as a frame whose first one is the `first`-th of the film."""
    frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout=layout)
    frame.sample_rate, frame.time_base, frame.pts = rate, Fraction(1, rate), first
    return frame


def _silence(count: int, channels: int) -> Iterator[Samples]:
    while count > 0:
        some = min(count, 16 * BLOCK)
        yield np.zeros((channels, some), np.float32)
        count -= some


def _audio_of(container: InputContainer, film: Film) -> AudioStream | None:
    if not container.streams.audio:
        return None
    shown = next((s for s in container.streams.video if s.index == film.track.stream.index), None)
    stream = choose_audio(container, shown or container.streams.video[0], None)
    return stream if getattr(stream, "codec_context", None) is not None else None
