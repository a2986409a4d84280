"""Sound as 16 kHz mono samples on the video's clock: decoded as it is read, never on disk, never whole in
memory.
"""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from mrvideo.errors import VideoError
from mrvideo.media.subtitles.languages import language_of, normalised
from mrvideo.records import Span

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

    from mrvideo.media.joined import Part
    from mrvideo.media.sources import ByteRanges

SAMPLE_RATE = 16_000
Samples = NDArray[np.int16]

_JUMP_SECONDS = 0.04
"""A frame further than this from where the samples before it end is a gap or an overlap, not rounding."""

_BEYOND_SECONDS = 0.5
"""Sound that goes on for longer than this after the last picture of a recording's part is listed as lost."""


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples in a row, about one second of them; the first one stands at `start_seconds`, which may be
    before zero.
    """

    start_seconds: float
    samples: Samples

    @property
    def stop_seconds(self) -> float:
        """Where the next sample would stand."""
        return self.start_seconds + len(self.samples) / SAMPLE_RATE


@dataclass(frozen=True, slots=True)
class LostSound:
    """A span that could not be decoded."""

    span: Span
    reason: str


def read_sound(
    path: Path | str, *, language: str | None = None, allow_url: bool = False
) -> Iterator[Sound | LostSound]:
    """The sound of a video in order; nothing where it has no audio track.

    Of several tracks the one in `language`, else the default one; commentary and audio description come last.
    Raises the `VideoError` tree when the file cannot be opened.
    """
    from mrvideo.media import joined

    parts = joined.parts_of(str(path), allow_url=allow_url)
    if not parts:
        yield from _sounds_of(str(path), language, allow_url=allow_url)
    for part in parts:
        try:
            sounds = _sounds_of(str(path), language, allow_url=allow_url, byte_ranges=part.byte_ranges)
            yield from _within(part, parts, sounds)
        except VideoError as error:
            yield LostSound(part.span, str(error))


def _sounds_of(
    path: str,
    language: str | None,
    *,
    allow_url: bool = False,
    byte_ranges: ByteRanges | None = None,
) -> Iterator[Sound | LostSound]:
    from mrvideo.media.compat import closing, read_only
    from mrvideo.media.containers import choose_video, open_container
    from mrvideo.media.subtitles.embedded import first_frame_seconds

    container = open_container(path, allow_url=allow_url, byte_ranges=byte_ranges)
    with closing(container):
        if not container.streams.audio:
            return
        origin_seconds = first_frame_seconds(container, path)
    container = open_container(path, allow_url=allow_url, byte_ranges=byte_ranges)
    with closing(container):
        stream = choose_audio(container, choose_video(container, path), language)
        read_only(container, stream)
        yield from _Decoding(container, stream, origin_seconds).sounds()


def _within(
    part: Part, parts: Sequence[Part], sounds: Iterator[Sound | LostSound]
) -> Iterator[Sound | LostSound]:
    """A part's sound on the recording's clock, without what lies over its neighbours."""
    offset_seconds = part.span.start_seconds
    low = -math.inf if part is parts[0] else offset_seconds
    high = math.inf if part is parts[-1] else part.span.stop_seconds
    beyond_seconds = 0.0
    for found in sounds:
        if isinstance(found, LostSound):
            start, stop = (offset_seconds + t for t in (found.span.start_seconds, found.span.stop_seconds))
            if (start := max(start, low)) < (stop := min(stop, high)):
                yield LostSound(Span(start, stop), found.reason)
            continue
        start = offset_seconds + found.start_seconds
        count = len(found.samples)
        first = min(count, max(0, math.ceil((low - start) * SAMPLE_RATE))) if start < low else 0
        last = max(0, min(count, math.ceil((high - start) * SAMPLE_RATE))) if high < math.inf else count
        beyond_seconds += (count - last) / SAMPLE_RATE
        if first < last:
            yield Sound(start + first / SAMPLE_RATE, found.samples[first:last])
    if beyond_seconds > _BEYOND_SECONDS:
        yield LostSound(
            Span(high, high + beyond_seconds),
            f"{beyond_seconds:.1f} s of sound after the last picture of a part of the recording are left out",
        )


def encode_flac(samples: Samples) -> bytes:
    """16 kHz mono samples as a FLAC file in memory: exact, and about half the size of WAV."""
    import av

    file = io.BytesIO()
    container = cast("Any", av.open(file, "w", format="flac"))
    with container:
        stream = container.add_stream("flac", rate=SAMPLE_RATE, layout="mono")
        for start in range(0, len(samples), 4096):
            piece = np.ascontiguousarray(samples[None, start : start + 4096])
            frame = av.AudioFrame.from_ndarray(piece, format="s16", layout="mono")
            frame.sample_rate = SAMPLE_RATE
            frame.pts = start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def choose_audio(container: InputContainer, shown: VideoStream, language: str | None) -> AudioStream:
    """The track to hear. Of a broadcast with several programmes, only those that belong to what is shown."""
    from av.stream import Disposition

    # FFmpeg looks for what is related to a stream within its programme: streams of one programme have the
    # same best ones.
    best_video = container.streams.best("video", related=shown)
    tracks = [
        stream
        for stream in container.streams.audio
        if container.streams.best("video", related=stream) == best_video
    ]

    wanted = normalised(language) if language else None
    extra = Disposition.comment | Disposition.visual_impaired | Disposition.descriptions
    best = container.streams.best("audio", related=shown)

    def rank(stream: AudioStream) -> tuple[bool, ...]:
        return (
            wanted is not None and language_of(stream.language) != wanted,
            bool(stream.disposition & extra),
            not stream.disposition & Disposition.default,
            best is not None and stream.index != best.index,
        )

    return min(tracks or container.streams.audio, key=rank)


class _Decoding:
    """One pass over an audio stream. A run is samples without a jump; each run has its own resampler and
    start.
    """

    def __init__(self, container: InputContainer, stream: AudioStream, origin_seconds: float) -> None:
        self._container = container
        self._stream = stream
        self._origin_seconds = origin_seconds
        self._resampler: AudioResampler | None = None
        self._run_seconds = 0.0
        self._taken_seconds = 0.0
        self._given = 0
        self._broken_since: float | None = None

    def sounds(self) -> Iterator[Sound | LostSound]:
        for frame in self._frames():
            at_seconds = self._time_of(frame)
            lost = self._lost_until(at_seconds)
            jump = abs(at_seconds - self._next_seconds) > _JUMP_SECONDS
            if self._resampler is None or jump or not self._fits(frame):
                yield from self._end_run()
                self._begin_run(at_seconds)
            if lost is not None:
                yield lost
            self._taken_seconds += frame.samples / (frame.sample_rate or SAMPLE_RATE)
            yield from self._resampled(frame)
        yield from self._end_run()
        lost = self._lost_until(self._end_seconds())
        if lost is not None:
            yield lost

    @property
    def _next_seconds(self) -> float:
        return self._run_seconds + self._taken_seconds

    def _frames(self) -> Iterator[AudioFrame]:
        from av.error import FFmpegError

        from mrvideo.media.compat import DECODE_ERRORS
        from mrvideo.media.containers import packets_of

        packets = packets_of(self._container, self._stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except FFmpegError:
                self._broken()
                return
            try:
                frames = self._stream.decode(packet)  # pyright: ignore[reportUnknownMemberType]
            except DECODE_ERRORS:
                self._broken()
                continue
            yield from frames

    def _broken(self) -> None:
        if self._broken_since is None:
            self._broken_since = max(self._next_seconds, 0.0)

    def _lost_until(self, seconds: float) -> LostSound | None:
        since, self._broken_since = self._broken_since, None
        if since is None or seconds - since <= _JUMP_SECONDS:
            return None
        return LostSound(Span(since, seconds), "the sound could not be decoded")

    def _end_seconds(self) -> float:
        stream, container = self._stream, self._container
        if stream.duration is not None and stream.time_base:
            end = float(((stream.start_time or 0) + stream.duration) * stream.time_base)
        else:
            end = ((container.start_time or 0) + (container.duration or 0)) / 1e6
        return end - self._origin_seconds

    def _time_of(self, frame: AudioFrame) -> float:
        if frame.pts is None:
            return self._next_seconds
        return float(frame.pts * (frame.time_base or self._stream.time_base or 0)) - self._origin_seconds

    def _fits(self, frame: AudioFrame) -> bool:
        return self._kind == (frame.format.name, frame.layout.name, frame.sample_rate)

    def _begin_run(self, at_seconds: float) -> None:
        from av.audio.resampler import AudioResampler

        self._resampler = AudioResampler(
            format="s16", layout="mono", rate=SAMPLE_RATE, frame_size=SAMPLE_RATE
        )
        self._run_seconds, self._taken_seconds, self._given = at_seconds, 0.0, 0

    def _end_run(self) -> Iterator[Sound]:
        if self._resampler is not None:
            yield from self._resampled(None)
            self._resampler = None

    def _resampled(self, frame: AudioFrame | None) -> Iterator[Sound]:
        assert self._resampler is not None
        if frame is not None:
            self._kind = (frame.format.name, frame.layout.name, frame.sample_rate)
            # The run's own count is the clock from here on.
            frame.pts = None
        for piece in self._resampler.resample(frame):
            samples = cast("Samples", piece.to_ndarray()).ravel()
            yield Sound(self._run_seconds + self._given / SAMPLE_RATE, samples)
            self._given += len(samples)
