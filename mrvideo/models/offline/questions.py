"""What a question asks for: its kind, the texts it names, and where to look for them (screen, speech, a time)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from mrvideo.models.offline.asking import kind_of
from mrvideo.models.offline.forms import WORD, Form, asks_words, form_asked
from mrvideo.models.offline.kinds import Kind, Where
from mrvideo.models.offline.moments import place_named, time_named, without_times
from mrvideo.models.offline.naming import BESIDE, NOUN, PERCEPTUAL, QUOTED, targets_of
from mrvideo.models.offline.words import (
    KINDS,
    LIGHT,
    ORDINALS,
    RELATING,
    SAYING,
    SHOWING,
    STOP,
    TEXT_NOUNS,
    stem,
)
from mrvideo.text import tokens


@dataclass(frozen=True)
class Question:
    """A question taken apart.

    `targets` are the texts it names; `content` the stems of the other words that carry meaning; `nouns` the words it has for texts
    ("code"); `literal` the stems of words such as "final" that may say an order or belong to the text; `form` is what its answer must look like, `wordy` that a bare
    number is none, `bare` the content without words for the form, `numbers` those it names; `start_seconds` and `stop_seconds` bound the time it names; `nth` counts from 1, from the end when negative.
    """

    text: str
    options: tuple[str, ...]
    kind: Kind
    where: Where
    targets: tuple[str, ...] = ()
    content: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    nouns: frozenset[str] = frozenset()
    start_seconds: float | None = None
    stop_seconds: float | None = None
    nth: int = 0
    negated: bool = False
    anchor_is_speech: bool = False
    perceptual: bool = False
    literal: frozenset[str] = frozenset()
    form: Form | None = None
    wordy: bool = False
    bare: frozenset[str] = frozenset()
    numbers: tuple[str, ...] = ()
    asks_own_name: bool = False
    main_nouns: frozenset[str] = frozenset()


@lru_cache(maxsize=256)
def parse_question(text: str, options: tuple[str, ...] = ()) -> Question:
    """Take a question apart. Never fails: what fits no pattern is `open`."""
    text = re.sub(r"\blower[\s-]thirds?\b", "caption", text)
    bare = QUOTED.sub(" QUOTED ", text)
    low = " ".join(bare.lower().replace("’", "'").split())
    kind = kind_of(low, options)
    start, stop = time_named(low, kind)
    if (
        start is not None
        and kind in ("read", "open", "exists", "after", "before")
        and kind not in ("exists",)
    ):
        kind = "at_time" if kind in ("read", "open") else kind
    targets = targets_of(text, kind)
    nth = place_named(low) if kind == "nth" else 0
    main = _main_clause(low, kind)
    content = _content(text, targets)
    form = form_asked(main)
    named = without_times(low)
    return Question(
        text=text,
        options=options,
        kind=kind,
        where=_where(main, low),
        targets=targets,
        content=frozenset(stem(w) for w in content),
        names=frozenset(
            stem(w) for w in content if re.search(rf"(?<=\S )[^\w]*{re.escape(w.capitalize())}\b", text)
        ),
        nouns=frozenset(w for w in tokens(bare) if w in TEXT_NOUNS),
        start_seconds=start,
        stop_seconds=stop,
        nth=nth,
        negated=_negated(low),
        anchor_is_speech=kind in ("after", "before") and bool(_words(low.partition(kind)[2]) & SAYING),
        perceptual=bool(PERCEPTUAL.search(low)) or (bool(targets) and bool(BESIDE.search(low))),
        literal=frozenset(stem(w) for w in _ambiguous(low, content)),
        form=form,
        wordy=asks_words(main)
        or (
            kind in ("after", "before", "between", "nth", "order", "count_different", "at_time")
            and bool(WORD.search(main))
        ),
        main_nouns=frozenset(w for w in tokens(QUOTED.sub(" ", main)) if w in TEXT_NOUNS),
        bare=frozenset(stem(w) for w in content if not form or w not in form.words) - LIGHT,
        numbers=tuple(w for w in tokens(named) if w.isdigit()),
        asks_own_name=bool(re.search(r"\bnames?\b(?! of (?:the|a|an|this|that)\b)", low))
        and not low.startswith("name "),
    )


def _words(text: str) -> frozenset[str]:
    return frozenset(tokens(text))


def _negated(low: str) -> bool:
    return (
        re.search(
            r"\b(?:not|never|doesn't|didn't|don't|isn't|wasn't|aren't|weren't|neither|absent|missing|except)\b",
            low,
        )
        is not None
    )


def _main_clause(low: str, kind: Kind) -> str:
    """The part that says what is wanted, without the anchor: `what is said [after the title]`."""
    if kind in ("after", "before", "between"):
        return re.split(
            r"\b(?:right |immediately |directly |just |straight )?(?:after|before|between|following|preceding)\b",
            low,
            maxsplit=1,
        )[0]
    return low


def _where(main: str, low: str) -> Where:
    words = _words(main)
    says = bool(words & SAYING)
    shows = bool(
        words
        & (
            SHOWING
            | TEXT_NOUNS - {"name", "names", "line", "lines", "sentence", "sentences", "phrase", "phrases"}
        )
    )
    written = re.search(
        rf"\b(?:{NOUN}|screen)s? (?:\w+ )?(?:says?|tells?|reads?)\b|\bdoes the (?:\w+ )*(?:{NOUN}|screen) say\b",
        low,
    )
    if written:
        return "screen"
    if says and not shows:
        return "speech" if not re.search(r"\bmention", main) else "any"
    if shows and not says:
        return "screen"
    return "any"


def _ambiguous(low: str, content: Sequence[str]) -> list[str]:
    """Words for an order that stand right before a noun, and may be a part of the text: `the final animal is …`."""
    words = tokens(low)
    nouns = {*content, *TEXT_NOUNS}
    return [a for a, b in pairwise(words) if a in RELATING and b in nouns and a not in _COUNTING]


_COUNTING = frozenset(
    ["many", "different", "distinct", "unique", "various", "separate", "total", "order", "not"]
)


def _content(text: str, targets: Sequence[str]) -> list[str]:
    """Words that carry meaning, apart from those of the targets."""
    taken = {word for target in targets for word in tokens(target)}
    # `The title of the presentation`: what bears the title tells nothing on its words.
    taken.update(re.findall(r"\b(?:title|heading|headline|step) of (?:the|this) (\w+)", text.lower()))
    dull = STOP | KINDS | TEXT_NOUNS | SHOWING | SAYING | RELATING | taken | set(ORDINALS)
    return [word for word in dict.fromkeys(tokens(text)) if word not in dull and not word.isdigit()]
