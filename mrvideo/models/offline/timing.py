"""When something is there, and what is there at a time or while something else is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from mrvideo.models.offline.anchors import anchors_or_clause, named_items
from mrvideo.models.offline.choosing import (
    match_option,
    only_supported,
)
from mrvideo.models.offline.conversing import answer_open
from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.retrieving import answer_read
from mrvideo.models.offline.singling import fitting, wanted_texts
from mrvideo.models.offline.telling import told_when
from mrvideo.models.offline.timeline import Item, Timeline
from mrvideo.models.offline.verdicts import Decision, span_words, texts_words
from mrvideo.models.offline.words import SAYING, SHOWING, times_in
from mrvideo.text import LOOKALIKE, holds, tokens


def at_time(question: Question, timeline: Timeline) -> Decision | None:
    """What stands or is said at the time that the question names."""
    low, high = question.start_seconds or 0.0, question.stop_seconds
    if low < 0:
        low = timeline.stop_seconds + low
    high = timeline.stop_seconds if high is None else high
    slack = 0.5 if low == high else 0.0
    if question.kind == "after":
        pool = [i for i in timeline.of(question.where) if i.start_seconds >= low][:1]
    elif question.kind == "before":
        pool = [i for i in timeline.of(question.where) if i.start_seconds < low][-1:]
    else:
        pool = [
            i
            for i in timeline.of(question.where)
            if i.start_seconds < high + slack and i.stop_seconds > low - slack
        ]
        exact = [i for i in pool if i.start_seconds <= high and i.stop_seconds > low]
        pool = exact or pool
    pool = fitting(question, pool)
    if question.where == "any" and not question.options:
        pool = [i for i in pool if i.channel == "screen"] or pool
    if question.perceptual or (
        question.content and not any(question.content & i.stems for i in pool) and question.kind == "open"
    ):
        return None
    if not pool:
        return None
    if question.options:
        hits = only_supported(question.options, pool)
        if len(hits) != 1:
            return None
        cited = [i for i in pool if match_option(i, question.options[hits[0]])]
        return Decision(question.options[hits[0]], hits[0], 5, tuple(cited), "It stands there at that time.")
    groups = timeline.distinct(pool)
    return Decision(
        texts_words([g[0].text for g in groups]),
        None,
        4,
        tuple(g[0] for g in groups),
        "It stands there at that time.",
    )


def during(question: Question, timeline: Timeline) -> Decision | None:
    """What stands or is said while something else does."""
    anchors = [i for target in question.targets[:1] for i in anchors_or_clause(question, timeline, target)]
    if not anchors:
        return answer_read(question, timeline) if not question.targets else None
    if question.perceptual:
        return None
    speech_wanted = question.where == "speech" or (
        question.where == "any" and anchors[0].channel == "screen" and not question.nouns
    )
    pool = timeline.speech if speech_wanted else timeline.screen
    for anchor in anchors:
        near = [
            i
            for i in pool
            if i != anchor
            and i.start_seconds < anchor.stop_seconds + 0.5
            and i.stop_seconds > anchor.start_seconds - 0.5
            and not any(holds(i.text, t) >= LOOKALIKE for t in question.targets)
        ]
        if not near:
            continue
        if question.options:
            hits = only_supported(question.options, near)
            if len(hits) != 1:
                continue
            cited = [i for i in near if match_option(i, question.options[hits[0]])][:1]
            return Decision(
                question.options[hits[0]], hits[0], 5, (anchor, *cited), "They are there at the same time."
            )
        groups = timeline.distinct(near)
        return Decision(
            texts_words([g[0].text for g in groups]),
            None,
            4,
            (anchor, *(g[0] for g in groups)),
            "They are there at the same time.",
        )
    return None


def when(question: Question, timeline: Timeline) -> Decision | None:
    """The spans over which a text stands or a line is said."""
    asked = frozenset(tokens(question.text))
    if decision := told_when(question, timeline):
        return decision
    if not question.targets and not asked & (SHOWING | SAYING | _CLOCKED):
        # `When does the train leave?` asks for a time that somebody tells.
        return _with_time(answer_open(question, timeline))
    found = named_items(question, timeline)
    if not found and not question.targets and not question.content:
        texts = wanted_texts(question, timeline)
        found = texts if len(timeline.distinct(texts)) == 1 else []
    if not found:
        return None
    if question.options:
        choice = _choose_time(question.options, found)
        if choice is None:
            return None
        return Decision(question.options[choice], choice, 5, tuple(found), "It stands there at that time.")
    if re.search(r"\blast\b|\bdisappear|\bvanish|\bgone\b", question.text.lower()) and question.targets:
        found = found[-1:]
    elif re.search(r"\bfirst\b", question.text.lower()):
        found = found[:1]
    words = ", ".join(span_words(item, long=True) for item in found)
    return Decision(words, None, 5, tuple(found), f"“{found[0].text}” stands there.")


_COUNT = r"(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|sixty)"
_TELLS = re.compile(
    rf"\d[:.]\d\d|\b(?:1\d|20)\d\d\b|\b(?:at|from|until|by|before|after) {_COUNT}\b|{_COUNT} ?[ap]\.?m\b|"
    rf"\b{_COUNT} (?:\w+ )?(?:second|minute|hour|day|week|month|year)s?\b|"
    r"\b(?:noon|midnight|o'clock|morning|afternoon|evening|night|today|tomorrow|yesterday|spring|summer|autumn|winter|"
    r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|january|february|march|april|june|july|august|september|october|"
    r"november|december)\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^\w* ?\d+\s*[.):]")


def _with_time(decision: Decision | None) -> Decision | None:
    """A line that tells no time is answered by when it stands there: `1:10–1:16 …: Step 4: Add salt`."""
    if decision is None or decision.choice is not None or not decision.cited:
        return decision
    if any(_TELLS.search(_NUMBERED.sub("", item.text)) for item in decision.cited):
        return decision
    spans = ", ".join(span_words(item, long=True) for item in decision.cited)
    return replace(decision, answer=f"{spans}: {decision.answer}")


_CLOCKED = frozenset(["time", "timestamp", "second", "minute", "moment", "video", "film", "clip"])


def _choose_time(options: Sequence[str], found: Sequence[Item]) -> int | None:
    """The option whose time lies in, or is closest to, what was found (within 5 s)."""
    best: tuple[float, int] | None = None
    for number, option in enumerate(options):
        times = times_in(option) or [float(t) for t in re.findall(r"\d+(?:\.\d+)?", option)][:2]
        if not times:
            continue
        low, high = min(times[:2]), max(times[:2])
        miss = min(_miss(low, high, item) for item in found)
        if best is None or miss < best[0]:
            best = (miss, number)
    return best[1] if best and best[0] <= 5.0 else None


def _miss(low: float, high: float, item: Item) -> float:
    if low == high:
        return (
            0.0
            if item.start_seconds - 0.5 <= low <= item.stop_seconds + 0.5
            else min(abs(low - item.start_seconds), abs(low - item.stop_seconds))
        )
    inner = min(high, item.stop_seconds) - max(low, item.start_seconds)
    outer = max(high, item.stop_seconds) - min(low, item.start_seconds)
    return 5.0 * (1 - inner / outer) if inner > 0 and outer > 0 else 99.0
