"""Which of the options is not there? Without options, nothing can be said of what is not there."""

from __future__ import annotations

from mrvideo.models.offline.decision import UNFOUND, Decision, supports
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.timeline import Timeline


def answer(question: Question, timeline: Timeline) -> Decision | None:
    """The one option that nothing supports, when all others are supported."""
    told = question.has("shows", "says", "occurs", "mentions", "texts", "following")
    if not (told and question.has("not") and question.asks in ("what", "who", "other")):
        return None
    pool = timeline.of(question.channel)
    held = [[i for i in pool if supports(i.text, o, question.language)] for o in question.options]
    missing = [n for n, items in enumerate(held) if not items]
    if len(missing) != 1 or len(held) < 2:
        return UNFOUND
    cited = tuple(items[0] for items in held if items)
    reason = "All other options were found; this one was not."
    return Decision(question.options[missing[0]], 3, cited, reason, choice=missing[0])
