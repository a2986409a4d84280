"""JSON from servers and files that may hold anything: objects and lists, or empty ones."""

from __future__ import annotations

from typing import Any, cast


def fields(value: object) -> dict[str, Any]:
    """An object's fields; none for anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def entries(value: object) -> list[Any]:
    """A list's entries; none for anything else."""
    return cast("list[Any]", value) if isinstance(value, list) else []
