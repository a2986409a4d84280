"""The first, the third, the last: texts and lines by their place in the order, or by the number they bear."""

from __future__ import annotations

from mrvideo.models.offline.decision import Decision, named_by_options
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import Match, labels_another, numbered, picked, speakers_named
from mrvideo.models.offline.timeline import Timeline, distinct

EXAMPLES = (
    ("What is the last word said?", "Goodbye and thank you."),
    ("What are the last words spoken?", "Goodbye and thank you."),
    ("What is the first word said?", "Welcome to the tram tour."),
    ("What is the last text?", "STOP LIMA"),
    ("What is the third sign shown?", "STOP CHARLIE"),
    ("What is the twentieth sign shown?", None),
    ("Was ist der letzte Satz?", "Goodbye and thank you."),
    ("Quel est le dernier texte à l'écran ?", "STOP LIMA"),
)


def match(question: Question) -> Match | None:
    """An ordinal, and neither a relation nor a number of times."""
    if not question.ordinal or question.asks not in ("what", "who", "other") or question.relation:
        return None
    if question.times is not None or (question.has("or", "order", "seeing", "not") and not question.options):
        return None
    plain = question.has("says", "shows", "texts", "lines", "occurs") or bool(question.options)
    channel = question.channel
    if channel == "any" and not question.options and question.asks == "who":
        channel = "speech"
    return Match(question, channel, ("plain",) if plain else (), question.ordinal, tentative=True, whole=True)


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """By number where texts are numbered, else by order of appearance; of a kind only where texts name that
    kind.
    """
    question = match.question
    if numbered := _numbered(match, timeline):
        return numbered
    pool = timeline.signs if match.channel != "speech" else timeline.speech
    if names := speakers_named(question, timeline, question.runs()):
        pool = [i for i in timeline.speech if i.speaker in names]
    elif question.content and not question.options:
        pool = [i for i in pool if question.content <= timeline.stems(i)]
        if not match.anchors:
            pool = [i for i in pool if not labels_another(i, question, timeline.language)]
    elif not match.anchors:
        return None
    pool = named_by_options(question, pool) or (
        named_by_options(question, timeline.everything) if question.options else []
    )
    groups = [group[-1 if match.ordinal < 0 else 0] for group in distinct(pool)]
    item = next(iter(picked(sorted(groups, key=lambda i: i.start_seconds), match.ordinal)), None)
    if item is None:
        return None
    words = item.speaker or item.text if question.asks == "who" else item.text
    # `The last words` alone may be said or shown.
    plain = question.has("says", "shows", "lines", "occurs") or bool(question.options)
    return Decision(words, 4 if plain and abs(match.ordinal) == 1 else 3, (item,), "By order of appearance.")


def _numbered(match: Match, timeline: Timeline) -> Decision | None:
    """What bears the number that is asked for."""
    content = match.question.content - match.question.stems_under("texts")
    held = {} if match.question.options else numbered(timeline, content)
    if match.ordinal not in held:
        return None
    text, item = held[match.ordinal]
    return Decision(text, 4, (item,), "It bears that number.")
