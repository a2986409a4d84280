"""Parse JSON from outside into data that is safe to process.

A raw line break in a string is read as one. Half a character (a lone surrogate) becomes U+FFFD, a number that
is not finite or longer than any count becomes None, and what is nested deeper than replies are is no JSON at
all.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, cast

DEEPEST = 64
"""Levels of lists and objects; a reply of ours has six."""

_MOST_DIGITS = 18
_COST_OF_DEPTH = 20_000
"""Characters that finding out counts as: the decoder goes down its thousand levels first."""
_HALF = re.compile("[\ud800-\udfff]")


class NotJson(ValueError):
    """The text is not JSON, or nested too deeply. `position` is where parsing stopped."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


def whole_characters(text: str) -> str:
    """The text with U+FFFD in place of each half of a surrogate pair: nothing else can be written as UTF-8."""
    return _HALF.sub("\ufffd", text)


def parse(text: str) -> object:
    """The value that the whole text is. Raises `NotJson`."""
    value, end = parse_at(text, len(text) - len(text.lstrip()))
    if text[end:].strip():
        raise NotJson("more follows", end)
    return value


def parse_at(text: str, start: int) -> tuple[object, int]:
    """The value that begins at `start`, and where it ends. Raises `NotJson`."""
    try:
        value, end = _DECODER.raw_decode(text, start)
    except RecursionError:
        raise NotJson("nested too deep", start + _COST_OF_DEPTH) from None
    except json.JSONDecodeError as error:
        # An open string is told by its start, though it was read to the end.
        open_string = error.msg.startswith("Unterminated string")
        raise NotJson(error.msg, len(text) if open_string else error.pos) from None
    return _plain(value, 0, start), end


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _MOST_DIGITS else None


def _real(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _constant(name: str) -> None:
    """NaN and the infinities are no JSON, and no times either."""


_DECODER = json.JSONDecoder(strict=False, parse_int=_integer, parse_float=_real, parse_constant=_constant)


def _plain(value: Any, depth: int, start: int) -> Any:
    if isinstance(value, str):
        return whole_characters(value)
    if not isinstance(value, dict | list):
        return value
    if depth == DEEPEST:
        raise NotJson("nested too deep", start + _COST_OF_DEPTH)
    if isinstance(value, list):
        return [_plain(item, depth + 1, start) for item in cast("list[Any]", value)]
    fields = cast("dict[str, Any]", value)
    return {whole_characters(name): _plain(item, depth + 1, start) for name, item in fields.items()}
