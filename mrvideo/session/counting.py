"""How many an index holds, in words."""

from __future__ import annotations

from mrvideo.records import Index
from mrvideo.settings import OFFLINE
from mrvideo.wording import counted


def is_offline(index: Index) -> bool:
    """Whether it was made without a model that sees."""
    return str(index.settings.get("vision", "")).partition("/")[0] == OFFLINE


def entities_told(index: Index) -> str:
    """The number of entities; read offline, they are names that were read or heard, and nobody was seen."""
    count = counted(len(index.entities), "entity", "entities")
    return f"{count} known by name, not by sight" if index.entities and is_offline(index) else count
