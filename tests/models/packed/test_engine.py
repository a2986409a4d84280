"""Rows that come and go are decoded to the very tokens that the plain loop finds, one request at a time."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the local extra is not installed")
pytest.importorskip("transformers", reason="the local extra is not installed")
pytest.importorskip("llguidance", reason="pip install llguidance")

from mrvideo.models.packed.engine import PackedBatcher  # noqa: E402
from mrvideo.models.packed.memory import Plan, plan  # noqa: E402

FAMILIES = ("qwen2_vl", "qwen2_5_vl", "qwen3_vl")
SHARED = "You look at the frames of a clip and say what is seen, in order, and nothing that is not. " * 2


def tight(**given: int) -> Plan:
    """Little room: rows wait, refill, change their slots."""
    return Plan(
        **{"pool_tokens": 1500, "slots": 3, "prefill_tokens": 600, "kept_image_bytes": 10**6, **given}
    )


@pytest.fixture(scope="module", params=FAMILIES)
def pair(request, build) -> tuple[Any, Any]:
    """Two generators of equal weights: one asked plainly, one packed."""
    return build(request.param), build(request.param)


_ASKED = st.tuples(
    st.lists(st.integers(0, 5), max_size=4).map(tuple),
    st.integers(1, 20),
    st.integers(1, 24),
    st.sampled_from(["", "Be brief. ", SHARED]),
    st.booleans(),
)


@pytest.mark.slow
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(asked=st.lists(_ASKED, min_size=1, max_size=7), held=st.booleans(), slots=st.integers(1, 4))
def test_any_mix_of_requests_gets_the_tokens_of_the_plain_loop(pair, make_job, asked, held, slots):
    plain, packed = pair
    plain.holds = packed.holds = held
    jobs = [make_job(pictures, words, most, system) for pictures, words, most, system, _ in asked]
    expected = [plain.generate(plain.prepare([job]))[0] for job in jobs]
    batcher = PackedBatcher(packed, planned=tight(slots=slots))
    free = batcher.decoder.pool.free
    futures: list[Future[Any]] = []
    for job, (*_, wait) in zip(jobs, asked, strict=True):
        futures.append(batcher.submit(job, weight=1.0))
        if wait:
            futures[-1].result(timeout=60)
    found = [future.result(timeout=60) for future in futures]
    batcher.close()
    assert found == expected
    batcher.decoder._forget_shared()
    assert batcher.decoder.pool.free == free, "every region was given back"
    assert not batcher.encoder._held


@pytest.mark.parametrize("family", FAMILIES)
def test_a_common_beginning_is_computed_once(build, make_job, family):
    generator = build(family)
    jobs = [make_job((n,), 2, 4, SHARED) for n in range(4)]
    batcher = PackedBatcher(generator, planned=tight(pool_tokens=4000, slots=4))
    for future in [batcher.submit(job, weight=1.0) for job in jobs]:
        future.result(timeout=60)
    prompts = [batcher._make(job) for job in jobs]
    batcher.close()
    beginning = len(prompts[0].text_before)
    assert beginning > 64
    steps = batcher.decoder.forward_tokens - beginning - sum(len(p) - beginning for p in prompts)
    assert batcher.decoder.shared_tokens == 4 * beginning
    assert 0 < steps <= 4 * 5, "what is left are the steps"


def test_a_penalty_of_the_makers_is_kept(build, make_job):
    plain, packed = build("qwen2_5_vl", seed=3), build("qwen2_5_vl", seed=3)
    job = make_job((1,), 2, 20)
    free = plain.generate(plain.prepare([job]))[0]
    for generator in (plain, packed):
        generator.model.generation_config.repetition_penalty = 1.3
    expected = plain.generate(plain.prepare([job]))[0]
    assert expected.text != free.text, "a penalty that changed nothing would prove nothing"
    batcher = PackedBatcher(packed, planned=tight())
    others = [batcher.submit(make_job((), 3, n), weight=1.0) for n in (2, 5)]
    assert batcher.submit(job, weight=1.0).result(timeout=60) == expected
    for future in others:
        future.result(timeout=60)
    batcher.close()


def test_a_temperature_draws_and_zero_does_not(build, make_job):
    said = []
    for temperature in (None, 5.0):
        generator = build("qwen2_5_vl")
        generator.temperature = temperature
        batcher = PackedBatcher(generator, planned=tight())
        said += [batcher.submit(make_job((1,), 2, 24), weight=1.0).result(timeout=60).text for _ in range(2)]
        batcher.close()
    assert said[0] == said[1]
    assert len(set(said)) == 3


def test_a_request_too_long_for_the_device_is_refused_in_words_and_others_go_on(build, make_job):
    batcher = PackedBatcher(build("qwen2_5_vl"), planned=tight(pool_tokens=300))
    long, short = (batcher.submit(make_job((), words, 8), weight=1.0) for words in (100, 2))
    with pytest.raises(ValueError, match=r"needs \d+ tokens of memory, and there is room for 299"):
        long.result(timeout=60)
    assert short.result(timeout=60).usage.output_tokens > 0
    batcher.close()


def test_out_of_memory_halves_the_prefill_and_nothing_is_lost(build, make_job, monkeypatch):
    generator, plain = build("qwen2_5_vl"), build("qwen2_5_vl")
    jobs = [make_job((n,), 2, 6) for n in range(6)]
    expected = [plain.generate(plain.prepare([job]))[0] for job in jobs]
    gathered = threading.Event()
    batcher = PackedBatcher(generator, planned=tight(pool_tokens=8000, slots=8, prefill_tokens=5000))
    forward = batcher.decoder._forward
    sizes: list[int] = []

    def scarce(prompts: Any, *args: Any) -> Any:
        gathered.wait(30)
        sizes.append(len(prompts))
        if len(prompts) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(prompts, *args)

    monkeypatch.setattr(batcher.decoder, "_forward", scarce)
    futures = [batcher.submit(job, weight=1.0) for job in jobs]
    batcher._hands.shutdown(wait=True)
    gathered.set()
    assert [future.result(timeout=60) for future in futures] == expected
    assert max(sizes) > 2
    assert sizes[-1] <= 2
    batcher.close()


def test_one_request_too_big_for_memory_fails_alone(build, make_job, monkeypatch):
    batcher = PackedBatcher(build("qwen2_5_vl"), planned=tight())
    forward = batcher.decoder._forward

    def scarce(prompts: Any, *args: Any) -> Any:
        if any(len(prompt) > 200 for prompt in prompts):
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(prompts, *args)

    monkeypatch.setattr(batcher.decoder, "_forward", scarce)
    big, small = (
        batcher.submit(make_job((), 40, 4), weight=1.0),
        batcher.submit(make_job((), 2, 4), weight=1.0),
    )
    with pytest.raises(torch.OutOfMemoryError):
        big.result(timeout=60)
    assert small.result(timeout=60).usage.output_tokens > 0
    batcher.close()


def test_a_device_that_fails_in_a_step_fails_its_rows_and_no_others(build, make_job, monkeypatch):
    batcher = PackedBatcher(build("qwen2_5_vl"), planned=tight())
    step = batcher.decoder.forward_step
    fails = iter([True])

    def failing() -> Any:
        if next(fails, False):
            raise RuntimeError("device-side assert")
        return step()

    monkeypatch.setattr(batcher.decoder, "forward_step", failing)
    with pytest.raises(RuntimeError, match="device-side assert"):
        batcher.submit(make_job((1,), 2, 4), weight=1.0).result(timeout=60)
    assert batcher.submit(make_job((1,), 2, 4), weight=1.0).result(timeout=60).usage.output_tokens > 0
    batcher.close()


def test_a_thread_that_dies_leaves_nobody_waiting(build, make_job, monkeypatch):
    batcher = PackedBatcher(build("qwen2_5_vl"), planned=tight())

    def bug() -> Any:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(batcher.decoder, "forward_step", bug)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    futures = [batcher.submit(make_job((n,), 2, 4), weight=1.0) for n in range(5)]
    for future in futures:
        with pytest.raises(RuntimeError, match="decoding has stopped"):
            future.result(timeout=60)
    batcher.close()


def test_a_row_that_nobody_waits_for_ends_with_the_next_step(build, make_job, monkeypatch):
    batcher = PackedBatcher(build("qwen2_5_vl"), planned=tight(pool_tokens=4000))
    step = batcher.decoder.forward_step
    begun = threading.Event()
    dropped = threading.Event()
    steps: list[int] = []

    def counted() -> Any:
        begun.set()
        assert dropped.wait(30)
        steps.append(len(batcher.decoder.rows))
        return step()

    monkeypatch.setattr(batcher.decoder, "forward_step", counted)
    future = batcher.submit(make_job((1,), 2, 2000), weight=1.0)
    assert begun.wait(30)
    batcher.drop(future)
    dropped.set()
    assert future.result(timeout=60).usage.output_tokens <= 2
    batcher.close()
    assert len(steps) <= 2


def test_a_prefill_that_fails_by_a_fault_of_ours_leaves_nobody_waiting(build, make_job, monkeypatch):
    batcher = PackedBatcher(build("qwen2_5_vl"), planned=tight())

    def bug(prompts: Any) -> Any:
        raise KeyError("a fault of ours")

    monkeypatch.setattr(batcher.decoder, "prefill", bug)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    for future in [batcher.submit(make_job((n,), 2, 4), weight=1.0) for n in range(3)]:
        with pytest.raises(RuntimeError, match="decoding has stopped"):
            future.result(timeout=60)
    batcher.close()


def test_a_request_whose_caller_has_gone_is_dropped(build, make_job):
    batcher = PackedBatcher(build("qwen2_5_vl"), planned=tight())
    hold = threading.Event()
    for _ in range(8):
        batcher._hands.submit(hold.wait, 30)
    gone, kept = (batcher.submit(make_job((n,), 2, 4), weight=1.0) for n in (1, 2))
    assert gone.cancel()
    hold.set()
    assert kept.result(timeout=60).usage.output_tokens > 0
    batcher.close()
    assert batcher.encoder.misses == 1


def test_memory_is_planned_from_free_bytes_and_shapes(build):
    from support.random_models import SHAPES, configure, tokenizer

    class Described:
        device = torch.device("cuda")
        dtype = torch.bfloat16

        def __init__(self, shape: str) -> None:
            config = configure(SHAPES[shape], tokenizer())
            self.text_config, self.vision_config = config.text_config, config.vision_config

    gib = 2**30
    planned = {
        (shape, free): plan(Described(shape), free_bytes=free * gib)
        for shape in ("qwen2.5-vl-3b", "qwen2.5-vl-7b")
        for free in (12, 24, 70)
    }
    for (shape, free), found in planned.items():
        text = Described(shape).text_config
        width = text.hidden_size // text.num_attention_heads
        kept = found.pool_tokens * 4 * text.num_hidden_layers * text.num_key_value_heads * width
        assert kept + found.kept_image_bytes < free * gib * 0.9
        assert found.pool_tokens > 8_000, "a clip and its reply fit"
    assert planned["qwen2.5-vl-3b", 70].pool_tokens > 128 * 4_063, "as many rows as it decodes at once"
    assert plan(Described("qwen2.5-vl-3b"), rows=5, free_bytes=24 * gib).slots == 5
    small = plan(Described("qwen2.5-vl-3b"), rows=2, free_bytes=70 * gib)
    assert small.pool_tokens <= 2 * 128_000
