"""Elementwise steps that read and write each value once: compiled on a GPU, plain elsewhere.

Written as plain functions; `torch.compile` makes one kernel of each. Where it cannot (no Triton, no
compiler), the plain function is used and `compiles` says so.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import torch
from torch.nn import functional

# Typed in part only.
_torch: Any = torch

_compiled: dict[str, Callable[..., torch.Tensor]] = {}
failures: dict[str, str] = {}
"""By function, why it is not compiled."""


def rotate(states: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor) -> torch.Tensor:
    """Rotary positions (Su et al., arXiv 2104.09864), in float32 at least: states (T, parts, heads, width),
    angles (T, width).
    """
    wide = states.to(torch.promote_types(states.dtype, torch.float32))
    half = states.shape[-1] // 2
    turned = torch.cat((-wide[..., half:], wide[..., :half]), dim=-1)
    return (wide * cosines[:, None, None] + turned * sines[:, None, None]).to(states.dtype)


def gate(both: torch.Tensor) -> torch.Tensor:
    """silu of the first half of the last side, times the second (Shazeer, arXiv 2002.05202)."""
    first, second = both.chunk(2, dim=-1)
    return functional.silu(first) * second


def _wanted(tensor: torch.Tensor) -> bool:
    return tensor.is_cuda and find_spec("triton") is not None


def run(function: Callable[..., torch.Tensor], *given: torch.Tensor) -> torch.Tensor:
    """The function, compiled where the tensors are on a GPU."""
    name = function.__name__
    if name in failures or not _wanted(given[0]):
        return function(*given)
    if name not in _compiled:
        # Sizes but the first are the model's own: constants make the kernels' address arithmetic cheap.
        _compiled[name] = _torch.compile(function, dynamic=False)
    for tensor in given:
        _torch._dynamo.maybe_mark_dynamic(tensor, 0)
    try:
        return _compiled[name](*given)
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as error:
        # The compiler's errors are RuntimeErrors: no C compiler, a Triton of another version.
        failures[name] = str(error).splitlines()[0]
        return function(*given)
