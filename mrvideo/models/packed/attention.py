"""Attention over packed rows: one call per layer, whatever the number of rows, images or windows.

Registered with transformers under a name that holds "flash": vision towers then hand over cumulative lengths
instead of looping over images and windows. On CUDA the call is PyTorch's own variable-length flash attention,
which needs no package and no download; elsewhere it is a plain reference through
`scaled_dot_product_attention`.
"""

from __future__ import annotations

from dataclasses import dataclass
from inspect import signature
from itertools import pairwise
from typing import Any

import torch
from torch.nn.functional import scaled_dot_product_attention
from transformers import AttentionInterface

NAME = "mrvideo_flash_packed"


@dataclass(frozen=True)
class Lengths:
    """Where rows lie in packed tensors: int32 tensors of n or n + 1 elements on the device of the query.

    Row i's queries are at starts_q[i]:starts_q[i+1], its keys at starts_k[i]:starts_k[i]+used_k[i], or up to
    starts_k[i+1] without `used_k`. `most_q` and `most_k` bound the lengths: the kernel plans its launch by
    them.
    """

    starts_q: torch.Tensor
    most_q: int
    starts_k: torch.Tensor
    used_k: torch.Tensor | None
    most_k: int


def packed_attention(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    lengths: Lengths,
    *,
    causal: bool,
    scale: float,
) -> torch.Tensor:
    """Attention of n rows at once: query (T, heads, width), key and value (S, key heads, width).

    A causal row's last query sees all its keys. Returns (T, heads, width).
    """
    run = _flash if query.is_cuda else _reference
    return run(query, key, value, lengths, causal=causal, scale=scale)


def _flash(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    lengths: Lengths,
    *,
    causal: bool,
    scale: float,
) -> torch.Tensor:
    """PyTorch's kernel. float16 or bfloat16, widths up to 256 that 8 divides (Dao, arXiv 2307.08691)."""
    return torch.ops.aten._flash_attention_forward(
        query,
        key,
        value,
        lengths.starts_q,
        lengths.starts_k,
        lengths.most_q,
        lengths.most_k,
        0.0,
        causal,
        False,
        scale=scale,
        seqused_k=lengths.used_k,
    )[0]


def _reference(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    lengths: Lengths,
    *,
    causal: bool,
    scale: float,
) -> torch.Tensor:
    """Rows of equal lengths together: an image has many windows of one size."""
    begins_q, begins_k = _numbers(lengths.starts_q), _numbers(lengths.starts_k)
    counts_q = [after - before for before, after in pairwise(begins_q)]
    counts_k = (
        [after - before for before, after in pairwise(begins_k)]
        if lengths.used_k is None
        else _numbers(lengths.used_k)
    )
    alike: dict[tuple[int, int], list[int]] = {}
    for row, counts in enumerate(zip(counts_q, counts_k, strict=True)):
        alike.setdefault(counts, []).append(row)
    out = torch.empty_like(query)
    for (count_q, count_k), rows in alike.items():
        if not count_q:
            continue
        at_q = _places([begins_q[row] for row in rows], count_q, query.device)
        at_k = _places([begins_k[row] for row in rows], count_k, query.device)
        mask = None
        if causal and count_q > 1:
            mask = torch.ones(count_q, count_k, dtype=torch.bool, device=query.device).tril(count_k - count_q)
        found = scaled_dot_product_attention(
            query[at_q].transpose(1, 2),
            key[at_k].transpose(1, 2),
            value[at_k].transpose(1, 2),
            attn_mask=mask,
            scale=scale,
            enable_gqa=query.shape[1] != key.shape[1],
        )
        out[at_q] = found.transpose(1, 2)
    return out


def _numbers(tensor: Any) -> list[int]:
    return tensor.tolist()


def _places(begins: list[int], count: int, device: torch.device) -> torch.Tensor:
    """(rows, count) indices of consecutive places."""
    return torch.tensor(begins, device=device)[:, None] + torch.arange(count, device=device)


def attend(
    module: Any,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    **given: Any,
) -> tuple[torch.Tensor, None]:
    """What transformers' attention layers call, with (1, heads, T, width); returns (1, T, heads, width).

    A vision tower's call carries `cu_seq_lens_q`; a language model's carries the `packed_step` given to its
    forward.
    """
    del attention_mask  # the lengths say it all
    width = query.shape[-1]
    query, key, value = (part.squeeze(0).transpose(0, 1) for part in (query, key, value))
    scale = width**-0.5 if scaling is None else scaling
    step = given.get("packed_step")
    if step is not None:
        out = step.attend(module.layer_idx, query, key, value, scale=scale)
    else:
        starts, most = given["cu_seq_lens_q"], given["max_length_q"]
        lengths = Lengths(starts, most, starts, None, most)
        out = packed_attention(query, key, value, lengths, causal=False, scale=scale)
    return out.unsqueeze(0), None


def pack_towers(model: Any) -> int:
    """Set every vision attention that is handed cumulative lengths to one call a layer. Returns how many
    there are.

    The language model keeps its own attention.
    """
    text = model.config.get_text_config()
    towers = [
        part
        for part in model.modules()
        if "cu_seqlens" in signature(part.forward).parameters
        and isinstance(getattr(part, "scaling", None), float)
        and getattr(part, "config", text) is not text
    ]
    for part in towers:
        part.config._attn_implementation = NAME
    return len(towers)


_interface: Any = AttentionInterface
_interface.register(NAME, attend)
