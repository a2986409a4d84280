"""One sequential pass: pictures in order of display, from a key frame before the first time asked for."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import NamedTuple

from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from mrvideo.media.decode_errors import Losses
from mrvideo.media.random_access import begins_anew
from mrvideo.media.sparse import SAME_SECONDS, DisplayOrder, Wanted
from mrvideo.media.track import Track
from mrvideo.records import Span

LOOK_AHEAD_PACKETS = 48
_READ_PACKETS = 32
SPARSE_CODECS = frozenset({"h264", "hevc", "mpeg2video", "mpeg4"})
"""Where leaving out pictures that nothing refers to is exact. With AV1 it gave wrong ones; elsewhere it gains
nothing.
"""

STALL_SECONDS = 6.0
"""Of computing without a picture. Waiting does not count: a busy machine is no fault of the file; reading has
its own limit.
"""

_BACK_OFF_SECONDS = (0.0, 2.0, 8.0, 32.0, 128.0)
_CUT_SECONDS = 0.5
_REORDERED = 17
"""No codec holds back more than sixteen pictures."""


class _UnsureError(Exception):
    """What could not be decoded may only lack the pictures before the key frame that the pass began with."""

    def __init__(self, key_seconds: float) -> None:
        super().__init__(key_seconds)
        self.key_seconds = key_seconds


@dataclass(slots=True)
class _Waiting:
    """A packet whose followers are not yet known. `fresh`: nothing from it on looks back."""

    packet: Packet[VideoStream]
    start_seconds: float | None
    fresh: bool
    needless: bool = False


class _Ahead(NamedTuple):
    """A packet to be decoded and when it is shown, and whether anybody asked for that (asked for everything,
    where nothing may be left out). Without a packet: the end.
    """

    packet: Packet[VideoStream] | None
    start_seconds: float | None = None
    stop_seconds: float | None = None
    asked: bool = False
    needless: bool = False


class Pass:
    """A walk over a track for certain times. `stalled` is set when the decoder kept silent for too long.

    With `sparse`, pictures that nobody asked for are left out where that is exact; before a key frame no more
    of them than last `longest_gap_seconds`.
    """

    def __init__(
        self,
        track: Track,
        wanted: Wanted,
        losses: Losses,
        *,
        sparse: bool,
        longest_gap_seconds: float = math.inf,
    ) -> None:
        self._track = track
        self._wanted = wanted
        self._losses = losses
        self._sparse = sparse and track.codec_name in SPARSE_CODECS and not track.keyframes_only
        self._longest_gap_seconds = longest_gap_seconds
        self.order = DisplayOrder()
        self.stalled = False
        self._met = 0.0

    def pictures(self) -> Iterator[tuple[float, VideoFrame]]:
        """Pictures with their times, ascending, beginning at or before the first time asked for where there
        is one.
        """
        last: float | None = None
        before = self._losses.checkpoint()
        times, duration = self._wanted.times, self._track.duration_seconds
        self._track.cover(Span(*(min(max(0.0, time), duration) for time in (times[0], times[-1]))))
        try:
            for shown, picture in self._from(times[0], None):
                last = shown
                yield shown, picture
        except _UnsureError as unsure:
            self._losses.restore(before)
            for shown, picture in self._from(
                unsure.key_seconds - self._track.frame_seconds / 2, unsure.key_seconds
            ):
                if last is None or shown > last:
                    yield shown, picture
        finally:
            self._losses.settle(self._met)

    def _from(self, goal_seconds: float, sure_from: float | None) -> Iterator[tuple[float, VideoFrame]]:
        """A seek may land late (open GOP, transport streams): then it is made again from further back."""
        for back_off in (*_BACK_OFF_SECONDS, None):
            at_start = back_off is None or goal_seconds - back_off <= 0
            if at_start:
                self._track.rewind()
            elif not self._track.seek(goal_seconds - (back_off or 0.0)):
                continue
            before = self._losses.checkpoint()
            decoded = self._decoded(-math.inf if at_start else sure_from)
            first = next(decoded, None)
            if first is not None and (at_start or first[0] <= goal_seconds + SAME_SECONDS):
                yield first
                yield from decoded
                return
            decoded.close()
            if at_start or self.stalled or (first is None and back_off == _BACK_OFF_SECONDS[-1]):
                return
            self._losses.restore(before)

    def _decoded(self, sure_from: float | None) -> Generator[tuple[float, VideoFrame]]:
        """Pictures from where the track stands. Errors before `sure_from` come of having begun in the middle.

        Without `sure_from`, an error before the second key frame raises _UnsureError: the pictures may lean
        on ones from before the first. Beginning one key frame earlier tells that from damage.
        """
        track, losses = self._track, self._losses
        order = self.order = DisplayOrder()
        sparse, skipping = self._sparse, False
        if not track.keyframes_only:
            track.skip("DEFAULT")  # A pass that was given up may have left the decoder skipping.
        last: float | None = None
        first_key: float | None = None
        silent_since: float | None = None
        for packet, start, stop, asked, needless in self._ahead():
            if needless and sparse:
                continue
            if packet is None:
                pictures = track.drain()
            else:
                sparse = sparse and start is not None
                skip = sparse and not asked
                if skip != skipping:
                    track.skip("NONREF" if skip else "DEFAULT")
                    skipping = skip
                if start is not None and not skip and not packet.is_discard and not track.keyframes_only:
                    losses.fed(start, stop)
                if packet.is_keyframe and start is not None:
                    losses.heal(start)
                    if first_key is None:
                        first_key = start
                    elif sure_from is None and start > first_key:
                        sure_from = start
                errors = losses.errors
                pictures = track.decode(packet)
                broken = packet.is_corrupt or losses.errors > errors
                if broken and start is not None and first_key is not None and start >= first_key:
                    if sure_from is None:
                        raise _UnsureError(first_key)
                    if start >= sure_from:
                        # Pictures shown earlier but decoded later (B-frames) lean on the broken one, too.
                        losses.damage(start if last is None else min(start, order.next_after(last) or start))
            for picture in pictures:
                # A packet of an interlaced stream may hold one field, not to be dropped without the other.
                sparse = sparse and not picture.interlaced_frame
                shown = track.time_of_picture(picture)
                if last is not None and shown <= last:
                    continue
                losses.came_out(shown, since=last)
                if picture.is_corrupt and sure_from is not None and shown >= sure_from:
                    losses.damage(shown)
                last = self._met = shown
                yield shown, picture
            if packet is None:
                losses.ended(last)
            elif pictures:
                silent_since = None  # What the caller did meanwhile does not count.
            elif silent_since is None:
                silent_since = time.thread_time()
            elif time.thread_time() - silent_since > STALL_SECONDS:
                self.stalled = True
                return

    def _ahead(self) -> Iterator[_Ahead]:
        """Packets with what is known of them after a look at those that follow; then one without, to empty
        the decoder.
        """
        queue: deque[_Waiting] = deque()
        packets = self._track.packets()
        # Many at a time: after each decoded picture nothing of this code is left in the processor's caches.
        while block := list(islice(packets, _READ_PACKETS)):
            for packet in block:
                if self._track.keyframes_only and not packet.is_keyframe:
                    continue
                start = self._track.time_of(packet.pts)
                if start is not None:
                    self.order.add(start)
                fresh = self._sparse and packet.is_keyframe and begins_anew(packet)
                if fresh and start is not None:
                    self._leave_out_end(queue, start)
                queue.append(_Waiting(packet, start, fresh))
            yield from [self._ahead_of(queue.popleft()) for _ in range(len(queue) - LOOK_AHEAD_PACKETS + 1)]
        self._note_missing([waiting.packet for waiting in queue])
        yield from [self._ahead_of(waiting) for waiting in queue]
        yield _Ahead(None)

    def _ahead_of(self, waiting: _Waiting) -> _Ahead:
        start = waiting.start_seconds
        if start is None:
            return _Ahead(waiting.packet)
        stop = self.order.next_after(start)
        asked = not self._sparse or self._wanted.falls_in(start, stop)
        return _Ahead(waiting.packet, start, stop, asked, waiting.needless)

    def _leave_out_end(self, queue: deque[_Waiting], stop_seconds: float) -> None:
        """Nothing from here on looks back: of the pictures before, those after the last one asked for serve
        nobody.
        """
        if self._wanted.times[0] < 0:
            return  # Then the first picture is asked for, whenever it is shown.
        for waiting in reversed(queue):
            start = waiting.start_seconds
            if (
                start is None
                or waiting.fresh
                or start < stop_seconds - self._longest_gap_seconds
                or self._wanted.falls_in(start, self.order.next_after(start))
            ):
                return
            waiting.needless = True

    def _note_missing(self, tail: Sequence[Packet[VideoStream]]) -> None:
        """Where the data breaks off, pictures due between the last ones are gone with what came after."""
        track = self._track
        shown = sorted(time for packet in tail if (time := track.time_of(packet.pts)) is not None)
        if not shown or track.keyframes_only:
            return
        usual = max(track.length_of(packet) for packet in tail)
        cut = shown[-1] + usual + _CUT_SECONDS < track.duration_seconds or track.format_name == "mpegts"
        for start, stop in pairwise(shown[-_REORDERED:]):
            if cut and stop - start > 1.5 * usual:
                self._losses.add(start + usual, stop)
