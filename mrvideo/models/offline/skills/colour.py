"""The main colour of the picture: not that of a text, a coat or a car, for only the picture as a whole was
measured.
"""

from __future__ import annotations

from mrvideo.models.offline.decision import UNFOUND, Decision
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import find, joined
from mrvideo.models.offline.timeline import Item, Timeline
from mrvideo.models.offline.wording import main_colour
from mrvideo.text import tokens


def answer(question: Question, timeline: Timeline) -> Decision | None:
    """That of the scene at that time, or in which the text stands; of no moment, where it is the same all
    along.
    """
    link = question.relation
    if question.asks != "colour" or not (question.has("background") or question.times or link):
        return None
    moment, anchors = _moment(question, timeline) if question.has("background", "shows") else (None, ())
    # Neighbours that look alike are one piece of evidence: the last one that began is the one.
    before = [p for p in timeline.pictures if moment is not None and p.start_seconds <= moment]
    if not before:
        return UNFOUND
    scene = before[-1]
    name = main_colour(scene.text)
    plain = set(tokens(name)) - {"dark", "light"}
    hits = [n for n, option in enumerate(question.options) if plain & set(tokens(option))]
    choice = hits[0] if len(hits) == 1 else None
    words = question.options[choice] if choice is not None else name
    return Decision(words, 3, (scene, *anchors), "So it was measured.", choice=choice)


def _moment(question: Question, timeline: Timeline) -> tuple[float | None, tuple[Item, ...]]:
    """The time that is meant, in seconds, and the text that tells it."""
    if question.times is not None:
        return timeline.bounds(question.times)[0], ()
    if link := question.relation:
        anchors = joined(question.runs(link.stop), question)
        found = find(timeline, anchors[0], "any")[:1] if anchors else ()
        return (found[0].span.middle_seconds if found else None), found
    alike = len({main_colour(picture.text) for picture in timeline.pictures}) == 1
    return (timeline.pictures[-1].start_seconds if alike else None), ()
