"""One check: statements put to frames and cues, by an eye that does not know why they are asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from mrvideo.agents.ask.calls import call, failure_of, fitted, room_for
from mrvideo.agents.ask.cast import CAST_SHARE, cast_of
from mrvideo.agents.ask.changes import fetch_as
from mrvideo.agents.ask.crops import with_crops
from mrvideo.agents.ask.exemplars import portraits
from mrvideo.agents.ask.pixels import Bin, images_across, pictures_of
from mrvideo.agents.ask.segments import cues_within
from mrvideo.agents.ask.shots import padded
from mrvideo.agents.ask.state import Context, Opinion
from mrvideo.errors import ModelError, ModelUnavailable, RequestTooLarge
from mrvideo.models.base import Model, Picture
from mrvideo.records import Evidence, Frame, Span, Unseen, merge_spans
from mrvideo.schemas.analysis import CheckReply, Density, Statement, VerifyInputs, VerifyReply
from mrvideo.speech.known import speech_of

MARGIN_SECONDS = 1.0
"""Shown around what was seen in single frames, within their shot, so that an instant is more than one
picture.
"""

_AROUND_SECONDS = 10.0
"""Cues that begin or end within so much of a cited one are read with it: one line alone may tell nothing."""


@dataclass(frozen=True)
class Subject:
    """Statements about the same spans, which `make_bins` says how to show in so many frames, `least` of them at
    least. Where nothing is to be shown, cues decide.
    """

    statements: tuple[Statement, ...]
    spans: list[Span]
    make_bins: Callable[[int], list[Bin]]
    least: int = 1


async def check_statements(
    context: Context,
    subjects: Sequence[Subject],
    *,
    named: Sequence[str] = (),
    heard: Sequence[Span] = (),
    spoken: bool = False,
    model: Model,
    images: int,
    look: Density = "ends",
    phase: float = 0.5,
    sampled: bool = False,
) -> tuple[list[Opinion], int]:
    """One call, what it came to for each statement of each subject in turn, and how many pictures it was sent.
    `named`: other texts that name whom they are about. `heard`: cited cues, which are shown among those around
    them. `spoken`: what rests on cues alone may go without pictures.

    Of several subjects each is a moment with frames of its own, labelled so. Where a call about all of them fails,
    each has one of its own: what one moment shows, or how much it is, must not hide the others.
    """

    async def once(final: bool) -> tuple[list[Opinion], int]:
        return await _checked(
            context, subjects, named=named, heard=heard, spoken=spoken, model=model, images=images, look=look,
            phase=phase, sampled=sampled, final=final,
        )  # fmt: skip

    if len(subjects) == 1:
        return await fitted(model, once)
    try:
        return await once(False)
    except ModelUnavailable:
        raise
    except ModelError:
        each = [
            await check_statements(
                context, [subject], named=named, heard=heard, spoken=spoken, model=model,
                images=images // len(subjects), look=look, phase=phase, sampled=sampled,
            )
            for subject in subjects
        ]  # fmt: skip
        return [opinion for opinions, _ in each for opinion in opinions], sum(sent for _, sent in each)


async def _checked(
    context: Context,
    subjects: Sequence[Subject],
    *,
    named: Sequence[str],
    heard: Sequence[Span],
    spoken: bool,
    model: Model,
    images: int,
    look: Density,
    phase: float,
    sampled: bool,
    final: bool,
) -> tuple[list[Opinion], int]:
    texts = [statement.text for subject in subjects for statement in subject.statements]
    every = merge_spans([s for subject in subjects for s in subject.spans], gap_seconds=None)
    most = min(images, images_across(context, model))
    needed = len(every) if len(subjects) == 1 else sum(subject.least for subject in subjects)
    if sampled:
        # Of a sample, a third is spent on who is meant.
        needed = max(most - min(most // 3, 3), 1)
    exemplars, known = await portraits(
        context,
        named=[*named, *texts],
        images=most,
        spans=needed,
        model=model,
        shown=() if sampled else every,
    )
    shares = _shares([subject.least for subject in subjects], most - len(exemplars))
    fetched = [
        await fetch_as(context, look, subject.make_bins(share) if share else [], phase=phase, model=model)
        for subject, share in zip(subjects, shares, strict=True)
    ]
    asked = [n for n in range(len(subjects)) if fetched[n].frames or spoken]
    if not asked:
        return [
            Opinion(None, "", own.unseen, looked=False)
            for subject, own in zip(subjects, fetched, strict=True)
            for _ in subject.statements
        ], 0
    several = len(asked) > 1 and any(fetched[n].frames for n in asked)
    moments = {n: place if several else 0 for place, n in enumerate(asked, start=1)}
    outside = {n: _outside(fetched[n].shown, subjects[n].spans) for n in asked}
    own = {n: _labelled(fetched[n].frames, outside[n], moments[n]) for n in asked}
    if look == "text":
        free = most - len(exemplars) - sum(map(len, own.values()))
        own = {n: await with_crops(context, fetched[n].frames, own[n], free // len(asked)) for n in asked}
    shown_any = any(own.values())
    pictures = (*exemplars, *(p for n in asked for p in own[n])) if shown_any else ()
    eye = model if pictures else context.checker or context.text
    room = room_for(context, eye, images=len(pictures))
    shown = {
        n: [s for s in subjects[n].spans if _is_shown(s, fetched[n].shown)] or subjects[n].spans
        for n in asked
    }
    about = {n: shown[n] if sampled else subjects[n].spans for n in asked}
    of_all = merge_spans([s for n in asked for s in about[n]], gap_seconds=None)
    around = [span.padded(_AROUND_SECONDS) for span in heard]
    cues = cues_within(context, [*of_all, *around], room=room // 2, model=eye)
    times = [(f.time_seconds, f.time_seconds in outside[n]) for n in asked for f in fetched[n].frames]
    inputs = VerifyInputs(
        statements=tuple(
            statement.model_copy(update={"moment": moments[n]})
            for n in asked
            for statement in subjects[n].statements
        ),
        spans=tuple(merge_spans([s for n in asked for s in shown[n]], gap_seconds=None)),
        frame_times=tuple(time for time, beside in times if not beside),
        context_times=tuple(time for time, beside in times if beside),
        sampled=sampled,
        cues=cues,
        # A name without its line in the cast tells nothing to whoever looks, or reads.
        entities=cast_of(
            context, texts=texts if shown_any else [*texts, *named], names=known, room=room // CAST_SHARE
        ),
        speech=speech_of(context.index, of_all, cues),
        exemplars=known if pictures else (),
        crops=sum(map(len, own.values())) > len(times),
    )
    hull = Span(of_all[0].start_seconds, max(s.stop_seconds for s in of_all))
    try:
        reply = await call(context, eye, "verify", inputs, VerifyReply, pictures=pictures, span=hull)
    except ModelError as error:
        if len(subjects) > 1 or (isinstance(error, RequestTooLarge) and not final):
            raise
        reason = f"a claim about it could not be checked: {failure_of(error)}"
        return [
            Opinion(
                None, "", (*got.unseen, *(Unseen.of(s, reason) for s in about.get(n, ()))), looked=False
            )
            for n, (subject, got) in enumerate(zip(subjects, fetched, strict=True))
            for _ in subject.statements
        ], 0  # fmt: skip
    replies = iter(reply.checks)
    opinions: list[Opinion] = []
    for n, subject in enumerate(subjects):
        got = fetched[n]
        for statement in subject.statements:
            if n not in asked:
                opinions.append(Opinion(None, "", got.unseen, looked=False))
                continue
            check = next(replies)
            whole = all(_is_shown(s, got.shown) for s in statement.spans)
            opinions.append(
                Opinion(
                    {"yes": True if spoken or sampled or whole else None, "no": False}.get(check.verdict),
                    check.seen,
                    got.unseen,
                    # What was said is on no frame: a model that only reads finds it in the cue that it was
                    # quoted from.
                    pixels=bool(got.frames) and (not spoken or eye.capabilities.judges),
                    heard=spoken and not got.frames,
                    second=eye.name not in (context.vision.name, context.text.name),
                    corrected=_corrected(check, [f.time_seconds for f in got.frames]),
                    sent=len(own[n]) + len(exemplars) if pictures else 0,
                    frames=len(got.frames),
                    shown=tuple(shown[n]),
                    unclear=check.verdict == "unclear",
                )
            )
    return opinions, len(pictures)


def _shares(least: Sequence[int], free: int) -> list[int]:
    """How many of the free pictures each may send: first what each needs, then as many as the others, in turn."""
    counts = [0] * len(least)
    for limit in (1, 0):
        open_ = [n for n in range(len(least)) if not limit or counts[n] < least[n]]
        while free > sum(counts) and open_:
            for n in open_[: free - sum(counts)]:
                counts[n] += 1
            open_ = [n for n in open_ if not limit or counts[n] < least[n]]
    return counts


def _labelled(frames: Sequence[Frame], outside: Collection[float], moment: int) -> tuple[Picture, ...]:
    """The frames, labelled with their time, and with their moment where a call shows several."""
    pictures = pictures_of(frames, outside=outside)
    if not moment:
        return pictures
    return tuple(replace(p, label=f"moment {moment}: {p.label}") for p in pictures)


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
