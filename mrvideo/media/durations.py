"""How long a video is, where its container says so, and where it does not."""

from __future__ import annotations

import math
import time
from typing import NamedTuple

import av
import av.error

from mrvideo.media import compat, containers
from mrvideo.media.track import PROGRAM_STREAM, Track
from mrvideo.records import clock

_LOOK_SECONDS = 3.0
_AGREE_SECONDS = 0.5
_BACK_OFF_SECONDS = (0.0, 10.0, 100.0)
_ABSURD_BYTES_PER_SECOND = 0.5
_ABSURD_SECONDS = 30 * 24 * 3600.0
_LONGEST_STAY_SECONDS = 24 * 3600.0
"""A picture that nothing follows for longer is damage."""
_THIN_BYTES_PER_SECOND = 1000.0
"""Files that hold more for each second they claim are believed without going through their packets."""


class Length(NamedTuple):
    """When the last picture ends, and what a user should know of how that was told."""

    seconds: float
    note: str | None = None


def length_of(track: Track) -> Length:
    """How long the video is. Moves the track's position.

    A claim that the packets do not reach is believed when the data may be cut off: the reader then reports
    the rest as lost. A container's claim covers its sound too, so where the sound goes on to the claimed end,
    the pictures' end counts. Of what makes a few pictures last for days, only what comes before is read.
    """
    seconds = _told(track)
    size = track.container.size or 0
    if seconds <= _LONGEST_STAY_SECONDS or size >= seconds * _THIN_BYTES_PER_SECOND or track.untimed:
        return Length(seconds)
    last, later = _before_a_stay(track)
    if later is None and seconds - last <= _LONGEST_STAY_SECONDS:
        return Length(seconds)
    if later is None:
        note = f"its pictures end at {clock(last)}; that it lasts {clock(seconds)}, as it claims, is not believed"
    else:
        note = (
            f"after {clock(last)} the next picture is stamped {clock(later)}, days later: its times are damaged, and what "
            "follows is not read; re-mux it, for example with ffmpeg -fflags +genpts"
        )
    return Length(max(last, track.frame_seconds), note)


def _told(track: Track) -> float:
    claimed, of_video = _claim(track)
    size = track.container.size or 0
    if claimed > _ABSURD_SECONDS or (size > 0 and claimed * _ABSURD_BYTES_PER_SECOND > size):
        claimed = 0.0
    measured = _last_end(track, claimed, of_video)
    if measured >= claimed:
        return max(measured, track.frame_seconds)
    agrees = claimed - measured <= _AGREE_SECONDS
    if measured > 0 and not of_video and (agrees or _sound_reaches(track, claimed - _AGREE_SECONDS)):
        return measured
    return max(claimed, track.frame_seconds)


def _claim(track: Track) -> tuple[float, bool]:
    """The stated end, and whether the video stream itself states it."""
    stream, container = track.stream, track.container
    if stream.duration and not track.untimed:
        start = stream.start_time if stream.start_time is not None else track.origin_pts
        return track.time_of(start + stream.duration) or 0.0, True
    if container.duration and container.duration > 0 and not track.untimed:
        # Matroska's duration counts from timestamp zero, the others' from their first timestamp.
        start = 0 if "matroska" in track.format_name else container.start_time or 0
        end = (start + container.duration) / av.time_base
        return end + (track.time_of(0) or 0.0), False
    return 0.0, False


def _last_end(track: Track, claimed_seconds: float, of_video: bool) -> float:
    """When the last packet's picture ends: looked for near the claimed end, or by going through all packets."""
    # Where a packet does not say how long its picture is shown, that is guessed, unless the stream states its
    # end.
    guess = compat.TELLS_LENGTHS or not of_video
    few_times = track.format_name == PROGRAM_STREAM
    for back_off in _BACK_OFF_SECONDS:
        if claimed_seconds <= back_off or not track.seek(claimed_seconds - back_off):
            break
        count, end = _walk(track, guess, _LOOK_SECONDS)
        # A claim that covers more than the pictures, and times that few of them have, may leave none to be
        # found there.
        if count or (of_video and not few_times):
            return end
    else:
        if not few_times:
            return 0.0
    track.rewind()
    count, end = _walk(track, guess)
    return count * track.frame_seconds if track.untimed else end


def _walk(track: Track, guess: bool, limit_seconds: float = math.inf) -> tuple[int, float]:
    """How many packets follow, and when the last picture ends; after so long of computing, of those met."""
    count, end = 0, 0.0
    started = time.thread_time()
    for packet in track.packets():
        count += 1
        if packet.is_discard:
            continue
        shown = track.time_of(packet.pts if packet.pts is not None else packet.dts)
        if shown is not None:
            end = max(end, shown + (track.length_of(packet) if packet.duration or guess else 0.0))
        if time.thread_time() - started > limit_seconds:
            break
    return count, end


def _before_a_stay(track: Track) -> tuple[float, float | None]:
    """When the pictures before one that would stay for more than a day end, and when the next one is shown,
    if any is.
    """
    track.rewind()
    end = 0.0
    for packet in track.packets():
        shown = track.time_of(packet.pts if packet.pts is not None else packet.dts)
        if packet.is_discard or shown is None:
            continue
        if shown - end > _LONGEST_STAY_SECONDS:
            return end, shown
        end = max(end, shown + track.length_of(packet))
    return end, None


def _sound_reaches(track: Track, time_seconds: float) -> bool:
    """Whether any other stream has data at or after the time."""
    origin = track.pts_at(0) * float(track.stream.time_base or 0)
    with compat.closing(track.open_whole()) as container:
        try:
            container.seek(int((time_seconds + origin) * av.time_base))
            for packet in containers.packets_of(container):
                if packet.pts is None or packet.stream.type == "video":
                    continue
                if float(packet.pts * packet.time_base) - origin >= time_seconds:
                    return True
        except av.error.FFmpegError:
            return False
    return False
