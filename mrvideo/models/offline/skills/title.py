"""What is the film called? The text after `… presents`, else the first card; never more than likely."""

from __future__ import annotations

from mrvideo.models.offline.decision import Decision, named_by_options
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import Match, joined
from mrvideo.models.offline.timeline import Timeline

OPENING_SECONDS, OPENING_SHARE = 60.0, 0.1
EXAMPLES = (
    ("What is the title of the film?", "STOP ALPHA"),
    ("Wie heißt der Film?", "STOP ALPHA"),
)


def match(question: Question) -> Match | None:
    """Of the film, not of a book in it."""
    runs = question.runs()
    film = question.has("title") and (not runs or question.has("whole"))
    asked = question.asks in ("what", "other") and not question.ordinal
    return Match(question, "screen", joined(runs)[:1]) if film and asked else None


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """On screen in the opening; what is shown at the same time and is no title is told too."""
    presents = timeline.language.words("presents")
    signs = named_by_options(match.question, timeline.signs)
    who = timeline.language.stems(" ".join(match.anchors))
    for place, item in enumerate(signs[:-1]):
        if (
            who <= timeline.stems(item)
            and presents & set(item.text.casefold().split())
            and signs[place + 1].start_seconds - item.stop_seconds < 20
        ):
            return Decision(signs[place + 1].text, 3, (signs[place + 1], item), "It follows who presents it.")
    if who:
        return None
    limit = max(OPENING_SECONDS, OPENING_SHARE * timeline.stop_seconds)
    first = next((i for i in signs if i.start_seconds <= limit), None)
    return Decision(first.text, 2, (first,), "It is the first text of the opening.") if first else None
