"""Whether scenes bear a sentence out: code looks, since a model may cite what does not say so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mrvideo.records import Cue, Index, Scene
from mrvideo.text import Language, holds, language_of, placed_words

LEAST_SHARE = 0.4
"""Of a sentence's words that mean something, so many stand in the scenes that it cites: the rest are a
model's own words for it.
"""

LEAST_HELD = 0.8
"""How much of a text in quotation marks must stand in a scene."""

_NAME = re.compile(r"<([a-z]+(?:_[a-z]+)*_\d+)>")
_QUOTED = re.compile(r"[\"“«]([^\"”»]{2,})[\"”»]")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")


@dataclass(frozen=True)
class Leaf:
    """A scene and the cues that begin while it lasts; those before the first scene are the first one's."""

    scene: Scene
    cues: tuple[Cue, ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """All that was seen, read and heard of it."""
        return (
            self.scene.detailed,
            self.scene.brief,
            *(part.text for part in self.scene.parts),
            *(sighting.text for sighting in self.scene.sightings),
            *(f"{cue.speaker or ''} {cue.text}" for cue in self.cues),
        )


def leaves_of(index: Index) -> tuple[Leaf, ...]:
    """The scenes with their cues, in order. A video without scenes has one for each minute in which something
    is said.
    """
    scenes = sorted(index.scenes, key=lambda scene: scene.start_seconds)
    cues = sorted(index.cues, key=lambda cue: cue.start_seconds)
    if not scenes:
        return _heard(cues)
    leaves: list[Leaf] = []
    position = 0
    for place, scene in enumerate(scenes):
        until = scenes[place + 1].start_seconds if place + 1 < len(scenes) else float("inf")
        first = position
        while position < len(cues) and cues[position].start_seconds < until:
            position += 1
        leaves.append(Leaf(scene, tuple(cues[first:position])))
    return tuple(leaves)


def _heard(cues: Sequence[Cue]) -> tuple[Leaf, ...]:
    minutes: dict[int, list[Cue]] = {}
    for cue in cues:
        minutes.setdefault(int(cue.start_seconds // 60), []).append(cue)
    return tuple(
        Leaf(
            Scene(
                index=place,
                start_seconds=own[0].start_seconds,
                stop_seconds=max(cue.stop_seconds for cue in own),
                brief="",
                detailed="",
            ),
            tuple(own),
        )
        for place, own in enumerate(minutes.values())
    )


def borne_out(
    text: str, leaves: Iterable[Leaf], *, language: Language | None = None, loosely: bool = False
) -> bool:
    """Whether these scenes say so: every name, number and quotation of it, and enough of its other words.

    `language` is that of the captions, told from these scenes where not given. `loosely`: half as many other
    words will do, as for steps, which are worded as orders. Texts of scripts that are written without spaces
    are held to names, numbers and quotations alone.
    """
    held = [line for leaf in leaves for line in leaf.texts if line.strip()]
    body = " \n".join(held)
    if not body.strip():
        return False
    if (
        set(_NAME.findall(text))
        - set(_NAME.findall(body))
        - {name for leaf in leaves for name in leaf.scene.entity_names}
    ):
        return False
    bare = _NAME.sub(" ", text)
    if set(_NUMBER.findall(bare)) - set(_NUMBER.findall(body)):
        return False
    if any(max(holds(line, quote) for line in held) < LEAST_HELD for quote in _QUOTED.findall(bare)):
        return False
    language = language or language_of(body)
    words = language.stems(_NAME.sub(" ", bare))
    if not words or not _spaced(bare):
        return True
    found = language.stems(_NAME.sub(" ", body))
    return len(words & found) >= LEAST_SHARE * len(words) * (0.5 if loosely else 1.0)


def _spaced(text: str) -> bool:
    """Whether its words stand apart: the stems of others are single signs."""
    words = placed_words(text)
    return bool(words) and sum(len(word) for word, _, _ in words) / len(words) >= 2
