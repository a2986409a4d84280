"""A decision over the timeline, and which option it supports."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from mrvideo.models.offline.question import Question
from mrvideo.models.offline.timeline import Item, Timeline, holding
from mrvideo.records import Confidence, Span, clock
from mrvideo.text import Language, holds, numbers_in, squeezed, times_in, tokens


@dataclass(frozen=True)
class Decision:
    """What the timeline supports. `cited` are the items it rests on; `value` is its number, seconds, or yes
    or no. `whole`: a few fresh frames could not tell it, for they do not show what stands next to what, nor
    how many there are.

    `confidence` is above 3 only where a skill is exact, and both sides of a relation were found by their very
    words.
    """

    answer: str
    confidence: Confidence
    cited: tuple[Item, ...]
    reasoning: str
    value: float | bool | None = None
    choice: int | None = None
    found: bool = True
    whole: bool = False


UNFOUND = Decision("", 1, (), "Nothing that was read or heard answers it.", found=False)
"""Of a skill: nobody else can answer this, and nothing was found."""


def span_words(span: Span) -> str:
    """`1:23.5–1:25.5 (83.5 s to 85.5 s)`."""
    return f"{clock(span.start_seconds)}–{clock(span.stop_seconds)} ({span.start_seconds:.1f} s to {span.stop_seconds:.1f} s)"


def texts_of(items: Iterable[Item]) -> str:
    """Their texts in a row, each once."""
    return ", ".join(dict.fromkeys(item.text for item in items))


_LETTER = re.compile(r"^\s*(?:\(?[A-Ha-h][).:]|[A-H]\s*[-–]\s)\s*(?=\S)")
_NONE = re.compile(
    r"^(?:none|neither|no(?:ne)? (?:of|word|text|one)|not (?:shown|found|mentioned|in)|nothing|cannot|can't|unknown|unclear|it does(?:n't| not))\b",
    re.IGNORECASE,
)
_SEPARATORS = (
    r"\s*(?:->|→|⇒|=>|>|›|»|➔|⟶)\s*",
    r"\s*;\s*",
    r"\s*\|\s*",
    r"\s*,?\s+then\s+|\s*[,、，]\s*",
    r"\s+/\s+|/",
    r"\s+[-–—]\s+",
    r"\s+",
)


def option_text(option: str) -> str:
    """The option without its letter, `(B) Zebra`, and without quotation marks."""
    text = _LETTER.sub("", option).strip().strip("\"'“”‘’«»`").strip().rstrip(".")
    return text or option.strip()


def says_none(option: str) -> bool:
    """Whether the option means that none of the others is right."""
    return _NONE.match(option_text(option)) is not None


def supports(text: str, option: str, language: Language) -> float:
    """How surely a text supports an option by its very words, 0 to 1."""
    words = option_text(option)
    if says_none(option):
        return 0.0
    stop = language.stop
    bare = " ".join(w for w in words.split() if w.casefold() not in stop) or words
    score = max(holds(text, words), holds(text, bare))
    mine, yours = [w for w in tokens(text) if w not in stop], tokens(bare)
    if score < 0.85 and mine and len(squeezed(text)) >= 3 and len(mine) * 2 > len(yours) - 2:
        # `The word KANGAROO`, `A sign that reads BREAD & BUNS`: the text makes up what matters of the option.
        score = 0.9 * (holds(words, text) >= 0.97)
    if score >= 0.85:
        return score
    numbers = numbers_in(words, language)
    same = len(numbers) == 1 and len(tokens(words)) <= 2 and numbers[0] in numbers_in(text, language)
    return 0.9 if same else 0.0


def supported(question: Question, texts: Iterable[str]) -> list[int]:
    """The options that the texts hold, the most exact ones, without those that are a part of another one."""
    texts = list(texts)
    scores = [
        max((supports(text, o, question.language) for text in texts), default=0.0) for o in question.options
    ]
    best = max(scores, default=0.0)
    hits = [n for n, score in enumerate(scores) if score and score >= best - 1e-9]
    words = {n: set(tokens(option_text(question.options[n]))) for n in hits}
    return [n for n in hits if not any(words[n] < words[other] for other in hits)]


def held_share(question: Question, option: str, item: Item, timeline: Timeline) -> float:
    """How much a text holds of an option beyond what the question names, 0 to 1."""
    if supports(item.text, option, question.language):
        return 1.0
    wanted = timeline.language.stems(option_text(option)) - question.content
    held = sum(timeline.ranker.held(word, timeline.stems(item)) for word in wanted)
    return held / len(wanted) if wanted else 0.0


def named_by_options(question: Question, items: Sequence[Item]) -> list[Item]:
    """The items that support any option; all of them where there are no options."""
    if not question.options:
        return list(items)
    return [i for i in items if any(supports(i.text, o, question.language) for o in question.options)]


def choose(question: Question, decision: Decision) -> Decision:
    """The decision with the option that it supports; not found where it supports none, or several."""
    if not question.options or decision.choice is not None or not decision.found:
        return decision
    if isinstance(decision.value, bool):
        choice = choose_yes(question, yes=decision.value)
    elif question.asks == "when":
        choice = choose_moment(question, decision.cited)
    elif decision.value is not None:
        slack = max(1.5, decision.value / 10) if question.asks == "how_long" else 1e-6
        choice = choose_number(question, decision.value, slack=slack)
    else:
        hits = supported(question, [decision.answer]) or supported(question, [i.text for i in decision.cited])
        choice = hits[0] if len(hits) == 1 else None
    if choice is None:
        return replace(decision, found=False)
    return replace(decision, choice=choice, answer=question.options[choice])


def choose_yes(question: Question, *, yes: bool) -> int | None:
    """The option that says yes (or no)."""
    said = question.language.answers.get("yes" if yes else "no", "").casefold()
    wanted = ("yes", "true", "correct", said) if yes else ("no", "false", "incorrect", said)
    firsts = [(tokens(option_text(option)) or ("",))[0] for option in question.options]
    return next((n for n, word in enumerate(firsts) if word in wanted), None)


def choose_number(question: Question, value: float, *, slack: float = 1e-6) -> int | None:
    """The option that names this number, or seconds within a slack; the closest one."""
    counts = dict(pair.split("=") for pair in question.language.words("counts"))
    misses: list[tuple[float, int]] = []
    for number, option in enumerate(question.options):
        text = option_text(option)
        named = (
            (times_in(text, question.language) if slack > 1e-3 else [])
            or [float(counts[w]) for w in tokens(text) if w in counts]
            or numbers_in(text, question.language)
        )
        misses += [(abs(first - value), number) for first in named[:1]]
    return _closest(misses, slack)


def choose_moment(question: Question, found: Sequence[Item]) -> int | None:
    """The option whose time lies in, or is closest to, what was found (within 5 s)."""
    misses: list[tuple[float, int]] = []
    for number, option in enumerate(question.options):
        if times := (times_in(option, question.language) or numbers_in(option, question.language))[:2]:
            misses.append((min(_miss(min(times), max(times), item) for item in found), number))
    return _closest(misses, 5.0)


def _closest(misses: Iterable[tuple[float, int]], most: float) -> int | None:
    miss, choice = min(misses, default=(math.inf, 0))
    return choice if miss <= most else None


def _miss(low: float, high: float, item: Item) -> float:
    if low == high:
        inside = item.start_seconds - 0.5 <= low <= item.stop_seconds + 0.5
        return 0.0 if inside else min(abs(low - item.start_seconds), abs(low - item.stop_seconds))
    shared = Span(low, high).intersection_over_union(item.span)
    return 5.0 * (1 - shared) if shared > 0 else 99.0


def choose_order(question: Question, pool: Sequence[Item]) -> Decision | None:
    """The option whose texts were all found, one after the other."""
    rows = _sequences(question.options)
    fitting: list[tuple[int, list[Item]]] = []
    for number, row in enumerate(rows or ()):
        firsts = [holding(pool, part) for part in row]
        if not row or not all(firsts):
            continue
        found = [f[0] for f in firsts]
        rising = all(a.start_seconds <= b.start_seconds for a, b in pairwise(found))
        if rising and len({id(item) for item in found}) == len(found):
            fitting.append((number, found))
    if not fitting:
        return None
    longest = max(len(found) for _, found in fitting)
    best = [(n, found) for n, found in fitting if len(found) == longest]
    number, found = best[0]
    # Where the options do not order the same texts, another row may be as true.
    same = len({frozenset(map(squeezed, row)) for row in rows or () if row}) == 1
    sure = 2 if len(best) > 1 else 5 if same else 3
    return Decision(
        question.options[number],
        sure,
        tuple(found),
        "Its texts were found in this order.",
        choice=number,
        whole=True,
    )


def _sequences(options: Sequence[str]) -> list[list[str]] | None:
    """Options as sequences of texts: all split at the same kind of mark, or None when they are none."""
    texts = [
        re.sub(r"\s*,?\s+(?:and|und|et|y|e|en)\s+", ", ", option_text(o)) for o in options if not says_none(o)
    ]
    for separator in _SEPARATORS:
        parts = [[p.strip(" \"'“”‘’().") for p in re.split(separator, text)] for text in texts]
        parts = [[re.sub(r"^\d+[.)]\s*", "", p) for p in option if squeezed(p)] for option in parts]
        alike = {tuple(sorted(Counter(map(str.casefold, o)).items())) for o in parts}
        if min((len(option) for option in parts), default=0) >= 2 and (
            separator != r"\s+" or len(alike) == 1
        ):
            rows = iter(parts)
            return [[] if says_none(o) else next(rows) for o in options]
    return None
