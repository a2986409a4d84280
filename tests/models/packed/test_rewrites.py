"""Rewritten modules compute what the modules that they replace do."""

from __future__ import annotations

from collections import Counter

import pytest

torch = pytest.importorskip("torch", reason="the local extra is not installed")
pytest.importorskip("transformers", reason="the local extra is not installed")

from torch import nn  # noqa: E402
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import (  # noqa: E402
    Qwen2_5_VLMLP,
    Qwen2_5_VLRMSNorm,
    Qwen2_5_VLVisionConfig,
)

from mrvideo.models.packed import fused, rewrites  # noqa: E402


@pytest.mark.parametrize("bias", [True, False])
def test_the_patch_embedding_is_one_product(bias):
    torch.manual_seed(0)
    layer = nn.Conv3d(3, 32, (2, 14, 14), stride=(2, 14, 14), bias=bias)
    patches = torch.randn(40, 3, 2, 14, 14)
    product = rewrites.PatchProduct(layer)
    out = product(patches)
    assert out.shape == layer(patches).shape
    assert (out - layer(patches)).abs().max() < 1e-5
    with pytest.raises(ValueError, match="where"):
        product(torch.randn(1, 3, 2, 28, 28))


def test_a_convolution_that_overlaps_stays():
    model = nn.Sequential(nn.Conv3d(3, 8, (2, 14, 14), stride=(1, 14, 14)))
    assert rewrites.rewrite(model) == Counter()


def test_a_gated_layer_is_padded_without_a_change():
    torch.manual_seed(0)
    config = Qwen2_5_VLVisionConfig(hidden_size=32, intermediate_size=60)
    layer = Qwen2_5_VLMLP(config, bias=True).double()
    given = torch.randn(7, 32, dtype=torch.float64)
    rewritten = rewrites.GatedLayer(layer)
    assert rewritten.both.weight.shape == (128, 32)
    assert torch.allclose(rewritten(given), layer(given), rtol=1e-12, atol=1e-12)


def test_a_norm_is_one_call():
    torch.manual_seed(0)
    norm = Qwen2_5_VLRMSNorm(48)
    nn.init.normal_(norm.weight)
    given = torch.randn(5, 48)
    assert torch.allclose(
        rewrites.FusedRMSNorm(norm.weight, norm.variance_epsilon)(given), norm(given), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_every_layer_of_a_model_is_rewritten(build, family):
    generator = build(family)
    vision, text = (
        len(part)
        for part in (
            generator.model.model.visual.blocks,
            generator.model.model.language_model.layers,
        )
    )
    done = rewrites.rewrite(generator.model)
    assert done["PatchProduct"] == 1
    assert done["VisionAttention"] == vision
    assert done["GatedLayer"] == text + (vision if family == "qwen2_5_vl" else 0)
    assert done["FusedRMSNorm"] > 2 * text
    assert rewrites.rewrite(generator.model) == Counter(), "nothing is left to do"


@pytest.mark.slow
def test_what_is_compiled_is_compiled_once_for_all_lengths(monkeypatch):
    from torch._dynamo.testing import CompileCounter

    counter = CompileCounter()
    compile_with = torch.compile
    monkeypatch.setattr(fused, "_compiled", {})
    monkeypatch.setattr(fused, "failures", {})
    monkeypatch.setattr(fused, "_wanted", lambda tensor: True)
    monkeypatch.setattr(fused.torch, "compile", lambda f, **given: compile_with(f, backend=counter, **given))
    torch._dynamo.reset()
    for length in (7, 12, 4096, 33):
        given = torch.randn(length, 64)
        assert torch.equal(fused.run(fused.gate, given), fused.gate(given))
    assert counter.frame_count == 1
    torch._dynamo.reset()


def test_where_nothing_can_be_compiled_the_plain_function_runs(monkeypatch):
    def broken(*_: object, **__: object) -> object:
        def fail(*_: object) -> object:
            raise RuntimeError("Failed to find C compiler.\nmore")

        return fail

    monkeypatch.setattr(fused, "_compiled", {})
    monkeypatch.setattr(fused, "failures", {})
    monkeypatch.setattr(fused, "_wanted", lambda tensor: True)
    monkeypatch.setattr(fused.torch, "compile", broken)
    given = torch.randn(3, 64)
    assert torch.equal(fused.run(fused.gate, given), fused.gate(given))
    assert fused.failures == {"gate": "Failed to find C compiler."}
