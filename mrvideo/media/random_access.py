"""Key frames after which nothing looks back: instantaneous decoder refreshes (ITU-T H.264, 7.4.1.2.4; H.265,
7.4.2.2).

A container's key frame may also be one that is merely a good place to begin (open GOP, intra refresh):
pictures decoded after it may lean on ones before it. Only the kind of the coded slices inside the packet
tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from av.packet import Packet
from av.video.stream import VideoStream

_START_CODE = b"\0\0\1"


class _Syntax(NamedTuple):
    """Where a codec's unit headers keep the kind of unit, and where its configuration keeps the length of
    lengths.
    """

    shift: int
    mask: int
    slices: range
    refreshes: frozenset[int]
    lengths_at: int


_SYNTAX = {
    "h264": _Syntax(0, 0x1F, range(1, 6), frozenset({5}), 4),
    "hevc": _Syntax(1, 0x3F, range(32), frozenset({19, 20}), 21),
}


def begins_anew(packet: Packet[VideoStream]) -> bool:
    """Whether no picture decoded from this packet on refers to one before it. False where the codec's packets
    do not tell.
    """
    codec = packet.stream.codec_context
    syntax = _SYNTAX.get(codec.codec.canonical_name)
    if syntax is None:
        return False
    data = memoryview(packet)
    for header in _headers(data, codec.extradata or b"", syntax.lengths_at):
        kind = header >> syntax.shift & syntax.mask
        if kind in syntax.slices:
            return kind in syntax.refreshes
    return False


def _headers(data: memoryview, configuration: bytes, lengths_at: int) -> Iterator[int]:
    """The first byte of each unit: in MP4 and MKV units have lengths before them, elsewhere start codes
    between them.
    """
    if configuration[:1] == b"\1" and len(configuration) > lengths_at:
        width = (configuration[lengths_at] & 3) + 1
        at = 0
        while at + width < len(data):
            yield data[at + width]
            at += width + int.from_bytes(data[at : at + width], "big")
        return
    whole = bytes(data)
    at = whole.find(_START_CODE)
    while 0 <= at < len(whole) - len(_START_CODE):
        yield whole[at + len(_START_CODE)]
        at = whole.find(_START_CODE, at + len(_START_CODE))
