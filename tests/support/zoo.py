"""The zoo: folders like those that makers publish, with tiny random weights in the place of real ones.

Each family has its real config class, its preprocessor's published sizes, its special tokens, and a chat
template of the same shape as its own, written as `chat_template.jinja`. The tokenizer is trained here.
Nothing is downloaded.

    save(folder) writes   config.json, model.safetensors, generation_config.json   by transformers
                          tokenizer.json, tokenizer_config.json                    by transformers
                          preprocessor_config.json, processor_config.json          by hand, in the published layout
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers.utils import logging

from support.tiny_models import train_tokenizer

_QWEN_PARTS = "<|vision_start|><|image_pad|><|vision_end|>"
_CHATML = (
    "{% for message in messages %}DEFAULT<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' %}IMAGE{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_DEFAULT_SYSTEM = (
    "{% if loop.first and message.role != 'system' %}<|im_start|>system\nBe helpful.<|im_end|>\n{% endif %}"
)
# The first colon depends on what a message begins with, and content must be a list.
_IDEFICS = (
    "<|im_start|>{% for message in messages %}{{ message.role | capitalize }}"
    "{% if message.content[0].type == 'image' %}:{% else %}: {% endif %}{% for part in message.content %}"
    "{% if part.type == 'image' %}<image>{% else %}{{ part.text }}{% endif %}{% endfor %}<end_of_utterance>\n"
    "{% endfor %}{% if add_generation_prompt %}Assistant:{% endif %}"
)
# No system turn: its text begins the first user turn. Roles must take turns.
_GEMMA = (
    "{{ bos_token }}{% set ns = namespace(prefix='', rest=messages) %}{% if messages[0].role == 'system' %}"
    "{% set ns.prefix = messages[0].content[0].text + '\n\n' %}{% set ns.rest = messages[1:] %}{% endif %}"
    "{% for message in ns.rest %}{% if (message.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}"
    "<start_of_turn>{{ 'model' if message.role == 'assistant' else message.role }}\n"
    "{{ ns.prefix if loop.first else '' }}{% for part in message.content %}{% if part.type == 'image' %}"
    "<start_of_image>{% else %}{{ part.text | trim }}{% endif %}{% endfor %}<end_of_turn>\n{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}"
)
# All pictures of a message first, then all of its texts.
_ONEVISION = (
    "{% for message in messages %}<|im_start|>{{ message.role }} "
    "{% for part in message.content | selectattr('type', 'equalto', 'image') %}<image>{% endfor %}"
    "{% for part in message.content | selectattr('type', 'equalto', 'text') %}\n{{ part.text }}{% endfor %}"
    "<|im_end|>{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_GLM = (
    "[gMASK]<sop>{% for message in messages %}<|{{ message.role }}|>\n{% if message.content is string %}"
    "{{ message.content }}{% else %}{% for part in message.content %}{% if part.type == 'image' %}"
    "<|begin_of_image|><|image|><|end_of_image|>{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)
_MISTRAL = (
    "{{ bos_token }}{% for message in messages %}{% if message.role == 'system' %}"
    "[SYSTEM_PROMPT]{{ message.content[0].text }}[/SYSTEM_PROMPT]{% elif message.role == 'user' %}[INST]"
    "{% for part in message.content %}{% if part.type == 'image' %}[IMG]{% else %}{{ part.text }}{% endif %}"
    "{% endfor %}[/INST]{% else %}{{ message.content[0].text }}{{ eos_token }}{% endif %}{% endfor %}"
)
# No role for the system at all.
_PIXTRAL = _MISTRAL.replace(
    "[SYSTEM_PROMPT]{{ message.content[0].text }}[/SYSTEM_PROMPT]",
    "{{ raise_exception('only user and assistant roles') }}",
)
_PHI = (
    "{% for message in messages %}<|{{ message.role }}|>{% if message.content is string %}{{ message.content }}"
    "{% else %}{% for part in message.content %}{% if part.type == 'image' %}<|image|>{% else %}{{ part.text }}"
    "{% endif %}{% endfor %}{% endif %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_QWEN_TOKENS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
    "<|video_pad|>",
)  # fmt: skip
_IDEFICS_TOKENS = (
    "<|im_start|>", "<end_of_utterance>", "<fake_token_around_image>", "<global-img>", "<image>",
    *(f"<row_{row + 1}_col_{column + 1}>" for row in range(6) for column in range(6)),
)  # fmt: skip
_MISTRAL_TOKENS = (
    "<s>", "</s>", "<pad>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[IMG]", "[IMG_BREAK]",
    "[IMG_END]",
)  # fmt: skip
_GLM_TOKENS = (
    "<|endoftext|>", "[gMASK]", "<sop>", "<|system|>", "<|user|>", "<|assistant|>", "<|begin_of_image|>", "<|image|>",
    "<|end_of_image|>", "<|begin_of_video|>", "<|video|>", "<|end_of_video|>",
)  # fmt: skip


@dataclass(frozen=True)
class Family:
    """One row of the zoo, and of the table in docs/gpu.md.

    `model_type` is what config.json says. `image_token` stands for a part of a picture in the prompt.
    `reorders`: its template puts all pictures before the texts. `needs_torchvision`: transformers prepares
    its pictures by no other means.
    """

    model_type: str
    image_token: str
    save: Callable[[Path], Path]
    reorders: bool = False
    needs_torchvision: bool = False


def _text(vocabulary: int, **more: Any) -> dict[str, Any]:
    return {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
        "num_key_value_heads": 2, "vocab_size": vocabulary, "max_position_embeddings": 8192,
        "initializer_range": 0.5, **more,
    }  # fmt: skip


def _tower(**more: Any) -> dict[str, Any]:
    return {
        "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2, **more
    }  # fmt: skip


def _save(
    folder: Path,
    *,
    model: str,
    config: Callable[[Callable[[str], int], int], Any],
    tokens: tuple[str, ...],
    end: str,
    pad: str,
    template: str,
    preprocessor: dict[str, Any],
    processor: dict[str, Any] | None = None,
    begin: str | None = None,
    named: dict[str, str] | None = None,
) -> Path:
    """Write the folder of `model`, a class of transformers. `config` is given the id of each token, and how
    many there are.
    """
    torch.manual_seed(0)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer(tokens, begin=begin, end=end, pad=pad, named=named or {})
    ids: dict[str, int] = tokenizer.get_vocab()
    made = config(ids.__getitem__, len(tokenizer))
    network = getattr(transformers, model)(made)
    for weight in network.parameters():
        if weight.ndim > 1 and not weight.any():
            # Gemma's projector begins at zero, and would let no picture through.
            weight.data.normal_(std=0.5)
    network.generation_config.eos_token_id = tokenizer.eos_token_id
    network.generation_config.pad_token_id = tokenizer.pad_token_id
    logging.disable_progress_bar()
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor), encoding="utf-8")
    if processor is not None:
        named_class = {"processor_class": preprocessor["processor_class"]}
        (folder / "processor_config.json").write_text(json.dumps(processor | named_class), encoding="utf-8")
    return folder


def _save_qwen(folder: Path, kind: str) -> Path:
    """Qwen2-VL, Qwen2.5-VL, Qwen3-VL and its mixture of experts."""
    old, third = kind == "Qwen2VL", kind.startswith("Qwen3VL")
    patch = 16 if third else 14

    def config(token: Callable[[str], int], vocabulary: int) -> Any:
        text = _text(vocabulary, eos_token_id=token("<|im_end|>"), bos_token_id=None)
        rope: dict[str, Any] = {"rope_type": "default", "mrope_section": [2, 1, 1], "rope_theta": 10_000.0}
        vision: dict[str, Any] = {"depth": 2, "num_heads": 2, "patch_size": patch, "spatial_merge_size": 2}
        if old:
            vision |= {"embed_dim": 32, "hidden_size": 32}
        else:
            vision |= {"hidden_size": 32, "intermediate_size": 64, "out_hidden_size": 32}
        if third:
            text |= {"head_dim": 8}
            rope |= {"mrope_interleaved": True}
            vision |= {"deepstack_visual_indexes": [0], "num_position_embeddings": 48 * 48}
        else:
            vision |= {} if old else {"fullatt_block_indexes": [1], "window_size": 112}
        if kind == "Qwen3VLMoe":
            text |= {"moe_intermediate_size": 16, "num_experts": 4, "num_experts_per_tok": 2}
        return getattr(transformers, f"{kind}Config")(
            text_config=text | {"rope_parameters": rope},
            vision_config=vision,
            image_token_id=token("<|image_pad|>"),
            video_token_id=token("<|video_pad|>"),
            vision_start_token_id=token("<|vision_start|>"),
            vision_end_token_id=token("<|vision_end|>"),
        )

    size: dict[str, Any] = {"min_pixels": 3136, "max_pixels": 12_845_056}
    if third:
        size = {"size": {"shortest_edge": 65_536, "longest_edge": 16_777_216}}
    processors = {"Qwen2VL": "Qwen2VLProcessor", "Qwen2_5_VL": "Qwen2_5_VLProcessor"}
    template = _CHATML.replace("IMAGE", _QWEN_PARTS).replace("DEFAULT", "" if third else _DEFAULT_SYSTEM)
    return _save(
        folder,
        model=f"{kind}ForConditionalGeneration",
        config=config,
        tokens=_QWEN_TOKENS,
        end="<|im_end|>",
        pad="<|endoftext|>",
        template=template,
        preprocessor={
            "image_processor_type": "Qwen2VLImageProcessorFast" if third else "Qwen2VLImageProcessor",
            "processor_class": processors.get(kind, "Qwen3VLProcessor"),
            "patch_size": patch, "merge_size": 2, "temporal_patch_size": 2, **size,
        },
    )  # fmt: skip


def _save_idefics(folder: Path, kind: str) -> Path:
    """Idefics3 and SmolVLM2, whose publisher's processor also wants `num2words`, for videos."""
    side, patch, tokens = (512, 16, 64) if kind == "SmolVLM" else (364, 14, 169)

    def config(token: Callable[[str], int], vocabulary: int) -> Any:
        text = _text(
            vocabulary, model_type="llama", bos_token_id=None, eos_token_id=token("<end_of_utterance>")
        )
        return getattr(transformers, f"{kind}Config")(
            text_config=text | {"pad_token_id": token("<|im_start|>")},
            vision_config=_tower(image_size=side, patch_size=patch),
            scale_factor=4 if kind == "SmolVLM" else 2,
            image_token_id=token("<image>"),
        )

    return _save(
        folder,
        model=f"{kind}ForConditionalGeneration",
        config=config,
        tokens=_IDEFICS_TOKENS,
        end="<end_of_utterance>",
        pad="<|im_start|>",
        template=_IDEFICS,
        preprocessor={
            "image_processor_type": f"{kind}ImageProcessor",
            "processor_class": f"{kind}Processor",
            "do_image_splitting": True,
            "size": {"longest_edge": 4 * side},
            "max_image_size": {"longest_edge": side},
        },
        processor={"image_seq_len": tokens},
    )


def _save_internvl(folder: Path) -> Path:
    tokens = (
        "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<img>", "</img>", "<IMG_CONTEXT>", "<video>",
    )  # fmt: skip

    def config(token: Callable[[str], int], vocabulary: int) -> Any:
        text = _text(
            vocabulary, model_type="qwen3", head_dim=8, eos_token_id=token("<|im_end|>"), bos_token_id=None
        )
        return transformers.InternVLConfig(
            text_config=text,
            vision_config=_tower(image_size=[448, 448], patch_size=[14, 14]),
            image_token_id=token("<IMG_CONTEXT>"),
            image_seq_length=256,
        )

    return _save(
        folder,
        model="InternVLForConditionalGeneration",
        config=config,
        tokens=tokens,
        end="<|im_end|>",
        pad="<|endoftext|>",
        template=_CHATML.replace("IMAGE", "<IMG_CONTEXT>\n").replace("DEFAULT", ""),
        named={
            "start_image_token": "<img>", "end_image_token": "</img>", "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>",
        },
        preprocessor={
            "image_processor_type": "GotOcr2ImageProcessorFast",
            "processor_class": "InternVLProcessor",
            "crop_to_patches": False, "min_patches": 1, "max_patches": 12,
            "size": {"height": 448, "width": 448},
        },
        processor={"image_seq_length": 256},
    )  # fmt: skip


def _save_gemma(folder: Path) -> Path:
    """Pictures of 224 in the place of 896 pixels: as many tokens, a sixteenth of the patches."""
    tokens = (
        "<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>", "<start_of_image>", "<end_of_image>",
        "<image_soft_token>", "\n\n",
    )  # fmt: skip

    def config(token: Callable[[str], int], vocabulary: int) -> Any:
        text = _text(vocabulary, head_dim=8, sliding_window=512, query_pre_attn_scalar=8)
        text |= {"tie_word_embeddings": False}
        text |= {
            "pad_token_id": token("<pad>"),
            "eos_token_id": token("<end_of_turn>"),
            "bos_token_id": token("<bos>"),
        }
        return transformers.Gemma3Config(
            text_config=text,
            vision_config=_tower(image_size=224, patch_size=14, model_type="siglip_vision_model"),
            mm_tokens_per_image=256,
            boi_token_index=token("<start_of_image>"),
            eoi_token_index=token("<end_of_image>"),
            image_token_index=token("<image_soft_token>"),
            # Tied to its input, a random model repeats the last token whatever else it reads.
            tie_word_embeddings=False,
        )

    return _save(
        folder,
        model="Gemma3ForConditionalGeneration",
        config=config,
        tokens=tokens,
        begin="<bos>",
        end="<end_of_turn>",
        pad="<pad>",
        template=_GEMMA,
        named={
            "boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>",
        },
        preprocessor={
            "image_processor_type": "Gemma3ImageProcessor",
            "processor_class": "Gemma3Processor",
            "do_pan_and_scan": None,
            "size": {"height": 224, "width": 224},
        },
        processor={"image_seq_length": 256},
    )  # fmt: skip


def _save_onevision(folder: Path) -> Path:
    grid = [[384 * rows, 384 * columns] for rows in range(1, 7) for columns in range(1, 7)]

    def config(token: Callable[[str], int], vocabulary: int) -> Any:
        return transformers.LlavaOnevisionConfig(
            text_config=_text(
                vocabulary, model_type="qwen2", eos_token_id=token("<|im_end|>"), bos_token_id=None
            ),
            vision_config=_tower(
                image_size=384, patch_size=14, model_type="siglip_vision_model", vision_use_head=False
            ),
            image_token_index=token("<image>"),
            video_token_index=token("<video>"),
            image_grid_pinpoints=grid,
        )

    return _save(
        folder,
        model="LlavaOnevisionForConditionalGeneration",
        config=config,
        tokens=("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<image>", "<video>"),
        end="<|im_end|>",
        pad="<|endoftext|>",
        template=_ONEVISION,
        preprocessor={
            "image_processor_type": "LlavaOnevisionImageProcessor",
            "processor_class": "LlavaOnevisionProcessor",
            "size": {"height": 384, "width": 384},
            "image_grid_pinpoints": grid,
        },
        processor={
            "num_image_tokens": 729, "vision_feature_select_strategy": "full", "image_token": "<image>",
            "video_token": "<video>",
        },
    )  # fmt: skip


def _save_glm(folder: Path) -> Path:
    def config(token: Callable[[str], int], vocabulary: int) -> Any:
        rope = {
            "rope_type": "default",
            "mrope_section": [1, 1, 0],
            "partial_rotary_factor": 0.5,
            "rope_theta": 1e4,
        }
        return transformers.Glm4vConfig(
            text_config=_text(vocabulary, rope_parameters=rope, pad_token_id=token("<|endoftext|>")),
            vision_config={
                "depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 32,
                "image_size": 336, "patch_size": 14,
            },
            image_token_id=token("<|image|>"),
            video_token_id=token("<|video|>"),
            image_start_token_id=token("<|begin_of_image|>"),
            image_end_token_id=token("<|end_of_image|>"),
            video_start_token_id=token("<|begin_of_video|>"),
            video_end_token_id=token("<|end_of_video|>"),
        )  # fmt: skip

    return _save(
        folder,
        model="Glm4vForConditionalGeneration",
        config=config,
        tokens=_GLM_TOKENS,
        end="<|user|>",
        pad="<|endoftext|>",
        template=_GLM,
        preprocessor={
            "image_processor_type": "Glm4vImageProcessor",
            "processor_class": "Glm4vProcessor",
            "patch_size": 14, "merge_size": 2, "temporal_patch_size": 2,
            "size": {"shortest_edge": 12_544, "longest_edge": 9_633_792},
        },
    )  # fmt: skip


def _save_mistral(folder: Path, kind: str) -> Path:
    """Mistral Small 3 merges four patches into a token; Pixtral, a Llava with that tower, none."""
    third = kind == "mistral3"
    patch, side = (14, 1540) if third else (16, 1024)

    def config(token: Callable[[str], int], vocabulary: int) -> Any:
        text = _text(vocabulary, model_type="mistral", head_dim=8, sliding_window=None)
        text |= {"eos_token_id": token("</s>"), "bos_token_id": token("<s>"), "pad_token_id": token("<pad>")}
        tower = _tower(image_size=side, patch_size=patch, model_type="pixtral", head_dim=16)
        made: Any = transformers.Mistral3Config if third else transformers.LlavaConfig
        more = {"spatial_merge_size": 2} if third else {"vision_feature_select_strategy": "full"}
        return made(
            text_config=text,
            vision_config=tower,
            image_token_index=token("[IMG]"),
            vision_feature_layer=-1,
            **more,
        )

    return _save(
        folder,
        model="Mistral3ForConditionalGeneration" if third else "LlavaForConditionalGeneration",
        config=config,
        tokens=_MISTRAL_TOKENS,
        begin="<s>",
        end="</s>",
        pad="<pad>",
        template=_MISTRAL if third else _PIXTRAL,
        preprocessor={
            "image_processor_type": "PixtralImageProcessor",
            "processor_class": "PixtralProcessor",
            "patch_size": {"height": patch, "width": patch},
            "size": {"longest_edge": side},
        },
        processor={
            "patch_size": patch, "image_token": "[IMG]", "image_break_token": "[IMG_BREAK]",
            "image_end_token": "[IMG_END]", **({"spatial_merge_size": 2} if third else {}),
        },
    )  # fmt: skip


def _save_phi(folder: Path) -> Path:
    def config(token: Callable[[str], int], vocabulary: int) -> Any:
        return transformers.Phi4MultimodalConfig(
            **_text(vocabulary, pad_token_id=token("<|endoftext|>"), eos_token_id=token("<|end|>"), bos_token_id=None),
            original_max_position_embeddings=8192,
            vision_config=_tower(
                image_size=448, patch_size=14, crop_size=448, image_token_id=token("<|image|>")
            ),
            audio_config={
                "hidden_size": 32, "intermediate_size": 32, "num_blocks": 1, "num_attention_heads": 2,
                "ext_pw_out_channel": 32, "depthwise_separable_out_channel": 32, "nemo_conv_channels": 32,
                "audio_token_id": token("<|audio|>"),
            },
        )  # fmt: skip

    return _save(
        folder,
        model="Phi4MultimodalForCausalLM",
        config=config,
        tokens=("<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|end|>", "<|image|>", "<|audio|>"),
        end="<|end|>",
        pad="<|endoftext|>",
        template=_PHI,
        named={"image_token": "<|image|>", "audio_token": "<|audio|>"},
        preprocessor={
            "image_processor_type": "Phi4MultimodalImageProcessor",
            "feature_extractor_type": "Phi4MultimodalFeatureExtractor",
            "processor_class": "Phi4MultimodalProcessor",
            "dynamic_hd": 36,
        },
        processor={},
    )  # fmt: skip


FAMILIES: dict[str, Family] = {
    "Qwen2-VL": Family("qwen2_vl", "<|image_pad|>", partial(_save_qwen, kind="Qwen2VL")),
    "Qwen2.5-VL": Family("qwen2_5_vl", "<|image_pad|>", partial(_save_qwen, kind="Qwen2_5_VL")),
    "Qwen3-VL": Family("qwen3_vl", "<|image_pad|>", partial(_save_qwen, kind="Qwen3VL")),
    "Qwen3-VL-MoE": Family("qwen3_vl_moe", "<|image_pad|>", partial(_save_qwen, kind="Qwen3VLMoe")),
    "Idefics3": Family("idefics3", "<image>", partial(_save_idefics, kind="Idefics3")),
    "SmolVLM2": Family("smolvlm", "<image>", partial(_save_idefics, kind="SmolVLM")),
    "InternVL3.5": Family("internvl", "<IMG_CONTEXT>", _save_internvl),
    "Gemma 3": Family("gemma3", "<image_soft_token>", _save_gemma),
    "LLaVA-OneVision": Family("llava_onevision", "<image>", _save_onevision, reorders=True),
    "GLM-4.1V": Family("glm4v", "<|image|>", _save_glm),
    "Mistral Small 3": Family("mistral3", "[IMG]", partial(_save_mistral, kind="mistral3")),
    "Pixtral": Family("llava", "[IMG]", partial(_save_mistral, kind="pixtral")),
    "Phi-4-multimodal": Family("phi4_multimodal", "<|image|>", _save_phi, needs_torchvision=True),
}
