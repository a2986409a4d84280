"""The main colour of the picture: not that of a text, a coat or a car, for only the picture as a whole was
measured.
"""

from __future__ import annotations

from mrvideo.models.offline.decision import Decision
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills.base import Match, find, joined
from mrvideo.models.offline.timeline import Item, Timeline
from mrvideo.models.offline.wording import main_colour
from mrvideo.text import tokens

EXAMPLES = (
    ("What colour is the background when STOP GOLF is shown?", "dark blue"),
    ("What colour is the screen at 0:30?", "dark blue"),
)


def match(question: Question) -> Match | None:
    """Of the background, always or at a moment that is named."""
    if question.asks != "colour" or not (question.has("background") or question.times or question.relation):
        return None
    link = question.relation
    anchors = joined(question.runs(link.stop if link else 0), question) if link else ()
    return Match(
        question, "any", anchors[:1], relation="" if question.has("background", "shows") else "thing"
    )


def answer(match: Match, timeline: Timeline) -> Decision | None:
    """That of the scene at that time, or in which the text stands; of no moment, where it is the same all
    along.
    """
    if match.relation == "thing":
        return None
    anchors: tuple[Item, ...] = ()
    if match.question.times is not None:
        moment = timeline.bounds(match.question.times)[0]
    elif match.anchors and (anchors := find(timeline, match.anchors[0], "any")[:1]):
        moment = anchors[0].span.middle_seconds
    elif not (match.anchors or match.question.relation) and len(_colours(timeline)) == 1:
        moment = timeline.pictures[-1].start_seconds
    else:
        return None
    # Neighbours that look alike are one piece of evidence: the last one that began is the one.
    scene = next((p for p in reversed(timeline.pictures) if p.start_seconds <= moment), None)
    if scene is None:
        return None
    name = main_colour(scene.text)
    plain = set(tokens(name)) - {"dark", "light"}
    hits = [n for n, option in enumerate(match.question.options) if plain & set(tokens(option))]
    choice = hits[0] if len(hits) == 1 else None
    words = match.question.options[choice] if choice is not None else name
    return Decision(words, 3, (scene, *anchors), "So it was measured.", choice=choice)


def _colours(timeline: Timeline) -> set[str]:
    return {main_colour(picture.text) for picture in timeline.pictures}
