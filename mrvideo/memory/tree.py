"""The tree: scenes below, chapters above them, and nodes above these up to one root.

level 3                 root
level 2        0                  1
level 1    0   1   2          3   4   5          chapters: 8 to 16 scenes each
scenes    |||| |||| ||||     |||| |||| ||||
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Literal, TypeAlias

from pydantic import Field

from mrvideo.records import Failure, Record, Spanned, Usage

FactKind: TypeAlias = Literal["event", "text", "speech", "quantity"]
"""What is told: somebody does something; a text stands on screen; something is said; a number."""


class Sentence(Record):
    """A sentence of a summary and the indexes of the scenes that bear it out."""

    text: str
    scenes: tuple[int, ...]


class Fact(Record):
    """One thing that matters, and the indexes of the scenes that bear it out."""

    text: str
    kind: FactKind = "event"
    scenes: tuple[int, ...]


class Node(Spanned):
    """Consecutive scenes (level 1: a chapter), or consecutive nodes of the level below, under one title and
    summary.

    `children` are positions in the level below; a chapter has none: its scenes are `first_scene` to
    `last_scene`, positions in the index's scenes. `failed` says why its words are those of scenes as they
    stand, where a model could not word it.
    """

    level: int = Field(ge=1)
    position: int = Field(ge=0)
    first_scene: int = Field(ge=0)
    last_scene: int = Field(ge=0)
    title: str
    summary: tuple[Sentence, ...] = ()
    entity_names: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    children: tuple[int, ...] = ()
    failed: str = ""

    @property
    def name(self) -> str:
        """Unique within a memory: `1.12`, level and position."""
        return f"{self.level}.{self.position}"

    @property
    def text(self) -> str:
        """The summary's sentences in a row."""
        return " ".join(sentence.text for sentence in self.summary)


class Memory(Record):
    """A whole tree: `levels[0]` are the chapters, the last level is the root alone. Without scenes there are
    no levels.

    `key` names all that it hangs on. `dropped` counts facts and sentences of replies that no scene bears out.
    """

    key: str
    levels: tuple[tuple[Node, ...], ...] = ()
    dropped: int = 0
    failures: tuple[Failure, ...] = ()
    usage: Usage = Usage()
    made_by: str = ""

    @property
    def chapters(self) -> tuple[Node, ...]:
        """The nodes right above the scenes, in order."""
        return self.levels[0] if self.levels else ()

    @property
    def root(self) -> Node | None:
        """The node over the whole video; None without scenes."""
        return self.levels[-1][0] if self.levels else None

    def children_of(self, node: Node) -> tuple[Node, ...]:
        """The nodes of the level below that a node stands for; none of a chapter."""
        below = self.levels[node.level - 2] if node.level > 1 else ()
        return tuple(below[place] for place in node.children)

    def chapters_of(self, node: Node) -> tuple[Node, ...]:
        """The chapters that a node stands for: a chapter stands for itself."""
        return tuple(c for c in self.chapters if node.first_scene <= c.first_scene <= node.last_scene)

    @cached_property
    def chapter_of_scene(self) -> dict[int, int]:
        """Position of a scene → position of its chapter."""
        return {
            place: chapter.position
            for chapter in self.chapters
            for place in range(chapter.first_scene, chapter.last_scene + 1)
        }

    def widest(self, most: int) -> tuple[Node, ...]:
        """The lowest level with no more than `most` nodes, or nothing without scenes."""
        return next((level for level in self.levels if len(level) <= most), ())

    def walk(self) -> Iterator[Node]:
        """Every node, the root first, then level by level."""
        for level in reversed(self.levels):
            yield from level


def cited(items: Iterable[Fact | Sentence]) -> tuple[int, ...]:
    """The scenes that any of them cites, in order."""
    return tuple(sorted({scene for item in items for scene in item.scenes}))
