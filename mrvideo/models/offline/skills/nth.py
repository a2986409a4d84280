"""The first, the third, the last: texts and lines by their place in the order, or by the number they bear."""

from __future__ import annotations

import re

from mrvideo.models.offline.decision import Decision, named_by_options
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import Match, key_stems, keyed_parts, speakers_named
from mrvideo.models.offline.timeline import Item, Timeline, distinct

EXAMPLES = (
    ("What is the last word said?", "Goodbye and thank you."),
    ("What are the last words spoken?", "Goodbye and thank you."),
    ("What is the first word said?", "Welcome to the tram tour."),
    ("What is the last text?", "STOP LIMA"),
    ("What is the third sign shown?", "STOP CHARLIE"),
    ("What is the twentieth sign shown?", None),
    ("Was ist der letzte Satz?", "Goodbye and thank you."),
    ("Quel est le dernier texte à l'écran ?", "STOP LIMA"),
)
_NUMBERED = re.compile(r"^(\d{1,2})\s*[.):]\s*(\S.*)$")


def match(question: Question) -> Match | None:
    """An ordinal, and neither a relation nor a number of times."""
    if not question.ordinal or question.asks not in ("what", "who", "other") or question.relation:
        return None
    if question.times is not None or (question.has("or", "order", "seeing", "not") and not question.options):
        return None
    plain = question.has("says", "shows", "texts", "lines", "occurs") or bool(question.options)
    channel = question.channel
    if channel == "any" and not question.options and question.asks == "who":
        channel = "speech"
    return Match(question, channel, ("plain",) if plain else (), question.ordinal)


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """By number where texts are numbered, else by order of appearance; of a kind only where texts name that
    kind.
    """
    question = match.question
    if numbered := _numbered(match, timeline):
        return numbered
    pool = timeline.signs if match.channel != "speech" else timeline.speech
    if names := speakers_named(question, timeline, question.runs()):
        pool = [i for i in timeline.speech if i.speaker in names]
    elif question.content and not question.options:
        pool = [
            i
            for i in pool
            if question.content <= timeline.stems(i) and not _labels_another(match, timeline, i)
        ]
    elif not match.anchors:
        return None
    pool = named_by_options(question, pool) or (
        named_by_options(question, timeline.everything) if question.options else []
    )
    groups = distinct(pool)
    if match.ordinal < 0:
        groups.sort(key=lambda group: group[-1].start_seconds)
    place = match.ordinal - 1 if match.ordinal > 0 else match.ordinal
    if not -len(groups) <= place < len(groups):
        return None
    item = groups[place][-1 if match.ordinal < 0 else 0]
    words = item.speaker or item.text if question.asks == "who" else item.text
    # `The last words` alone may be said or shown.
    plain = question.has("says", "shows", "lines", "occurs") or bool(question.options)
    return Decision(words, 4 if plain and abs(match.ordinal) == 1 else 3, (item,), "By order of appearance.")


def _labels_another(match: Match, timeline: Timeline, item: Item) -> bool:
    """Whether a text gives its name to another of the kind: `The silent city is Lima`, where the final one is
    asked for.
    """
    parts = keyed_parts(item.text, timeline.language)
    if parts is None or match.anchors:
        return False
    more = key_stems(parts[0], timeline.language) - match.question.content
    return any(not stem.isdigit() for stem in more)


def _numbered(match: Match, timeline: Timeline) -> Decision | None:
    """`Step 3: Wait`; or the item of that number in a list on screen, under the heading that the question
    names.
    """
    content, number = match.question.content - match.question.stems_under("texts"), match.ordinal
    if number <= 0 or match.question.options or not content:
        return None
    for item in timeline.screen:
        label = re.match(rf"^(\w+)\s+{number}\s*[.:)–-]\s*(\S.*)$", item.text)
        if label and content == timeline.language.stems(label.group(1)):
            return Decision(label.group(2), 4, (item,), "It bears that number.")
    headings = [i for i in timeline.screen if timeline.language.stems(i.text) == content]
    for item in timeline.screen:
        found = _NUMBERED.match(item.text)
        if found and int(found.group(1)) == number and headings and item.span.overlaps(headings[0].span):
            return Decision(found.group(2), 4, (item, headings[0]), "It bears that number.")
    return None
