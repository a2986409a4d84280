"""Price lists: `Tea 2.20 Scone 3.50 Soup 6.80` tells what a scone costs, and what costs 3.50."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.timeline import Item, Timeline
from mrvideo.models.offline.verdicts import Decision, texts_words
from mrvideo.models.offline.words import LIGHT, number_in, stems

_MONEY = r"[$€£¥]|euros?\b|eur\b|dollars?\b|usd\b|pounds?\b|gbp\b|cents?\b|francs?\b|chf\b|kr\b"
_AMOUNT = rf"(?:(?:{_MONEY})\s?)?\d+(?:[.,]\d+)?(?:\s?(?:{_MONEY}))?"
_ENTRY = re.compile(
    rf"(?P<label>[^\d$€£¥]*?[^\W\d_][^\d$€£¥]*?)[\s:.…–-]*\s(?P<amount>{_AMOUNT})(?:[\s,;]+|$)", re.I
)
_PRICE = re.compile(rf"(?:{_MONEY})|\d[.,]\d\d(?!\d)", re.IGNORECASE)
_REVERSE = re.compile(
    r"^(?:what|which \w+) (?:costs?|cost|is sold for|sells? for|is priced at|can (?:you|i|we|one) (?:buy|get) for|do (?:you|i|we) get for) (.*\d.*)$"
)
_FORWARD = re.compile(r"\bhow much\b|\bprice\b|\bhow expensive\b|\bwhat (?:does|do|did) .+ cost\b")


@dataclass(frozen=True)
class _Entry:
    label: str
    amount: str
    item: Item


def price_listed(question: Question, timeline: Timeline) -> Decision | None:
    """The entry of a price list that the question asks for, from either side; None where no list has it."""
    low = " ".join(question.text.lower().split()).rstrip("?!. ")
    if question.options or question.where == "speech":
        return None
    entries = [entry for item in timeline.screen for entry in _entries(item)]
    if match := _REVERSE.match(low):
        wanted = number_in(match.group(1))
        found = [entry for entry in entries if number_in(entry.amount) == wanted]
        return _decision(found, [entry.label for entry in found])
    asked = question.bare - LIGHT
    if not _FORWARD.search(low) or not asked:
        return None
    found = [entry for entry in entries if asked <= stems(entry.label)]
    return _decision(found, [f"{entry.label} {entry.amount}" for entry in found])


def is_price_list(item: Item) -> bool:
    """Whether a text is nothing but two entries or more."""
    return len(_entries(item)) >= 2


def asks_price(question: Question) -> bool:
    """Whether it is asked what something costs."""
    return _FORWARD.search(question.text.lower()) is not None


def _entries(item: Item) -> list[_Entry]:
    """Label and amount, again and again to the end of the text; nothing where the text is no such list."""
    entries: list[_Entry] = []
    place = 0
    while place < len(item.text):
        match = _ENTRY.match(item.text, place)
        if match is None or not _PRICE.search(match.group("amount")):
            return []
        entries.append(_Entry(match.group("label").strip(" :.…–-"), match.group("amount"), item))
        place = match.end()
    return entries


def _decision(found: list[_Entry], words: list[str]) -> Decision | None:
    if not 1 <= len(set(words)) <= 2:
        return None
    cited = tuple(dict.fromkeys(entry.item for entry in found))
    return Decision(texts_words(words), None, 4, cited, "It stands so in a list of prices.")
