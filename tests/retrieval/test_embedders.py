"""Every embedder gives unit vectors in order; what cannot be loaded is told in a line."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from support.shapes import save_tokenizer

from mrvideo.errors import ModelUnavailable, SettingsError
from mrvideo.retrieval.embedders.dual import DualEncoder
from mrvideo.retrieval.embedders.offline import LooksEmbedder
from mrvideo.retrieval.embedders.port import Embedder
from mrvideo.retrieval.embedders.registry import open_embedder

WORDS = ["[PAD]", "[UNK]", "[EOS]", "a", "red", "dog", "circle"]


def jpeg(seed: int, size: tuple[int, int] = (60, 40)) -> bytes:
    coarse = np.random.default_rng(seed).integers(0, 255, (4, 6, 3)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(coarse).resize(size, Image.Resampling.NEAREST).save(out, "JPEG", quality=90)
    return out.getvalue()


def save_tiny(folder: Path, kind: str) -> Path:
    """A dual encoder of a few thousand random weights, with its tokenizer and image processor."""
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    text: dict[str, Any] = {
        "vocab_size": len(WORDS), "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
        "num_attention_heads": 2, "max_position_embeddings": 8, "eos_token_id": 2, "bos_token_id": 2, "pad_token_id": 0,
    }  # fmt: skip
    vision: dict[str, Any] = {
        "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
        "image_size": 32, "patch_size": 8,
    }  # fmt: skip
    if kind == "clip":
        config = transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=12)
        model, images = transformers.CLIPModel(config), transformers.CLIPImageProcessor
        size = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    else:
        config = transformers.SiglipConfig(text_config={**text, "projection_size": 16}, vision_config=vision)
        model, images = transformers.SiglipModel(config), transformers.SiglipImageProcessor
        size = {"size": {"height": 32, "width": 32}}
    model.save_pretrained(folder)
    images(**size).save_pretrained(folder)
    save_tokenizer(folder, WORDS)
    return folder


@pytest.fixture(params=["offline", "clip", "siglip"])
def embedder(request: pytest.FixtureRequest, tmp_path: Path) -> Embedder:
    if request.param == "offline":
        return LooksEmbedder()
    return open_embedder(str(save_tiny(tmp_path / request.param, request.param)))


def test_vectors_are_unit_rows_in_order(embedder: Embedder) -> None:
    made = embedder.embed_images([jpeg(n) for n in range(40)])
    assert made.shape == (40, embedder.dimensions) and made.dtype == np.float32
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    alone = embedder.embed_images([jpeg(33)])
    assert np.allclose(alone[0], made[33], atol=1e-4)
    assert not np.allclose(made[0], made[1], atol=1e-3)
    assert embedder.embed_images([]).shape == (0, embedder.dimensions)


def test_texts_are_read_or_refused(embedder: Embedder) -> None:
    if not embedder.takes_texts:
        with pytest.raises(SettingsError, match="knows no words"):
            embedder.embed_texts(["a red dog"])
        return
    made = embedder.embed_texts(["a red dog", "a circle", "a red dog " * 50])
    assert made.shape == (3, embedder.dimensions)
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    assert np.allclose(embedder.embed_texts(["a circle"])[0], made[1], atol=1e-4)


def test_the_fingerprint_is_that_of_the_weights_wherever_they_lie(tmp_path: Path) -> None:
    first = DualEncoder(str(save_tiny(tmp_path / "a", "clip"))).fingerprint
    assert DualEncoder(str(save_tiny(tmp_path / "b", "clip"))).fingerprint == first
    assert DualEncoder(str(save_tiny(tmp_path / "c", "siglip"))).fingerprint != first


def test_what_cannot_be_loaded_is_one_line(tmp_path: Path) -> None:
    for name in (str(tmp_path / "gone"), str(tmp_path)):
        with pytest.raises(ModelUnavailable) as caught:
            _ = open_embedder(name).fingerprint
        assert "\n" not in str(caught.value)


def likeness(first: bytes, second: bytes) -> float:
    one, other = LooksEmbedder().embed_images([first, second])
    return float(one @ other)


def test_the_stand_in_knows_a_picture_again_and_tells_another_apart() -> None:
    """Scaled and coded anew it is the same; of a hundred others none comes near."""
    again = likeness(jpeg(1), jpeg(1, (150, 100)))
    others: NDArray[np.float64] = np.array([likeness(jpeg(1), jpeg(n)) for n in range(2, 102)])
    assert again > 0.97
    assert others.max() < 0.9
