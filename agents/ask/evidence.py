"""Evidence, built and checked by code: findings that stand in their source, observations of frames really shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mrvideo.agents.ask.calls import keep_within, report_cut, room_for
from mrvideo.agents.ask.sources import fold
from mrvideo.agents.ask.state import Context, Look, State
from mrvideo.records import Evidence, Notice, Source, Span, merge_spans
from mrvideo.schemas.analysis import Finding, GlobalIntentionReply
from mrvideo.schemas.shared import TIME_SLACK_SECONDS
from mrvideo.wording import counted

FRAME_SLACK_SECONDS = 5.0
"""A segment shows one frame per scene: a finding in its middle frame may be timed this far off."""

FILL_SCENES = 8
"""A planned span of which nothing was quoted is citable by the texts of this many of its scenes."""

_LABEL_SECONDS = 0.011
_EVIDENCE_SHARE = 0.6


@dataclass(frozen=True)
class _Candidate:
    """Evidence before it has an id. `rank` decides what stays when not all of it fits."""

    source: Source
    span: Span
    quote: str
    rank: float


def clamp_span(span: Span, bound: Span) -> Span:
    """The span moved inside the bound."""
    low = min(max(span.start_seconds, bound.start_seconds), bound.stop_seconds)
    return Span(low, max(min(span.stop_seconds, bound.stop_seconds), low))


def snap(span: Span, shown: Sequence[float], *, slack_seconds: float) -> Span | None:
    """From the first to the last shown time inside the span; the nearest one where there is none inside."""
    inside = [
        t for t in shown if span.start_seconds - _LABEL_SECONDS <= t <= span.stop_seconds + _LABEL_SECONDS
    ]
    if inside:
        return Span(min(inside), max(inside))
    nearest = min(shown, key=lambda t: _distance(t, span), default=None)
    if nearest is None or _distance(nearest, span) > slack_seconds:
        return None
    return Span(nearest, nearest)


def check_findings(
    context: Context, findings: Sequence[Finding], *, span: Span, shown: Sequence[float]
) -> tuple[Finding, ...]:
    """The findings that hold, with the spans and words of their sources. The others are left out, with a notice."""
    checked: dict[tuple[Source, float, float, str], Finding] = {}
    lost = 0
    for finding in findings:
        near = clamp_span(finding.span, span)
        seen = snap(near, shown, slack_seconds=FRAME_SLACK_SECONDS) if finding.source == "frame" else None
        if seen is not None:
            places: list[tuple[Source, Span, str]] = [("frame", seen, finding.quote)]
        else:
            located = context.sources.locate(finding.quote, finding.source, near)
            places = [(p.source, p.span, p.quote) for p in located]
        lost += not places
        for source, where, quote in places:
            checked[(source, where.start_seconds, where.stop_seconds, fold(quote).text)] = Finding(
                start_seconds=where.start_seconds, stop_seconds=where.stop_seconds, source=source, quote=quote
            )
    if lost:
        context.on_event(
            Notice(text=f"left out: {counted(lost, 'finding')} of {span} that no caption or cue there holds")
        )
    return tuple(checked.values())


def collect(context: Context, state: State) -> list[Evidence]:
    """All that may be cited, in order of time, with ids e1…; what does not fit the answer's call is left out loudly."""
    plan = state["plan"]
    planned = [s.span for s in plan.spans]
    found = [
        _Candidate(f.source, f.span, f.quote, a.confidence + 5 * _touches(f.span, planned))
        for a in (reading.analysis for reading in [*state.get("analyses", []), *state.get("reduced", [])])
        for f in a.findings
    ]
    seen = [c for look in state.get("looks", []) for c in _observed(look)]
    candidates = _deduplicated([*found, *seen, *_fill(context, plan, [c.span for c in (*found, *seen)])])
    room = int(room_for(context, context.text) * _EVIDENCE_SHARE)
    kept = keep_within(
        candidates, room, weight=lambda c: context.weight_of(_record(c, "e0000")), rank=lambda c: c.rank
    )
    report_cut(context, "pieces of evidence", kept=len(kept), given=len(candidates), model=context.text)
    return [_record(candidate, f"e{number}") for number, candidate in enumerate(kept, start=1)]


def _observed(look: Look) -> Iterable[_Candidate]:
    """Observations cut to the frames that were sent: one piece of evidence per run of adjoining spans."""
    for observation in look.reply.observations:
        runs: list[tuple[Span, Span]] = []
        for planned, times in sorted(look.shown, key=lambda item: item[0].start_seconds):
            hit = snap(observation.span, times, slack_seconds=0.0)
            if hit is None:
                continue
            if runs and runs[-1][0].stop_seconds == planned.start_seconds:
                hit = Span(runs[-1][1].start_seconds, max(hit.stop_seconds, runs[-1][1].stop_seconds))
                runs[-1] = (planned, hit)
            else:
                runs.append((planned, hit))
        if not runs:
            # Timed between two frames: the nearest frame of the span it names is what was looked at.
            named = [(p, t) for p, t in look.shown if observation.span.overlaps(p.padded(TIME_SLACK_SECONDS))]
            hits = [
                (p, snap(observation.span, t, slack_seconds=p.duration_seconds + 1)) for p, t in named[:1]
            ]
            runs = [(p, hit) for p, hit in hits if hit]
        for _, span in runs:
            yield _Candidate("frame", span, observation.text, 10 + look.reply.confidence)


def _fill(context: Context, plan: GlobalIntentionReply, known: Sequence[Span]) -> list[_Candidate]:
    """The texts of planned spans of which nothing is citable yet, for models that plan but do not quote."""
    fill: list[_Candidate] = []
    for span in (s.span for s in plan.spans):
        if any(span.overlaps(k) for k in known):
            continue
        scenes = context.scenes.overlapping(span)[:FILL_SCENES]
        for scene in scenes:
            fill.append(_Candidate("caption", scene.span, scene.detailed, 1))
            fill.extend(_Candidate("caption", sign.span, sign.text, 1) for sign in scene.sightings)
        cues = context.cues.overlapping(span)[: 2 * FILL_SCENES]
        fill.extend(_Candidate("cue", cue.span, cue.text, 1) for cue in cues)
    return fill


def _deduplicated(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """Sorted by time; the same words of the same source once per stretch."""
    ordered = sorted(candidates, key=lambda c: (c.span.start_seconds, c.span.stop_seconds, c.source, c.quote))
    kept: list[_Candidate] = []
    latest: dict[tuple[Source, str], int] = {}
    for candidate in ordered:
        key = (candidate.source, fold(candidate.quote).text)
        place = latest.get(key)
        if place is not None and _same_stretch(kept[place].span, candidate.span):
            old = kept[place]
            span = merge_spans([old.span, candidate.span], gap_seconds=1.0)[0]
            # Words of a text have one place; a thing seen lasts from the first to the last look that saw it.
            kept[place] = _Candidate(
                old.source,
                span if candidate.source == "frame" else old.span,
                old.quote,
                max(old.rank, candidate.rank),
            )
            continue
        latest[key] = len(kept)
        kept.append(candidate)
    return kept


def _same_stretch(left: Span, right: Span) -> bool:
    return left.padded(0.5).overlaps(right.padded(0.5))


def _record(candidate: _Candidate, evidence_id: str) -> Evidence:
    return Evidence(
        start_seconds=candidate.span.start_seconds,
        stop_seconds=candidate.span.stop_seconds,
        id=evidence_id,
        source=candidate.source,
        quote=candidate.quote,
    )


def _touches(span: Span, planned: Sequence[Span]) -> bool:
    return any(span.overlaps(p) for p in planned)


def _distance(time_seconds: float, span: Span) -> float:
    return max(span.start_seconds - time_seconds, time_seconds - span.stop_seconds, 0.0)
