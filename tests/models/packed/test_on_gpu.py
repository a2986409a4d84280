"""What only a GPU can show: its kernel, its captured steps, its way with pictures. Skipped where there is
none.
"""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the local extra is not installed")
pytest.importorskip("transformers", reason="the local extra is not installed")
if not torch.cuda.is_available():
    pytest.skip("no CUDA device", allow_module_level=True)

from mrvideo.models.packed import attention, fused  # noqa: E402
from mrvideo.models.packed.engine import PackedBatcher  # noqa: E402
from mrvideo.models.packed.memory import Plan  # noqa: E402
from mrvideo.models.torchvision_check import torchvision_loads  # noqa: E402


def close(found: Any, expected: Any) -> bool:
    return bool((found.float() - expected.float()).norm() / expected.float().norm() < 5e-3)


@pytest.mark.parametrize(
    ("heads", "key_heads", "width"), [(16, 2, 128), (28, 4, 128), (16, 16, 80), (16, 16, 72)]
)
@pytest.mark.parametrize("step", [False, True], ids=["prefill", "step"])
def test_the_kernel_is_the_reference_within_bfloat16(heads, key_heads, width, step):
    torch.manual_seed(0)
    keys, values = (torch.randn(9000, key_heads, width, device="cuda").bfloat16() for _ in range(2))
    used = torch.tensor([2500, 900, 3900, 37], dtype=torch.int32, device="cuda")
    starts_k = torch.tensor([3, 2600, 5000, 3600, 0], dtype=torch.int32, device="cuda")
    news = [1] * 4 if step else [100, 900, 3000, 1]
    lengths = attention.Lengths(
        starts_q=torch.tensor([0, *news], device="cuda").cumsum(0).int(),
        most_q=max(news),
        starts_k=starts_k,
        used_k=used,
        most_k=4096,
    )
    given: dict[str, Any] = {"causal": True, "scale": width**-0.5}
    query = torch.randn(sum(news), heads, width, device="cuda").bfloat16()
    found = attention.packed_attention(query, keys, values, lengths, **given)
    assert close(found, attention._reference(query.float(), keys.float(), values.float(), lengths, **given))


@pytest.mark.parametrize("family", ["qwen2_5_vl", "qwen3_vl"])
@pytest.mark.parametrize("held", [False, True])
def test_captured_steps_say_what_uncaptured_ones_do(family, held, make_job):
    from support.random_models import SHAPES, build

    shape = SHAPES[f"tiny-{family}"]
    wide = {"hidden": 256, "layers": 2, "heads": 4, "kv": 2, "intermediate": 512}
    SHAPES["wide"] = {**shape, "text": wide, "vision": {**shape["vision"], "hidden": 160}}
    said = []
    for graphs in (True, False):
        generator = build("wide", "cuda")
        generator.holds = held
        batcher = PackedBatcher(generator, planned=Plan(8000, 4, 3000, 10**7), graphs=graphs)
        futures = [batcher.submit(make_job((n, n + 1), n, 4 + 5 * n), weight=1.0) for n in range(6)]
        said.append([future.result(timeout=120).text for future in futures])
        assert bool(batcher.decoder._graphs) == graphs
        assert batcher.decoder.not_captured is None
        batcher.close()
    assert said[0] == said[1]


def test_what_is_compiled_says_what_is_not():
    torch.manual_seed(0)
    both = torch.randn(500, 2 * 3456, device="cuda").bfloat16()
    assert close(fused.run(fused.gate, both), fused.gate(both))
    states = torch.randn(500, 2, 16, 80, device="cuda").bfloat16()
    angles = torch.randn(500, 80, device="cuda")
    given = (states, angles.cos(), angles.sin())
    assert close(fused.run(fused.rotate, *given), fused.rotate(*given))
    assert not fused.failures


def test_pictures_are_prepared_as_the_processor_does(noise):
    from support.random_models import image_processor

    if not torchvision_loads():
        pytest.skip("torchvision does not load")
    from mrvideo.models.packed.pictures import Preparer

    jpegs = [noise(n, 512, 288) for n in range(4)]
    preparer = Preparer(image_processor(14, on_gpu=True), torch.device("cuda"), torch.float32)
    assert preparer.on_gpu
    decoded = preparer._decoded(jpegs)
    own = image_processor(14, on_gpu=True)(images=[part.cpu() for part in decoded], return_tensors="pt")
    found = preparer(jpegs)
    assert [grid for grid, _ in found] == [tuple(grid) for grid in own["image_grid_thw"].tolist()]
    difference = torch.cat([values.cpu() for _, values in found]) - own["pixel_values"]
    # Two grey levels of 255, at the smallest deviation that the values are divided by.
    assert difference.abs().max() < 2 / 255 / 0.26
