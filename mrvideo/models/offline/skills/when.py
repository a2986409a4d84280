"""When is it shown or said, and when for the second time?"""

from __future__ import annotations

from dataclasses import replace

from mrvideo.models.offline.decision import Decision, choose_moment, span_words
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import Match, find, joined
from mrvideo.models.offline.timeline import Item, Timeline

MOST_TOLD = 8
EXAMPLES = (
    ("When is the bakery mentioned for the second time?", "2:05.0"),
    ("When is the bakery mentioned for the third time?", None),
    ("When does the sign STOP GOLF appear?", "1:30.0"),
    ("When is STOP GOLF shown for the second time?", None),
    ('At what time does somebody say "a cat sits"?', "1:35.0"),
    ("When is the word ZEBRA shown?", None),
    ("Wann steht STOP GOLF auf dem Bildschirm?", "1:30.0"),
    ("Quand voit-on « STOP GOLF » à l'écran ?", "1:30.0"),
    ("¿Cuándo aparece STOP GOLF en la pantalla?", "1:30.0"),
    ("Quando aparece STOP GOLF na tela?", "1:30.0"),
    ("Quando appare STOP GOLF sullo schermo?", "1:30.0"),
    ("Wanneer staat STOP GOLF in beeld?", "1:30.0"),
    ("STOP GOLF什么时候出现？", "1:30.0"),
    ("STOP GOLFはいつ表示されますか？", "1:30.0"),
    ("متى يظهر STOP GOLF على الشاشة؟", "1:30.0"),
)


def match(question: Question) -> Match | None:
    """`When … shown`, `at what time … said`: questions of when a thing is told are no such questions."""
    shown = question.has("shows", "occurs", "says", "mentions", "texts", "lines", "leaves")
    if question.asks != "when" or not shown:
        return None
    anchors = joined(question.runs())
    return Match(question, question.channel, anchors[:1], question.ordinal) if anchors else None


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """The spans over which it is there, or the one that is asked for."""
    found = find(timeline, match.anchors[0], match.channel, spoken_first=match.question.has("mentions"))
    items = sorted(found.items, key=lambda item: item.start_seconds)
    if match.ordinal:
        place = match.ordinal - 1 if match.ordinal > 0 else len(items) + match.ordinal
        items = items[place : place + 1] if 0 <= place < len(items) else []
    if not items:
        return None
    sure = 5 if len(items) == 1 and found.exact else 4
    decision = Decision(_told(items), sure, tuple(items), "It was found there.", items[0].start_seconds)
    if not match.question.options:
        return decision
    choice = choose_moment(match.question, items)
    return None if choice is None else replace(decision, choice=choice, answer=match.question.options[choice])


def _told(items: list[Item]) -> str:
    spans = ", ".join(span_words(item.span) for item in items[:MOST_TOLD])
    more = f", … ({len(items)})" if len(items) > MOST_TOLD else ""
    spoken = len(items) == 1 and items[0].kind == "speech"
    return f"{spans}{more}: {items[0].told}" if spoken else spans + more
