"""The clock of FLV files, which recorders of live streams begin again at zero when the connection was lost:
each tag states it.

file     FLV  config  video audio video …   config  video audio …     or a second FLV header in between
clock         0 ms    0  ────────► 3000 ms  0       0 ────────►
"""

from __future__ import annotations

import math
from io import FileIO
from typing import NamedTuple

import numpy as np

from mrvideo.media.joined.borders import TICKS, Clocked, Stamps
from mrvideo.media.sources import ByteRanges

_MARK = b"FLV\1"
_HEADER_BYTES = 13
_TAG_BYTES, _BEHIND_BYTES = 11, 4
_SOUND, _PICTURES, _DATA = 8, 9, 18
_BLOCK_BYTES = 1 << 20
_FEWEST_PICTURES = 4


class _Tag(NamedTuple):
    place: int
    stop: int
    kind: int
    is_config: bool
    ticks: int


def clocked(file: FileIO, head: bytes) -> Clocked | None:
    """The file's clock; None where it is no FLV. Raises OSError."""
    if not head.startswith(_MARK):
        return None
    tags, headers = _tags(file)
    timed = [tag for tag in tags if tag.kind != _DATA and not tag.is_config]
    stamps = Stamps(
        places=np.array([tag.place for tag in timed], np.int64),
        streams=np.array([tag.kind for tag in timed], np.int64),
        ticks=np.array([tag.ticks for tag in timed], np.int64),
        pictures=np.array([tag.kind == _PICTURES for tag in timed], bool),
        fewest=_FEWEST_PICTURES,
        # A stream that was interrupted goes on with its clock: the time is missing, not the order.
        ahead_seconds=math.inf,
    )
    place_of = {tag.place: number for number, tag in enumerate(tags)}

    def begin(place: int) -> int:
        """With the configuration and data right before it, and the header before those."""
        number = place_of[place]
        while number and tags[number].place not in headers and (_is_lead(tags[number - 1])):
            number -= 1
        return headers.get(tags[number].place, tags[number].place)

    def lead(start_byte: int) -> ByteRanges:
        """A header, where there is none; and the last configuration before, which that of the part takes the
        place of.
        """
        if start_byte in headers.values():
            return ()
        configs = {tag.kind: tag for tag in tags if tag.is_config and tag.stop <= start_byte}
        return ((0, _HEADER_BYTES), *((tag.place, tag.stop) for tag in configs.values()))

    return Clocked(stamps, begin, lead)


def _is_lead(tag: _Tag) -> bool:
    return tag.is_config or tag.kind == _DATA


def _tags(file: FileIO) -> tuple[list[_Tag], dict[int, int]]:
    """All tags; and for those that stand right behind a header, where that begins. Ends where the chain of
    tags does.
    """
    tags: list[_Tag] = []
    headers: dict[int, int] = {}
    at, block, block_at = _HEADER_BYTES, b"", 0
    while True:
        head = block[at - block_at : at - block_at + _HEADER_BYTES]
        if len(head) < _HEADER_BYTES:
            file.seek(at)
            block, block_at = file.read(_BLOCK_BYTES), at
            head = block[:_HEADER_BYTES]
            if len(head) < _HEADER_BYTES:
                return tags, headers
        if head.startswith(_MARK):
            headers[at + _HEADER_BYTES] = at
            at += _HEADER_BYTES
            continue
        kind, size = head[0] & 0x1F, int.from_bytes(head[1:4], "big")
        if kind not in (_SOUND, _PICTURES, _DATA):
            return tags, headers
        milliseconds = head[7] << 24 | int.from_bytes(head[4:7], "big")
        stop = at + _TAG_BYTES + size + _BEHIND_BYTES
        tags.append(_Tag(at, stop, kind, _is_config(kind, head[11], head[12]), milliseconds * TICKS // 1000))
        at = stop


def _is_config(kind: int, first: int, second: int) -> bool:
    """Whether a tag's content sets up a decoder (FLV 10.1, E.4.2.1 and E.4.3.1; first: codec, second: kind of
    packet).
    """
    if kind == _SOUND:
        return first >> 4 == 10 and second == 0
    if kind == _PICTURES:
        return first & 0x0F == 0 if first & 0x80 else first & 0x0F in (7, 12) and second == 0
    return False
