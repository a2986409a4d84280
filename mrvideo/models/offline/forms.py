"""The forms that texts take: an address, a price, a date, a number, a word. A question that asks for one is answered by no other."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MONTH = r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_MONEY = r"(?:[$€£¥₹]|\b(?:usd|eur|gbp|chf|dollars?|euros?|pounds?|cents?|pence|francs?|kroner|yen)\b)"
_HOUR = r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon|midnight|\d{1,2})"


@dataclass(frozen=True)
class Form:
    """How a question asks for it, and how a text shows it. `words` of the question that only name the form tell nothing more."""

    name: str
    asked: str
    shown: str
    words: frozenset[str] = frozenset()


def _form(name: str, asked: str, shown: str, words: str = "") -> Form:
    return Form(name, asked, shown, frozenset(words.split()))


FORMS = (
    _form("e-mail", r"\be-?mails?\b|\bmail address", r"\S+@\S+", "email e mail address addresses"),
    _form(
        "url",
        r"\b(?:urls?|web ?sites?|web ?pages?|home ?page|web address\w*|internet address\w*|domain)\b",
        r"(?:https?:|www\.)\S+|(?<![@\w])[a-z][\w-]*\.(?:[a-z]{2,}\.)*[a-z]{2,}(?![\w@])",
        "url urls website websites web site page webpage homepage internet address addresses domain",
    ),
    _form(
        "phone",
        r"\b(?:tele)?phone\b|\bfax\b|\bnumber to (?:call|dial)|\bhotline\b",
        r"(?:\+|\b)\d[\d\s()./-]{4,}\d\b",
        "phone telephone fax hotline call dial number",
    ),
    _form("price", r"\bprices?\b|\bhow expensive\b", _MONEY, "price prices expensive cost costs"),
    _form(
        "date",
        r"\b(?:what|which) (?:is the |was the )?dates?\b|\bdates? (?:is|are|was|does)\b",
        rf"\b{_MONTH}\b\.?,? ?\d|\d(?:st|nd|rd|th)?\.? (?:of )?{_MONTH}\b|\b\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{1,4}}\b",
        "date dates",
    ),
    _form("year", r"\b(?:what|which) years?\b|\byear (?:is|was)\b", r"\b(?:1[5-9]|20)\d\d\b", "year years"),
    _form(
        "clock",
        r"^(?:at )?what time (?:does|do|did|is|are|was|will|should)\b|\b(?:departure|arrival|boarding|starting|closing) times?\b|\b(?:opening|business|office|working) (?:hours|times)\b",
        rf"\b\d{{1,2}}[:.]\d\d\b|\b\d{{1,2}} ?[ap]\.?m\b|\b(?:at|from|until|till|by) {_HOUR}\b|o'clock|\bnoon\b|\bmidnight\b",
        "time times hour hours departure arrival boarding starting closing opening business office working",
    ),
    _form("temperature", r"\btemperatures?\b|\bhow (?:hot|warm|cold)\b|\bhow many degrees\b", r"°|º|\bdegrees?\b", "temperature temperatures hot warm cold degrees"),
    _form("percent", r"\bpercent(?:age)?s?\b|\bper cent\b", r"%|\bper ?cent\b", "percent percentage percentages per cent"),
    _form("figure", r"\b(?:what|which) (?:figures?|amounts?|sums?)\b", r"\d", "figure figures amount amounts sum sums"),
)  # fmt: skip
_WORDY = re.compile(
    r"\b(?:names?|city|cities|town|towns|country|countries|place|places|person|animal|fruit|capital)\b"
)
WORD = re.compile(r"\bwords?\b")
_LETTERS = re.compile(r"[^\W\d_]{2,}")


def form_asked(low: str) -> Form | None:
    """The form of text that a question in lower case asks for, if any."""
    return next((form for form in FORMS if re.search(form.asked, low)), None)


def asks_words(low: str) -> bool:
    """Whether it asks for something that a bare number cannot be: a name, a word, a city."""
    return _WORDY.search(low) is not None


def shows(text: str, form: Form) -> bool:
    """Whether a text has the form."""
    found = re.search(form.shown, text.lower())
    return found is not None and (form.name != "phone" or sum(c.isdigit() for c in found.group()) >= 6)


def wordy(text: str) -> bool:
    """Whether a text is more than a number."""
    return _LETTERS.search(text) is not None
