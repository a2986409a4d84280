"""Copying a span's packets, where they are all that its pictures need."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from av.packet import Packet

from mrvideo.errors import VideoError
from mrvideo.media.cutting.source import Film
from mrvideo.media.cutting.writer import Writer
from mrvideo.media.options import ReadOptions
from mrvideo.media.pyav import PyAVReader
from mrvideo.media.random_access import begins_anew
from mrvideo.media.sparse import SAME_SECONDS

_REFRESH_TOLD = frozenset({"h264", "hevc"})
_COPIED = _REFRESH_TOLD | {"vp9", "av1"}
"""Codecs that an MP4 file may hold and players expect there."""
_CONTAINERS = ("mp4", "matroska", "webm", "mpegts", "flv")
_REORDERED = 17
"""No codec holds back more than sixteen pictures."""
_COMPARED_PIXELS = 256


@dataclass(frozen=True)
class Copied:
    """What of the film is copied: packets in a row, the first picture's time, and when the last one comes and
    goes.

    `delay` is how long before a picture is shown its packet must be decoded at the latest, in the stream's
    ticks.
    """

    count: int
    delay: int
    start_seconds: float
    last_seconds: float
    stop_seconds: float


def copyable(film: Film) -> Copied | None:
    """The packets that show the span and no other picture, when they lean on nothing else; None: encode anew."""
    span, track = film.source.span, film.track
    names = film.track.format_name
    if (
        film.source.byte_ranges is not None
        or track.codec_name not in _COPIED
        or track.untimed
        or not any(name in names for name in _CONTAINERS)
    ):
        return None
    count, after, delay = 0, 0, 0
    first = last = second = None
    order: list[int] = []
    early: deque[int] = deque()
    for packet in _from(film):
        time = track.time_of(packet.pts)
        if time is None or packet.pts is None or packet.is_corrupt or packet.is_discard:
            return None
        anew = packet.is_keyframe and (track.codec_name not in _REFRESH_TOLD or begins_anew(packet))
        if first is None:
            if not anew or time > span.start_seconds + SAME_SECONDS:
                return None
            first = last = time
        elif time <= first:
            return None
        if time >= span.stop_seconds - SAME_SECONDS:
            after += 1
            if anew or after >= _REORDERED:
                break
            continue
        if after:
            return None  # It comes after a picture that is not shown, and may lean on it.
        count += 1
        heapq.heappush(order, packet.pts)
        early.append(packet.pts)
        if len(early) > _REORDERED:
            delay = max(delay, heapq.heappop(order) - early.popleft())
        last = max(last or time, time)
        if time > first:
            second = time if second is None else min(second, time)
    if first is None or last is None or span.start_seconds - first > track.frame_seconds:
        return None
    if second is not None and second <= span.start_seconds + SAME_SECONDS:
        return None
    if not after and last + 1.5 * track.frame_seconds < span.stop_seconds:
        return None  # The data ends before the span does.
    while early:
        delay = max(delay, heapq.heappop(order) - early.popleft())
    return Copied(count, delay, first, last, span.stop_seconds)


def copy(film: Film, copied: Copied, writer: Writer) -> None:
    """Write the packets. Times count from the first picture's."""
    track = film.track
    stream = writer.copy_pictures(film)
    tick = float(track.stream.time_base or 0)
    first_pts = None
    for place, (packet, shown_pts) in enumerate(_in_order(_from(film), copied.count)):
        time = track.time_of(packet.pts)
        if time is None or packet.pts is None:
            break
        first_pts = packet.pts if first_pts is None else first_pts
        if time == copied.last_seconds or place == copied.count - 1:
            packet.duration = max(1, round((copied.stop_seconds - copied.last_seconds) / tick))
        # Not every container keeps when a packet is decoded: the times of display, in order, do it.
        packet.pts, packet.dts = packet.pts - first_pts, shown_pts - first_pts - copied.delay
        packet.stream = stream
        writer.mux_copied(packet, time - copied.start_seconds)
    else:
        return
    raise VideoError(f"{film.path} changed while it was cut; try again")


def _in_order(packets: Iterator[Packet[Any]], count: int) -> Iterator[tuple[Packet[Any], int]]:
    """The first packets, each with the time of display of the picture that has its place in order of display."""
    order: list[int] = []
    waiting: deque[Packet[Any]] = deque()
    for packet in islice(packets, count):
        heapq.heappush(order, packet.pts or 0)
        waiting.append(packet)
        if len(waiting) > _REORDERED:
            yield waiting.popleft(), heapq.heappop(order)
    while waiting:
        yield waiting.popleft(), heapq.heappop(order)


def shows_the_same(film: Film, copied: Copied, made: Path, reading: ReadOptions) -> bool:
    """Whether the copy's first and last picture are the film's, and it lasts as long as they do."""
    small = replace(
        reading,
        long_side_pixels=_COMPARED_PIXELS,
        crop_bars=False,
        crops=None,
        part=None,
        keyframes_only=False,
        content=None,
    )
    half = film.track.frame_seconds / 4
    with PyAVReader(film.path, small) as before:
        asked = [copied.start_seconds, copied.last_seconds]
        wanted = [frame.jpeg for _, frame in before.read_at(asked)]
    try:
        with PyAVReader(str(made), small) as after:
            asked = [0.0, copied.last_seconds - copied.start_seconds + min(half, 1e-3)]
            found = [frame.jpeg for _, frame in after.read_at(asked)]
            lasts = after.info.duration_seconds
    except VideoError:
        return False
    expected = copied.stop_seconds - copied.start_seconds
    return found == wanted and len(found) == 2 and abs(lasts - expected) <= film.track.frame_seconds


def _from(film: Film) -> Iterator[Packet[Any]]:
    """Packets from the key frame at or before the span's start on."""
    track, start = film.track, film.source.span.start_seconds
    if start <= SAME_SECONDS:
        track.rewind()
    elif not track.seek(start + 0.5 * float(track.stream.time_base or 0)):
        return iter(())
    return track.packets()
