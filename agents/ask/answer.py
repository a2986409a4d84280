"""The answer drafted from everything above, its citations checked, and the finished record put together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from langgraph.runtime import Runtime

from mrvideo.agents.ask.calls import call, call_fitting, keep_within, report_cut, room_for
from mrvideo.agents.ask.cast import cast_of
from mrvideo.agents.ask.coverage import merge_unseen, not_looked_at, searched_text, unread_of, unseen_of
from mrvideo.agents.ask.intention import NO_PLAN, readings, shot_starts, texts_of
from mrvideo.agents.ask.nearest import nearest_of
from mrvideo.agents.ask.sources import Sources, find_quote, fold
from mrvideo.agents.ask.state import (
    Context,
    Draft,
    Held,
    Outcome,
    State,
    Verdict,
    has_missed,
    spare_calls,
    verdicts_now,
)
from mrvideo.agents.ask.trim import fit_analyses
from mrvideo.records import (
    Answer,
    Checker,
    Claim,
    Confidence,
    Drafted,
    Evidence,
    Span,
    StageFinished,
    StageStarted,
    merge_spans,
)
from mrvideo.schemas.analysis import (
    AnswerInputs,
    AnswerReply,
    Citation,
    ClaimReply,
    EvidenceLine,
    HeldLine,
    LookLine,
    Rule,
)

_ANALYSES_SHARE = 0.25

_SAMPLING_SECONDS = 0.5
"""Times of what was seen in frames may be off by as much."""

NO_CITATION = (
    "No claim of the last draft cited evidence that exists. Cite ids from the list of evidence for every claim, "
    "or set found to false."
)


async def draft_answer(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Ask for the answer and check what it cites. Raises the `ModelError` of a call that fails: nothing can
    stand in.

    A draft none of whose citations exist is asked for once more, where the round has a call to spare. Claims
    that held in an earlier round, and those that times alone decide, get their verdicts here.
    """
    context = runtime.context
    context.on_event(StageStarted(stage="answer", total=1))
    room = room_for(context, context.text)
    shown: list[AnswerInputs] = []

    def build(room: int) -> AnswerInputs:
        shown.append(_inputs(context, state, room, is_shorter=bool(shown)))
        return shown[-1]

    evidence, held = state["evidence"], state.get("held", [])
    reply = await call_fitting(context, "answer", build, AnswerReply, room=room, span=context.whole)
    draft = check_draft(reply, evidence, context.sources, held)
    if draft.withheld is not None and evidence and spare_calls(state) > 0:
        again = shown[-1].model_copy(update={"problem": NO_CITATION})
        reply = await call(context, context.text, "answer", again, AnswerReply, span=context.whole)
        first, draft = draft, check_draft(reply, evidence, context.sources, held)
        removed = draft.removed_citations + first.removed_citations
        draft = replace(draft, removed_citations=removed, asked_twice=True)
    found = reply.found and draft.withheld is None
    context.on_event(StageFinished(stage="answer"))
    context.on_event(
        Drafted(
            answer=_text(context, reply) if found else None,
            choice=reply.choice if found or context.must_choose else None,
            round=state["round"],
        )
    )
    checked = context.effort == "high" and not cues_fail({**state, "draft": draft})
    verdicts = decided(draft, evidence, held, state["round"]) if checked else []
    return {"draft": draft, "verdicts": verdicts}


def cues_fail(state: State) -> bool:
    """Whether nothing was looked at because cues were to decide, and the draft finds no answer, or rests a
    claim on something else.
    """
    if not state["by_speech"]:
        return False
    draft = state["draft"]
    cues = {e.id for e in state["evidence"] if e.source == "cue"}
    told = [bool(cues.intersection(claim.evidence_ids)) for claim in draft.claims]
    return not told or not all(told) or draft.dropped_claims > 0


async def look_after_all(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Cues did not tell what they were thought to: the round goes on as any other, with looks and an answer
    from all of it.
    """
    return {"by_speech": None}


def check_draft(
    reply: AnswerReply, evidence: Sequence[Evidence], sources: Sources, held: Sequence[Held] = ()
) -> Draft:
    """Keep the citations that hold, and the claims that still cite something.

    An answer that rests on nothing is withheld: whoever trusts that every answer can be checked must not be
    handed one that cannot. Its words are kept, and told in `searched`. A claim that repeats one that held
    takes its words.
    """
    known = {e.id: e for e in evidence}
    claims: list[Claim] = []
    asked: list[ClaimReply] = []
    removed = dropped = 0
    for claim in reply.claims if reply.found else ():
        ids: dict[str, None] = {}
        for citation in claim.citations:
            holding = [i for i in _ids(citation) if i in known and _quoted(citation, known[i], sources)]
            removed += not holding
            ids.update(dict.fromkeys(holding))
        if ids:
            before = held_before(claim, [known[i].span for i in ids], held)
            text = before.text if before is not None else claim.text
            claims.append(Claim(text=text, evidence_ids=tuple(ids)))
            asked.append(claim.model_copy(update={"check": claim.check.strip() or claim.text}))
        else:
            dropped += 1
    withheld = (reply.answer or "") if reply.found and not claims else None
    return Draft(
        reply=reply,
        claims=tuple(claims),
        asked=tuple(asked),
        removed_citations=removed,
        dropped_claims=dropped,
        withheld=withheld,
    )


def held_before(claim: ClaimReply, cited: Sequence[Span], held: Sequence[Held]) -> Held | None:
    """The claim of an earlier round that this one repeats: by its id or its words, and of a moment that
    showed it then.
    """
    text, check = fold(claim.text).text, fold(claim.check).text
    for one in held:
        named = claim.held.strip().strip("[]").casefold() == one.id
        same = fold(one.text).text == text or (bool(check) and fold(one.check).text == check)
        near = all(any(c.padded(1.0).overlaps(span) for span in one.spans) for c in cited)
        if (named or same) and near and claim.negated == one.negated:
            return one
    return None


def decided(draft: Draft, evidence: Sequence[Evidence], held: Sequence[Held], round_: int) -> list[Verdict]:
    """Verdicts that need no look: of claims that held before, and of those that the times of what they cite
    decide.
    """
    known = {e.id: e.span for e in evidence}
    verdicts: list[Verdict] = []
    for index, (claim, asked) in enumerate(zip(draft.claims, draft.asked, strict=True)):
        spans = [known[i] for i in claim.evidence_ids]
        before = held_before(asked, spans, held)
        if before is not None:
            verdicts.append(
                Verdict(round_, index, True, before.seen, pixels=before.pixels, heard=before.heard)
            )
        elif asked.rule != "look" and len(spans) > 1:
            holds = by_times(asked.rule, spans)
            told = "; ".join(str(span) for span in spans)
            verdicts.append(Verdict(round_, index, holds, f"The times say so: {told}.", timed=True))
    return verdicts


def by_times(rule: Rule, spans: Sequence[Span]) -> bool | None:
    """What the spans say, in the order in which they are cited; None where they lie closer than frames were
    taken.
    """
    first, others = spans[0], spans[1:]
    gaps = {
        "order": [right.start_seconds - left.start_seconds for left, right in pairwise(spans)],
        "earliest": [other.start_seconds - first.start_seconds for other in others],
        "latest": [first.stop_seconds - other.stop_seconds for other in others],
        "longest": [first.duration_seconds - other.duration_seconds for other in others],
        "shortest": [other.duration_seconds - first.duration_seconds for other in others],
    }[rule]
    if all(gap >= 0 for gap in gaps):
        return True
    return False if any(gap < -_SAMPLING_SECONDS for gap in gaps) else None


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
    unseen = merge_unseen([*unseen_of(context, state), *not_looked_at(context, state)])
    unread = unread_of(context, state)
    choice = reply.choice if found or guessed else None
    checked = _checked_by(context, best) if found else ()
    answer = Answer(
        question=context.question,
        options=context.options,
        answer=_text(context, reply) if found else None,
        choice=0 if guessed and choice is None else choice,
        guessed=guessed,
        confidence=_confidence(reply.confidence, claims, found=found, guessed=guessed, partial=bool(unread)),
        verified="pixels" in checked or "second model" in checked,
        checked_by=checked,
        claims=claims,
        evidence=tuple(e for e in best.evidence if e.id in cited),
        nearest=() if found else nearest_of(context),
        unseen=unseen,
        unread=tuple(unread),
        removed_citations=draft.removed_citations,
        searched=searched_text(context, state, unseen, found=found),
        rounds=state["round"],
        effort=context.effort,
        video=context.index.video.path,
        video_digest=context.index.video.digest,
    )
    return {"answer": answer}


def _checked_by(context: Context, outcome: Outcome) -> tuple[Checker, ...]:
    """What every claim was held against. A quote is checked by code where it was read or heard, and not seen
    by a model.
    """
    known = {e.id: e.source for e in outcome.evidence}
    sources = [{known.get(i) for i in claim.evidence_ids} for claim in outcome.claims]
    quoted = all(cited & {"caption", "cue"} for cited in sources)
    held = context.effort == "high" and outcome.rank == 2
    makers = {context.vision.name, context.text.name}
    second = context.eye.name not in makers or (context.checker is None and len(makers) > 1)
    checks: dict[Checker, bool] = {
        "pixels": held and outcome.pixels,
        "second model": held and ((outcome.pixels and second) or outcome.second),
        "quote": quoted,
    }
    return tuple(check for check, done in checks.items() if done)


def judged_claims(state: State) -> tuple[Claim, ...]:
    """The draft's claims with what this round's verification found."""
    verdicts = {v.claim_index: v for v in verdicts_now(state)}
    return tuple(
        claim.model_copy(update={"holds": verdicts[index].holds, "findings": verdicts[index].findings})
        if index in verdicts
        else claim
        for index, claim in enumerate(state["draft"].claims)
    )


def outcome_of(state: State) -> Outcome:
    """What this round came to."""
    draft, claims = state["draft"], judged_claims(state)
    missed = has_missed(state)
    sound = bool(claims) and not draft.dropped_claims and not missed
    if sound and all(claim.holds is True for claim in claims):
        rank = 2
    else:
        rank = int(bool(claims) and not missed and not any(claim.holds is False for claim in claims))
    verdicts = verdicts_now(state)
    looked = [v for v in verdicts if not v.timed]
    # What is said alone is on no frame: the cues are what it is held against.
    seen = [v for v in looked if not v.heard]
    checked = {i for v in looked if v.pixels or v.heard for i in claims[v.claim_index].evidence_ids}
    # What times alone decide is no more certain than the things that were seen at these times.
    timed = all(set(claims[v.claim_index].evidence_ids) <= checked for v in verdicts if v.timed)
    pixels = bool(seen) and timed and all(v.pixels for v in seen)
    second = bool(looked) and all(v.second for v in looked)
    return Outcome(state["round"], rank, draft, claims, tuple(state["evidence"]), pixels, second)


def _best(state: State) -> Outcome:
    """The last round's outcome, unless an earlier one was left standing by its checks and this one was not."""
    outcomes = state.get("outcomes", []) or [outcome_of(state)]
    return max(outcomes, key=lambda outcome: (outcome.rank, outcome.round))


def _inputs(context: Context, state: State, room: int, *, is_shorter: bool) -> AnswerInputs:
    # Their findings and spans are among the evidence and in the plan.
    analyses = [a.model_copy(update={"findings": (), "spans": ()}) for a in readings(state, state["round"])]
    if len(analyses) == 1 and state["plan"].reasoning != NO_PLAN:
        # The plan was made from the one reading, and tells it.
        analyses = []
    kept = fit_analyses(context, analyses, int(room * _ANALYSES_SHARE), model=context.text)
    looks = [
        LookLine(
            spans=tuple(merge_spans([span for span, _ in look.shown], gap_seconds=0.05)),
            frames=len({time for _, times in look.shown for time in times}),
            conclusion=look.reply.conclusion,
            sees=look.reply.sees,
            left_out=look.left_out,
            confidence=look.reply.confidence,
        )
        for look in state.get("looks", [])
    ]
    kept_looks = keep_within(looks, room // 8, weight=context.weight_of, rank=lambda look: look.confidence)
    report_cut(context, "looks", kept=len(kept_looks), given=len(looks), model=context.text)
    evidence = [
        EvidenceLine(
            id=e.id,
            start_seconds=e.start_seconds,
            stop_seconds=e.stop_seconds,
            source=e.source,
            quote=e.quote,
            speaker=e.speaker,
            also=state.get("also", {}).get(e.id, ()),
        )
        for e in state["evidence"]
    ]
    # It was chosen to fit; what was looked at is the last to go where a server takes less than it said.
    kept_evidence = evidence
    if is_shorter:
        kept_evidence = keep_within(
            evidence, room // 2, weight=context.weight_of, rank=lambda line: line.source == "frame"
        )
    report_cut(
        context, "pieces of evidence", kept=len(kept_evidence), given=len(evidence), model=context.text
    )
    plan, held = state["plan"], state.get("held", [])
    told = [
        *(context.question, *context.options, plan.reasoning, *(c.entity for c in plan.characters)),
        *(text for a in kept for text in texts_of(a)),
        *(look.conclusion for look in kept_looks),
        *(line.quote for line in kept_evidence),
        *(*state.get("learnt", []), *state.get("known", []), *(h.text for h in held)),
    ]
    return AnswerInputs(
        question=context.question,
        options=context.options,
        must_choose=context.must_choose and bool(context.options),
        plan=plan,
        analyses=tuple(kept),
        looks=tuple(kept_looks),
        evidence=tuple(kept_evidence),
        entities=cast_of(context, texts=told, times=True, room=room // 16),
        speech=context.speech,
        unseen=tuple(u.span for u in unseen_of(context, state)),
        learnt=tuple(state.get("learnt", [])),
        known=tuple(state.get("known", [])),
        held=tuple(HeldLine(id=h.id, text=h.text, spans=h.spans) for h in held),
        shot_starts=shot_starts(context),
        scene_count=len(context.index.scenes),
    )


def _ids(citation: Citation) -> list[str]:
    """`e3`, and the ways models write it: `[e3]`, `E3`, `3`, `e3, e4`. `h1` is a claim that held, no evidence."""
    return [
        f"e{int(number)}" for number in re.findall(r"(?<![a-df-z\d])\d{1,6}", citation.evidence_id.lower())
    ]


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


def _confidence(
    stated: Confidence, claims: Sequence[Claim], *, found: bool, guessed: bool, partial: bool
) -> Confidence:
    """Never above what the checks left standing: 1 for a guess or when nothing held, 2 when something did
    not; 3 where what was not found may be in what was not read.
    """
    if guessed:
        return 1
    failed = sum(claim.holds is False for claim in claims)
    if found and failed:
        return 1 if failed == len(claims) else min(stated, 2)
    return min(stated, 3) if partial and not found else stated
