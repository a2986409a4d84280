"""What people and programs are shown: stages in words, text made safe for a terminal, counted nouns, rounded numbers in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

TIME_DECIMALS = 3
"""A millisecond: less than any frame lasts."""
MONEY_DECIMALS = 6
"""A millionth of a dollar: less than any call costs."""


_STAGES = {
    "videos": "videos",
    "open": "opening",
    "decode": "decoding",
    "sound": "decoding sound",
    "download": "downloading, MB",
    "speech": "transcribing speech",
    "split": "finding scenes",
    "caption": "captioning",
    "merge": "joining scenes",
    "characters": "describing characters",
    "cast": "matching characters",
    "names": "finding names",
    "segment_intention": "reading captions",
    "reduce_intentions": "summarising",
    "global_intention": "planning",
    "goals": "choosing what to look at",
    "look": "looking",
    "look_local": "looking again",
    "look_global": "looking over all of it",
    "answer": "answering",
    "verify": "checking",
    "total": "total",
}


def plain(text: str) -> str:
    """The text with control characters (ANSI escapes, line breaks, bells, bidirectional overrides) as spaces."""
    return "".join(c if c.isprintable() else " " for c in text).strip()


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 scene`, `2 scenes`, `1,200 scenes`; `plural` where it is not the noun and an s."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def rounded(value: Any) -> Any:
    """JSON data with times (`…seconds…`, `…_times`, `t_…`) to the millisecond and money (`…cost…`) to the millionth of a dollar.

    Other numbers are left alone. Only for what is shown: what is kept keeps all its digits.
    """
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {name: _rounded_to(inner, _decimals_of(name)) for name, inner in items}
    if isinstance(value, list | tuple):
        return [rounded(inner) for inner in cast("list[Any]", value)]
    return value


def _decimals_of(name: str) -> int | None:
    if "cost" in name:
        return MONEY_DECIMALS
    if "seconds" in name or name.endswith("_times") or name in ("t_start", "t_end"):
        return TIME_DECIMALS
    return None


def _rounded_to(value: Any, decimals: int | None) -> Any:
    if decimals is None:
        return rounded(value)
    if isinstance(value, float):
        return round(value, decimals)
    if isinstance(value, list | tuple):
        return [_rounded_to(inner, decimals) for inner in cast("list[Any]", value)]
    return rounded(value)


def stage_label(stage: str) -> str:
    """What is being done, in words: `segment_intention` is "reading captions"."""
    return _STAGES.get(stage, stage.replace("_", " "))
