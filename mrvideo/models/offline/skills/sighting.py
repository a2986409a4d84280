"""A text that the question names: is it there, when, for the second time, how often, for how long?"""

from __future__ import annotations

from collections.abc import Sequence

from mrvideo.models.offline.decision import UNFOUND, Decision, span_words
from mrvideo.models.offline.forms import shows
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import find, joined, numbered_so, picked
from mrvideo.models.offline.timeline import Item, Timeline
from mrvideo.records import merge_spans
from mrvideo.text import tokens, unit_seconds

MOST_CITED, MOST_TOLD = 4, 8
_TOLD = {
    "yes_no": ("shows", "occurs", "texts", "mentions", "says"),
    "when": ("shows", "occurs", "texts", "mentions", "says", "lines", "leaves"),
    "how_often": ("shows", "occurs", "texts", "mentions", "says", "lines"),
    "how_long": ("shows", "occurs", "texts", "leaves", "lasts"),
}
"""What is asked, and the concepts that make it a question of where a text stands."""


def answer(question: Question, timeline: Timeline) -> Decision | None:
    """What the places where all of it stands tell; what is not found is not denied. When a thing is told to happen
    is no such question.
    """
    asks, anchors = question.asks, joined(question.runs(), question)
    told = question.has(*_TOLD.get(asks, ()))
    if asks == "yes_no":
        named = told or (question.marks and "there" in question.marks[0].concepts)
        return (_there(question, timeline, anchors) or UNFOUND) if named and not question.relation else None
    quoted = asks == "how_often" and any(word.quoted for word in question.words)
    if not anchors or not (told or quoted):
        return None
    if asks == "how_long":
        return _how_long(question, timeline, anchors[0])
    found = find(timeline, anchors[0], question.channel, spoken_first=question.has("mentions"))
    return _how_often(found, anchors[0]) if asks == "how_often" else _when(question, found) or UNFOUND


def _how_often(found: tuple[Item, ...], anchor: str) -> Decision | None:
    count = sum(_times_said(item, anchor) for item in found)
    spans = ", ".join(span_words(item.span) for item in found[:20])
    reason = "Each place was counted."
    return Decision(f"{count}: {spans}", 4, found, reason, float(count), whole=True) if found else None


def _there(question: Question, timeline: Timeline, anchors: Sequence[str]) -> Decision | None:
    found = _places(question, timeline, anchors)
    if question.times is not None:
        low, high = timeline.bounds(question.times)
        found = [i for i in found if i.start_seconds <= high + 0.5 and i.stop_seconds >= low - 0.5]
    if not found:
        return None
    said = question.language.answers
    place = said["said" if found[0].kind == "speech" else "shown"]
    told = place.format(text=found[0].text, spans=span_words(found[0].span))
    yes = not question.has("not")
    plain = question.has("texts", "mentions", "says", "shows") or any(w.quoted for w in question.words)
    words = f"{said['yes' if yes else 'no']}: {told}"
    return Decision(words, 5 if plain else 3, tuple(found[:MOST_CITED]), "It was found.", yes)


def _places(question: Question, timeline: Timeline, anchors: Sequence[str]) -> list[Item]:
    """Of all that is named, or of a form: `Is an address shown?`."""
    if question.form and not question.content - question.form_stems:
        return [i for i in timeline.everything if shows(i.text, question.form)]
    told, spoken = question.has("mentions", "occurs"), question.has("mentions")
    channel = "any" if told else question.channel
    places = [find(timeline, each, channel, spoken_first=spoken) for each in anchors]
    return [item for items in places for item in items] if all(places) else []


def _when(question: Question, found: Sequence[Item]) -> Decision | None:
    items = sorted(found, key=lambda item: item.start_seconds)
    if question.ordinal:
        items = numbered_so(items, question)[:1] or picked(items, question.ordinal)
    if not items:
        return None
    spans = ", ".join(span_words(item.span) for item in items[:MOST_TOLD])
    spans += f", … ({len(items)})" if len(items) > MOST_TOLD else ""
    words = f"{spans}: {items[0].told}" if len(items) == 1 and items[0].kind == "speech" else spans
    sure = 5 if len(items) == 1 else 4
    return Decision(words, sure, tuple(items), "It was found there.", items[0].start_seconds)


def _how_long(question: Question, timeline: Timeline, anchor: str) -> Decision | None:
    hours = any((unit_seconds(w.low, question.language) or 0) >= 3600 for w in question.words)
    found = () if hours else find(timeline, anchor, "screen", spoken_first=question.has("mentions"))
    seconds = sum(span.duration_seconds for span in merge_spans([item.span for item in found]))
    words = f"{seconds:.1f} s ({', '.join(span_words(item.span) for item in found)})"
    reason = "From its first to its last frame."
    return Decision(words, 4, found, reason, seconds, whole=True) if found else None


def _times_said(item: Item, phrase: str) -> int:
    """A sign shows it once; a line may say it several times."""
    words, wanted = tokens(item.text), tokens(phrase)
    said = sum(words[i : i + len(wanted)] == wanted for i in range(len(words)))
    return max(said, 1) if item.kind == "speech" and wanted else 1
