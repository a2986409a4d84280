"""Evidence, built and checked by code: findings that stand in their source, observations of frames really
shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from mrvideo.agents.ask.calls import keep_within, report_cut, room_for
from mrvideo.agents.ask.shots import padded
from mrvideo.agents.ask.sources import find_quote, fold
from mrvideo.agents.ask.state import Context, Look, State
from mrvideo.records import Evidence, Notice, Source, Span, merge_spans
from mrvideo.schemas.analysis import Finding, GlobalIntentionReply
from mrvideo.schemas.shared import TIME_SLACK_SECONDS
from mrvideo.text import tokens
from mrvideo.wording import counted

FRAME_SLACK_SECONDS = 5.0
"""A segment shows one frame per scene: a finding in its middle frame may be timed this far off."""

FILL_SCENES = 8
"""A planned span of which nothing was quoted is citable by the texts of this many of its scenes."""

_MOST_ABSENT = 8
"""So many spans of one look may be cited as not showing what was looked for, the longest ones."""

_LEAST_CONFIDENCE = 3
"""From this on "looked, and it is not there" is evidence."""

_RANGE_GAP_SECONDS = 90.0
"""An observation over several spans is one thing seen, unless so much between them was not shown."""

_LABEL_SECONDS = 0.011
_LEAST_WORDS = 3
_EVIDENCE_SHARE = 0.6


@dataclass(frozen=True)
class _Candidate:
    """Evidence before it has an id. `rank` decides what stays when not all of it fits."""

    source: Source
    span: Span
    quote: str
    rank: float
    also: frozenset[Source] = frozenset()
    """Other sources that tell the same of the same moment."""

    @cached_property
    def content(self) -> frozenset[str]:
        """The words that the quote is made of, in no order."""
        return frozenset(tokens(fold(self.quote).text))

    @cached_property
    def length(self) -> int:
        """How many words the quote has."""
        return len(tokens(self.quote))


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
    """The findings that hold, with the spans and words of their sources. The others are left out, with a
    notice.
    """
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


def collect(context: Context, state: State) -> dict[str, Any]:
    """All that may be cited, in order of time, with ids e1…; what does not fit the answer's call is left out
    loudly.

    `also` names, by id, the other sources that tell the same of the same moment.
    """
    plan = state["plan"]
    planned = [s.span for s in plan.spans]
    found = [
        _Candidate(f.source, f.span, f.quote, a.confidence + 5 * _touches(f.span, planned))
        for a in (reading.analysis for reading in [*state.get("analyses", []), *state.get("reduced", [])])
        for f in a.findings
    ]
    seen = [c for look in state.get("looks", []) for c in _observed(context, look)]
    # What a check saw at another time than was claimed is the best that is known of it.
    seen += [
        _Candidate("frame", v.corrected, v.seen, 20)
        for v in state.get("verdicts", [])
        if v.corrected is not None and v.seen.strip()
    ]
    candidates = _deduplicated([*found, *seen, *_fill(context, plan, [c.span for c in (*found, *seen)])])
    room = int(room_for(context, context.text) * _EVIDENCE_SHARE)
    kept = keep_within(
        [(candidate, _record(context, candidate)) for candidate in candidates],
        room,
        weight=lambda one: context.weight_of(one[1]),
        rank=lambda one: one[0].rank,
    )
    report_cut(context, "pieces of evidence", kept=len(kept), given=len(candidates), model=context.text)
    return {
        "evidence": [
            record.model_copy(update={"id": f"e{n}"}) for n, (_, record) in enumerate(kept, start=1)
        ],
        "also": {f"e{n}": tuple(sorted(c.also)) for n, (c, _) in enumerate(kept, start=1) if c.also},
    }


def _observed(context: Context, look: Look) -> Iterable[_Candidate]:
    """Observations cut to the frames that were sent, each one piece of evidence over its range: a sentence about
    several frames is true of them together. Where minutes between two spans were not shown, it is parted.
    """
    for observation in look.reply.observations:
        runs: list[tuple[Span, Span]] = []
        for planned, times in sorted(look.shown, key=lambda item: item[0].start_seconds):
            hit = snap(observation.span, times, slack_seconds=0.0)
            if hit is None:
                continue
            if runs and hit.start_seconds - runs[-1][1].stop_seconds <= _RANGE_GAP_SECONDS:
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
    if look.reply.sees == "absent" and look.reply.confidence >= _LEAST_CONFIDENCE:
        for span, frames in _absent_from(context, look):
            text = f"{look.reply.conclusion} (looked for in {counted(frames, 'frame')}: {look.goal})"
            yield _Candidate("frame", span, text, 10 + look.reply.confidence)


def _absent_from(context: Context, look: Look) -> list[tuple[Span, int]]:
    """The spans that the frames of a look cover, each with how many: of what lies between them, nothing is known. From
    the first to the last frame of a span, and a little around, within their shots: what only one frame shows of a
    shot of half a minute is known of that moment. One just outside a span is no span of its own.
    """
    shown = [span for span, times in look.shown if times]
    lasting = [span for span in shown if span.duration_seconds > 0]
    every = sorted({time for _, times in look.shown for time in times})
    covered: list[tuple[Span, int]] = []
    for span in merge_spans(lasting or shown, gap_seconds=0.05):
        times = [t for t in every if span.start_seconds <= t <= span.stop_seconds]
        part = padded(context, Span(times[0], times[-1])).intersection(span)
        covered.append((part or Span(times[0], times[-1]), len(times)))
    longest = sorted(covered, key=lambda one: (-one[0].duration_seconds, one[0].start_seconds))
    return sorted(longest[:_MOST_ABSENT], key=lambda one: one[0].start_seconds)


def _fill(context: Context, plan: GlobalIntentionReply, known: Sequence[Span]) -> list[_Candidate]:
    """The texts of planned spans of which nothing is citable yet, for models that plan but do not quote."""
    fill: list[_Candidate] = []
    for span in (s.span for s in plan.spans):
        if any(span.overlaps(k) for k in known):
            continue
        scenes = context.scenes.overlapping(span)[:FILL_SCENES]
        for scene in scenes:
            parts = [p for p in scene.parts if p.span.overlaps(span)]
            fill.extend(_Candidate("caption", p.span, p.text, 1) for p in parts)
            if not parts:
                fill.append(_Candidate("caption", scene.span, scene.detailed, 1))
            fill.extend(_Candidate("caption", sign.span, sign.text, 1) for sign in scene.sightings)
        cues = context.cues.overlapping(span)[: 2 * FILL_SCENES]
        fill.extend(_Candidate("cue", cue.span, cue.text, 1) for cue in cues)
    return fill


def _deduplicated(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """Sorted by time; what says no more than another of the same moment is part of that one, whose `also`
    names its source.
    """
    ordered = sorted(candidates, key=lambda c: (c.span.start_seconds, c.span.stop_seconds, c.source, c.quote))
    kept: list[_Candidate] = []
    # Everything before this place ended too long ago to touch what comes.
    first = 0
    for candidate in ordered:
        while first < len(kept) and kept[first].span.stop_seconds + 1.0 < candidate.span.start_seconds:
            first += 1
        place = next(
            (
                n
                for n in range(first, len(kept))
                if _same_span(kept[n].span, candidate.span) and _one_says_the_other(kept[n], candidate)
            ),
            None,
        )
        if place is None:
            kept.append(candidate)
        else:
            kept[place] = _joined(kept[place], candidate)
    return kept


def _one_says_the_other(old: _Candidate, new: _Candidate) -> bool:
    """The same words in any order; or one stands in the other word for word, and a model that saw frames
    wrote one of them.

    Single words that only occur in both prove nothing: "is seen" and "is not seen" share theirs.
    """
    if "cue" in (old.source, new.source) and old.source != new.source:
        return False
    if fold(old.quote).text == fold(new.quote).text or (
        len(old.content) >= _LEAST_WORDS and old.content == new.content
    ):
        return True
    short, long = sorted((old, new), key=lambda one: len(one.quote))
    if short.length < _LEAST_WORDS or find_quote(short.quote, long.quote) is None:
        return False
    # A short text on screen and the caption that repeats it are two things with two times.
    return "frame" in (old.source, new.source) or old.span == new.span


def _joined(old: _Candidate, new: _Candidate) -> _Candidate:
    """One of the two: words of a text keep their own span; a thing seen lasts from the first to the last look
    that saw it.
    """
    rank = max(old.rank, new.rank)
    if old.source == new.source:
        best = old if len(old.quote) >= len(new.quote) else new
        span = merge_spans([old.span, new.span], gap_seconds=1.0)[0] if old.source == "frame" else best.span
        return replace(best, span=span, rank=rank, also=old.also | new.also)
    text, frame = (new, old) if old.source == "frame" else (old, new)
    return replace(text, rank=rank, also=old.also | new.also | {frame.source})


def _same_span(left: Span, right: Span) -> bool:
    """Whether the two share time when each is half a second longer at both ends."""
    return (
        left.start_seconds - 0.5 < right.stop_seconds + 0.5
        and right.start_seconds - 0.5 < left.stop_seconds + 0.5
    )


def _record(context: Context, candidate: _Candidate) -> Evidence:
    """Under an id as long as any, for its weight: ids are given to what is kept."""
    return Evidence(
        start_seconds=candidate.span.start_seconds,
        stop_seconds=candidate.span.stop_seconds,
        id="e0000",
        source=candidate.source,
        quote=candidate.quote,
        speaker=_speaker(context, candidate) if candidate.source == "cue" else None,
    )


def _speaker(context: Context, said: _Candidate) -> str | None:
    """Who says the words, where the cues of their time know."""
    for cue in context.cues.overlapping(said.span):
        if cue.speaker and find_quote(said.quote, cue.text) is not None:
            return cue.speaker
    return None


def _touches(span: Span, planned: Sequence[Span]) -> bool:
    return any(span.overlaps(p) for p in planned)


def _distance(time_seconds: float, span: Span) -> float:
    return max(span.start_seconds - time_seconds, time_seconds - span.stop_seconds, 0.0)
