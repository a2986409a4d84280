"""Which texts do the question's words single out: by what they hold, by their kind, or all of them?"""

from __future__ import annotations

import re
from collections.abc import Sequence

from mrvideo.models.offline.forms import shows, wordy
from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.timeline import Item, Timeline, holding
from mrvideo.models.offline.verdicts import Decision, texts_words
from mrvideo.models.offline.words import LIGHT, STOP, TEXT_NOUNS, number_in, stem, stems
from mrvideo.text import tokens

_NUMBER_NOUNS = frozenset(["number", "numbers", "digit", "digits", "code", "codes"])


_WORD_NOUNS = frozenset(["word", "words"])


MOST_LISTED = 30


def pool_of(question: Question, timeline: Timeline) -> tuple[Item, ...]:
    """The channel that the question is about; signs first where it does not say."""
    if question.where == "any":
        return timeline.screen or timeline.speech
    return timeline.of(question.where)


def wanted_texts(question: Question, timeline: Timeline) -> list[Item]:
    """The texts that the question's words single out: by what they hold, else by kind, else all."""
    pool = list(pool_of(question, timeline))
    if question.start_seconds is not None:
        low = (
            question.start_seconds
            if question.start_seconds >= 0
            else timeline.stop_seconds + question.start_seconds
        )
        high = question.stop_seconds if question.stop_seconds is not None else timeline.stop_seconds
        pool = [i for i in pool if i.start_seconds <= high and i.stop_seconds >= low]
    pool = fitting(question, pool)
    for target in question.targets:
        if held := holding(pool, target):
            return held
    if question.targets and question.kind != "nth":
        return []
    if question.form and not question.bare:
        return pool
    if question.content:
        if held := held_by_content(question, pool):
            return worded_alike(question, held)
        if not question.nouns:
            return []
    elif not question.nouns and question.kind == "count_different" and question.where == "any":
        return []
    return of_kind(question, pool)


def fitting(question: Question, items: Sequence[Item]) -> list[Item]:
    """Those that can answer by their form: a price where one is asked for, no bare number where a name is."""
    form = question.form
    if form:
        return [i for i in items if shows(i.text, form)]
    if question.main_nouns & _NUMBER_NOUNS:
        return [i for i in items if number_in(i.text) is not None or any(c.isdigit() for c in i.text)]
    return [i for i in items if wordy(i.text)] if question.wordy else list(items)


_HOW_MUCH = re.compile(r"\bhow (?:many|much|old|far|tall|high|long|heavy|fast|deep|wide)\b")
_AGE = re.compile(r"\b(?:years?|months?|weeks?|old|aged?|turned|turns|birthday)\b", re.I)
_LABEL = re.compile(r"^(?:\w+ )?\d+\s*[.):]\s+")
_LASTS = re.compile(r"\b(?:seconds?|minutes?|mins?|hours?|hrs?|days?|weeks?|months?|years?|decades?)\b", re.I)


def measures(question: Question, item: Item) -> bool:
    """Whether an item has the number that `how many …` or `how long …` asks for, and by what is counted."""
    asked = _HOW_MUCH.search(question.text.lower())
    if not asked:
        return True
    match = re.search(r"\bhow (?:many|much) ((?:[\w'-]+ ?){1,2})", question.text.lower())
    goods = stems(match.group(1)) - LIGHT if match else frozenset[str]()
    # The number of a step or a line counts nothing.
    text = _LABEL.sub("", item.text)
    label = re.match(r"^(\w*[^\Ws]) \d+\b", text)
    if label and stem(label.group(1).lower()) in goods:
        text = text[label.end() :]
    if number_in(text) is None and not any(c.isdigit() for c in text):
        return False
    if asked.group().endswith("old") and not _AGE.search(text):
        return False
    if asked.group().endswith("long"):
        return _LASTS.search(text) is not None
    words = tokens(text)
    places = [n for n, word in enumerate(words) if stem(word) in goods]
    reach = 2 if "many" in asked.group() else 4
    near = [" ".join(words[max(n - reach, 0) : n + reach + 1]) for n in places]
    if not places and (goods & item.stems or ("many" in asked.group() and goods)):
        return False
    return not places or any(any(c.isdigit() for c in run) or number_in(run) is not None for run in near)


def held_by_content(question: Question, pool: Sequence[Item]) -> list[Item]:
    """The items that hold all the question's own words; with those that may say an order, where such items are."""
    if not question.content and not question.literal:
        return []
    # A name is more than a text: "The secret metal is Zinc" does not tell the secret name.
    asks_name = question.nouns & {"name", "names"} and not question.text.lower().startswith("name ")
    named = {stem("name")} if asks_name else set[str]()
    needed = question.content | named
    full = needed | question.literal
    return [i for i in pool if full <= i.stems] or [i for i in pool if question.content and needed <= i.stems]


def worded_alike(question: Question, held: list[Item]) -> list[Item]:
    """Of texts that hold the words, those worded alike ("The secret word is …"), when they are most."""
    asked = question.content | {stem(n) for n in question.nouns}
    full = [i for i in held if asked <= frozenset(stem(w) for w in tokens(i.text))]
    return full or held


def of_kind(question: Question, pool: list[Item]) -> list[Item]:
    """Texts that name their own kind (`Code 4711`), numbers where numbers are asked for, single words to count, else everything."""
    if question.kind in ("read", "when", "how_long", "exists") and (
        own := [i for i in pool if question.nouns & set(tokens(i.text))]
    ):
        return own
    if question.nouns & {"password", "passwords"}:
        return []
    pool = fitting(question, pool)
    if question.nouns & _WORD_NOUNS and question.kind == "count_different":
        single = [i for i in pool if len(tokens(i.text)) == 1]
        return single if 2 * len(single) >= len(pool) else pool
    if question.kind == "read" and question.nouns & {"title", "heading", "headline"} and not question.options:
        # A film says its title first.
        return [i for i in pool[:1] if i.start_seconds <= 20.0] or pool
    return pool


def texts_decision(
    question: Question, timeline: Timeline, items: Sequence[Item], confidence: int
) -> Decision | None:
    groups = timeline.distinct(items)[:MOST_LISTED]
    if not groups:
        return None
    words = [_rest(question, group[0].text) for group in groups]
    reasoning = "One text fits." if len(groups) == 1 else f"{len(groups)} texts fit, by first appearance."
    cited = tuple(item for group in groups for item in (group if len(groups) == 1 else group[:1]))
    return Decision(
        texts_words(words),
        None,
        confidence if len(groups) == 1 else 3 if len(groups) <= 4 else 2,
        cited,
        reasoning,
    )


def _rest(question: Question, text: str) -> str:
    """What a text adds to the question's own words: `The secret word is Zebra` → `Zebra`."""
    asked = question.content | question.literal | {stem(n) for n in question.nouns}
    match = re.match(r"^(.*?(?:\bis|\bare|\bwas|:|=))\s*(\S.*)$", text, re.IGNORECASE)
    if not match or not asked:
        return text
    head = [w for w in tokens(match.group(1)) if w not in STOP]
    if head and all(stem(w) in asked or w in TEXT_NOUNS for w in head):
        return match.group(2).rstrip(".!")
    return text
