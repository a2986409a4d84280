"""How fast clips are captioned on one GPU, against the one-by-one loop, plain `generate`, and what the card
allows.

    python benchmarks/gpu.py [--shapes qwen2.5-vl-3b,qwen2.5-vl-7b] [--seconds 300] [--clips 128] [--tokenizer
    FOLDER]
        [--index-minutes 20]

Weights are random: speed does not depend on what they say. Each clip is 20 frames of 512×288 and a prompt;
each reply is 192 tokens. Rows come as they are measured, the smallest first; nothing new is begun after
`--seconds`. The floor of a clip is its arithmetic at the rate of a measured matrix product, and its share of
the weights and caches read at the rate of a measured copy. See docs/gpu.md.
"""

from __future__ import annotations

import argparse
import gc
import io
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import transformers
from PIL import Image
from pydantic import BaseModel, Field
from transformers.utils import logging

from mrvideo.models.generation import Generator, Job, best_device
from mrvideo.models.packed.engine import PackedBatcher
from mrvideo.models.packed.memory import head_width
from mrvideo.models.torchvision_check import torchvision_loads
from mrvideo.settings import grow_gpu_segments

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support.random_models import SHAPES, build

CLIP_SECONDS = 10
FRAMES = 20


class Reply(BaseModel):
    """As long as it is told to be, and held to a schema where one is wanted."""

    text: Annotated[str, Field(min_length=4000)]


def jobs(count: int, output_tokens: int, frames: int = FRAMES) -> list[Job]:
    """Clips of frames, each of its own noise."""
    rng = np.random.default_rng(0)

    def one(number: int) -> Job:
        pictures = []
        for frame in range(frames):
            small = rng.integers(0, 255, (36, 64, 3), dtype=np.uint8)
            stream = io.BytesIO()
            Image.fromarray(small).resize((512, 288)).save(stream, "JPEG", quality=85)
            pictures.append((f"{frame / 2:.2f} s", stream.getvalue()))
        return Job(
            "Caption the clip. " * 20, tuple(pictures), f"scenes {number}, " * 40, (), Reply, output_tokens
        )

    return [one(number) for number in range(count)]


def synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def seconds(work: Callable[[], Any], device: torch.device, times: int = 1) -> float:
    """The median of so many runs."""
    found = []
    for _ in range(times):
        synchronise(device)
        started = time.perf_counter()
        work()
        synchronise(device)
        found.append(time.perf_counter() - started)
    return sorted(found)[len(found) // 2]


def ceilings(device: torch.device) -> tuple[float, float]:
    """Bytes a second of a large copy, read and write together; operations a second of a large matrix product."""
    cuda = device.type == "cuda"
    source = torch.ones(2**30 if cuda else 2**26, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    target.copy_(source)
    copied = 2 * source.numel() / seconds(lambda: target.copy_(source), device, 9)
    side = 8192 if cuda else 1024
    dtype = torch.bfloat16 if cuda else torch.float32
    left, right = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    seconds(lambda: left @ right, device)
    multiplied = 2 * side**3 / seconds(lambda: left @ right, device, 9)
    return copied, multiplied


def arithmetic(generator: Generator, prompt_tokens: int, patches: int) -> float:
    """Operations of a clip's prefill: two for each weight and token, attention's products beside them."""
    model = generator.model
    text, vision = model.config.text_config, model.config.vision_config
    experts = getattr(text, "num_experts", None)

    def weights(module: Any) -> float:
        total = 0.0
        for name, part in module.named_parameters():
            share = text.num_experts_per_tok / experts if experts and ".experts." in name else 1.0
            total += part.numel() * share
        return total

    language = weights(model.model.language_model) - model.get_input_embeddings().weight.numel()
    head = head_width(text)
    causal = 2 * prompt_tokens**2 * text.num_hidden_layers * text.num_attention_heads * head
    tower = weights(model.model.visual)
    per_image = patches // FRAMES
    seen = 4 * patches * per_image * vision.depth * getattr(vision, "hidden_size", 0)
    return 2 * language * prompt_tokens + causal + 2 * tower * patches + seen


def step_bytes(generator: Generator, rows: int, tokens: float) -> float:
    """Bytes that a decode step of so many rows of that mean length must read."""
    model = generator.model
    text = model.config.text_config
    element = model.dtype.itemsize
    head = head_width(text)
    weights = sum(part.numel() for part in model.model.language_model.parameters()) * element
    if not text.tie_word_embeddings:
        weights += model.lm_head.weight.numel() * element
        weights -= model.get_input_embeddings().weight.numel() * element
    cached = 2 * text.num_hidden_layers * text.num_key_value_heads * head * element
    return weights + rows * tokens * cached


def one_by_one(generator: Generator, work: Sequence[Job]) -> None:
    """The loop of research scripts: prepare one, generate one, the next."""
    for job in work:
        generator.generate(generator.prepare([job]))


def through(batcher: PackedBatcher, work: Sequence[Job]) -> int:
    """All of them at once; the tokens that came back."""
    futures = [batcher.submit(job, weight=1.0) for job in work]
    return sum(future.result().usage.output_tokens for future in futures)


def watched(batcher: PackedBatcher) -> dict[str, float]:
    """Seconds that the decoding thread spends in each of its calls, counted from now on. `tokens` is waiting for the GPU;
    `_wait` for something to decode; `prefill` launches, and waits once for the pictures' places.
    """
    spent: dict[str, float] = {}

    def watch(owner: Any, name: str) -> None:
        call = getattr(owner, name)
        spent[name] = 0.0

        def timed(*given: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return call(*given, **named)
            finally:
                spent[name] += time.perf_counter() - started

        setattr(owner, name, timed)

    for name in ("prefill", "forward_step", "choose", "tokens", "compact"):
        watch(batcher.decoder, name)
    watch(batcher, "_wait")
    if batcher.decoder.masks is not None:
        watch(batcher.decoder.masks, "fill")
    return spent


def kernels(
    work: Callable[[], Any], device: torch.device, say: Callable[[str], None], most: int = 12
) -> None:
    """What the device does meanwhile, the longest first."""
    if device.type != "cuda":
        return
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CUDA]) as found:
        work()
        synchronise(device)
    rows = sorted(found.key_averages(), key=lambda row: -row.self_device_time_total)
    total = sum(row.self_device_time_total for row in rows) or 1.0
    say(f"  kernels, {total / 1000:.1f} ms:")
    for row in rows[:most]:
        share = row.self_device_time_total / total
        say(f"    {share:5.1%} {row.self_device_time_total / 1000:8.2f} ms {row.count:5d} × {row.key[:90]}")


def parts(
    batcher: PackedBatcher,
    work: Sequence[Job],
    device: torch.device,
    say: Callable[[str], None],
    *,
    traced: bool = False,
) -> int:
    """Each part of a clip's way apart, for as many rows as there are jobs. Returns the tokens of one prompt."""
    maker, decoder = batcher._make, batcher.decoder
    maker(work[0])
    alone = seconds(lambda: [maker(job) for job in work], device)
    with ThreadPoolExecutor(batcher._hands._max_workers) as pool:
        threads = seconds(lambda: list(pool.map(maker, work)), device)
        prompts = list(pool.map(maker, work))
    count = len(work)
    say(
        f"prepare {alone / count:.4f} s a clip on one thread, {threads / count:.4f} on {batcher._hands._max_workers}"
    )
    images = [image for prompt in prompts for image in prompt.images]
    batcher.encoder._keep_bytes = 0
    batcher.encoder.encode(images[:FRAMES])
    encode = seconds(lambda: [batcher.encoder.encode(p.images) for p in prompts], device)
    say(f"encode  {encode / count:.4f} s a clip, a call for each")
    size = max(1, batcher.plan.prefill_tokens // len(prompts[0]))
    batches = [prompts[at : at + size] for at in range(0, count, size)]
    slots: list[int] = []

    def prefill() -> None:
        for slot in slots:
            decoder.release(slot)
        slots[:] = [slot for batch in batches for slot in decoder.prefill(batch)]

    prefill()
    whole = seconds(prefill, device)
    say(f"prefill {(whole - encode) / count:.4f} s a clip (encoding taken off), {size} rows a pass")

    def step() -> None:
        decoder.choose(decoder.forward_step())
        decoder.tokens()

    for _ in range(3):
        step()
    took = seconds(step, device, 20)
    rows = 1 << (count - 1).bit_length()
    say(f"decode  {took * 1000:.2f} ms a step of {count} rows ({count / took:.0f} tokens/s, bucket {rows})")
    if traced:
        say("a step")
        kernels(step, device, say)
    for slot in slots:
        decoder.release(slot)
    slots.clear()
    if traced:
        say(f"the tower, {len(batches[0])} clips")
        kernels(lambda: [batcher.encoder.encode(p.images) for p in batches[0]], device, say)
        say(f"a prefill with the tower, {len(batches[0])} clips")
        kernels(lambda: slots.extend(decoder.prefill(batches[0])), device, say)
        for slot in slots:
            decoder.release(slot)
    return len(prompts[0])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shapes", default="qwen2.5-vl-3b", help=", ".join(SHAPES))
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--clips", type=int, default=128)
    parser.add_argument("--loop-clips", type=int, default=2, help="clips of the one-by-one loop")
    parser.add_argument(
        "--plain-batch", type=int, default=8, help="clips of plain generate's batch; 0: not run"
    )
    parser.add_argument("--output-tokens", type=int, default=192)
    parser.add_argument("--kernels", action="store_true", help="and which kernels take how long")
    parser.add_argument("--tokenizer", default=None, help="a folder with a real tokenizer")
    parser.add_argument("--index-minutes", type=float, default=0, help="then index a film of that length")
    parser.add_argument("--device", default=None)
    arguments = parser.parse_args()
    logging.set_verbosity_error()
    grow_gpu_segments(torch.__version__)
    device = torch.device(arguments.device or best_device())
    cuda = device.type == "cuda"
    until = time.monotonic() + arguments.seconds
    name = (
        torch.cuda.get_device_name(device) if cuda else f"{platform.processor() or platform.machine()} (CPU)"
    )
    copied, multiplied = ceilings(device)
    print(
        f"{name}, torch {torch.__version__}, transformers {transformers.__version__}, "
        f"copies {copied / 1e9:.0f} GB/s, products {multiplied / 1e12:.0f} TFLOP/s",
        flush=True,
    )
    for shape in arguments.shapes.split(","):
        if time.monotonic() < until:
            measure(shape, device, arguments, until, (copied, multiplied))
        gc.collect()
        if cuda:
            torch.cuda.empty_cache()
    if arguments.index_minutes and time.monotonic() < until:
        # In a process of its own: what a user's run finds on the card.
        command = [sys.executable, str(Path(__file__).with_name("gpu_index.py"))]
        command += ["--shape", arguments.shapes.split(",")[0], "--minutes", str(arguments.index_minutes)]
        command += ["--tokenizer", arguments.tokenizer] if arguments.tokenizer else []
        subprocess.run(command, check=True)


def measure(
    shape: str, device: torch.device, arguments: Any, until: float, rates: tuple[float, float]
) -> None:
    def say(text: str) -> None:
        print(f"{shape}: {text}", flush=True)

    cuda = device.type == "cuda"
    length = arguments.output_tokens
    generator = build(
        shape, str(device), on_gpu=cuda and torchvision_loads(), tokenizer_folder=arguments.tokenizer
    )
    generator.holds = False
    work = jobs(max(8, min(arguments.clips, 64)), length)
    say(
        f"{sum(p.numel() for p in generator.model.parameters()) / 1e9:.2f} B parameters, {generator.model.dtype}"
    )
    one_by_one(generator, [_short(work[0], 4)])
    loop_clips = work[: arguments.loop_clips]
    loop = len(loop_clips) / seconds(lambda: one_by_one(generator, loop_clips), device)
    say(f"loop: {loop:.3f} clips/s, one by one, attention {generator.model.config._attn_implementation}")
    if arguments.plain_batch and time.monotonic() < until:
        batch = work[: arguments.plain_batch]
        plain = len(batch) / seconds(lambda: generator.generate(generator.prepare(batch)), device)
        say(f"plain generate, batch of {len(batch)}: {plain:.3f} clips/s ({plain / loop:.1f} × the loop)")
        if cuda:
            torch.cuda.empty_cache()
    batcher = PackedBatcher(generator)
    say(
        f"planned {batcher.plan}, rewritten {dict(batcher.packed.rewritten)}, pictures on GPU {batcher._make._prepare.on_gpu}"
    )
    prompt_tokens = 0
    for count in (1, 16, 64):
        if time.monotonic() < until and count <= len(work):
            say(f"parts, {count} rows:")
            prompt_tokens = parts(batcher, work[:count], device, lambda text: say("  " + text))
    patches = sum(g[0] * g[1] * g[2] for g in (image.grid for image in batcher._make(work[0]).images))
    compute = arithmetic(generator, prompt_tokens, patches) / rates[1]
    rows = min(batcher.plan.slots, batcher.plan.pool_tokens // (prompt_tokens + length + 2))
    read = length * step_bytes(generator, rows, prompt_tokens + length / 2) / rates[0] / rows
    floor = 1 / (compute + read)
    say(
        f"floor: {compute:.3f} s of arithmetic and {read:.3f} s of reading a clip ({rows} rows): {floor:.1f} clips/s"
    )
    fresh = jobs(arguments.clips, length)
    for held in (False, True):
        if time.monotonic() > until:
            break
        if held:
            batcher.close()
            generator.holds = held
            from mrvideo.models.packed.memory import Plan

            planned = Plan(
                batcher.plan.pool_tokens,
                batcher.plan.slots,
                batcher.plan.prefill_tokens,
                batcher.plan.kept_image_bytes,
            )
            del batcher
            if cuda:
                torch.cuda.empty_cache()
            batcher = PackedBatcher(generator, planned=planned)
        batcher.encoder._keep_bytes = 0
        through(batcher, [_short(job, 8) for job in work[:4]])
        if cuda:
            torch.cuda.reset_peak_memory_stats()
        spent = watched(batcher)
        before = resource.getrusage(resource.RUSAGE_SELF)
        synchronise(device)
        started = time.perf_counter()
        tokens = through(batcher, fresh)
        took = time.perf_counter() - started
        after = resource.getrusage(resource.RUSAGE_SELF)
        cores = (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) / took
        rate = len(fresh) / took
        peak = f", peak {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB" if cuda else ""
        say(
            f"packed{', held to a schema' if held else ''}: {rate:.2f} clips/s ({len(fresh)} clips, {took:.1f} s), "
            f"{rate / loop:.0f} × the loop, {rate / floor:.0%} of the floor, {rate * CLIP_SECONDS:.0f} video hours an hour, "
            f"{tokens / len(fresh):.0f} tokens a reply, {cores:.1f} host cores{peak}"
        )
        say("  the decoding thread: " + ", ".join(f"{name} {value:.1f} s" for name, value in spent.items()))
    if arguments.kernels and time.monotonic() < until:
        parts(batcher, work[:16], device, lambda text: say("  " + text), traced=True)
    batcher.close()


def _short(job: Job, output_tokens: int) -> Job:
    return Job(job.system, job.pictures, job.text, job.turns, job.reply_type, output_tokens)


if __name__ == "__main__":
    main()
