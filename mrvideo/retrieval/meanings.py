"""Texts of an index ranked by what they mean: captions by part, texts on screen, and speech by sentence.

    "A car crosses the bridge."     near to   "a jalopy"     which shares no word with it

Chance: how near some queries that hardly any video answers come to their best text. What is nearer than most
of them is told as found.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mrvideo.records import Index, Span
from mrvideo.retrieval.finder import Compared
from mrvideo.retrieval.passages import Line, Passage, passages_of

STRANGE_TEXTS = (
    "a treaty about fishing rights between two kingdoms", "quantum error correction", "pickled herring",
    "how to tune a harpsichord", "a meteorite in the desert", "beekeeping in winter", "a curling stone",
    "the tax return of a lighthouse keeper", "an octopus opens a jar", "volcanic ash on a runway",
    "repairing a church organ", "a camel race", "the rules of backgammon", "glass blowing", "a solar eclipse",
    "somebody knits a sock on a submarine", "fossils of ammonites", "a fencing duel in the rain",
    "cheese is smuggled over a border", "a lecture on medieval land law",
)  # fmt: skip
"""Queries of few and of many words. A video may well be about one or two of them."""

_ANSWERED_BY_A_VIDEO = 2
_QUOTED_CHARACTERS = 240

_SENTENCE_ENDS = re.compile(r"[.!?…。！？][\"'”’»)\]]*$")
_MARK = re.compile(r"<([^<>\s]+?)(?:_\d+)?>")


@dataclass(frozen=True)
class Meaning:
    """A text that is compared, and its digest; `quote` is how it stands in the index, shortened."""

    span: Span
    digest: str
    text: str
    quote: str


def meanings_of(index: Index) -> tuple[Meaning, ...]:
    """What of an index is compared by meaning. Names that a user gives its people change none of it."""
    return tuple(meaning for passage in passages_of(index) for meaning in _meanings(passage))


def _meanings(passage: Passage) -> Iterator[Meaning]:
    parts = _sentences(passage.lines) if passage.source == "speech" else [passage.lines]
    for lines in parts:
        quote = " ".join(line.text for line in lines)
        # `<person_3>` is no word of a language, and who is the third may change.
        text = " ".join(_MARK.sub(lambda mark: mark[1].replace("_", " "), quote).split())
        if any(letter.isalnum() for letter in text):
            span = Span(lines[0].span.start_seconds, max(line.span.stop_seconds for line in lines))
            yield Meaning(span, hashlib.sha256(text.encode()).hexdigest(), text, _shortened(quote))


def _sentences(lines: Sequence[Line]) -> Iterator[tuple[Line, ...]]:
    """Cues up to one that ends a sentence; all of them where none does."""
    sentence: list[Line] = []
    for line in lines:
        sentence.append(line)
        if _SENTENCE_ENDS.search(line.text.rstrip()):
            yield tuple(sentence)
            sentence = []
    if sentence:
        yield tuple(sentence)


def _shortened(text: str) -> str:
    if len(text) <= _QUOTED_CHARACTERS:
        return text
    return f"{text[:_QUOTED_CHARACTERS].rsplit(' ', 1)[0]} …"


def chance_of(best_scores: Sequence[float]) -> float:
    """How near a query comes by chance, from the best score of each strange one: all but a few, which the
    videos may be about.
    """
    ordered = sorted(best_scores, reverse=True)
    return ordered[min(_ANSWERED_BY_A_VIDEO, len(ordered) - 1)] if ordered else 1.0


def ranked(found: Sequence[tuple[str, Meaning, float]], *, chance: float) -> list[Compared]:
    """Texts with their video and score, best first, each told apart from chance."""
    told = [
        Compared(video, meaning.span, score, above_chance=score > chance, quote=meaning.quote)
        for video, meaning, score in found
    ]
    return sorted(told, key=lambda one: (-one.score, one.video, one.span.start_seconds))
