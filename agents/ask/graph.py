"""The graph of stage B: every node and every edge. What a node does is told where it is defined.

At most six model calls in a row make a round, whatever the length of the video: segments, reduce, plan, look,
answer, verify. The goals are worded beside the segment map, in the first round alone.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from langgraph.graph import END, START, StateGraph  # pyright: ignore[reportMissingTypeStubs]
from langgraph.runtime import Runtime
from langgraph.types import Send

from mrvideo.agents.ask.answer import draft_answer, finish
from mrvideo.agents.ask.goals import propose_goals
from mrvideo.agents.ask.intention import (
    cut_segments,
    gather,
    groups_to_reduce,
    plan,
    read_segment,
    reduce_group,
)
from mrvideo.agents.ask.look import collect_looks, global_spans, local_spans, look_global, look_local
from mrvideo.agents.ask.state import Context, State, spare_calls
from mrvideo.agents.ask.verify import judge, needs_another_round, rest_spans, verify_claim, verify_rest
from mrvideo.records import StageStarted


@cache
def build() -> Any:
    """The compiled graph. It holds no state of a run, and keeps no checkpoints."""
    # The builder's own generics are only partly known to a type checker.
    graph: Any = StateGraph(State, context_schema=Context)
    for node in (cut_segments, read_segment, propose_goals, gather, reduce_group, plan):
        graph.add_node(node.__name__, node)
    for node in (
        look_local,
        look_global,
        collect_looks,
        draft_answer,
        verify_claim,
        verify_rest,
        judge,
        finish,
    ):
        graph.add_node(node.__name__, node)

    graph.add_edge(START, "cut_segments")
    graph.add_conditional_edges("cut_segments", _to_segments, ["read_segment", "propose_goals", "gather"])
    graph.add_edge("read_segment", "gather")
    graph.add_edge("propose_goals", "gather")
    graph.add_conditional_edges("gather", _to_reduce, ["reduce_group", "plan"])
    graph.add_edge("reduce_group", "plan")
    graph.add_conditional_edges("plan", _to_looks, ["look_local", "look_global", "collect_looks"])
    graph.add_edge("look_local", "collect_looks")
    graph.add_edge("look_global", "collect_looks")
    graph.add_edge("collect_looks", "draft_answer")
    graph.add_conditional_edges(
        "draft_answer", _to_checks, ["verify_claim", "verify_rest", "judge", "finish"]
    )
    graph.add_edge("verify_claim", "judge")
    graph.add_edge("verify_rest", "judge")
    graph.add_conditional_edges("judge", _to_next_round, ["read_segment", "gather", "finish"])
    graph.add_edge("finish", END)
    return graph.compile()


def draw() -> str:
    """The graph as Mermaid, drawn from the code."""
    return build().get_graph().draw_mermaid()


def _to_segments(state: State, runtime: Runtime[Context]) -> list[Any]:
    sends = _segment_tasks(state)
    if runtime.context.effort != "low":
        sends.append("propose_goals")
    return sends or ["gather"]


def _to_reduce(state: State, runtime: Runtime[Context]) -> list[Any]:
    groups = groups_to_reduce(state, runtime.context)
    if groups:
        runtime.context.on_event(StageStarted(stage="reduce_intentions", total=len(groups)))
    round_ = state["round"] + 1
    return [Send("reduce_group", {"round": round_, "analyses": group}) for group in groups] or ["plan"]


def _to_looks(state: State, runtime: Runtime[Context]) -> list[Any]:
    context = runtime.context
    if context.effort == "low":
        return ["collect_looks"]
    goals, made = state["goals"], state["plan"]
    task: dict[str, Any] = {"round": state["round"], "plan": made}
    dense = local_spans(made)
    across = global_spans(context, made)
    if dense:
        context.on_event(StageStarted(stage="look_local", total=len(dense)))
    if across:
        context.on_event(StageStarted(stage="look_global", total=len(across)))
    sends: list[Any] = [
        Send("look_local", {**task, "goal": goals.local_question, "spans": (s,)}) for s in dense
    ]
    sends += [Send("look_global", {**task, "goal": goals.global_question, "spans": s}) for s in across]
    return sends or ["collect_looks"]


def _segment_tasks(state: State) -> list[Any]:
    task: dict[str, Any] = {
        "round": state["round"] + 1,
        "learnt": tuple(state.get("learnt", [])),
        "known": tuple(state.get("known", [])),
    }
    return [Send("read_segment", {**task, "segment": segment}) for segment in state["segments"]]


def _to_checks(state: State, runtime: Runtime[Context]) -> list[Any]:
    context, draft = runtime.context, state["draft"]
    if context.effort != "high":
        return ["finish"]
    rest = rest_spans(context, state) if draft.claims else []
    context.on_event(StageStarted(stage="verify", total=len(draft.claims) + len(rest)))
    known = {e.id: e for e in state["evidence"]}
    sends = [
        Send(
            "verify_claim",
            {
                "round": state["round"],
                "claim_index": index,
                "claim": claim,
                "check": draft.checks[index],
                "evidence": tuple(known[i] for i in claim.evidence_ids),
                "may_repeat": spare_calls(state) > draft.asked_twice,
            },
        )
        for index, claim in enumerate(draft.claims)
    ]
    check = draft.reply.rest_check
    sends += [Send("verify_rest", {"round": state["round"], "check": check, "spans": part}) for part in rest]
    return sends or ["judge"]


def _to_next_round(state: State, runtime: Runtime[Context]) -> list[Any]:
    context = runtime.context
    if not needs_another_round(state, context):
        return ["finish"]
    context.on_event(StageStarted(stage="segment_intention", total=len(state["segments"])))
    return _segment_tasks(state) or ["gather"]
