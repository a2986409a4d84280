"""Is it there: a word on screen, a name in speech, an address?"""

from __future__ import annotations

from mrvideo.models.offline.decision import Decision, span_words
from mrvideo.models.offline.forms import shows
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import Match, find, joined
from mrvideo.models.offline.timeline import Item, Timeline

MOST_CITED = 4
EXAMPLES = (
    ("Does the word bakery come up?", "Yes"),
    ("Is STOP GOLF shown?", "Yes"),
    ("Is the elephant mentioned?", None),
    ("Does the sign STOP ZULU appear?", None),
    ("Wird die Stadt Bergen erwähnt?", None),
    ("Kommt das Wort „bakery“ vor?", "Ja"),
)


def match(question: Question) -> Match | None:
    """Yes or no, of a text that is named."""
    there = question.marks and "there" in question.marks[0].concepts
    named = there or question.has("shows", "occurs", "says", "mentions", "texts")
    if question.asks != "yes_no" or not named or question.relation:
        return None
    anchors = joined(question.runs())
    return Match(question, question.channel, anchors, relation=question.form or "")


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """Yes where all are found; what is not found is not denied."""
    question = match.question
    channel = "any" if question.has("mentions", "occurs") else match.channel
    found: list[Item] = []
    if match.relation and not question.content - question.form_stems:
        found = [i for i in timeline.everything if shows(i.text, match.relation)]
    else:
        for anchor in match.anchors:
            here = find(timeline, anchor, channel, spoken_first=question.has("mentions")).items
            if not here:
                return None
            found.extend(here)
    if question.times is not None:
        low, high = timeline.bounds(question.times)
        found = [i for i in found if i.start_seconds <= high + 0.5 and i.stop_seconds >= low - 0.5]
    if not found:
        return None
    words = question.language.answers
    place = words["said" if found[0].kind == "speech" else "shown"]
    told = place.format(text=found[0].text, spans=span_words(found[0].span))
    yes = not question.has("not")
    sure = (
        5
        if question.has("texts", "mentions", "says", "shows") or any(w.quoted for w in question.words)
        else 3
    )
    return Decision(
        f"{words['yes' if yes else 'no']}: {told}", sure, tuple(found[:MOST_CITED]), "It was found.", yes
    )
