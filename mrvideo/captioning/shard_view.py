"""What a shard's clips show: each clip's frames, the one before it, and the stretches that could not be decoded."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

from mrvideo.captioning.frames import Shown, on_screen
from mrvideo.captioning.options import CaptioningOptions
from mrvideo.captioning.shard_records import ShardSpec
from mrvideo.media.clips import plan_clips, plan_shards, sample_times
from mrvideo.media.shard import ShardFrames
from mrvideo.models.base import Picture
from mrvideo.records import Failure, Frame, Mention, Shot, Span, merge_spans

_TICK = 1e-6


def plan(duration_seconds: float, options: CaptioningOptions) -> tuple[Span, ...]:
    """The video's shards, each a whole number of clips long."""
    clips = max(1, round(options.shard_seconds / options.clip_seconds))
    return plan_shards(
        duration_seconds, shard_seconds=clips * options.clip_seconds, clip_seconds=options.clip_seconds
    )


@dataclass(frozen=True)
class ClipView:
    """A clip, or what broken bytes left of one, as it can be shown.

    `span` starts at its first frame's own time, which may lie a little before the clip; `before` is the frame ahead
    of that. `same_picture`: the clip before ended on the very frame this one starts with.
    """

    span: Span
    shown: tuple[Shown, ...]
    before: Shown | None
    same_picture: bool
    cut_times: tuple[float, ...]

    @property
    def frame_times(self) -> tuple[float, ...]:
        """Own times of the frames, ascending from the span's start."""
        return (self.span.start_seconds, *(one.frame.time_seconds for one in self.shown[1:]))


@dataclass(frozen=True)
class ShardView:
    """Everything one shard's calls are made from."""

    spec: ShardSpec
    clips: tuple[ClipView, ...]
    still_spans: tuple[Span, ...]
    sparse: tuple[Shown, ...]
    shots: tuple[Shot, ...]
    failures: tuple[Failure, ...]

    @property
    def span(self) -> Span:
        """The shard's span, from its first frame's own time, which may lie a little before the plan's."""
        starts = [clip.span.start_seconds for clip in self.clips[:1]]
        return Span(min([self.spec.span.start_seconds, *starts]), self.spec.span.stop_seconds)

    def exemplar(self, mention: Mention) -> Picture | None:
        """The mention's exemplar for a request, labelled with its mark."""
        frame = self.exemplar_frame(mention)
        return frame and Picture(f"<{mention.name}>", frame.jpeg, mention.exemplar_seconds)

    def exemplar_frame(self, mention: Mention) -> Frame | None:
        """The frame that shows the mention best; None when it was not among those shown."""
        for one in self.sparse:
            if abs(one.time_seconds - mention.exemplar_seconds) < _TICK:
                return one.frame
        return None


def view_shard(spec: ShardSpec, shard: ShardFrames) -> ShardView:
    """The shard's clips and failures of stage `decode`; together they tile it."""
    options = spec.options
    step = 1 / options.frames_per_second
    # A glitch between two samples costs nothing that would have been looked at.
    holes = merge_spans([f.span for f in shard.lost if f.duration_seconds >= step], gap_seconds=1.0)
    reasons = tuple(dict.fromkeys(reason for f in shard.lost for reason in f.reasons))
    reasons = reasons or ("no frame could be decoded here",)
    clips: list[ClipView] = []
    failures: list[Failure] = []
    sampled = spec.span.start_seconds - step
    for clip in plan_clips(spec.span, clip_seconds=options.clip_seconds):
        for part, lost in _parts(clip.span, holes):
            view = None if lost else _clip_view(part, shard, holes, sampled, options.frames_per_second)
            if view is None:
                failures.append(Failure.of(part, "decode", *reasons, final=True))
            else:
                clips.append(view)
            sampled = sample_times(part, frames_per_second=options.frames_per_second)[-1]
    return ShardView(
        spec=spec,
        clips=tuple(clips),
        still_spans=shard.still_spans if options.thin_stills else (),
        sparse=_sparse(spec, shard),
        shots=shard.shots,
        failures=tuple(failures),
    )


def _sparse(spec: ShardSpec, shard: ShardFrames) -> tuple[Shown, ...]:
    """The frames that characters are selected from: evenly spaced, but a shot that none of them falls in gets one.

    evenly    |.   .   .   .   .   .|          as many frames as before: those of the shots that have most give way,
    shots     |------------|-|------|          so that whoever is seen in a short shot alone can have a name
    chosen    |.   .   .    .  .   .|
    """
    options = spec.options
    chosen = list(on_screen(shard.frames, spec.span, frames_per_second=options.characters_per_second))
    every = on_screen(shard.frames, spec.span, frames_per_second=options.frames_per_second)
    for shot in shard.shots:
        inside = _within(shot, every)
        if not inside or _within(shot, chosen):
            continue
        fullest = max((_within(other, chosen) for other in shard.shots), key=len)
        if len(fullest) < 2:
            break
        chosen.remove(fullest[len(fullest) // 2])
        insort(chosen, inside[len(inside) // 2], key=_time)
    return tuple(chosen)


def _within(shot: Shot, shown: Sequence[Shown]) -> Sequence[Shown]:
    """Those of the ascending pictures whose times fall into the shot."""
    first = bisect_left(shown, shot.start_seconds, key=_time)
    return shown[first : bisect_left(shown, shot.stop_seconds, first, key=_time)]


def _time(shown: Shown) -> float:
    return shown.time_seconds


def _parts(clip: Span, holes: Sequence[Span]) -> list[tuple[Span, bool]]:
    """The clip cut at the holes: (part, whether it is lost), in order."""
    parts: list[tuple[Span, bool]] = []
    at = clip.start_seconds
    for hole in holes:
        lost = hole.intersection(clip)
        if lost is None:
            continue
        if lost.start_seconds > at + _TICK:
            parts.append((Span(at, lost.start_seconds), False))
        parts.append((lost, True))
        at = lost.stop_seconds
    if at < clip.stop_seconds - _TICK:
        parts.append((Span(at, clip.stop_seconds), False))
    return parts


def _clip_view(
    part: Span, shard: ShardFrames, holes: Sequence[Span], sampled: float, frames_per_second: float
) -> ClipView | None:
    # A frame from before a hole no longer stands for what is on screen after it.
    reach = max((h.stop_seconds for h in holes if h.stop_seconds <= part.start_seconds + _TICK), default=0.0)
    frames = [frame for frame in shard.frames if frame.time_seconds >= reach - _TICK]
    shown = on_screen(frames, part, frames_per_second=frames_per_second)
    if not shown:
        return None
    own = shown[0].frame.time_seconds
    same = own <= sampled + _TICK and part.start_seconds > 0
    start = part.start_seconds if same else own
    if part.start_seconds == 0:
        start = 0.0
    return ClipView(
        span=Span(start, part.stop_seconds),
        shown=shown,
        before=_before(frames, own),
        same_picture=same,
        cut_times=tuple(
            shot.start_seconds
            for shot in shard.shots
            if shot.transition != "start" and start < shot.start_seconds < part.stop_seconds
        ),
    )


def _before(frames: Sequence[Frame], own_seconds: float) -> Shown | None:
    earlier = [frame for frame in frames if frame.time_seconds < own_seconds]
    return Shown(earlier[-1], earlier[-1].time_seconds) if earlier else None
