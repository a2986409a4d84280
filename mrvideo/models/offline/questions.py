"""What a question asks for: its kind, the texts it names, and where to look for them (screen, speech, a time)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from mrvideo.models.offline.forms import WORD, Form, asks_words, form_asked
from mrvideo.models.offline.kinds import Kind, Where
from mrvideo.models.offline.likeness import squeezed, tokens
from mrvideo.models.offline.naming import BESIDE, NOUN, PERCEPTUAL, QUOTED, SHOWN, targets_of
from mrvideo.models.offline.words import (
    KINDS,
    LIGHT,
    ORDINALS,
    RELATING,
    SAYING,
    SHOWING,
    STOP,
    TEXT_NOUNS,
    number_in,
    stem,
    times_in,
)


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
    kind = _kind(low, options)
    start, stop = _time_named(low, kind)
    if (
        start is not None
        and kind in ("read", "open", "exists", "after", "before")
        and kind not in ("exists",)
    ):
        kind = "at_time" if kind in ("read", "open") else kind
    targets = targets_of(text, low, kind)
    nth = _nth(low) if kind == "nth" else 0
    main = _main_clause(low, kind)
    content = _content(text, targets, options)
    form = form_asked(main)
    named = _times_removed(low)
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


def _times_removed(low: str) -> str:
    return re.sub(r"\b\d+(?::\d+)+\b|\b\d+(?:\.\d+)?[\s-]*(?:s|m|h|seconds?|minutes?|hours?|st|nd|rd|th)\b|\b(?:second|minute)s?\s+\d+", " ", low)  # fmt: skip


def _words(text: str) -> frozenset[str]:
    return frozenset(tokens(text))


def _kind(low: str, options: Sequence[str]) -> Kind:
    def has(pattern: str) -> bool:
        return re.search(pattern, low) is not None

    yes_no = has(r"^(?:does|do|did|is|are|was|were|has|have|can|could|will)\b")
    if has(r"\bhow (?:long|many (?:seconds|minutes|hours)) (?:is|does|long is) (?:the |this )?(?:whole |entire )?(?:video|film|clip|movie|recording|footage)\b|\b(?:duration|length) of (?:the |this )?(?:whole |entire )?(?:video|film|clip|movie|recording)"):  # fmt: skip
        return "video_length"
    if has(r"\bhow (?:many times|often|frequently)\b|\bnumber of times\b|\bhow many (?:separate |distinct |different )?(?:occurrences|appearances|instances|occasions)\b"):  # fmt: skip
        return "count_times"
    if has(rf"\bhow many (?:\w+[\s-]){{0,4}}?(?:{NOUN})\b|\b(?:total |overall )?(?:number|count|amount) of (?:\w+[\s-]){{0,3}}?(?:words|texts|signs|titles|captions|numbers|codes|messages|phrases|sentences|lines|labels|subtitles|slides|cards|strings|passwords|names|items|needles)\b|\bhow many (?:different|distinct|unique)\b|\bcount (?:the|all|how)\b"):  # fmt: skip
        return "count_different"
    if yes_no and has(r"\b(?:before|after|earlier than|later than)\b"):
        return "precedes"
    if has(
        r"\border\b(?! (?:number|no\b|id\b|code|form|date|confirmation|status|total))|\bsequence\b|\bchronolog|\bone after (?:another|the other)\b"
    ):
        return "order"
    if has(r"\bbetween\b") and not times_in(low):
        return "between"
    long = has(
        r"\bhow long\b|\bhow many (?:seconds|minutes)\b|\bwhat is the duration\b|\bfor what duration\b"
    )
    if long and has(rf"QUOTED|quoted|{SHOWN}"):
        return "how_long"
    if has(r"^(?:(?:un)?till? |since |from )?when\b|\bat (?:what|which) (?:exact )?(?:time|second|minute|moment|point|timestamp)|\bwhat time ?stamp|\bat what time|\bwhich (?:second|minute|timestamp)|\b(?:what|which) (?:is the )?(?:time|moment|timestamp)s?\b.*\b(?:appear|shown|visible)|\bduring (?:what|which) (?:time|period|interval)|,? when\??$"):  # fmt: skip
        return "when"
    if has(r"\bwhat colou?rs?\b|\bwhich colou?rs?\b|\bwhat is the (?:main |dominant |background )*colou?r"):
        return "colour"
    if has(r"\bafter\b.+\b(?:but|and) before\b"):
        return "between"
    if has(
        r"^(?:what|which)\b.+\b(?:when|while|as|during|at the same time as|at the moment)\b \w"
    ) and not has(r"\bas (?:the|a|an) (?:answer|option|text|title|word)\b"):
        return "during"
    anchored = has(
        r"\b(?:after|before|following|preceding|precedes?|follows?|followed by|preceded by|next to appear after)\b"
    )
    if anchored and not has(
        r"\b(?:what|which)(?: of)?(?: the)? following\b(?!.*\b(?:after|before|preced|follows?)\b)"
    ):
        early = has(r"\bbefore\b|\bpreced(?:es?|ing)\b|\bfollowed by\b") and not has(
            r"\bpreceded by\b|\bafter\b"
        )
        return "before" if early else "after"
    ranked = bool(options) and has(r"\bwhich (?:person|speaker|character)\b.*\b(?:first|last)\b")
    if (
        has(
            r"^who\b|\b(?:speaker|narrator|presenter|host)'s name\b|\bname of the (?:speaker|narrator|presenter|host)\b|\bwhich (?:person|speaker|character)\b|\bwhose\b"
        )
        and not ranked
    ):
        return "who"
    if has(r"\b(?:first|last|final|earliest|latest|initial|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d+(?:st|nd|rd|th))\b") and not has(r"\b(?:first|last|final|second|third) (?:\d+|few|ten|five|three|two|minute|second|half|name|time)\b"):  # fmt: skip
        return "nth"
    if yes_no and not (options and not any(squeezed(o) in ("yes", "no", "true", "false") for o in options)):
        return "exists"
    if has(rf"\b(?:{NOUN})\b|\b(?:written|displayed|reads?|spelled)\b|\bwhat (?:is|was|are|were) (?:shown|on (?:the )?screen|visible|displayed)|\bwhat does .+ say\b|\b(?:which|what) (?:one )?of (?:the |these |those )?(?:following|options)?.*\b(?:appear|shown|display|seen|visible|occur|mentioned|said)|\bwhat (?:appears|is shown|shows up)\b"):  # fmt: skip
        return "read"
    return "open"


def _time_named(low: str, kind: Kind) -> tuple[float | None, float | None]:
    """The bounds of a time that the question names, or (None, None)."""
    if kind in ("when", "how_long", "video_length", "count_times", "count_different", "order"):
        limit = re.search(r"\b(?:in|within|during) the (first|last) (.+)", low)
        if not limit:
            return None, None
    edge = re.search(
        r"\b(?:in|within|during|of) the (first|last) (half (?:a )?minute|minute|(?:\w+ )?(?:seconds?|minutes?))",
        low,
    )
    if edge:
        amount = number_in(edge.group(2))
        seconds = (
            30.0 if "half" in edge.group(2) else (amount or 1.0) * (60 if "minute" in edge.group(2) else 1)
        )
        return (0.0, seconds) if edge.group(1) == "first" else (-seconds, None)
    if re.search(r"\bat the (?:very )?(?:beginning|start|opening)\b", low):
        return 0.0, 10.0
    if re.search(
        r"\b(?:near|toward|towards|close to) the end\b(?! of (?!the (?:video|film|clip|movie)))", low
    ):
        return -20.0, None
    if re.search(r"\bat the (?:very )?(?:end|close)\b(?! of (?!the (?:video|film|clip|movie)))", low):
        return -10.0, None
    if not re.search(
        r"\b(?:at|around|about|near|by|from|between|until|after|before|second|minute|timestamp|time|from|to|@)\b",
        low,
    ):
        return None, None
    times = times_in(low)
    if not times:
        return None, None
    if len(times) >= 2 and re.search(r"\b(?:between|from)\b|-|–", low):
        return min(times[:2]), max(times[:2])
    return times[0], times[0]


def _nth(low: str) -> int:
    for word in re.findall(r"\w+", low):
        if word in ("last", "final", "latest"):
            return -1
        if word in ("earliest", "initial"):
            return 1
        if word in ORDINALS and not re.search(rf"{word} (?:name|to last)", low):
            return -2 if re.search(rf"{word}[\s-]to[\s-]last", low) and word == "second" else ORDINALS[word]
    return 1


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


def _content(text: str, targets: Sequence[str], options: Sequence[str]) -> list[str]:
    """Words that carry meaning, apart from those of the targets."""
    taken = {word for target in targets for word in tokens(target)}
    # `The title of the presentation`: what bears the title tells nothing on its words.
    taken.update(re.findall(r"\b(?:title|heading|headline|step) of (?:the|this) (\w+)", text.lower()))
    dull = STOP | KINDS | TEXT_NOUNS | SHOWING | SAYING | RELATING | taken | set(ORDINALS)
    return [word for word in dict.fromkeys(tokens(text)) if word not in dull and not word.isdigit()]
