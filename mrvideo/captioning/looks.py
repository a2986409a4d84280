"""Takes out of a caption what the list of characters says anyway of how somebody looks.

a list     <person_a>: man with brown hair, yellow hat; red jacket
a caption  <person_a>, in a yellow hat, a torn scarf, red jacket, walks in.
           <person_a>, a torn scarf, walks in.                           no phrase is cut in its middle
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mrvideo.captioning.rename import marks_in

_KNOWN_SHARE = 0.7
_WORD = re.compile(r"[^\W\d_]{3,}")
_LINKING = frozenset(
    "and with the wear wearing dressed has have she her his who they their both".split()  # noqa: SIM905
)
_NAMED_LAST = re.compile(r"<(\w+)>$")
_OBJECT = re.compile(
    r"\b(?:beside|behind|with|by|at|to|near|before|after|from|of|for|towards?|against|opposite|over|around|past|on)"
    r"\s+<\w+>$",
    re.IGNORECASE,
)
"""Somebody of whom the sentence only says where another one is: its verb is not theirs."""
_SENTENCE = re.compile(r"(?:She|He|It|They) (?:has|have|wears?|(?:is|are) dressed)\b")
"""Sentences that tell how somebody looks."""
_BEGINS_LOOK = re.compile(r"(?:both )?(?:(?:an?|the|in|with|wearing|her|his|its|their) |\w+(?:ing|ed)\b)")
_AHEAD_OF_VERB = re.compile(
    r"(?:(?:and|but|then|now|also|still|again|who|both|all|once|\w+ly) )+", re.IGNORECASE
)
_ACT_ON_OWN = re.compile(r"\w+ (?:her|his|its|their) ")
_VERBS = frozenset(
    [
        "faces",
        "watches",
        "are",
        "can",
        "cannot",
        "did",
        "do",
        "had",
        "have",
        "was",
        "wear",
        "were",
        "will",
        "wore",
    ]
)
_WORN_OR_BORNE = """
hair beard moustache mustache goatee stubble fringe ponytail braid plait bun curl dreadlock whisker eye eyebrow face skin
complexion build freckle scar tattoo glasses sunglasses spectacles goggles mask hat cap helmet hood scarf shawl veil turban
headscarf headband bandana jacket coat cloak cape shirt blouse top jumper sweater pullover hoodie cardigan dress skirt gown
robe suit vest waistcoat uniform apron overall overalls trousers pants jeans shorts leggings tights stockings sock shoe boot
trainer sneaker sandal heels glove belt sash tie bow collar sleeve ring earring necklace bracelet watch headphones badge
backpack fur tail muzzle snout paw ear mane beak wing feather stripe spot patch
"""

_Looks = frozenset[str]


def words_of(text: str) -> frozenset[str]:
    """The words of a description by which a phrase is known."""
    return frozenset(word.rstrip("s") for word in _WORD.findall(text.lower())) - _LINKING


_NOUNS = words_of(_WORN_OR_BORNE)


def without_looks(text: str, looks: Mapping[str, frozenset[str]]) -> str:
    """The text without looks that `looks` holds of a name (its description's `words_of`): between commas behind the
    name, or in a sentence of its own on whoever was named last.
    """
    kept: list[str] = []
    last = ""
    for sentence in re.split(r"(?<=[.!?]) +", text):
        if _SENTENCE.match(sentence) and _is_known(sentence, looks.get(last, frozenset())):
            continue
        kept.append(_shortened(sentence, looks))
        last = next(reversed(marks_in(sentence)), last)
    return " ".join(kept)


def _shortened(sentence: str, looks: Mapping[str, _Looks]) -> str:
    phrases = sentence.split(", ")
    shown, place = phrases[0], 1
    while place < len(phrases):
        name = _NAMED_LAST.search(shown)
        stop, new = _looks_behind(phrases, place, looks.get(name[1], frozenset())) if name else (place, [])
        if stop - place == len(new):
            # Nothing that is known: as it stands.
            shown, place = f"{shown}, {phrases[place]}", place + 1
            continue
        is_object = bool(_OBJECT.search(shown))
        shown = ", ".join([shown, *(phrase.removeprefix("and ") for phrase in new)])
        if stop == len(phrases):
            return shown if shown[-1:] in ".!?" else shown + sentence[len(sentence.rstrip(".!?")) :]
        # The commas around looks go with them, unless there are others.
        follows = phrases[stop]
        comma = bool(new) or is_object or follows.startswith("<") or _BEGINS_LOOK.match(follows)
        shown, place = f"{shown}{',' if comma else ''} {follows}", stop + 1
    return shown


def _looks_behind(phrases: Sequence[str], start: int, look: _Looks) -> tuple[int, list[str]]:
    """Where looks that begin at `start` end, and those of them that are not known."""
    new: list[str] = []
    for place in range(start, len(phrases)):
        phrase = phrases[place]
        if _tells_act(phrase):
            return place, new
        if _is_known(phrase, look):
            continue
        later = next((n for n in range(place + 1, len(phrases)) if _is_known(phrases[n], look)), None)
        between = later is not None and not any(_tells_act(one) for one in phrases[place + 1 : later + 1])
        aside = place + 1 < len(phrases) and _begins_with_verb(phrases[place + 1])
        if not between and not aside and not _is_look(phrase):
            return place, new
        new.append(phrase)
    return len(phrases), new


def _is_known(phrase: str, look: _Looks) -> bool:
    """Whether a phrase says next to nothing but what a description holds."""
    words = words_of(phrase)
    return bool(words) and len(words & look) >= _KNOWN_SHARE * len(words)


def _is_look(phrase: str) -> bool:
    """Whether a phrase that names nobody and has no verb is of somebody's looks, as far as its words tell."""
    return bool(_BEGINS_LOOK.match(phrase) or words_of(phrase) & _NOUNS)


def _tells_act(phrase: str) -> bool:
    """Whether a phrase names somebody, or begins with a verb."""
    return "<" in phrase or _begins_with_verb(phrase)


def _begins_with_verb(phrase: str) -> bool:
    """As far as its form tells: "slowly walks in", "and adjust their hats"."""
    if _BEGINS_LOOK.match(phrase):
        return False
    told = _AHEAD_OF_VERB.sub("", phrase, count=1)
    first = re.match(r"[^\W\d_]+", told)
    word = first[0].lower() if first else ""
    if _ACT_ON_OWN.match(told) or word in _VERBS:
        return True
    return word.endswith("s") and not word.endswith(("ss", "us")) and not words_of(word) & _NOUNS
