"""What comes before, after, between, first, last, and in which order."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mrvideo.models.offline.anchors import anchors_of, anchors_or_clause
from mrvideo.models.offline.choosing import (
    choose_by_texts,
    choose_yes,
    match_option,
    only_supported,
)
from mrvideo.models.offline.conversing import lines_of_speaker
from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.retrieving import answer_read
from mrvideo.models.offline.singling import fitting, held_by_content, wanted_texts
from mrvideo.models.offline.timeline import Item, Timeline, holding, themselves
from mrvideo.models.offline.timing import at_time
from mrvideo.models.offline.verdicts import Decision, span_words, texts_words
from mrvideo.text import LOOKALIKE, holds, tokens

AT_ONCE_SECONDS = 0.3


def in_order(question: Question, timeline: Timeline) -> Decision | None:
    """The option whose texts come one after the other; without options, the texts sorted by first appearance."""
    pool = timeline.of(question.where)
    if question.options:
        held = held_by_content(question, pool)
        pools = ([*held], [*pool], [*timeline.everything])
        return next((d for p in pools if p and (d := choose_by_texts(question, p))), None)
    if len(question.targets) >= 2:
        firsts = [
            themselves(holding(pool, target) or holding(timeline.everything, target), target)
            for target in question.targets
        ]
        if not all(firsts):
            return None
        pairs = sorted(
            zip(question.targets, (f[0] for f in firsts), strict=True), key=lambda p: p[1].start_seconds
        )
        return Decision(
            ", ".join(target for target, _ in pairs),
            None,
            5,
            tuple(item for _, item in pairs),
            "Each was found; sorted by time.",
        )
    groups = timeline.distinct(wanted_texts(question, timeline))
    if not groups:
        return None
    firsts_only = [group[0] for group in groups]
    return Decision(
        texts_words([i.text for i in firsts_only]),
        None,
        4,
        tuple(firsts_only),
        "All texts read, by first appearance.",
    )


_STEPS_AWAY = re.compile(r"\b(?:two|three|four|five|[2-9]) (?:\w+ )?(?:after|before)\b")


def neighbour(question: Question, timeline: Timeline) -> Decision | None:
    """What comes right after or right before a text or a line."""
    if question.kind in ("after", "before") and question.start_seconds is not None and not question.targets:
        return at_time(question, timeline)
    if not question.targets or _STEPS_AWAY.search(question.text.lower()):
        return None
    anchors = themselves(anchors_or_clause(question, timeline, question.targets[0]), question.targets[0])
    if not anchors:
        return None
    speech_wanted = question.where == "speech" or (question.where == "any" and anchors[0].channel == "speech")
    pool = list(lines_of_speaker(question, timeline) or timeline.speech if speech_wanted else timeline.screen)
    pool = [
        i
        for i in pool
        if i not in anchors
        and (
            not any(holds(i.text, t) >= LOOKALIKE for t in question.targets)
            or i.channel != anchors[0].channel
        )
    ]
    pool = fitting(question, _alike_first(question, anchors[0], pool))
    if _KIND_NAMED.search(question.text.lower()) and not question.nouns and not question.options:
        pool = [i for i in pool if _of_one_kind(anchors[0], i, timeline)]
    if question.options:
        named = [i for i in pool if any(match_option(i, o) for o in question.options)]
        pool = named or pool
    results: list[tuple[Item, list[Item]]] = []
    for anchor in anchors:
        seen_off = question.kind == "after" and bool(_GONE.search(question.text.lower()))
        if near := _next_to(anchor, pool, after=question.kind == "after", once_gone=seen_off):
            results.append((anchor, near))
    if not results:
        return None
    if question.options:
        for anchor, near in results:
            hits = only_supported(question.options, near)
            if len(hits) == 1:
                return Decision(
                    question.options[hits[0]],
                    hits[0],
                    5 if len(results) == 1 else 4,
                    (anchor, *near[:1]),
                    _relation(question, anchor, near[0]),
                )
        return None
    anchor, near = (
        results[0] if question.kind == "after" else results[-1] if len(results) == 1 else results[0]
    )
    words = " / ".join(dict.fromkeys(i.text for i in near))
    return Decision(
        words, None, 5 if len(results) == 1 else 3, (anchor, *near), _relation(question, anchor, near[0])
    )


_KIND_NAMED = re.compile(
    r"^(?:what|which) (?!is\b|was\b|are\b|were\b|does\b|do\b|did\b|comes?\b|came\b|happens?\b|follows?\b|appears?\b|stands?\b|text|word)[a-z]+ "
)


def _of_one_kind(anchor: Item, item: Item, timeline: Timeline) -> bool:
    """`Which city comes after Lowmoor?`: after the name of a city comes no price list, and no person with a role."""
    if item.channel != "screen":
        return True
    mine, yours = tokens(anchor.text), tokens(item.text)
    if mine[:1] == yours[:1]:
        return True
    figures = any(c.isdigit() for c in anchor.text) == any(c.isdigit() for c in item.text)
    return figures and len(yours) <= len(mine) + 1 and _alone(anchor, timeline) == _alone(item, timeline)


def _alone(item: Item, timeline: Timeline) -> bool:
    return not any(
        other is not item and abs(other.start_seconds - item.start_seconds) <= AT_ONCE_SECONDS
        for other in timeline.screen
    )


def _alike_first(question: Question, anchor: Item, pool: list[Item]) -> list[Item]:
    """Texts worded like the anchor ("The secret word is …"), where there are any."""
    words = tokens(anchor.text)
    target = tokens(question.targets[0])
    if anchor.channel != "screen" or len(words) - len(target) < 2:
        return pool
    frame = frozenset(words) - frozenset(target)
    alike = [i for i in pool if len(frame & frozenset(tokens(i.text))) >= max(2, len(frame) - 1)]
    return alike or pool


_GONE = re.compile(
    r"\bafter\b.+\b(?:disappear|vanish|goes away|is gone|fades|ends|leaves the screen|is no longer)"
)


def _next_to(anchor: Item, pool: Sequence[Item], *, after: bool, once_gone: bool = False) -> list[Item]:
    """The pool's items that come next (or came last before); several when they come at once."""
    if after:
        since = anchor.stop_seconds - 2 * AT_ONCE_SECONDS if once_gone else anchor.start_seconds
        later = [i for i in pool if i.start_seconds > since + AT_ONCE_SECONDS]
        clear = [i for i in later if i.start_seconds >= anchor.stop_seconds - 1.0]
        later = (
            clear if clear and not any(i.start_seconds < anchor.stop_seconds - 1.0 for i in later) else later
        )
        if not later:
            return []
        first = min(i.start_seconds for i in later)
        return [i for i in later if i.start_seconds <= first + AT_ONCE_SECONDS]
    earlier = [i for i in pool if i.start_seconds < anchor.start_seconds - AT_ONCE_SECONDS]
    if not earlier:
        return []
    last = max(i.start_seconds for i in earlier)
    return [i for i in earlier if i.start_seconds >= last - AT_ONCE_SECONDS]


def _relation(question: Question, anchor: Item, near: Item) -> str:
    return f"“{near.text}” comes right {question.kind} “{anchor.text}”."


def between(question: Question, timeline: Timeline) -> Decision | None:
    """What comes after one text and before another."""
    if len(question.targets) < 2:
        return answer_read(question, timeline)
    first, second = (anchors_or_clause(question, timeline, target) for target in question.targets[:2])
    if not first or not second:
        return None
    low, high = sorted((first[0], second[0]), key=lambda i: i.start_seconds)
    pool = timeline.speech if question.where == "speech" else timeline.screen
    inside = [
        i for i in pool
        if low.start_seconds + AT_ONCE_SECONDS < i.start_seconds < high.start_seconds - AT_ONCE_SECONDS
        and not any(holds(i.text, t) >= LOOKALIKE for t in question.targets)
    ]  # fmt: skip
    inside = _alike_first(question, low, inside)
    if not inside:
        return None
    cited = (low, *(g[0] for g in timeline.distinct(inside)), high)
    if question.options:
        hits = only_supported(question.options, inside)
        return (
            Decision(question.options[hits[0]], hits[0], 5, cited, "It stands between the two.")
            if len(hits) == 1
            else None
        )
    return Decision(texts_words([i.text for i in cited[1:-1]]), None, 5, cited, "It stands between the two.")


def precedes(question: Question, timeline: Timeline) -> Decision | None:
    """Yes or no: does one come before the other?"""
    if len(question.targets) < 2:
        return None
    first, second = (
        anchors_of(question, timeline, t) or holding(timeline.everything, t) for t in question.targets[:2]
    )
    if not first or not second:
        return None
    earlier = first[0].start_seconds < second[0].start_seconds
    asked_before = bool(re.search(r"\b(?:before|earlier than)\b", question.text.lower()))
    yes = earlier == asked_before
    either = re.search(r"\b(?:before or|after or|earlier or|later or)\b", question.text.lower())
    said = ("before" if earlier else "after") if either else "Yes" if yes else "No"
    if either and question.options:
        return None
    words = (
        f"{said}: “{first[0].text}” at {span_words(first[0])}, “{second[0].text}” at {span_words(second[0])}"
    )
    return Decision(
        words, choose_yes(question.options, yes=yes), 5, (first[0], second[0]), "Both were found."
    )
