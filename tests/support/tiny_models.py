"""Tiny random vision-language models, saved to disk as real ones are: config, weights, processor, chat
template.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    CLIPVisionConfig,
    Idefics3Config,
    Idefics3ForConditionalGeneration,
    LlamaConfig,
    LlavaConfig,
    LlavaForConditionalGeneration,
    LlavaProcessor,
    PreTrainedTokenizerFast,
)
from transformers.models.idefics3.configuration_idefics3 import Idefics3VisionConfig
from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil
from transformers.models.idefics3.processing_idefics3 import Idefics3Processor
from transformers.models.llava.image_processing_pil_llava import LlavaImageProcessorPil
from transformers.utils import logging

TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endif %}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
_SPECIALS = (
    "<pad>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>", "<image>",
    "<fake_token_around_image>", "<end_of_utterance>", "<global-img>",
    *(f"<row_{i + 1}_col_{j + 1}>" for i in range(6) for j in range(6)),
)  # fmt: skip
_TEXT = [
    "A woman in a red coat walks into the kitchen and puts a box on the table.",
    'Reply with one JSON object: {"same_scene": true, "reason": "the door closes"}',
    "0.00 s 0.50 s 1.00 s 12.50 s <person_a> <person_b> before after border",
]


def train_tokenizer(
    specials: tuple[str, ...] = _SPECIALS,
    *,
    begin: str | None = None,
    end: str = "<|end|>",
    pad: str = "<pad>",
    named: dict[str, str] | None = None,
) -> PreTrainedTokenizerFast:
    """Byte-level BPE over a few sentences. `named` are tokens that processors ask for by an attribute's name."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=list(specials), initial_alphabet=alphabet)
    tokenizer.train_from_iterator(_TEXT, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=pad,
        eos_token=end,
        bos_token=begin,
        extra_special_tokens=named or {},
        chat_template=TEMPLATE,
    )


def save_idefics3(folder: Path) -> Path:
    """Several images a request, padded to a common number; 4 tokens an image."""
    torch.manual_seed(0)
    tokenizer = train_tokenizer()
    images = Idefics3ImageProcessorPil(
        size={"longest_edge": 32}, max_image_size={"longest_edge": 32}, do_image_splitting=True
    )
    processor = Idefics3Processor(images, tokenizer, image_seq_len=4, chat_template=TEMPLATE)
    config = Idefics3Config(
        text_config=_llama(tokenizer),
        vision_config=Idefics3VisionConfig(
            hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=32,
            patch_size=8,
        ),
        scale_factor=2,
        image_token_id=_id(tokenizer, "<image>"),
    )  # fmt: skip
    return _save(folder, Idefics3ForConditionalGeneration(config), processor, tokenizer)


def save_llava(folder: Path) -> Path:
    """The plainest kind: a CLIP tower, a projector, a Llama; 16 tokens an image."""
    torch.manual_seed(0)
    tokenizer = train_tokenizer()
    images = LlavaImageProcessorPil(size={"shortest_edge": 32}, crop_size={"height": 32, "width": 32})
    processor = LlavaProcessor(
        images, tokenizer, patch_size=8, vision_feature_select_strategy="default",
        num_additional_image_tokens=1, chat_template=TEMPLATE,
    )  # fmt: skip
    config = LlavaConfig(
        text_config=_llama(tokenizer),
        vision_config=CLIPVisionConfig(
            hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, image_size=32,
            patch_size=8, projection_dim=32,
        ),
        image_token_index=_id(tokenizer, "<image>"),
        image_seq_length=16,
    )  # fmt: skip
    return _save(folder, LlavaForConditionalGeneration(config), processor, tokenizer)


def _id(tokenizer: PreTrainedTokenizerFast, token: str) -> int:
    found = tokenizer.convert_tokens_to_ids(token)
    assert isinstance(found, int)
    return found


def _llama(tokenizer: PreTrainedTokenizerFast) -> LlamaConfig:
    return LlamaConfig(
        hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=len(tokenizer) + 5, max_position_embeddings=4096, initializer_range=0.5,
        pad_token_id=_id(tokenizer, "<pad>"), eos_token_id=_id(tokenizer, "<|end|>"), bos_token_id=None,
    )  # fmt: skip


def _save(folder: Path, model: Any, processor: Any, tokenizer: PreTrainedTokenizerFast) -> Path:
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    logging.disable_progress_bar()
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
