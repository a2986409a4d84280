"""What the question is after: every segment read for it, all readings combined into one plan. Paper, §3.3."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from langgraph.runtime import Runtime

from mrvideo.agents.ask.calls import call, call_fitting, failure_of, packed, room_for
from mrvideo.agents.ask.cast import CAST_SHARE, cast_of
from mrvideo.agents.ask.evidence import check_findings, clamp_span
from mrvideo.agents.ask.segments import halved, plan_segments
from mrvideo.agents.ask.shots import padded, trimmed
from mrvideo.agents.ask.state import (
    Context,
    Reading,
    ReduceTask,
    Segment,
    SegmentTask,
    State,
    Walked,
    has_missed,
    verdicts_now,
)
from mrvideo.agents.ask.trim import fit_analyses
from mrvideo.agents.ask.walk import read_all_facts, walk
from mrvideo.errors import ModelError, RequestTooLarge
from mrvideo.records import Notice, SegmentRead, Span, StageFinished, StageStarted, Unseen, merge_spans
from mrvideo.schemas.analysis import (
    Analysis,
    GlobalIntentionInputs,
    GlobalIntentionReply,
    ReduceIntentionsInputs,
    ReduceIntentionsReply,
    SegmentIntentionInputs,
    SegmentIntentionReply,
    SpanReply,
    WholeIntentionInputs,
    WholeIntentionReply,
)
from mrvideo.speech.known import speech_of

Update = dict[str, Any]

NO_PLAN = "No plan could be made; these are the spans that the segments named."

_SHOTS_TOLD = 300

_READ_AGAIN = 2
"""A later round reads at most so many segments of its plan again: an hour has six, and their captions are
most of the cost.
"""

R = TypeVar("R", bound=SegmentIntentionReply)


async def cut_segments(state: State, runtime: Runtime[Context]) -> Update:
    """Plan the map: 64 scenes a call, fewer where their captions would not fit; of a long video those that
    its memory points to.
    """
    context = runtime.context
    walked = Walked(everything=True) if context.memory is None else await walk(context, context.memory)
    segments = plan_segments(context, None if context.memory is None else walked.scenes)
    context.on_event(StageStarted(stage="segment_intention", total=len(segments)))
    return {
        "walked": walked, "segments": segments, "to_read": segments, "round": 0, "learnt": [], "known": [], "held": [],
    }  # fmt: skip


async def read_on(state: State, runtime: Runtime[Context]) -> Update:
    """Where a part of the video was not enough: the facts of every chapter, and segments of the scenes that
    they add.
    """
    context, before = runtime.context, state["walked"]
    assert context.memory is not None, "only a walk leaves something unread"
    walked = await read_all_facts(context, context.memory)
    added = plan_segments(context, walked.scenes - before.scenes)
    count = len(state["segments"]) + len(added)
    added = [replace(s, index=len(state["segments"]) + s.index, count=count) for s in added]
    known = [replace(s, count=count) for s in state["segments"]]
    context.on_event(StageStarted(stage="segment_intention", total=len(added)))
    every = replace(walked, scenes=walked.scenes | before.scenes)
    return {"walked": every, "segments": [*known, *added], "to_read": added}


async def read_segment(task: SegmentTask, runtime: Runtime[Context]) -> Update:
    """Ask one segment what it has to say, from its captions and cues; the only one of a video, how to go on, too.

    Its failure is an unseen span; in a later round, what the earlier one read of it stands.
    """
    context, segment, round_ = runtime.context, task["segment"], task["round"]

    try:
        reply = await _read(context, task)
    except ModelError as error:
        halves = halved(context, segment) if isinstance(error, RequestTooLarge) else []
        if halves:
            parts = [await read_segment({**task, "segment": half}, runtime) for half in halves]
            return {
                key: [one for part in parts for one in part.get(key, ())] for key in ("analyses", "unseen")
            }
        reason = f"its captions could not be analysed: {failure_of(error)}"
        if round_ > 1:
            context.on_event(Notice(text=f"{segment.span} could not be read again: {failure_of(error)}"))
            return {}
        # Between scenes that a walk opened lie others.
        spans = merge_spans([Span(s.start_seconds, s.stop_seconds) for s in segment.scenes], gap_seconds=0.1)
        return {"unseen": [_unseen(span, reason) for span in spans or [segment.span]]}
    analysis = _analysis_of(context, reply, segment.span, ())
    planned = reply.plan if isinstance(reply, WholeIntentionReply) else None
    context.on_event(
        SegmentRead(
            start_seconds=segment.span.start_seconds,
            stop_seconds=segment.span.stop_seconds,
            relevant=tuple(s.span for s in analysis.spans),
            confidence=analysis.confidence,
        )
    )
    return {"analyses": [Reading(round_, analysis, planned)]}


async def _read(context: Context, task: SegmentTask) -> SegmentIntentionReply:
    segment = task["segment"]
    inputs = SegmentIntentionInputs(
        question=context.question,
        options=context.options,
        segment_index=segment.index,
        segment_count=segment.count,
        span=segment.span,
        scenes=segment.scenes,
        cues=segment.cues,
        entities=segment.entities,
        speech=speech_of(context.index, [segment.span], segment.cues),
        learnt=task["learnt"],
        known=task["known"],
    )
    if segment.count > 1:
        return await call(
            context, context.text, "segment_intention", inputs, SegmentIntentionReply, span=segment.span
        )
    # Captions may end before the video does; subtitles of another cut, after it.
    all_of_it = merge_spans([segment.span, context.whole], gap_seconds=float("inf"))[0]
    given: dict[str, Any] = {**dict(inputs), "span": all_of_it}
    whole = WholeIntentionInputs(
        **given, shot_starts=shot_starts(context), scene_count=len(context.index.scenes)
    )
    return await call(
        context,
        context.text,
        "whole_intention",
        whole,
        WholeIntentionReply,
        span=segment.span,
        stage="segment_intention",
    )


async def gather(state: State, runtime: Runtime[Context]) -> Update:
    """The analyses are in; the edges decide whether they fit one call."""
    runtime.context.on_event(StageFinished(stage="segment_intention"))
    return {}


def groups_to_reduce(state: State, context: Context) -> list[list[Analysis]]:
    """Runs of neighbouring analyses that each fit one call, or () when all of them together do."""
    analyses = _latest(state)
    room = _room(context)
    if sum(context.weight_of(a) for a in analyses) <= room:
        return []
    return packed(analyses, room, weight=context.weight_of)


async def reduce_group(task: ReduceTask, runtime: Runtime[Context]) -> Update:
    """Several neighbouring analyses into one. When the call fails, the group is kept and trimmed instead."""
    context, analyses = runtime.context, task["analyses"]
    span = merge_spans([a.span for a in analyses], gap_seconds=float("inf"))[0]
    room = _room(context)
    fitting = fit_analyses(context, analyses, room, model=context.text)
    inputs = ReduceIntentionsInputs(
        question=context.question,
        options=context.options,
        span=span,
        analyses=tuple(fitting),
        speech=speech_of(context.index, [span], ()),
    )
    try:
        reply = await call(
            context, context.text, "reduce_intentions", inputs, ReduceIntentionsReply, span=span
        )
    except ModelError as error:
        if isinstance(error, RequestTooLarge) and len(analyses) > 2:
            middle = len(analyses) // 2
            halves = (analyses[:middle], analyses[middle:])
            parts = [await reduce_group({**task, "analyses": half}, runtime) for half in halves]
            return {"reduced": [reading for part in parts for reading in part["reduced"]]}
        context.on_event(Notice(text=f"analyses of {span} are passed on unreduced: {failure_of(error)}"))
        return {"reduced": [Reading(task["round"], analysis) for analysis in analyses]}
    shown = tuple(
        t
        for a in analyses
        for f in a.findings
        if f.source == "frame"
        for t in (f.start_seconds, f.stop_seconds)
    )
    return {"reduced": [Reading(task["round"], _analysis_of(context, reply, span, shown))]}


async def plan(state: State, runtime: Runtime[Context]) -> Update:
    """One plan from all analyses; where one reading of this round read all there is, the plan that it made.
    Starts a round. When the call fails, the segments' own spans are the plan.
    """
    context = runtime.context
    round_ = state.get("round", 0) + 1
    if any(reading.round == round_ for reading in state.get("reduced", [])):
        context.on_event(StageFinished(stage="reduce_intentions"))
    analyses = readings(state, round_)
    made = _planned(state, round_)
    reply, fitting = (made, analyses) if made else await _made(context, state, analyses)
    # A look that was denied may have been a second too early or too late.
    settled = _settled(context, reply.spans, fitting, wider=round_ > 1)
    checked = reply.model_copy(update={"spans": settled})
    return {"plan": checked, "round": round_, "by_speech": _by_speech(context, checked, analyses, round_)}


def _planned(state: State, round_: int) -> GlobalIntentionReply | None:
    """The plan of the round's only reading, where nothing else was ever read."""
    read = state.get("analyses", [])
    alone = len(_latest(state)) == 1
    return read[-1].plan if alone and read[-1].round == round_ else None


async def _made(
    context: Context, state: State, analyses: list[Analysis]
) -> tuple[GlobalIntentionReply, list[Analysis]]:
    """The plan of one call, and the analyses that it was made from."""
    context.on_event(StageStarted(stage="global_intention", total=1))
    fitting: list[Analysis] = []
    whole = context.whole
    asked = (context.question, *context.options, *state.get("learnt", []), *state.get("known", []))

    def build(room: int) -> GlobalIntentionInputs:
        nonlocal fitting
        fitting = fit_analyses(context, analyses, room * (CAST_SHARE - 2) // CAST_SHARE, model=context.text)
        return GlobalIntentionInputs(
            question=context.question,
            options=context.options,
            span=whole,
            analyses=tuple(fitting),
            entities=cast_of(
                context,
                texts=[*asked, *(text for a in fitting for text in texts_of(a))],
                called=True,
                times=True,
                room=room // CAST_SHARE,
            ),
            speech=context.speech,
            learnt=tuple(state.get("learnt", [])),
            known=tuple(state.get("known", [])),
            shot_starts=shot_starts(context),
            scene_count=len(context.index.scenes),
        )

    try:
        reply = await call_fitting(
            context,
            "global_intention",
            build,
            GlobalIntentionReply,
            room=room_for(context, context.text),
            span=whole,
        )
    except ModelError as error:
        context.on_event(
            Notice(text=f"the segments' own spans are looked at, in place of a plan: {failure_of(error)}")
        )
        reply = _plain_plan(analyses)
    context.on_event(StageFinished(stage="global_intention"))
    return reply, fitting


def texts_of(analysis: Analysis) -> list[str]:
    """All words of an analysis, in which members of the cast may be named."""
    meant = [character.entity for character in analysis.characters]
    return [analysis.reasoning, *meant, *(finding.quote for finding in analysis.findings)]


def _by_speech(context: Context, plan: GlobalIntentionReply, analyses: list[Analysis], round_: int) -> bool:
    """Whether nothing but cues is to decide: the plan says so, and a cue is quoted of what it names. A first
    round that this failed in is not followed by another such one.
    """
    if plan.decided_by != "speech" or round_ > 1 or context.effort == "low":
        return False
    said = [f.span for a in analyses for f in a.findings if f.source == "cue"]
    planned = [s.span for s in plan.spans] or said
    return any(one.overlaps(span) for one in said for span in planned)


def shot_starts(context: Context) -> tuple[float, ...]:
    """Where shots begin, of a video that has few enough to list: a hundred hours have more than a request
    holds.
    """
    shots = context.index.shots
    return tuple(shot.start_seconds for shot in shots) if len(shots) <= _SHOTS_TOLD else ()


def in_order(analyses: list[Analysis]) -> list[Analysis]:
    """By time, whatever call returned first."""
    return sorted(analyses, key=lambda a: (a.span.start_seconds, a.span.stop_seconds))


def readings(state: State, round_: int) -> list[Analysis]:
    """What a round's plan is made from: the reduced analyses where there was a reduce level."""
    reduced = [reading.analysis for reading in state.get("reduced", []) if reading.round == round_]
    return in_order(reduced) or _latest(state)


def _latest(state: State) -> list[Analysis]:
    """Each segment as it was read last."""
    ordered = sorted(state.get("analyses", []), key=lambda reading: reading.round)
    return in_order(list({reading.analysis.span: reading.analysis for reading in ordered}.values()))


def _analysis_of(
    context: Context, reply: SegmentIntentionReply, span: Span, shown: tuple[float, ...]
) -> Analysis:
    """A reply with its times inside what was shown, and only the findings that stand in their source."""
    findings = check_findings(context, reply.findings, span=span, shown=shown)
    return Analysis(
        span=span,
        reasoning=reply.reasoning,
        spans=tuple(_span_reply(clamp_span(s.span, span)) for s in reply.spans),
        findings=findings,
        confidence=reply.confidence,
        characters=reply.characters,
        needs_context=reply.needs_context,
    )


def segments_to_read_again(state: State) -> list[Segment]:
    """Those that the plan looked at, two at most, where something was denied, left out or not found: read
    with what was learnt they may name another candidate. And those that show somebody whom only another
    segment could name. What the others said stands, and all of it where claims merely stayed open: captions
    tell no more of them than before.
    """
    plan = state["plan"]
    readings_ = {analysis.span: analysis for analysis in _latest(state)}
    spans = [s.span for s in plan.spans] if _is_in_doubt(state) else []
    chosen = [s for s in state["segments"] if any(s.span.overlaps(span) for span in spans)][:_READ_AGAIN]
    for segment in state["segments"]:
        analysis = readings_.get(segment.span)
        meant = {c.word for c in analysis.characters} if analysis else set[str]()
        there = {line.name: line.display_name for line in segment.entities}
        strange = [c for c in plan.characters if c.entity.strip("<>") in there and c.word not in meant]
        if any(there[c.entity.strip("<>")] != c.word for c in strange) and segment not in chosen:
            chosen.append(segment)
    return sorted(chosen, key=lambda segment: segment.index)


def _is_in_doubt(state: State) -> bool:
    """Whether the round found nothing, something was denied, or something left out."""
    denied = any(verdict.holds is False for verdict in verdicts_now(state))
    return not state["draft"].claims or has_missed(state) or denied


def _settled(
    context: Context, spans: tuple[SpanReply, ...], analyses: list[Analysis], *, wider: bool
) -> tuple[SpanReply, ...]:
    """Inside the video, padded by 1.5 s at most where context is needed, never over a cut; overlaps merged."""
    wanting = [a.span for a in analyses if a.needs_context]
    wide: list[Span] = []
    for span in (trimmed(context, clamp_span(s.span, context.whole)) for s in spans):
        if wider or any(span.overlaps(w) for w in wanting):
            span = padded(context, span)
        elif span.duration_seconds < 1.0:
            span = padded(context, span, 0.5)
        wide.append(span)
    # Spans that merely touch stay apart: each gets its own frames.
    return tuple(_span_reply(s) for s in merge_spans(wide, gap_seconds=None))


def _plain_plan(analyses: list[Analysis]) -> GlobalIntentionReply:
    ranked = sorted(analyses, key=lambda a: -a.confidence)
    return GlobalIntentionReply(
        reasoning=NO_PLAN,
        combine="merge",
        scope="local",
        spans=tuple([s for a in ranked for s in a.spans][:10]),
        characters=tuple(c for a in ranked for c in a.characters)[:20],
    )


def _room(context: Context) -> int:
    # The cast and what was learnt stand beside the analyses.
    return room_for(context, context.text) * (CAST_SHARE - 2) // CAST_SHARE


def _span_reply(span: Span) -> SpanReply:
    return SpanReply(start_seconds=span.start_seconds, stop_seconds=span.stop_seconds)


def _unseen(span: Span, reason: str) -> Unseen:
    return Unseen.of(span, reason)
