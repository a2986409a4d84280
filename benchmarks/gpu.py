"""How fast clips are captioned on one GPU: this package's batches against the one-by-one loop of research scripts.

    python benchmarks/gpu.py [--shape qwen2.5-vl-3b|qwen2.5-vl-7b|tiny] [--batches 4,8,16,32] [--clips 64]

Weights are random: speed does not depend on what they say. Each clip is 20 frames of 512×288 and a prompt; each reply is
exactly 192 tokens. Decoding is compared with what the memory's bandwidth, measured on the same device by copying,
allows: every step must read all weights and every row's keys and values. Prints a table to put into docs/gpu.md.
"""

from __future__ import annotations

import argparse
import io
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from pydantic import BaseModel
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.models.qwen2_5_vl.processing_qwen2_5_vl import Qwen2_5_VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
from transformers.utils import logging

from mrvideo.models.batching import Batcher
from mrvideo.models.chat_backend import Completion
from mrvideo.models.generation import OUT_OF_MEMORY, Generator, Job, best_device

CLIP_SECONDS = 10
_SPECIALS = [
    "<|endoftext|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<|end|>",
]
_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {% if message['content'] is string %}{{ message['content'] }}"
    "{% else %}{% for part in message['content'] %}{% if part['type'] == 'image' %}<|vision_start|><|image_pad|>"
    "<|vision_end|>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}\n{% endfor %}assistant: "
)


@dataclass(frozen=True)
class Shape:
    """A published model's sizes."""

    hidden: int
    layers: int
    heads: int
    key_value_heads: int
    intermediate: int
    vocabulary: int
    tied: bool
    vision_hidden: int = 1280
    vision_layers: int = 32
    vision_heads: int = 16
    vision_intermediate: int = 3420


SHAPES = {
    # huggingface.co/Qwen/Qwen2.5-VL-3B-Instruct and -7B-Instruct, config.json
    "qwen2.5-vl-3b": Shape(2048, 36, 16, 2, 11008, 151936, True),
    "qwen2.5-vl-7b": Shape(3584, 28, 28, 4, 18944, 152064, False),
    # Proves that the benchmark runs, on a CPU, in a minute.
    "tiny": Shape(64, 2, 4, 2, 128, 1024, True, 32, 2, 2, 64),
}


class StillsProcessor(Qwen2_5_VLProcessor):
    """Without the part for videos, which needs torchvision."""

    def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
        return type(argument)


class Reply(BaseModel):
    """Never parsed: replies here are as long as they are told to be."""


def tokenizer() -> PreTrainedTokenizerFast:
    """Bytes and the marks that the processor wants: the text's tokens are few beside the pictures'."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=_SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    trained.train_from_iterator(["a clip of a film"], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=trained, pad_token="<|endoftext|>", eos_token="<|endoftext|>"
    )
    fast.chat_template = _TEMPLATE
    return fast


def build(shape: Shape, device: str) -> Generator:
    """A random model of that shape on the device, behind this package's own generator."""
    words = tokenizer()
    ids = {name: words.convert_tokens_to_ids(name) for name in _SPECIALS}
    images = Qwen2VLImageProcessorPil(size={"shortest_edge": 56 * 56, "longest_edge": 28 * 28 * 1280})
    processor = StillsProcessor(images, words, chat_template=_TEMPLATE)
    head = shape.hidden // shape.heads
    quarter = head // 8
    config = Qwen2_5_VLConfig(
        text_config={
            "hidden_size": shape.hidden,
            "num_hidden_layers": shape.layers,
            "num_attention_heads": shape.heads,
            "num_key_value_heads": shape.key_value_heads,
            "intermediate_size": shape.intermediate,
            "vocab_size": shape.vocabulary,
            "tie_word_embeddings": shape.tied,
            "max_position_embeddings": 128_000,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": 1_000_000.0,
                "mrope_section": [quarter, (head // 2 - quarter) // 2, (head // 2 - quarter + 1) // 2],
            },
            "pad_token_id": ids["<|endoftext|>"],
            "eos_token_id": None,
            "bos_token_id": None,
        },
        vision_config={
            "hidden_size": shape.vision_hidden,
            "out_hidden_size": shape.hidden,
            "depth": shape.vision_layers,
            "num_heads": shape.vision_heads,
            "intermediate_size": shape.vision_intermediate,
            "fullatt_block_indexes": [i for i in (7, 15, 23, 31) if i < shape.vision_layers],
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=shape.tied,
    )
    torch.manual_seed(0)
    dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    with torch.device(device):
        model = Qwen2_5_VLForConditionalGeneration(config).eval()
    torch.set_default_dtype(before)
    model.generation_config.eos_token_id = None
    generator = Generator(processor, model, name=f"random {config.model_type}")
    # Fixed lengths need free decoding: a schema would end replies where it pleases.
    generator.holds = False
    return generator


def jobs(count: int, output_tokens: int) -> list[Job]:
    """Clips of 20 frames, each of its own noise."""
    rng = np.random.default_rng(0)
    made = []
    for _ in range(count):
        pictures = []
        for number in range(20):
            small = rng.integers(0, 255, (36, 64, 3), dtype=np.uint8)
            stream = io.BytesIO()
            Image.fromarray(small).resize((512, 288)).save(stream, "JPEG", quality=85)
            pictures.append((f"{number / 2:.2f} s", stream.getvalue()))
        made.append(Job("Caption the clip.", tuple(pictures), "scenes, " * 60, (), Reply, output_tokens))
    return made


def synchronise(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize()


def one_by_one(generator: Generator, work: Sequence[Job]) -> float:
    """Seconds for the loop of research scripts: prepare one, generate one, the next."""
    device = str(generator.model.device)
    synchronise(device)
    started = time.perf_counter()
    for job in work:
        generator.generate(generator.prepare([job]))
    synchronise(device)
    return time.perf_counter() - started


def batched(generator: Generator, work: Sequence[Job], size: int) -> tuple[float, int]:
    """Seconds through this package's batcher, and the batch size that memory allowed."""
    batcher: Batcher[Job, Any, Completion] = Batcher(
        generator.prepare, generator.generate, most_jobs=size, too_big=OUT_OF_MEMORY
    )
    started = time.perf_counter()
    futures = [batcher.submit(job, weight=1.0) for job in work]
    for future in futures:
        future.result()
    seconds = time.perf_counter() - started
    batcher.close()
    return seconds, batcher.most_jobs


def bandwidth_bytes_per_second(device: str) -> float:
    """Of a large copy: read and write together."""
    size = 2**30 if device.startswith("cuda") else 2**26
    source = torch.ones(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    target.copy_(source)
    synchronise(device)
    started = time.perf_counter()
    for _ in range(20):
        target.copy_(source)
    synchronise(device)
    return 2 * size * 20 / (time.perf_counter() - started)


def decode_share(generator: Generator, work: Sequence[Job], bandwidth: float) -> tuple[float, float, int]:
    """Tokens/s of decoding alone for one batch, its share of the bandwidth's bound, and tokens in one prompt."""
    device = str(generator.model.device)
    prepared = generator.prepare(work)
    prompt_tokens = int(prepared.inputs["attention_mask"].sum(dim=1).max())
    length = work[0].max_output_tokens

    def timed(output_tokens: int) -> float:
        short = [Job(j.system, j.pictures, j.text, (), Reply, output_tokens) for j in prepared.jobs]
        again = type(prepared)(inputs=prepared.inputs, jobs=tuple(short))
        synchronise(device)
        started = time.perf_counter()
        generator.generate(again)
        synchronise(device)
        return time.perf_counter() - started

    timed(2)
    # The best of three: whatever else runs on the machine can only slow a run down.
    seconds = max(min(timed(length) for _ in range(3)) - min(timed(1) for _ in range(3)), 1e-9)
    per_second = len(work) * (length - 1) / seconds
    text = generator.model.config.text_config
    element = generator.model.dtype.itemsize
    weights = sum(p.numel() for p in generator.model.model.language_model.parameters()) * element
    weights += generator.model.lm_head.weight.numel() * element if not text.tie_word_embeddings else 0
    head = text.hidden_size // text.num_attention_heads
    cached = (
        2 * text.num_hidden_layers * text.num_key_value_heads * head * element * (prompt_tokens + length / 2)
    )
    bound = bandwidth / (weights / len(work) + cached)
    return per_second, per_second / bound, prompt_tokens


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shape", choices=sorted(SHAPES), default="qwen2.5-vl-3b")
    parser.add_argument("--batches", default="4,8,16,32")
    parser.add_argument("--clips", type=int, default=64)
    parser.add_argument("--loop-clips", type=int, default=8, help="clips of the one-by-one loop")
    parser.add_argument("--output-tokens", type=int, default=192)
    parser.add_argument("--device", default=None)
    arguments = parser.parse_args()
    logging.set_verbosity_error()
    device = arguments.device or best_device()
    cuda = device.startswith("cuda")
    name = (
        torch.cuda.get_device_name(device) if cuda else f"{platform.processor() or platform.machine()} (CPU)"
    )
    generator = build(SHAPES[arguments.shape], device)
    parameters = sum(p.numel() for p in generator.model.parameters())
    work = jobs(arguments.clips, arguments.output_tokens)
    bandwidth = bandwidth_bytes_per_second(device)
    generator.generate(generator.prepare(work[:1]))
    loop = one_by_one(generator, work[: arguments.loop_clips])
    loop_rate = min(arguments.loop_clips, len(work)) / loop
    print(
        f"{name}, torch {torch.__version__}, {arguments.shape} ({parameters / 1e9:.2f} B parameters, random),"
    )
    print(f"{generator.model.dtype}, {generator.model.config._attn_implementation} attention,")
    print(
        f"copies at {bandwidth / 1e9:.0f} GB/s; 20 frames of 512×288 in, {arguments.output_tokens} tokens out\n"
    )
    print(
        "| batch | clips/s | × the loop | decode tokens/s | of the bandwidth bound | peak GiB | video-h per GPU-h |"
    )
    print("|---|---|---|---|---|---|---|")
    tokens, share, prompt_tokens = decode_share(generator, work[:1], bandwidth)
    print(row("loop, 1", loop_rate, 1.0, tokens, share, peak(cuda)))
    for size in (int(text) for text in arguments.batches.split(",")):
        if cuda:
            torch.cuda.reset_peak_memory_stats()
        batched(generator, work[:size], size)
        seconds, reached = batched(generator, work, size)
        rate = len(work) / seconds
        tokens, share, _ = decode_share(generator, work[:reached], bandwidth)
        label = str(size) if reached == size else f"{size} → {reached} (memory)"
        print(row(label, rate, rate / loop_rate, tokens, share, peak(cuda)))
    print(f"\n{prompt_tokens} tokens a prompt; one batch is prepared on the CPU while another runs.")


def peak(cuda: bool) -> float | None:
    return torch.cuda.max_memory_allocated() / 2**30 if cuda else None


def row(label: str, rate: float, ratio: float, tokens: float, share: float, memory: float | None) -> str:
    held = f"{memory:.1f}" if memory is not None else "–"
    return f"| {label} | {rate:.2f} | {ratio:.1f} | {tokens:.0f} | {share:.0%} | {held} | {rate * CLIP_SECONDS:.1f} |"


if __name__ == "__main__":
    main()
