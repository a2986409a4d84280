"""A video track's sample tables (ISO/IEC 14496-12, 8.6 and 8.7): read in blocks, and written anew for few
samples.

stts  how long each is decoded      ctts  how much later each is shown      stss  which are key frames
stsz  how many bytes each has       stsc, stco  which chunk of the file holds it, and where that begins
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mrvideo.media.mp4.boxes import Box, NotPlainError, full_box
from mrvideo.records import Span

_Numbers: TypeAlias = NDArray[np.int64]
_Range: TypeAlias = tuple[int, int]

_BLOCK_ROWS = 1 << 16
_REORDERED_SAMPLES = 64
"""More than any codec holds back, on either side of what is wanted."""
_LONGEST_DELTA = 1 << 30
"""Decoder libraries take longer ones for errors: a key frame is listed in between."""
_LONGEST_EDIT_SECONDS = 60.0
_MOST_SAMPLES = 1 << 25


class SampleTables:
    """The tables of one track. Raises NotPlainError for what cannot be cut safely."""

    def __init__(
        self, file: BinaryIO, boxes: Mapping[bytes, Box], *, media_header: bytes, edits: bytes | None
    ) -> None:
        self._file = file
        self._boxes = boxes
        self._timescale = _timescale(media_header)
        self._fixed_size, self.count = (int(n) for n in self._words(b"stsz", 4, 2))
        if not 0 < self.count <= _MOST_SAMPLES:
            raise NotPlainError("no samples, or an absurd number")
        self._syncs = self._key_samples()
        self.duration = sum(int((rows[:, 0] * rows[:, 1]).sum()) for rows in self._rows(b"stts", 2))
        self._begin = 0 if edits is None else _begin_of(edits)
        if not self.duration or not len(self._syncs):
            raise NotPlainError("an empty track")
        if self._begin > _LONGEST_EDIT_SECONDS * self._timescale:
            raise NotPlainError("an edit that leaves out much")

    @property
    def rate(self) -> Fraction:
        """Pictures a second, over the whole track."""
        return Fraction(self.count * self._timescale, self.duration)

    def listing(self, span: Span, *, before_seconds: float, after_seconds: float) -> Iterator[bytes]:
        """Table boxes for the beginning, the end, and the span, in seconds from the first picture, with its
        margins.
        """
        ranges = self._ranges(span, before_seconds, after_seconds)
        samples = np.concatenate([np.arange(a, b) for a, b in ranges])
        yield _counted(b"stts", np.stack([np.ones(len(samples)), self._deltas(ranges)], axis=1))
        if b"ctts" in self._boxes:
            shifts = self._of_runs(b"ctts", ranges)
            version = self._boxes[b"ctts"].read_part(self._file, 0, 1)[0]
            yield _counted(b"ctts", np.stack([np.ones(len(samples)), shifts], axis=1), version=version)
        if b"stss" in self._boxes:
            yield _counted(b"stss", np.flatnonzero(np.isin(samples, self._syncs)) + 1)
        sizes = [self._sizes(a, b) for a, b in ranges]
        yield full_box(b"stsz", _big(np.array([0, len(samples)])) + _big(np.concatenate(sizes)))
        yield _counted(b"stsc", np.array([[1, 1, 1]]))
        places = np.concatenate([self._places(a, b) for a, b in ranges])
        yield full_box(b"co64", _big(np.array([len(places)])) + places.astype(">u8").tobytes())

    def _ranges(self, span: Span, before_seconds: float, after_seconds: float) -> list[_Range]:
        def at(seconds: float) -> int:
            return self._sample_at(self._begin + int(seconds * self._timescale))

        first = self._key_at(at(max(0.0, span.start_seconds - before_seconds)))
        last = at(span.stop_seconds + after_seconds) + _REORDERED_SAMPLES
        head = self._sample_at(self._begin) + _REORDERED_SAMPLES
        tail = self._key_at(max(0, self.count - _REORDERED_SAMPLES))
        wished = [(0, head), (first, last), (tail, self.count)]
        wished += [(key, key + 1) for key in self._stepping_stones()]
        joined: list[_Range] = []
        for start, stop in sorted((a, min(b, self.count)) for a, b in wished):
            if joined and start <= joined[-1][1]:
                joined[-1] = (joined[-1][0], max(stop, joined[-1][1]))
            elif stop > start:
                joined.append((start, stop))
        return joined

    def _stepping_stones(self) -> list[int]:
        return [
            self._key_at(self._sample_at(time))
            for time in range(_LONGEST_DELTA, self.duration, _LONGEST_DELTA)
        ]

    def _key_at(self, sample: int) -> int:
        """The last key frame not after the sample; the first sample where there is none."""
        i = int(np.searchsorted(self._syncs, sample, side="right"))
        return int(self._syncs[i - 1]) if i else 0

    def _key_samples(self) -> _Numbers:
        if b"stss" not in self._boxes:
            return np.arange(self.count)
        parts = [rows[:, 0] - 1 for rows in self._rows(b"stss", 1)]
        return np.concatenate([np.zeros(0, np.int64), *parts])

    def _deltas(self, ranges: Sequence[_Range]) -> _Numbers:
        """How long each listed sample lasts: to the next one listed."""
        deltas = self._of_runs(b"stts", ranges)
        at = 0
        for (start, stop), following in pairwise(ranges):
            at += stop - start
            deltas[at - 1] = self._time_of(following[0]) - self._time_of(stop - 1)
        if deltas.max(initial=0) > 2 * _LONGEST_DELTA:
            raise NotPlainError("key frames hours apart")
        return deltas

    def _time_of(self, sample: int) -> int:
        """When the sample is decoded, in ticks."""
        before = time = 0
        for rows in self._rows(b"stts", 2):
            ends = before + np.cumsum(rows[:, 0])
            if sample < ends[-1]:
                i = int(np.searchsorted(ends, sample, side="right"))
                before = int(ends[i - 1]) if i else before
                return time + int((rows[:i, 0] * rows[:i, 1]).sum()) + (sample - before) * int(rows[i, 1])
            before, time = int(ends[-1]), time + int((rows[:, 0] * rows[:, 1]).sum())
        return time

    def _sample_at(self, time: int) -> int:
        """The last sample that is decoded at or before the time, in ticks."""
        before = passed = 0
        for rows in self._rows(b"stts", 2):
            ends = passed + np.cumsum(rows[:, 0] * rows[:, 1])
            if time < ends[-1]:
                i = int(np.searchsorted(ends, time, side="right"))
                passed = int(ends[i - 1]) if i else passed
                return before + int(rows[:i, 0].sum()) + max(0, time - passed) // max(1, int(rows[i, 1]))
            before, passed = before + int(rows[:, 0].sum()), int(ends[-1])
        return max(0, min(before, self.count) - 1)

    def _of_runs(self, kind: bytes, ranges: Sequence[_Range]) -> _Numbers:
        """The value of each sample in the ranges, from a table of (count, value)."""
        found: list[_Numbers] = []
        before = 0
        for rows in self._rows(kind, 2):
            ends = before + np.cumsum(rows[:, 0])
            for start, stop in ranges:
                here = np.arange(max(start, before), min(stop, int(ends[-1])))
                if len(here):
                    found.append(rows[np.searchsorted(ends, here, side="right"), 1])
            before = int(ends[-1])
        values = np.concatenate([np.zeros(0, np.int64), *found])
        if len(values) != sum(stop - start for start, stop in ranges):
            raise NotPlainError("a table shorter than the track")
        return values

    def _sizes(self, start: int, stop: int) -> _Numbers:
        if self._fixed_size:
            return np.full(stop - start, self._fixed_size, np.int64)
        return self._words(b"stsz", 12 + 4 * start, stop - start)

    def _places(self, start: int, stop: int) -> _Numbers:
        """Where in the file each sample begins, in bytes."""
        table = np.concatenate([np.zeros((0, 3), np.int64), *self._rows(b"stsc", 3)])
        if not len(table) or table[0, 0] != 1 or table[:, 1].min() < 1 or (np.diff(table[:, 0]) < 1).any():
            raise NotPlainError("chunks out of order")
        if (table[:, 2] != 1).any():
            raise NotPlainError("several kinds of samples")
        chunks, in_each = table[:, 0] - 1, table[:, 1]
        firsts = np.concatenate([[0], np.cumsum(np.diff(chunks) * in_each[:-1])])
        samples = np.arange(start, stop)
        row = np.searchsorted(firsts, samples, side="right") - 1
        nth = (samples - firsts[row]) // in_each[row]
        chunk, opening = chunks[row] + nth, firsts[row] + nth * in_each[row]
        sizes = self._sizes(int(opening[0]), stop)
        ahead = np.concatenate([[0], np.cumsum(sizes)])
        width = 8 if b"co64" in self._boxes else 4
        kind = b"co64" if width == 8 else b"stco"
        low = int(chunk[0])
        begins = self._words(kind, 8 + width * low, int(chunk[-1]) - low + 1, width=width)
        return begins[chunk - low] + ahead[samples - opening[0]] - ahead[opening - opening[0]]

    def _rows(self, kind: bytes, columns: int) -> Iterator[_Numbers]:
        """A counted table, in blocks."""
        (rows,) = self._words(kind, 4, 1)
        for first in range(0, int(rows), _BLOCK_ROWS):
            here = min(_BLOCK_ROWS, int(rows) - first)
            words: Any = self._words(kind, 8 + 4 * columns * first, here * columns)
            yield words.reshape(here, columns)

    def _words(self, kind: bytes, offset: int, count: int, *, width: int = 4) -> _Numbers:
        """Unsigned numbers from the box's content."""
        if kind not in self._boxes:
            raise NotPlainError(f"no {kind!r}")
        data = self._boxes[kind].read_part(self._file, offset, width * count)
        return np.frombuffer(data, f">u{width}").astype(np.int64)


def _timescale(media_header: bytes) -> int:
    at = 20 if media_header[:1] == b"\1" else 12
    ticks = int.from_bytes(media_header[at : at + 4], "big")
    if not ticks:
        raise NotPlainError("no clock")
    return ticks


def _begin_of(edits: bytes) -> int:
    """Where in the track its one edit begins, in ticks. An empty edit before it only delays the whole."""
    wide = edits[:1] == b"\1"
    width = 20 if wide else 12
    begins: list[int] = []
    for i in range(int.from_bytes(edits[4:8], "big")):
        entry = edits[8 + i * width : 8 + (i + 1) * width]
        time = entry[8:16] if wide else entry[4:8]
        if len(entry) < width or entry[-4:] != b"\0\1\0\0":
            raise NotPlainError("an edit at another speed")
        begin = int.from_bytes(time, "big", signed=True)
        if begin >= 0:
            begins.append(begin)
        elif begins:
            raise NotPlainError("a pause between edits")
    if len(begins) != 1:
        raise NotPlainError("several edits")
    return begins[0]


def _counted(kind: bytes, rows: NDArray[np.generic], *, version: int = 0) -> bytes:
    return full_box(kind, _big(np.array([len(rows)])) + _big(rows), version=version)


def _big(numbers: NDArray[np.generic]) -> bytes:
    return numbers.astype(np.int64).astype(">u4").tobytes()
