"""Whom of the cast a text names: by an entity's name, or by the name that people call it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mrvideo.agents.ask.state import Context
from mrvideo.records import Entity

_NAME = r"[a-z]+(?:_[a-z]+)*_\d+"
_RANGE = re.compile(r"<?([a-z]+(?:_[a-z]+)*)_(\d+)>?\s*(?:to|through|until|[-–—])\s*<?\1_(\d+)>?")
_LONGEST_RANGE = 40


def names_in(text: str) -> list[str]:
    """Entity names in a text, with or without their marks; `person_1 to person_4` names four."""
    names: dict[str, None] = {}
    ranges = {match.start(): match for match in _RANGE.finditer(text)}
    for match in re.finditer(_NAME, text):
        span = ranges.get(match.start()) or ranges.get(match.start() - 1)
        if span is not None:
            first, last = int(span[2]), int(span[3])
            names.update(
                {f"{span[1]}_{n}": None for n in range(first, min(last, first + _LONGEST_RANGE) + 1)}
            )
        names[match[0]] = None
    return list(names)


def without_marks(text: str) -> str:
    """A text without the marks of entities."""
    return re.sub(rf"<{_NAME}>", " ", text)


def entities_named(context: Context, texts: Sequence[str]) -> list[Entity]:
    """Those of the cast whom the texts name, by entity name or by the name that people call them, in order."""
    by_name = {e.name: e for e in context.index.entities}
    called = {e.display_name.casefold(): e.name for e in context.index.entities if e.display_name}
    found: dict[str, None] = {}
    for text in texts:
        found.update(dict.fromkeys(names_in(text)))
        folded = text.casefold()
        found.update({name: None for known, name in called.items() if _says(folded, known)})
    return [by_name[name] for name in found if name in by_name]


def _says(folded: str, known: str) -> bool:
    """Whether a text says a name as a word; scripts without spaces have no such borders."""
    return bool(re.search(rf"\b{re.escape(known)}\b", folded)) if known.isascii() else known in folded
