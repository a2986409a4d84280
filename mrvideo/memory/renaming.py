"""A memory under the names of a cast that was put right: exact rename, scene by scene. No model is called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from mrvideo.captioning.rename import marks_in, renamed
from mrvideo.memory.tree import Fact, Memory, Node, Sentence

Became: TypeAlias = Sequence[Mapping[str, frozenset[str]]]
"""For each scene, by position: former name → the names that it has become there."""

T = TypeVar("T", Fact, Sentence)


def renamed_memory(memory: Memory, key: str, became: Became) -> Memory:
    """The memory with each name as the scenes that bear it out have it now, under the key that it has then.

    Where such scenes differ, as after a split, the former name is kept if any of them has it still, else the
    first is taken.
    """
    levels = tuple(tuple(_node(node, became) for node in level) for level in memory.levels)
    return memory.model_copy(update={"key": key, "levels": levels})


def _node(node: Node, became: Became) -> Node:
    scenes = range(node.first_scene, node.last_scene + 1)
    names = [now for name in node.entity_names for now in sorted(_all(name, scenes, became))]
    return node.model_copy(
        update={
            "title": _text(node.title, scenes, became),
            "summary": tuple(_item(one, became) for one in node.summary),
            "facts": tuple(_item(one, became) for one in node.facts),
            "entity_names": tuple(dict.fromkeys(names)),
        }
    )


def _item(item: T, became: Became) -> T:
    return item.model_copy(update={"text": _text(item.text, item.scenes, became)})


def _text(text: str, scenes: Iterable[int], became: Became) -> str:
    names: dict[str, str] = {}
    where = tuple(scenes)
    for name in marks_in(text):
        found = _all(name, where, became)
        names[name] = name if name in found else min(found)
    return renamed(text, names) if any(name != now for name, now in names.items()) else text


def _all(name: str, scenes: Iterable[int], became: Became) -> frozenset[str]:
    found = frozenset[str]().union(
        *(became[place].get(name, frozenset()) for place in scenes if place < len(became))
    )
    return found or frozenset((name,))
