"""The clocks of transport streams: a packet that begins a picture, or a span of sound, states its time."""

from __future__ import annotations

from io import FileIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrvideo.media.joined.borders import Clocked, Stamps

_HEAD_BYTES = 1 << 16
_BLOCK_BYTES = 1 << 20

_SYNC = 0x47
_PLAIN = 188
_STRIDES = (_PLAIN, 192, 204)
"""Bytes of a packet: broadcast, Blu-ray and camcorders (four before each), with error correction (behind
each).
"""
_IN_A_ROW = 5
_STAMPED_BYTES = 19
"""Of the head of a packet's content, with both its times."""
_FEWEST_PICTURES = 4
_AHEAD_SECONDS = 10.0


def clocked(file: FileIO, head: bytes) -> Clocked | None:
    """The file's clocks; None where it is no transport stream. Raises OSError."""
    stride = _stride_of(head)
    if stride is None:
        return None
    stamps = _stamps_of_packets(file, stride)
    streams = frozenset(np.unique(stamps.streams).tolist())

    def begin(place: int) -> int:
        return _before_tables(file, place, stride, streams)

    return Clocked(stamps, begin)


def _stride_of(head: bytes) -> int | None:
    """How far packets are apart; None where the bytes are no transport stream."""
    data = np.frombuffer(head, np.uint8)
    for stride in _STRIDES:
        if _first_in_step(data, stride) is not None:
            return stride
    return None


def _first_in_step(data: NDArray[np.uint8], stride: int) -> int | None:
    """Where packets follow each other for a while."""
    count = len(data) - (_IN_A_ROW - 1) * stride
    if count <= 0:
        return None
    marks = data == _SYNC
    in_step = marks[:count].copy()
    for place in range(1, _IN_A_ROW):
        in_step &= marks[place * stride : place * stride + count]
    return int(in_step.argmax()) if in_step.any() else None


def _stamps_of_packets(file: FileIO, stride: int) -> Stamps:
    found: list[NDArray[np.int64]] = [np.zeros((4, 0), np.int64)]
    # The same memory for each block: fresh pages take as long as reading them.
    memory = bytearray(_BLOCK_BYTES)
    at = kept = 0
    while count := file.readinto(memoryview(memory)[kept:]):
        data: Any = np.frombuffer(memory, np.uint8, kept + count)
        used = 0
        while used + _IN_A_ROW * stride <= len(data):
            first = _first_in_step(data[used : used + _HEAD_BYTES], stride)
            if first is None:
                used += min(_HEAD_BYTES, len(data) - used) - (_IN_A_ROW - 1) * stride
                continue
            used += first
            rows = data[used : used + (len(data) - used) // stride * stride].reshape(-1, stride)
            lost = np.flatnonzero(rows[:, 0] != _SYNC)
            rows = rows[: int(lost[0])] if len(lost) else rows
            found.append(_stamps_in(rows, at + used))
            used += rows.size
        kept = len(data) - used
        memory[:kept] = data[used:].tobytes()
        at += used
    places, streams, ticks, pictures = np.concatenate(found, axis=1)
    return Stamps(places, streams, ticks, pictures.astype(bool), _FEWEST_PICTURES, _AHEAD_SECONDS)


def _stamps_in(rows: NDArray[np.uint8], at: int) -> NDArray[np.int64]:
    """Place, stream, ticks, and whether of pictures, of each packet that states its time (ISO/IEC 13818-1,
    2.4.3).
    """
    # Begins something, and was neither received with errors nor scrambled; has content.
    numbers = np.flatnonzero((rows[:, 1] & 0xC0 == 0x40) & (rows[:, 3] & 0xD0 == 0x10))
    begun = rows[numbers]
    body = np.where(begun[:, 3] & 0x20, begun[:, 4].astype(np.int64) + 5, 4)
    whole = body <= _PLAIN - _STAMPED_BYTES
    numbers, begun, body = numbers[whole], begun[whole], body[whole]
    head = np.take_along_axis(begun, body[:, None] + np.arange(_STAMPED_BYTES), axis=1).astype(np.int64)
    kind = head[:, 3]
    pictures = kind >> 4 == 0xE
    stated = (head[:, :3] == (0, 0, 1)).all(axis=1) & (
        pictures | (kind >> 5 == 6) | np.isin(kind, (0xBD, 0xFD))
    )
    stated &= (head[:, 6] >> 6 == 2) & (head[:, 7] >> 7 == 1)
    # When to decode, where that is stated beside when to show: it only ever goes up.
    late = head[:, 7] >> 6 == 3
    time = np.where(late[:, None], head[:, 14:19], head[:, 9:14])
    stated &= (time[:, [0, 2, 4]] & 1 == 1).all(axis=1)
    ticks = (
        (time[:, 0] >> 1 & 7) << 30
        | time[:, 1] << 22
        | time[:, 2] >> 1 << 15
        | time[:, 3] << 7
        | time[:, 4] >> 1
    )
    stream = (begun[:, 1].astype(np.int64) & 0x1F) << 8 | begun[:, 2]
    return np.stack([at + numbers * rows.shape[1], stream, ticks, pictures])[:, stated]


def _before_tables(file: FileIO, place: int, stride: int, streams: frozenset[int]) -> int:
    """Where the tables begin that stand right before a recording's first packet of pictures or sound."""
    while place >= stride:
        file.seek(place - stride)
        packet = file.read(4)
        if packet[0] != _SYNC or (packet[1] & 0x1F) << 8 | packet[2] in streams:
            break
        place -= stride
    return place
