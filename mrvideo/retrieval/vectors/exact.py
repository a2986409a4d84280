"""Every vector is compared. To about 10⁵ frames: 307 MB at 768 dimensions, and tens of milliseconds a search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mrvideo.retrieval.embedders.port import Vectors
from mrvideo.retrieval.vectors.port import Filters, FrameKey, Frames, Near, ReadRows, best, one_row

_AT_ONCE = 8192


class ExactVectors:
    """Reads all vectors when it is made, and keeps them."""

    def __init__(self, frames: Frames, read: ReadRows, dimensions: int) -> None:
        self._frames = frames
        self._matrix = np.zeros((len(frames), dimensions), np.float32)
        for first in range(0, len(frames), _AT_ONCE):
            places = np.arange(first, min(first + _AT_ONCE, len(frames)))
            self._matrix[places] = read(frames.at(places))

    @property
    def dimensions(self) -> int:
        """Of its vectors."""
        return self._matrix.shape[1]

    def __len__(self) -> int:
        """How many frames it holds."""
        return len(self._frames)

    def similar(self, vector: Vectors, filters: Filters, k: int) -> tuple[Near, ...]:
        """As the port says; nothing is estimated."""
        row = one_row(vector, self.dimensions)
        places = self._frames.fitting(filters)
        scores = (self._matrix if places is None else self._matrix[places]) @ row
        chosen = best(scores, k)
        keys = self._frames.at(chosen if places is None else places[chosen])
        return tuple(Near(key, float(score)) for key, score in zip(keys, scores[chosen], strict=True))

    def vectors(self, frames: Sequence[FrameKey]) -> dict[FrameKey, Vectors]:
        """Their rows."""
        return {frame: self._matrix[place] for frame, place in self._frames.places_of(frames).items()}

    def sample(self, most: int) -> tuple[FrameKey, ...]:
        """So many of its frames at most."""
        return self._frames.sample(most)
