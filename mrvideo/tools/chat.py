"""Conversations: the chat graph with the models of the settings and the tools of the toolbox.

Each turn is bounded in steps, and the conversation as a whole, through the settings' `max_cost` and
`max_tokens`, in money. With a checkpoint file it is kept and taken up again under its name.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path

from mrvideo.agents.chat import ChatContext, ChatState, take_kept_turn, take_turn
from mrvideo.errors import QuestionError, SettingsError
from mrvideo.mapreduce import portal, start_on_portal
from mrvideo.models.schema import strict_schema
from mrvideo.questions import check_words
from mrvideo.records import Evidence, Record, Usage
from mrvideo.schemas.exploring import ToolLine
from mrvideo.session.models import budget_of, open_models
from mrvideo.settings import OFFLINE, Settings
from mrvideo.tools.frameworks import call_as_text
from mrvideo.tools.toolbox import TOOLS, Toolbox

_RAISED = "this bound is for the conversation: take it up again with a higher --max-cost or --max-tokens"


class Turn(Record):
    """What the agent said to one message: the text, what it rests on, and the steps it took."""

    text: str
    evidence: tuple[Evidence, ...] = ()
    removed_citations: int = 0
    steps: tuple[str, ...] = ()
    usage: Usage = Usage()


class Chat:
    """A conversation over one or more indexed videos.

    Raises `SettingsError` at once when the text model cannot drive tools, as the offline model cannot.
    `name` and `checkpoints` keep the conversation in a SQLite file (extra `chat`) and take it up again.
    """

    def __init__(
        self,
        videos: Sequence[str],
        settings: Settings,
        *,
        name: str = "chat",
        checkpoints: Path | None = None,
        max_steps: int = 12,
        roots: tuple[Path, ...] | None = None,
    ) -> None:
        if not videos:
            raise QuestionError("a conversation needs at least one video")
        # Steps are asked for as plain JSON replies, so any model that follows instructions will do, known to
        # have tool
        # calls or not: all but the one that is no model.
        if settings.text_model == OFFLINE:
            raise SettingsError(
                f"chat needs a model that can call tools, and {settings.text_model} cannot; "
                "name one with --text openai:MODEL, or put single questions with ask"
            )
        self._videos = tuple(videos)
        self._settings = settings
        self._budget = budget_of(settings, way_out=_RAISED)
        self._name = name
        self._checkpoints = checkpoints
        self._max_steps = max_steps
        self._roots = roots
        self._state: ChatState = {}

    def send(self, message: str) -> Turn:
        """Say something and get the agent's turn. Raises `ModelUnavailable`, `BudgetReached`."""
        future = portal().start_task_soon(self._turn, message)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    async def asend(self, message: str) -> Turn:
        """`send` without blocking the running event loop."""
        return await asyncio.wrap_future(start_on_portal(partial(self._turn, message)))

    async def _turn(self, message: str) -> Turn:
        check_words("message", message)
        models = open_models(self._settings, None, lambda _: None, self._budget)
        try:
            box = Toolbox(self._settings, self._roots, budget=self._budget)
            context = ChatContext(
                model=models.text,
                call_tool=partial(call_as_text, box),
                tools=_tool_lines(),
                videos=self._videos,
                max_steps=self._max_steps,
            )
            if self._checkpoints is None:
                state = self._state = await take_turn(message, self._state, context)
            else:
                state = await take_kept_turn(message, context, self._checkpoints, name=self._name)
        finally:
            await models.aclose()
        return Turn(
            text=state.get("conversation", [])[-1]["text"],
            evidence=tuple(Evidence(**item) for item in state.get("evidence", [])),
            removed_citations=int(state.get("next", {}).get("removed", 0)),
            steps=tuple(f"{step['tool']} {step['arguments']}" for step in state.get("steps", [])),
            usage=models.ledger.total(),
        )


@cache
def _tool_lines() -> tuple[ToolLine, ...]:
    return tuple(
        ToolLine(
            name=tool.name,
            description=tool.description,
            arguments_schema=json.dumps(strict_schema(tool.input_type)),
        )
        for tool in TOOLS
    )
