"""Claims put to fresh pixels, each by itself, by an eye that does not know the answer. Claims about the same
moment share its pictures, and claims about several moments share a call, in which each has its own.

cited    c1 [------]   c2 [-----]   c3      [------]   c4 [------]
moments  c1, c4, c2: the first; c3: the second
call     moment 1: ▯ ▯ ▯   moment 2: ▯ ▯     a verdict for each claim
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from langgraph.runtime import Runtime

from mrvideo.agents.ask.budget import CHECK_LEAST, CHECK_MOST, CLOSER_MOST, TOGETHER_MOST, share_of_checks
from mrvideo.agents.ask.check import MARGIN_SECONDS, Manner, Subject, check_statements, cited_spans
from mrvideo.agents.ask.exemplars import pictures_of_exemplars
from mrvideo.agents.ask.named import entities_named
from mrvideo.agents.ask.pixels import (
    LEAST_SIGN_SECONDS,
    Bin,
    bins_for,
    even_bins,
    images_per_look,
    phase_of,
    spread,
    text_bins,
    unsent,
)
from mrvideo.agents.ask.rest import is_close, likeliest, rest_frames, rest_spans
from mrvideo.agents.ask.shots import padded, units
from mrvideo.agents.ask.state import (
    CheckTask,
    Context,
    Denied,
    Opinion,
    RestTask,
    State,
    Verdict,
    VerifyTask,
    spare_calls,
    verdicts_now,
)
from mrvideo.captioning.calls import together
from mrvideo.models.base import Model
from mrvideo.records import Checked, Evidence, ModelFinding, Span, StageStarted, merge_spans
from mrvideo.schemas.analysis import Density, Statement
from mrvideo.text import holds, squeezed

_MOST_STATEMENTS = 4
"""So many claims share the pictures of one moment."""

_MOST_TOGETHER = 6
"""So many claims about several moments share one call."""

_SAME_SHARE = 0.5
"""Two claims cite the same for the most part where more than this share of what either cites is cited by both."""

_LASTING_FRAMES = 3
"""Frames that show what goes on in a cited span, an act or not: both ends and one between."""

_SIGN_CROPS = 2
"""Crops of a frame that shows a text which the index has read there."""

_SIGN_LETTERS = 3
"""A shorter text than this stands in a statement by chance."""

_REST_LEAST = 4

_GLANCES = 3
"""Frames of a cited span where the plan asks for a glance."""

_ABSENCE_SECONDS = 30.0
"""What is said not to be anywhere in a span longer than this is looked for in one frame of each shot."""


def check_tasks(context: Context, state: State) -> tuple[list[CheckTask], list[RestTask]]:
    """The round's checks with the pictures that each may send.

    Claims that held before, or that times decide, have their verdicts already. The rest is looked at where
    the answer asks for it.
    """
    context.sent.settle()
    draft, pictures = state["draft"], context.pictures
    decided = {v.claim_index for v in verdicts_now(state)}
    known = {e.id: e for e in state["evidence"]}
    claims: list[VerifyTask] = [
        {
            "round": state["round"],
            "claim_index": index,
            "claim": claim,
            "asked": draft.asked[index],
            "evidence": tuple(known[e] for e in claim.evidence_ids),
            "look": state["plan"].look,
        }
        for index, claim in enumerate(draft.claims)
        if index not in decided
    ]
    groups = _grouped(context, claims)
    # Every cue was read as it stands; what is said is on no frame.
    rest = rest_spans(context, state) if draft.claims and not state["by_speech"] else []
    share = share_of_checks(pictures, rounds_left=state["round"] < context.max_rounds)
    calls, needs = _calls_and_needs(context, state, groups, _LASTING_FRAMES)
    if sum(needs.values()) > pictures.left:
        calls, needs = _calls_and_needs(context, state, groups, _LASTING_FRAMES - 1)
    # Many claims, as a summary makes, leave nothing for a further round rather than claims unchecked.
    share = max(share, min(pictures.left, sum(needs.values())))
    part = share // (2 if is_close(draft, rest) else 4)
    for_rest = min(max(part, _REST_LEAST), rest_frames(draft, rest) + 3, share) if rest else 0
    for_rest = max(min(for_rest, share - sum(needs.values())), 0)
    seen = sum(len(calls[n]) for n in needs)
    more = max(share - for_rest - sum(needs.values()), 0) // max(seen, 1)
    # The same cues once more would be the same request: where frames are no help, they are not asked again.
    may_repeat = not state["by_speech"] and spare_calls(state) > draft.asked_twice
    tasks: list[CheckTask] = []
    for n, moments in enumerate(calls):
        if n not in needs:
            images = pictures.take(_for_speech(context, state, moments[0]))
            tasks.append(_check_task(moments, images, may_repeat))
            continue
        # One frame of an act decides nothing: that nobody looked is said.
        paid = list(moments)
        while paid and _need(context, paid, _LASTING_FRAMES - 1) > pictures.left:
            tasks.append(_check_task([paid.pop()], 0, may_repeat))
        if paid:
            most = _most(context, paid[0]) if len(paid) == 1 else TOGETHER_MOST
            need = needs[n] if len(paid) == len(moments) else _need(context, paid, _LASTING_FRAMES - 1)
            images = pictures.take(min(need + more * len(paid), most))
            tasks.append(_check_task(paid, images, may_repeat))
    rests: list[RestTask] = []
    granted = pictures.take(for_rest)
    if granted and rest:
        likely = likeliest(context, " ".join((*draft.reply.rest_check, context.question)), rest)
        rests.append(
            {
                "round": state["round"],
                "checks": draft.reply.rest_check,
                "spans": tuple(sorted(rest, key=lambda s: s.start_seconds)),
                "likely": tuple(likely),
                "closely": is_close(draft, rest),
                "images": granted,
            }
        )
    else:
        pictures.give_back(granted)
    context.on_event(StageStarted(stage="verify", total=len(tasks) + len(rests)))
    return tasks, rests


def _grouped(context: Context, claims: Sequence[VerifyTask]) -> list[list[VerifyTask]]:
    """Claims about one moment: at most `_MOST_STATEMENTS`, any two of which cite the same for the most part, are
    looked at equally closely, and rest all on cues alone or none of them.
    """
    groups: list[list[VerifyTask]] = []
    for claim in claims:
        open_ = [g for g in groups if len(g) < _MOST_STATEMENTS and all(_alike(context, claim, o) for o in g)]
        if open_:
            open_[0].append(claim)
        else:
            groups.append([claim])
    return groups


def _alike(context: Context, left: VerifyTask, right: VerifyTask) -> bool:
    spans = [cited_spans(context, claim["evidence"]) for claim in (left, right)]
    both = sum(s.duration_seconds for a in spans[0] for b in spans[1] if (s := a.intersection(b)))
    either = sum(s.duration_seconds for s in merge_spans([*spans[0], *spans[1]], gap_seconds=None))
    return (
        both > _SAME_SHARE * either
        and _spoken(left["evidence"]) == _spoken(right["evidence"])
        and _density(left, spans[0], closer=False) == _density(right, spans[1], closer=False)
    )


def _calls_and_needs(
    context: Context, state: State, groups: Sequence[list[VerifyTask]], lasting: int
) -> tuple[list[list[list[VerifyTask]]], dict[int, int]]:
    """The moments of each call, and how many pictures each call needs that shows what claims are about."""
    calls: list[list[list[VerifyTask]]] = []
    for group in groups:
        joined = next((c for c in calls if _fits(context, state, [*c, group], lasting)), None)
        if joined is None:
            calls.append([group])
        else:
            joined.append(group)
    needs = {
        n: _need(context, moments, lasting)
        for n, moments in enumerate(calls)
        if not _spoken(moments[0][0]["evidence"])
    }
    return calls, needs


def _fits(context: Context, state: State, moments: Sequence[list[VerifyTask]], lasting: int) -> bool:
    """Whether one call can check claims about several moments: few enough of them, looked at equally closely, in
    frames of each and pictures of all whom they name, or none of them in any picture. Crops of texts, and what
    is said to be nowhere, take a call of their own.
    """
    *others, last = moments
    if sum(map(len, moments)) > _MOST_TOGETHER or any(_alike(context, last[0], o[0]) for o in others):
        return False
    spoken = {_spoken(moment[0]["evidence"]) for moment in moments}
    if spoken == {True}:
        return not any(_for_speech(context, state, moment) for moment in moments)
    looks = {
        _density(m[0], cited_spans(context, [e for claim in m for e in claim["evidence"]]), closer=False)
        for m in moments
    }
    need = _need(context, moments, lasting)
    exemplars = _exemplars(context, moments)
    return (
        len(spoken) == len(looks) == 1
        and looks <= {"dense", "ends"}
        and need <= min(TOGETHER_MOST, images_per_look(context, context.eye))
        and exemplars <= max(need // 3, 3)
    )


def _check_task(moments: Sequence[list[VerifyTask]], images: int, may_repeat: bool) -> CheckTask:
    return {"moments": tuple(map(tuple, moments)), "images": images, "may_repeat": may_repeat}


def _need(context: Context, moments: Sequence[Sequence[VerifyTask]], lasting: int) -> int:
    """Pictures without which a check of these claims decides nothing: those of whom they name, and the frames of
    each moment.
    """
    need = sum(_frames(context, moment, lasting) for moment in moments) + _exemplars(context, moments)
    return min(need, CHECK_MOST) if len(moments) == 1 else need


def _frames(context: Context, claims: Sequence[VerifyTask], lasting: int) -> int:
    """Of each cited span a frame, of one that lasts `lasting`, its ends among them, unless a text stands there."""
    evidence = [e for claim in claims for e in claim["evidence"]]
    if all(_is_sign(context, claim) for claim in claims):
        return len(cited_spans(context, evidence))
    lasts = any(e.duration_seconds > MARGIN_SECONDS for e in evidence)
    return max(len(cited_spans(context, evidence)), lasting if lasts else 1)


def _exemplars(context: Context, moments: Sequence[Sequence[VerifyTask]]) -> int:
    texts = [claim["claim"].text for moment in moments for claim in moment]
    return pictures_of_exemplars(entities_named(context, texts), views=1)


def _most(context: Context, claims: Sequence[VerifyTask]) -> int:
    """Pictures that a check may take: more where something is said to be nowhere in a long span, since the check of
    the rest leaves out what is cited.
    """
    spans = cited_spans(context, [e for claim in claims for e in claim["evidence"]])
    return CLOSER_MOST if _density(claims[0], spans, closer=False) == "glance" else CHECK_MOST


def _for_speech(context: Context, state: State, claims: Sequence[VerifyTask]) -> int:
    """Pictures for what rests on cues alone: none, unless a claim names somebody and the cues do not say who
    speaks, or an earlier round has read the cues already. None where nothing but speech is to decide.
    """
    if state["by_speech"]:
        return 0
    cues = context.cues.overlapping_any([e.span for claim in claims for e in claim["evidence"]])
    named = entities_named(context, [text for c in claims for text in (c["claim"].text, c["asked"].check)])
    unknown = bool(named) and not all(cue.speaker for cue in cues)
    return CHECK_LEAST if unknown or claims[0]["round"] > 1 else 0


async def verify_claim(task: CheckTask, runtime: Runtime[Context]) -> dict[str, Any]:
    """Yes/no questions about the cited spans, one for each claim, with new frames and the cues spoken there.

    Yes counts only when every cited span was shown; what rests on cues alone may go without pictures. A no
    stands against whoever made the evidence, so it needs a second one from other frames, where the round has
    a call to spare and the question a picture: two that differ leave the claim open. The second one is the
    model's that made the evidence: where another model checks, and the two differ, both findings are kept.
    Frames that do not tell are followed by closer and wider ones, which may, and cues that do not by frames.
    Either is asked of that claim alone.
    """
    context, moments = runtime.context, task["moments"]
    claims = [claim for moment in moments for claim in moment]
    if task["images"] == 0 and not _spoken(claims[0]["evidence"]):
        unpaid = [Verdict(c["round"], c["claim_index"], None, looked=False, unpaid=True) for c in claims]
        return {"verdicts": unpaid}
    opinions, sent = await _check_claims(context, moments, 1, context.eye, task["images"])
    context.pictures.give_back(task["images"] - sent)
    found: dict[str, list[Any]] = {"denied": [], "verdicts": [], "unseen": []}
    for claim, opinion in zip(claims, opinions, strict=True):
        untold = opinion.unclear and opinion.corrected is None
        if (opinion.holds is False or untold) and task["may_repeat"]:
            found["denied"].append(Denied(claim, opinion))
            continue
        for key, value in _verdict(context, claim, opinion, None).items():
            found[key] += value
    return found


async def verify_again(state: State, runtime: Runtime[Context]) -> dict[str, Any]:
    """Second opinions on what the round's first ones denied, or could not tell. They are given out in the order
    of the claims, once all first ones are there, so that who gets a picture does not hang on who answered
    first.
    """
    context = runtime.context
    context.sent.settle()
    denied = [d for d in state.get("denied", []) if d.task["round"] == state["round"]]
    granted: list[tuple[Denied, int]] = []
    for one in sorted(denied, key=lambda d: d.task["claim_index"]):
        # As many pictures again as the first one took, but half of what is left where another round may follow.
        rounds_left = state["round"] < context.max_rounds
        free = math.ceil(context.pictures.left / 2) if rounds_left else context.pictures.left
        # More frames tell no more of what is said.
        closer = one.opinion.unclear and not _spoken(one.task["evidence"])
        wanted = CLOSER_MOST if closer else one.opinion.sent
        more = context.pictures.take(min(max(wanted, CHECK_LEAST), free))
        if more < (CHECK_LEAST if one.opinion.heard else min(one.opinion.sent, CHECK_LEAST)):
            context.pictures.give_back(more)
            more = -1
        granted.append((one, more))
    found = await together(_again(context, one, more) for one, more in granted)
    return {
        "verdicts": [v for told in found for v in told["verdicts"]],
        "unseen": [u for told in found for u in told["unseen"]],
    }


async def _again(context: Context, denied: Denied, images: int) -> dict[str, Any]:
    """The verdict with a second opinion; without one where `images` is negative: nothing was granted."""
    if images < 0:
        return _verdict(context, denied.task, denied.opinion, None)
    first = denied.opinion
    model = context.eye if first.unclear else context.vision
    (second,), sent = await _check_claims(context, [[denied.task]], 2, model, images, closer=first.unclear)
    context.pictures.give_back(images - sent)
    return _verdict(context, denied.task, denied.opinion, second)


def _verdict(context: Context, task: VerifyTask, opinion: Opinion, second: Opinion | None) -> dict[str, Any]:
    holds, seen, unseen = opinion.holds, opinion.seen, list(opinion.unseen)
    corrected = opinion.corrected
    findings: tuple[ModelFinding, ...] = ()
    if second is not None:
        seen = " ".join(dict.fromkeys(part for part in (seen, second.seen) if part))
        unseen += second.unseen
    if second is not None and opinion.unclear:
        # A no is the first one.
        holds, corrected = second.holds or None, second.corrected
    elif second is not None:
        if context.checker is not None and second.holds is not False and second.looked:
            findings = (
                ModelFinding(model=context.vision.name, holds=second.holds, seen=second.seen),
                ModelFinding(model=context.eye.name, holds=False, seen=opinion.seen),
            )
        holds = False if second.holds is False else None
    if context.checker is not None and holds is False and not findings and second is None:
        made = " ".join(dict.fromkeys(e.quote for e in task["evidence"]))
        findings = (
            ModelFinding(model=context.vision.name, holds=True, seen=made),
            ModelFinding(model=context.eye.name, holds=False, seen=opinion.seen),
        )
    context.on_event(Checked(claim=task["claim"].text, holds=holds))
    verdict = Verdict(
        task["round"],
        task["claim_index"],
        holds,
        seen,
        opinion.looked,
        opinion.pixels,
        opinion.heard,
        second=opinion.second,
        corrected=corrected if holds is not False else None,
        findings=findings,
    )
    return {"verdicts": [verdict], "unseen": unseen}


def _density(task: VerifyTask, spans: Sequence[Span], *, closer: bool) -> Density:
    """How closely the cited spans are shown: as the plan looked at them, but not in one frame each, which may
    be the one that hides what the claim says. What is said to be nowhere in a long span is looked for in
    every shot.
    """
    if task["look"] == "text":
        return "text"
    if task["asked"].negated and sum(s.duration_seconds for s in spans) > _ABSENCE_SECONDS:
        return "glance"
    return "dense" if closer or task["look"] == "glance" else task["look"]


def _unshown_bins(context: Context, spans: Sequence[Span], images: int, phase: float) -> list[Bin]:
    """A frame of each shot, at most `images`: first of those that no look has shown."""
    parts = units(context, spans)
    sent = context.sent.before
    unshown = [p for p in parts if not any(p.contains(time) for time in sent)]
    chosen = spread(unshown, images)
    chosen += spread([p for p in parts if p not in unshown], images - len(chosen))
    return [
        b for part in sorted(chosen, key=lambda p: p.start_seconds) for b in even_bins(part, part, 1, phase)
    ]


def _is_sign(context: Context, task: VerifyTask) -> bool:
    """Whether a claim tells, in no act, of texts that the index has read in each span that it cites, within one shot:
    any frame of a text shows what the others do.
    """
    if task["look"] not in ("glance", "text") or task["asked"].negated or _spoken(task["evidence"]):
        return False
    check = task["asked"].check
    return all(
        any(
            len(squeezed(sign.text)) >= _SIGN_LETTERS
            and holds(check, sign.text) > 0
            and (part := sign.span.intersection(span)) is not None
            and part.duration_seconds >= LEAST_SIGN_SECONDS
            and len(units(context, [part])) == 1
            for scene in context.scenes.overlapping(span)
            for sign in scene.sightings
        )
        for span in cited_spans(context, task["evidence"])
    )


async def _check_claims(
    context: Context,
    moments: Sequence[Sequence[VerifyTask]],
    number: int,
    model: Model,
    images: int,
    *,
    closer: bool = False,
) -> tuple[list[Opinion], int]:
    """One check of claims by one model, by the moments that they are about: an opinion for each, and how many
    pictures were sent. `closer`: after frames that did not tell, more of them, with what comes just before and
    after.
    """
    claims = [claim for moment in moments for claim in moment]
    evidence = [e for claim in claims for e in claim["evidence"]]
    spans = cited_spans(context, evidence)
    images = min(images, images_per_look(context, model))
    if not closer and all(_is_sign(context, claim) for claim in claims):
        images = min(images, _exemplars(context, moments) + (1 + _SIGN_CROPS) * len(spans))
    look = _density(claims[0], spans if len(moments) == 1 else (), closer=closer)
    phase = phase_of(claims[0]["round"], check=number)
    manner = Manner(
        model,
        images,
        look,
        phase,
        sampled=look == "glance",
        named=[claim["claim"].text for claim in claims],
        heard=[e.span for e in evidence if e.source == "cue"],
        spoken=_spoken(evidence),
    )
    subjects = [_subject(context, moment, look, phase, closer=closer, read=images == 0) for moment in moments]
    opinions, sent = await check_statements(context, subjects, manner)
    read = [
        _read(opinion, claim["asked"].negated, when=look == "ends")
        for claim, opinion in zip(claims, opinions, strict=True)
    ]
    return read, sent


def _subject(
    context: Context,
    claims: Sequence[VerifyTask],
    look: Density,
    phase: float,
    *,
    closer: bool,
    read: bool,
) -> Subject:
    """What a check of claims about one moment asks, and which frames show it; `read`: none, but the cues alone."""
    first = claims[0]
    spans = cited_spans(context, [e for claim in claims for e in claim["evidence"]])
    # What is said not to be there may well be just before or after.
    negated = any(claim["asked"].negated for claim in claims)
    wide = merge_spans([padded(context, s) for s in spans]) if closer and not negated else spans

    def bins(free: int) -> list[Bin]:
        room = max(free // 3 if look == "text" and context.closeups is not None else free, 1)
        if look == "glance":
            return unsent(context, _unshown_bins(context, spans, room, phase))
        if not closer and all(_is_sign(context, claim) for claim in claims):
            return unsent(context, text_bins(context, wide, min(room, len(spans)), phase=phase))
        if first["look"] == "glance" and not closer:
            room = min(room, _GLANCES * len(spans))
        return bins_for(context, look, wide, room, phase=phase, turn=first["claim_index"])

    statements = tuple(
        Statement(
            text=_heard_text(context, claim) if read else claim["asked"].check,
            spans=tuple(cited_spans(context, claim["evidence"])),
        )
        for claim in claims
    )
    return Subject(statements, spans, bins, _frames(context, claims, _LASTING_FRAMES - 1))


def _heard_text(context: Context, task: VerifyTask) -> str:
    """What is asked of whoever reads cues alone: the claim itself where its check describes, in the place of a name
    of the cast, how somebody looks, which no cue tells.
    """
    claim, asked = task["claim"], task["asked"]
    named = {e.name for e in entities_named(context, [claim.text])}
    described = named - {e.name for e in entities_named(context, [asked.check])}
    return claim.text if described and not asked.negated else asked.check


def _read(opinion: Opinion, negated: bool, *, when: bool) -> Opinion:
    """What an opinion of the statement says of the claim, which may say that it is not so."""
    if opinion.corrected is not None:
        # Its core holds. Where the question is when, the answer is worded again with the right time.
        return replace(opinion, holds=False if negated else None if when else True)
    if negated and opinion.holds is not None:
        return replace(opinion, holds=not opinion.holds)
    return opinion


def _spoken(evidence: Sequence[Evidence]) -> bool:
    return all(e.source == "cue" for e in evidence)
