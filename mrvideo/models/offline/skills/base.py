"""What skills are made of: where the texts that a question names stand, which of several is meant, and what a text
says of its own kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeAlias

from mrvideo.models.offline.question import Channel, Question, Run
from mrvideo.models.offline.timeline import Item, Timeline, holding
from mrvideo.text import LOOKALIKE, Language, holds, likeness, numbers_in, tokens

AT_ONCE_SECONDS = 0.3
MOST_NAME_WORDS = 4

_Told: TypeAlias = tuple[str, Item]
_LABELLED = re.compile(r"(\w+) (\w+)\b\s*[.:)–-]?\s*(.*)$")
_LISTED = re.compile(r"(?<![\w.])(\d{1,2})[.):]\s+(?=\S)")


def joined(runs: Sequence[Run], question: Question) -> tuple[str, ...]:
    """Runs as one anchor, without who tells it (`does the narrator mention`); quotations stay apart."""
    if any(run.quoted for run in runs):
        return tuple(run.text for run in runs if run.quoted)
    telling, language = question.find("says", "mentions"), question.language
    if telling:
        told = (r for r in runs if r.start > telling.start or language.stems(r.text) - language.light)
        runs = list(told) or runs
    return (" ".join(run.text for run in runs),) if runs else ()


def find(
    timeline: Timeline, anchor: str, channel: Channel, *, spoken_first: bool = False
) -> tuple[Item, ...]:
    """Where a text that a question names stands: by its very words on screen or in speech, whichever is asked
    for; of `any`, on screen first; else by stems.
    """
    pools = [timeline.of(channel)] if channel != "any" else [timeline.screen, timeline.speech]
    pools = pools[::-1] if spoken_first else pools
    stems = timeline.language.stems(anchor)
    for pool in pools:
        if items := holding(pool, anchor):
            # Nothing but the text itself, where it stands so: a town's name, not a title with it.
            alone = (i for i in items if i.kind == "screen" and likeness(i.text, anchor) >= LOOKALIKE)
            return tuple(alone) or tuple(items)
    for pool in pools:
        if items := [i for i in pool if stems and stems <= timeline.stems(i)]:
            return tuple(items)
    return ()


def picked(items: Sequence[Item], ordinal: int) -> list[Item]:
    """The one of that number, counted from 1, or from -1 backwards; none where there are not so many."""
    place = ordinal - 1 if ordinal > 0 else ordinal
    return [items[place]] if -len(items) <= place < len(items) else []


def numbered_so(items: Iterable[Item], question: Question) -> list[Item]:
    """The items that say the ordinal of the question with its thing, `the second chart`: no need to count."""
    return [i for i in items if any(holds(i.text, said) >= LOOKALIKE for said in question.ordinal_things)]


def without(items: Sequence[Item], anchors: Sequence[str]) -> list[Item]:
    """The items that hold none of the anchors."""
    return [i for i in items if not any(holds(i.text, anchor) >= LOOKALIKE for anchor in anchors)]


def overlapping(items: Iterable[Item], low: float, high: float, slack_seconds: float) -> list[Item]:
    """The items over [low, high), or at `low` alone; where there are none, those that come this close."""
    high = max(high, low + 1e-6)
    near = [
        i for i in items if i.start_seconds < high + slack_seconds and i.stop_seconds > low - slack_seconds
    ]
    return [i for i in near if i.start_seconds < high and i.stop_seconds > low] or near


def speakers_named(question: Question, timeline: Timeline, runs: Sequence[Run]) -> list[str]:
    """The speakers whom the question names."""
    known = dict.fromkeys(i.speaker for i in timeline.speech if i.speaker)
    return [name for name in known if any(holds(run.text, name) or holds(name, run.text) for run in runs)]


def numbered(timeline: Timeline, content: frozenset[str]) -> dict[int, _Told]:
    """What bears numbers, and where: `Step 1: Mix`, `Step 2: Wait`; or the list that stands with a heading
    which holds the words.
    """
    stems, labelled, listed = timeline.language.stems, dict[int, _Told](), dict[int, _Told]()
    for item in timeline.screen:
        label = _LABELLED.match(item.text)
        if label and content and stems(label[1]) == content:
            for number in numbers_in(label[2], timeline.language)[:1]:
                labelled.setdefault(int(number), (label[3] or item.text, item))
    parts = {item: _LISTED.split(item.text) for item in timeline.screen}
    for heading in (i for i in timeline.screen if not listed and content & stems(parts[i][0])):
        together = [i for i in timeline.screen if i.span.overlaps(heading.span)]
        if content <= stems(" ".join(parts[i][0] for i in together)):
            for item in together:
                for number, text in zip(parts[item][1::2], parts[item][2::2], strict=True):
                    listed.setdefault(int(number), (text.strip(), item))
    return max(labelled, listed, key=len)


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


def labels_another(item: Item, question: Question, language: Language) -> bool:
    """Whether a sign gives a short name to another of the kind: `The silent city is Lima`, where the final one
    is asked for.
    """
    parts = keyed_parts(item.text, language) if item.kind == "screen" else None
    if parts is None or len(tokens(parts[1])) > MOST_NAME_WORDS:
        return False
    words = frozenset(language.stem(token) for word in question.words for token in tokens(word.low))
    others = language.stems(parts[0]) - words
    asked = question.content | question.soft
    return any(not stem.isdigit() for stem in others) and not asked <= language.stems(item.text)
