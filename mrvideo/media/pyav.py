"""The default reader: PyAV, exact in time, decoding only what the asked times need."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from types import TracebackType

import av
import av.error
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from typing_extensions import Self

from mrvideo.errors import DecodeError
from mrvideo.media import containers
from mrvideo.media.losses import Losses
from mrvideo.media.reader import Watcher
from mrvideo.media.scaling import Scaler
from mrvideo.media.sparse import DisplayOrder, Wanted
from mrvideo.records import Failure, Frame, VideoInfo

LOOK_AHEAD_PACKETS = 48
SPARSE_CODECS = frozenset({"h264", "hevc", "mpeg2video", "mpeg4"})
"""Where leaving out frames that nothing refers to is exact. With AV1 it gave wrong frames; elsewhere it gains nothing."""

STALL_SECONDS = 8.0
_BACK_OFF_SECONDS = (0.0, 2.0, 8.0, 32.0, 128.0)
_MAX_DEMUX_ERRORS = 64
_DEFAULT_FRAME_SECONDS = 0.04


class PyAVReader:
    """A Reader over PyAV. One decode thread: shards side by side fill the cores better than threads inside one."""

    def __init__(
        self,
        path: str,
        *,
        long_side_pixels: int = 512,
        jpeg_quality: int = 85,
        keyframes_only: bool = False,
        allow_url: bool = False,
        sparse: bool = True,
    ) -> None:
        self._path = path
        self._allow_url = allow_url
        self._keyframes_only = keyframes_only
        self._sparse_allowed = sparse
        self._losses = Losses()
        self._closed = False
        self._open()
        try:
            first = self._peek()
            self._scaler = Scaler(self._stream, long_side_pixels=long_side_pixels, jpeg_quality=jpeg_quality)
            self._info = self._describe(first)
        except BaseException:
            self.close()
            raise

    @property
    def info(self) -> VideoInfo:
        return self._info

    @property
    def lost(self) -> tuple[Failure, ...]:
        return self._losses.failures()

    def read(self, times_seconds: Sequence[float], *, watcher: Watcher | None = None) -> Iterator[Frame]:
        return (frame for _, frame in self.read_at(times_seconds, watcher=watcher))

    def read_at(
        self, times_seconds: Sequence[float], *, watcher: Watcher | None = None
    ) -> Iterator[tuple[float, Frame]]:
        return self._serve(Wanted(times_seconds), watcher)

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Opening

    def _open(self) -> None:
        self._container = containers.open_container(self._path, allow_url=self._allow_url)
        try:
            self._stream: VideoStream = containers.choose_video(self._container, self._path)
            self._codec = self._stream.codec_context
            self._codec.thread_count = 1
            self._codec.options = {"max_pixels": str(containers.MAX_PIXELS)}
            if self._keyframes_only:
                self._codec.skip_frame = "NONKEY"
        except BaseException:
            self._container.close()
            raise
        self._time_base = float(self._stream.time_base or 0) or 1e-6
        self._fresh = True

    def _peek(self) -> VideoFrame:
        """The first picture. Sets the clock's origin: its PTS, or the first packet's where the beginning is damaged."""
        self._origin = 0
        self._fresh = False
        earliest: int | None = None
        started = time.monotonic()
        for packet in self._packets():
            if packet.pts is not None and not packet.is_discard:
                earliest = packet.pts if earliest is None else min(earliest, packet.pts)
            errors = self._losses.errors
            for frame in self._decode(packet):
                pts = _pts_of(frame)
                if pts is None:
                    continue
                self._origin = pts if not errors or earliest is None else min(pts, earliest)
                return frame
            if time.monotonic() - started > STALL_SECONDS:
                break
        for frame in self._drain():
            pts = _pts_of(frame)
            self._origin = pts if pts is not None else 0
            return frame
        raise DecodeError(
            f"{self._path}: no picture could be decoded from its {self._codec.name} stream; "
            "the file is damaged or incomplete, fetch or export it again"
        )

    def _describe(self, first: VideoFrame) -> VideoInfo:
        width, height = self._scaler.upright_size(first)
        rate = self._stream.average_rate or self._stream.guessed_rate
        return VideoInfo(
            digest="",
            path=self._path,
            duration_seconds=self._duration(),
            width=width,
            height=height,
            frames_per_second=float(rate) if rate and 0 < rate < 1000 else None,
            codec=self._codec.name,
            has_audio=bool(self._container.streams.audio),
            size_bytes=max(0, self._container.size),
        )

    def _duration(self) -> float:
        """When the last picture ends: as the stream claims, else as its packets say."""
        frame_seconds = self._frame_seconds()
        claimed = 0.0
        if self._stream.duration:
            start = self._stream.start_time if self._stream.start_time is not None else self._origin
            claimed = self._time(start + self._stream.duration)
        elif self._container.duration and self._container.duration > 0:
            start_us = self._container.start_time or 0
            claimed = (start_us + self._container.duration) / av.time_base - self._origin * self._time_base
        measured = self._last_packet_end(claimed)
        if claimed <= 0 or (measured > claimed):
            claimed = measured
        return max(claimed, frame_seconds)

    def _last_packet_end(self, claimed_seconds: float) -> float:
        """The end of the last packet, found near the claimed end, or by going through all of them."""
        end = 0.0
        try:
            if claimed_seconds > 0:
                self._container.seek(self._pts(claimed_seconds), stream=self._stream)
            else:
                self._reopen()
        except av.error.FFmpegError:
            return 0.0
        started = time.monotonic()
        self._fresh = False
        for packet in self._packets():
            if packet.pts is not None:
                duration = (packet.duration or 0) * self._time_base
                end = max(end, self._time(packet.pts) + (duration or self._frame_seconds()))
            if claimed_seconds > 0 and time.monotonic() - started > STALL_SECONDS / 4:
                break
        return end

    # Reading

    def _serve(self, wanted: Wanted, watcher: Watcher | None) -> Iterator[tuple[float, Frame]]:
        if not len(wanted):
            return
        index = 0
        shown: tuple[float, VideoFrame] | None = None
        made: Frame | None = None
        end = 0.0
        for start, picture in self._pictures(wanted):
            if watcher is not None:
                watcher(start, self._scaler.grey(picture))
            while index < len(wanted) and wanted.before(index, start):
                if shown is None and start <= self._frame_seconds():
                    shown = (start, picture)
                if shown is not None and not self._losses.covers(wanted.times[index]):
                    made = made or self._scaler.frame(shown[1], shown[0])
                    yield wanted.times[index], made
                else:
                    self._losses.add(wanted.times[index], start, "could not be decoded")
                index += 1
            if index == len(wanted):
                return
            shown, made = (start, picture), None
            end = start + self._shown_seconds(picture)
        while index < len(wanted):
            asked = wanted.times[index]
            if (
                shown is not None
                and asked < max(end, self._end_of_last(shown[0]))
                and not self._losses.covers(asked)
            ):
                made = made or self._scaler.frame(shown[1], shown[0])
                yield asked, made
            else:
                self._losses.add(
                    min(max(end, 0.0), asked) if shown else asked,
                    wanted.times[-1] + self._frame_seconds(),
                    "the video breaks off before" if asked < self._info.duration_seconds else "past the end",
                )
                return
            index += 1

    def _end_of_last(self, start: float) -> float:
        """The last picture stays on screen to the video's end, unless so much is missing that data must be lost."""
        missing = self._info.duration_seconds - start
        return self._info.duration_seconds if missing <= 1.0 else start

    def _shown_seconds(self, picture: VideoFrame) -> float:
        return max(picture.duration * self._time_base, self._frame_seconds())

    def _pictures(self, wanted: Wanted) -> Iterator[tuple[float, VideoFrame]]:
        """Decoded pictures with their times, ascending, beginning at or before the first time asked."""
        goal = wanted.times[0]
        for back_off in (*_BACK_OFF_SECONDS, None):
            at_start = back_off is None or goal - back_off <= 0
            if at_start:
                if not self._fresh:
                    self._reopen()
            else:
                try:
                    self._container.seek(self._pts(goal - (back_off or 0.0)), stream=self._stream)
                except av.error.FFmpegError:
                    continue
            self._fresh = False
            attempt = self._losses.mark()
            pictures = self._decoded(wanted)
            first = next(pictures, None)
            if first is not None and (at_start or not wanted.before(0, first[0])):
                yield first
                yield from pictures
                return
            pictures.close()
            if at_start or (first is None and back_off == _BACK_OFF_SECONDS[-1]):
                return
            self._losses.forget_since(attempt)

    def _decoded(self, wanted: Wanted) -> Generator[tuple[float, VideoFrame]]:
        order = DisplayOrder()
        queue: deque[Packet[VideoStream]] = deque()
        packets = self._packets()
        sparse = self._sparse_allowed and self._codec.name in SPARSE_CODECS and not self._keyframes_only
        skipping = False
        last: float | None = None
        heard = time.monotonic()
        ended = False
        while True:
            while not ended and len(queue) < LOOK_AHEAD_PACKETS:
                packet = next(packets, None)
                if packet is None:
                    ended = True
                    break
                queue.append(packet)
                if packet.pts is None:
                    sparse = False
                else:
                    order.add(self._time(packet.pts))
            draining = not queue
            if queue:
                packet = queue.popleft()
                if self._keyframes_only and not packet.is_keyframe:
                    continue
                if packet.pts is not None:
                    start = self._time(packet.pts)
                    skip = sparse and not wanted.falls_in(start, order.next_after(start))
                else:
                    start, skip = None, False
                if skip != skipping:
                    self._codec.skip_frame = "NONREF" if skip else "DEFAULT"
                    skipping = skip
                if not skip:
                    self._losses.fed(start, order.next_after(start) if start is not None else None)
                frames = self._decode(packet)
            else:
                frames = self._drain()
            for frame in frames:
                pts = _pts_of(frame)
                if pts is None:
                    continue
                if frame.interlaced_frame:
                    sparse = False  # A packet may hold one field only, which must not be dropped without the other.
                shown = self._time(pts)
                if last is not None and shown <= last:
                    continue
                self._losses.came_out(shown, since=last)
                last = shown
                heard = time.monotonic()
                yield shown, frame
            if draining:
                self._losses.ended(last)
                return
            if time.monotonic() - heard > STALL_SECONDS:
                return

    def _packets(self) -> Iterator[Packet[VideoStream]]:
        """Packets up to the end. Bad data between them is stepped over, as long as there is progress."""
        errors = 0
        while errors < _MAX_DEMUX_ERRORS:
            try:
                for packet in self._container.demux(self._stream):
                    if packet.size == 0 and packet.pts is None:
                        return
                    errors = 0
                    yield packet
                return
            except av.error.EOFError:
                return
            except av.error.FFmpegError:
                errors += 1
                self._losses.errors += 1

    def _decode(self, packet: Packet[VideoStream]) -> list[VideoFrame]:
        try:
            return self._codec.decode(packet)
        except av.error.FFmpegError:
            self._losses.broke(self._time(packet.pts) if packet.pts is not None else None)
            return []

    def _drain(self) -> list[VideoFrame]:
        with suppress(av.error.FFmpegError):
            return self._codec.decode(None)
        return []

    def _reopen(self) -> None:
        self._container.close()
        self._open()

    def _time(self, pts: int) -> float:
        return (pts - self._origin) * self._time_base

    def _pts(self, time_seconds: float) -> int:
        return int(time_seconds / self._time_base) + self._origin

    def _frame_seconds(self) -> float:
        rate = self._stream.average_rate or self._stream.guessed_rate
        return 1 / float(rate) if rate and 0 < rate < 1000 else _DEFAULT_FRAME_SECONDS


def _pts_of(frame: VideoFrame) -> int | None:
    return frame.pts if frame.pts is not None else frame.dts
