"""How many there are by their own numbers: `Step 1: …` to `Step 5: …`, or the items of a list under its heading."""

from __future__ import annotations

import re

from mrvideo.models.offline.choosing import choose_by_number
from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.timeline import Item, Timeline
from mrvideo.models.offline.verdicts import Decision, texts_words
from mrvideo.models.offline.words import number_in, stem

_HOW_MANY = re.compile(
    r"\bhow many (?:\w+ ){0,2}?(\w+?)s? (?:are|were|is|was) (?:there|shown|named|listed|given|mentioned|explained|covered|presented)\b"
    r"|\bhow many (?:\w+ ){0,2}?(\w+?)s? (?:does|do|did|has|have|make up|in)\b"
    r"|\bwhat is the number of (\w+?)s?$"
)
_ITEM = re.compile(r"(?<![\w.])(\d{1,2})[.)]\s+(?=\S)")


def count_by_numbers(question: Question, timeline: Timeline) -> Decision | None:
    """Where they are numbered from 1 without a gap; a number alone tells nothing, for there may be more."""
    match = _HOW_MANY.search(question.text.lower().rstrip("?!. "))
    if match is None:
        return None
    noun = next(group for group in match.groups() if group)
    return _labelled(question, timeline, noun) or _listed(question, timeline, noun)


def _labelled(question: Question, timeline: Timeline, noun: str) -> Decision | None:
    label = re.compile(rf"^\W*{re.escape(noun)}\s+(\w+)\b", re.IGNORECASE)
    held: dict[int, Item] = {}
    for item in timeline.screen:
        if (found := label.match(item.text)) and (number := number_in(found.group(1))) is not None:
            held.setdefault(int(number), item)
    if len(held) < 2 or sorted(held) != list(range(1, len(held) + 1)):
        return None
    items = [held[number] for number in sorted(held)]
    return _decision(question, len(items), items, f": {texts_words([i.text for i in items])}")


def _listed(question: Question, timeline: Timeline, noun: str) -> Decision | None:
    wanted = question.content | {stem(noun)}
    for heading in timeline.screen:
        if not wanted <= heading.stems:
            continue
        together = [
            item
            for item in timeline.screen
            if item.start_seconds < heading.stop_seconds and item.stop_seconds > heading.start_seconds
        ]
        numbers = sorted({int(n) for item in together for n in _ITEM.findall(item.text)})
        if len(numbers) >= 2 and numbers == list(range(1, len(numbers) + 1)):
            return _decision(question, len(numbers), together, "")
    return None


def _decision(question: Question, count: int, items: list[Item], rest: str) -> Decision | None:
    choice = choose_by_number(question.options, count)
    if question.options and choice is None:
        return None
    words = question.options[choice] if choice is not None else f"{count}{rest}"
    return Decision(words, choice, 4, tuple(items), f"They are numbered from 1 to {count}.")
