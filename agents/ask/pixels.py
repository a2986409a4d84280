"""Fresh frames of planned spans, and what could not be decoded of them.

span     [------------------------------)
bins     [--------)[--------)[----------)
frames       ^          ^         ^         one in the middle of each bin; a bin without its frame is unseen
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest

from anyio import to_thread

from mrvideo.agents.ask.named import entities_named
from mrvideo.agents.ask.shots import padded, units
from mrvideo.agents.ask.state import Context, Frames
from mrvideo.errors import VideoChanged, VideoError
from mrvideo.models.base import Model, Picture
from mrvideo.records import Box, Frame, Span, Unseen, merge_spans
from mrvideo.schemas.analysis import Density
from mrvideo.text import times_in

LOOK_FRAMES_PER_SECOND = 2.0
SHORT_ACT_FRAMES_PER_SECOND = 8.0

ENDS_FRAMES = 12
"""Frames that show when something begins and ends."""

LONG_SHOT_SECONDS = 10.0
"""A shot that lasts is glanced at once for about each of these."""

LEAST_SIGN_SECONDS = 0.5
"""A text known for less than this is looked for in the whole span: a moment would be the same in each look.
"""

MOST_CROPS = 6
"""Crops of one frame at the size of the source."""

SAME_FRAME_SECONDS = 0.05
"""A box found in a frame is where it says in another one this near."""


@dataclass(frozen=True)
class Bin:
    """A span that one frame stands for, and the planned span it belongs to."""

    time_seconds: float
    span: Span
    of: Span


@dataclass(frozen=True)
class Fetched:
    """Frames in order, each with a time inside the span it was asked for; which span showed which times; what
    was lost.
    """

    frames: tuple[Frame, ...]
    shown: tuple[tuple[Span, tuple[float, ...]], ...]
    unseen: tuple[Unseen, ...]


def dense_bins(spans: Sequence[Span], images: int, *, phase: float = 0.5) -> list[Bin]:
    """Frames close together: up to eight a second of a short act, two a second of a longer one, at most
    `images` over all.

    Each span gets at least one where that is enough. `phase` says where in its bin a frame is taken: another
    look of the same span sees other frames.
    """
    spans = spread(spans, images)
    wanted = [dense_frames(span) for span in spans]
    spare = images - len(spans)
    extra = sum(wanted) - len(spans)
    counts = [1 + (w - 1 if extra <= spare else (w - 1) * spare // extra) for w in wanted]
    return [b for span, count in zip(spans, counts, strict=True) for b in even_bins(span, span, count, phase)]


def dense_frames(span: Span) -> int:
    """How many frames show a span closely: eight a second up to sixteen, then two a second."""
    seconds = span.duration_seconds
    most = max(16, round(seconds * LOOK_FRAMES_PER_SECOND))
    return max(1, min(round(seconds * SHORT_ACT_FRAMES_PER_SECOND), most))


def glance_bins(context: Context, spans: Sequence[Span], images: int, *, phase: float = 0.5) -> list[Bin]:
    """One frame of each shot, two or more of one that lasts; at most `images`, evenly chosen where there are
    more shots.
    """
    parts = spread(units(context, spans), images)
    counts = [_glances(part) for part in parts]
    spare = images - len(parts)
    extra = sum(counts) - len(parts)
    counts = [1 + (c - 1 if extra <= spare else (c - 1) * spare // extra) for c in counts]
    return [b for part, count in zip(parts, counts, strict=True) for b in even_bins(part, part, count, phase)]


def glance_frames(context: Context, spans: Sequence[Span]) -> int:
    """How many frames a glance at the spans takes."""
    return sum(_glances(part) for part in units(context, spans))


def ends_bins(context: Context, spans: Sequence[Span], images: int, *, phase: float = 0.5) -> list[Bin]:
    """Both ends of each span, inside and just outside; what is left over lies between. Outside frames belong
    to no span named.

    outside  [ inside            inside ]  outside
       ^      ^  ^       ^       ^  ^        ^
    """
    spans = spread(spans, images)
    bins: list[Bin] = []
    for place, span in enumerate(spans):
        own = images // len(spans) + (place < images % len(spans))
        outside = _outside(context, span, min((own - 1) // 2 if own < 6 else own // 3, max(own - 3, 0)))
        inside = own - len(outside)
        bins += outside
        bins += _towards_ends(span, min(inside, dense_frames(span)), phase)
    return bins


def text_bins(context: Context, spans: Sequence[Span], images: int, *, phase: float = 0.5) -> list[Bin]:
    """One moment of each span, while a text stands there where one is known, and where it shows best whom the question
    names; crops of it follow.
    """
    bins: list[Bin] = []
    named = shown_boxes(context)
    for span in spread(spans, images):
        signs = [s.span for scene in context.scenes.overlapping(span) for s in scene.sightings]
        parts = [part for sign in signs if (part := sign.intersection(span))]
        shown = next((part for part in parts if part.duration_seconds >= LEAST_SIGN_SECONDS), span)
        best = next((time for _, time, _ in named if shown.contains(time)), None)
        bins += even_bins(shown, span, 1, phase) if best is None else [Bin(best, shown, span)]
    return bins


def bins_for(
    context: Context,
    look: Density,
    spans: Sequence[Span],
    images: int,
    *,
    phase: float = 0.5,
    turn: int = 0,
) -> list[Bin]:
    """What to show of the spans, as the plan asks. A time that the question names gets a frame at that very
    time. `turn` as in `unsent`.
    """
    images = max(images, 1)
    if look == "dense":
        bins = dense_bins(spans, images, phase=phase)
    else:
        bins = _BINS[look](context, spans, images, phase=phase)
    return unsent(context, _with_exact_times(context, spans, bins, images), turn=turn)


def unsent(context: Context, bins: Sequence[Bin], *, turn: int = 0) -> list[Bin]:
    """The bins, each at a time of which no frame was sent before, where it has one: the same frame twice
    tells nothing new.

    Of several calls of one stage that show the same span, each takes another `turn` among such times.
    """
    fresh: list[Bin] = []
    sent, own = context.sent, set[float]()
    for bin_ in bins:
        start, seconds = bin_.span.start_seconds, bin_.span.duration_seconds
        times = (bin_.time_seconds, *(start + seconds * phase for phase in _ELSEWHERE if seconds > 0))
        new = [t for t in dict.fromkeys(times) if round(t, 2) not in sent.before | own]
        time = new[turn % len(new)] if new else bin_.time_seconds
        own.add(round(time, 2))
        fresh.append(replace(bin_, time_seconds=time))
    sent.now |= own
    return fresh


_ELSEWHERE = (0.45, 0.55, 0.3, 0.7, 0.15, 0.85)

_BINS: dict[Density, Callable[..., list[Bin]]] = {
    "glance": glance_bins,
    "ends": ends_bins,
    "text": text_bins,
}


def frames_for(context: Context, look: Density, spans: Sequence[Span]) -> int:
    """How many pictures such a look would take, were there no bound."""
    if look == "glance":
        return glance_frames(context, spans)
    if look == "text":
        return len(spans) * (1 + MOST_CROPS)
    return sum(min(dense_frames(span), ENDS_FRAMES if look == "ends" else 10**6) for span in spans)


def asked_times(context: Context) -> list[float]:
    """The times that the question names, as far as the video reaches."""
    return [t for t in times_in(context.question) if context.whole.contains(t)]


def _with_exact_times(context: Context, spans: Sequence[Span], bins: list[Bin], images: int) -> list[Bin]:
    for time in asked_times(context):
        around = next((span for span in spans if span.contains(time)), None)
        if around is None or any(abs(b.time_seconds - time) < 1e-3 for b in bins):
            continue
        if len(bins) >= images:
            bins.remove(min(bins, key=lambda b: abs(b.time_seconds - time)))
        bins.append(Bin(time, Span(time, time), around))
    return sorted(bins, key=lambda b: b.time_seconds)


def _glances(part: Span) -> int:
    return max(1, round(part.duration_seconds / LONG_SHOT_SECONDS))


def even_bins(part: Span, of: Span, count: int, phase: float) -> list[Bin]:
    """`count` bins of the same length over a part of the span `of`."""
    step = part.duration_seconds / count
    cuts = [*(part.start_seconds + i * step for i in range(count)), part.stop_seconds]
    return [Bin(low + (high - low) * phase, Span(low, high), of) for low, high in pairwise(cuts)]


def _towards_ends(span: Span, count: int, phase: float) -> list[Bin]:
    """Frames inside that lie closer together towards both ends."""
    if count < 4:
        return even_bins(span, span, max(count, 1), phase)
    near = min(1.5, span.duration_seconds / 4)
    at_ends = count // 3
    first = Span(span.start_seconds, span.start_seconds + near)
    last = Span(span.stop_seconds - near, span.stop_seconds)
    middle = Span(first.stop_seconds, last.start_seconds)
    return [
        *even_bins(first, span, at_ends, phase),
        *even_bins(middle, span, count - 2 * at_ends, phase),
        *even_bins(last, span, at_ends, phase),
    ]


def _outside(context: Context, span: Span, count: int) -> list[Bin]:
    """Frames just outside, at most `count`, as many before as behind: nearest first, up to a cut, and one
    beyond it.
    """
    wide = padded(context, span)
    whole = context.whole
    before = [span.start_seconds - step for step in _steps(span.start_seconds - wide.start_seconds)]
    behind = [span.stop_seconds + step for step in _steps(wide.stop_seconds - span.stop_seconds)]
    times = [t for pair in zip_longest(before, behind) for t in pair if t is not None and whole.contains(t)]
    return [Bin(t, Span(t, t), Span(t, t)) for t in sorted(times[: max(count, 0)])]


def _steps(room_seconds: float) -> list[float]:
    inside = [step for step in (0.2, 0.7, 1.2) if step <= room_seconds]
    return inside if len(inside) == 3 else [*inside, room_seconds + 0.2]


async def fetch(context: Context, bins: Sequence[Bin], *, source: Frames | None = None) -> Fetched:
    """The frames of the bins, decoded in a thread, by `source` where given. What cannot be decoded is data,
    not an error.

    Raises `VideoChanged` where the file is not the video any more.
    """
    source = source or context.frames
    if source is None or not bins:
        return Fetched((), (), ())
    ordered = sorted(bins, key=lambda b: b.time_seconds)
    times = [b.time_seconds for b in ordered]
    try:
        frames = await to_thread.run_sync(source.at, times, limiter=context.decoding)
    except VideoChanged:
        raise  # No lost span: what was answered so far is of another film than the file is by now.
    except (VideoError, OSError) as error:
        return Fetched((), (), _lost([b.span for b in ordered], str(error)))
    served, lost = _align(ordered, frames)
    shown: dict[Span, list[float]] = {}
    kept: list[Frame] = []
    seen: set[tuple[float, Span]] = set()
    for bin_, frame in served:
        if (frame.time_seconds, bin_.of) in seen:
            continue
        seen.add((frame.time_seconds, bin_.of))
        # A frame that came on screen before the span began still stands there: it is shown under the span's
        # time.
        inside = min(max(frame.time_seconds, bin_.of.start_seconds), bin_.of.stop_seconds)
        kept.append(replace(frame, time_seconds=inside))
        shown.setdefault(bin_.of, []).append(inside)
    return Fetched(
        tuple(kept),
        tuple((span, tuple(shown_times)) for span, shown_times in shown.items()),
        _lost([b.span for b in lost], "its frames could not be decoded"),
    )


def pictures_of(frames: Sequence[Frame], *, outside: Collection[float] = ()) -> tuple[Picture, ...]:
    """Frames as a model sees them, labelled with their times; those at the times `outside` are marked as
    context.
    """
    return tuple(
        Picture.of(frame, prefix="context " if frame.time_seconds in outside else "") for frame in frames
    )


def shown_boxes(context: Context) -> list[tuple[str, float, Box]]:
    """Of those of the cast whom the question names: name, when a frame shows them best, and where."""
    named = entities_named(context, [context.question, *context.options])
    names = {mention_id: entity.name for entity in named for mention_id in entity.mention_ids}
    return [
        (names[one.mention_id], one.exemplar_seconds, one.box)
        for one in context.index.mentions
        if one.mention_id in names and one.box is not None
    ]


def images_per_look(context: Context, model: Model | None = None) -> int:
    """How many frames one look sends at most."""
    able = (model or context.vision).capabilities
    return max(min(able.look_images, able.max_images, 32), 1)


def images_across(context: Context, model: Model | None = None) -> int:
    """How many pictures a look across the video sends at most: up to 40, fewer for a model that takes few."""
    able = (model or context.vision).capabilities
    if able.look_images < 32:
        return images_per_look(context, model)
    return max(min(able.max_images, 40), 1)


def phase_of(round_: int, *, check: int = 0) -> float:
    """A look (check 0), a check (1), its second opinion (2) and a second look (3) each take other frames, and
    so does each round, for three.
    """
    phases = (0.5, 0.25, 0.75, 0.125, 0.375, 0.625, 0.875, 0.3125, 0.4375, 0.5625, 0.1875, 0.8125)
    return phases[(4 * (round_ - 1) + check) % len(phases)]


def _align(bins: Sequence[Bin], frames: Sequence[Frame]) -> tuple[list[tuple[Bin, Frame]], list[Bin]]:
    """Which bin each frame answers. Only frames that came back are known; each was on screen at its bin's
    time.
    """
    if len(bins) == len(frames):
        return list(zip(bins, frames, strict=True)), []
    served: list[tuple[Bin, Frame]] = []
    lost: list[Bin] = []
    position = 0
    for bin_ in bins:
        if position < len(frames) and frames[position].time_seconds <= bin_.time_seconds + 1e-3:
            served.append((bin_, frames[position]))
            position += 1
        else:
            lost.append(bin_)
    return served, lost


def spread(spans: Sequence[Span], count: int) -> list[Span]:
    """At most `count` of the spans, first and last among them, evenly between."""
    if len(spans) <= count:
        return list(spans)
    if count == 1:
        return [spans[len(spans) // 2]]
    return [spans[i * (len(spans) - 1) // (count - 1)] for i in range(count)]


def _lost(spans: list[Span], reason: str) -> tuple[Unseen, ...]:
    return tuple(Unseen.of(s, reason) for s in merge_spans(spans, gap_seconds=1e-6))
