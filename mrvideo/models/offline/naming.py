"""Which texts a question names: those in quotation marks, else those in the place where its kind of question names them."""

from __future__ import annotations

import re

from mrvideo.models.offline.kinds import Kind
from mrvideo.models.offline.words import (
    RELATING,
    SAYING,
    SHOWING,
    STOP,
    TEXT_NOUNS,
)
from mrvideo.text import squeezed, tokens

QUOTED = re.compile(
    r"[\"“”„«]\s*([^\"“”„«»]+?)\s*[\"“”»]|`([^`]+)`|(?<!\w)['‘’]([^'‘’\n]*(?:\b['’](?:s|t|m|re|ve|ll|d)\b[^'‘’\n]*)*)['’](?!\w)",
)
NOUN = "|".join(sorted(TEXT_NOUNS, key=len, reverse=True))
SHOWN = r"(?:(?:ever|first|last|finally|briefly|being|be)\s+)*(?:appears?|appeared|appearing|shown|showing|show up|shows up|displayed|visible|seen|written|on[\s-]?(?:the\s+)?screen|come up|comes up|said|mentioned|spoken|stay\w*|remain\w*|last\w*|flash\w*|disappear\w*|vanish\w*|on display|present|heard|talked about|read|occur\w*|gone|fades?|start\w*|begin\w*|end\w*|in the (?:video|film|clip|movie|footage))\b"
_LEAD = re.compile(
    # A noun is dropped only where it is written small: `the code 4711`, but `Code 4711`.
    rf"^(?:(?:[Tt]he|[Aa]n?|this|that|any|some|of|on[\s-]?screen|exact|displayed|shown)\s+)*"
    rf"(?:(?:{NOUN})\b(?:\s+(?:that\s+)?(?:says|reads|reading|saying|called|named))?\s*)*(?:(?:the|an?)\s+)*",
)
BESIDE = re.compile(
    r"\b(?:below|beneath|underneath|above|beside|next to|(?:left|right|top|bottom) of|in front of|behind)\b"
)
PERCEPTUAL = re.compile(
    r"\b(?:doing|wear\w*|hold(?:s|ing)|carry\w*|look(?:s|ing)? like|happen(?:s|ed|ing)?|gender|facial|expression|mood|emotion\w*|feel\w*|weather|"
    r"hair|cloth\w*|dress\w*|shirt|jacket|animal\w*|people|persons?|man|woman|men|women|boy|girl|child\w*|car|cars)\b",
    re.IGNORECASE,
)


_VERB = r"(?:is|are|was|were|does|do|did|has|have|can|could|will)"
_TAIL = rf"(?:\s+(?:{_VERB}\s+)?{SHOWN}.*)?$"
_PATTERNS: dict[str, tuple[str, ...]] = {
    "after": (
        rf"\b(?:after|following|follows?|preceded by)\s+(.+?){_TAIL}",
    ),
    "before": (rf"\b(?:before|preceding|precedes?|followed by)\s+(.+?){_TAIL}",),
    "during": (
        rf"\b(?:when|while|as|during|at the same time as|at the moment)\s+(.+?){_TAIL}",
    ),
    "between": (
        rf"\bafter\s+(.+?)\s+(?:but|and)\s+before\s+(.+?){_TAIL}",
        rf"\bbetween\s+(.+?)\s+and\s+(.+?){_TAIL}",
    ),
    "precedes": (
        rf"^{_VERB}\s+(.+?)\s+(?:{SHOWN}\s+)?(?:right |immediately |directly |just )?(?:before|after|earlier than|later than)(?: or (?:before|after|earlier than|later than))?\s+(.+?){_TAIL}",
    ),
    "when": (
        rf"\b(?:when|time|second|minute|moment|point|timestamp)s?\s+(?:exactly\s+)?(?:{_VERB}|that)\s+(.+?)\s+{SHOWN}",
        rf"\b(?:does|is|are|do|was|did)\s+(.+?)\s+{SHOWN}",
        rf"\b{_VERB}\s+(?:we|you|i|one|the viewer)\s+(?:first\s+)?(?:see|read|hear|find)\s+(.+)$",
    ),
    "how_long": (
        rf"\b{_VERB}\s+(.+?)\s+{SHOWN}",
        r"\b(?:stay|remain|last|visible)\w*\s+(?:of\s+)?(.+)$",
    ),
    "count_times": (
        rf"\b(?:times|often|frequently|occasions)\s+(?:in (?:total|all)\s+)?{_VERB}\s+(.+?)\s+{SHOWN}",
        rf"\b(?:times|often|frequently|occasions)\s+{_VERB}\s+(?:we|you|someone|anyone|they)\s+(?:see|say|read|hear|mention)\s+(.+)$",
        rf"\b(?:occurrences|appearances|instances|times)\s+of\s+(.+?){_TAIL}",
        rf"\b(?:times|often)\s+{_VERB}\s+(.+)$",
        r"\bnumber of times (?:that\s+)?(.+?)\s+(?:is |was |are )?(?:appears?|appeared|shown|said|mentioned|displayed|seen)",
    ),
    "order": (
        rf"\border\s+(?:of\s+appearance\s+)?{_VERB}\s+(.+?)(?:\s+{SHOWN}.*)?$",
        r"\border (?:in which|that)\s+(.+?)\s+(?:are |were |is )?(?:shown|appear|displayed|said|mentioned).*$",
        r"\border of (?:appearance of\s+)?(.+?)(?:\s+in the (?:video|film|clip)|$)",
    ),
    "exists": (
        rf"^{_VERB}\s+(?:there\s+(?:any\s+|a\s+|an\s+|ever\s+)*(?:mention of\s+)?)(.+?)(?:\s+{SHOWN}.*|\s+in the (?:video|film|clip|movie|footage).*|\s+anywhere.*)?$",
        rf"^{_VERB}\s+(.+?)\s+{SHOWN}",
        rf"^{_VERB}\s+(?:anyone|anybody|someone|somebody|the video|the film|you|we|they|it)\s+(?:ever\s+)?(?:say|see|mention|show|talk about|read|contain|display|speak of|find)s?\s+(.+?){_TAIL}",
    ),
    "nth": (
        r"[,:]\s*(.+?),?\s+or\s+(.+)$",
    ),
    "colour": (
        rf"\b(?:when|while|behind|during|around|as)\s+(.+?){_TAIL}",
    ),
    "who": (
        r"^who\s+(?:says|said|say|mentions|mentioned|shouts|asks|asked)\s+(?:that\s+)?(.+)$",
    ),
}  # fmt: skip


def targets_of(text: str, kind: Kind) -> tuple[str, ...]:
    quoted = [
        next(g for g in match.groups() if g is not None).strip(" .,;:?!") for match in QUOTED.finditer(text)
    ]
    quoted = [q for q in quoted if squeezed(q)]
    if quoted:
        return tuple(dict.fromkeys(quoted))
    plain = " ".join(text.replace("’", "'").split()).rstrip("?!. ")
    found: list[str] = []
    for pattern in _PATTERNS.get(kind, ()):
        if match := re.search(pattern, plain, re.IGNORECASE):
            found = [group for group in match.groups() if group]
            break
    if kind == "order" and found:
        found = re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+|\s*;\s*", found[0])
    if kind == "nth" and found:
        found = [part for group in found for part in re.split(r"\s*,\s*", group)]
    if kind in ("order", "nth") and len(found) > 1:
        # `the towns Ostwick, Lowmoor and Bramford`
        found[0] = re.sub(r"^(?:[a-z]+ ){1,4}(?=[A-Z\d])", "", found[0])
    cleaned = [_LEAD.sub("", target.strip(" ,;:")).strip(" ,;:'\"") for target in found]
    named = tuple(dict.fromkeys(t for t in cleaned if squeezed(t) and not _generic(t)))
    if not named and kind in ("after", "before", "during"):
        # `before the password`: the text that calls itself so.
        named = tuple(w for t in found for w in tokens(t) if w in _CALLED_SO)[:1]
    return named


_CALLED_SO = frozenset(["password", "code", "number", "note", "label", "tag", "message"])


def _generic(target: str) -> bool:
    """Whether the words only point at texts in general: `the following words`."""
    return all(
        w in STOP or w in TEXT_NOUNS or w in SHOWING or w in SAYING or w in RELATING for w in tokens(target)
    )
