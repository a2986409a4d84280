"""Claims put to fresh pixels, one by one, by an eye that does not know the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from langgraph.runtime import Runtime

from mrvideo.agents.answer import judged_claims
from mrvideo.agents.calls import call, failure_of, room_for
from mrvideo.agents.pixels import dense_bins, fetch, images_per_look, phase_of, pictures_of
from mrvideo.agents.portraits import portraits
from mrvideo.agents.segments import CAST_SHARE, cast_of, cues_within
from mrvideo.agents.state import Context, State, Verdict, VerifyTask
from mrvideo.errors import ModelError
from mrvideo.messages.analysis import VerifyInputs, VerifyReply
from mrvideo.records import Checked, Evidence, Span, StageFinished, Unseen, clock

MARGIN_SECONDS = 1.0
"""Shown around what was seen in single frames, so that an instant is more than one picture."""


@dataclass(frozen=True)
class _Opinion:
    """What one check of a claim came to."""

    holds: bool | None
    seen: str
    unseen: tuple[Unseen, ...]


async def verify_claim(task: VerifyTask, runtime: Runtime[Context]) -> dict[str, Any]:
    """A yes/no question about the cited spans, with new frames and the cues spoken there.

    Yes counts only when every cited span was shown; what rests on cues alone may go without pictures. A no stands
    against whoever made the evidence, so it needs a second one from other frames, where the round has a call to spare:
    two that differ leave the claim open.
    """
    context = runtime.context
    opinion = await _check(context, task, 1)
    holds, seen, unseen = opinion.holds, opinion.seen, list(opinion.unseen)
    if holds is False and task["may_repeat"]:
        second = await _check(context, task, 2)
        holds = False if second.holds is False else None
        seen = " ".join(dict.fromkeys(part for part in (seen, second.seen) if part))
        unseen += second.unseen
    context.on_event(Checked(claim=task["claim"].text, holds=holds))
    verdict = Verdict(round=task["round"], claim_index=task["claim_index"], holds=holds, seen=seen)
    return {"verdicts": [verdict], "unseen": unseen}


async def _check(context: Context, task: VerifyTask, number: int) -> _Opinion:
    evidence = task["evidence"]
    spans = cited_spans(context, evidence)
    bins = dense_bins(spans, images_per_look(context), phase=phase_of(task["round"], check=number))
    fetched = await fetch(context, bins)
    spoken = all(e.source == "cue" for e in evidence)
    if not (fetched.frames or spoken):
        return _Opinion(None, "", fetched.unseen)
    exemplars, known = await portraits(context, spans, named=[task["claim"].text, task["check"]])
    pictures = (*exemplars, *pictures_of(fetched.frames)) if fetched.frames else ()
    model = context.vision if pictures else context.text
    room = room_for(context, model, images=len(pictures))
    hull = Span(min(s.start_seconds for s in spans), max(s.stop_seconds for s in spans))
    inputs = VerifyInputs(
        check=task["check"],
        span=hull,
        frame_times=tuple(f.time_seconds for f in fetched.frames),
        cues=cues_within(context, spans, room=room // 2, model=model),
        entities=cast_of(context, spans, room=room // CAST_SHARE, also=known),
    )
    try:
        reply = await call(context, model, "verify", inputs, VerifyReply, pictures=pictures, span=hull)
    except ModelError as error:
        reason = f"a claim about it could not be checked: {failure_of(error)}"
        failed = [
            Unseen(start_seconds=s.start_seconds, stop_seconds=s.stop_seconds, reason=reason) for s in spans
        ]
        return _Opinion(None, "", (*fetched.unseen, *failed))
    complete = spoken or all(span in [s for s, _ in fetched.shown] for span in spans)
    holds = {"yes": True if complete else None, "no": False, "unclear": None}[reply.verdict]
    return _Opinion(holds, reply.seen, fetched.unseen)


async def judge(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """What did not hold is learnt; the edges decide whether another round may use it."""
    runtime.context.on_event(StageFinished(stage="verify"))
    seen = {v.claim_index: v.seen for v in state.get("verdicts", []) if v.round == state["round"]}
    times = {e.id: e.start_seconds for e in state["evidence"]}
    learnt = list(state.get("learnt", []))
    for index, claim in enumerate(judged_claims(state)):
        if claim.holds is False:
            where = ", ".join(clock(times[i]) for i in claim.evidence_ids if i in times)
            learnt.append(f"{claim.text} (cited: {where}; a fresh look: no. {seen.get(index, '')})".strip())
    return {"learnt": list(dict.fromkeys(learnt))}


def needs_another_round(state: State, context: Context) -> bool:
    """Whether a claim of this round failed and rounds are left."""
    failed = any(claim.holds is False for claim in judged_claims(state))
    return failed and state["round"] < context.max_rounds


def cited_spans(context: Context, evidence: tuple[Evidence, ...]) -> list[Span]:
    """The cited spans, frames with a margin, overlaps merged, in order."""
    spans: list[Span] = []
    for item in evidence:
        margin = MARGIN_SECONDS if item.source == "frame" or item.duration_seconds < 1.0 else 0.0
        spans.append(item.span.padded(margin, within=context.whole))
    merged: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start_seconds, s.stop_seconds)):
        if merged and merged[-1].overlaps(span):
            last = merged[-1]
            merged[-1] = Span(last.start_seconds, max(last.stop_seconds, span.stop_seconds))
        else:
            merged.append(span)
    return merged
