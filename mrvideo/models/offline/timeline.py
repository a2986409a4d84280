"""What was read and heard, in order of time: the one thing that answers are made from."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.words import STOP, TEXT_NOUNS, stem
from mrvideo.schemas.analysis import Analysis, EvidenceLine, SegmentIntentionInputs
from mrvideo.text import LOOKALIKE, holds, likeness, tokens

Channel = Literal["screen", "speech", "picture", "look"]

JOIN_SECONDS = 0.7
"""Sightings of one text closer than this are one: a clip's or a scene's border lies between them."""

PICTURE_SENTENCE = "The picture is mostly"


@dataclass(frozen=True)
class Item:
    """One text over one span: a sign, a line of speech, or a sentence on the picture. `ids` are those of its evidence."""

    start_seconds: float
    stop_seconds: float
    text: str
    channel: Channel
    speaker: str | None = None
    ids: tuple[str, ...] = ()

    @property
    def stems(self) -> frozenset[str]:
        """The words it holds, the speaker's name among them."""
        spoken = tokens(self.speaker) if self.speaker else ()
        return frozenset(stem(word) for word in (*tokens(self.text), *spoken) if word not in STOP)


@dataclass(frozen=True)
class Timeline:
    """Signs, speech, pictures and fresh looks, each in order of time."""

    screen: tuple[Item, ...] = ()
    speech: tuple[Item, ...] = ()
    pictures: tuple[Item, ...] = ()
    looks: tuple[Item, ...] = ()
    stop_seconds: float = 0.0
    weights: dict[str, float] = field(default_factory=dict[str, float])

    @property
    def everything(self) -> tuple[Item, ...]:
        """Signs and speech, in order of time."""
        return tuple(sorted((*self.screen, *self.speech), key=_by_time))

    @property
    def distinct_speakers(self) -> tuple[Item, ...]:
        """The first line of everyone who speaks under a name."""
        return tuple({i.speaker: i for i in reversed(self.speech) if i.speaker}.values())[::-1]

    def of(self, where: str) -> tuple[Item, ...]:
        """The items of `screen`, of `speech`, or of both (`any`)."""
        return self.screen if where == "screen" else self.speech if where == "speech" else self.everything

    def distinct(self, items: Iterable[Item]) -> list[list[Item]]:
        """Sightings of the same text together, in order of first appearance."""
        groups: list[list[Item]] = []
        for item in items:
            group = next((g for g in groups if likeness(g[0].text, item.text) >= LOOKALIKE), None)
            if group is None:
                groups.append([item])
            else:
                group.append(item)
        return groups

    def relevance(self, question: Question, item: Item, *, around: bool = True) -> float:
        """How much of the question's own words the item holds, rare words counting more; 0 to 1."""
        if not question.content:
            return 0.0
        near: frozenset[str] = frozenset()
        if around and item.channel == "speech":
            place = self.speech.index(item)
            near = frozenset(s for other in self.speech[max(place - 1, 0) : place + 2] for s in other.stems)
        total = got = 0.0
        for word in question.content:
            weight = self.weights.get(word, 1.0)
            total += weight
            if word in item.stems:
                got += weight
            elif word in near:
                got += weight / 2
        return got / total if total else 0.0


_NOUN_BEHIND = re.compile(rf"(?<=\S)\s+(?:{'|'.join(TEXT_NOUNS)})$")


def _by_time(item: Item) -> tuple[float, float]:
    return (item.start_seconds, item.stop_seconds)


def timeline_of_segment(inputs: SegmentIntentionInputs) -> Timeline:
    """From a segment's captions and cues."""
    screen = [
        Item(text.start_seconds, text.stop_seconds, text.text, "screen")
        for scene in inputs.scenes
        for text in scene.screen_text
    ]
    speech = [Item(c.start_seconds, c.stop_seconds, c.text, "speech", c.speaker) for c in inputs.cues]
    pictures = [
        Item(scene.start_seconds, scene.stop_seconds, sentence, "picture")
        for scene in inputs.scenes
        if (sentence := picture_sentence(scene.caption))
    ]
    return _timeline(screen, speech, pictures, [], inputs.span.stop_seconds)


def timeline_of_analyses(analyses: Sequence[Analysis]) -> Timeline:
    """From the findings of segments: enough to plan by."""
    speakers = speakers_of(analyses)
    items = [
        _item(f.source, f.quote, f.start_seconds, f.stop_seconds, (), speakers)
        for a in analyses
        for f in a.findings
    ]
    return _sorted_out(items, analyses)


def timeline_of_evidence(evidence: Sequence[EvidenceLine], analyses: Sequence[Analysis]) -> Timeline:
    """From the evidence that may be cited, each item with the ids to cite."""
    speakers = speakers_of(analyses)
    items = [_item(e.source, e.quote, e.start_seconds, e.stop_seconds, (e.id,), speakers) for e in evidence]
    return _sorted_out(items, analyses)


def speakers_of(analyses: Sequence[Analysis]) -> dict[str, str]:
    """Who says which line: segments hand it on as key characters, since a quote holds only the words."""
    return {character.word: character.entity for analysis in analyses for character in analysis.characters}


def picture_sentence(caption: str) -> str | None:
    """The sentence on colours of a caption of ours."""
    if not caption.startswith(PICTURE_SENTENCE):
        return None
    return caption.partition(".")[0] + "."


def _item(
    source: str, quote: str, start: float, stop: float, ids: tuple[str, ...], speakers: dict[str, str]
) -> Item:
    if source == "cue":
        return Item(start, stop, quote, "speech", speakers.get(quote), ids)
    if source == "frame":
        return Item(start, stop, quote, "look", None, ids)
    return Item(start, stop, quote, "picture" if quote.startswith(PICTURE_SENTENCE) else "screen", None, ids)


def _sorted_out(items: Sequence[Item], analyses: Sequence[Analysis]) -> Timeline:
    by = {c: [i for i in items if i.channel == c] for c in ("screen", "speech", "picture", "look")}
    stop = max([*(a.span.stop_seconds for a in analyses), *(i.stop_seconds for i in items)], default=0.0)
    return _timeline(by["screen"], by["speech"], by["picture"], by["look"], stop)


def _timeline(
    screen: Sequence[Item],
    speech: Sequence[Item],
    pictures: Sequence[Item],
    looks: Sequence[Item],
    stop: float,
) -> Timeline:
    heard = tuple(sorted(speech, key=_by_time))
    signs = tuple(_joined(screen))
    counts: dict[str, int] = {}
    for item in (*signs, *heard):
        for word in item.stems:
            counts[word] = counts.get(word, 0) + 1
    weights = {word: 1.0 / (1.0 + math.log(count)) for word, count in counts.items()}
    return Timeline(
        signs, heard, tuple(sorted(pictures, key=_by_time)), tuple(sorted(looks, key=_by_time)), stop, weights
    )


def _joined(items: Sequence[Item]) -> list[Item]:
    """Touching sightings of one text as one item."""
    joined: list[Item] = []
    for item in sorted(items, key=_by_time):
        for place in range(len(joined) - 1, max(len(joined) - 40, -1), -1):
            last = joined[place]
            if (
                item.start_seconds <= last.stop_seconds + JOIN_SECONDS
                and likeness(last.text, item.text) >= LOOKALIKE
            ):
                longer = (
                    last
                    if last.stop_seconds - last.start_seconds >= item.stop_seconds - item.start_seconds
                    else item
                )
                joined[place] = replace(
                    longer,
                    start_seconds=last.start_seconds,
                    stop_seconds=max(last.stop_seconds, item.stop_seconds),
                    ids=(*last.ids, *(i for i in item.ids if i not in last.ids)),
                )
                break
        else:
            joined.append(item)
    return joined


def themselves(items: list[Item], phrase: str) -> list[Item]:
    """Of texts that hold a phrase, those that are nothing else, where there are any: a town's name, not a title with it."""
    return [i for i in items if likeness(i.text, phrase) >= LOOKALIKE] or items


def holding(items: Iterable[Item], phrase: str, *, least: float = 0.85) -> list[Item]:
    """The items that hold a phrase. When some hold it exactly, the near ones are left out.

    `the STOP sign` is the text STOP where no text says "STOP sign".
    """
    items = tuple(items)
    scored = [(holds(item.text, phrase), item) for item in items]
    best = max((score for score, _ in scored), default=0.0)
    if best < least:
        bare = _NOUN_BEHIND.sub("", phrase)
        return holding(items, bare, least=least) if bare != phrase and tokens(bare) else []
    floor = best if best >= 1.0 else least
    return [item for score, item in scored if score >= floor]
