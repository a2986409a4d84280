"""A conversation about indexed videos: an agent that calls the tools itself and keeps its evidence.

    START ─► think ──tool──► act ─┐
               ▲ └─answer─► END   │
               └──────────────────┘

Each turn is bounded in steps and, through the settings' `max_cost` and `max_tokens`, in money. With a checkpoint file a
conversation is kept and taken up again under its name.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypedDict, cast

from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs]
from langgraph.runtime import Runtime

from mrvideo.errors import QuestionError, SettingsError
from mrvideo.mapreduce import portal, start_on_portal
from mrvideo.models.base import Model, Request
from mrvideo.prompts.loader import fence, load_prompt
from mrvideo.questions import check_words
from mrvideo.records import Evidence, Record, Source, Usage
from mrvideo.schemas.exploring import ExploreInputs, ExploreReply, SpokenLine, StepLine, ToolLine
from mrvideo.session.models import budget_of, open_models
from mrvideo.settings import OFFLINE, Settings
from mrvideo.tools.frameworks import call_as_text, strict_schema
from mrvideo.tools.toolbox import TOOLS, Toolbox

_REMEMBERED_TURNS = 40


class Turn(Record):
    """What the agent said to one message: the text, what it rests on, and the steps it took."""

    text: str
    evidence: tuple[Evidence, ...] = ()
    removed_citations: int = 0
    steps: tuple[str, ...] = ()
    usage: Usage = Usage()


class ChatState(TypedDict, total=False):
    """Plain data only, so that any checkpointer can keep it."""

    conversation: list[dict[str, str]]
    steps: list[dict[str, str]]
    next: dict[str, Any]
    evidence: list[dict[str, Any]]


@dataclass(frozen=True)
class ChatContext:
    """What one turn works with."""

    model: Model
    box: Toolbox
    videos: tuple[str, ...]
    max_steps: int


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
        # Steps are asked for as plain JSON replies, so any model that follows instructions will do, known to have tool
        # calls or not: all but the one that is no model.
        if settings.text_model == OFFLINE:
            raise SettingsError(
                f"chat needs a model that can call tools, and {settings.text_model} cannot; "
                "name one with --text openai:MODEL, or put single questions with ask"
            )
        self._videos = tuple(videos)
        self._settings = settings
        self._budget = budget_of(settings)
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
        import asyncio

        return await asyncio.wrap_future(start_on_portal(partial(self._turn, message)))

    async def _turn(self, message: str) -> Turn:
        check_words("message", message)
        models = open_models(self._settings, None, lambda _: None, self._budget)
        try:
            box = Toolbox(self._settings, self._roots, budget=self._budget)
            context = ChatContext(models.text, box, self._videos, self._max_steps)
            if self._checkpoints is None:
                state = await self._run(message, self._state, context, None)
                self._state = state
            else:
                state = await self._run_kept(message, context)
        finally:
            await models.aclose()
        return Turn(
            text=state.get("conversation", [])[-1]["text"],
            evidence=tuple(Evidence(**item) for item in state.get("evidence", [])),
            removed_citations=int(state.get("next", {}).get("removed", 0)),
            steps=tuple(f"{step['tool']} {step['arguments']}" for step in state.get("steps", [])),
            usage=models.ledger.total(),
        )

    async def _run_kept(self, message: str, context: ChatContext) -> ChatState:
        try:
            from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
        except ModuleNotFoundError as error:
            raise SettingsError("keeping a conversation needs: pip install 'mrvideo[chat]'") from error
        assert self._checkpoints is not None
        self._checkpoints.parent.mkdir(parents=True, exist_ok=True)
        async with AsyncSqliteSaver.from_conn_string(str(self._checkpoints)) as saver:
            kept = await saver.aget_tuple({"configurable": {"thread_id": self._name}})
            before = cast("ChatState", kept.checkpoint["channel_values"]) if kept else ChatState()
            return await self._run(message, before, context, saver)

    async def _run(self, message: str, before: ChatState, context: ChatContext, saver: Any) -> ChatState:
        conversation = [*before.get("conversation", []), {"who": "user", "text": message.strip()}]
        state: ChatState = {"conversation": conversation, "steps": [], "evidence": [], "next": {}}
        config: Any = {"recursion_limit": 4 + 2 * context.max_steps}
        if saver is not None:
            config["configurable"] = {"thread_id": self._name}
        done = await build(saver).ainvoke(state, config=config, context=context)
        return cast("ChatState", done)


def build(saver: Any = None) -> Any:
    """The compiled graph."""
    graph: Any = StateGraph(ChatState, context_schema=ChatContext)
    graph.add_node("think", think)
    graph.add_node("act", act)
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", _after_thinking, {"act": "act", END: END})
    graph.add_edge("act", "think")
    return graph.compile(checkpointer=saver)


def _after_thinking(state: ChatState) -> str:
    return "act" if state.get("next", {}).get("tool") else END


async def think(state: ChatState, runtime: Runtime[ChatContext]) -> ChatState:
    """One call: which tool next, or what to answer."""
    context = runtime.context
    steps = [StepLine(**step) for step in state.get("steps", [])]
    reply = (
        await context.model.run(
            Request(
                prompt=load_prompt("explore"),
                inputs=ExploreInputs(
                    videos=context.videos,
                    tools=_TOOL_LINES,
                    conversation=tuple(
                        SpokenLine(**line) for line in state.get("conversation", [])[-_REMEMBERED_TURNS:]
                    ),
                    steps=tuple(steps),
                    steps_left=context.max_steps - len(steps),
                ),
                reply_type=ExploreReply,
                stage="explore",
            )
        )
    ).value
    if reply.tool is not None:
        return {"next": {"tool": reply.tool, "arguments": reply.arguments}}
    evidence, removed = _checked(reply, steps)
    said = {"who": "you", "text": reply.answer or ""}
    return {
        "conversation": [*state.get("conversation", []), said],
        "evidence": [item.model_dump() for item in evidence],
        "next": {"removed": removed},
    }


async def act(state: ChatState, runtime: Runtime[ChatContext]) -> ChatState:
    """Run the tool that was asked for; what goes wrong with it is its result."""
    wanted = state.get("next", {})
    result = await call_as_text(runtime.context.box, wanted["tool"], json.loads(wanted["arguments"]))
    steps = state.get("steps", [])
    step = {
        "step_id": f"s{len(steps) + 1}",
        "tool": wanted["tool"],
        "arguments": wanted["arguments"],
        "result": result,
    }
    return {"steps": [*steps, step], "next": {}}


def _checked(reply: ExploreReply, steps: Sequence[StepLine]) -> tuple[list[Evidence], int]:
    """Citations whose words really stand in the cited result, with the span they stand at there; and how many do not."""
    by_id = {step.step_id: step for step in steps}
    evidence: list[Evidence] = []
    removed = 0
    for citation in reply.citations:
        step = by_id.get(citation.step_id)
        found = None if step is None else _find(citation.quote, step)
        if found is None:
            removed += 1
        else:
            evidence.append(found.model_copy(update={"id": f"e{len(evidence) + 1}"}))
    return evidence, removed


def _find(quote: str, step: StepLine) -> Evidence | None:
    """The outermost object of a result that has a span and holds the words in one of its own texts."""
    wanted = _plain(quote)
    try:
        todo: list[Any] = [json.loads(step.result)]
    except json.JSONDecodeError:
        return None
    while todo:
        node = todo.pop(0)
        if isinstance(node, list):
            todo.extend(cast("list[Any]", node))
        elif isinstance(node, dict):
            fields = cast("dict[str, Any]", node)
            for value in fields.values():
                if isinstance(value, (dict, list)):
                    todo.append(value)
            if not {"start_seconds", "stop_seconds"} <= fields.keys():
                continue
            holding = [(name, text) for name, text in _texts(fields) if wanted in _plain(text)]
            if holding:
                # A caption may repeat what was said: the shortest text is where the words come from.
                name, _ = min(holding, key=lambda named: len(named[1]))
                return Evidence(
                    start_seconds=fields["start_seconds"],
                    stop_seconds=fields["stop_seconds"],
                    source=_source(fields, name, step.tool),
                    quote=quote,
                )
    return None


def _source(fields: dict[str, Any], name: str, tool: str) -> Source:
    told = fields.get("source")
    if told in ("caption", "cue", "frame"):
        return told
    if tool == "look":
        return "frame"
    return "cue" if name == "said" else "caption"


def _texts(fields: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (name, item)
        for name, value in fields.items()
        for item in (cast("list[Any]", value) if isinstance(value, list) else [value])
        if isinstance(item, str)
    ]


def _plain(text: str) -> str:
    # As the model was shown it, whatever its spaces and capitals.
    return " ".join(fence(text).casefold().split())


_TOOL_LINES = tuple(
    ToolLine(
        name=tool.name,
        description=tool.description,
        arguments_schema=json.dumps(strict_schema(tool.input_type)),
    )
    for tool in TOOLS
)
