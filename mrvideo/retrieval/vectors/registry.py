"""Which index so many frames get."""

from __future__ import annotations

from mrvideo.retrieval.vectors.exact import ExactVectors
from mrvideo.retrieval.vectors.port import Frames, ReadRows, VectorIndex
from mrvideo.retrieval.vectors.signs import SignVectors

EXACT_UP_TO = 100_000


def open_vectors(frames: Frames, read: ReadRows, dimensions: int) -> VectorIndex:
    """The exact one to `EXACT_UP_TO` frames, signs beyond."""
    if len(frames) <= EXACT_UP_TO:
        return ExactVectors(frames, read, dimensions)
    return SignVectors(frames, read, dimensions)
