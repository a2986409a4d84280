"""The default reader: PyAV, exact in time, decoding only what the asked times need."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from av.video.frame import VideoFrame

from mrvideo.media import sources
from mrvideo.media.decode_errors import Losses
from mrvideo.media.decoding import STALL_SECONDS, Pass
from mrvideo.media.grey import Greys
from mrvideo.media.options import ReadOptions
from mrvideo.media.probing import describe, first_picture
from mrvideo.media.reader import Reader, Watcher
from mrvideo.media.scaling import Scaler
from mrvideo.media.sparse import Wanted
from mrvideo.media.track import Track
from mrvideo.records import Failure, Frame, VideoInfo

_SLACK_SECONDS = 0.5
"""By so much a stated end may pass the last picture's own without anything being missing."""

_LONGEST_WATCHED_GAP_SECONDS = 0.17
"""Who looks for camera changes must not miss more: over 0.5 s much that moves looks like another place."""


class PyAVReader(Reader):
    """A Reader over PyAV. `sparse=False` decodes every picture; the frames returned are the same.

    With `byte_ranges`, these bytes of the file are read as if they were all of it.
    """

    def __init__(
        self,
        path: str,
        options: ReadOptions | None = None,
        *,
        sparse: bool = True,
        byte_ranges: sources.ByteRanges | None = None,
    ) -> None:
        options = options or ReadOptions()
        self._path = path
        self._sparse = sparse
        self._losses = Losses()
        self._track = Track(path, self._losses, options, byte_ranges=byte_ranges)
        try:
            first = first_picture(self._track, self._losses)
            self._scaler = Scaler(self._track.stream, options)
            self._info = describe(self._track, first)
        except BaseException:
            self.close()
            raise

    @property
    def info(self) -> VideoInfo:
        return self._info

    @property
    def lost(self) -> tuple[Failure, ...]:
        return self._losses.failures()

    def read_at(
        self, times_seconds: Sequence[float], *, watcher: Watcher | None = None
    ) -> Iterator[tuple[float, Frame]]:
        return self._serve(Wanted(times_seconds), watcher)

    def close(self) -> None:
        self._track.close()

    def _serve(self, wanted: Wanted, watcher: Watcher | None) -> Iterator[tuple[float, Frame]]:
        greys = None if watcher is None else Greys(watcher, lambda: self._track.tones)
        try:
            yield from self._walk(wanted, greys)
        finally:
            if greys is not None:
                greys.flush()

    def _walk(self, wanted: Wanted, greys: Greys | None) -> Iterator[tuple[float, Frame]]:
        if not len(wanted):
            return
        gap = math.inf if greys is None else _LONGEST_WATCHED_GAP_SECONDS
        walk = Pass(self._track, wanted, self._losses, sparse=self._sparse, longest_gap_seconds=gap)
        index = 0
        shown: tuple[float, VideoFrame] | None = None
        made: Frame | None = None
        for start, picture in walk.pictures():
            if greys is not None:
                greys.add(start, picture)
            while index < len(wanted) and wanted.before(index, start):
                asked = wanted.times[index]
                index += 1
                if shown is None and asked < 0:
                    shown = (start, picture)
                if shown is None or self._losses.covers(asked):
                    self._losses.add(asked, start)
                    continue
                made = made or self._scaler.frame(shown[1], shown[0], self._track.tones)
                yield asked, made
            if index == len(wanted):
                return
            shown, made = (start, picture), None
        end = None if shown is None else self._end_of(shown, walk)
        for asked in wanted.times[index:]:
            if shown is None or end is None or asked >= end:
                self._lose(asked if end is None else end, wanted.times[-1], walk)
                return
            if not self._losses.covers(asked):
                made = made or self._scaler.frame(shown[1], shown[0], self._track.tones)
                yield asked, made

    def _end_of(self, last: tuple[float, VideoFrame], walk: Pass) -> float:
        """Until when the last picture is shown: to the video's end, unless so much is missing that data must
        be lost.
        """
        start, picture = last
        length = self._track.length_of(picture)
        longest = max(length, 1.5 * walk.order.widest_gap())
        if self._info.duration_seconds - start <= longest + _SLACK_SECONDS:
            return max(self._info.duration_seconds, start + self._track.frame_seconds)
        return start + length

    def _lose(self, start_seconds: float, last_asked: float, walk: Pass) -> None:
        if walk.stalled:
            reason = f"the decoder gave no picture for {STALL_SECONDS:.0f} s"
        elif start_seconds < self._info.duration_seconds:
            reason = "the data breaks off before the video's stated end"
        else:
            reason = "past the end of the video"
        self._losses.add(start_seconds, last_asked + self._track.frame_seconds, reason)
