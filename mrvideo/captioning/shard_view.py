"""What a shard's clips show: each clip's frames, the one before it, and the stretches that could not be decoded."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from mrvideo.captioning.frames import Shown, alike, on_screen
from mrvideo.captioning.options import CaptioningOptions
from mrvideo.captioning.shard_records import ShardSpec
from mrvideo.media.clips import plan_clips, plan_shards, sample_times
from mrvideo.media.shard import ShardFrames
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

    def exemplar_frame(self, mention: Mention) -> Frame | None:
        """The frame that shows the mention best; None when it was not among those shown."""
        shown = (one for frames in (self.sparse, *(clip.shown for clip in self.clips)) for one in frames)
        for one in shown:
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
    """The frames that characters are selected from: one of each camera shot, more of long ones, each the sharpest near its middle.

    shots     |------------|-|------|          half as many as the rate allows, more only where there are more shots, so that
    chosen    |   .     .  |.|   .  |          whoever is seen in a short shot alone can have a name
    """
    options = spec.options
    most = max(1, math.ceil(spec.span.duration_seconds * options.characters_per_second - _TICK))
    every = on_screen(shard.frames, spec.span, frames_per_second=options.frames_per_second)
    spans = [shot.span for shot in shard.shots] or [spec.span]
    held = [(span, own) for span in spans if (own := _within(span, every))]
    if len(held) > most:
        # More shots than the rate allows frames: the longest of them.
        longest = sorted(held, key=lambda one: (-one[0].duration_seconds, one[0].start_seconds))[:most]
        held = [one for one in held if one in longest]
    counts = [1] * len(held)
    # No clip of recipe `paper` proposes whom this look misses.
    usual = most if options.recipe == "paper" else math.ceil(most / 2)
    while held and sum(counts) < usual:
        rates = [len(own) / count for (_, own), count in zip(held, counts, strict=True)]
        if max(rates) < 2:
            break
        counts[rates.index(max(rates))] += 1
    chosen: list[Shown] = []
    for (_, own), count in zip(held, counts, strict=True):
        cuts = [round(part * len(own) / count) for part in range(count + 1)]
        for low, high in pairwise(cuts):
            one = _sharpest(own[low:high])
            still = any(span.contains(one.time_seconds) for span in shard.still_spans)
            # What has not moved since shows nobody else.
            if not (chosen and still and options.thin_stills and alike(chosen[-1].frame, one.frame)):
                chosen.append(one)
    return tuple(chosen)


def _sharpest(part: Sequence[Shown]) -> Shown:
    """Of the middle half, the frame with most detail: at one quality a sharp picture takes more bytes than a blurred one."""
    quarter = len(part) // 4
    inner = part[quarter : len(part) - quarter]
    return max(inner, key=lambda one: (len(one.frame.jpeg), -one.time_seconds))


def _within(shot: Span, shown: Sequence[Shown]) -> Sequence[Shown]:
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
