"""What a round's checks came to, and what the next one does with it: nothing that held is done again."""

from __future__ import annotations

from typing import Any

from langgraph.runtime import Runtime

from mrvideo.agents.ask.answer import judged_claims, outcome_of
from mrvideo.agents.ask.check import cited_spans
from mrvideo.agents.ask.notes import denied_note, notes_of, within_room
from mrvideo.agents.ask.segments import unheard
from mrvideo.agents.ask.sources import fold
from mrvideo.agents.ask.state import Context, Held, State, has_missed, verdicts_now
from mrvideo.records import StageFinished


async def judge(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """What the checks came to is learnt; the edges decide whether another round may use it."""
    context = runtime.context
    context.on_event(StageFinished(stage="verify"))
    seen = {v.claim_index: v.seen for v in verdicts_now(state)}
    denied = [
        denied_note(state, claim, seen.get(index, ""))
        for index, claim in enumerate(judged_claims(state))
        if claim.holds is False
    ]
    return {
        "learnt": within_room(context, [*state.get("learnt", []), *denied]),
        "known": within_room(context, notes_of(context, state)),
        "held": _held(context, state),
        "outcomes": [*state.get("outcomes", []), outcome_of(state)],
    }


async def correct(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """A round of its own in which nothing is read or looked at again: the answer is worded anew with the
    times that checks saw.
    """
    return {"round": state["round"] + 1}


def needs_another_round(state: State, context: Context) -> bool:
    """Whether rounds and pictures are left, and this one found nothing, missed something, or left a claim
    denied or open.

    A claim at which nobody could look is no reason: another look would fare no better. Nor is an answer that
    what was asked for is not there, where all that could show it was looked at, nor words that nobody has
    transcribed or said.
    """
    if state["round"] >= context.max_rounds:
        return False
    if must_read_on(state, context):
        return True
    if context.pictures.left == 0:
        return False
    draft = state["draft"]
    if not draft.claims:
        basis = draft.reply.basis
        closest = basis == "illegible" and state["plan"].look == "text"
        settled = (closest or basis in ("absent", "unheard")) and not draft.reply.found
        return not settled and not unheard(context, state)
    doubted = [v for v in verdicts_now(state) if v.holds is not True]
    return has_missed(state) or any(v.looked or v.holds is False for v in doubted)


def must_read_on(state: State, context: Context) -> bool:
    """Whether only a part was read of what the answer hangs on: nothing was found in it, it says that
    something is not so, or it is about the whole video. What nobody has heard is in no other part.
    """
    draft = state["draft"]
    if state["walked"].everything or (not draft.claims and unheard(context, state)):
        return False
    negative = not draft.claims or any(asked.negated for asked in draft.asked)
    return negative or state["plan"].scope == "global"


def only_times_are_wrong(state: State) -> bool:
    """Whether all that is open was seen, at other times than claimed: then the answer is worded again, and
    nothing else is done.
    """
    doubted = [v for v in verdicts_now(state) if v.holds is not True]
    return bool(doubted) and not has_missed(state) and all(v.corrected is not None for v in doubted)


def _held(context: Context, state: State) -> list[Held]:
    """Claims that are confirmed by now, each once, under ids that stay: h1, h2, …"""
    held = list(state.get("held", []))
    known = {e.id: e for e in state["evidence"]}
    draft = state["draft"]
    for verdict in state.get("verdicts", []):
        seen = verdict.holds is True or verdict.corrected is not None
        if verdict.round != state["round"] or not seen or verdict.timed or verdict.holds is False:
            continue
        claim, asked = draft.claims[verdict.claim_index], draft.asked[verdict.claim_index]
        if any(fold(one.text).text == fold(claim.text).text for one in held):
            continue
        spans = cited_spans(context, [known[i] for i in claim.evidence_ids])
        if verdict.corrected is not None:
            spans = [verdict.corrected]
        held.append(
            Held(
                f"h{len(held) + 1}", claim.text, asked.check, asked.negated, tuple(spans), verdict.seen,
                verdict.pixels, verdict.heard,
            )
        )  # fmt: skip
    return held
