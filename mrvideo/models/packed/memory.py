"""How much may be kept on the device, planned from free bytes and the model's shapes before the first batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from mrvideo.models.packed.encoder import MOST_PATCHES

MOST_SLOTS = 128
"""Rows decoded at once. Past that a step is bound by arithmetic, and more rows only wait longer."""

AHEAD = 16
"""Requests whose pictures lie ready beside those that are decoded."""

_CLIP_PATCHES = 16_384

_CPU_BYTES = 4 * 2**30
"""For keys and values without a GPU; pages are taken as they are written."""


@dataclass(frozen=True)
class Plan:
    """`pool_tokens` of keys and values, `slots` rows, `prefill_tokens` in one forward pass, bytes of kept
    images.
    """

    pool_tokens: int
    slots: int
    prefill_tokens: int
    kept_image_bytes: int


def plan(packed: Any, *, rows: int | None = None, free_bytes: int | None = None) -> Plan:
    """For a model of that size on its device, with the bytes free there (asked, if not given).

    Nine tenths of the free memory are shared out: first the working memory of one prefill and of one call of
    the tower, then a twentieth for encoded images, the rest for keys and values.
    """
    text, vision = packed.text_config, packed.vision_config
    element = packed.dtype.itemsize
    per_token = 2 * text.num_hidden_layers * text.num_key_value_heads * head_width(text) * element
    on_gpu = packed.device.type == "cuda"
    if free_bytes is None:
        free_bytes = int(torch.cuda.mem_get_info(packed.device)[0]) if on_gpu else _CPU_BYTES
    prefill = 16_384 if on_gpu else 8_192
    slots = rows or (MOST_SLOTS if on_gpu else 16)
    usable = free_bytes * 9 // 10
    hidden = getattr(vision, "intermediate_size", None) or 4 * vision.hidden_size
    patch_values = vision.in_channels * vision.temporal_patch_size * vision.patch_size**2
    working = max(
        prefill * (4 * text.intermediate_size + 12 * text.hidden_size) * element,
        MOST_PATCHES * (4 * hidden + 16 * vision.hidden_size + patch_values) * element,
    )
    # Pictures that lie ready, and the scores of a step in float32 with what choosing among them needs.
    working += AHEAD * _CLIP_PATCHES * patch_values * element + 4 * slots * text.vocab_size * 4
    images = usable // 20
    left = max(usable - working - images, usable // 8) if on_gpu else usable
    tokens = min(left // per_token, slots * text.max_position_embeddings)
    return Plan(pool_tokens=int(tokens), slots=slots, prefill_tokens=prefill, kept_image_bytes=int(images))


def head_width(text: Any) -> int:
    """Elements of one attention head."""
    return getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
