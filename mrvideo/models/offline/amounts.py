"""An amount that a question names must be told where its answer stands."""

from __future__ import annotations

import re

from mrvideo.models.offline.naming import QUOTED
from mrvideo.models.offline.prices import asks_price, is_price_list
from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.timeline import Timeline
from mrvideo.models.offline.verdicts import Decision
from mrvideo.models.offline.words import numbers_in

_UNITS = "dollars?|euros?|pounds?|cents?|pence|francs?|percent|degrees|kilos?|kg|grams?|g|litres?|liters?|ml|km|metres?|meters?|cm|mm|miles?|people|points?"
_AMOUNT = re.compile(
    rf"(?:[$€£¥]\s*)(?P<before>\d+(?:[.,]\d+)*)|(?P<after>\d+(?:[.,]\d+)*)\s*(?:[$€£¥%°]|(?:{_UNITS})\b)|(?P<part>\d+[.,]\d+)|\bcosts? (?P<cost>\d+(?:[.,]\d+)*)",
    re.IGNORECASE,
)


def has_amounts(question: Question, decision: Decision, timeline: Timeline) -> bool:
    """`What was sold for 900 euros?` is not answered by what was sold for 410."""
    if question.options or question.kind not in ("open", "read", "who") or question.start_seconds is not None:
        return True
    bare = QUOTED.sub(" ", question.text)
    asked = [next(g for g in m.groups() if g).replace(",", ".") for m in _AMOUNT.finditer(bare)]
    if any(is_price_list(item) for item in decision.cited) and asks_price(question):
        # An entry would have told.
        return decision.answer not in {item.text for item in decision.cited}
    if not asked:
        return True
    beside = [
        other
        for item in decision.cited
        for other in timeline.everything
        if other.start_seconds <= item.stop_seconds + 1.0 and other.stop_seconds >= item.start_seconds - 1.0
    ]
    told_there = {number for item in beside for number in numbers_in(item.text)}
    return all(float(amount) in told_there for amount in asked if amount.count(".") <= 1)
