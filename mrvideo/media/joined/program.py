"""The clock of program streams (DVD, VOB, MPEG-1 system streams): the header of each pack states it."""

from __future__ import annotations

from io import FileIO

import numpy as np

from mrvideo.media.joined.borders import Clocked, Stamps

_BLOCK_BYTES = 1 << 20
_PACK = b"\0\0\1\xba"
_PACK_BYTES = 14
_FEWEST_PACKS = 2
_AHEAD_SECONDS = 10.0


def clocked(file: FileIO, head: bytes) -> Clocked | None:
    """The file's clock; None where it is no program stream. Raises OSError."""
    return Clocked(_stamps(file)) if head.startswith(_PACK) else None


def _stamps(file: FileIO) -> Stamps:
    places: list[int] = []
    ticks: list[int] = []
    at, kept = 0, b""
    while block := file.read(_BLOCK_BYTES):
        data = kept + block
        found = data.find(_PACK)
        while 0 <= found <= len(data) - _PACK_BYTES:
            clock = _clock_of_pack(data[found + 4 : found + 9])
            if clock is not None:
                places.append(at + found)
                ticks.append(clock)
            found = data.find(_PACK, found + len(_PACK))
        kept = data[-_PACK_BYTES + 1 :] if found < 0 else data[found:]
        at += len(data) - len(kept)
    count = len(places)
    return Stamps(
        np.array(places, np.int64),
        np.zeros(count, np.int64),
        np.array(ticks, np.int64),
        np.ones(count, bool),
        _FEWEST_PACKS,
        _AHEAD_SECONDS,
    )


def _clock_of_pack(data: bytes) -> int | None:
    """Ticks of the five bytes behind the mark of a pack (ISO/IEC 13818-1, 2.5.3.3; 11172-1, 2.4.3.2)."""
    if data[0] >> 6 == 1:  # 01 32‥30 1 29‥28   27‥20   19‥15 1 14‥13   12‥5   4‥0 1 ‥
        bits = int.from_bytes(data, "big")
        return (bits >> 35 & 7) << 30 | (bits >> 19 & 0x7FFF) << 15 | bits >> 3 & 0x7FFF
    return _ticks_of(data) if data[0] >> 4 == 2 else None


def _ticks_of(data: bytes) -> int:
    """xxxx 32‥30 1   29‥15 1   14‥0 1: a timestamp as packets of both kinds have it."""
    bits = int.from_bytes(data, "big")
    return (bits >> 33 & 7) << 30 | (bits >> 17 & 0x7FFF) << 15 | bits >> 1 & 0x7FFF
