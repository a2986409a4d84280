"""What a text tells outright: `Revenue: $4.2 million`, a price beside its goods, opening hours under the name of a shop."""

from __future__ import annotations

import re

from mrvideo.models.offline.choosing import supported_option
from mrvideo.models.offline.forms import FORMS, shows
from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.singling import measures, texts_decision
from mrvideo.models.offline.timeline import Item, Timeline
from mrvideo.models.offline.verdicts import Decision, texts_words
from mrvideo.models.offline.words import LIGHT, STOP, TEXT_NOUNS, stem, words_of
from mrvideo.text import tokens

MOST_TOLD = 5
"""Where more texts than these fit, none of them was meant."""

_KEYED = re.compile(r"^(.{1,60}?)\s*(?:[:=]\s|\s(?:is|are|was|were)\s)\s*(\S.*)$", re.IGNORECASE)
_SINGLE = re.compile(
    r"^(?:what(?:'s| is| was| are| were| costs?)|(?:what|which) .+ (?:is (?:it|this|that|shown|displayed|mentioned)|do (?:we|you) see|appears)$)"
)
_ROLES = frozenset(stem(w) for w in words_of("profession job occupation role position function work"))
_TIMES = tuple(form for form in FORMS if form.name in ("date", "clock"))
_CALENDAR = (*_TIMES, *(form for form in FORMS if form.name == "year"))
_PLAIN_NOUNS = words_of("text texts word words sign signs title titles caption captions name names item items message messages line lines")  # fmt: skip


def told(question: Question, timeline: Timeline) -> Decision | None:
    """The texts that have the form and hold the words of what is asked for; else a key and its value."""
    if question.perceptual:
        return None
    if found := _of_form(question, timeline) if question.form else []:
        return _decision(question, timeline, found, [i.text for i in found], 4)
    pairs = _keyed(question, timeline)
    if pairs:
        return _decision(question, timeline, [i for i, _ in pairs], [value for _, value in pairs], 5)
    if found := _naming(question, timeline) or _beside(question, timeline):
        return _decision(question, timeline, found, [i.text for i in found], 3)
    return None


def told_when(question: Question, timeline: Timeline) -> Decision | None:
    """`When does the sale end?` where a text says when; a text that only stands there tells nothing."""
    asked = {stem(w) for w in tokens(question.text) if w not in STOP | TEXT_NOUNS} - LIGHT
    if question.options or not asked:
        return None
    found = [
        item
        for item in timeline.screen
        if any(shows(item.text, form) for form in _CALENDAR) and asked <= _board(item, timeline)
    ]
    return _decision(question, timeline, found, [i.text for i in found], 4) if found else None


def of_form(question: Question, items: list[Item]) -> list[Item]:
    """Those of the form that the question asks for; all where it asks for none."""
    form = question.form
    return [i for i in items if shows(i.text, form)] if form else items


def _of_form(question: Question, timeline: Timeline) -> list[Item]:
    pool = of_form(question, list(timeline.of(question.where)))
    wanted = question.bare
    if not wanted:
        return [i for i in pool if i.channel == "screen"] or pool
    direct = [i for i in pool if wanted <= i.stems]
    return direct or [i for i in pool if i.channel == "screen" and wanted <= _board(i, timeline)]


def _board(item: Item, timeline: Timeline) -> frozenset[str]:
    """The words of a text and of those that come and go with it."""
    together = [
        other
        for other in timeline.screen
        if abs(other.start_seconds - item.start_seconds) <= 1.0
        and abs(other.stop_seconds - item.stop_seconds) <= 1.0
    ]
    return frozenset(s for other in (item, *together) for s in other.stems)


def _keyed(question: Question, timeline: Timeline) -> list[tuple[Item, str]]:
    nouns = frozenset(stem(n) for n in question.nouns - _PLAIN_NOUNS)
    wanted = (question.content - LIGHT) | nouns
    if not wanted or question.where == "speech" or question.asks_own_name:
        return []
    found: list[tuple[Item, str]] = []
    for item in timeline.screen:
        match = _KEYED.match(item.text)
        if not match:
            continue
        words = tokens(match.group(1))
        key = frozenset(stem(w) for w in words if w not in STOP and not w.isdigit())
        spare = key - wanted - frozenset(stem(n) for n in TEXT_NOUNS)
        numbers = tuple(w for w in words if w.isdigit())
        if wanted <= key and not spare and numbers == question.numbers:
            found.append((item, match.group(2)))
    return found


def _naming(question: Question, timeline: Timeline) -> list[Item]:
    """Short texts that hold all that is asked about and add something to it: `Joe's Bakery`, `Gate B22`."""
    low = question.text.lower().replace("’", "'").rstrip("?!. ")
    wanted = question.bare - {stem("kind")}
    roles = wanted & _ROLES
    if question.where == "speech" or not _SINGLE.match(low) or not wanted - roles:
        return []
    if question.nouns - {"name", "names", *_PLAIN_NOUNS}:
        return []
    wanted -= roles
    plain = frozenset(w for w in tokens(question.text))
    return [
        item
        for item in timeline.screen
        if wanted <= item.stems
        and len(tokens(item.text)) <= 8
        and any(w not in plain and w not in STOP for w in tokens(item.text))
        and set(question.numbers) <= set(tokens(item.text))
        and (not question.asks_own_name or item.stems & {stem("name"), stem("called")})
    ]


def _beside(question: Question, timeline: Timeline) -> list[Item]:
    """`Which gate does BA117 leave from?`: the text with a gate on it that stands beside the flight."""
    match = re.search(r"\b(?:what|which) ([a-z]+)\b", question.text.lower())
    if (
        not match
        or question.where == "speech"
        or match.group(1) in STOP | TEXT_NOUNS
        or len(question.bare) < 2
    ):
        return []
    noun = stem(match.group(1))
    return [
        i
        for i in timeline.screen
        if noun in i.stems and len(tokens(i.text)) > 1 and question.bare <= _board(i, timeline)
    ]


def _decision(
    question: Question, timeline: Timeline, items: list[Item], words: list[str], confidence: int
) -> Decision | None:
    if question.options:
        return supported_option(question, timeline, items, confidence)
    items = [i for i in items if measures(question, i)] if confidence < 5 else items
    groups = timeline.distinct(items)
    if len(groups) > MOST_TOLD:
        return None
    decision = texts_decision(question, timeline, items, confidence)
    return (
        Decision(texts_words(words), None, decision.confidence, decision.cited, decision.reasoning)
        if decision
        else None
    )
