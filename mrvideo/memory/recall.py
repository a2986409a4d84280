"""Scenes whose words a question shares: where a walk begins that summaries alone could lead astray."""

from __future__ import annotations

from collections.abc import Sequence

from mrvideo.memory.evidence import Leaf
from mrvideo.records import Entity
from mrvideo.retrieval.words import WordIndex, sampled_language
from mrvideo.text import times_in


class Recall:
    """The scenes' captions, texts and cues by their words. Rare words weigh more; people are found by their
    names too.
    """

    def __init__(self, leaves: Sequence[Leaf], entities: Sequence[Entity]) -> None:
        self._leaves = leaves
        self._called = {e.display_name.casefold(): e.name for e in entities if e.display_name}
        texts = [" ".join(leaf.texts) for leaf in leaves]
        self._words = WordIndex(
            texts, [sampled_language(texts)] * len(texts), tags=[leaf.scene.entity_names for leaf in leaves]
        )

    def places(self, text: str, most: int) -> list[int]:
        """Positions of the scenes that share most with a text, best first, and first those at the times that
        it names.
        """
        times = times_in(text)
        named = [
            place
            for place, leaf in enumerate(self._leaves)
            if any(leaf.scene.start_seconds <= time < leaf.scene.stop_seconds for time in times)
        ]
        folded = text.casefold()
        people = [name for called, name in self._called.items() if called in folded]
        ranked = [match.place for match in self._words.rank(text, tags=people)]
        return list(dict.fromkeys([*named, *ranked]))[:most]
