"""Takes out of a caption what the list of characters says anyway of how somebody looks.

a list     <person_a>: man with brown hair, yellow hat; red jacket
a caption  <person_a>, in a yellow hat, a torn scarf, red jacket, walks in.
           <person_a>, a torn scarf, walks in.                           whole phrases go, the other commas stay
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mrvideo.captioning.rename import marks_in

_KNOWN_SHARE = 0.7
_WORD = re.compile(r"[^\W\d_]{3,}")
_LINKING = frozenset(
    "and with the wear wearing dressed has have she her his who they their both".split()  # noqa: SIM905
)
_SENTENCE = re.compile(r"(?:She|He|It|They) (?:has|have|wears?|(?:is|are) dressed)\b")
"""Sentences that tell how somebody looks."""


def words_of(text: str) -> frozenset[str]:
    """The words of a description by which a phrase is known."""
    return frozenset(word.rstrip("s") for word in _WORD.findall(text.lower())) - _LINKING


def without_looks(text: str, looks: Mapping[str, frozenset[str]]) -> str:
    """The text without looks that `looks` holds of a name (its description's `words_of`): between commas behind the
    name, or in a sentence of its own on whoever was named last.
    """
    kept: list[str] = []
    last = ""
    for sentence in re.split(r"(?<=[.!?]) +", text):
        if not (_SENTENCE.match(sentence) and _is_known(sentence, looks.get(last, frozenset()))):
            kept.append(_shortened(sentence, looks))
            last = next(reversed(marks_in(sentence)), last)
    return " ".join(kept)


def _shortened(sentence: str, looks: Mapping[str, frozenset[str]]) -> str:
    kept: list[str] = []
    look: frozenset[str] = frozenset()
    for phrase in sentence.split(", "):
        if _is_known(phrase, look):
            continue
        kept.append(phrase)
        named = marks_in(phrase)
        look = looks.get(named[-1], frozenset()) if named else look
    shown = ", ".join(kept)
    return shown if shown[-1:] in ".!?" else shown + sentence[len(sentence.rstrip(".!?")) :]


def _is_known(phrase: str, look: frozenset[str]) -> bool:
    """Whether a phrase that names nobody says next to nothing but what a description holds."""
    words = words_of(phrase)
    return "<" not in phrase and bool(words) and len(words & look) >= _KNOWN_SHARE * len(words)
