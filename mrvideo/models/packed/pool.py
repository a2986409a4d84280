"""Keys and values of all rows in one pool, each row in a region of its own; no padding, no growth by copying."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from mrvideo.models.packed.attention import Lengths, packed_attention


class KeyValuePool:
    """(layers, tokens, key heads, width) of keys, and of values. Place 0 is scratch: rows at rest write
    there.
    """

    def __init__(
        self, *, layers: int, tokens: int, heads: int, width: int, dtype: torch.dtype, device: torch.device
    ) -> None:
        shape = (layers, tokens, heads, width)
        self.keys = torch.empty(shape, dtype=dtype, device=device)
        self.values = torch.empty(shape, dtype=dtype, device=device)
        self.keys[:, 0] = 0
        self.values[:, 0] = 0
        self.tokens = tokens
        self._free: list[tuple[int, int]] = [(1, tokens - 1)]

    @property
    def free(self) -> int:
        """Tokens in no region."""
        return sum(length for _, length in self._free)

    def take(self, length: int) -> int | None:
        """The start of a region of that many tokens; None where no gap is long enough."""
        for number, (start, gap) in enumerate(self._free):
            if gap >= length:
                self._free[number : number + 1] = [(start + length, gap - length)] if gap > length else []
                return start
        return None

    def give(self, start: int, length: int) -> None:
        """Give a region back; gaps that touch become one."""
        merged: list[tuple[int, int]] = []
        for begin, gap in sorted([*self._free, (start, length)]):
            if merged and sum(merged[-1]) == begin:
                merged[-1] = (merged[-1][0], merged[-1][1] + gap)
            else:
                merged.append((begin, gap))
        self._free = merged

    def copy(self, source: int, target: int, length: int) -> None:
        """Keys and values of one region's beginning to another's, in all layers."""
        for part in (self.keys, self.values):
            part[:, target : target + length] = part[:, source : source + length]


@dataclass(frozen=True)
class PackedStep:
    """One forward pass: where each new token's keys go, and which keys each row sees."""

    pool: KeyValuePool
    write_at: torch.Tensor
    lengths: Lengths

    def attend(
        self, layer: int, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, *, scale: float
    ) -> torch.Tensor:
        """Store the new keys and values, then attend over the rows' regions."""
        keys, values = self.pool.keys[layer], self.pool.values[layer]
        keys.index_copy_(0, self.write_at, key)
        values.index_copy_(0, self.write_at, value)
        return packed_attention(query, keys, values, self.lengths, causal=True, scale=scale)
