"""JPEGs to patches: on the GPU where torchvision loads and a GPU is used, else with Pillow on the calling
thread.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from typing import Any, cast

import numpy as np
import torch
from PIL import Image

from mrvideo.models.packed.families import Grid
from mrvideo.models.torchvision_check import torchvision_loads


@dataclass(frozen=True)
class Patches:
    """One image: what it is known by, its grid, and its values (patches, values), or None where they are not
    needed.
    """

    digest: bytes
    grid: Grid
    values: torch.Tensor | None


def digest(jpeg: bytes) -> bytes:
    """What an image is known by."""
    return sha256(jpeg).digest()


class Preparer:
    """Decode, resize and cut into patches, as the model's own processor does."""

    def __init__(self, image_processor: Any, device: torch.device, dtype: torch.dtype) -> None:
        self._processor = image_processor
        self.device, self._dtype = device, dtype
        self.on_gpu = device.type == "cuda" and _is_torchvisions(image_processor)
        self._stream = torch.cuda.Stream(device) if self.on_gpu else None

    def __call__(self, jpegs: Sequence[bytes]) -> list[tuple[Grid, torch.Tensor]]:
        """Grid and patches of each. Raises `ValueError` for what is no image."""
        if not jpegs:
            return []
        if self._stream is None:
            out = self._processor(images=[_open(jpeg) for jpeg in jpegs], return_tensors="pt")
            return self._apart(out)
        with torch.cuda.stream(self._stream):
            out = self._processor(images=self._decoded(jpegs), device=str(self.device), return_tensors="pt")
            # As the tower takes them: half the bytes, while they lie ready.
            out["pixel_values"] = out["pixel_values"].to(self._dtype)
            found = self._apart(out)
            self._stream.synchronize()
        # Used on the model's stream from now on; its memory must not be taken again by this one meanwhile.
        for _, values in found:
            values.record_stream(torch.cuda.default_stream(self.device))
        return found

    def _decoded(self, jpegs: Sequence[bytes]) -> list[torch.Tensor]:
        io: Any = import_module("torchvision.io")

        data = [torch.frombuffer(bytearray(jpeg), dtype=torch.uint8) for jpeg in jpegs]
        try:
            return cast(
                "list[torch.Tensor]", io.decode_jpeg(data, mode=io.ImageReadMode.RGB, device=self.device)
            )
        except RuntimeError:
            # A kind that the GPU's decoder does not know: Pillow may.
            pixels = [torch.tensor(np.array(_open(jpeg))) for jpeg in jpegs]
            return [part.permute(2, 0, 1).to(self.device) for part in pixels]

    @staticmethod
    def _apart(out: Any) -> list[tuple[Grid, torch.Tensor]]:
        grids = [cast("Grid", tuple(grid)) for grid in out["image_grid_thw"].tolist()]
        sizes = [frames * rows * columns for frames, rows, columns in grids]
        return list(zip(grids, out["pixel_values"].split(sizes), strict=True))


def _open(jpeg: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(jpeg)).convert("RGB")
    except OSError as error:
        raise ValueError(f"not an image that can be decoded: {error}") from error


def _is_torchvisions(image_processor: Any) -> bool:
    """Whether the processor is torchvision's variant, not Pillow's."""
    return torchvision_loads() and not type(image_processor).__name__.endswith("Pil")
