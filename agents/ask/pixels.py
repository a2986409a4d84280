"""Fresh frames of planned spans, and what could not be decoded of them.

span     [------------------------------)
bins     [--------)[--------)[----------)
frames       ^          ^         ^         one in the middle of each bin; a bin without its frame is unseen
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from anyio import to_thread

from mrvideo.agents.ask.state import Context
from mrvideo.errors import VideoChanged, VideoError
from mrvideo.models.base import Picture
from mrvideo.records import Frame, Span, Unseen, merge_spans

LOOK_FRAMES_PER_SECOND = 2.0


@dataclass(frozen=True)
class Bin:
    """A stretch that one frame stands for, and the planned span it belongs to."""

    time_seconds: float
    span: Span
    of: Span


@dataclass(frozen=True)
class Fetched:
    """Frames in order, each with a time inside the span it was asked for; which span showed which times; what was lost."""

    frames: tuple[Frame, ...]
    shown: tuple[tuple[Span, tuple[float, ...]], ...]
    unseen: tuple[Unseen, ...]


def dense_bins(spans: Sequence[Span], images: int, *, phase: float = 0.5) -> list[Bin]:
    """At most two frames a second, at most `images` over all spans, each span at least one where that is enough.

    `phase` says where in its bin a frame is taken: another look of the same span sees other frames.
    """
    spans = _spread(spans, images)
    wanted = [max(1, round(span.duration_seconds * LOOK_FRAMES_PER_SECOND)) for span in spans]
    spare = images - len(spans)
    extra = sum(wanted) - len(spans)
    counts = [1 + (w - 1 if extra <= spare else (w - 1) * spare // extra) for w in wanted]
    bins: list[Bin] = []
    for span, count in zip(spans, counts, strict=True):
        step = span.duration_seconds / count
        cuts = [*(span.start_seconds + i * step for i in range(count)), span.stop_seconds]
        bins.extend(Bin(low + (high - low) * phase, Span(low, high), span) for low, high in pairwise(cuts))
    return bins


def scene_bins(context: Context, spans: Sequence[Span], images: int, *, phase: float = 0.5) -> list[Bin]:
    """One frame per scene across the spans, at most `images`, evenly chosen; where no scenes are known, even bins."""
    parts = [
        part
        for span in spans
        for scene in context.scenes.overlapping(span)
        if (part := scene.span.intersection(span)) and part.duration_seconds > 0
    ]
    if not parts:
        parts = [
            Span(b.span.start_seconds, b.span.stop_seconds)
            for s in spans
            for b in dense_bins([s], max(images // len(spans), 1))
        ]
    return [
        Bin(part.start_seconds + part.duration_seconds * phase, part, part) for part in _spread(parts, images)
    ]


async def fetch(context: Context, bins: Sequence[Bin]) -> Fetched:
    """The frames of the bins, decoded in a thread. What cannot be decoded is data, not an error.

    Raises `VideoChanged` where the file is not the video any more.
    """
    if context.frames is None or not bins:
        return Fetched((), (), ())
    ordered = sorted(bins, key=lambda b: b.time_seconds)
    times = [b.time_seconds for b in ordered]
    try:
        frames = await to_thread.run_sync(context.frames.at, times, limiter=context.decoding)
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
        # A frame that came on screen before the span began still stands there: it is shown under the span's time.
        inside = min(max(frame.time_seconds, bin_.of.start_seconds), bin_.of.stop_seconds)
        kept.append(replace(frame, time_seconds=inside))
        shown.setdefault(bin_.of, []).append(inside)
    return Fetched(
        tuple(kept),
        tuple((span, tuple(shown_times)) for span, shown_times in shown.items()),
        _lost([b.span for b in lost], "its frames could not be decoded"),
    )


def pictures_of(frames: Sequence[Frame]) -> tuple[Picture, ...]:
    """Frames as a model sees them, labelled with their times."""
    return tuple(Picture(f"{f.time_seconds:.2f} s", f.jpeg, f.time_seconds) for f in frames)


def images_per_look(context: Context) -> int:
    """How many frames a dense re-look sends."""
    able = context.vision.capabilities
    return max(min(able.look_images, able.max_images, 32), 1)


def images_across(context: Context, *, taken: int = 0) -> int:
    """How many frames a look across spans sends: up to 40 with those `taken` already, fewer for a model that takes few."""
    able = context.vision.capabilities
    if able.look_images < 32:
        return images_per_look(context)
    return max(min(able.max_images, 40) - taken, 1)


def phase_of(round_: int, *, check: int = 0) -> float:
    """A look (check 0), a check (1) and its second opinion (2) each take other frames, and so does each round, for three."""
    phases = (0.5, 0.25, 0.75, 0.375, 0.625, 0.125, 0.4375, 0.5625, 0.875)
    return phases[(3 * (round_ - 1) + check) % len(phases)]


def _align(bins: Sequence[Bin], frames: Sequence[Frame]) -> tuple[list[tuple[Bin, Frame]], list[Bin]]:
    """Which bin each frame answers. Only frames that came back are known; each was on screen at its bin's time."""
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


def _spread(spans: Sequence[Span], count: int) -> list[Span]:
    """At most `count` of the spans, first and last among them, evenly between."""
    if len(spans) <= count:
        return list(spans)
    if count == 1:
        return [spans[len(spans) // 2]]
    return [spans[i * (len(spans) - 1) // (count - 1)] for i in range(count)]


def _lost(spans: list[Span], reason: str) -> tuple[Unseen, ...]:
    return tuple(Unseen.of(s, reason) for s in merge_spans(spans, gap_seconds=1e-6))
