"""Who says it? By the label of a cue, the name before a colon, or by introducing himself."""

from __future__ import annotations

from dataclasses import replace

from mrvideo.models.offline.decision import Decision
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import Match, find, joined
from mrvideo.models.offline.timeline import Item, Timeline, introduced

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
    return Match(question, "speech", joined(question.runs(), question)[:1], tentative=True)


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """The speakers of the lines that hold it; of all lines where it names none."""
    everyone = [i if i.speaker else replace(i, speaker=introduced(i.text)) for i in timeline.speech]
    found = find(timeline, match.anchors[0], "speech") if match.anchors else everyone
    named: dict[str, Item] = {}
    for item in found:
        if item.speaker:
            named.setdefault(item.speaker, item)
    if not named:
        return None
    sure = 5 if len(named) == 1 else 3
    return Decision(" / ".join(named), sure, tuple(named.values()), "That speaker's line holds it.")
