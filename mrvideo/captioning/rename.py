"""Rewrites captions from a shard's local names to the names of the cast: exact substitution, no model."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Also as a prompt shows a name that it does not list.
_MARK = re.compile(r"[<‹]\s*([A-Za-z]+(?:_[A-Za-z0-9]+)+)\s*[>›]")
_LETTERS = re.compile(r"_[a-z]{1,2}$")
_BARE = re.compile(r"(?<![\w<\x02])([A-Za-z]+(?:_[A-Za-z]+)+)(?![\w>\x03])")


def renamed(text: str, names: Mapping[str, str]) -> str:
    """`<person_a>` becomes `<person_3>` where `names` says so; an unknown mark becomes plain words
    (`person`).

    Every mark is looked up whole and once, so that neither a name inside a name (`person_a` in
    `old_person_a`) nor a new name that equals an old one can be hit. A known name that lost its brackets is
    mended; one that is unknown is left, for it may be a word of the video (`user_id`).
    """

    def mark(match: re.Match[str]) -> str:
        name = match.group(1).lower()
        return f"\x02{names[name]}\x03" if name in names else _words(name)

    def bare(match: re.Match[str]) -> str:
        name = match.group(1)
        return f"\x02{names[name]}\x03" if name in names else name

    text = text.replace("\x02", "").replace("\x03", "")
    return _BARE.sub(bare, _MARK.sub(mark, text)).replace("\x02", "<").replace("\x03", ">")


def marks_in(text: str) -> tuple[str, ...]:
    """The names marked in a text, each once, in order."""
    return tuple(dict.fromkeys(match.group(1).lower() for match in _MARK.finditer(text)))


def _words(name: str) -> str:
    return _LETTERS.sub("", name).replace("_", " ")
