"""Models of published architectures and sizes with random weights: speed does not depend on what they say."""

from __future__ import annotations

from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForImageTextToText, PreTrainedTokenizerFast
from transformers.models.qwen2_5_vl.processing_qwen2_5_vl import Qwen2_5_VLProcessor
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from mrvideo.models.generation import Generator

SPECIALS = [
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

_QWEN2_VISION = {"hidden": 1280, "layers": 32, "heads": 16, "intermediate": 3420}
_QWEN3_VISION = {"hidden": 1152, "layers": 27, "heads": 16, "intermediate": 4304}

# The sizes of config.json at huggingface.co/Qwen: Qwen2.5-VL-3B-Instruct, Qwen2.5-VL-7B-Instruct,
# Qwen3-VL-8B-Instruct, Qwen3-VL-30B-A3B-Instruct.
SHAPES: dict[str, dict[str, Any]] = {
    "qwen2.5-vl-3b": {
        "family": "qwen2_5_vl",
        "text": {"hidden": 2048, "layers": 36, "heads": 16, "kv": 2, "intermediate": 11008},
        "vocabulary": 151_936,
        "tied": True,
        "vision": _QWEN2_VISION,
    },
    "qwen2.5-vl-7b": {
        "family": "qwen2_5_vl",
        "text": {"hidden": 3584, "layers": 28, "heads": 28, "kv": 4, "intermediate": 18944},
        "vocabulary": 152_064,
        "tied": False,
        "vision": _QWEN2_VISION,
    },
    "qwen3-vl-8b": {
        "family": "qwen3_vl",
        "text": {"hidden": 4096, "layers": 36, "heads": 32, "kv": 8, "intermediate": 12288},
        "vocabulary": 151_936,
        "tied": False,
        "vision": _QWEN3_VISION,
    },
    "qwen3-vl-30b-a3b": {
        "family": "qwen3_vl_moe",
        "text": {"hidden": 2048, "layers": 48, "heads": 32, "kv": 4, "intermediate": 6144},
        "vocabulary": 151_936,
        "tied": False,
        "vision": _QWEN3_VISION,
    },
}
# Prove on a CPU that what is benchmarked runs, and is right.
SHAPES |= {
    f"tiny-{family}": {
        "family": family,
        "text": {"hidden": 64, "layers": 2, "heads": 4, "kv": 2, "intermediate": 100},
        "vocabulary": 512,
        "tied": False,
        "vision": {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 60},
    }
    for family in ("qwen2_vl", "qwen2_5_vl", "qwen3_vl", "qwen3_vl_moe")
}


class StillsProcessor(Qwen2_5_VLProcessor):
    """Without the part for videos, which needs torchvision."""

    def check_argument_for_proper_class(self, argument_name: str, argument: Any) -> Any:
        return type(argument)


def tokenizer() -> PreTrainedTokenizerFast:
    """Bytes, a few merges, and the marks that the processor wants."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=SPECIALS,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    trained.train_from_iterator(["a clip of a film"], trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=trained, pad_token="<|endoftext|>", eos_token="<|endoftext|>"
    )
    fast.chat_template = _TEMPLATE
    return fast


def image_processor(patch: int, *, on_gpu: bool = False) -> Any:
    """Qwen's: Pillow's variant, or torchvision's, which can work on a GPU."""
    kind: Any = Qwen2VLImageProcessorPil
    if on_gpu:
        from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor

        kind = Qwen2VLImageProcessor
    size = {"shortest_edge": 4 * (2 * patch) ** 2, "longest_edge": 1280 * (2 * patch) ** 2}
    return kind(size=size, patch_size=patch)


def configure(shape: dict[str, Any], words: PreTrainedTokenizerFast) -> Any:
    """The family's config at that size."""
    ids = {name: words.convert_tokens_to_ids(name) for name in SPECIALS}
    family, text, vision = shape["family"], shape["text"], shape["vision"]
    newer = family.startswith("qwen3")
    head = 128 if newer and text["hidden"] > 64 else text["hidden"] // text["heads"]
    part = head // 8
    rope: dict[str, Any] = {"rope_type": "default", "rope_theta": 5_000_000.0 if newer else 1_000_000.0}
    rope["mrope_section"] = [head // 2 - 2 * (3 * part // 2), 3 * part // 2, 3 * part // 2]
    if newer:
        rope["mrope_interleaved"] = True
    text_config: dict[str, Any] = {
        "hidden_size": text["hidden"],
        "num_hidden_layers": text["layers"],
        "num_attention_heads": text["heads"],
        "num_key_value_heads": text["kv"],
        "intermediate_size": text["intermediate"],
        "vocab_size": shape["vocabulary"],
        "tie_word_embeddings": shape["tied"],
        "max_position_embeddings": 128_000,
        "rope_parameters": rope,
        "pad_token_id": ids["<|endoftext|>"],
        "eos_token_id": None,
        "bos_token_id": None,
    }
    if newer:
        text_config["head_dim"] = head
    if family == "qwen3_vl_moe":
        small = text["hidden"] <= 64
        text_config |= {
            "moe_intermediate_size": 32 if small else 768,
            "num_experts": 4 if small else 128,
            "num_experts_per_tok": 2 if small else 8,
        }
    vision_config: dict[str, Any] = {"depth": vision["layers"], "num_heads": vision["heads"]}
    if family == "qwen2_vl":
        vision_config |= {"embed_dim": vision["hidden"], "hidden_size": text["hidden"], "mlp_ratio": 2}
    else:
        vision_config |= {
            "hidden_size": vision["hidden"],
            "out_hidden_size": text["hidden"],
            "intermediate_size": vision["intermediate"],
        }
    if family == "qwen2_5_vl":
        vision_config["fullatt_block_indexes"] = [i for i in (7, 15, 23, 31) if i < vision["layers"]] or [
            vision["layers"] - 1
        ]
    if newer:
        vision_config["deepstack_visual_indexes"] = [5, 11, 17] if vision["layers"] > 17 else [0]
    return AutoConfig.for_model(
        family,
        text_config=text_config,
        vision_config=vision_config,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=shape["tied"],
    )


def build(
    name: str,
    device: str,
    *,
    dtype: torch.dtype | None = None,
    on_gpu: bool = False,
    seed: int = 0,
    tokenizer_folder: str | None = None,
) -> Generator:
    """A random model of that shape on the device, behind this package's own generator."""
    shape = SHAPES[name]
    words = tokenizer()
    if tokenizer_folder is not None:
        words = PreTrainedTokenizerFast(
            tokenizer_file=f"{tokenizer_folder}/tokenizer.json", pad_token=SPECIALS[0], eos_token=SPECIALS[0]
        )
        words.chat_template = _TEMPLATE
    config = configure(shape, words)
    patch = config.vision_config.patch_size
    processor = StillsProcessor(image_processor(patch, on_gpu=on_gpu), words, chat_template=_TEMPLATE)
    torch.manual_seed(seed)
    if dtype is None:
        dtype = torch.bfloat16 if device.startswith("cuda") else torch.float32
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            model = AutoModelForImageTextToText.from_config(config).eval()
    finally:
        torch.set_default_dtype(before)
    model.generation_config.eos_token_id = None
    return Generator(processor, model, name=f"random {config.model_type}")
