"""One sequential pass: pictures in order of display, from a key frame before the first time asked for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterator

from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mrvideo.media.losses import Losses
from mrvideo.media.sparse import DisplayOrder, Wanted
from mrvideo.media.track import Track

LOOK_AHEAD_PACKETS = 48
SPARSE_CODECS = frozenset({"h264", "hevc", "mpeg2video", "mpeg4"})
"""Where leaving out pictures that nothing refers to is exact. With AV1 it gave wrong ones; elsewhere it gains nothing."""

STALL_SECONDS = 6.0
_BACK_OFF_SECONDS = (0.0, 2.0, 8.0, 32.0, 128.0)
_GAP_SECONDS = 1.0


class Pass:
    """A walk over a track for certain times. `stalled` is set when the decoder kept silent for too long."""

    def __init__(self, track: Track, wanted: Wanted, losses: Losses, *, sparse: bool) -> None:
        self._track = track
        self._wanted = wanted
        self._losses = losses
        self._sparse = sparse and track.codec_name in SPARSE_CODECS and not track.keyframes_only
        self.order = DisplayOrder()
        self.stalled = False

    def pictures(self) -> Iterator[tuple[float, VideoFrame]]:
        """Pictures with their times, ascending, beginning at or before the first time asked for where there is one.

        A seek may land late (open GOP, transport streams): then it is made again from further back.
        """
        goal = self._wanted.times[0]
        for back_off in (*_BACK_OFF_SECONDS, None):
            at_start = back_off is None or goal - back_off <= 0
            if at_start:
                self._track.rewind()
            elif not self._track.seek(goal - (back_off or 0.0)):
                continue
            before = self._losses.checkpoint()
            decoded = self._decoded()
            first = next(decoded, None)
            if first is not None and (at_start or not self._wanted.before(0, first[0])):
                yield first
                yield from decoded
                return
            decoded.close()
            if at_start or self.stalled or (first is None and back_off == _BACK_OFF_SECONDS[-1]):
                return
            self._losses.restore(before)

    def _decoded(self) -> Generator[tuple[float, VideoFrame]]:
        track, losses = self._track, self._losses
        order = self.order = DisplayOrder()
        sparse, skipping = self._sparse, False
        last: float | None = None
        heard = time.monotonic()
        for packet, is_last in self._ahead():
            if packet is None:
                pictures = track.drain()
            else:
                start = track.time_of(packet.pts)
                sparse = sparse and start is not None
                stop = None if start is None else order.next_after(start)
                skip = sparse and start is not None and not self._wanted.falls_in(start, stop)
                if skip != skipping:
                    track.skip("NONREF" if skip else "DEFAULT")
                    skipping = skip
                if start is not None and not skip and not packet.is_discard and not track.keyframes_only:
                    losses.fed(start, stop)
                pictures = track.decode(packet)
            for picture in pictures:
                # A packet of an interlaced stream may hold one field, not to be dropped without the other.
                sparse = sparse and not picture.interlaced_frame
                shown = track.time_of_picture(picture)
                if last is not None and shown <= last:
                    continue
                losses.came_out(shown, since=last)
                last, heard = shown, time.monotonic()
                yield shown, picture
            if is_last:
                losses.ended(last)
            elif time.monotonic() - heard > STALL_SECONDS:
                self.stalled = True
                return

    def _ahead(self) -> Iterator[tuple[Packet[VideoStream] | None, bool]]:
        """Packets, after a look at those that follow; then None, marked as last, to empty the decoder."""
        queue: deque[Packet[VideoStream]] = deque()
        for packet in self._track.packets():
            if self._track.keyframes_only and not packet.is_keyframe:
                continue
            start = self._track.time_of(packet.pts)
            if start is not None:
                self.order.add(start)
            queue.append(packet)
            if len(queue) >= LOOK_AHEAD_PACKETS:
                yield queue.popleft(), False
        while queue:
            yield queue.popleft(), False
        yield None, True
