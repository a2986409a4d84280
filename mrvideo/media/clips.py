"""Planning: how a duration is cut into shards, a shard into clips, a span into sample times.

planned  |----------|----------|----------|
cuts               x                x   x
clips    |---------|-----------|--------|--|   a border moves onto the nearest cut within its reach; see `clips_on_cuts`

video  |====================== 250 s ======================|
shards |===== 70 =====|===== 70 =====|===== 70 =====|= 40 =|  whole clips, an even number of them, at most 120 s each
clips  |10|10|10| ... |10|10| ...    |10| ...       |10|10|  a tail under four seconds joins the clip before it
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from mrvideo.records import Clip, Span

_LEAST_PART_SECONDS = 1.0

SHORTEST_CLIP, LONGEST_CLIP = 0.4, 1.4
"""Of the usual one: 4 to 14 s."""
_REACH, _REACH_SECONDS = 0.15, 1.5
"""How far a border moves to lie on a camera cut, as a share of a clip; at most so many seconds."""

_GRAIN_SECONDS = 1e-6
"""Differences below this are float noise."""


def plan_shards(
    duration_seconds: float, *, shard_seconds: float = 120.0, clip_seconds: float = 10.0
) -> tuple[Span, ...]:
    """Spans that cover [0, duration) without gaps, whole clips long but for the last; none for an empty video.

    No longer than `shard_seconds`, a multiple of `clip_seconds`, but for a tail too short for a clip of its
    own. Their number is even (unless it is one), so that two or four readers side by side end together: five
    shards would take two readers as long as six.
    """
    if duration_seconds < 0 or not math.isfinite(duration_seconds):
        raise ValueError(f"a duration must be finite and not negative, got {duration_seconds}")
    if duration_seconds == 0:
        return ()
    whole = Span(0.0, duration_seconds)
    tail = SHORTEST_CLIP * clip_seconds
    count = len(_cut(whole, shard_seconds, tail))
    if count > 1:
        clips = math.ceil((duration_seconds - _GRAIN_SECONDS) / (count + count % 2) / clip_seconds)
        shard_seconds = min(shard_seconds, clips * clip_seconds)
    return _cut(whole, shard_seconds, tail)


def plan_clips(shard: Span, *, clip_seconds: float = 10.0) -> tuple[Clip, ...]:
    """Clips that cover the shard without gaps. Their index counts over the whole video: `floor(start / clip_seconds)`.

    Raises ValueError when the shard does not start on a whole number of clips: two clips of different
    shards could then share an index.
    """
    first = shard.start_seconds / clip_seconds
    if abs(first - round(first)) * clip_seconds > _GRAIN_SECONDS:
        raise ValueError(
            f"a shard must start on a multiple of clip_seconds, got start={shard.start_seconds} "
            f"clip_seconds={clip_seconds}; choose shard_seconds as a multiple of clip_seconds"
        )
    return tuple(
        Clip(index=round(first) + i, start_seconds=part.start_seconds, stop_seconds=part.stop_seconds)
        for i, part in enumerate(_cut(shard, clip_seconds, SHORTEST_CLIP * clip_seconds))
    )


def border_reach(clip_seconds: float) -> float:
    """How many seconds a clip's border moves, at most, to lie on a camera cut."""
    return min(_REACH * clip_seconds, _REACH_SECONDS)


def clips_on_cuts(
    shard: Span, cut_times: Sequence[float], *, duration_seconds: float, clip_seconds: float = 10.0
) -> tuple[Clip, ...]:
    """As many clips as `plan_clips` gives, their borders moved onto the nearest camera cut within reach; they
    leave no gap in what they cover.

    The shard's own ends move, too, but not the video's: a neighbour that knows the same cuts moves its end
    the same way. A border stays where moving it would make a clip shorter or longer than 0.4 or 1.4 of the
    usual one.
    """
    clips = plan_clips(shard, clip_seconds=clip_seconds)
    planned = [clips[0].start_seconds, *(clip.stop_seconds for clip in clips)]
    least, most = SHORTEST_CLIP * clip_seconds, LONGEST_CLIP * clip_seconds
    reach = border_reach(clip_seconds)
    # The next shard's first clip has a say in where this one ends; the one before it is a whole clip, and
    # never has.
    left = duration_seconds - planned[-1]
    following = planned[-1] + (clip_seconds if left >= most - _GRAIN_SECONDS else left)
    borders = list(planned)
    for place, border in enumerate(planned):
        if border <= 0 or border >= duration_seconds - _GRAIN_SECONDS:
            continue
        before = borders[place - 1] if place else border - clip_seconds
        after = planned[place + 1] if place + 1 < len(planned) else following
        near = [cut for cut in cut_times if abs(cut - border) <= reach + _GRAIN_SECONDS]
        for cut in sorted(near, key=lambda cut: (abs(cut - border), cut)):
            lengths = (cut - before, after - cut)
            if min(lengths) >= least - _GRAIN_SECONDS and max(lengths) <= most + _GRAIN_SECONDS:
                borders[place] = cut
                break
    return tuple(
        Clip(index=clip.index, start_seconds=start, stop_seconds=stop)
        for clip, start, stop in zip(clips, borders[:-1], borders[1:], strict=True)
    )


def sample_times(span: Span, *, frames_per_second: float) -> tuple[float, ...]:
    """Evenly spaced times in [start, stop), the first at the start; at least one."""
    if frames_per_second <= 0 or not math.isfinite(frames_per_second):
        raise ValueError(f"frames_per_second must be above zero, got {frames_per_second}")
    count = max(1, math.ceil((span.duration_seconds - _GRAIN_SECONDS) * frames_per_second))
    return tuple(span.start_seconds + i / frames_per_second for i in range(count))


def grid_times(span: Span, *, origin_seconds: float, frames_per_second: float) -> tuple[float, ...]:
    """The sample times of a grid that starts at the origin which fall into the span."""
    first = math.ceil((span.start_seconds - origin_seconds - _GRAIN_SECONDS) * frames_per_second)
    stop = math.ceil((span.stop_seconds - origin_seconds - _GRAIN_SECONDS) * frames_per_second)
    return tuple(origin_seconds + i / frames_per_second for i in range(first, stop))


def _cut(span: Span, part_seconds: float, tail_seconds: float) -> tuple[Span, ...]:
    if part_seconds < _LEAST_PART_SECONDS or not math.isfinite(part_seconds):
        raise ValueError(f"parts must last at least {_LEAST_PART_SECONDS} s, got {part_seconds}")
    whole = math.floor((span.duration_seconds + _GRAIN_SECONDS) / part_seconds)
    tail = span.duration_seconds - whole * part_seconds
    count = max(1, whole if tail < tail_seconds - _GRAIN_SECONDS else whole + 1)
    borders = [span.start_seconds + i * part_seconds for i in range(count)]
    return tuple(Span(a, b) for a, b in zip(borders, [*borders[1:], span.stop_seconds], strict=True))
