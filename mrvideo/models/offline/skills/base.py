"""What every skill is made of: a match of a question, and where the texts that it names stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mrvideo.models.offline.question import Channel, Question, Run
from mrvideo.models.offline.timeline import Item, Timeline, holding
from mrvideo.text import LOOKALIKE, Language, holds, likeness, tokens

AT_ONCE_SECONDS = 0.3
LEAST_CLAUSE = 0.6
"""Share of a clause's words that a line must hold to be what it means: `after Tom talks about Bergen`."""


@dataclass(frozen=True)
class Match:
    """A question that a skill can answer: of which channel, about which texts, which of several, in which
    relation to them.
    """

    question: Question
    channel: Channel = "any"
    anchors: tuple[str, ...] = ()
    ordinal: int = 0
    relation: str = ""


@dataclass(frozen=True)
class Found:
    """Where a text that a question names stands. `exact`: it holds all its words."""

    items: tuple[Item, ...] = ()
    exact: bool = False


def joined(runs: Sequence[Run]) -> tuple[str, ...]:
    """Runs as one anchor; quotations stay apart."""
    if any(run.quoted for run in runs):
        return tuple(run.text for run in runs if run.quoted)
    return (" ".join(run.text for run in runs),) if runs else ()


def find(timeline: Timeline, anchor: str, channel: Channel, *, spoken_first: bool = False) -> Found:
    """By its very words on screen or in speech, whichever is asked for; of `any`, on screen first; else by
    stems.
    """
    pools = [timeline.of(channel)] if channel != "any" else [timeline.screen, timeline.speech]
    pools = pools[::-1] if spoken_first else pools
    for pool in pools:
        if items := themselves(holding(pool, anchor), anchor):
            return Found(tuple(items), exact=True)
    stems = timeline.language.stems(anchor)
    for pool in pools:
        if items := [i for i in pool if stems and stems <= timeline.stems(i)]:
            return Found(tuple(items), exact=True)
    return Found()


def find_clause(timeline: Timeline, anchor: str, channel: Channel) -> Found:
    """As `find`; else the lines that hold most of its words."""
    found = find(timeline, anchor, channel)
    stems = timeline.language.stems(anchor)
    if found.items or not stems:
        return found
    places = timeline.places
    scored = [(timeline.ranker.coverage(stems, places[i]), i) for i in timeline.of(channel)]
    best = max((score for score, _ in scored), default=0.0)
    return Found(tuple(i for score, i in scored if score >= best - 1e-9)) if best >= LEAST_CLAUSE else Found()


def themselves(items: list[Item], phrase: str) -> list[Item]:
    """Of texts that hold a phrase, those that are nothing else, where there are any: a town's name, not a
    title with it.
    """
    return [i for i in items if i.kind == "screen" and likeness(i.text, phrase) >= LOOKALIKE] or items


def without(items: Sequence[Item], anchors: Sequence[str]) -> list[Item]:
    """The items that hold none of the anchors."""
    return [i for i in items if not any(holds(i.text, anchor) >= LOOKALIKE for anchor in anchors)]


def speakers_named(question: Question, timeline: Timeline, runs: Sequence[Run]) -> list[str]:
    """The speakers whom the question names."""
    known = dict.fromkeys(i.speaker for i in timeline.speech if i.speaker)
    return [name for name in known if any(holds(run.text, name) or holds(name, run.text) for run in runs)]


def keyed_parts(text: str, language: Language) -> tuple[str, str] | None:
    """`The secret word is Zebra` → `The secret word`, `Zebra`; `Password: bluebird` → `Password`, `bluebird`."""
    words = text.split()
    for place, word in enumerate(words[:8]):
        if word.endswith((":", "：")) and place + 1 < len(words):
            return " ".join(words[: place + 1]).rstrip(":："), " ".join(words[place + 1 :])
        copula = word.casefold() in language.words("copulas")
        if (copula or word == "=") and 0 < place < len(words) - 1:
            return " ".join(words[:place]), " ".join(words[place + 1 :])
    return None


def key_stems(key: str, language: Language) -> frozenset[str]:
    """The stems of a key without its articles."""
    return frozenset(language.stem(w) for w in tokens(key) if w not in language.stop)
