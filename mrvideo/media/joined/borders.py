"""Where a file's clock starts anew, told from the timestamps in the order of their bytes.

    file    |aaaaaaaaaaaaaaaa|bbbbbbbbbbbb|
    clock   1.4 s ────► 7.4 s|1.4 s ► 5.0 s

A demuxer takes such a file for one recording: it seeks into the wrong part, and drops what seems to come too
late. A border is believed only where all streams of pictures jump, and stay where they jumped to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mrvideo.media.sources import ByteRanges

TICKS = 90_000
"""Timestamps count so many a second, and begin again after 26.5 hours, which is no jump."""
_WRAP = 1 << 33

_BACK_SECONDS = 0.7
"""Further back than pictures are reordered."""
_AHEAD_STEPS = 20
"""So many usual steps make a jump ahead: the pictures of a slide show lie far apart by design."""


class Stamps(NamedTuple):
    """Timestamps in the order of their bytes: where each stands in the file, in which stream, whether it is
    of pictures.

    Fewer than `fewest` in a row that differ from those around them are damage. A jump ahead is one of more
    than `ahead_seconds`.
    """

    places: NDArray[np.int64]
    streams: NDArray[np.int64]
    ticks: NDArray[np.int64]
    pictures: NDArray[np.bool_]
    fewest: int
    ahead_seconds: float


class Clocked(NamedTuple):
    """A file's timestamps. `begin` finds what belongs before a recording's first one; `lead` what a decoder
    needs before those bytes.
    """

    stamps: Stamps
    begin: Callable[[int], int] = lambda place: place
    lead: Callable[[int], ByteRanges] = lambda start_byte: ()


class Recording(NamedTuple):
    """The bytes of one part of a file, and how long it is by its own timestamps."""

    byte_ranges: ByteRanges
    seconds: float


class _Run(NamedTuple):
    """The numbers of the first and last timestamp of a stream's span without a jump."""

    first: int
    last: int


def recordings_in(clocked: Clocked, size_bytes: int) -> tuple[Recording, ...]:
    """The recordings that the file is joined from, in order; none where it is a single one."""
    stamps = clocked.stamps
    joined = _joined(stamps)
    if len(joined) < 2:
        return ()
    starts = [0, *(clocked.begin(int(stamps.places[run.first])) for run in joined[1:])]
    recordings: list[Recording] = []
    for run, start, stop in zip(joined, starts, [*starts[1:], size_bytes], strict=True):
        seconds = _signed(stamps.ticks[run.last] - stamps.ticks[run.first]) / TICKS
        lead = clocked.lead(start) if start else ()
        recordings.append(Recording((*lead, (start, stop)), max(0.0, float(seconds))))
    return tuple(recordings)


def _joined(stamps: Stamps) -> list[_Run]:
    """The parts: streams of pictures whose runs overlap in the file belong together."""
    streams = np.unique(stamps.streams[stamps.pictures])
    runs = sorted(run for stream in streams for run in _runs(stamps, int(stream)))
    joined: list[_Run] = []
    for run in runs:
        if joined and run.first <= joined[-1].last:
            joined[-1] = _Run(joined[-1].first, max(joined[-1].last, run.last))
        else:
            joined.append(run)
    return [
        run if place == 0 else _Run(_first_of(stamps, joined[place - 1].last, run.first), run.last)
        for place, run in enumerate(joined)
    ]


def _runs(stamps: Stamps, stream: int) -> list[_Run]:
    numbers = np.flatnonzero(stamps.pictures & (stamps.streams == stream))
    steps = _signed(np.diff(stamps.ticks[numbers]))
    usual = float(np.median(np.abs(steps))) if len(steps) else 0.0
    ahead, back = max(stamps.ahead_seconds * TICKS, _AHEAD_STEPS * usual), -_BACK_SECONDS * TICKS

    def jumps() -> list[int]:
        steps = _signed(np.diff(stamps.ticks[numbers]))
        return (np.flatnonzero((steps < back) | (steps > ahead)) + 1).tolist()

    whole = np.ones(len(numbers), bool)
    for place in jumps():
        before = next((earlier for earlier in range(place - 1, -1, -1) if whole[earlier]), None)
        for later in range(place + 1, min(place + stamps.fewest, len(numbers))):
            # The clock goes on as if nothing had been: what lies between is damaged.
            if (
                before is not None
                and 0 < _signed(stamps.ticks[numbers[later]] - stamps.ticks[numbers[before]]) <= ahead
            ):
                whole[place:later] = False
                break
    numbers = numbers[whole]
    places = jumps()
    return [
        _Run(int(numbers[first]), int(numbers[stop - 1]))
        for first, stop in zip([0, *places], [*places, len(numbers)], strict=True)
        if stop - first >= stamps.fewest
    ]


def _first_of(stamps: Stamps, last: int, first: int) -> int:
    """Of the timestamps between two parts' pictures, the first one that is on the second part's clock."""
    for number in range(last + 1, first):
        to_new = abs(_signed(stamps.ticks[number] - stamps.ticks[first]))
        if to_new < abs(_signed(stamps.ticks[number] - stamps.ticks[last])):
            return number
    return first


def _signed(ticks: Any) -> Any:
    """A difference of timestamps the short way round."""
    return (ticks + _WRAP // 2) % _WRAP - _WRAP // 2
