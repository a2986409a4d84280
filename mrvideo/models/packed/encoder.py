"""Images to embeddings, each once: a frame that is captioned, looked at and checked is encoded a single time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import torch

from mrvideo.models.packed.families import Features, Grid, PackedModel
from mrvideo.models.packed.pictures import Patches

MOST_PATCHES = 65_536
"""In one call of the tower: about 90 pictures of 512×288."""


class ImageEncoder:
    """The tower with a bounded memory of what it saw, by the digest of the file's bytes; the least recent
    goes first.

    `hits` and `misses` count images. `grid` may be called from any thread, `encode` from one at a time.
    """

    def __init__(self, packed: PackedModel, *, keep_bytes: int) -> None:
        self._packed = packed
        self._keep_bytes = keep_bytes
        self._kept: OrderedDict[bytes, tuple[Grid, Features]] = OrderedDict()
        self._held: dict[bytes, int] = {}
        self._bytes = 0
        self._lock = Lock()
        self.hits = 0
        self.misses = 0

    def grid(self, key: bytes) -> Grid | None:
        """The grid of an image that is kept; it then stays until it is released as often."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                return None
            self._kept.move_to_end(key)
            self._held[key] = self._held.get(key, 0) + 1
            return found[0]

    def encode(self, images: Sequence[Patches]) -> list[Features]:
        """In order. Every image that is not kept goes through the tower, in as few calls as its bound allows."""
        found: dict[bytes, Features] = {}
        fresh: dict[bytes, Patches] = {}
        for image in images:
            with self._lock:
                kept = self._kept.get(image.digest)
            if kept is not None:
                found[image.digest] = kept[1]
            elif image.digest not in fresh:
                fresh[image.digest] = image
        self.hits += len(images) - len(fresh)
        self.misses += len(fresh)
        for call in _calls(list(fresh.values())):
            found |= self._run(call)
        return [found[image.digest] for image in images]

    def _run(self, images: Sequence[Patches]) -> dict[bytes, Features]:
        values = [image.values for image in images if image.values is not None]
        if len(values) < len(images):
            raise RuntimeError("an image was dropped before it was encoded")
        encoded = self._packed.encode(torch.cat(values), [image.grid for image in images])
        made = {image.digest: features for image, features in zip(images, encoded, strict=True)}
        for image in images:
            # A view would keep the features of the whole call alive.
            self._keep(image, tuple(part.clone() for part in made[image.digest]))
        return made

    def _keep(self, image: Patches, features: Features) -> None:
        with self._lock:
            self._kept[image.digest] = (image.grid, features)
            self._bytes += _size(features)
            for key in list(self._kept):
                if self._bytes <= self._keep_bytes:
                    break
                if key not in self._held:
                    self._bytes -= _size(self._kept.pop(key)[1])

    def release(self, images: Sequence[Patches]) -> None:
        """A prompt's images are done with: those that it found kept may be dropped now."""
        with self._lock:
            for image in images:
                if image.values is None:
                    left = self._held[image.digest] - 1
                    if left:
                        self._held[image.digest] = left
                    else:
                        del self._held[image.digest]


def _size(features: Features) -> int:
    return sum(part.numel() * part.element_size() for part in features)


def _calls(images: list[Patches]) -> list[list[Patches]]:
    """In order, each call within `MOST_PATCHES`, one image at least."""
    calls: list[list[Patches]] = []
    room = 0
    for image in images:
        patches = image.grid[0] * image.grid[1] * image.grid[2]
        if not calls or patches > room:
            calls.append([])
            room = MOST_PATCHES
        calls[-1].append(image)
        room -= patches
    return calls
