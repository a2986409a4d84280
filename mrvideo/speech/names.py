"""Names of people, as English cues say them: introductions, greetings, thanks, and calling somebody by name."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mrvideo.records import Cue
from mrvideo.text import tokens

_NAME = r"((?:(?:Dr|Mr|Mrs|Ms|Prof|Professor|Doctor|Captain|Miss|Aunt|Uncle|Detective|Officer|Chef)\.?\s)?[^\W\d_][\w’'-]+(?:\s[^\W\d_][\w’'-]+)?)"
# The words around a name in any case, the name itself by its capital: `_capitalised` looks at that.
_OF_THE_SPEAKER = re.compile(rf"\b(?:I['’]m|I am|my name is|my name['’]s|call me)\s+{_NAME}", re.IGNORECASE)
_OF_SOMEBODY = re.compile(
    r"\b(?:this is|meet|here['’]s|here is|joined by|welcome back|welcome|say hello to|and now)[,:]?\s+"
    + _NAME,
    re.IGNORECASE,
)
_TO_SOMEBODY = re.compile(
    r"\b(?:thanks(?: again| a lot| so much)?|thank you(?: again| so much| very much)?|hello|hi|hey|howdy|bye|goodbye"
    r"|good (?:morning|evening|afternoon|night|luck|job|work)|well done|nice to meet you|congratulations|happy birthday"
    rf"|see you(?: later)?|sorry|excuse me|please|okay|come on|back to you|over to you)[,!]?\s+{_NAME}(?=\s*[.,!?;:…—-]|\s*$)",
    re.IGNORECASE,
)
# Weak: also "Paris, France." Counted only for a name that a stronger way gave elsewhere.
_CALLED = re.compile(rf",\s+{_NAME}\s*[.!?](?:\s|$)|^{_NAME},\s+(?=[a-z])|^{_NAME}[!?](?:\s|$)")

_NO_NAMES = """
i i'm i’m you he she it we they me him her us them sir madam ma'am miss mister everyone everybody guys folks all
ladies gentlemen friends god jesus christ lord mom mum dad mommy daddy mother father son honey darling dear baby
monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
september october november december today tomorrow tonight english french german spanish chinese japanese american
british european african russian italian indian the a an my your our their this that these those there here what
who where when why how yes no not so and but or if then okay ok well now just very really sorry sure thanks thank
hello hi hey please welcome oh ah uh um wow mr mrs ms dr man woman boy girl narrator speaker voice host guest
announcer reporter interviewer interviewee crowd audience child kid student teacher male female both unknown nar
one two three four five six seven eight nine ten first second third new back going gonna in on at to from of for
"""
_TITLE_WORDS = "dr mr mrs ms prof professor doctor captain miss aunt uncle detective officer chef"
_TITLES = frozenset(_TITLE_WORDS.split())
_STOP = frozenset(_NO_NAMES.split())


def name_key(name: str) -> str:
    """What the same name has in common however it is written: "Dr. Lund" and "dr lund"."""
    return " ".join(tokens(name))


def names_said(cues: Sequence[Cue]) -> list[list[tuple[str, bool]]]:
    """For each cue the names it says, with whether the speaker says it of themselves.

    Cues in capitals give none: there, any word could be one.
    """
    strong = [_strong(cue.text) for cue in cues]
    known = {name for names in strong for name, _ in names}
    found: list[list[tuple[str, bool]]] = []
    for cue, names in zip(cues, strong, strict=True):
        said = dict(names)
        for match in _CALLED.finditer(cue.text):
            name = _capitalised(next(group for group in match.groups() if group))
            if name in known:
                said.setdefault(name, False)
        found.append(list(said.items()))
    return found


def _strong(text: str) -> list[tuple[str, bool]]:
    if text.upper() == text:
        return []
    found: dict[str, bool] = {}
    for pattern in (_OF_THE_SPEAKER, _OF_SOMEBODY, _TO_SOMEBODY):
        for match in pattern.finditer(text):
            if name := _capitalised(match[1]):
                found.setdefault(name, pattern is _OF_THE_SPEAKER)
    return list(found.items())


def _capitalised(words: str) -> str | None:
    """The leading capitalised words that can be a name: `Sarah`, `Dr. Smith`, `Mary Ann`; None when there are
    none.
    """
    kept: list[str] = []
    for word in words.split():
        bare = re.sub(r"['’]s$", "", word).strip(".'’-")
        titled = bare[:1].isupper() and (bare[1:2].islower() or bare[1:2] in ("'", "’"))
        if not titled or (bare.lower() in _STOP and bare.lower() not in _TITLES):
            break
        kept.append(word if word.endswith(".") else bare)
        if bare != word.rstrip("."):
            break  # a possessive ends the name
    if kept and kept[-1].lower().rstrip(".") in _TITLES:
        return None
    return " ".join(kept) or None


def can_be_name(words: str) -> bool:
    """Whether these words, told as somebody's name, can be one: no pronoun, no word for a relation or a stranger, and not
    in small letters.
    """
    bare = [word.strip(".,'’-").casefold() for word in words.split()]
    if not bare or words[:1].islower() or not any(letter.isalpha() for letter in words):
        return False
    return bare[0] not in _STOP - _TITLES and not all(word in _TITLES for word in bare)


def personal_name(label: str) -> str | None:
    """A speaker's label as a name (`SARAH` → `Sarah`), None for `MAN 2`, `NARRATOR`, `Speaker_00`."""
    words = label.strip().split()
    if not words or any(not re.fullmatch(r"[^\W\d_][\w.’'-]*", word) or "_" in word for word in words):
        return None
    if (
        any(any(c.isdigit() for c in word) for word in words)
        or words[0].lower().strip(".") in _STOP - _TITLES
    ):
        return None
    return " ".join(word.title() if word.isupper() and len(word) > 1 else word for word in words)
