"""What to check with fresh pixels, worded from the question alone, so that no earlier reading biases the eye."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from mrvideo.agents.ask.calls import call, failure_of
from mrvideo.agents.ask.pixels import asked_times
from mrvideo.agents.ask.state import Context, State
from mrvideo.errors import ModelError
from mrvideo.records import Notice, StageFinished, StageStarted
from mrvideo.schemas.analysis import GoalsInputs, GoalsReply


async def propose_goals(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """One question for inside a span, one for across spans; the user's own for both where the call fails."""
    context = runtime.context
    context.on_event(StageStarted(stage="goals", total=1))
    inputs = GoalsInputs(
        question=context.question,
        options=context.options,
        times=tuple(asked_times(context)),
        speech=context.speech,
    )
    try:
        goals = await call(context, context.text, "goals", inputs, GoalsReply)
    except ModelError as error:
        context.on_event(
            Notice(text=f"the question itself serves as the goal of looking: {failure_of(error)}")
        )
        goals = GoalsReply(local_question=context.question, global_question=context.question)
    context.on_event(StageFinished(stage="goals"))
    return {"goals": goals}
