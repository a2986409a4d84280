"""Who says it? By the label of a cue, the name before a colon, or by introducing himself."""

from __future__ import annotations

from dataclasses import replace

from mrvideo.models.offline.decision import Decision
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import find, joined
from mrvideo.models.offline.timeline import Item, Timeline, introduced


def answer(question: Question, timeline: Timeline) -> Decision | None:
    """The speakers of the lines that hold it; of all lines where it names none, as in `Who is speaking?`."""
    told = question.has("says", "mentions", "lines")
    if question.asks != "who" or not told or question.ordinal or question.relation:
        return None
    everyone = [i if i.speaker else replace(i, speaker=introduced(i.text)) for i in timeline.speech]
    anchors = joined(question.runs(), question)
    found = find(timeline, anchors[0], "speech") if anchors else everyone
    named: dict[str, Item] = {}
    for item in found:
        if item.speaker:
            named.setdefault(item.speaker, item)
    if not named:
        return None
    sure = 5 if len(named) == 1 else 3
    return Decision(" / ".join(named), sure, tuple(named.values()), "That speaker's line holds it.")
