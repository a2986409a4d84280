"""Claims put to fresh pixels, one by one, by an eye that does not know the answer; and what the answer leaves out."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from langgraph.runtime import Runtime

from mrvideo.agents.ask.answer import judged_claims, outcome_of
from mrvideo.agents.ask.calls import call, failure_of, fitted, room_for
from mrvideo.agents.ask.exemplars import MAX_PORTRAITS, portraits
from mrvideo.agents.ask.look import MAX_ACROSS
from mrvideo.agents.ask.notes import denied_note, notes_of, within_room
from mrvideo.agents.ask.pixels import (
    Bin,
    dense_bins,
    fetch,
    images_across,
    images_per_look,
    phase_of,
    pictures_of,
    scene_bins,
)
from mrvideo.agents.ask.segments import CAST_SHARE, cast_of, cues_within
from mrvideo.agents.ask.state import Context, Missed, RestTask, State, Verdict, VerifyTask
from mrvideo.errors import ModelError, RequestTooLarge
from mrvideo.records import Checked, Evidence, Span, StageFinished, Unseen, merge_spans
from mrvideo.schemas.analysis import VerifyInputs, VerifyReply

MARGIN_SECONDS = 1.0
"""Shown around what was seen in single frames, so that an instant is more than one picture."""


@dataclass(frozen=True)
class _Opinion:
    """What one check of a claim came to. `looked`: whether a model saw anything of it."""

    holds: bool | None
    seen: str
    unseen: tuple[Unseen, ...]
    looked: bool = True
    pixels: bool = False


async def verify_claim(task: VerifyTask, runtime: Runtime[Context]) -> dict[str, Any]:
    """A yes/no question about the cited spans, with new frames and the cues spoken there.

    Yes counts only when every cited span was shown; what rests on cues alone may go without pictures. A no stands
    against whoever made the evidence, so it needs a second one from other frames, where the round has a call to spare:
    two that differ leave the claim open.
    """
    context = runtime.context
    opinion = await _check_claim(context, task, 1)
    holds, seen, unseen = opinion.holds, opinion.seen, list(opinion.unseen)
    if holds is False and task["may_repeat"]:
        second = await _check_claim(context, task, 2)
        holds = False if second.holds is False else None
        seen = " ".join(dict.fromkeys(part for part in (seen, second.seen) if part))
        unseen += second.unseen
    context.on_event(Checked(claim=task["claim"].text, holds=holds))
    verdict = Verdict(task["round"], task["claim_index"], holds, seen, opinion.looked, opinion.pixels)
    return {"verdicts": [verdict], "unseen": unseen}


async def verify_rest(task: RestTask, runtime: Runtime[Context]) -> dict[str, Any]:
    """Whether frames of what the draft does not cite show one thing more. Claims that hold may still not be all."""
    context, spans = runtime.context, list(task["spans"])
    images = images_across(context, taken=MAX_PORTRAITS if context.index.entities else 0)

    def bins() -> list[Bin]:
        most = min(images, images_across(context))
        return scene_bins(context, spans, most, phase=phase_of(task["round"], check=1))

    opinion = await _check(context, task["check"], spans, bins, named=[task["check"]], spoken=False)
    if not opinion.holds:
        return {}
    hull = Span(spans[0].start_seconds, spans[-1].stop_seconds)
    return {"missed": [Missed(task["round"], hull, opinion.seen)]}


async def _check_claim(context: Context, task: VerifyTask, number: int) -> _Opinion:
    evidence = task["evidence"]
    spans = cited_spans(context, evidence)
    spoken = all(e.source == "cue" for e in evidence)
    named = [task["claim"].text, task["check"]]

    def bins() -> list[Bin]:
        return dense_bins(spans, images_per_look(context), phase=phase_of(task["round"], check=number))

    opinion = await _check(context, task["check"], spans, bins, named=named, spoken=spoken)
    if opinion.holds and not spoken and len(spans) > images_per_look(context):
        # A model that takes few images was not shown every cited span.
        return replace(opinion, holds=None)
    return opinion


async def _check(
    context: Context,
    check: str,
    spans: list[Span],
    make_bins: Callable[[], list[Bin]],
    *,
    named: list[str],
    spoken: bool,
) -> _Opinion:
    """One call. `spoken`: what rests on cues alone may go without pictures."""

    async def once(final: bool) -> _Opinion:
        return await _check_once(context, check, spans, make_bins(), named, spoken, final)

    return await fitted(context.vision, once)


async def _check_once(
    context: Context,
    check: str,
    spans: list[Span],
    bins: list[Bin],
    named: list[str],
    spoken: bool,
    final: bool,
) -> _Opinion:
    fetched = await fetch(context, bins)
    if not (fetched.frames or spoken):
        return _Opinion(None, "", fetched.unseen, looked=False)
    exemplars, known = await portraits(context, spans, named=named)
    pictures = (*exemplars, *pictures_of(fetched.frames)) if fetched.frames else ()
    model = context.vision if pictures else context.text
    room = room_for(context, model, images=len(pictures))
    hull = Span(min(s.start_seconds for s in spans), max(s.stop_seconds for s in spans))
    inputs = VerifyInputs(
        check=check,
        span=hull,
        frame_times=tuple(f.time_seconds for f in fetched.frames),
        cues=cues_within(context, spans, room=room // 2, model=model),
        entities=cast_of(context, spans, room=room // CAST_SHARE, also=known),
    )
    try:
        reply = await call(context, model, "verify", inputs, VerifyReply, pictures=pictures, span=hull)
    except ModelError as error:
        if isinstance(error, RequestTooLarge) and not final:
            raise
        reason = f"a claim about it could not be checked: {failure_of(error)}"
        failed = [Unseen.of(s, reason) for s in spans]
        return _Opinion(None, "", (*fetched.unseen, *failed), looked=False)
    complete = spoken or all(bin_.of in [s for s, _ in fetched.shown] for bin_ in bins)
    holds = {"yes": True if complete else None, "no": False, "unclear": None}[reply.verdict]
    # What was said is on no frame: a model that only reads finds it in the cue that it was quoted from.
    pixels = bool(fetched.frames) and (not spoken or model.capabilities.judges)
    return _Opinion(holds, reply.seen, fetched.unseen, pixels=pixels)


async def judge(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """What the checks came to is learnt; the edges decide whether another round may use it."""
    context = runtime.context
    context.on_event(StageFinished(stage="verify"))
    seen = {v.claim_index: v.seen for v in state.get("verdicts", []) if v.round == state["round"]}
    denied = [
        denied_note(state, claim, seen.get(index, ""))
        for index, claim in enumerate(judged_claims(state))
        if claim.holds is False
    ]
    return {
        "learnt": within_room(context, [*state.get("learnt", []), *denied]),
        "known": within_room(context, notes_of(state)),
        "outcomes": [*state.get("outcomes", []), outcome_of(state)],
    }


def needs_another_round(state: State, context: Context) -> bool:
    """Whether rounds are left, and this one found nothing, missed something, or left a claim denied or open.

    A claim at which nobody could look is no reason: another look would fare no better.
    """
    if state["round"] >= context.max_rounds:
        return False
    verdicts = [v for v in state.get("verdicts", []) if v.round == state["round"]]
    missed = any(one.round == state["round"] for one in state.get("missed", []))
    doubted = any(v.holds is not True and (v.looked or v.holds is False) for v in verdicts)
    return not state["draft"].claims or missed or doubted


def rest_spans(context: Context, state: State) -> list[tuple[Span, ...]]:
    """The scenes that the draft cites nothing of, in groups that fit one look each; all of the video at most once."""
    draft = state["draft"]
    if not draft.reply.rest_check.strip():
        return []
    known = {e.id: e for e in state["evidence"]}
    cited = [known[i].span for claim in draft.claims for i in claim.evidence_ids]
    rest = [s.span for s in context.scenes.items if not any(s.span.overlaps(c) for c in cited)]
    images = images_across(context, taken=MAX_PORTRAITS if context.index.entities else 0)
    count = min(math.ceil(len(rest) / images), MAX_ACROSS)
    cuts = [len(rest) * i // count for i in range(count + 1)] if count else []
    return [tuple(rest[low:high]) for low, high in pairwise(cuts)]


def cited_spans(context: Context, evidence: tuple[Evidence, ...]) -> list[Span]:
    """The cited spans, frames with a margin, overlaps merged, in order."""
    spans: list[Span] = []
    for item in evidence:
        margin = MARGIN_SECONDS if item.source == "frame" or item.duration_seconds < 1.0 else 0.0
        spans.append(item.span.padded(margin, within=context.whole))
    return merge_spans(spans, gap_seconds=None)
