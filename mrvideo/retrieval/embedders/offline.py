"""A stand-in without weights: colours, where they lie, and the texture. It compares pictures, and knows no
word and no thing.

Good for "the frame that looks like this picture", also scaled, re-encoded or somewhat brighter; a dog in
another place is another picture to it.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mrvideo.errors import SettingsError
from mrvideo.retrieval.embedders.port import Vectors, unit

_SIDE = 64
_GRID = 4
_BINS = 8
_LAYOUT_WEIGHT, _COLOUR_WEIGHT, _TEXTURE_WEIGHT = 1.0, 0.7, 0.7


class LooksEmbedder:
    """Colour, layout and texture of a picture, 64 × 64 pixels of it."""

    name = "offline"
    fingerprint = "offline looks 1"
    dimensions = _GRID * _GRID * 3 + _BINS * 3 + _GRID * _GRID * _BINS
    takes_texts = False

    def embed_images(self, jpegs: Sequence[bytes]) -> Vectors:
        """A row for each picture."""
        rows = [_looks(jpeg) for jpeg in jpegs]
        return np.stack(rows) if rows else np.zeros((0, self.dimensions), np.float32)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """Raises `SettingsError`: it reads none."""
        raise SettingsError(
            "the offline embedder compares pictures and knows no words; name another with --embed"
        )


def _looks(jpeg: bytes) -> NDArray[np.float32]:
    small = Image.open(io.BytesIO(jpeg)).convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    pixels = np.asarray(small, np.float32) / 255
    # Brightness is taken out of two of three channels: the sun behind a cloud is no other place.
    light = pixels.mean(axis=2)
    opponent = np.stack(
        [light - light.mean(), pixels[..., 0] - pixels[..., 1], pixels[..., 2] - light], axis=2
    )
    step = _SIDE // _GRID
    blocks_of = np.reshape(opponent, (_GRID, step, _GRID, step, 3))
    cells = blocks_of.mean(axis=(1, 3)).ravel()
    colours = np.concatenate(
        [np.histogram(channel, _BINS, (-1, 1))[0] for channel in np.moveaxis(opponent, 2, 0)]
    )
    # Central differences; at the rim there is no neighbour to compare with.
    down, across = np.zeros_like(light), np.zeros_like(light)
    down[1:-1], across[:, 1:-1] = (light[2:] - light[:-2]) / 2, (light[:, 2:] - light[:, :-2]) / 2
    strength = np.hypot(down, across)
    direction = ((np.arctan2(down, across) % np.pi) / np.pi * _BINS).astype(int) % _BINS
    texture = np.zeros((_GRID, _GRID, _BINS), np.float32)
    cell = np.arange(_SIDE) // step
    np.add.at(texture, (cell[:, None], cell[None, :], direction), strength)
    blocks = (
        (_LAYOUT_WEIGHT, cells),
        (_COLOUR_WEIGHT, np.sqrt(colours / _SIDE**2)),
        (_TEXTURE_WEIGHT, texture.ravel()),
    )
    parts = [weight * unit(np.asarray(block, np.float32)[None])[0] for weight, block in blocks]
    return unit(np.concatenate(parts)[None])[0]
