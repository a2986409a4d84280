"""The answer drafted from everything above, its citations checked, and the finished record put together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from langgraph.runtime import Runtime

from mrvideo.agents.ask.calls import call, keep_within, report_cut, room_for
from mrvideo.agents.ask.coverage import searched_text, unseen_of
from mrvideo.agents.ask.intention import readings
from mrvideo.agents.ask.nearest import nearest_of
from mrvideo.agents.ask.segments import cast_of
from mrvideo.agents.ask.sources import Sources, find_quote
from mrvideo.agents.ask.state import Context, Draft, Outcome, State, spare_calls
from mrvideo.agents.ask.trim import fit_analyses
from mrvideo.records import Answer, Checker, Claim, Confidence, Drafted, Evidence, StageFinished, StageStarted
from mrvideo.schemas.analysis import AnswerInputs, AnswerReply, Citation, EvidenceLine, LookLine

_ANALYSES_SHARE = 0.25

NO_CITATION = (
    "No claim of the last draft cited evidence that exists. Cite ids from the list of evidence for every claim, "
    "or set found to false."
)


async def draft_answer(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Ask for the answer and check what it cites. Raises the `ModelError` of a call that fails: nothing can stand in.

    A draft none of whose citations exist is asked for once more, where the round has a call to spare.
    """
    context = runtime.context
    context.on_event(StageStarted(stage="answer", total=1))
    inputs = _inputs(context, state)
    evidence = state["evidence"]
    reply = await call(context, context.text, "answer", inputs, AnswerReply, span=context.whole)
    draft = check_draft(reply, evidence, context.sources)
    if draft.withheld is not None and evidence and spare_calls(state) > 0:
        again = inputs.model_copy(update={"problem": NO_CITATION})
        reply = await call(context, context.text, "answer", again, AnswerReply, span=context.whole)
        first, draft = draft, check_draft(reply, evidence, context.sources)
        draft = Draft(
            reply=draft.reply,
            claims=draft.claims,
            checks=draft.checks,
            removed_citations=draft.removed_citations + first.removed_citations,
            dropped_claims=draft.dropped_claims,
            asked_twice=True,
            withheld=draft.withheld,
        )
    found = reply.found and draft.withheld is None
    context.on_event(StageFinished(stage="answer"))
    context.on_event(
        Drafted(
            answer=_text(context, reply) if found else None,
            choice=reply.choice if found or context.must_choose else None,
            round=state["round"],
        )
    )
    return {"draft": draft}


def check_draft(reply: AnswerReply, evidence: Sequence[Evidence], sources: Sources) -> Draft:
    """Keep the citations that hold, and the claims that still cite something.

    An answer that rests on nothing is withheld: whoever trusts that every answer can be checked must not be handed
    one that cannot. Its words are kept, and told in `searched`.
    """
    known = {e.id: e for e in evidence}
    claims: list[Claim] = []
    checks: list[str] = []
    removed = dropped = 0
    for claim in reply.claims if reply.found else ():
        ids: dict[str, None] = {}
        for citation in claim.citations:
            holding = [i for i in _ids(citation) if i in known and _quoted(citation, known[i], sources)]
            removed += not holding
            ids.update(dict.fromkeys(holding))
        if ids:
            claims.append(Claim(text=claim.text, evidence_ids=tuple(ids)))
            checks.append(claim.check.strip() or claim.text)
        else:
            dropped += 1
    withheld = (reply.answer or "") if reply.found and not claims else None
    return Draft(
        reply=reply,
        claims=tuple(claims),
        checks=tuple(checks),
        removed_citations=removed,
        dropped_claims=dropped,
        withheld=withheld,
    )


async def finish(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """The answer as the user gets it: only what was checked, and in words what could not be seen."""
    context = runtime.context
    best = _best(state)
    draft = best.draft
    reply = draft.reply
    found = reply.found and draft.withheld is None
    claims = best.claims if found else ()
    guessed = not found and context.must_choose and bool(context.options)
    cited = {i for claim in claims for i in claim.evidence_ids}
    unseen = unseen_of(context, state)
    choice = reply.choice if found or guessed else None
    checked = _checked_by(context, best) if found else ()
    answer = Answer(
        question=context.question,
        options=context.options,
        answer=_text(context, reply) if found else None,
        choice=0 if guessed and choice is None else choice,
        guessed=guessed,
        confidence=_confidence(reply.confidence, claims, found=found, guessed=guessed),
        verified="pixels" in checked or "second model" in checked,
        checked_by=checked,
        claims=claims,
        evidence=tuple(e for e in best.evidence if e.id in cited),
        nearest=() if found else nearest_of(context),
        unseen=unseen,
        removed_citations=draft.removed_citations,
        searched=searched_text(context, state, unseen, found=found),
        rounds=state["round"],
        effort=context.effort,
        video=context.index.video.path,
        video_digest=context.index.video.digest,
    )
    return {"answer": answer}


def _checked_by(context: Context, outcome: Outcome) -> tuple[Checker, ...]:
    """What every claim was held against. A quote is checked by code where it was read or heard, and not seen by a model."""
    known = {e.id: e.source for e in outcome.evidence}
    sources = [{known.get(i) for i in claim.evidence_ids} for claim in outcome.claims]
    quoted = all(cited & {"caption", "cue"} for cited in sources)
    held = context.effort == "high" and outcome.rank == 2
    checks: dict[Checker, bool] = {
        "pixels": held and outcome.pixels,
        "second model": held and outcome.pixels and context.vision.name != context.text.name,
        "quote": quoted,
    }
    return tuple(check for check, done in checks.items() if done)


def judged_claims(state: State) -> tuple[Claim, ...]:
    """The draft's claims with what this round's verification found."""
    verdicts = {v.claim_index: v.holds for v in state.get("verdicts", []) if v.round == state["round"]}
    return tuple(
        claim.model_copy(update={"holds": verdicts.get(index)})
        for index, claim in enumerate(state["draft"].claims)
    )


def outcome_of(state: State) -> Outcome:
    """What this round came to."""
    draft, claims = state["draft"], judged_claims(state)
    missed = any(one.round == state["round"] for one in state.get("missed", []))
    sound = bool(claims) and not draft.dropped_claims and not missed
    if sound and all(claim.holds is True for claim in claims):
        rank = 2
    else:
        rank = int(bool(claims) and not missed and not any(claim.holds is False for claim in claims))
    verdicts = [v for v in state.get("verdicts", []) if v.round == state["round"]]
    pixels = bool(verdicts) and all(v.pixels for v in verdicts)
    return Outcome(state["round"], rank, draft, claims, tuple(state["evidence"]), pixels)


def _best(state: State) -> Outcome:
    """The last round's outcome, unless an earlier one was left standing by its checks and this one was not."""
    outcomes = state.get("outcomes", []) or [outcome_of(state)]
    return max(outcomes, key=lambda outcome: (outcome.rank, outcome.round))


def _inputs(context: Context, state: State) -> AnswerInputs:
    # Their findings and spans are among the evidence and in the plan.
    analyses = [a.model_copy(update={"findings": (), "spans": ()}) for a in readings(state, state["round"])]
    room = room_for(context, context.text)
    kept = fit_analyses(context, analyses, int(room * _ANALYSES_SHARE), model=context.text)
    looks = [
        LookLine(
            spans=tuple(span for span, _ in look.shown),
            conclusion=look.reply.conclusion,
            confidence=look.reply.confidence,
        )
        for look in state.get("looks", [])
    ]
    kept_looks = keep_within(looks, room // 8, weight=context.weight_of, rank=lambda look: look.confidence)
    report_cut(context, "looks", kept=len(kept_looks), given=len(looks), model=context.text)
    spans = [s.span for s in state["plan"].spans] or [context.whole]
    return AnswerInputs(
        question=context.question,
        options=context.options,
        must_choose=context.must_choose and bool(context.options),
        plan=state["plan"],
        analyses=tuple(kept),
        looks=tuple(kept_looks),
        evidence=tuple(
            EvidenceLine(
                id=e.id,
                start_seconds=e.start_seconds,
                stop_seconds=e.stop_seconds,
                source=e.source,
                quote=e.quote,
            )
            for e in state["evidence"]
        ),
        entities=cast_of(context, spans, room=room // 16),
        unseen=tuple(u.span for u in unseen_of(context, state)),
        learnt=tuple(state.get("learnt", [])),
        known=tuple(state.get("known", [])),
        shot_starts=tuple(shot.start_seconds for shot in context.index.shots),
        scene_count=len(context.index.scenes),
    )


def _ids(citation: Citation) -> list[str]:
    """`e3`, and the ways models write it: `[e3]`, `E3`, `3`, `e3, e4`."""
    return [f"e{int(number)}" for number in re.findall(r"\d{1,6}", citation.evidence_id)]


def _quoted(citation: Citation, evidence: Evidence, sources: Sources) -> bool:
    if not citation.quote.strip() or find_quote(citation.quote, evidence.quote):
        return True
    if evidence.source == "frame":
        return False
    # More words than the evidence holds are fine where its source goes on to say them.
    located = sources.locate(citation.quote, evidence.source, evidence.span)
    return any(place.span.overlaps(evidence.span) for place in located)


def _text(context: Context, reply: AnswerReply) -> str | None:
    if context.options and reply.choice is not None:
        return context.options[reply.choice]
    return (reply.answer or "").strip() or None


def _confidence(stated: Confidence, claims: Sequence[Claim], *, found: bool, guessed: bool) -> Confidence:
    """Never above what the checks left standing: 1 for a guess or when nothing held, 2 when something did not."""
    if guessed:
        return 1
    failed = sum(claim.holds is False for claim in claims)
    if found and failed:
        return 1 if failed == len(claims) else min(stated, 2)
    return stated
