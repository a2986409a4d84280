"""The forms that texts take: an address, a price, a date, a time, a name. A question that asks for one is
answered by no other.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from itertools import pairwise

from mrvideo.text import Language, languages, placed_words, tokens, unit_seconds

_MONEY = r"(?:[$€£¥₹]\s*\d|\d\s*[$€£¥₹]|円|\b(?:usd|eur|gbp|chf|dollars?|euros?|pounds?|cents?|pence|penn(?:y|ies)|shillings?|francs?|kron(?:er|or)|yen)\b)"
_SHOWN = {
    "email": r"\S+@\S+",
    "url": r"(?:https?:|www\.)\S+|(?<![@\w])[a-z][\w-]*\.(?:[a-z]{2,}\.)*[a-z]{2,}(?![\w@])",
    "phone": r"(?<![:.\d])(?:\+|\b)\d(?:[\s()./-]{0,2}\d){5,}\b(?![:.]\d)",
    "price": rf"{_MONEY}|\d[.,]\d\d(?!\d)|\b(?:free|gratis|kostenlos|frei|gratuit\w*)\b|元|块",
    "date": r"\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b",
    "year": r"\b(?:1\d|20)\d\d\b|\d{4}\s*年",
    "clock": r"\b\d{1,2}[:.]\d\d\b|\b\d{1,2} ?[ap]\.?m\b|\b\d{1,2} uhr\b|\b\d{1,2} ?h ?\d\d\b|[点時时]|\b\d{1,2} ?[-–] ?\d{1,2}\b",
    "age": r"\byears?[ -]old\b|\baged? \d|\bbirthday\b|\b(?:wo)?man of \w+|\b(?:boy|girl|child) of \w+|\bjahre? alt\b|\bans\b|\baños\b|\banos\b|\banni\b|\bjaar oud\b|岁|歳",
    "temperature": r"°|º|\bdegrees?\b|\bgrade?n?\b|\bdegrés?\b|\bgrados?\b|\bgraus?\b|\bgradi\b|度",
    "percent": r"%|\bper ?cent\b|\bprozent\b|\bpor ?cien?to\b|\bpour ?cent\b",
    "weight": r"\d\s*(?:kg|g|t|lbs?)\b|\b(?:kilo(?!m)|gram|pound|tons?\b|tonne|ounce|livre|pond)\w*|公斤|克|キロ",
    "length": r"\d\s*(?:k?m|cm|mm|ft|in)\b|\b\w*(?:met(?:er|re|ro)s?|mètres?|metri)\b|\b(?:feet|foot|miles?|inch(?:es)?|yards?|meilen?|stor(?:y|ies|eys?)|pieds?)\b|米|メートル",
    "speed": r"\bper hour\b|\bkm/h\b|\bmph\b|\bknots?\b|/s\b",
    "score": r"\d\s*[-–:]\s*\d",
    "figure": r"\d",
}
_CAPITAL = re.compile(r"(?<!\w)[A-ZÀ-Þ][\w'’-]+")

_TOLD_BY = {"colour": "colours", "how_often": "frequency", "why": "reason_words"}
"""Which words of a language answer a kind of question."""


def shows(text: str, form: str) -> bool:
    """Whether a text has the form."""
    if form == "date" and any(c.isdigit() for c in text) and _months() & set(tokens(text)):
        return True
    return re.search(_SHOWN[form], text.lower()) is not None


@cache
def _months() -> frozenset[str]:
    return frozenset(word for language in languages().values() for word in language.words("months"))


def tells(
    text: str,
    asks: str,
    language: Language,
    names: frozenset[str] = frozenset(),
    asked: frozenset[str] = frozenset(),
) -> bool:
    """Whether a text can answer a question of the kind: a time for `when`, a name for `who`, a number for
    `how much`.

    `names` are words that elsewhere have a capital inside a sentence: at the start of one, nothing else tells
    a name. `asked` are the words of the question, which tell nothing new.
    """
    words = tokens(text)
    caseless = language.code in ("zh", "ja", "ar")
    if asks in _TOLD_BY:
        return bool(language.words(_TOLD_BY[asks]) & set(words))
    if asks == "when":
        calendar = language.words("calendar") | language.words("months")
        hour = any(counted(w, language) for w in words) and language.words("hour_words") & set(words)
        return bool(hour or calendar & set(words)) or any(shows(text, form) for form in ("year", "clock"))
    if asks in ("who", "where") and caseless:
        return len(set(words) - asked - language.stop) > (language.code != "ar")
    if asks == "who":
        return bool((names_in(text, language) | (names & set(words))) - asked)
    if asks == "where":
        there = language.words("place_words")
        placed = any(a in there and not counted(b, language) for a, b in pairwise(words))
        return placed or bool(not language.capital_nouns and names_in(text, language) - asked)
    numbers = [w for w in words if counted(w, language) or any(c.isdigit() for c in w)]
    if asks == "how_long":
        lasts = any(unit_seconds(w, language) or w in language.words("durations") for w in words)
        return bool(numbers) and (lasts or shows(text, "length"))
    return asks != "how_much" or any(not shows(w, "year") for w in numbers)


def named(stems: frozenset[str], text: str, language: Language, names: frozenset[str] = frozenset()) -> bool:
    """Whether a text names what the stems stand for: `our ship, the Santa Clara`, `an octopus called Inky`;
    no place beside it.
    """
    words = [word for word, _, _ in placed_words(text)]
    if language.code in ("zh", "ja", "ar"):
        return len(set(words) - language.stop) > len(stems) + 1
    cased = names_in(text, language) | names
    parts = {word for phrase, of in language.phrases.items() if {"and", "or"} & set(of) for word in phrase}
    between = (language.words("place_words") | parts) - language.words("calling")
    things = [i for i, word in enumerate(words) if language.stem(word) in stems]
    for place, word in enumerate(words):
        if word not in cased or language.stem(word) in stems:
            continue
        for thing in things:
            gap = words[min(place, thing) + 1 : max(place, thing)]
            near = 5 if language.words("calling") & set(gap) else 1 if language.capital_nouns else 4
            if len(gap) < near and not between & set(gap):
                return True
    return False


def counted(word: str, language: Language) -> bool:
    """Whether a word is a number; `one of the largest` counts nothing."""
    told = word[0].isdigit() or language.numbers.get(word, 0.0) > 1 or word in language.scales
    return told or (word not in language.numbers and _written_together(word, language.code))


@lru_cache(maxsize=20_000)
def _written_together(word: str, code: str) -> bool:
    """`achttausend`, `zweiundzwanzig`: begins with one number and ends with another."""
    numbers = (*languages()[code].numbers, *languages()[code].scales)
    return word.startswith(numbers) and word.endswith(numbers)


def names_in(text: str, language: Language) -> frozenset[str]:
    """Words with a capital that none begins a sentence with, in lower case; two at its start are a name as
    well.
    """
    dull = language.stop | language.words("first_person") | language.words("calendar")
    plain = text.replace("’", "'")
    found: set[str] = set()
    for match in _CAPITAL.finditer(plain):
        before = plain[: match.start()].rstrip()
        opens = not before or before[-1] in '.!?:…–-“"'
        follows = _CAPITAL.match(plain, match.end() + 1)
        if (not opens or follows) and match.group().casefold() not in dull:
            found.add(match.group().casefold())
    return frozenset(found)
