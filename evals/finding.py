"""Questions about moments put to `find`: ranked spans in the place of an answer in words."""

from __future__ import annotations

from functools import partial

from mrvideo.errors import InputError
from mrvideo.evals.items import Question, silent
from mrvideo.evals.systems import System
from mrvideo.mapreduce import in_thread
from mrvideo.records import Found, Index
from mrvideo.session.finding import MOST_MOMENTS, check_finding, find_moments, picture_of
from mrvideo.settings import Settings

CONFIRMED = 10
"""Moments of a query that the vision model looks at, each by a call of its own."""


async def found_with(system: System, index: Index, question: Question, settings: Settings) -> Found:
    """All moments of one video that fit the question's query, as many as `find` gives, or the best ten where
    they are looked at; on the event-loop thread.

    Raises `QuestionError` and `InputError` for what `find` does not take.
    """
    if question.kind != "moments":
        raise InputError(f"{question.id} does not ask for moments")
    top = CONFIRMED if system.confirm else MOST_MOMENTS
    check_finding(question.query, top, system.confirm, settings, like=question.picture)
    picture = None
    if question.picture is not None:
        picture = await in_thread(partial(picture_of, question.picture))
    return await find_moments(
        [index],
        question.query,
        settings,
        picture=picture,
        top=top,
        within=None,
        confirm=system.confirm,
        on_event=silent,
        budget=None,
    )
