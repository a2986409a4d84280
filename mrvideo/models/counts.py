"""Check the token counts that a server reports against our own estimate, because costs and budgets depend on
them.

A missing or unusable number (null, zero, negative, text) is replaced by our estimate. One far outside what
the request can have taken is clamped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

from mrvideo.records import Usage

_MOST_CHARACTERS = 16
"""In one token, on average over a text: four are usual."""

_IMAGE_FACTOR = 20
"""The same of images: some models see one in 64 tokens, others cut it into tiles of hundreds each."""

_TEMPLATE_TOKENS = 4096
"""What a chat template may add of its own."""

UNBOUNDED_OUTPUT = 262_144
"""What a reply may take where no bound was sent."""


def count_of(value: object) -> int | None:
    """A positive whole number, also as text or float; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and len(value) < 16:
        try:
            value = float(value)
        except ValueError:
            return None
    if isinstance(value, float) and value == value and abs(value) < 1e15:
        value = round(value)
    return value if isinstance(value, int) and value > 0 else None


def checked_usage(
    counted: object,
    own: Callable[[], Usage],
    *,
    sent_characters: int,
    image_tokens: int,
    reply_characters: int,
    most_output: int,
) -> Usage:
    """The usage of one call, without its cost. `own` computes our estimate, where the server's count is
    unusable.

    `sent_characters` is the request as JSON without pictures, `image_tokens` our count of those,
    `most_output` the bound that was sent.
    """
    fields = _mapping(counted)
    least_input = sent_characters // _MOST_CHARACTERS + image_tokens // _IMAGE_FACTOR
    most_input = sent_characters + image_tokens * _IMAGE_FACTOR + _TEMPLATE_TOKENS
    input_tokens = _first(fields, "prompt_tokens", "input_tokens")
    output_tokens = _first(fields, "completion_tokens", "output_tokens")
    if input_tokens is None or input_tokens < least_input:
        input_tokens = own().input_tokens
    if output_tokens is None or output_tokens < reply_characters // _MOST_CHARACTERS:
        output_tokens = own().output_tokens
    input_tokens = min(input_tokens, most_input)
    # Thoughts that are not shown count too, up to the bound; a character is at most four tokens.
    output_tokens = min(output_tokens, max(most_output, 4 * reply_characters))
    details = _mapping(fields.get("prompt_tokens_details") or fields.get("input_tokens_details"))
    cached = count_of(details.get("cached_tokens")) or 0
    return Usage(
        calls=1,
        input_tokens=input_tokens,
        cached_tokens=min(cached, input_tokens),
        output_tokens=output_tokens,
    )


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _first(fields: Mapping[str, object], *names: str) -> int | None:
    return next((found for name in names if (found := count_of(fields.get(name))) is not None), None)
