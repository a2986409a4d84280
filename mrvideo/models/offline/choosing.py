"""Which option do texts, numbers, yes or no, or an order support?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.timeline import Item, Timeline, holding
from mrvideo.models.offline.verdicts import Decision
from mrvideo.models.offline.words import STOP, TEXT_NOUNS, number_in, numbers_in, times_in
from mrvideo.text import holds, squeezed, tokens

_LETTER = re.compile(r"^\s*(?:\(?[A-Ha-h][).:]|[A-H]\s*[-–]\s)\s*(?=\S)")
_NONE = re.compile(
    r"^(?:none|neither|no(?:ne)? (?:of|word|text|one)|not (?:shown|found|mentioned|in)|nothing|cannot|can't|unknown|unclear|it does(?:n't| not))\b",
    re.IGNORECASE,
)
_ARTICLES = re.compile(r"^(?:the|a|an)\s+", re.IGNORECASE)
_SEPARATORS = (
    r"\s*(?:->|→|⇒|=>|>|›|»|➔|⟶)\s*",
    r"\s*;\s*",
    r"\s*\|\s*",
    r"\s*,?\s+then\s+|\s*,\s*",
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


def match_option(item: Item, option: str) -> float:
    """How surely a text supports an option by its very words, 0 to 1."""
    words = option_text(option)
    if says_none(option):
        return 0.0
    score = holds(item.text, words)
    if score < 0.85 and (plain := _ARTICLES.sub("", words)) != words:
        score = max(score, holds(item.text, plain))
    if score < 0.85:
        # `The word KANGAROO`, `A sign that reads BREAD & BUNS`: the text makes up what matters of the option.
        mine = [w for w in tokens(item.text) if w not in STOP]
        yours = [w for w in tokens(words) if w not in STOP and w not in TEXT_NOUNS]
        if mine and yours and len(squeezed(item.text)) >= 3 and len(mine) * 2 > len(yours):
            score = max(score, 0.9 * (holds(words, item.text) >= 0.97))
    if score < 0.85 and (named := _sole_number(words)) is not None and named in numbers_in(item.text):
        score = 0.9
    return score if score >= 0.85 else 0.0


def _sole_number(words: str) -> float | None:
    """The number that an option is: `300`, `three hundred`, also where the line writes it the other way."""
    numbers = numbers_in(words)
    return numbers[0] if len(numbers) == 1 and len(tokens(words)) <= 2 else None


def only_supported(options: Sequence[str], items: Iterable[Item]) -> list[int]:
    """The options that the items hold, the most exact ones, without those that are a part of another one."""
    scores: dict[int, float] = {}
    for item in items:
        for number, option in enumerate(options):
            score = match_option(item, option)
            if score:
                scores[number] = max(scores.get(number, 0.0), score)
    best = max(scores.values(), default=0.0)
    hits = [n for n, score in scores.items() if score >= best - 1e-9]
    whole = [
        n
        for n in hits
        if not any(
            other != n and set(tokens(option_text(options[n]))) < set(tokens(option_text(options[other])))
            for other in hits
        )
    ]
    return sorted(whole or hits)


def choose_by_number(options: Sequence[str], value: float, *, as_time: bool = False) -> int | None:
    """The option that names this number; of times, the closest one within a tenth (or 1.5 s)."""
    best: tuple[float, int] | None = None
    for number, option in enumerate(options):
        text = option_text(option)
        times = times_in(text) if as_time else []
        named = times[0] if times else number_in(text)
        if named is None:
            continue
        miss = abs(named - value)
        if miss <= (max(1.5, value / 10) if as_time else 1e-6) and (best is None or miss < best[0]):
            best = (miss, number)
    return best[1] if best else None


def choose_yes(options: Sequence[str], *, yes: bool) -> int | None:
    """The option that says yes (or no)."""
    wanted = ("yes", "true", "correct") if yes else ("no", "false", "incorrect")
    return next((n for n, o in enumerate(options) if (tokens(option_text(o)) or ("",))[0] in wanted), None)


def sequences(options: Sequence[str]) -> list[list[str]] | None:
    """Options as sequences of texts: all split at the same kind of mark, or None when they are none."""
    texts = [re.sub(r"\s*,?\s+and\s+", ", ", option_text(o)) for o in options if not says_none(o)]
    for separator in _SEPARATORS:
        parts = [[p.strip(" \"'“”‘’().") for p in re.split(separator, text)] for text in texts]
        parts = [[re.sub(r"^\d+[.)]\s*", "", p) for p in option if squeezed(p)] for option in parts]
        counts = {len(option) for option in parts}
        if min(counts, default=0) >= 2 and (
            separator != r"\s+"
            or len({tuple(sorted(Counter(map(str.lower, o)).items())) for o in parts}) == 1
        ):
            rows = iter(parts)
            return [[] if says_none(o) else next(rows) for o in options]
    return None


def choose_by_texts(question: Question, pool: Sequence[Item]) -> Decision | None:
    """The option whose texts were all found, one after the other."""
    rows = sequences(question.options)
    if rows is None:
        return None
    fitting: list[tuple[int, list[Item]]] = []
    for number, row in enumerate(rows):
        firsts = [holding(pool, part) for part in row]
        if not row or not all(firsts):
            continue
        found = [f[0] for f in firsts]
        if all(a.start_seconds <= b.start_seconds for a, b in pairwise(found)) and len(
            {id(f) for f in found}
        ) == len(found):
            fitting.append((number, found))
    if not fitting:
        return None
    longest = max(len(found) for _, found in fitting)
    best = [(n, found) for n, found in fitting if len(found) == longest]
    number, found = best[0]
    confidence = 5 if len(best) == 1 else 2
    return Decision(
        question.options[number],
        number,
        confidence,
        tuple(found),
        "Its texts were found in this order, by first appearance.",
    )


def supported_option(
    question: Question, timeline: Timeline, items: Sequence[Item], sure: int
) -> Decision | None:
    hits = only_supported(question.options, items)
    if not hits:
        return None
    holders = {n: [i for i in items if match_option(i, question.options[n])] for n in hits}
    if len(hits) > 1:
        worth = {n: max(_worth(question, timeline, i, n) for i in holders[n]) for n in hits}
        hits = sorted(hits, key=lambda n: -worth[n])
        sure = 3 if worth[hits[0]] > worth[hits[1]] + 0.15 else 1
    choice = hits[0]
    if question.perceptual and sure < 5:
        sure = min(sure, 2)
    others = f" {len(hits) - 1} other options are held too." if len(hits) > 1 else ""
    best = sorted(holders[choice], key=lambda i: -timeline.relevance(question, i))
    return Decision(
        question.options[choice], choice, sure, tuple(best[:6]), f"A text holds this option.{others}"
    )


def _worth(question: Question, timeline: Timeline, item: Item, number: int) -> float:
    """Which of several options that are held: the one beside the question's words, or that is all a text says."""
    whole = squeezed(item.text) == squeezed(option_text(question.options[number]))
    return timeline.relevance(question, item) + 0.2 * whole
