"""Packed prompts are the model's own: tokens, positions and patches as its processor and its model make them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the local extra is not installed")
pytest.importorskip("transformers", reason="the local extra is not installed")

from mrvideo.models.packed.encoder import ImageEncoder  # noqa: E402
from mrvideo.models.packed.families import PackedModel, can_pack  # noqa: E402
from mrvideo.models.packed.pictures import Patches  # noqa: E402
from mrvideo.models.packed.prompts import PromptMaker  # noqa: E402

FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe")


def maker(generator: Any, keep: int = 10**7) -> PromptMaker:
    packed = PackedModel(generator.model)
    return PromptMaker(generator, packed, ImageEncoder(packed, keep_bytes=keep))


@pytest.mark.parametrize("family", FAMILIES)
def test_tokens_positions_and_patches_are_the_models_own(build, make_job, family):
    generator = build(family, dtype=torch.float32)
    job = make_job((1, 2, 3), words=5, sizes=((96, 64), (200, 120), (64, 300)))
    theirs = generator.prepare([job]).inputs
    prompt = maker(generator)(job)
    assert prompt.tokens.tolist() == theirs["input_ids"][0].tolist()
    assert [image.grid for image in prompt.images] == [tuple(g) for g in theirs["image_grid_thw"].tolist()]
    assert torch.equal(torch.cat([image.values for image in prompt.images]), theirs["pixel_values"])
    kinds = (theirs["input_ids"] == generator.model.config.image_token_id).int()
    expected, delta = generator.model.model.get_rope_index(
        theirs["input_ids"], mm_token_type_ids=kinds, image_grid_thw=theirs["image_grid_thw"]
    )
    assert torch.equal(prompt.positions, expected[-3:, 0])
    assert prompt.reply_at == len(prompt) + int(delta)
    assert prompt.text_before == tuple(prompt.tokens[: prompt.tokens.tolist().index(kinds_at(generator))])


def kinds_at(generator: Any) -> int:
    return generator.model.config.image_token_id


def test_text_that_stands_for_a_picture_is_refused(build, make_job):
    make = maker(build("qwen2_5_vl"))
    with pytest.raises(ValueError, match="mark of a picture"):
        make(replace(make_job(()), text="<|image_pad|>"))


def test_what_is_no_picture_is_refused(build, make_job):
    make = maker(build("qwen2_5_vl"))
    with pytest.raises(ValueError, match="not an image"):
        make(replace(make_job(()), pictures=(("0.00 s", b"nothing"),)))


def test_a_frame_is_encoded_once_and_its_hits_are_counted(build, make_job):
    generator = build("qwen2_5_vl")
    make = maker(generator)
    encoder = make._encoder
    first = make(make_job((1, 2, 1)))
    encoded = encoder.encode(first.images)
    assert (encoder.hits, encoder.misses) == (1, 2)
    again = make(make_job((2, 3)))
    assert [image.values is None for image in again.images] == [True, False], "no picture is prepared twice"
    assert torch.equal(encoder.encode(again.images)[0][0], encoded[1][0])
    assert (encoder.hits, encoder.misses) == (2, 3)


def test_what_a_prompt_waits_for_is_not_dropped(build, make_job):
    generator = build("qwen2_5_vl")
    make = maker(generator, keep=1)
    encoder = make._encoder
    first = make(make_job((1,)))
    encoder._keep_bytes = 10**9
    encoder.encode(first.images)
    waiting = make(make_job((1,)))
    assert waiting.images[0].values is None
    encoder._keep_bytes = 1
    encoder.encode(make(make_job((2,))).images)
    assert set(encoder._kept) == {waiting.images[0].digest}
    encoder.encode(waiting.images)
    encoder.release(waiting.images)
    encoder.encode(make(make_job((3,))).images)
    assert not encoder._kept


def test_the_tower_is_called_within_its_bound(build, monkeypatch):
    from mrvideo.models.packed import encoder as module

    generator = build("qwen2_5_vl", dtype=torch.float32)
    packed = PackedModel(generator.model)
    calls: list[int] = []
    encode = PackedModel.encode

    def counted(self: Any, pixels: Any, grids: Any) -> Any:
        calls.append(len(pixels))
        return encode(self, pixels, grids)

    monkeypatch.setattr(PackedModel, "encode", counted)
    monkeypatch.setattr(module, "MOST_PATCHES", 50)
    images = [Patches(bytes([n]), (1, 4, 6), torch.randn(24, 1176)) for n in range(5)]
    found = ImageEncoder(packed, keep_bytes=0).encode(images)
    assert calls == [48, 48, 24]
    for image, features in zip(images, found, strict=True):
        alone = packed.encode(image.values, [image.grid])[0][0]
        assert torch.allclose(features[0], alone, atol=1e-5)


def test_other_models_are_not_packed(build):
    generator = build("qwen2_5_vl")
    assert can_pack(generator.model)
    generator.model.generation_config.num_beams = 4
    assert not can_pack(generator.model)
    generator.model.generation_config.num_beams = 1
    generator.model.config.model_type = "llava"
    assert not can_pack(generator.model)
