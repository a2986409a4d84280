"""Sentence encoders in this process: real sentence-transformers code with random weights."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.films import video_info
from support.shapes import save_tokenizer

import mrvideo
from mrvideo.errors import ModelUnavailable
from mrvideo.library import Library
from mrvideo.models import Ledger
from mrvideo.records import Cue, Index, Scene
from mrvideo.retrieval.embedders import registry
from mrvideo.retrieval.embedders.port import Vectors
from mrvideo.retrieval.embedders.registry import open_text_embedder, text_embedder_settings
from mrvideo.retrieval.embedders.texts import text_request
from mrvideo.session import meaning
from mrvideo.session.models import check_embeds_texts
from mrvideo.settings import Settings

needs_library = pytest.mark.skipif(
    importlib.util.find_spec("sentence_transformers") is None, reason="sentence-transformers is not installed"
)
# Theirs: names that torch and transformers have not renewed yet.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]
WORDS = [
    "[PAD]",
    "[UNK]",
    "[EOS]",
    "a",
    "red",
    "dog",
    "boat",
    "leaves",
    "sleeps",
    "ask",
    "say",
    ":",
    "the",
    "crowd",
]


def saved(folder: Path, *, seed: int = 0, prompts: dict[str, str] | None = None) -> Path:
    """A sentence encoder of a few thousand random weights, as the library saves one."""
    import torch
    import transformers
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Pooling, Transformer

    torch.manual_seed(seed)
    bare = folder.with_name(f"{folder.name}.bare")
    config = transformers.BertConfig(
        vocab_size=len(WORDS), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=32, pad_token_id=0,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(bare)
    save_tokenizer(bare, WORDS)
    layers = Transformer(str(bare)), Pooling(16, pooling_mode="mean")
    SentenceTransformer(modules=list(layers), prompts=prompts, device="cpu").save(str(folder))
    return folder


def vectors(folder: Path, texts: list[str], *, query: bool = False) -> Vectors:
    async def asked() -> Any:
        embedder = open_text_embedder(text_embedder_settings(f"hf:{folder}"), ledger=Ledger())
        try:
            return await embedder.asked.run(text_request(texts, query=query))
        finally:
            await embedder.aclose()

    reply = asyncio.run(asked())
    assert (reply.usage.input_tokens, reply.usage.cost) == (0, 0.0)
    return reply.value.rows


@pytest.mark.slow
@needs_library
def test_texts_become_vectors_of_length_one_in_their_order(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    folder = saved(tmp_path / "model")
    texts = ["a red dog sleeps", "the boat leaves", "the crowd"]
    rows = vectors(folder, texts)
    own = SentenceTransformer(str(folder), device="cpu").encode(texts, normalize_embeddings=True)
    assert rows.shape == (3, 16)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert np.allclose(rows, own, atol=1e-6)


@needs_library
def test_queries_and_texts_get_the_prompts_of_the_model(tmp_path: Path) -> None:
    folder = saved(tmp_path / "model", prompts={"query": "ask : ", "document": "say : "})
    bare = saved(tmp_path / "bare")
    assert np.allclose(vectors(folder, ["red dog"], query=True), vectors(bare, ["ask : red dog"]), atol=1e-6)
    assert np.allclose(vectors(folder, ["red dog"]), vectors(bare, ["say : red dog"]), atol=1e-6)


@needs_library
def test_another_model_in_the_same_folder_is_another(tmp_path: Path) -> None:
    folder, keys = tmp_path / "model", []
    for seed in (0, 1, 0):
        shutil.rmtree(folder, ignore_errors=True)
        saved(folder, seed=seed)
        keys.append(open_text_embedder(text_embedder_settings(f"hf:{folder}"), ledger=Ledger()).key(16))
    assert keys[0] == keys[2] != keys[1]


@needs_library
def test_an_index_is_found_by_meaning_without_a_server(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    cues = tuple(
        Cue(start_seconds=start, stop_seconds=start + 1, text=text)
        for start, text in ((2.0, "A red dog sleeps."), (12.0, "The boat leaves."))
    )
    scenes = tuple(
        Scene(index=n, start_seconds=10 * n, stop_seconds=10 * n + 10, brief="", detailed="The crowd.")
        for n in (0, 1)
    )
    index = Index(
        key="sentences",
        video=video_info(20.0),
        scenes=scenes,
        cues=cues,
        created_at="2026-01-01T00:00:00+00:00",
    )
    own = Settings(library=tmp_path / "library.db", embed_text=f"hf:{saved(tmp_path / 'model')}")
    with Library.open(own.library) as library:
        library.put_index(index)
    capfd.readouterr()
    usage = meaning.embed_texts(index, own, mrvideo.models.Budget(), lambda event: None)
    assert usage.cost == 0.0
    found = mrvideo.Video(index, own).find("The boat leaves.")
    assert ("meaning", "The boat leaves.") in {
        (reason.source, reason.quote) for reason in found.moments[0].why
    }
    assert capfd.readouterr().err == "", "no bars of the library's own"


def test_what_is_missing_is_said_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelUnavailable, match="there is no folder"):
        check_embeds_texts(text_embedder_settings(f"hf:{tmp_path}/none"))
    monkeypatch.setattr(registry, "find_spec", lambda name: None)
    with pytest.raises(ModelUnavailable, match=r'pip install "mrvideo\[meaning\]"'):
        check_embeds_texts(text_embedder_settings("hf:acme/encoder"))


@needs_library
def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        vectors(tmp_path, ["a"])
