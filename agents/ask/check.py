"""One check: statements put to frames and cues, by an eye that does not know why they are asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from mrvideo.agents.ask.calls import call, failure_of, fitted, room_for
from mrvideo.agents.ask.cast import CAST_SHARE, cast_of
from mrvideo.agents.ask.changes import fetch_as
from mrvideo.agents.ask.crops import with_crops
from mrvideo.agents.ask.exemplars import portraits
from mrvideo.agents.ask.pixels import Bin, Fetched, images_across, pictures_of
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


@dataclass(frozen=True)
class Manner:
    """How statements are checked: by which model, in how many pictures at most, how closely.

    `sampled`: in single frames of a long stretch. `named`: other texts that name whom they are about. `heard`: cited
    cues, which are shown among those around them. `spoken`: what rests on cues alone may go without pictures.
    """

    model: Model
    images: int
    look: Density = "ends"
    phase: float = 0.5
    sampled: bool = False
    named: Sequence[str] = ()
    heard: Sequence[Span] = ()
    spoken: bool = False


@dataclass(frozen=True)
class _Shown:
    """What a check shows: of each subject what was fetched for it, and of each that something is asked about (`asked`,
    their places) the pictures, the times of those that are context, and the number of its moment (0: the only one).
    """

    exemplars: tuple[Picture, ...]
    known: tuple[str, ...]
    fetched: list[Fetched]
    asked: list[int]
    own: dict[int, tuple[Picture, ...]]
    outside: dict[int, set[float]]
    moments: dict[int, int]

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All of them, in the order in which they are sent; exemplars serve frames, and are none without."""
        shown = tuple(picture for n in self.asked for picture in self.own[n])
        return (*self.exemplars, *shown) if shown else ()

    def spans(self, subjects: Sequence[Subject], n: int) -> list[Span]:
        """The spans of the subject at this place of which a frame is shown; all of them where cues decide."""
        spans = subjects[n].spans
        return [s for s in spans if _is_shown(s, self.fetched[n].shown)] or spans

    def about(self, subjects: Sequence[Subject], n: int, *, sampled: bool) -> list[Span]:
        """The spans that are asked about: of a sample, those that are shown."""
        return self.spans(subjects, n) if sampled else subjects[n].spans


async def check_statements(
    context: Context, subjects: Sequence[Subject], manner: Manner
) -> tuple[list[Opinion], int]:
    """One call, what it came to for each statement of each subject in turn, and how many pictures it was sent.

    Of several subjects each is a moment with frames of its own, labelled so. Where a call about all of them fails,
    each has one of its own: what one moment shows, or how much it is, must not hide the others.
    """

    async def once(final: bool) -> tuple[list[Opinion], int]:
        return await _checked(context, subjects, manner, final=final)

    if len(subjects) == 1:
        return await fitted(manner.model, once)
    try:
        return await once(False)
    except ModelUnavailable:
        raise
    except ModelError:
        alone = replace(manner, images=manner.images // len(subjects))
        each = [await check_statements(context, [subject], alone) for subject in subjects]
        return [opinion for opinions, _ in each for opinion in opinions], sum(sent for _, sent in each)


async def _checked(
    context: Context, subjects: Sequence[Subject], manner: Manner, *, final: bool
) -> tuple[list[Opinion], int]:
    shown = await _shown(context, subjects, manner)
    if not shown.asked:
        return [
            Opinion(None, "", own.unseen, looked=False)
            for subject, own in zip(subjects, shown.fetched, strict=True)
            for _ in subject.statements
        ], 0
    eye = manner.model if shown.pictures else context.checker or context.text
    inputs, hull = _asked(context, subjects, manner, shown, eye)
    try:
        reply = await call(context, eye, "verify", inputs, VerifyReply, pictures=shown.pictures, span=hull)
    except ModelError as error:
        if len(subjects) > 1 or (isinstance(error, RequestTooLarge) and not final):
            raise
        reason = f"a claim about it could not be checked: {failure_of(error)}"
        about = shown.about(subjects, 0, sampled=manner.sampled)
        unseen = (*shown.fetched[0].unseen, *(Unseen.of(span, reason) for span in about))
        return [Opinion(None, "", unseen, looked=False) for _ in subjects[0].statements], 0
    return _opinions(context, subjects, manner, shown, eye, reply), len(shown.pictures)


async def _shown(context: Context, subjects: Sequence[Subject], manner: Manner) -> _Shown:
    """The exemplars of whom the statements name, and the frames of each subject, as many as `manner` allows."""
    model, look = manner.model, manner.look
    texts = [statement.text for subject in subjects for statement in subject.statements]
    every = merge_spans([s for subject in subjects for s in subject.spans], gap_seconds=None)
    most = min(manner.images, images_across(context, model))
    needed = len(every) if len(subjects) == 1 else sum(subject.least for subject in subjects)
    if manner.sampled:
        # Of a sample, a third is spent on who is meant.
        needed = max(most - min(most // 3, 3), 1)
    exemplars, known = await portraits(
        context,
        named=[*manner.named, *texts],
        images=most,
        spans=needed,
        model=model,
        shown=() if manner.sampled else every,
    )
    shares = _shares([subject.least for subject in subjects], most - len(exemplars))
    fetched = [
        await fetch_as(
            context,
            look,
            subject.make_bins(share) if share else [],
            phase=manner.phase,
            model=model,
            apart=manner.sampled,
        )
        for subject, share in zip(subjects, shares, strict=True)
    ]
    asked = [n for n in range(len(subjects)) if fetched[n].frames or manner.spoken]
    several = len(asked) > 1 and any(fetched[n].frames for n in asked)
    moments = {n: place if several else 0 for place, n in enumerate(asked, start=1)}
    outside = {n: _outside(fetched[n].shown, subjects[n].spans) for n in asked}
    own = {n: _labelled(fetched[n].frames, outside[n], moments[n]) for n in asked}
    if look == "text" and asked:
        free = most - len(exemplars) - sum(map(len, own.values()))
        own = {n: await with_crops(context, fetched[n].frames, own[n], free // len(asked)) for n in asked}
    return _Shown(tuple(exemplars), known, fetched, asked, own, outside, moments)


def _asked(
    context: Context, subjects: Sequence[Subject], manner: Manner, shown: _Shown, eye: Model
) -> tuple[VerifyInputs, Span]:
    """The request beside its pictures, as the model `eye` gets it, and from when to when it reaches."""
    asked, pictures = shown.asked, shown.pictures
    texts = [statement.text for subject in subjects for statement in subject.statements]
    room = room_for(context, eye, images=len(pictures))
    of_all = merge_spans(
        [s for n in asked for s in shown.about(subjects, n, sampled=manner.sampled)], gap_seconds=None
    )
    around = [span.padded(_AROUND_SECONDS) for span in manner.heard]
    cues = cues_within(context, [*of_all, *around], room=room // 2, model=eye)
    times = [
        (f.time_seconds, f.time_seconds in shown.outside[n]) for n in asked for f in shown.fetched[n].frames
    ]
    inputs = VerifyInputs(
        statements=tuple(
            statement.model_copy(update={"moment": shown.moments[n]})
            for n in asked
            for statement in subjects[n].statements
        ),
        spans=tuple(merge_spans([s for n in asked for s in shown.spans(subjects, n)], gap_seconds=None)),
        frame_times=tuple(time for time, beside in times if not beside),
        context_times=tuple(time for time, beside in times if beside),
        sampled=manner.sampled,
        cues=cues,
        # A name without its line in the cast tells nothing to whoever looks, or reads.
        entities=cast_of(
            context,
            texts=texts if pictures else [*texts, *manner.named],
            names=shown.known,
            room=room // CAST_SHARE,
        ),
        speech=speech_of(context.index, of_all, cues),
        exemplars=shown.known if pictures else (),
        crops=sum(map(len, shown.own.values())) > len(times),
    )
    return inputs, Span(of_all[0].start_seconds, max(s.stop_seconds for s in of_all))


def _opinions(
    context: Context,
    subjects: Sequence[Subject],
    manner: Manner,
    shown: _Shown,
    eye: Model,
    reply: VerifyReply,
) -> list[Opinion]:
    """What the reply says of each statement; of those that nothing was asked about, that nobody looked."""
    replies = iter(reply.checks)
    opinions: list[Opinion] = []
    for n, subject in enumerate(subjects):
        got = shown.fetched[n]
        for statement in subject.statements:
            if n not in shown.asked:
                opinions.append(Opinion(None, "", got.unseen, looked=False))
                continue
            check = next(replies)
            whole = all(_is_shown(s, got.shown) for s in statement.spans)
            yes = True if manner.spoken or manner.sampled or whole else None
            opinions.append(
                Opinion(
                    {"yes": yes, "no": False}.get(check.verdict),
                    check.seen,
                    got.unseen,
                    # What was said is on no frame: a model that only reads finds it in the cue that it was
                    # quoted from.
                    pixels=bool(got.frames) and (not manner.spoken or eye.capabilities.judges),
                    heard=manner.spoken and not got.frames,
                    second=eye.name not in (context.vision.name, context.text.name),
                    corrected=_corrected(check, [f.time_seconds for f in got.frames]),
                    sent=len(shown.own[n]) + len(shown.exemplars) if shown.pictures else 0,
                    frames=len(got.frames),
                    shown=tuple(shown.spans(subjects, n)),
                    unclear=check.verdict == "unclear",
                )
            )
    return opinions


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
