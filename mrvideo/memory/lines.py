"""Nodes as requests list them, and how a few of many are chosen for that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from mrvideo.memory.tree import Fact, Node, Sentence
from mrvideo.schemas.memory import FactReply, NodeLine, SentenceReply

MOST_SCENES_OF_FACT, MOST_SCENES_OF_SENTENCE = 16, 48

V = TypeVar("V")


def node_line(node: Node, *, summary: Sequence[Sentence], facts: Sequence[Fact]) -> NodeLine:
    """A node with so much of its summary and facts as is told."""
    return NodeLine(
        name=node.name,
        start_seconds=node.start_seconds,
        stop_seconds=node.stop_seconds,
        title=node.title,
        summary=tuple(SentenceReply(text=s.text, scenes=s.scenes[:MOST_SCENES_OF_SENTENCE]) for s in summary),
        facts=tuple(
            FactReply(text=f.text, kind=f.kind, scenes=f.scenes[:MOST_SCENES_OF_FACT]) for f in facts
        ),
    )


def evenly(items: Sequence[V], most: int) -> tuple[V, ...]:
    """At most so many, spread from first to last."""
    if len(items) <= most:
        return tuple(items)
    if most <= 1:
        return tuple(items[: max(most, 0)])
    return tuple(items[i * (len(items) - 1) // (most - 1)] for i in range(most))
