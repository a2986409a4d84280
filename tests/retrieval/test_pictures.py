"""Shots are ranked by their best frames, and chance is told apart."""

from __future__ import annotations

import numpy as np

from mrvideo.records import Span
from mrvideo.retrieval.embedders.port import Vectors, unit
from mrvideo.retrieval.pictures import ShotFrames, like_picture, like_text

RANDOM = np.random.default_rng(0)
SIZE = 64


def cone(count: int) -> Vectors:
    """As encoders place pictures: all near one direction."""
    common = RANDOM.normal(size=SIZE)
    return unit((common + 0.5 * RANDOM.normal(size=(count, SIZE))).astype(np.float32))


def shots(count: int, frames: int = 3) -> list[ShotFrames]:
    return [
        ShotFrames("v", Span(20 * n, 20 * n + 20), tuple(20.0 * n + 5 * f for f in range(frames)),
                   tuple(range(n * frames, (n + 1) * frames)))
        for n in range(count)
    ]  # fmt: skip


def test_the_shot_of_the_picture_leads_and_alone_is_above_chance() -> None:
    vectors = cone(300)
    near = unit((vectors[151] + 0.02 * RANDOM.normal(size=SIZE)).astype(np.float32)[None])
    found = like_picture(shots(100), vectors, near)
    assert found[0].span == Span(1000, 1020) and found[0].above_chance
    assert found[0].quote == "the frame at 16:45.0"
    assert sum(one.above_chance for one in found) <= 3
    stranger = like_picture(shots(100), vectors, cone(1))
    assert not any(one.above_chance for one in stranger)


def test_a_shot_of_many_frames_is_worth_the_mean_of_its_best() -> None:
    """Five frames: the best two count, so one stray frame does not carry a shot past one that fits."""
    vectors = np.zeros((10, 2), np.float32)
    vectors[:, 0] = [1.0, 0, 0, 0, 0, 0.8, 0.8, 0, 0, 0]
    found = like_picture(shots(2, 5), vectors, np.array([[1.0, 0.0]], np.float32))
    assert [(one.span.start_seconds, round(one.score, 3)) for one in found] == [(20, 0.8), (0, 0.5)]


def test_a_text_must_come_nearer_than_any_that_nobody_asked_for() -> None:
    vectors, texts = cone(30), cone(25)
    asked = unit((0.6 * vectors[4] + 0.4 * texts[0])[None].astype(np.float32))
    found = like_text(shots(10), vectors, asked, texts[1:])
    assert found[0].span == Span(20, 40) and found[0].above_chance
    as_random = like_text(shots(10), vectors, texts[1:2], texts[1:])
    assert not any(one.above_chance for one in as_random)
