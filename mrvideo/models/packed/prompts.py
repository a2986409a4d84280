"""Jobs to packed prompts: the model's own chat template, its own tokeniser, its own picture sizes."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import torch

from mrvideo.models.generation import Generator, Job
from mrvideo.models.packed.encoder import ImageEncoder
from mrvideo.models.packed.families import PackedModel
from mrvideo.models.packed.pictures import Patches, Preparer, digest


@dataclass(frozen=True, eq=False)
class Prompt:
    """One request as numbers: tokens (T,), positions (3, T) and images; `reply_at` is the reply's first
    position.
    """

    job: Job
    tokens: torch.Tensor
    positions: torch.Tensor
    reply_at: int
    images: tuple[Patches, ...]
    text_before: tuple[int, ...]
    """The tokens before the first image: what other requests of the stage begin with too."""

    def __len__(self) -> int:
        return len(self.tokens)

    @property
    def most(self) -> int:
        """Tokens of keys and values that its row needs: one step runs on after the last token is known."""
        return len(self) + self.job.max_output_tokens + 2


class PromptMaker:
    """Safe to call from several threads."""

    def __init__(self, generator: Generator, packed: PackedModel, encoder: ImageEncoder) -> None:
        self._generator, self._packed, self._encoder = generator, packed, encoder
        self._prepare = Preparer(generator.processor.image_processor, packed.device, packed.dtype)

    def __call__(self, job: Job) -> Prompt:
        """Raises `ValueError` for pictures that cannot be decoded, or text that stands for pictures."""
        images = self._images(job)
        numbers = self._tokens(job, images)
        tokens = torch.tensor(numbers, dtype=torch.long)
        grids = [image.grid for image in images]
        positions, reply_at = self._packed.positions(tokens, grids)
        before = tuple(takewhile(lambda token: token != self._packed.image_token, numbers))
        return Prompt(job, tokens, positions, reply_at, images, before)

    def _images(self, job: Job) -> tuple[Patches, ...]:
        digests = [digest(jpeg) for _, jpeg in job.pictures]
        known = {key: grid for key in digests if (grid := self._encoder.grid(key)) is not None}
        fresh = {key: jpeg for key, (_, jpeg) in zip(digests, job.pictures, strict=True) if key not in known}
        made = dict(zip(fresh, self._prepare(list(fresh.values())), strict=True))
        return tuple(
            Patches(key, known[key], None) if key in known else Patches(key, *made[key]) for key in digests
        )

    def _tokens(self, job: Job, images: tuple[Patches, ...]) -> list[int]:
        text = self._generator.worded(job)
        found: Any = self._generator.tokenizer(text, add_special_tokens=False)["input_ids"]
        places = iter(images)
        tokens: list[int] = []
        for token in found:
            if token != self._packed.image_token:
                tokens.append(token)
                continue
            image = next(places, None)
            if image is None:
                raise ValueError("the request's text holds the model's mark of a picture")
            tokens += [token] * self._packed.image_tokens(image.grid)
        if next(places, None) is not None:
            raise ValueError("the model's chat template drops pictures")
        return tokens
