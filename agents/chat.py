"""A conversation about indexed videos: an agent that calls tools and keeps its evidence. The graph of one
turn.

    START ─► think ──tool──► act ─┐
               ▲ └─answer─► END   │
               └──────────────────┘

The model and the tools are handed in; a turn is bounded in steps.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypedDict, cast
from uuid import UUID

from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs]
from langgraph.runtime import Runtime

from mrvideo.errors import SettingsError
from mrvideo.files import is_file, make_owners_file
from mrvideo.models.base import Model, Request
from mrvideo.prompts.loader import fence, load_prompt
from mrvideo.records import Evidence, Source
from mrvideo.schemas.exploring import ExploreInputs, ExploreReply, SpokenLine, StepLine, ToolLine

_REMEMBERED_TURNS = 40

CallTool: TypeAlias = Callable[[str, dict[str, Any]], Awaitable[str]]
"""Runs the tool of this name; returns its result as JSON text, or one line that says what was wrong."""


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
    call_tool: CallTool
    tools: tuple[ToolLine, ...]
    videos: tuple[str, ...]
    max_steps: int


async def take_turn(
    message: str, before: ChatState, context: ChatContext, *, saver: Any = None, name: str = ""
) -> ChatState:
    """The conversation after one message and the agent's turn. With a saver, the steps are kept under `name`
    as they come.
    """
    conversation = [*before.get("conversation", []), {"who": "user", "text": message.strip()}]
    state: ChatState = {"conversation": conversation, "steps": [], "evidence": [], "next": {}}
    config: Any = {"recursion_limit": 4 + 2 * context.max_steps}
    if saver is not None:
        config["configurable"] = {"thread_id": name}
    return cast("ChatState", await build(saver).ainvoke(state, config=config, context=context))


async def take_kept_turn(message: str, context: ChatContext, checkpoints: Path, *, name: str) -> ChatState:
    """`take_turn`, taking up the conversation of this name from a SQLite file.

    Raises `SettingsError` without extra `chat`, and for a file that holds something else.
    """
    try:
        import aiosqlite
        from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
    except ModuleNotFoundError as error:
        raise SettingsError("keeping a conversation needs: pip install 'mrvideo[chat]'") from error
    make_owners_file(checkpoints)
    if not is_file(checkpoints):
        raise SettingsError(
            f"{checkpoints} holds no conversation that can be taken up: it is no file; move it away"
        )
    async with AsyncExitStack() as stack:
        try:
            connection = await stack.enter_async_context(aiosqlite.connect(str(checkpoints)))
            saver = AsyncSqliteSaver(connection, serde=PlainData())
            kept = await saver.aget_tuple({"configurable": {"thread_id": name}})
            before = _taken_up(kept.checkpoint) if kept else ChatState()
        except (aiosqlite.Error, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise SettingsError(
                f"{checkpoints} holds no conversation that can be taken up ({' '.join(str(error).split())[:200]}); move it away"
            ) from error
        return await take_turn(message, before, context, saver=saver, name=name)


class PlainData:
    """How the steps of a conversation are kept: as JSON, which names no class and no function.

    The graph's own way makes whatever objects a file names: in a folder from a stranger `chats.db` could run
    any program.
    """

    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        """As JSON; what has no form there, such as the error of a step that failed, as its text."""
        return "json", json.dumps(obj, default=repr).encode()

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Plain data, also what earlier versions kept. Raises `ValueError` for everything else."""
        kind, body = data
        if kind == "json":
            return json.loads(body)
        if kind == "msgpack":
            import ormsgpack

            return ormsgpack.unpackb(body, ext_hook=_no_objects)
        if kind == "null":
            return None
        raise ValueError(f"it is kept as {kind[:20]!r}")


def _no_objects(kind: int, body: bytes) -> Any:
    raise ValueError("it names objects to be made")


def _taken_up(checkpoint: Any) -> ChatState:
    """What was said so far; the steps of an earlier turn are its own. Raises for what the graph could not go
    on from.
    """
    UUID(checkpoint["id"])
    for versions in (checkpoint["channel_versions"], checkpoint["versions_seen"]):
        versions.items()
    lines = [SpokenLine.model_validate(line) for line in checkpoint["channel_values"].get("conversation", [])]
    return ChatState(conversation=[line.model_dump() for line in lines])


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
                    tools=context.tools,
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
    result = await runtime.context.call_tool(wanted["tool"], json.loads(wanted["arguments"]))
    steps = state.get("steps", [])
    step = {
        "step_id": f"s{len(steps) + 1}",
        "tool": wanted["tool"],
        "arguments": wanted["arguments"],
        "result": result,
    }
    return {"steps": [*steps, step], "next": {}}


def _checked(reply: ExploreReply, steps: Sequence[StepLine]) -> tuple[list[Evidence], int]:
    """Citations whose words really stand in the cited result, with the span they stand at there; and how many
    do not.
    """
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
