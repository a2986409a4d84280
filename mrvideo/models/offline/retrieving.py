"""What is written (or said) somewhere, or which of the options is."""

from __future__ import annotations

from mrvideo.models.offline.choosing import (
    supported_option,
)
from mrvideo.models.offline.conversing import answer_open
from mrvideo.models.offline.questions import Question
from mrvideo.models.offline.singling import (
    fitting,
    held_by_content,
    of_kind,
    pool_of,
    texts_decision,
    worded_alike,
)
from mrvideo.models.offline.timeline import Item, Timeline, holding
from mrvideo.models.offline.verdicts import Decision


def answer_read(question: Question, timeline: Timeline) -> Decision | None:
    """What is written (or said) somewhere, or which option is."""
    if question.options:
        return _which_option(question, timeline)
    pool = pool_of(question, timeline)
    if question.where == "speech":
        return answer_open(question, timeline)
    if question.perceptual and question.targets:
        return None
    if question.targets:
        held = [i for t in question.targets for i in holding(pool, t)]
        return texts_decision(question, timeline, held, 4) if held else None
    if question.content:
        if held := fitting(question, held_by_content(question, pool)):
            return texts_decision(question, timeline, worded_alike(question, held), 5)
        if question.perceptual:
            return None
        return answer_open(question, timeline)
    texts = of_kind(question, list(pool))
    return texts_decision(question, timeline, texts, 5) if texts else None


def _which_option(question: Question, timeline: Timeline) -> Decision | None:
    """The option that a text holds, chosen by the question's other words where several are."""
    for pool in _pools(question, timeline):
        held = pool
        if question.targets:
            held = [i for t in question.targets for i in holding(pool, t)]
        elif question.content or question.literal:
            held = held_by_content(question, pool)
        for items, sure in ((held, 5), (pool, 4 if question.content or question.targets else 5)):
            if items and (decision := supported_option(question, timeline, items, sure)):
                return decision
    return answer_open(question, timeline)


def _pools(question: Question, timeline: Timeline) -> list[list[Item]]:
    pools = {
        "screen": [timeline.screen],
        "speech": [timeline.speech],
        "any": [timeline.screen, timeline.speech],
    }
    return [list(pool) for pool in pools[question.where]]
