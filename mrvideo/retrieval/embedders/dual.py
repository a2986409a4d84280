"""Encoders of pictures and texts into one space (SigLIP2, SigLIP, CLIP), run by transformers in this process.
Extra `visual`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from PIL import Image

from mrvideo.errors import ModelUnavailable
from mrvideo.retrieval.embedders.port import Vectors, unit

_EXTRA = 'pip install "mrvideo[visual]"'
_BATCH_CPU, _BATCH_GPU = 16, 128
_SAMPLED_WEIGHTS = 32


class DualEncoder:
    """Loaded at the first use; on a GPU in bfloat16 where there is one. One batch runs at a time."""

    takes_texts = True

    def __init__(self, name: str) -> None:
        self.name = name
        self._running = Lock()
        self._loading = Lock()

    @cached_property
    def _loaded(self) -> _Loaded:
        with self._loading:
            return _load(self.name)

    @property
    def fingerprint(self) -> str:
        """Of the weights, wherever they lie."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        digest = hashlib.sha256()
        for name, weight in sorted(self._loaded.model.state_dict().items()):
            sample = weight.flatten()[:_SAMPLED_WEIGHTS].float().cpu().numpy()
            digest.update(f"{name} {tuple(weight.shape)}".encode() + sample.tobytes())
        return f"dual {digest.hexdigest()[:16]}"

    @property
    def dimensions(self) -> int:
        """Of its vectors."""
        return self._dimensions

    @cached_property
    def _dimensions(self) -> int:
        return self.embed_texts(["a"]).shape[1]

    def embed_images(self, jpegs: Sequence[bytes]) -> Vectors:
        """A row for each picture."""
        pictures = [Image.open(io.BytesIO(jpeg)).convert("RGB") for jpeg in jpegs]

        def features(batch: Sequence[Any]) -> Any:
            loaded = self._loaded
            given = loaded.images(images=list(batch), return_tensors="pt")
            return loaded.model.get_image_features(**loaded.placed(given))

        return self._rows(pictures, features)

    def embed_texts(self, texts: Sequence[str]) -> Vectors:
        """A row for each text; what is longer than the encoder reads is cut."""

        def features(batch: Sequence[Any]) -> Any:
            loaded = self._loaded
            # SigLIP was trained on texts filled up to its length; CLIP's own mask leaves the filling out.
            given = loaded.texts(
                [text.lower() if loaded.lower else text for text in batch],
                padding="max_length",
                max_length=loaded.text_tokens,
                truncation=True,
                return_tensors="pt",
            )
            wanted = {name: given[name] for name in ("input_ids", "attention_mask") if name in given}
            if loaded.lower:
                wanted.pop("attention_mask", None)
            return loaded.model.get_text_features(**loaded.placed(wanted))

        return self._rows(list(texts), features)

    def _rows(self, items: Sequence[Any], features: Any) -> Vectors:
        import torch

        size = _BATCH_GPU if self._loaded.device == "cuda" else _BATCH_CPU
        rows: list[Any] = []
        with self._running, torch.inference_mode():
            for first in range(0, len(items), size):
                made = features(items[first : first + size])
                # From transformers 5 on an output that holds them, before that the vectors themselves.
                vectors = made if isinstance(made, torch.Tensor) else made.pooler_output
                rows.append(vectors.float().cpu().numpy())
        if not rows:
            return np.zeros((0, self.dimensions), np.float32)
        return unit(np.concatenate(rows).astype(np.float32))


class _Loaded:
    """A model with what prepares its inputs."""

    def __init__(self, model: Any, images: Any, texts: Any, device: str) -> None:
        self.model = model
        self.images = images
        self.texts = texts
        self.device = device
        self.text_tokens = int(model.config.text_config.max_position_embeddings)
        self.lower = str(model.config.model_type).startswith("siglip")
        """SigLIP reads small letters, and takes no mask."""

    def placed(self, given: Any) -> dict[str, Any]:
        """The inputs where the model is, in its precision."""
        dtype = self.model.dtype
        return {
            name: value.to(self.device, dtype) if value.is_floating_point() else value.to(self.device)
            for name, value in given.items()
        }


def _load(name: str) -> _Loaded:
    try:
        import torch
        from transformers import AutoImageProcessor, AutoModel, AutoTokenizer
    except ImportError as error:
        raise ModelUnavailable(f"the embedder {name} needs torch and transformers; {_EXTRA}") from error
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith((".", "/", "~")) and not Path(name).is_dir():
        raise ModelUnavailable(f"no folder {name} with an embedder; name another with --embed")
    try:
        loader: Any = AutoModel
        model = loader.from_pretrained(name, dtype=torch.bfloat16 if device == "cuda" else torch.float32)
        processor: Any = AutoImageProcessor
        tokenizer: Any = AutoTokenizer
        images, texts = processor.from_pretrained(name), tokenizer.from_pretrained(name)
    except (OSError, ValueError, ImportError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelUnavailable(f"the embedder {name} cannot be loaded: {first}") from error
    if not (hasattr(model, "get_image_features") and hasattr(model, "get_text_features")):
        raise ModelUnavailable(
            f"{name} does not encode pictures and texts into one space; name a SigLIP or CLIP model with --embed"
        )
    return _Loaded(model.to(device).eval(), images, texts, device)
