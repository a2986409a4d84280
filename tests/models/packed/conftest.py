"""Tiny random models of the families that are asked packed, and jobs that are unlike in every way."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import BaseModel

pytest.importorskip("torch", reason="the local extra is not installed")
pytest.importorskip("transformers", reason="the local extra is not installed")

FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")


class Held(BaseModel):
    """A reply of few tokens, whatever the weights say."""

    same: bool
    number: int


@pytest.fixture(scope="session")
def noise() -> Callable[..., bytes]:
    """`noise(3)`: a JPEG of its own; the same number is the same file."""

    def make(number: int, width: int = 96, height: int = 64) -> bytes:
        rng = np.random.default_rng(number)
        stream = io.BytesIO()
        Image.fromarray(rng.integers(0, 255, (height, width, 3), dtype=np.uint8)).save(stream, "JPEG")
        return stream.getvalue()

    return make


@pytest.fixture(scope="session")
def make_job(noise: Callable[..., bytes]) -> Callable[..., Any]:
    from mrvideo.models.generation import Job

    def make(
        pictures: tuple[int, ...] = (1,),
        words: int = 3,
        most: int = 8,
        system: str = "Look closely. ",
        sizes: tuple[tuple[int, int], ...] = ((96, 64),),
    ) -> Any:
        shown = tuple(
            (f"{place}.00 s", noise(number, *sizes[place % len(sizes)]))
            for place, number in enumerate(pictures)
        )
        return Job(system, shown, "the door closes " * words, (), Held, most)

    return make


@pytest.fixture(scope="session")
def build() -> Callable[..., Any]:
    """`build("qwen3_vl")`: a generator of random weights in float64."""
    import torch
    from support.random_models import build as make

    def built(family: str, *, held: bool = False, dtype: Any = torch.float64, seed: int = 0) -> Any:
        generator = make(f"tiny-{family}", "cpu", dtype=dtype, seed=seed)
        generator.holds = held and generator.holds
        return generator

    return built
