"""What an answer tells of its own limits: the spans it could not see, and in words what was searched."""

from __future__ import annotations

from collections.abc import Sequence

from mrvideo.agents.ask.segments import unheard
from mrvideo.agents.ask.shots import units
from mrvideo.agents.ask.state import Context, State, verdicts_now
from mrvideo.records import Span, Unseen, clock, merge_spans
from mrvideo.speech.known import HEARD
from mrvideo.wording import counted, stage_label

_TOLD = 5

SILENT = "Only speech could tell, and nothing is said in it"

UNHEARD = 'Its sound was not transcribed: pip install "mrvideo[asr]", then index it with --speech faster-whisper:small'


def unseen_of(context: Context, state: State) -> tuple[Unseen, ...]:
    """Failures of the index, analyses and looks that failed, frames that were lost: merged, each with its
    reasons.
    """
    failures = [
        Unseen.of(f.span, *(f"{stage_label(f.stage)}: {reason}" for reason in f.reasons))
        for f in context.index.failures
        if f.hides in ("pictures", "sound")
    ]
    return merge_unseen([*failures, *state.get("unseen", [])])


def unread_of(context: Context, state: State) -> list[Span]:
    """The spans of scenes that no call was given, neighbours as one; none where all was read. A call that
    failed left them unseen.
    """
    if context.memory is None:
        return []
    read = {scene.index for segment in state["segments"] for scene in segment.scenes}
    spans: list[Span] = []
    joins = False
    for scene in context.scenes.items:
        if scene.index in read:
            joins = False
        elif joins:
            spans[-1] = Span(spans[-1].start_seconds, max(spans[-1].stop_seconds, scene.stop_seconds))
        else:
            spans.append(scene.span)
            joins = True
    return spans


def merge_unseen(parts: Sequence[Unseen]) -> tuple[Unseen, ...]:
    """Spans that overlap become one with both reasons; spans that touch only when they share the reason."""
    merged: list[Unseen] = []
    for part in sorted(parts, key=lambda u: (u.start_seconds, u.stop_seconds, u.reasons)):
        last = merged[-1] if merged else None
        touches = last is not None and part.start_seconds <= last.stop_seconds
        if last is not None and touches and (last.reasons == part.reasons or last.span.overlaps(part.span)):
            span = Span(last.start_seconds, max(last.stop_seconds, part.stop_seconds))
            merged[-1] = Unseen.of(span, *dict.fromkeys([*last.reasons, *part.reasons]))
        else:
            merged.append(part)
    return tuple(merged)


def not_looked_at(context: Context, state: State) -> list[Unseen]:
    """What the bound on pictures left out of looks across the video, and how many claims nobody looked at for
    want of them.
    """
    left: list[Unseen] = []
    looks = state.get("looks", [])
    cut = [span for look in looks if look.left_out for span, _ in look.shown]
    if cut:
        whole = Span(min(s.start_seconds for s in cut), max(s.stop_seconds for s in cut))
        # A later look may have shown what an earlier one left out.
        times = [time for look in looks for _, shown in look.shown for time in shown]
        unshown = sum(not any(map(shot.contains, times)) for shot in units(context, [whole]))
        if unshown:
            reason = f"{counted(unshown, 'shot')} of it not looked at: only their captions were read"
            left.append(Unseen.of(whole, reason))
    unchecked = [v for v in verdicts_now(state) if v.unpaid]
    known = {e.id: e.span for e in state["evidence"]}
    for verdict in unchecked:
        spans = [known[i] for i in state["draft"].claims[verdict.claim_index].evidence_ids]
        left += [
            Unseen.of(s, "a claim about it was not checked: the question's pictures are spent") for s in spans
        ]
    return left


def searched_text(context: Context, state: State, unseen: Sequence[Unseen], *, found: bool) -> str:
    """`captions of 0:00.0–3:00.0 (14 scenes), 12 cues, 32 frames of 3 spans`, and what of the relevant was
    not seen.

    This is where an answer says in words that a span it depends on could not be seen: `answer` itself stays
    free for the option's text or the bare reply.
    """
    sentences = [_looked_through(state)]
    if not found and context.speech == "not transcribed" and not context.index.settings.get(HEARD):
        sentences.append(UNHEARD)
    if not found and context.speech == "none" and unheard(context, state):
        sentences.append(SILENT)
    relevant = relevant_unseen(state, unseen, found=found)
    if relevant:
        named = ", ".join(f"{u.span} ({_short(u.reason)})" for u in relevant[:_TOLD])
        more = f" and {len(relevant) - _TOLD} more" if len(relevant) > _TOLD else ""
        sentences.append(f"Not seen, though the answer may lie there: {named}{more}")
    draft = state["draft"]
    if draft.withheld:
        sentences.append(
            f'A draft, "{_short(draft.withheld)}", was withheld: it cited nothing that stands in the video'
        )
    return ". ".join(sentences)


def relevant_unseen(state: State, unseen: Sequence[Unseen], *, found: bool) -> list[Unseen]:
    """The unseen spans that could change the answer: those planned, or all of them when it hangs on the whole
    video.
    """
    plan = state["plan"]
    if not found or plan.scope == "global":
        return list(unseen)
    return [u for u in unseen if any(u.span.overlaps(s.span) for s in plan.spans)]


def _looked_through(state: State) -> str:
    read = [reading.analysis.span for reading in state.get("analyses", [])]
    segments = [segment for segment in state.get("segments", []) if segment.span in read]
    scenes = {
        scene.index: Span(scene.start_seconds, scene.stop_seconds) for s in segments for scene in s.scenes
    }
    cues = sum(len(segment.cues) for segment in segments)
    parts: list[str] = []
    if scenes:
        spans = merge_spans(list(scenes.values()), gap_seconds=0.1)
        parts.append(f"captions of {_spans(spans)} ({counted(len(scenes), 'scene')})")
    if cues:
        parts.append(counted(cues, "cue"))
    shown = [(span, time) for look in state.get("looks", []) for span, times in look.shown for time in times]
    if shown:
        spans = merge_spans([span for span, _ in shown])
        parts.append(f"{counted(len({time for _, time in shown}), 'frame')} of {counted(len(spans), 'span')}")
    rests = [rest for rest in state.get("rests", []) if rest.round == state["round"]]
    if rests:
        frames, held = sum(r.frames for r in rests), sum(r.shown for r in rests)
        spans = sum(r.spans for r in rests)
        left = f" of {counted(spans, 'scene')}, {spans - held} not looked at"
        of = counted(held, "scene") if held == spans else f"{held}{left}"
        parts.append(f"of the rest {counted(frames, 'frame')} from {of}")
    return ", ".join(parts) if parts else "nothing: neither captions, nor cues, nor frames could be read"


def _spans(spans: Sequence[Span]) -> str:
    if len(spans) <= _TOLD:
        return ", ".join(str(span) for span in spans)
    return f"{len(spans)} spans between {clock(spans[0].start_seconds)} and {clock(spans[-1].stop_seconds)}"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 120 else line[:119] + "…"
