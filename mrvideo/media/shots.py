"""Camera cuts, dissolves and still stretches, from small grey pictures met in the decoding pass."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from mrvideo.media.reader import Grey
from mrvideo.records import Shot, Span, merge_spans

_CUT_LEVEL = 22.0
_CUT_RATIO = 3.0
_FLASH_SECONDS = 0.35
_STILL_LEVEL = 1.2
_STILL_SECONDS = 1.0
_MIN_SHOT_SECONDS = 0.2


class ShotDetector:
    """A Watcher: call it with each picture in order, then ask. Levels are mean grey differences, 0–255."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._greys: list[Grey] = []

    def __call__(self, time_seconds: float, grey: Grey) -> None:
        self._times.append(time_seconds)
        self._greys.append(grey)

    def shots(self, span: Span) -> tuple[Shot, ...]:
        """Shots that tile the span."""
        borders = [(time, "cut") for time in self._cuts() if span.start_seconds < time < span.stop_seconds]
        starts = [(span.start_seconds, "start"), *borders]
        stops = [time for time, _ in borders] + [span.stop_seconds]
        return tuple(
            Shot(start_seconds=start, stop_seconds=stop, transition=kind)  # pyright: ignore[reportArgumentType]
            for (start, kind), stop in zip(starts, stops, strict=True)
        )

    def still_spans(self, span: Span) -> tuple[Span, ...]:
        """Stretches inside the span, a second or longer, in which nothing moves."""
        if len(self._times) < 2:
            return ()
        still = self._differences() < _STILL_LEVEL
        parts = [
            Span(self._times[i], self._times[i + 1])
            for i in range(len(still))
            if still[i] and self._times[i + 1] > self._times[i]
        ]
        found: list[Span] = []
        for part in merge_spans(parts):
            inside = part.intersection(span)
            if inside is not None and inside.duration_seconds >= _STILL_SECONDS:
                found.append(inside)
        return tuple(found)

    def _cuts(self) -> list[float]:
        if len(self._times) < 2:
            return []
        differences = self._differences()
        cuts: list[float] = []
        for i, difference in enumerate(differences):
            around = np.concatenate([differences[max(0, i - 8) : i], differences[i + 1 : i + 9]])
            usual = float(np.median(around)) if len(around) else 0.0
            time = self._times[i + 1]
            if difference < _CUT_LEVEL or difference < _CUT_RATIO * usual or self._returns(i):
                continue
            if not cuts or time - cuts[-1] >= _MIN_SHOT_SECONDS:
                cuts.append(time)
        return cuts

    def _returns(self, i: int) -> bool:
        """Whether the picture before the jump is back soon: a flash, not a cut."""
        before = self._greys[i].astype(np.int16)
        for j in range(i + 2, len(self._greys)):
            if self._times[j] - self._times[i + 1] > _FLASH_SECONDS:
                return False
            if np.abs(self._greys[j].astype(np.int16) - before).mean() < _CUT_LEVEL / 3:
                return True
        return False

    def _differences(self) -> NDArray[np.float64]:
        greys = [grey.astype(np.int16) for grey in self._greys]
        return np.array([np.abs(b - a).mean() for a, b in itertools.pairwise(greys)])
