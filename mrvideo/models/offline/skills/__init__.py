"""Skills: small, exact answers to one kind of question each. What none of them matches is answered by
retrieval, or not at all.

A skill is a module with `match(question) -> Match | None`, `answer(match, timeline) -> Decision | None`, and
`EXAMPLES`: questions on the film of `tests/offline/examples.toml`, with the words that the answer must hold,
or None for not found.
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
from mrvideo.models.offline.skills.base import Match
from mrvideo.models.offline.timeline import Timeline


class Skill(Protocol):
    """What a module of this folder holds."""

    @property
    def EXAMPLES(self) -> Sequence[tuple[str, str | None]]: ...

    def match(self, question: Question, /) -> Match | None: ...

    def answer(self, match: Match, timeline: Timeline, /) -> Decision | None: ...


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
"""The first that matches and answers decides."""
