"""One attention call a layer for whatever is packed: equal to the loop over images and windows that it stands
for.
"""

from __future__ import annotations

import threading
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the local extra is not installed")
pytest.importorskip("transformers", reason="the local extra is not installed")

from mrvideo.models.packed import attention  # noqa: E402

GRIDS = [(1, 4, 6), (1, 10, 18), (1, 4, 6), (1, 8, 2)]


def tower_of(generator: Any) -> tuple[Any, Any]:
    """The vision tower and patches for it, of images of several sizes."""
    torch.manual_seed(1)
    tower = generator.model.model.visual
    vision = generator.model.config.vision_config
    values = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
    patches = torch.randn(sum(h * w for _, h, w in GRIDS), values, dtype=generator.model.dtype)
    return tower, patches


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_a_tower_says_to_the_bit_what_its_loop_says_in_float32(build, family, monkeypatch):
    generator = build(family, dtype=torch.float32)
    tower, patches = tower_of(generator)
    grid = torch.tensor(GRIDS)
    with torch.inference_mode():
        looped = tower(patches, grid_thw=grid)
        calls: list[tuple[int, ...]] = []
        packed = attention.packed_attention

        def counted(query: Any, *args: Any, **options: Any) -> Any:
            calls.append(tuple(query.shape))
            return packed(query, *args, **options)

        monkeypatch.setattr(attention, "packed_attention", counted)
        generator.model.config.vision_config._attn_implementation = attention.NAME
        at_once = tower(patches, grid_thw=grid)
    assert torch.equal(looped.pooler_output, at_once.pooler_output)
    assert len(calls) == len(tower.blocks), "a layer is one call, whatever the number of images and windows"
    assert {shape[0] for shape in calls} == {len(patches)}


def test_other_towers_that_are_handed_lengths_are_packed_and_no_others(tmp_path):
    from support.zoo import FAMILIES as ZOO
    from transformers import AutoModelForImageTextToText

    savers = {family.model_type: family.save for family in ZOO.values()}
    packed = {}
    for kind in ("glm4v", "llava_onevision"):
        (tmp_path / kind).mkdir()
        model = AutoModelForImageTextToText.from_pretrained(savers[kind](tmp_path / kind)).eval()
        if kind == "glm4v":
            tower = model.model.visual
            patches = torch.randn(sum(h * w for _, h, w in GRIDS), 3 * 2 * 14 * 14)
            with torch.inference_mode():
                looped = tower(patches, grid_thw=torch.tensor(GRIDS)).pooler_output
                packed[kind] = attention.pack_towers(model)
                assert torch.equal(tower(patches, grid_thw=torch.tensor(GRIDS)).pooler_output, looped)
            assert model.config.text_config._attn_implementation == "sdpa"
        else:
            packed[kind] = attention.pack_towers(model)
    assert packed == {"glm4v": 2, "llava_onevision": 0}


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl", "qwen3_vl"])
def test_a_gpu_would_get_what_its_kernel_takes(build, family, monkeypatch, make_job):
    """Stands where CUDA's kernel does: checks what it is handed as the kernel's own checks do, and answers in
    its place.
    """
    from mrvideo.models.packed.engine import PackedBatcher
    from mrvideo.models.packed.memory import Plan

    seen: list[tuple[str, int]] = []
    plain = attention._reference

    def kernel(query: Any, key: Any, value: Any, given: Any, *, causal: bool, scale: float) -> Any:
        starts_q, starts_k, used = given.starts_q, given.starts_k, given.used_k
        for tensor in (starts_q, starts_k, *(() if used is None else (used,))):
            assert tensor.dtype == torch.int32
            assert tensor.is_contiguous()
            assert tensor.ndim == 1
        rows = len(starts_q) - 1
        assert len(starts_k) == rows + 1
        assert used is None or len(used) == rows
        assert query.ndim == key.ndim == value.ndim == 3
        assert {query.dtype, key.dtype, value.dtype} == {torch.bfloat16}
        assert {tensor.stride(-1) for tensor in (query, key, value)} == {1}
        assert query.shape[-1] % 8 == 0
        assert query.shape[1] % key.shape[1] == 0
        lengths = starts_q.diff()
        assert int(starts_q[0]) == 0
        assert int(starts_q[-1]) == len(query)
        assert int(lengths.min()) > 0
        assert int(lengths.max()) <= given.most_q
        if used is None:
            assert int(starts_k[-1]) == len(key)
            assert not causal
        else:
            assert int(used.max()) <= given.most_k
            assert bool(((starts_k[:-1] + used) <= len(key)).all())
            assert bool((used >= lengths).all())
            assert causal
        seen.append(("tower" if used is None else "prefill" if given.most_q > 1 else "step", rows))
        return plain(query, key, value, given, causal=causal, scale=scale)

    monkeypatch.setattr(attention, "_reference", kernel)
    generator = build(family, dtype=torch.bfloat16)
    batcher = PackedBatcher(generator, planned=Plan(4000, 4, 4000, 10**6))
    gathered, admit = threading.Event(), batcher._admit
    monkeypatch.setattr(batcher, "_admit", lambda rows: (gathered.wait(60), admit(rows)))
    jobs = [make_job((1, 2), 3, 6, sizes=((96, 64), (160, 128))), make_job((), 1, 4), make_job((3,), 9, 9)]
    futures = [batcher.submit(job, weight=1.0) for job in jobs]
    batcher._hands.shutdown(wait=True)
    gathered.set()
    for future in futures:
        future.result(timeout=60)
    batcher.close()
    assert {kind for kind, _ in seen} == {"tower", "prefill", "step"}
    assert max(rows for kind, rows in seen if kind == "step") > 1


def test_keys_may_lie_anywhere_and_the_last_query_sees_them_all():
    torch.manual_seed(0)
    keys, values = (torch.randn(50, 2, 8, dtype=torch.float64) for _ in range(2))
    starts_k, used = torch.tensor([30, 4, 0], dtype=torch.int32), torch.tensor([11, 7], dtype=torch.int32)
    query = torch.randn(5, 4, 8, dtype=torch.float64)
    starts_q = torch.tensor([0, 3, 5], dtype=torch.int32)
    lengths = attention.Lengths(starts_q, 3, starts_k, used, 11)
    out = attention.packed_attention(query, keys, values, lengths, causal=True, scale=0.25)
    for row, (begin, end) in enumerate([(0, 3), (3, 5)]):
        first, count = int(starts_k[row]), int(used[row])
        for place in range(begin, end):
            visible = count - (end - 1 - place)
            for head in range(4):
                k = keys[first : first + visible, head // 2]
                v = values[first : first + visible, head // 2]
                weights = (k @ query[place, head] * 0.25).softmax(0)
                assert torch.allclose(out[place, head], weights @ v, rtol=1e-12, atol=1e-12)
