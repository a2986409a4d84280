"""A run that must end lets the calls end that are paid for already."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from mrvideo.agents.ask.calls import call
from mrvideo.agents.ask.state import InFlight
from mrvideo.errors import BudgetReached, ModelUnavailable
from mrvideo.models.base import Capabilities, Reply
from mrvideo.records import Usage
from mrvideo.schemas.analysis import GoalsInputs, GoalsReply

REPLY = GoalsReply(local_question="Where?", global_question="What?")


class Slow:
    """Answers after a while; keeps count of what was begun and ended."""

    name, capabilities = "slow", Capabilities()

    def __init__(self) -> None:
        self.begun = self.ended = 0

    async def run(self, request: Any) -> Reply[Any]:
        self.begun += 1
        await asyncio.sleep(0.2)
        self.ended += 1
        return Reply(value=REPLY, usage=Usage())


class Broke:
    """Refuses after a moment, when others are in flight."""

    name, capabilities = "broke", Capabilities()

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def run(self, request: Any) -> Reply[Any]:
        await asyncio.sleep(0.05)
        raise self.error


@pytest.mark.parametrize("error", [BudgetReached("0.10 dollars"), ModelUnavailable("no such model")])
async def test_an_error_that_ends_the_run_waits_for_the_calls_beside_it(error: Exception) -> None:
    """A graph cancels what runs beside a node that raised: a reply that is paid for would be paid for again."""
    context: Any = SimpleNamespace(
        in_flight=InFlight(), on_event=lambda _: None, index=SimpleNamespace(entities=())
    )
    inputs = GoalsInputs(question="Where is it?")
    slow = Slow()

    async def ask(model: Any) -> GoalsReply:
        return await call(context, model, "goals", inputs, GoalsReply)

    tasks = [asyncio.create_task(ask(model)) for model in (slow, Broke(error), slow, Broke(error))]
    ended, running = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
    for task in running:
        task.cancel()
    assert (slow.begun, slow.ended) == (2, 2)
    assert error in [task.exception() for task in ended]
    with pytest.raises(type(error)):
        await ask(slow)
    assert slow.begun == 2, "no call begins after the end"
