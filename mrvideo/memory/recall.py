"""Scenes whose words a question shares: where a walk begins that summaries alone could lead astray."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence

from mrvideo.memory.evidence import Leaf
from mrvideo.records import Entity
from mrvideo.text import Language, language_of, times_in


class Recall:
    """An inverted index over the scenes' captions, texts and cues. Rare words weigh more; people are found by their names too."""

    def __init__(self, leaves: Sequence[Leaf], entities: Sequence[Entity]) -> None:
        self._leaves = leaves
        sample = " ".join(" ".join(leaf.texts) for leaf in leaves[:: max(len(leaves) // 50, 1)])
        self._language: Language = language_of(sample)
        self._called = {e.display_name.casefold(): e.name for e in entities if e.display_name}
        self._holding: dict[str, list[int]] = defaultdict(list)
        self._sizes: list[int] = []
        for place, leaf in enumerate(leaves):
            words = self._words(" ".join(leaf.texts)) | set(leaf.scene.entity_names)
            self._sizes.append(len(words))
            for word in words:
                self._holding[word].append(place)

    def places(self, text: str, most: int) -> list[int]:
        """Positions of the scenes that share most with a text, best first, and first those at the times that it names."""
        times = times_in(text)
        named = [
            place
            for place, leaf in enumerate(self._leaves)
            if any(leaf.scene.start_seconds <= time < leaf.scene.stop_seconds for time in times)
        ]
        scores: Counter[int] = Counter()
        for word in self._asked(text):
            holding = self._holding.get(word, [])
            # Much as in BM25: what most scenes hold tells none of them.
            weight = math.log(1 + len(self._leaves) / (len(holding) + 0.5))
            for place in holding:
                scores[place] += weight  # pyright: ignore[reportArgumentType]
        average = sum(self._sizes) / max(len(self._sizes), 1)
        ranked = sorted(
            scores,
            key=lambda place: (-scores[place] / (1 + 0.2 * self._sizes[place] / (average or 1)), place),
        )
        return list(dict.fromkeys([*named, *ranked]))[:most]

    def _asked(self, text: str) -> set[str]:
        words = self._words(text)
        folded = text.casefold()
        return words | {name for called, name in self._called.items() if called in folded}

    def _words(self, text: str) -> set[str]:
        return set(self._language.stems(text))
