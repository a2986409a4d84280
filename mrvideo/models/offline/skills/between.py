"""What comes after one text and before another?"""

from __future__ import annotations

from mrvideo.models.offline.decision import Decision, named_by_options, texts_of
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import AT_ONCE_SECONDS, Match, find_clause, without
from mrvideo.models.offline.timeline import Timeline, distinct

EXAMPLES = (
    ("What is shown between STOP FOXTROT and STOP HOTEL?", "STOP GOLF"),
    ("Which sign comes after STOP FOXTROT but before STOP HOTEL?", "STOP GOLF"),
    ("What is shown between STOP FOXTROT and STOP ZULU?", None),
    ("Was kommt zwischen STOP FOXTROT und STOP HOTEL?", "STOP GOLF"),
)


def match(question: Question) -> Match | None:
    """Two texts are named, one on either side."""
    both = question.has("before") and question.has("after")
    link = question.find("between") or (question.relation if both else None)
    if link is None or question.asks == "yes_no" or question.times is not None:
        return None
    runs = question.runs(link.stop) or question.runs(0, link.start)
    return Match(question, question.channel, tuple(run.text for run in runs[:2])) if len(runs) >= 2 else None


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """What begins between the two."""
    ends = [find_clause(timeline, anchor, "any") for anchor in match.anchors]
    if not all(end.items for end in ends):
        return None
    low, high = sorted((end.items[0] for end in ends), key=lambda i: i.start_seconds)
    pool = timeline.speech if match.channel == "speech" else timeline.signs
    inside = [
        i
        for i in without(pool, match.anchors)
        if low.start_seconds + AT_ONCE_SECONDS < i.start_seconds < high.start_seconds - AT_ONCE_SECONDS
    ]
    groups = [group[0] for group in distinct(named_by_options(match.question, inside))]
    if not groups:
        return None
    sure = 5 if all(end.exact and len(end.items) == 1 for end in ends) else 3
    return Decision(texts_of(groups), sure, (low, *groups, high), "It stands between the two.")
