"""One video stream inside an open container, and its clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Literal, TypeAlias, cast

import av.error
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mrvideo.errors import VideoError
from mrvideo.media import compat, containers, sources, webp
from mrvideo.media.decode_errors import Losses
from mrvideo.media.local import file_of
from mrvideo.media.mp4.boxes import NotPlainError
from mrvideo.media.mp4.movie import Movie
from mrvideo.media.options import ReadOptions
from mrvideo.media.tones import Tones, tones_of
from mrvideo.records import Span

_MAX_DEMUX_ERRORS = 64
_DEFAULT_FRAME_SECONDS = 0.04
_LONGEST_LISTED_SECONDS = 1800.0
PROGRAM_STREAM = "mpeg"
_MOST_ASTRAY = 4096
"""Packets; where so many pass without a key frame that states its time, none does."""

Skip: TypeAlias = Literal["DEFAULT", "NONREF", "NONKEY"]


class Track:
    """Packets and pictures of the stream that players show. Times are seconds since `origin_pts`.

    With `byte_ranges`, these bytes of the file are read as if they were all of it.
    """

    def __init__(
        self,
        path: str,
        losses: Losses,
        options: ReadOptions,
        *,
        byte_ranges: sources.ByteRanges | None = None,
    ) -> None:
        self.path = path
        self.keyframes_only = options.keyframes_only
        self.origin_pts = 0
        self.duration_seconds = 0.0
        self.untimed = False
        self._strict = True
        self._losses = losses
        self._allowed = {"allow_url": options.allow_url, "allow_private": options.allow_private}
        self._byte_ranges = byte_ranges
        self._file = file_of(path, **self._allowed)
        self._movie = None if byte_ranges else Movie.of(self._file)
        self._listed = Span(0.0, 0.0)
        self._open()
        self.size_bytes = sources.size_of(self._file)
        self.rate = self._rate()

    def cover(self, span: Span) -> None:
        """Be ready to seek and read anywhere in the span: a long file is opened with a part of its index."""
        if self._movie is None or (
            self._listed.start_seconds <= span.start_seconds
            and span.stop_seconds <= self._listed.stop_seconds
        ):
            return
        if span.duration_seconds > _LONGEST_LISTED_SECONDS:
            self._movie = None
        self._listed = span
        self._fresh = False
        self.rewind()

    def _open(self) -> None:
        self.container = self._part_of_a_movie() or self.open_whole()
        try:
            self.stream: VideoStream = containers.choose_video(self.container, self.path)
            self.codec = self.stream.codec_context
            # The codec's name, not its decoder's. Asked for now: a decoder that fails to open forgets it
            # (PyAV 19).
            self.codec_name = self.codec.codec.canonical_name
            if self.codec_name == "rawvideo" and webp.is_animated_file(self._file):
                # As the user knows it: the decoder is shown it as something else.
                self.codec_name = "webp"
            self._decoder = cast("Any", self.codec)  # Its stubs leave the packet's type open.
            # One decode thread: ranges of the video side by side fill the cores better than threads inside
            # one.
            self.codec.thread_count = 1
            self.codec.options = {"max_pixels": str(containers.MAX_PIXELS)}
            if self._strict:
                # Report what is broken instead of painting over it.
                self.codec.options |= {"err_detect": "crccheck+bitstream+buffer+explode"}
            self.skip("NONKEY" if self.keyframes_only else "DEFAULT")
        except BaseException:
            compat.close(self.container)
            raise
        self._tick_seconds = float(self.stream.time_base or 0) or 1e-6
        self._counted = 0
        self._awaits_key = compat.must_begin_at_key(self.codec_name)
        self._fresh, self._sought = True, False

    def open_whole(self) -> InputContainer:
        """Another open container, with all streams."""
        return containers.open_container(self.path, byte_ranges=self._byte_ranges, **self._allowed)

    def _part_of_a_movie(self) -> InputContainer | None:
        """A long file with a part of its index; None when it is to be opened as it is, from now on."""
        if self._movie is not None:
            try:
                window = self._movie.window(self._listed)
                return containers.open_container(
                    self.path, byte_ranges=None, shown_as=window, **self._allowed
                )
            except (NotPlainError, VideoError):
                self._movie = None
        return None

    def close(self) -> None:
        """Let go of the file."""
        compat.close(self.container)

    def rewind(self) -> None:
        """Back to the first packet. Opened anew: not every container can seek there."""
        if not self._fresh:
            compat.close(self.container)
            self._open()

    def relax(self) -> None:
        """Begin again with a decoder that makes the best of what it does not understand."""
        self._strict, self._fresh = False, False
        self.rewind()

    def seek(self, time_seconds: float) -> bool:
        """To a key frame at or before the time, where the container can. Says whether it did."""
        if self.untimed:
            return False
        try:
            self.container.seek(self.pts_at(time_seconds), stream=self.stream)
        except (av.error.FFmpegError, OverflowError):
            return False
        self._awaits_key = compat.must_begin_at_key(self.codec_name)
        self._fresh, self._sought = False, True
        return True

    def packets(self) -> Iterator[Packet[VideoStream]]:
        """Packets up to the end. Bad data between them is stepped over as long as there is progress."""
        # A program stream states few times. What a seek lands in takes the next one, and those counted on
        # from it are off.
        astray = _MOST_ASTRAY if self._sought and self.format_name == PROGRAM_STREAM else 0
        self._fresh = self._sought = False
        errors = 0
        while errors < _MAX_DEMUX_ERRORS:
            try:
                for packet in containers.packets_of(self.container, self.stream):
                    if packet.size == 0 and packet.pts is None:
                        return
                    errors = 0
                    if astray and (packet.pos is None or not packet.is_keyframe):
                        astray -= 1
                        continue
                    astray = 0
                    yield packet
                return
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                errors += 1
                self._losses.errors += 1

    def decode(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        """The pictures that come out when the packet goes in; none when it is broken, which is noted."""
        self._awaits_key = self._awaits_key and not packet.is_keyframe
        if self._awaits_key:
            if self._strict:
                self._losses.broke(self.time_of(packet.pts))
            return []
        try:
            return self._decoder.decode(packet)
        except compat.DECODE_ERRORS:
            self._losses.broke(self.time_of(packet.pts))
            return []

    def drain(self) -> list[VideoFrame]:
        """The pictures still in the decoder."""
        with suppress(*compat.DECODE_ERRORS):
            return self._decoder.decode(None)
        return []

    def skip(self, what: Skip) -> None:
        """Which pictures the decoder leaves out from the next packet on."""
        self.codec.skip_frame = what

    def time_of(self, pts: int | None) -> float | None:
        """Seconds of a PTS; None when there is none, as in a stream without a container."""
        return None if pts is None or self.untimed else (pts - self.origin_pts) * self._tick_seconds

    def time_of_picture(self, picture: VideoFrame) -> float:
        """When the picture is shown. Without timestamps, pictures are counted."""
        self._counted += 1
        time = self.time_of(timestamp_of(picture))
        return (self._counted - 1) * self.frame_seconds if time is None else time

    def pts_at(self, time_seconds: float) -> int:
        """The last tick not after the time."""
        return int(time_seconds / self._tick_seconds) + self.origin_pts

    def length_of(self, item: Packet[VideoStream] | VideoFrame) -> float:
        """How long a packet's picture says it is shown; a usual frame's length where it does not say."""
        return (item.duration or 0) * self._tick_seconds or self.frame_seconds

    def _rate(self) -> float | None:
        # Of a part of the samples, the library's own would be too low.
        whole = self._movie.rate(self.stream.index) if self._movie else None
        rate = whole or self.stream.average_rate or self.stream.guessed_rate
        return float(rate) if rate and 0 < rate < 1000 else None

    @property
    def frame_seconds(self) -> float:
        """A usual frame's length."""
        return 1 / self.rate if self.rate else _DEFAULT_FRAME_SECONDS

    @property
    def tones(self) -> Tones | None:
        """How the pictures met last code light; None where a JPEG does the same."""
        return tones_of(self.codec.color_trc, self.codec.color_primaries)

    @property
    def format_name(self) -> str:
        """The container format's name, as FFmpeg calls it."""
        return self.container.format.name


def timestamp_of(picture: VideoFrame) -> int | None:
    """The PTS, or the DTS in containers that keep no other (AVI)."""
    return picture.pts if picture.pts is not None else picture.dts
