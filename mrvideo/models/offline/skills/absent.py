"""Which of the options is not there? Without options, nothing can be said of what is not there."""

from __future__ import annotations

from mrvideo.models.offline.decision import Decision, supports
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import Match
from mrvideo.models.offline.timeline import Timeline

EXAMPLES = (
    ("Which text is never shown?", None),
    ("What is not said about the bakery?", None),
    ("Welcher Text wird nie gezeigt?", None),
)


def match(question: Question) -> Match | None:
    """A question of what is not."""
    negated = question.has("not") and question.asks in ("what", "who", "other")
    told = question.has("shows", "says", "occurs", "mentions", "texts", "following")
    return Match(question, question.channel) if negated and told else None


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """The one option that nothing supports, when all others are supported."""
    question = match.question
    pool = timeline.of(match.channel)
    held = [[i for i in pool if supports(i.text, o, question.language)] for o in question.options]
    missing = [n for n, items in enumerate(held) if not items]
    if len(missing) != 1 or len(held) < 2:
        return None
    cited = tuple(items[0] for items in held if items)
    reason = "All other options were found; this one was not."
    return Decision(question.options[missing[0]], 3, cited, reason, choice=missing[0])
