"""The first, the third, the last: texts and lines by their place in the order, or by the number they bear."""

from __future__ import annotations

from collections.abc import Sequence

from mrvideo.models.offline.decision import Decision, named_by_options
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import labels_another, numbered, numbered_so, picked, speakers_named
from mrvideo.models.offline.timeline import Item, Timeline, distinct


def answer(question: Question, timeline: Timeline) -> Decision | None:
    """By number where texts are numbered, else by order of appearance."""
    if not question.ordinal or question.asks not in ("what", "who", "other") or question.relation:
        return None
    if question.times is not None or (question.has("or", "order", "seeing", "not") and not question.options):
        return None
    if not question.options:
        held = numbered(timeline, question.content - question.stems_under("texts"))
        if question.ordinal in held:
            text, item = held[question.ordinal]
            return Decision(text, 4, (item,), "It bears that number.", whole=True)
        if numbered_so(timeline.everything, question):
            return None
    end = -1 if question.ordinal < 0 else 0
    groups = sorted(
        (group[end] for group in distinct(_pool(question, timeline))), key=lambda i: i.start_seconds
    )
    for item in picked(groups, question.ordinal):
        words = item.speaker or item.text if question.asks == "who" else item.text
        # `The last words` alone may be said or shown.
        plain = question.has("says", "shows", "lines", "occurs") or bool(question.options)
        sure = 4 if plain and abs(question.ordinal) == 1 else 3
        return Decision(words, sure, (item,), "By order of appearance.", whole=True)
    return None


def _pool(question: Question, timeline: Timeline) -> list[Item]:
    """The lines of who is named, or what holds the words; of a kind only where texts name that kind."""
    said = question.channel == "speech" or (
        question.channel == "any" and question.asks == "who" and not question.options
    )
    pool: Sequence[Item] = timeline.speech if said else timeline.signs
    if names := speakers_named(question, timeline, question.runs()):
        pool = [i for i in timeline.speech if i.speaker in names]
    elif not question.options:
        plain = question.has("says", "shows", "texts", "lines", "occurs")
        pool = [i for i in pool if question.content <= timeline.stems(i)] if question.content or plain else []
        pool = [i for i in pool if plain or not labels_another(i, question, timeline.language)]
    named = named_by_options(question, pool)
    return named or (named_by_options(question, timeline.everything) if question.options else [])
