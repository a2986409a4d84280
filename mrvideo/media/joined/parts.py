"""The parts of a joined recording, and where each stands on the video's clock."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mrvideo.errors import DecodeError, VideoError
from mrvideo.media import sources
from mrvideo.media.content import Stamp, stamp_of
from mrvideo.media.joined import flv, program, transport
from mrvideo.media.joined.borders import Recording, recordings_in
from mrvideo.media.local import file_of
from mrvideo.media.options import ReadOptions
from mrvideo.media.pyav import PyAVReader
from mrvideo.media.sources import ByteRanges
from mrvideo.records import Span, VideoInfo

_HEAD_BYTES = 1 << 16
_MOST_PARTS = 4096


@dataclass(frozen=True)
class Part:
    """A part of the file, where it stands on the video's clock, and what it holds; why not, where it cannot
    be read.
    """

    byte_ranges: ByteRanges
    span: Span
    info: VideoInfo | None
    reason: str = ""


def parts_of(path: str, *, allow_url: bool = False, allow_private: bool = False) -> tuple[Part, ...]:
    """The parts of a joined recording; none where the file is a single one.

    Looked for once per process, as long as the file's size and time stay.
    Raises the VideoError tree where no part of it can be read.
    """
    file = file_of(path, allow_url=allow_url, allow_private=allow_private)
    sources.check_file(file)
    try:
        return _parts_of_file(file, stamp_of(file), sources.named(path))
    except OSError as error:
        raise VideoError(
            f"{path} cannot be read: {error.strerror or error}; check its permissions"
        ) from error


@lru_cache(maxsize=64)
def _parts_of_file(file: str, stamp: Stamp, path: str) -> tuple[Part, ...]:
    found = _recordings_in(file, stamp.size_bytes)
    if len(found) > _MOST_PARTS:
        raise DecodeError(
            f"{path}: its clock starts anew more than {_MOST_PARTS} times; re-mux it, for example "
            "with ffmpeg -i IN -c copy OUT.mkv"
        )
    # Whoever asked for the file was allowed to.
    options = ReadOptions(allow_url=True)
    parts: list[Part] = []
    first_error: VideoError | None = None
    at_seconds = 0.0
    for recording in found:
        info, reason, seconds = None, "", recording.seconds
        try:
            with PyAVReader(path, options, byte_ranges=recording.byte_ranges) as video:
                info, seconds = video.info, video.info.duration_seconds
        except VideoError as error:
            first_error = first_error or error
            reason = "a part of the recording that cannot be decoded"
        span = Span(at_seconds, at_seconds + seconds)
        parts.append(Part(recording.byte_ranges, span, info, reason))
        at_seconds = span.stop_seconds
    if first_error is not None and all(part.info is None for part in parts):
        raise first_error
    return tuple(parts)


def _recordings_in(file: str, size_bytes: int) -> tuple[Recording, ...]:
    """Reads the whole file, at some GB a second, where it is of a kind that may be joined byte by byte."""
    with Path(file).open("rb", buffering=0) as opened:
        head = opened.read(_HEAD_BYTES)
        for kind in (transport, program, flv):
            opened.seek(0)
            clocked = kind.clocked(opened, head)
            if clocked is not None:
                return recordings_in(clocked, size_bytes)
    return ()
