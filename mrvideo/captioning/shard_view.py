"""What a shard's clips show: each clip's frames, the one before it, and the spans that could not be decoded."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from mrvideo.captioning.frames import Shown, alike, on_screen, thinned
from mrvideo.captioning.glance import first_look
from mrvideo.captioning.options import CaptioningOptions
from mrvideo.captioning.shard_records import ShardSpec
from mrvideo.media.clips import clips_on_cuts, grid_times, plan_shards
from mrvideo.media.images import view_colours
from mrvideo.media.shard import ShardFrames
from mrvideo.models.base import nearest_pick
from mrvideo.records import Failure, Frame, Mention, Shot, Span, merge_spans

_TICK = 1e-6

SHARED_SECONDS = 4.0
"""The first look of a shard reaches so far into the next one."""

_UNLIKE_LEVEL, _ABOUT_AS_FAR = 1.5, 0.8
"""Mean differences of two views' colours, of 255, that somebody makes who walks through one; and the share of the largest
that is as good.
"""

_SAME_VIEW = 12.0
"""Mean difference of two views' colours, of 255, up to which they are one camera's, but for what moves there."""

MOST_SHARED = 2
"""Frames there, each of another shot."""


def plan(duration_seconds: float, options: CaptioningOptions) -> tuple[Span, ...]:
    """The video's shards, each a whole number of clips long."""
    clips = max(1, round(options.shard_seconds / options.clip_seconds))
    return plan_shards(
        duration_seconds, shard_seconds=clips * options.clip_seconds, clip_seconds=options.clip_seconds
    )


@dataclass(frozen=True)
class ClipView:
    """A clip, or what broken bytes left of one, as it can be shown.

    `span` starts on a camera cut, or at its first frame's own time, which may lie a little before the clip;
    `before` is the frame ahead of that, of another shot where it `begins_on` a cut or a dissolve: then, as its own
    frames, outside of the dissolve. `cuts_back`: a later shot of the clip is that of `before`. `same_picture`: the clip before
    ended on the very frame this one starts with. `cut_times` are cuts after which one of the frames shows what begins there.
    """

    span: Span
    shown: tuple[Shown, ...]
    before: Shown | None
    same_picture: bool
    cut_times: tuple[float, ...]
    begins_on: Literal["cut", "dissolve"] | None = None
    cuts_back: bool = False

    @property
    def begins_on_cut(self) -> bool:
        """Whether `before` is of another shot."""
        return self.begins_on is not None

    def cuts_seen(self, shown: Sequence[Shown]) -> tuple[float, ...]:
        """The cuts that can be told from these of its frames: a model that sees nothing of a shot cannot
        describe it.
        """
        return cuts_seen(self.cut_times, [one.time_seconds for one in shown])

    @property
    def frame_times(self) -> tuple[float, ...]:
        """Own times of the frames, ascending from the span's start."""
        return (self.span.start_seconds, *(one.frame.time_seconds for one in self.shown[1:]))


@dataclass(frozen=True)
class ShardView:
    """Everything one shard's calls are made from."""

    spec: ShardSpec
    planned: Span
    clips: tuple[ClipView, ...]
    sparse: tuple[Shown, ...]
    shared: tuple[Shown, ...]
    shots: tuple[Shot, ...]
    failures: tuple[Failure, ...]
    stirs: tuple[Span, ...] = ()

    @property
    def span(self) -> Span:
        """What the shard covers: its ends lie on cuts where there are some near, or the start on its first
        frame's own time.
        """
        starts = [clip.span.start_seconds for clip in self.clips[:1]]
        return Span(min([self.planned.start_seconds, *starts]), self.planned.stop_seconds)

    def thinned(self, shown: Sequence[Shown]) -> tuple[Shown, ...]:
        """The frames without most of those where next to nothing moves, unless the options say otherwise."""
        return thinned(shown, self.stirs) if self.spec.options.thin_stills else tuple(shown)

    def as_picked(self, frames: Sequence[Frame], picks: Set[tuple[float, ...]]) -> ShardView:
        """With the first look of a recorded request where that shows nearly the same of these frames: which one
        is the sharpest, another decoder may see otherwise by a hair.
        """
        same = {round(one.time_seconds, 2): one for one in self.sparse}
        there = {round(frame.time_seconds, 2): frame for frame in frames}
        pick = nearest_pick(picks, same, there)
        if pick is None:
            return self
        sparse = tuple(same.get(time) or Shown(there[time], there[time].time_seconds) for time in pick)
        return replace(self, sparse=sparse)

    def exemplar_frame(self, mention: Mention) -> Frame | None:
        """The frame that shows the mention best; None when it was not among those shown."""
        shown = (one for frames in (self.sparse, *(clip.shown for clip in self.clips)) for one in frames)
        for one in shown:
            if abs(one.time_seconds - mention.exemplar_seconds) < _TICK:
                return one.frame
        return None


def view_shard(spec: ShardSpec, shard: ShardFrames) -> ShardView:
    """The shard's clips and failures of stage `decode`; together they cover it."""
    options = spec.options
    step = 1 / options.frames_per_second
    cuts = [shot.start_seconds for shot in shard.shots if shot.transition != "start"]
    dissolves = [_dissolve_of(shot) for shot in shard.shots if shot.transition == "dissolve"]
    plan = clips_on_cuts(
        spec.span,
        cuts,
        duration_seconds=spec.video.duration_seconds,
        clip_seconds=options.clip_seconds,
    )
    planned = Span(plan[0].start_seconds, plan[-1].stop_seconds)
    # A glitch between two samples costs nothing that would have been looked at.
    holes = merge_spans([f.span for f in shard.lost if f.duration_seconds >= step], gap_seconds=1.0)
    reasons = tuple(dict.fromkeys(reason for f in shard.lost for reason in f.reasons))
    reasons = reasons or ("no frame could be decoded here",)
    clips: list[ClipView] = []
    failures: list[Failure] = []
    sampled = planned.start_seconds - step
    for clip in plan:
        for part, lost in _parts(clip.span, holes):
            view = None if lost else _clip_view(part, spec, shard, holes, cuts, dissolves, sampled)
            if view is None:
                failures.append(Failure.of(part, "decode", *reasons, final=True))
            else:
                clips.append(view)
            samples = grid_times(
                part, origin_seconds=spec.span.start_seconds, frames_per_second=options.frames_per_second
            )
            sampled = max([part.start_seconds, *samples[-1:]])
    looked, shared = _first_look(spec, shard, planned, cuts)
    return ShardView(
        spec=spec,
        planned=planned,
        clips=tuple(clips),
        sparse=looked,
        shared=shared,
        shots=shots_in(shard.shots, planned),
        failures=tuple(failures),
        stirs=shard.stirs,
    )


def shots_in(shots: Sequence[Shot], span: Span) -> tuple[Shot, ...]:
    """The shots cut to the span; one that a cut begins right at its start still says so."""
    found: list[Shot] = []
    for shot in shots:
        part = shot.span.intersection(span)
        if part is None or part.duration_seconds <= 0:
            continue
        begins = abs(shot.start_seconds - part.start_seconds) < _TICK
        kind = shot.transition if begins else "start"
        found.append(shot.model_copy(update={**part.model_dump(), "transition": kind}))
    return tuple(found)


def _first_look(
    spec: ShardSpec, shard: ShardFrames, planned: Span, cuts: Sequence[float]
) -> tuple[tuple[Shown, ...], tuple[Shown, ...]]:
    """The frames that characters are selected from, and those of them that a neighbour's are selected from,
    too.

    shard 0     |---------------------------------------|
    looks at        x        x         x               o  o o      o: the last before the border, where no cut parts them,
    shard 1                                             |---------------------------------------|
    looks at                                           o  o o      x          x           x
                                                        and of the first shots after it, chosen by what lies there alone,
                                                        so that both choose the same
    """
    options = spec.options

    def at(border_seconds: float, origin_seconds: float) -> tuple[Shown, ...]:
        stop = min(border_seconds + SHARED_SECONDS, spec.video.duration_seconds)
        if border_seconds <= 0 or stop - border_seconds < 1 / options.frames_per_second:
            return ()
        begin = Span(border_seconds, stop)
        every = on_screen(
            _since(shard.frames, _last_until(cuts, border_seconds)),
            begin,
            frames_per_second=options.frames_per_second,
            origin_seconds=origin_seconds,
        )
        inner = [cut for cut in cuts if begin.start_seconds + _TICK < cut < begin.stop_seconds]
        shots = (Span(low, high) for low, high in pairwise([begin.start_seconds, *inner, begin.stop_seconds]))
        held = [own for shot in shots if (own := _within(shot, every))]
        return tuple(_most_unlike(own) for own in held[:MOST_SHARED])

    def ahead_of(border_seconds: float) -> tuple[Shown, ...]:
        """Who is just leaving is seen there, and after the border no more."""
        if border_seconds >= spec.video.duration_seconds - _TICK:
            return ()
        step = 1 / options.frames_per_second
        # One that has stood for longer is of nobody who is leaving now.
        since = max(_last_until(cuts, border_seconds), border_seconds - 2 * step)
        known = [f for f in _since(shard.frames, since) if f.time_seconds <= border_seconds - step + _TICK]
        return tuple(Shown(one, one.time_seconds) for one in known[-1:])

    before = ahead_of(planned.start_seconds)
    first = at(planned.start_seconds, spec.span.start_seconds)
    last = tuple(one for one in ahead_of(planned.stop_seconds) if planned.contains(one.time_seconds))
    after = at(planned.stop_seconds, spec.span.stop_seconds)
    own = _sparse(options, shard, planned, cuts, (*first, *last), len(before) + len(after))
    return (*before, *own, *after), (*before, *first, *last, *after)


def _sparse(
    options: CaptioningOptions,
    shard: ShardFrames,
    whole: Span,
    cuts: Sequence[float],
    begin: Sequence[Shown],
    besides: int,
) -> tuple[Shown, ...]:
    """The frames that characters are selected from: one of each camera shot, more of long ones, each the
    sharpest near its middle.

    shots     |------------|-|------|          half as many as the rate allows, more only where there are more shots, so that
    chosen    |   .     .  |.|   .  |          whoever is seen in a short shot alone can have a name

    `begin` are among them, each in the place of the nearest of its shot; so many `besides` are looked at, too.
    """
    most = max(1, math.ceil(whole.duration_seconds * options.characters_per_second - _TICK))
    frames = _since(shard.frames, _last_until(cuts, whole.start_seconds))
    every = on_screen(frames, whole, frames_per_second=options.frames_per_second)
    spans = [shot.span for shot in shots_in(shard.shots, whole)] or [whole]
    held = [(span, own) for span in spans if (own := _within(span, every))]
    most = first_look(most, len(held), options)
    if len(held) > most:
        # More shots than the rate allows frames: the longest of them.
        longest = sorted(held, key=lambda one: (-one[0].duration_seconds, one[0].start_seconds))[:most]
        held = [one for one in held if one in longest]
    # No clip of recipe `paper` proposes whom this look misses.
    usual = (most if options.recipe == "paper" else math.ceil(most / 2)) - besides
    picked = _of_each([own for _, own in held], usual, differing=True)
    for one in (one for one in begin if one not in picked):
        shot = next(span for span in spans if span.contains(one.time_seconds))
        near = [other for other in picked if shot.contains(other.time_seconds) and other not in begin]
        if near:
            picked.remove(min(near, key=lambda other: abs(other.time_seconds - one.time_seconds)))
        picked.append(one)
    chosen: list[Shown] = []
    for one in sorted(picked, key=_time):
        # What was there before, empty or not, shows nobody else.
        again = options.thin_stills and any(alike(other.frame, one.frame) for other in chosen)
        if one in begin or not again:
            chosen.append(one)
    return tuple(chosen)


def of_shots(shown: Sequence[Shown], shots: Sequence[Shot], most: int) -> tuple[Shown, ...]:
    """Of ascending pictures at most so many: one of each shot, the longest first where there are more shots,
    and more of long ones.

    The first stays, for it tells what the span begins with.
    """
    if len(shown) <= most:
        return tuple(shown)
    rest = shown[1:]
    held = [own for shot in shots if (own := _within(shot.span, rest))] or [rest]
    if len(held) > most - 1:
        longest = sorted(held, key=lambda own: (-len(own), own[0].time_seconds))[: most - 1]
        held = [own for own in held if own in longest]
    return (shown[0], *_of_each(held, most - 1))


def _of_each(held: Sequence[Sequence[Shown]], usual: int, *, differing: bool = False) -> list[Shown]:
    """One of each group, the sharpest near its middle; more of large groups until there are as many as usual.

    Where there are several of one group, `differing` ones: who comes, goes and turns round before a camera that
    stays is seen then.
    """
    counts = [1] * len(held)
    while held and sum(counts) < usual:
        rates = [len(own) / count for own, count in zip(held, counts, strict=True)]
        if max(rates) < 2:
            break
        counts[rates.index(max(rates))] += 1
    chosen: list[Shown] = []
    for own, count in zip(held, counts, strict=True):
        edges = [round(part * len(own) / count) for part in range(count + 1)]
        parts = [own[low:high] for low, high in pairwise(edges)]
        chosen += _differing(parts) if differing else map(_sharpest, parts)
    return chosen


def _differing(parts: Sequence[Sequence[Shown]]) -> list[Shown]:
    """One of each part: the sharpest of those that differ most from the ones chosen before."""
    chosen: list[Shown] = [_sharpest(part) for part in parts[:1]]
    views = [view_colours(one.frame) for one in chosen]
    for part in parts[1:]:
        own = [view_colours(one.frame) for one in part]
        far = [min(float(np.abs(view - other).mean()) for other in views) for view in own]
        place = _sharp_and_far(part, far)
        chosen.append(part[place])
        views.append(own[place])
    return chosen


def _most_unlike(own: Sequence[Shown]) -> Shown:
    """The frame that differs most from what stands there most of the time: it shows who is there for a moment."""
    views = np.stack([view_colours(one.frame) for one in own])
    usual = np.median(views, axis=0)
    return own[_sharp_and_far(own, [float(np.abs(view - usual).mean()) for view in views])]


def _sharp_and_far(part: Sequence[Shown], far: Sequence[float]) -> int:
    """The place of the sharpest of those that are about as far as any; near the middle where none differs."""
    most = max(far)
    if most < _UNLIKE_LEVEL:
        return part.index(_sharpest(part))
    places = [place for place, gap in enumerate(far) if gap >= _ABOUT_AS_FAR * most]
    return max(places, key=lambda place: (len(part[place].frame.jpeg), -part[place].time_seconds))


def _sharpest(part: Sequence[Shown]) -> Shown:
    """Of the middle half, the frame with most detail: at one quality a sharp picture takes more bytes than a
    blurred one.
    """
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
    part: Span,
    spec: ShardSpec,
    shard: ShardFrames,
    holes: Sequence[Span],
    cuts: Sequence[float],
    dissolves: Sequence[Span],
    sampled: float,
) -> ClipView | None:
    # A frame from before a hole, or before a cut, no longer stands for what is on screen after it.
    known = _since(shard.frames, _last_until([hole.stop_seconds for hole in holes], part.start_seconds))
    cut = _last_until(cuts, part.start_seconds)
    frames = _since(known, cut)
    if not any(frame.time_seconds < part.stop_seconds for frame in frames):
        frames = known
    shown = on_screen(
        frames,
        part,
        frames_per_second=spec.options.frames_per_second,
        origin_seconds=spec.span.start_seconds,
        also_seconds=shard.acts,
    )
    if not shown:
        return None
    shown = _outside(shown, part, dissolves)
    own = shown[0].frame.time_seconds
    begins_on_cut = part.start_seconds - cut < _TICK and own >= cut - _TICK
    same = own <= sampled + _TICK and part.start_seconds > 0 and not begins_on_cut
    start = part.start_seconds if same or begins_on_cut or part.start_seconds == 0 else own
    inside = [time for time in cuts if start + _TICK < time < part.stop_seconds]
    ahead = min(own, start) if begins_on_cut else own
    dissolve = next(
        (one for one in dissolves if begins_on_cut and abs(one.middle_seconds - start) < _TICK), None
    )
    before = _before(known, ahead)
    if dissolve is not None:
        before = _before(known, dissolve.start_seconds + _TICK) or before
    return ClipView(
        span=Span(start, part.stop_seconds),
        shown=shown,
        before=before,
        same_picture=same,
        cut_times=cuts_seen(inside, [one.time_seconds for one in shown]),
        begins_on=None if not begins_on_cut else "dissolve" if dissolve is not None else "cut",
        cuts_back=begins_on_cut and before is not None and _shows_again(before, shown, inside),
    )


def _dissolve_of(shot: Shot) -> Span:
    half = shot.transition_seconds / 2
    return Span(max(shot.start_seconds - half, 0.0), shot.start_seconds + half)


def _outside(shown: tuple[Shown, ...], clip: Span, dissolves: Sequence[Span]) -> tuple[Shown, ...]:
    """The frames without those at the clip's ends in which the other side of a dissolve is still seen, or already,
    with its texts; all where no others are left.
    """
    at_ends = [
        one
        for one in dissolves
        if min(abs(one.middle_seconds - end) for end in (clip.start_seconds, clip.stop_seconds)) < _TICK
    ]
    kept = tuple(
        one for one in shown if not any(d.start_seconds < one.time_seconds < d.stop_seconds for d in at_ends)
    )
    return kept or shown


def _shows_again(before: Shown, shown: Sequence[Shown], cuts: Sequence[float]) -> bool:
    """Whether a later shot of the clip is the one of the frame before it: they are cut back and forth."""
    first = min(cuts, default=math.inf)
    view = view_colours(before.frame)
    return any(
        float(np.abs(view_colours(one.frame) - view).mean()) <= _SAME_VIEW
        for one in shown
        if one.time_seconds >= first - _TICK
    )


def cuts_seen(cut_times: Sequence[float], frame_times: Sequence[float]) -> tuple[float, ...]:
    """The cuts that have one of the frames between themselves and the next cut."""
    stops = [*cut_times[1:], math.inf] if cut_times else []
    return tuple(
        cut
        for cut, stop in zip(cut_times, stops, strict=True)
        if any(cut - _TICK <= time < stop - _TICK for time in frame_times)
    )


def _last_until(times: Sequence[float], limit_seconds: float) -> float:
    return max((time for time in times if time <= limit_seconds + _TICK), default=0.0)


def _since(frames: Sequence[Frame], start_seconds: float) -> list[Frame]:
    return [frame for frame in frames if frame.time_seconds >= start_seconds - _TICK]


def _before(frames: Sequence[Frame], own_seconds: float) -> Shown | None:
    earlier = [frame for frame in frames if frame.time_seconds < own_seconds]
    return Shown(earlier[-1], earlier[-1].time_seconds) if earlier else None
