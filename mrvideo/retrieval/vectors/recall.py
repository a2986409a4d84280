"""How much of what is nearest an index finds: the same queries, once by it and once against every vector."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mrvideo.retrieval.embedders.port import Vectors, unit
from mrvideo.retrieval.vectors.port import (
    EVERYTHING,
    FrameKey,
    Frames,
    Near,
    ReadRows,
    VectorIndex,
    best,
)

QUERIES = 20
WANTED = 20
RECALL_LIMIT = 0.95
_BLOCK = 8192


@dataclass(frozen=True)
class Recall:
    """`recall` is the mean share of the nearest `WANTED` that was found, `least` that of the worst query."""

    frames: int
    queries_asked: int
    recall: float
    least: float
    p95_milliseconds: float
    exact_p95_milliseconds: float


def queries_of(index: VectorIndex, count: int = QUERIES) -> Vectors:
    """Vectors to ask with that are no frame of the index: each lies between two of its frames."""
    frames = index.sample(2 * count)
    held = index.vectors(frames)
    if not held:
        return np.zeros((0, index.dimensions), np.float32)
    rows = np.stack(list(held.values()))
    chance = np.random.default_rng(1)
    first, second = chance.integers(0, len(rows), (2, count))
    return unit(2 * rows[first] + rows[second])


def measured(index: VectorIndex, frames: Frames, read: ReadRows, queries: Vectors) -> Recall:
    """Ask both. What is exact is read block by block: no more than one is in memory."""
    truth, exact_seconds = exact(frames, read, queries, WANTED)
    shares: list[float] = []
    seconds: list[float] = []
    for query, true in zip(queries, truth, strict=True):
        began = time.perf_counter()
        found = index.similar(query, EVERYTHING, WANTED)
        seconds.append(time.perf_counter() - began)
        shares.append(_share(found, true))
    return Recall(
        frames=len(frames),
        queries_asked=len(queries),
        recall=float(np.mean(shares)) if shares else 1.0,
        least=min(shares, default=1.0),
        p95_milliseconds=_p95(seconds),
        exact_p95_milliseconds=_p95(exact_seconds),
    )


def exact(
    frames: Frames, read: ReadRows, queries: Vectors, k: int
) -> tuple[list[list[Near]], Sequence[float]]:
    """The `k` nearest of each query among all vectors, and the seconds of each, without reading them."""
    kept: list[list[Near]] = [[] for _ in queries]
    seconds = [0.0] * len(queries)
    for first in range(0, len(frames), _BLOCK):
        places = np.arange(first, min(first + _BLOCK, len(frames)))
        keys: list[FrameKey] = frames.at(places)
        block = read(keys)
        for number, query in enumerate(queries):
            began = time.perf_counter()
            scores = block @ query
            kept[number] += [Near(keys[place], float(scores[place])) for place in best(scores, k)]
            seconds[number] += time.perf_counter() - began
    return [sorted(own, key=lambda near: -near.score)[:k] for own in kept], seconds


def _share(found: Sequence[Near], true: Sequence[Near]) -> float:
    """Of the nearest, how many were found; one that is as near as the last of them does as well."""
    if not true:
        return 1.0
    least = true[-1].score - 1e-6
    return min(sum(near.score >= least for near in found), len(true)) / len(true)


def _p95(seconds: Sequence[float]) -> float:
    return float(np.quantile(seconds, 0.95)) * 1000 if len(seconds) else 0.0
