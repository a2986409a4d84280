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
    named = joined(question.runs(link.stop), question) if link else ()
    anchors: tuple[Item, ...] = ()
    if not question.has("background", "shows"):
        return UNFOUND
    if question.times is not None:
        moment = timeline.bounds(question.times)[0]
    elif named and (anchors := find(timeline, named[0], "any")[:1]):
        moment = anchors[0].span.middle_seconds
    elif not link and len({main_colour(picture.text) for picture in timeline.pictures}) == 1:
        moment = timeline.pictures[-1].start_seconds
    else:
        return UNFOUND
    # Neighbours that look alike are one piece of evidence: the last one that began is the one.
    scene = next((p for p in reversed(timeline.pictures) if p.start_seconds <= moment), None)
    if scene is None:
        return UNFOUND
    name = main_colour(scene.text)
    plain = set(tokens(name)) - {"dark", "light"}
    hits = [n for n, option in enumerate(question.options) if plain & set(tokens(option))]
    choice = hits[0] if len(hits) == 1 else None
    words = question.options[choice] if choice is not None else name
    return Decision(words, 3, (scene, *anchors), "So it was measured.", choice=choice)
