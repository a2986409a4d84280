"""What every embedder does: pictures, and texts where it reads them, become vectors of one space.

Vectors are float32, of length one, a row each, in the order given; their dot product is the cosine.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Vectors: TypeAlias = NDArray[np.float32]


class Embedder(Protocol):
    """Thread-safe. Another `fingerprint` means other vectors: those kept under it do not do for this one."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    @property
    def takes_texts(self) -> bool:
        """Whether `embed_texts` is there; False for one that only compares pictures."""
        ...

    def embed_images(self, jpegs: Sequence[bytes]) -> Vectors: ...

    def embed_texts(self, texts: Sequence[str]) -> Vectors: ...


def unit(vectors: Vectors) -> Vectors:
    """Each row at length one; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return (vectors / np.where(lengths > 0, lengths, 1)).astype(np.float32)
