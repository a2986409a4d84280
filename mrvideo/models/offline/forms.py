"""The forms that texts take: an address, a price, a date, a time, a name. A question that asks for one is answered by no other."""

from __future__ import annotations

import re
from functools import cache

from mrvideo.text import Language, languages, numbers_in, tokens, unit_seconds

_MONEY = r"(?:[$€£¥₹]|\b(?:usd|eur|gbp|chf|dollars?|euros?|pounds?|cents?|pence|francs?|kroner|yen)\b)"
_SHOWN = {
    "email": r"\S+@\S+",
    "url": r"(?:https?:|www\.)\S+|(?<![@\w])[a-z][\w-]*\.(?:[a-z]{2,}\.)*[a-z]{2,}(?![\w@])",
    "phone": r"(?<![:.\d])(?:\+|\b)\d(?:[\s()./-]{0,2}\d){5,}\b(?![:.]\d)",
    "price": rf"{_MONEY}|\d[.,]\d\d(?!\d)",
    "date": r"\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b",
    "year": r"\b(?:1[5-9]|20)\d\d\b",
    "clock": r"\b\d{1,2}[:.]\d\d\b|\b\d{1,2} ?[ap]\.?m\b|\b\d{1,2} uhr\b|\b\d{1,2} ?h ?\d\d\b",
    "temperature": r"°|º|\bdegrees?\b|\bgrad\b",
    "percent": r"%|\bper ?cent\b|\bprozent\b",
    "figure": r"\d",
}
_NAME = re.compile(r"(?<![.!?] )(?<!^)\b[A-ZÀ-Þ][\w'’-]+|^[A-Z][\w'’.-]+ (?:\w+ )?[A-Z][\w'’-]+")


def shows(text: str, form: str) -> bool:
    """Whether a text has the form."""
    if form == "date" and any(c.isdigit() for c in text) and _months() & set(tokens(text)):
        return True
    return re.search(_SHOWN[form], text.lower()) is not None


@cache
def _months() -> frozenset[str]:
    return frozenset(word for language in languages().values() for word in language.words("months"))


def tells(text: str, asks: str, language: Language) -> bool:
    """Whether a text can answer a question of the kind: a time for `when`, a name for `who`, a number for `how much`."""
    words = frozenset(tokens(text))
    if asks == "when":
        numbers = [w for w in words if w.isdigit() or w in language.numbers]
        dated = any(shows(text, form) for form in ("year", "clock")) or bool(
            words & (language.words("calendar") | language.words("months"))
        )
        return dated or (bool(numbers) and bool(words & language.words("hour_words")))
    if asks == "who":
        dull = language.stop | language.words("first_person") | language.words("calendar")
        return any(m.group().casefold() not in dull for m in _NAME.finditer(text.replace("’", "'")))
    if asks == "where":
        return bool(words & language.words("place_words")) or _NAME.search(text) is not None
    if asks == "why":
        return bool(words & language.words("reason_words"))
    if asks == "how_long":
        return bool(numbers_in(text, language)) and any(
            unit_seconds(w, language) or w in language.words("durations") for w in words
        )
    return asks != "how_much" or bool(numbers_in(text, language)) or any(c.isdigit() for c in text)
