"""How long a video is, where its container says so, and where it does not."""

from __future__ import annotations

import time

import av
import av.error

from mrvideo.media import compat, containers
from mrvideo.media.track import Track

_LOOK_SECONDS = 3.0
_AGREE_SECONDS = 0.5
_ABSURD_BYTES_PER_SECOND = 0.5
_ABSURD_SECONDS = 30 * 24 * 3600.0


def duration_of(track: Track) -> float:
    """When the last picture ends. Moves the track's position.

    A claim that the packets do not reach is believed when the data may be cut off: the reader then reports the rest as
    lost. A container's claim covers its sound too, so where the sound goes on to the claimed end, the pictures' end counts.
    """
    claimed, of_video = _claim(track)
    size = track.container.size or 0
    if claimed > _ABSURD_SECONDS or (size > 0 and claimed * _ABSURD_BYTES_PER_SECOND > size):
        claimed = 0.0
    measured = _last_end(track, claimed, guess=compat.TELLS_LENGTHS or not of_video)
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


def _last_end(track: Track, claimed_seconds: float, *, guess: bool) -> float:
    """When the last packet's picture ends: looked for near the claimed end, or by going through all packets.

    Where a packet does not say how long its picture is shown, that is guessed, else left out.
    """
    near = claimed_seconds > 0 and track.seek(claimed_seconds)
    if not near:
        track.rewind()
    end = 0.0
    count = 0
    started = time.thread_time()
    for packet in track.packets():
        count += 1
        if packet.is_discard:
            continue
        shown = track.time_of(packet.pts if packet.pts is not None else packet.dts)
        if shown is not None:
            end = max(end, shown + (track.length_of(packet) if packet.duration or guess else 0.0))
        if near and time.thread_time() - started > _LOOK_SECONDS:
            break
    return count * track.frame_seconds if track.untimed else end


def _sound_reaches(track: Track, time_seconds: float) -> bool:
    """Whether any other stream has data at or after the time."""
    origin = track.pts_at(0) * float(track.stream.time_base or 0)
    with compat.closing(containers.open_container(track.path, allow_url=track.allow_url)) as container:
        try:
            container.seek(int((time_seconds + origin) * av.time_base))
            for packet in container.demux():
                if packet.pts is None or packet.stream.type == "video":
                    continue
                if float(packet.pts * packet.time_base) - origin >= time_seconds:
                    return True
        except av.error.FFmpegError:
            return False
    return False
