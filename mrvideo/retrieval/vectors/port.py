"""What every vector index does: the frames nearest to a vector, of some videos and times.

    similar(vector, Filters(videos={"a"}, within=Span(0, 60)), k=20) → frames, nearest first

Vectors are float32 and of length one, so the dot product is the cosine. Filters are data, and frames are told
by video and time, never by place in a list: a database can answer with a WHERE clause and its own index.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mrvideo.records import Span
from mrvideo.retrieval.embedders.port import Vectors

Places: TypeAlias = NDArray[np.intp]


class FrameKey(NamedTuple):
    """One embedded frame."""

    video: str
    time_seconds: float


class Near(NamedTuple):
    """A frame and its cosine."""

    frame: FrameKey
    score: float


@dataclass(frozen=True)
class Filters:
    """Which frames count: those of some videos, None for all, whose time lies in a span."""

    videos: frozenset[str] | None = None
    within: Span | None = None


EVERYTHING = Filters()


class VectorIndex(Protocol):
    """Thread-safe once it is built."""

    @property
    def dimensions(self) -> int: ...

    def __len__(self) -> int:
        """How many frames it holds."""
        ...

    def similar(self, vector: Vectors, filters: Filters, k: int) -> tuple[Near, ...]:
        """The `k` nearest, best first; of equal ones by video and time. Raises `ValueError` for a vector of
        another size.
        """
        ...

    def vectors(self, frames: Sequence[FrameKey]) -> dict[FrameKey, Vectors]:
        """The exact vectors of those of these frames that it holds, in this order."""
        ...

    def sample(self, most: int) -> tuple[FrameKey, ...]:
        """So many of its frames at most, the same ones every time."""
        ...


ReadRows: TypeAlias = Callable[[Sequence[FrameKey]], Vectors]
"""Vectors of frames, a row each, from where they are kept."""


class Frames:
    """The keys of many frames as columns: 12 bytes each in the place of two objects. Kept by video and time,
    whatever the order in which they are given.
    """

    def __init__(self, times_by_video: Sequence[tuple[str, Sequence[float]]]) -> None:
        ordered = sorted(times_by_video)
        self.videos = tuple(video for video, _ in ordered)
        counts = [len(times) for _, times in ordered]
        self._codes = np.repeat(np.arange(len(ordered), dtype=np.int32), counts)
        times = [np.sort(np.asarray(times, np.float64)) for _, times in ordered]
        self._times = np.concatenate([*times, np.zeros(0)])
        self._code_of = {video: code for code, video in enumerate(self.videos)}
        self._begins = np.concatenate([[0], np.cumsum(counts)]).astype(np.intp)

    def __len__(self) -> int:
        """How many."""
        return len(self._times)

    def at(self, places: Places) -> list[FrameKey]:
        """The keys at these places."""
        return [
            FrameKey(self.videos[code], float(time))
            for code, time in zip(self._codes[places], self._times[places], strict=True)
        ]

    def places_of(self, frames: Sequence[FrameKey]) -> dict[FrameKey, int]:
        """Where those of these frames stand that are among them, in this order."""
        found: dict[FrameKey, int] = {}
        for frame in frames:
            code = self._code_of.get(frame.video)
            if code is None:
                continue
            low, high = self._begins[code], self._begins[code + 1]
            place = int(low + np.searchsorted(self._times[low:high], frame.time_seconds))
            if place < high and self._times[place] == frame.time_seconds:
                found[frame] = place
        return found

    def fitting(self, filters: Filters) -> Places | None:
        """The places that filters leave, in order; None for all of them."""
        if filters == EVERYTHING:
            return None
        fits = np.ones(len(self), bool)
        if filters.videos is not None:
            codes = [self._code_of[video] for video in filters.videos if video in self._code_of]
            known = np.zeros(len(self.videos) + 1, bool)
            known[codes] = True
            fits &= known[self._codes]
        if filters.within is not None:
            fits &= self._times >= filters.within.start_seconds
            fits &= self._times < filters.within.stop_seconds
        return np.flatnonzero(fits)

    def sample(self, most: int) -> tuple[FrameKey, ...]:
        """So many at most, the same ones every time."""
        if len(self) <= most:
            return tuple(self.at(np.arange(len(self))))
        chosen = np.random.default_rng(0).choice(len(self), most, replace=False)
        return tuple(self.at(np.sort(chosen)))


def best(scores: NDArray[np.float32], k: int) -> Places:
    """The places of the `k` highest, highest first; of equal ones the first places."""
    if k < 1:
        return np.zeros(0, np.intp)
    if k < len(scores):
        # Of those that tie for the last place the first ones are to stay, whatever a partition did with them.
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
        places = np.flatnonzero(scores >= least)
    else:
        places = np.arange(len(scores))
    return places[np.argsort(-scores[places], kind="stable")][:k]


def one_row(vector: Vectors, dimensions: int) -> Vectors:
    """A vector, or a matrix of one row, as one row. Raises `ValueError` for another size."""
    row = np.asarray(vector, np.float32).ravel()
    if row.size != dimensions:
        raise ValueError(f"a vector of {row.size} numbers; these frames have {dimensions}")
    return row
