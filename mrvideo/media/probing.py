"""What a track holds: its first picture as proof, and its description."""

from __future__ import annotations

import time

from av.video.frame import VideoFrame

from mrvideo.errors import DecodeError
from mrvideo.media import containers
from mrvideo.media.decode_errors import Losses
from mrvideo.media.decoding import STALL_SECONDS
from mrvideo.media.durations import length_of
from mrvideo.media.scaling import upright_size
from mrvideo.media.track import Track, timestamp_of
from mrvideo.records import VideoInfo


def first_picture(track: Track, losses: Losses) -> VideoFrame:
    """Sets the clock's origin: this picture's PTS, or the first packet's where the beginning is damaged.

    Raises DecodeError when there is none: a container may open without a word and hold nothing.
    """
    first = _look(track, losses)
    if losses.errors:
        # Some recorders write oddities into every key frame: only what a forgiving decoder cannot read is
        # broken.
        losses.errors = 0
        track.relax()
        first = _look(track, losses)
    if first is None:
        raise DecodeError(
            f"{track.path}: no picture could be decoded from its {track.codec_name} stream; "
            "the file is damaged or incomplete, fetch or export it again"
        )
    return first


def _look(track: Track, losses: Losses) -> VideoFrame | None:
    earliest: int | None = None
    started = time.thread_time()
    for packet in track.packets():
        if packet.pts is not None and not packet.is_discard:
            earliest = packet.pts if earliest is None else min(earliest, packet.pts)
        if pictures := track.decode(packet):
            return _begin(track, losses, pictures[0], earliest)
        if time.thread_time() - started > STALL_SECONDS / 2:
            return None
    pictures = track.drain()
    return _begin(track, losses, pictures[0], earliest) if pictures else None


def _begin(track: Track, losses: Losses, first: VideoFrame, earliest_pts: int | None) -> VideoFrame:
    pts = timestamp_of(first)
    if pts is None:
        track.untimed = True
    elif losses.errors and earliest_pts is not None:
        track.origin_pts = min(pts, earliest_pts)
    else:
        track.origin_pts = pts
    return first


def describe(track: Track, first: VideoFrame) -> VideoInfo:
    """The track as its container tells of it. Moves the track's position and sets its duration."""
    length = length_of(track)
    track.duration_seconds = length.seconds
    choice = containers.choice_of(track.container, track.stream)
    width, height = upright_size(first, track.stream.sample_aspect_ratio)
    return VideoInfo(
        digest="",
        path=track.path,
        duration_seconds=track.duration_seconds,
        width=width,
        height=height,
        frames_per_second=track.rate,
        codec=track.codec_name,
        has_audio=bool(track.container.streams.audio),
        size_bytes=track.size_bytes,
        notes=tuple(note for note in (choice, length.note) if note is not None),
    )
