"""The same mathematics in fewer and larger kernels, for a model that is loaded already.

Each rewrite keeps the weights and the result within rounding; `rewrite` says what it changed.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers.activations import SiLUActivation

from mrvideo.models.packed.attention import attend
from mrvideo.models.packed.fused import gate, rotate, run

_ALIGNED = 64
"""Elements. Matrix products whose sides this does not divide take slow kernels on a GPU."""


class PatchProduct(nn.Module):
    """A convolution whose stride is its kernel, as one matrix product: every patch is read once."""

    def __init__(self, convolution: nn.Conv3d | nn.Conv2d) -> None:
        super().__init__()
        self.weight = nn.Parameter(convolution.weight.detach().flatten(1), requires_grad=False)
        bias = convolution.bias
        self.bias = None if bias is None else nn.Parameter(bias.detach(), requires_grad=False)
        self._patch = tuple(convolution.weight.shape[1:])

    def forward(self, patches: torch.Tensor) -> torch.Tensor:
        """(patches, channels, *kernel) to (patches, width, 1, …). Raises `ValueError` at any other size."""
        if tuple(patches.shape[1:]) != self._patch:
            raise ValueError(f"a patch of {tuple(patches.shape[1:])} where {self._patch} is one")
        out = functional.linear(patches.flatten(1), self.weight, self.bias)
        return out.reshape(*out.shape, *(1 for _ in self._patch[1:]))


class FusedRMSNorm(nn.Module):
    """Root mean square normalisation in one kernel (Zhang and Sennrich, arXiv 1910.07467)."""

    def __init__(self, weight: nn.Parameter, epsilon: float) -> None:
        super().__init__()
        self.weight = weight
        self.variance_epsilon = epsilon

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """Same shape as given."""
        return functional.rms_norm(
            hidden_states, tuple(self.weight.shape), self.weight, self.variance_epsilon
        )


class GatedLayer(nn.Module):
    """down(silu(gate(x)) · up(x)) with gate and up in one product.

    The hidden side is widened with zeros, which add nothing: silu(0) · 0 · w = 0.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        gate, up, down = layer.gate_proj, layer.up_proj, layer.down_proj
        missing = -gate.out_features % _ALIGNED
        self.both = _linear(
            torch.cat([functional.pad(part.weight.detach(), (0, 0, 0, missing)) for part in (gate, up)]),
            None
            if gate.bias is None
            else torch.cat([functional.pad(part.bias.detach(), (0, missing)) for part in (gate, up)]),
        )
        self.down = _linear(
            functional.pad(down.weight.detach(), (0, missing)),
            None if down.bias is None else down.bias.detach(),
        )

    def forward(self, hidden_states: torch.Tensor) -> torch.Tensor:
        """(…, width) to the same."""
        return self.down(run(gate, self.both(hidden_states)))


class VisionAttention(nn.Module):
    """Self-attention of a tower whose queries, keys and values come of one product, all rows in one call."""

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.qkv, self.proj = layer.qkv, layer.proj
        self.num_heads: int = layer.num_heads
        self.scaling: float = layer.scaling

    def forward(
        self,
        hidden_states: torch.Tensor,
        cu_seqlens: torch.Tensor,
        position_embeddings: tuple[torch.Tensor, torch.Tensor],
        max_seqlen: int | None = None,
        **_: Any,
    ) -> torch.Tensor:
        """(T, width) to the same; `cu_seqlens` are the rows' starts, and the end."""
        tokens = hidden_states.shape[0]
        states = self.qkv(hidden_states).view(tokens, 3, self.num_heads, -1)
        turned = run(rotate, states[:, :2], *position_embeddings)
        most = int(cu_seqlens.diff().max()) if max_seqlen is None else max_seqlen
        query, key, value = (part.transpose(0, 1).unsqueeze(0) for part in (*turned.unbind(1), states[:, 2]))
        out, _weights = attend(
            self, query, key, value, None, self.scaling, cu_seq_lens_q=cu_seqlens, max_length_q=most
        )
        return self.proj(out.reshape(tokens, -1))


def rewrite(model: nn.Module) -> Counter[str]:
    """Rewrite in place what can be, in a model of the families in `families.py`. Returns how many modules of
    each kind.
    """
    done: Counter[str] = Counter()
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            replaced = _replacement(child)
            if replaced is not None:
                setattr(parent, name, replaced)
                done[type(replaced).__name__] += 1
    return done


def _replacement(module: Any) -> nn.Module | None:
    kind = type(module).__name__
    norm: Any = module
    if isinstance(module, FusedRMSNorm | VisionAttention):
        return None
    if isinstance(module, nn.Conv3d) and _is_a_product(module):
        return PatchProduct(module)
    if kind.endswith("RMSNorm") and hasattr(module, "variance_epsilon"):
        return FusedRMSNorm(norm.weight, norm.variance_epsilon)
    if kind.endswith("VisionAttention") and isinstance(getattr(module, "qkv", None), nn.Linear):
        return VisionAttention(module)
    parts = [getattr(module, name, None) for name in ("gate_proj", "up_proj", "down_proj")]
    if all(isinstance(part, nn.Linear) for part in parts) and isinstance(
        module.act_fn, nn.SiLU | SiLUActivation
    ):
        return GatedLayer(module)
    return None


def _is_a_product(layer: nn.Conv3d) -> bool:
    plain = layer.groups == 1 and set(layer.dilation) == {1} and not any(layer.padding)
    return plain and tuple(layer.stride) == tuple(layer.kernel_size)


def _linear(weight: torch.Tensor, bias: torch.Tensor | None) -> nn.Linear:
    made = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, device="meta")
    made.weight = nn.Parameter(weight, requires_grad=False)
    if bias is not None:
        made.bias = nn.Parameter(bias, requires_grad=False)
    return made
