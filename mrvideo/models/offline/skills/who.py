"""Who says it? By the label of a cue, the name before a colon, or by introducing himself."""

from __future__ import annotations

from mrvideo.models.offline.decision import Decision
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import Found, Match, find, find_clause, joined
from mrvideo.models.offline.timeline import INTRODUCTION, Item, Timeline

EXAMPLES = (
    ('Who says "I found the note"?', "Mara"),
    ("Who says that the river is cold?", "Ben"),
    ("Wer sagt „I found the note“?", "Mara"),
    ('Who says "the moon is green"?', None),
)


def match(question: Question) -> Match | None:
    """`Who says …`; `Who is speaking?` names nothing."""
    if (
        question.asks != "who"
        or not question.has("says", "mentions", "lines")
        or question.ordinal
        or question.relation
    ):
        return None
    return Match(question, "speech", joined(question.runs())[:1])


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """The speakers of the lines that hold it; of all lines where it names none."""
    found = find(timeline, match.anchors[0], "speech") if match.anchors else _everyone(timeline)
    if match.anchors and not found.items:
        found = find_clause(timeline, match.anchors[0], "speech")
    named: dict[str, Item] = {}
    for item in found.items:
        if item.speaker:
            named.setdefault(item.speaker, item)
    if not named:
        return None
    sure = 2 if not found.exact else 5 if len(named) == 1 else 3
    return Decision(" / ".join(named), sure, tuple(named.values()), "That speaker's line holds it.")


def _everyone(timeline: Timeline) -> Found:
    """Who is named as a speaker, and who says a name of their own."""
    told = [(item, INTRODUCTION.search(item.text.replace("’", "'"))) for item in timeline.speech]
    own = [
        Item(i.start_seconds, i.stop_seconds, i.text, i.kind, m.group(1), i.ids)
        for i, m in told
        if m and not i.speaker
    ]
    return Found((*own, *(i for i in timeline.speech if i.speaker)), exact=True)
