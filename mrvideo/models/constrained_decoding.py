"""Constrained decoding: tokens that would violate a JSON schema are masked out (llguidance).

Without llguidance, replies are parsed leniently and repaired, as for a server without schema support.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from pydantic import BaseModel
from torch.nn import functional
from transformers import LogitsProcessor, PreTrainedTokenizerFast

from mrvideo.models.schema import strict_schema


def can_hold(tokenizer: Any) -> bool:
    """Whether llguidance is installed and reads this tokenizer."""
    return find_spec("llguidance") is not None and isinstance(tokenizer, PreTrainedTokenizerFast)


class SchemaMasks:
    """One matcher for each slot that is held to a schema; a slot without one allows every token."""

    def __init__(self, tokenizer: Any, *, slots: int, device: torch.device) -> None:
        # Not llguidance.torch: it compiles a kernel when it is imported, which takes seconds and warns.
        import llguidance
        import llguidance.numpy

        self._vocabulary = vocabulary(tokenizer)
        self._executor = _executor()
        self._matchers: dict[int, Any] = {}
        words = llguidance.numpy.get_bitmask_shape(slots, self._vocabulary.vocab_size)[1]
        self._bits = torch.full((slots, words), -1, dtype=torch.int32, pin_memory=device.type == "cuda")
        self._numpy: np.ndarray[Any, Any] = self._bits.numpy()
        self._shifts = torch.arange(32, dtype=torch.int32, device=device)
        self._device = device

    def hold(self, slot: int, reply_type: type[BaseModel]) -> None:
        """Hold a slot's next tokens to that schema."""
        import llguidance

        self._matchers[slot] = llguidance.LLMatcher(self._vocabulary, grammar(reply_type))

    def move(self, source: int, target: int) -> None:
        """A row changes its slot. Its bits are worked out anew: the old ones may still be on their way to the
        device.
        """
        if source in self._matchers:
            self._matchers[target] = self._matchers.pop(source)

    def release(self, slot: int) -> None:
        """The slot's row has ended."""
        self._matchers.pop(slot, None)

    def accept(self, slot: int, token: int) -> bool:
        """Take in the slot's token. Whether the reply is complete: nothing may follow it."""
        matcher = self._matchers.get(slot)
        if matcher is None:
            return False
        if not matcher.is_stopped():
            matcher.consume_token(token)
        return matcher.is_stopped()

    def fill(self, slots: list[int]) -> None:
        """Work out which tokens may come next in these slots."""
        import llguidance.numpy

        held = [(self._matchers[slot], slot) for slot in slots if slot in self._matchers]
        if held:
            llguidance.numpy.fill_next_token_bitmask_par(self._executor, held, self._numpy)

    def apply(self, scores: torch.Tensor, slots: torch.Tensor | slice) -> torch.Tensor:
        """The scores (rows, vocabulary) with what may not come at minus infinity; `slots` says whose row is
        whose.
        """
        if not self._matchers:
            return scores
        bits = self._bits[slots].to(self._device, non_blocking=True)
        allowed = ((bits.unsqueeze(-1) >> self._shifts) & 1).bool().flatten(1)
        # Some models have more outputs than their tokenizer has tokens: those are padding, and never chosen.
        width = min(allowed.shape[1], scores.shape[1])
        allowed = functional.pad(allowed[:, :width], (0, scores.shape[1] - width))
        return scores.masked_fill(~allowed, float("-inf"))


class HeldToSchemas(LogitsProcessor):
    """Masks each row's next token by its own schema. For one call of `generate`, from the prompt's end on."""

    def __init__(
        self, tokenizer: Any, reply_types: Sequence[type[BaseModel]], prompt_tokens: int, device: torch.device
    ) -> None:
        self._masks = SchemaMasks(tokenizer, slots=len(reply_types), device=device)
        for row, reply_type in enumerate(reply_types):
            self._masks.hold(row, reply_type)
        self._seen = prompt_tokens

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """The scores with every token that the schemas rule out at minus infinity."""
        new: list[list[int]] = input_ids[:, self._seen :].tolist()
        for row, tokens in enumerate(new):
            for token in tokens:
                self._masks.accept(row, token)
        self._seen = input_ids.shape[1]
        self._masks.fill(list(range(len(new))))
        return self._masks.apply(scores, slice(None))


@cache
def _executor() -> Any:
    """The threads that work on the rows' masks."""
    import llguidance

    return llguidance.LLExecutor()


@cache
def grammar(reply_type: type[BaseModel]) -> str:
    """The schema's grammar, in llguidance's form."""
    import llguidance

    # Free white space lets a weak model pad for ever.
    options = {"whitespace_flexible": False}
    schema = json.dumps(strict_schema(reply_type))
    return llguidance.LLMatcher.grammar_from_json_schema(schema, overrides=options)  # pyright: ignore[reportArgumentType]


_VOCABULARIES: dict[int, tuple[Any, Any]] = {}


def vocabulary(tokenizer: Any) -> Any:
    """The tokenizer's vocabulary, in llguidance's form.

    Takes about a second for a large one; kept with its tokenizer, so that the id stays its own.
    """
    import llguidance.hf

    if id(tokenizer) not in _VOCABULARIES:
        _VOCABULARIES[id(tokenizer)] = (tokenizer, llguidance.hf.from_tokenizer(tokenizer))
    return _VOCABULARIES[id(tokenizer)][1]
