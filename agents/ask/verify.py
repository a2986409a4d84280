"""Claims put to fresh pixels, each by itself, by an eye that does not know the answer. Claims about the same
moments share the pictures of one call.

cited    c1 [------]   c2 [-----]   c3      [------]   c4 [------]
calls    c1, c4, c2: one, each with a verdict of its own; c3: another
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from langgraph.runtime import Runtime

from mrvideo.agents.ask.budget import CHECK_LEAST, CHECK_MOST, CLOSER_MOST, share_of_checks
from mrvideo.agents.ask.check import MARGIN_SECONDS, check_statements, cited_spans
from mrvideo.agents.ask.exemplars import pictures_of_exemplars
from mrvideo.agents.ask.named import entities_named
from mrvideo.agents.ask.pixels import Bin, bins_for, even_bins, images_per_look, phase_of, spread, unsent
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

_MOST_STATEMENTS = 4
"""So many claims share one call."""

_SAME_SHARE = 0.5
"""Two claims cite the same for the most part where more than this share of what either cites is cited by both."""

_LASTING_FRAMES = 3
"""Frames that show what goes on in a cited span, an act or not: both ends and one between."""

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
    seen = [n for n, group in enumerate(groups) if not _spoken(group[0]["evidence"])]
    # Every cue was read as it stands; what is said is on no frame.
    rest = rest_spans(context, state) if draft.claims and not state["by_speech"] else []
    share = share_of_checks(pictures, rounds_left=state["round"] < context.max_rounds)
    wholly = {n: _need(context, groups[n], _LASTING_FRAMES) for n in seen}
    scarcely = {n: _need(context, groups[n], _LASTING_FRAMES - 1) for n in seen}
    needs = wholly if sum(wholly.values()) <= pictures.left else scarcely
    # Many claims, as a summary makes, leave nothing for a further round rather than claims unchecked.
    share = max(share, min(pictures.left, sum(needs.values())))
    part = share // (2 if is_close(draft, rest) else 4)
    for_rest = min(max(part, _REST_LEAST), rest_frames(draft, rest) + 3, share) if rest else 0
    for_rest = max(min(for_rest, share - sum(needs.values())), 0)
    more = max(share - for_rest - sum(needs.values()), 0) // max(len(seen), 1)
    tasks: list[CheckTask] = []
    for n, group in enumerate(groups):
        for_speech = 0 if state["by_speech"] else _for_speech(context, group)
        images = pictures.take(min(needs[n] + more, _most(context, group)) if n in needs else for_speech)
        if images < scarcely.get(n, 0):
            # One frame of an act decides nothing: that nobody looked is said.
            pictures.give_back(images)
            images = 0
        # The same cues once more would be the same request: where frames are no help, they are not asked again.
        may_repeat = not state["by_speech"] and spare_calls(state) > draft.asked_twice
        tasks.append({"claims": tuple(group), "images": images, "may_repeat": may_repeat})
    rests: list[RestTask] = []
    granted = pictures.take(for_rest)
    if granted and rest:
        likely = likeliest(context, f"{draft.reply.rest_check} {context.question}", rest)
        rests.append(
            {
                "round": state["round"],
                "check": draft.reply.rest_check,
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
    """Claims that one call checks: at most `_MOST_STATEMENTS`, any two of which cite the same for the most part,
    are looked at equally closely, and rest all on cues alone or none of them.

    A claim about other moments stays by itself: frames of both would be fewer of each.
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


def _need(context: Context, claims: Sequence[VerifyTask], lasting: int) -> int:
    """Pictures without which a check of these claims decides nothing: those of whom they name, and of each cited
    span a frame, of one that lasts `lasting`, its ends among them.
    """
    evidence = [e for claim in claims for e in claim["evidence"]]
    spans = cited_spans(context, evidence)
    lasts = any(e.duration_seconds > MARGIN_SECONDS for e in evidence)
    frames = max(len(spans), lasting if lasts else 1)
    named = entities_named(context, [claim["claim"].text for claim in claims])
    return min(frames + pictures_of_exemplars(named, views=1), CHECK_MOST)


def _most(context: Context, claims: Sequence[VerifyTask]) -> int:
    """Pictures that a check may take: more where something is said to be nowhere in a long span, since the check of
    the rest leaves out what is cited.
    """
    spans = cited_spans(context, [e for claim in claims for e in claim["evidence"]])
    return CLOSER_MOST if _density(claims[0], spans, closer=False) == "glance" else CHECK_MOST


def _for_speech(context: Context, claims: Sequence[VerifyTask]) -> int:
    """Pictures for what rests on cues alone: none, unless a claim names somebody and the cues do not say who
    speaks, or an earlier round has read the cues already.
    """
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
    context, claims = runtime.context, task["claims"]
    if task["images"] == 0 and not _spoken(claims[0]["evidence"]):
        unpaid = [Verdict(c["round"], c["claim_index"], None, looked=False, unpaid=True) for c in claims]
        return {"verdicts": unpaid}
    opinions = await _check_claims(context, claims, 1, context.eye, task["images"])
    context.pictures.give_back(task["images"] - opinions[0].sent)
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
        closer = one.opinion.unclear and not one.opinion.heard
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
    (second,) = await _check_claims(context, [denied.task], 2, model, images, closer=first.unclear)
    context.pictures.give_back(images - second.sent)
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


async def _check_claims(
    context: Context,
    tasks: Sequence[VerifyTask],
    number: int,
    model: Model,
    images: int,
    *,
    closer: bool = False,
) -> list[Opinion]:
    """The check of a group of claims by one model, an opinion for each. `closer`: after frames that did not tell,
    more of them, with what comes just before and after.
    """
    evidence = [e for task in tasks for e in task["evidence"]]
    spans = cited_spans(context, evidence)
    first = tasks[0]
    images = min(images, images_per_look(context, model))
    look, phase = _density(first, spans, closer=closer), phase_of(first["round"], check=number)
    # What is said not to be there may well be just before or after.
    negated = any(task["asked"].negated for task in tasks)
    wide = merge_spans([padded(context, s) for s in spans]) if closer and not negated else spans

    def bins(free: int) -> list[Bin]:
        room = max(free // 3 if look == "text" and context.closeups is not None else free, 1)
        if look == "glance":
            return unsent(context, _unshown_bins(context, spans, room, phase))
        if first["look"] == "glance" and not closer:
            room = min(room, _GLANCES * len(spans))
        return bins_for(context, look, wide, room, phase=phase, turn=first["claim_index"])

    statements = [
        Statement(text=task["asked"].check, spans=tuple(cited_spans(context, task["evidence"])))
        for task in tasks
    ]
    opinions = await check_statements(
        context, statements, spans, bins, named=[task["claim"].text for task in tasks],
        heard=[e.span for e in evidence if e.source == "cue"], spoken=_spoken(evidence), model=model,
        images=images, look=look, phase=phase, sampled=look == "glance",
    )  # fmt: skip
    return [
        _read(opinion, task["asked"].negated, when=look == "ends")
        for task, opinion in zip(tasks, opinions, strict=True)
    ]


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
