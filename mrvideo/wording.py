"""What people and programs are shown: stages in words, text made safe for a terminal, counted nouns, rounded
numbers in JSON.
"""

from __future__ import annotations

import hashlib
import json
import re
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
    "embed": "comparing pictures",
    "embed_text": "comparing meaning",
    "describe": "wording what is looked for",
    "memory": "writing chapters",
    "walk": "choosing chapters",
    "tell": "telling",
    "read_facts": "reading facts",
    "total": "total",
}

QUERY_MARK = "hidden"
"""Stands for an address's query where it is shown or kept: `?hidden=`, and eight digits that change with the
query.
"""
_HIDDEN = re.compile(rf"{QUERY_MARK}=[0-9a-f]{{8}}")
_ADDRESS = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://[^\s<>\"'`]+")


def is_url(path: str) -> bool:
    """Whether the text names something to fetch: `scheme://…` (a Windows drive is not a scheme)."""
    scheme, separator, _ = path.partition("://")
    return bool(separator) and len(scheme) > 1 and scheme.replace("+", "").isalnum()


def without_secrets(path: str) -> str:
    """An address without what may hold a secret: user, password, query and fragment. Other paths as they are."""
    if not is_url(path):
        return path
    scheme, _, rest = path.partition("://")
    place, _, query = rest.partition("#")[0].partition("?")
    host, slash, folder = place.partition("/")
    shown = f"{scheme}://{host.rpartition('@')[2]}{slash}{folder}"
    if not query:
        return shown
    if _HIDDEN.fullmatch(query):
        return f"{shown}?{query}"
    return f"{shown}?{QUERY_MARK}={hashlib.sha256(query.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def with_bare_addresses(text: str) -> str:
    """A message whose addresses are shown without users, passwords and queries."""
    return _ADDRESS.sub(_bare, text) if "://" in text else text


def shown_setting(value: object) -> str:
    """A setting's value as text that may be shown: without what an address may hold of secrets."""
    return with_bare_addresses(without_secrets(str(value)))


def _bare(found: re.Match[str]) -> str:
    address = found[0].rstrip(".,;:!)")
    if "?" not in address and "@" not in address:
        return found[0]
    return without_secrets(address) + found[0][len(address) :]


def printable(text: str) -> str:
    """The text with control characters (ANSI escapes, line breaks, bells, bidirectional overrides) as spaces."""
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)


def plain(text: str) -> str:
    """`printable`, without spaces at its ends."""
    return printable(text).strip()


def json_line(value: Any, *, indent: int | None = None, separators: tuple[str, str] | None = None) -> str:
    """JSON whose strings hold no character that could drive a terminal: controls and marks of direction are
    escaped.
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == "\n" else json.dumps(c)[1:-1] for c in text)


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """`1 scene`, `2 scenes`, `1,200 scenes`; `plural` where it is not the noun and an s."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def rounded(value: Any) -> Any:
    """JSON data with times (`…seconds…`, `…_times`, `t_…`) to the millisecond and money (`…cost…`) to the
    millionth of a dollar.

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
