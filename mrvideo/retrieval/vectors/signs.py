"""One bit a dimension, then exact: for more frames than memory or time allow to compare one by one.

    x = a·m + r      m the direction that all frames share, a the share of it, r the rest
    kept             the signs of r, turned at random; a; |r|          104 bytes at 768 dimensions, not 3,072
    search           all by the signs of both sides → the best 5,000 by the signs of x alone → the best 1,000 exactly

Pictures' vectors lie on a narrow cone. Signs of the vectors themselves would nearly all be those of its axis, so the
axis is taken out first, and its share of a cosine, which is known exactly, is put back.

After RaBitQ (Gao and Long, 2024): the estimate of r·s is unbiased for signs of vectors that are turned at random.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mrvideo.retrieval.embedders.port import Vectors
from mrvideo.retrieval.vectors.port import Filters, FrameKey, Frames, Near, Places, ReadRows, best, one_row

ESTIMATED = 5000
RERANKED = 1000
"""How many go to the second and the third step, and at least `_OVER` for each that is wanted."""
_OVER = 2

_WORD = 64
_MEAN_OF = 20_000
_BLOCK = 8192
_SCANNED = 32_768
"""Columns of signs scanned at once: what is worked on stays in the cache."""

_SIGNS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).astype(np.float32) * 2 - 1
"""What the eight bits of a byte stand for: -1 or +1 each."""
_ONES = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).sum(axis=1, dtype=np.uint8)


class SignVectors:
    """Reads all vectors once when it is made, and keeps their signs; the exact ones are read again by frame,
    a thousand a search.
    """

    def __init__(self, frames: Frames, read: ReadRows, dimensions: int) -> None:
        self._frames = frames
        self._read = read
        self._dimensions = dimensions
        self._scale = np.float32(np.sqrt(dimensions))
        count = len(frames)
        words = -(-dimensions // _WORD)
        # Any: numpy's stubs widen float32 in products, and do not follow views.
        self._signs: Any = np.zeros((words, count), np.uint64)
        self._along: Any = np.zeros(count, np.float32)
        self._rest: Any = np.zeros(count, np.float32)
        self._axis: Any = self._common_direction()
        turned = np.random.default_rng(0).standard_normal((dimensions, dimensions)).astype(np.float32)
        self._turn: Any = np.linalg.qr(turned)[0].astype(np.float32) if dimensions else turned
        for first in range(0, count, _BLOCK):
            self._keep(first, min(first + _BLOCK, count))

    def _common_direction(self) -> Vectors:
        sample = self._frames.sample(_MEAN_OF)
        mean = self._read(sample).mean(axis=0) if sample else np.zeros(self._dimensions, np.float32)
        length = np.linalg.norm(mean)
        return (mean / length if length > 0 else mean).astype(np.float32)

    def _keep(self, first: int, stop: int) -> None:
        block = slice(first, stop)
        vectors = self._read(self._frames.at(np.arange(first, stop)))
        along: Vectors = vectors @ self._axis
        rest: Vectors = (vectors - along[:, None] * self._axis) @ self._turn
        self._signs[:, block] = np.transpose(self._packed(rest))
        self._along[block] = along
        # |r| over the cosine between r and its signs: what undoes that signs are no vector of that direction.
        length = np.einsum("ij,ij->i", rest, rest)
        reach = np.abs(rest).sum(axis=1) / self._scale
        self._rest[block] = np.divide(length, reach, out=np.zeros_like(length), where=reach > 0)

    def _packed(self, rest: Vectors) -> NDArray[np.uint64]:
        """Signs as words, a row each; what fills the last word up is 0."""
        bits = np.packbits(rest > 0, axis=1)
        words: Any = np.zeros((len(rest), len(self._signs)), np.uint64)
        words.view(np.uint8)[:, : bits.shape[1]] = bits
        return words

    @property
    def dimensions(self) -> int:
        """Of the vectors."""
        return self._dimensions

    def __len__(self) -> int:
        """How many frames it holds."""
        return len(self._frames)

    @property
    def kept_bytes(self) -> int:
        """What signs and lengths take, without the keys."""
        return self._signs.nbytes + self._along.nbytes + self._rest.nbytes

    def similar(self, vector: Vectors, filters: Filters, k: int) -> tuple[Near, ...]:
        """As the port says, of those that signs put among the best `RERANKED`."""
        row = one_row(vector, self._dimensions)
        places = self._frames.fitting(filters)
        count = len(self) if places is None else len(places)
        reranked = max(RERANKED, _OVER * k)
        if count > reranked:
            share = float(row @ self._axis)
            rest: Vectors = (row - share * self._axis) @ self._turn
            places = self._best_by_both(share, rest, places, max(ESTIMATED, _OVER * reranked))
            own = self._by_own(rest, places)
            finer: Vectors = np.float32(share) * self._along[places] + self._rest[places] * own
            places = np.sort(places[best(finer, reranked)])
        elif places is None:
            places = np.arange(count)
        frames = self._frames.at(places)
        scores: Vectors = self._read(frames) @ row if frames else np.zeros(0, np.float32)
        return tuple(Near(frames[place], float(scores[place])) for place in best(scores, k))

    def _best_by_both(self, share: float, rest: Vectors, places: Places | None, most: int) -> Places:
        """The places that are best by how many signs agree."""
        asked = self._packed(rest[None])[0]
        # The nearest to `rest` of its own signs at one length; then all that differs is how many agree.
        each = float(np.abs(rest).sum()) / self._dimensions / float(self._scale)
        count = len(self) if places is None else len(places)
        estimate: Any = np.empty(count, np.float32)
        for first in range(0, count, _SCANNED):
            block = slice(first, first + _SCANNED)
            at = block if places is None else places[block]
            differ: Any = np.zeros(min(_SCANNED, count - first), np.uint16)
            for word, signs in zip(asked, self._signs, strict=True):
                differ += ones_of(signs[at] ^ word)
            agreed: Any = np.multiply(differ, -2.0 * each, dtype=np.float32)
            agreed += each * self._dimensions
            agreed *= self._rest[at]
            agreed += self._along[at] * np.float32(share)
            estimate[block] = agreed
        chosen = np.argpartition(-estimate, most - 1)[:most] if most < count else np.arange(count)
        return chosen if places is None else places[chosen]

    def _by_own(self, rest: Vectors, places: Places) -> Vectors:
        """`rest` against the signs of each place, its own numbers as they are."""
        words: Any = np.ascontiguousarray(self._signs[:, places].T)
        packed: Any = words.view(np.uint8)
        filled = np.zeros((packed.shape[1], 8), np.float32)
        filled.ravel()[: self._dimensions] = rest
        total: Any = np.zeros(len(places), np.float32)
        for eight, column in zip(filled, packed.T, strict=True):
            total += (_SIGNS @ eight)[column]
        return total / self._scale

    def vectors(self, frames: Sequence[FrameKey]) -> dict[FrameKey, Vectors]:
        """Their exact vectors, read again."""
        held = list(self._frames.places_of(frames))
        return dict(zip(held, self._read(held), strict=True))

    def sample(self, most: int) -> tuple[FrameKey, ...]:
        """So many of its frames at most."""
        return self._frames.sample(most)


def _ones_by_table(words: NDArray[np.uint64]) -> NDArray[np.uint8]:
    packed: Any = np.ascontiguousarray(words)
    every: Any = _ONES[packed.view(np.uint8)]
    return every.reshape(len(words), 8).sum(axis=1, dtype=np.uint8)


# numpy 1 does not count bits.
ones_of: Callable[[NDArray[np.uint64]], NDArray[np.uint8]] = getattr(np, "bitwise_count", _ones_by_table)
"""How many bits of each word are set."""
