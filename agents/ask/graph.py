"""The graph of stage B: every node and every edge. What a node does is told where it is defined.

At most six model calls in a row make a round: segments, reduce, plan, look, answer, verify. Where the memory
of a long video is walked first, at most eight, whatever its length. The goals are worded beside the segment
map, in the first round alone.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs]
from langgraph.runtime import Runtime
from langgraph.types import Send

from mrvideo.agents.ask.answer import cues_fail, draft_answer, finish, look_after_all
from mrvideo.agents.ask.goals import propose_goals
from mrvideo.agents.ask.intention import (
    cut_segments,
    gather,
    groups_to_reduce,
    plan,
    read_on,
    read_segment,
    reduce_group,
    segments_to_read_again,
)
from mrvideo.agents.ask.look import collect_looks, look_global, look_local, look_tasks
from mrvideo.agents.ask.rest import verify_rest
from mrvideo.agents.ask.rounds import correct, judge, must_read_on, needs_another_round, only_times_are_wrong
from mrvideo.agents.ask.state import Context, Segment, State
from mrvideo.agents.ask.verify import check_tasks, verify_again, verify_claim
from mrvideo.records import StageStarted


@cache
def build() -> Any:
    """The compiled graph. It holds no state of a run, and keeps no checkpoints."""
    # The builder's own generics are only partly known to a type checker.
    graph: Any = StateGraph(State, context_schema=Context)
    for node in (cut_segments, read_on, read_segment, propose_goals, gather, reduce_group, plan):
        graph.add_node(node.__name__, node)
    for node in (
        look_local,
        look_global,
        collect_looks,
        draft_answer,
        look_after_all,
        verify_claim,
        verify_rest,
        verify_again,
        judge,
        correct,
        finish,
    ):
        graph.add_node(node.__name__, node)

    graph.add_edge(START, "cut_segments")
    graph.add_conditional_edges("cut_segments", _to_segments, ["read_segment", "propose_goals", "gather"])
    graph.add_conditional_edges("read_on", _to_added, ["read_segment", "gather"])
    graph.add_edge("read_segment", "gather")
    graph.add_edge("propose_goals", "gather")
    graph.add_conditional_edges("gather", _to_reduce, ["reduce_group", "plan"])
    graph.add_edge("reduce_group", "plan")
    graph.add_conditional_edges("plan", _to_looks, ["look_local", "look_global", "collect_looks"])
    graph.add_edge("look_local", "collect_looks")
    graph.add_edge("look_global", "collect_looks")
    graph.add_edge("collect_looks", "draft_answer")
    graph.add_conditional_edges(
        "draft_answer",
        _to_checks,
        ["verify_claim", "verify_rest", "judge", "read_on", "look_after_all", "finish"],
    )
    graph.add_conditional_edges("look_after_all", _to_looks, ["look_local", "look_global", "collect_looks"])
    graph.add_edge("verify_claim", "verify_again")
    graph.add_edge("verify_rest", "verify_again")
    graph.add_edge("verify_again", "judge")
    graph.add_conditional_edges(
        "judge", _to_next_round, ["read_segment", "gather", "read_on", "correct", "finish"]
    )
    graph.add_edge("correct", "collect_looks")
    graph.add_edge("finish", END)
    return graph.compile()


def draw() -> str:
    """The graph as Mermaid, drawn from the code."""
    return build().get_graph().draw_mermaid()


def _to_segments(state: State, runtime: Runtime[Context]) -> list[Any]:
    sends = _segment_tasks(state, state["to_read"])
    if runtime.context.effort != "low":
        sends.append("propose_goals")
    return sends or ["gather"]


def _to_added(state: State, runtime: Runtime[Context]) -> list[Any]:
    return _segment_tasks(state, state["to_read"]) or ["gather"]


def _to_reduce(state: State, runtime: Runtime[Context]) -> list[Any]:
    groups = groups_to_reduce(state, runtime.context)
    if groups:
        runtime.context.on_event(StageStarted(stage="reduce_intentions", total=len(groups)))
    round_ = state["round"] + 1
    return [Send("reduce_group", {"round": round_, "analyses": group}) for group in groups] or ["plan"]


def _to_looks(state: State, runtime: Runtime[Context]) -> list[Any]:
    context = runtime.context
    if context.effort == "low" or state["by_speech"]:
        return ["collect_looks"]
    local, across = look_tasks(context, state)
    for stage, tasks in (("look_local", local), ("look_global", across)):
        if tasks:
            context.on_event(StageStarted(stage=stage, total=len(tasks)))
    sends: list[Any] = [Send("look_local", task) for task in local]
    sends += [Send("look_global", task) for task in across]
    return sends or ["collect_looks"]


def _segment_tasks(state: State, segments: list[Segment]) -> list[Any]:
    task: dict[str, Any] = {
        "round": state["round"] + 1,
        "learnt": tuple(state.get("learnt", [])),
        "known": tuple(state.get("known", [])),
    }
    return [Send("read_segment", {**task, "segment": segment}) for segment in segments]


def _to_checks(state: State, runtime: Runtime[Context]) -> list[Any]:
    context = runtime.context
    if cues_fail(state):
        return ["look_after_all"]
    if context.effort != "high":
        # Nothing is checked; but what was not found in a part is looked for in the rest.
        return (
            ["read_on"]
            if state["round"] < context.max_rounds and must_read_on(state, context)
            else ["finish"]
        )
    claims, rests = check_tasks(context, state)
    sends: list[Any] = [Send("verify_claim", task) for task in claims]
    sends += [Send("verify_rest", task) for task in rests]
    return sends or ["judge"]


def _to_next_round(state: State, runtime: Runtime[Context]) -> list[Any]:
    context = runtime.context
    if not needs_another_round(state, context):
        return ["finish"]
    if must_read_on(state, context):
        return ["read_on"]
    if only_times_are_wrong(state):
        return ["correct"]
    segments = segments_to_read_again(state)
    if segments:
        context.on_event(StageStarted(stage="segment_intention", total=len(segments)))
    return _segment_tasks(state, segments) or ["gather"]
