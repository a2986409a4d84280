"""Shots ranked by what their frames look like, and what of that is above chance.

shot 1  f1 f2 f3    its score: the mean of its best k of n frames, k about n / 2.5
chance              how like other frames of the same videos are to each other, or how near random texts come to the best frame
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from mrvideo.records import Span, clock
from mrvideo.retrieval.embedders.port import Vectors
from mrvideo.retrieval.finder import Compared

_BEST_SHARE = 2.5
_PAIRS = 20_000
_APART_SECONDS = 10.0
_FALSE_ALARMS = 0.2
"""So many frames of a library may be taken for the picture by chance."""
_SAME_PICTURE = 0.985
"""So near, it is the picture itself, however much all frames of a video look alike."""

RANDOM_TEXTS = (
    "a photo", "a street in a town", "people talking in a room", "a blue sky", "a car on a road", "text on a screen",
    "a plate of food", "trees in a forest", "a person looking at the camera", "an animal", "a building", "a black screen",
    "a football match", "a mountain in the snow", "hands holding something", "a crowd of people", "a computer", "a kitchen",
    "the sea", "a map", "a child playing", "a book", "a stage with lights", "a colourful pattern",
)  # fmt: skip


@dataclass(frozen=True)
class ShotFrames:
    """Frames of one shot, by row of the matrix of all vectors."""

    video: str
    span: Span
    times_seconds: tuple[float, ...]
    rows: tuple[int, ...]


def like_picture(
    shots: Sequence[ShotFrames], vectors: Vectors, picture: Vectors, *, chance: float | None = None
) -> list[Compared]:
    """The shots by likeness to one picture, best first. Chance: how alike frames are that lie apart, of
    these shots where it is not given.
    """
    scores = vectors @ picture.ravel()
    if chance is None:
        frames = [
            (shot.video, time, row)
            for shot in shots
            for time, row in zip(shot.times_seconds, shot.rows, strict=True)
        ]
        rows = [row for _, _, row in frames]
        chance = likeness_of_strangers([frame[:2] for frame in frames], vectors[rows])
    return _ranked(shots, scores, lambda row: bool(scores[row] > min(chance, _SAME_PICTURE)))


def like_text(
    shots: Sequence[ShotFrames], vectors: Vectors, text: Vectors, random_texts: Vectors
) -> list[Compared]:
    """The shots by nearness to a text, best first. Chance: the nearest of some texts that nobody asked for,
    at the same frame.
    """
    scores = vectors @ text.ravel()
    chance = np.max([vectors @ other for other in random_texts], axis=0)
    return _ranked(shots, scores, lambda row: bool(scores[row] > chance[row]))


def _ranked(shots: Sequence[ShotFrames], scores: Vectors, above: Callable[[int], bool]) -> list[Compared]:
    found: list[Compared] = []
    for shot in shots:
        own = sorted(shot.rows, key=lambda row: -scores[row])
        best = own[: max(1, round(len(own) / _BEST_SHARE))]
        time = shot.times_seconds[shot.rows.index(own[0])]
        found.append(
            Compared(
                shot.video,
                shot.span,
                float(np.mean([scores[row] for row in best])),
                above_chance=above(own[0]),
                quote=f"the frame at {clock(time)}",
            )
        )
    return sorted(found, key=lambda one: (-one.score, one.video, one.span.start_seconds))


def likeness_of_strangers(
    frames: Sequence[tuple[str, float]], vectors: Vectors, *, count: int | None = None
) -> float:
    """How alike all but a few pairs of frames are at most that lie in different videos or well apart.

    `frames` are video and time of each row; `count` of how many frames they are a sample.
    """
    if len(frames) < 2:
        return 1.0
    chance = np.random.default_rng(0)
    pairs = chance.integers(0, len(frames), (_PAIRS, 2))
    videos = np.array([video for video, _ in frames])
    times = np.array([time for _, time in frames])
    first, second = pairs[:, 0], pairs[:, 1]
    apart = (videos[first] != videos[second]) | (np.abs(times[first] - times[second]) > _APART_SECONDS)
    first, second = first[apart], second[apart]
    if not len(first):
        return 1.0
    likeness = np.einsum("ij,ij->i", vectors[first], vectors[second])
    return float(np.quantile(likeness, max(1 - _FALSE_ALARMS / (count or len(frames)), 0.0)))
