"""Skills: small, exact answers to one kind of question each. What none of them answers is looked up by
retrieval, or not found at all.

A skill is a module with `answer(question, timeline) -> Decision | None`: None where the question is none of its
own, or where others may find what it does not, as `How many people left?` is told, not counted; `UNFOUND` where
nobody else can. What each is asked stands in `tests/offline/examples.toml`, with the film that it is asked of.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from mrvideo.models.offline.decision import Decision
from mrvideo.models.offline.question import Question
from mrvideo.models.offline.skills import (
    absent,
    at_time,
    colour,
    keyed,
    measure,
    nth,
    order,
    relation,
    sighting,
    title,
    who,
)
from mrvideo.models.offline.timeline import Timeline

Skill: TypeAlias = Callable[[Question, Timeline], Decision | None]
_IN_TURN = (absent, measure, keyed, colour, title, order, at_time, relation, sighting, who, nth)
"""The first that answers decides."""

SKILLS: tuple[Skill, ...] = tuple(module.answer for module in _IN_TURN)
