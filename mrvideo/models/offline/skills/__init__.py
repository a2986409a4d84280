"""Skills: small, exact answers to one kind of question each. What none of them answers is looked up by
retrieval, or not found at all.

A skill is a module with `answer(question, timeline) -> Decision | None`: None where the question is none of its
own, or where others may find what it does not, as `How many people left?` is told, not counted; `UNFOUND` where
nobody else can. Its `EXAMPLES` are questions on the film of `tests/offline/examples.toml`, with the words that
the answer must hold, or None for not found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

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


class Skill(Protocol):
    """What a module of this folder holds."""

    @property
    def EXAMPLES(self) -> Sequence[tuple[str, str | None]]: ...

    def answer(self, question: Question, timeline: Timeline, /) -> Decision | None: ...


SKILLS: tuple[Skill, ...] = (
    absent,
    measure,
    keyed,
    colour,
    title,
    order,
    at_time,
    relation,
    sighting,
    who,
    nth,
)
"""The first that answers decides."""
