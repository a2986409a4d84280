"""One check: statements put to frames and cues, by an eye that does not know why they are asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mrvideo.agents.ask.calls import call, failure_of, fitted, room_for
from mrvideo.agents.ask.cast import CAST_SHARE, cast_of
from mrvideo.agents.ask.changes import fetch_as
from mrvideo.agents.ask.crops import with_crops
from mrvideo.agents.ask.exemplars import portraits
from mrvideo.agents.ask.pixels import Bin, images_across, pictures_of
from mrvideo.agents.ask.segments import cues_within
from mrvideo.agents.ask.shots import padded
from mrvideo.agents.ask.state import Context, Opinion
from mrvideo.errors import ModelError, RequestTooLarge
from mrvideo.models.base import Model
from mrvideo.records import Evidence, Span, Unseen, merge_spans
from mrvideo.schemas.analysis import CheckReply, Density, Statement, VerifyInputs, VerifyReply
from mrvideo.speech.known import speech_of

MARGIN_SECONDS = 1.0
"""Shown around what was seen in single frames, within their shot, so that an instant is more than one
picture.
"""

_AROUND_SECONDS = 10.0
"""Cues that begin or end within so much of a cited one are read with it: one line alone may tell nothing."""


async def check_statements(
    context: Context,
    statements: Sequence[Statement],
    spans: list[Span],
    make_bins: Callable[[int], list[Bin]],
    *,
    named: Sequence[str] = (),
    heard: Sequence[Span] = (),
    spoken: bool = False,
    model: Model,
    images: int,
    look: Density = "ends",
    phase: float = 0.5,
    sampled: bool = False,
) -> list[Opinion]:
    """One call, and what it came to for each of the statements. `named`: other texts that name whom they are
    about. `heard`: cited cues, which are shown among those around them. `spoken`: what rests on cues alone may go
    without pictures.
    """
    checks = [statement.text for statement in statements]

    async def once(final: bool) -> list[Opinion]:
        most = min(images, images_across(context, model))
        # Of a sample, a third is spent on who is meant.
        needed = max(most - min(most // 3, 3), 1) if sampled else len(spans)
        exemplars, known = await portraits(
            context, named=[*named, *checks], images=most, spans=needed, model=model,
            shown=() if sampled else spans,
        )  # fmt: skip
        bins = make_bins(most - len(exemplars)) if most > len(exemplars) else []
        fetched = await fetch_as(context, look, bins, phase=phase, model=model)
        if not (fetched.frames or spoken):
            return [Opinion(None, "", fetched.unseen, looked=False)] * len(statements)
        outside = _outside(fetched.shown, spans)
        own = pictures_of(fetched.frames, outside=outside)
        if look == "text":
            own = await with_crops(context, fetched.frames, own, most - len(exemplars) - len(own))
        pictures = (*exemplars, *own) if fetched.frames else ()
        eye = model if pictures else context.checker or context.text
        room = room_for(context, eye, images=len(pictures))
        shown = [s for s in spans if _is_shown(s, fetched.shown)] or spans
        about = shown if sampled else spans
        around = [span.padded(_AROUND_SECONDS) for span in heard]
        cues = cues_within(context, [*about, *around], room=room // 2, model=eye)
        inputs = VerifyInputs(
            statements=tuple(statements),
            spans=tuple(shown),
            frame_times=tuple(f.time_seconds for f in fetched.frames if f.time_seconds not in outside),
            context_times=tuple(f.time_seconds for f in fetched.frames if f.time_seconds in outside),
            sampled=sampled,
            cues=cues,
            # A name without its line in the cast tells nothing to whoever looks.
            entities=cast_of(context, texts=checks, names=known, room=room // CAST_SHARE),
            speech=speech_of(context.index, about, cues),
            exemplars=known if pictures else (),
            crops=len(own) > len(fetched.frames),
        )
        hull = Span(min(s.start_seconds for s in about), max(s.stop_seconds for s in about))
        try:
            reply = await call(context, eye, "verify", inputs, VerifyReply, pictures=pictures, span=hull)
        except ModelError as error:
            if isinstance(error, RequestTooLarge) and not final:
                raise
            reason = f"a claim about it could not be checked: {failure_of(error)}"
            failed = [Unseen.of(s, reason) for s in about]
            return [Opinion(None, "", (*fetched.unseen, *failed), looked=False)] * len(statements)
        return [
            Opinion(
                {"yes": True if spoken or sampled or whole else None, "no": False}.get(check.verdict),
                check.seen,
                fetched.unseen,
                # What was said is on no frame: a model that only reads finds it in the cue that it was quoted
                # from.
                pixels=bool(fetched.frames) and (not spoken or eye.capabilities.judges),
                heard=spoken and not fetched.frames,
                second=eye.name not in (context.vision.name, context.text.name),
                corrected=_corrected(check, [f.time_seconds for f in fetched.frames]),
                sent=len(pictures),
                frames=len(fetched.frames),
                shown=tuple(shown),
                unclear=check.verdict == "unclear",
            )
            for statement, check in zip(statements, reply.checks, strict=True)
            for whole in [all(_is_shown(s, fetched.shown) for s in statement.spans)]
        ]

    return await fitted(model, once)


def _is_shown(span: Span, shown: Sequence[tuple[Span, tuple[float, ...]]]) -> bool:
    return any(of == span or of.overlaps(span) for of, _ in shown)


def _outside(shown: Sequence[tuple[Span, tuple[float, ...]]], spans: Sequence[Span]) -> set[float]:
    """Times of frames that lie in none of the spans that the check is about."""
    times = {time for _, own in shown for time in own}
    return {t for t in times if not any(s.start_seconds <= t <= s.stop_seconds for s in spans)}


def _corrected(reply: CheckReply, times: Sequence[float]) -> Span | None:
    """When it is really seen, from the first to the last frame shown in the span that the reply names."""
    if reply.shown is None:
        return None
    start, stop = reply.shown
    inside = [t for t in times if start - 0.02 <= t <= stop + 0.02]
    return Span(min(inside), max(inside)) if inside else None


def cited_spans(context: Context, evidence: Sequence[Evidence]) -> list[Span]:
    """The cited spans, an instant with a margin inside its shot, overlaps merged, in order."""
    spans: list[Span] = []
    for item in evidence:
        short = item.duration_seconds < MARGIN_SECONDS
        spans.append(padded(context, item.span, MARGIN_SECONDS) if short else item.span)
    return merge_spans(spans, gap_seconds=None)
