"""Sound cut into chunks that one call can take, at silences, each knowing where it stands.

sound   ~~~~~~~~~ ~~~~~~~~~~~~~~  ~~~~~~~~ ~~~~~      (silence of minutes)       ~~~~~~
chunks  |---------------- cut ----^---------------|                              |-----|
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from mrvideo.media.audio import SAMPLE_RATE, Samples, Sound
from mrvideo.records import Span

_HOP = SAMPLE_RATE // 100
_LONGEST_GAP_SECONDS = 2.0
_ROUNDING_SECONDS = 0.02
_SILENT_LEVEL = 33.0
"""Root mean square of 16-bit samples below which 10 ms are silent: about −60 dB of full scale."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """Samples in a row, the first one at `start_seconds` on the video's clock."""

    start_seconds: float
    samples: Samples

    @property
    def duration_seconds(self) -> float:
        """Its length."""
        return len(self.samples) / SAMPLE_RATE

    @property
    def span(self) -> Span:
        """Where it lies."""
        return Span(self.start_seconds, self.start_seconds + self.duration_seconds)

    @property
    def sounding(self) -> Span | None:
        """The span from its first to its last sound, on the video's clock; None when it is silent."""
        loud = np.flatnonzero(_levels(self.samples) > _SILENT_LEVEL)
        if not len(loud):
            return None
        start, stop = loud[0] * _HOP / SAMPLE_RATE, (loud[-1] + 1) * _HOP / SAMPLE_RATE
        return Span(self.start_seconds + start, self.start_seconds + min(stop, self.duration_seconds))

    def halves(self) -> tuple[Chunk, Chunk]:
        """Its two halves, cut at the quietest place of the middle third."""
        at = quietest(self.samples, len(self.samples) // 3, len(self.samples) * 2 // 3)
        rest = Chunk(self.start_seconds + at / SAMPLE_RATE, self.samples[at:])
        return Chunk(self.start_seconds, self.samples[:at]), rest


def chunked(sounds: Iterable[Sound], *, longest_seconds: float) -> Iterator[Chunk]:
    """Chunks of at most `longest_seconds`, in order; holds one chunk in memory.

    A short gap in the sound is filled with silence, a long one starts a new chunk. Overlapping samples are
    taken once, samples before zero are dropped: times stay exact.
    """
    longest = round(longest_seconds * SAMPLE_RATE)
    start_seconds = 0.0
    arrays: list[Samples] = []
    held = 0
    for sound in sounds:
        samples = sound.samples
        where = start_seconds + held / SAMPLE_RATE if held else max(sound.start_seconds, 0.0)
        gap_seconds = sound.start_seconds - where
        if gap_seconds < -_ROUNDING_SECONDS or (not held and gap_seconds < 0):
            samples = samples[round(-gap_seconds * SAMPLE_RATE) :]
            if not len(samples):
                continue
        elif gap_seconds > _LONGEST_GAP_SECONDS:
            yield Chunk(start_seconds, np.concatenate(arrays))
            arrays, held = [], 0
            where = sound.start_seconds
        elif gap_seconds > _ROUNDING_SECONDS:
            silence = np.zeros(round(gap_seconds * SAMPLE_RATE), np.int16)
            arrays.append(silence)
            held += len(silence)
        if not held:
            start_seconds = where
        arrays.append(samples)
        held += len(samples)
        while held > longest:
            whole = np.concatenate(arrays)
            at = quietest(whole, longest // 2, longest)
            yield Chunk(start_seconds, whole[:at])
            arrays, held = [whole[at:]], len(whole) - at
            start_seconds += at / SAMPLE_RATE
    if held:
        yield Chunk(start_seconds, np.concatenate(arrays))


def quietest(samples: Samples, low: int, high: int) -> int:
    """The sample in `[low, high)` that lies in the middle of the longest span that is about as quiet as it
    gets.
    """
    levels = _levels(samples[low:high])
    width = min(30, len(levels))
    if width == 0:
        return low
    # Over 0.3 s, so that a stop inside a word is not taken for a pause.
    smooth = np.convolve(levels, np.ones(width) / width, mode="valid")
    quiet = smooth <= max(float(smooth.min()) * 1.5, _SILENT_LEVEL)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], quiet, [False])).astype(np.int8)))
    starts, stops = edges[::2], edges[1::2]
    longest = int(np.argmax(stops - starts))
    middle = (int(starts[longest]) + int(stops[longest]) - 1 + width) // 2
    return low + middle * _HOP


def _levels(samples: Samples) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Root mean square of each 10 ms; a rest shorter than that counts as one."""
    count = -(-len(samples) // _HOP)
    padded = np.zeros(count * _HOP, np.float64)
    padded[: len(samples)] = samples
    return np.sqrt(np.add.reduceat(padded**2, np.arange(0, len(padded), _HOP)) / _HOP) if count else padded
