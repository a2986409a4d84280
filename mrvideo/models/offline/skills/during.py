"""What is shown or said while something else is?"""

from __future__ import annotations

from mrvideo.models.offline.decision import Decision, named_by_options, texts_of
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import Match, find_clause, joined, without
from mrvideo.models.offline.timeline import Timeline, distinct

SLACK_SECONDS = 0.5
EXAMPLES = (
    ("Which text is on screen when the cat is mentioned?", "STOP GOLF"),
    ("What is said while STOP GOLF is shown?", "A cat sits on the wall."),
    ("What is said while STOP ZULU is shown?", None),
)


def match(question: Question) -> Match | None:
    """What is asked for stands beside what the clause with `when` or `while` names."""
    link = question.relation
    if link is None or "while" not in link.concepts or question.asks != "what":
        return None
    if question.has("seeing") or not question.has("says", "shows", "texts", "lines", "occurs"):
        return None
    anchors = joined(question.runs(link.stop))
    return Match(question, question.channel, anchors[:1]) if anchors else None


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """What overlaps the first place where there is anything."""
    found = find_clause(timeline, match.anchors[0], "any")
    for anchor in found.items:
        spoken = match.channel == "speech" or (match.channel == "any" and anchor.kind == "screen")
        near = [
            i
            for i in without(timeline.speech if spoken else timeline.screen, match.anchors)
            if i.start_seconds < anchor.stop_seconds + SLACK_SECONDS
            and i.stop_seconds > anchor.start_seconds - SLACK_SECONDS
        ]
        near = [
            i for i in near if i.start_seconds < anchor.stop_seconds and i.stop_seconds > anchor.start_seconds
        ] or near
        groups = [group[0] for group in distinct(named_by_options(match.question, near))]
        if groups:
            sure = 4 if found.exact and len(found.items) == 1 else 3
            return Decision(texts_of(groups), sure, (anchor, *groups), "They are there at the same time.")
    return None
