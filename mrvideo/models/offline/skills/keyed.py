"""What is it called by its own text: `The secret word is Zebra`, `Password: bluebird`, `Revenue: $4.2
million`.
"""

from __future__ import annotations

from mrvideo.models.offline.decision import Decision
from mrvideo.models.offline.question import ASKS, Question
from mrvideo.models.offline.skills.base import keyed_parts
from mrvideo.models.offline.timeline import Timeline, distinct
from mrvideo.text import tokens

MOST_VALUES = 4
_DULL = (*ASKS, "opener", "shows", "whole", "occurs", "says")


def answer(question: Question, timeline: Timeline) -> Decision | None:
    """The value of every text whose key is made of just the words of a `What is …`."""
    if question.asks not in ("what", "how_much", "other") or question.relation or question.times:
        return None
    wanted, language = _wanted(question), timeline.language
    if question.channel == "speech" or not wanted:
        return None
    found = {
        item: parts[1].rstrip(".!")
        for item in timeline.screen
        if (parts := keyed_parts(item.text, language)) and language.stems(parts[0]) == wanted
    }
    groups = [group[0] for group in distinct(found)]
    if not groups or len(groups) > MOST_VALUES:
        return None
    values = dict.fromkeys(found[item] for item in groups)
    cited = tuple(found) if len(groups) == 1 else tuple(groups)
    return Decision(", ".join(values), 5 if len(groups) == 1 else 3, cited, "A text says so.")


def _wanted(question: Question) -> frozenset[str]:
    """All words that a key would have to hold, also those that may say an order."""
    dull = {i for m in question.marks if set(m.concepts) & set(_DULL) for i in m.places}
    lows = [t for i, w in enumerate(question.words) if i not in dull for t in tokens(w.low)]
    return frozenset(question.language.stem(low) for low in lows if low not in question.language.stop)
