"""Constrained decoding: tokens that would violate a JSON schema are masked out (llguidance).

Without llguidance, replies are parsed leniently and repaired, as for a server without schema support.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from typing import Any

import torch
from pydantic import BaseModel
from transformers import LogitsProcessor, PreTrainedTokenizerFast

from mrvideo.models.schema import strict_schema


def can_hold(tokenizer: Any) -> bool:
    """Whether llguidance is installed and reads this tokenizer."""
    return find_spec("llguidance") is not None and isinstance(tokenizer, PreTrainedTokenizerFast)


class HeldToSchemas(LogitsProcessor):
    """Masks each row's next token by its own schema. For one call of `generate`, from the prompt's end on."""

    def __init__(self, tokenizer: Any, reply_types: Sequence[type[BaseModel]], prompt_tokens: int) -> None:
        # Not llguidance.torch: it compiles a kernel when it is imported, which takes seconds and warns.
        import llguidance
        import llguidance.numpy

        self._vocabulary = vocabulary(tokenizer)
        self._matchers = [llguidance.LLMatcher(self._vocabulary, grammar(kind)) for kind in reply_types]
        self._seen = prompt_tokens
        self._mask = llguidance.numpy.allocate_token_bitmask(len(reply_types), self._vocabulary.vocab_size)
        self._bits = torch.arange(32, dtype=torch.int32)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """The scores with every token that the schemas rule out at minus infinity."""
        import llguidance.numpy

        for row, tokens in enumerate(input_ids[:, self._seen :].tolist()):
            matcher = self._matchers[row]
            if tokens and not matcher.is_stopped():
                matcher.consume_tokens(tokens)
            llguidance.numpy.fill_next_token_bitmask(matcher, self._mask, row)
        self._seen = input_ids.shape[1]
        mask = torch.as_tensor(self._mask).to(scores.device)
        allowed = ((mask.unsqueeze(-1) >> self._bits.to(scores.device)) & 1).bool().flatten(1)
        # Some models have more outputs than their tokenizer has tokens: those rows are padding.
        ruled_out = torch.ones_like(scores, dtype=torch.bool)
        width = min(allowed.shape[1], scores.shape[1])
        ruled_out[:, :width] = ~allowed[:, :width]
        return scores.masked_fill(ruled_out, float("-inf"))


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
