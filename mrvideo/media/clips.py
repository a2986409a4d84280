"""Planning: how a duration is cut into shards, a shard into clips, a span into sample times.

video  |====================== 250 s ======================|
shards |===== 70 =====|===== 70 =====|===== 70 =====|= 40 =|  whole clips, an even number of them, at most 120 s each
clips  |10|10|10| ... |10|10| ...    |10| ...       |10|10|  a tail under a second joins its neighbour
"""

from __future__ import annotations

import math

from mrvideo.records import Clip, Span

TAIL_SECONDS = 1.0
"""What is left over below this joins the part before it; nothing is ever dropped."""

_GRAIN_SECONDS = 1e-6
"""Differences below this are float noise."""


def plan_shards(
    duration_seconds: float, *, shard_seconds: float = 120.0, clip_seconds: float = 10.0
) -> tuple[Span, ...]:
    """Spans that tile [0, duration), whole clips long but for the last; none for an empty video.

    No longer than `shard_seconds`, a multiple of `clip_seconds`. Their number is even (unless it is one), so that two
    or four readers side by side end together: five shards would take two readers as long as six.
    """
    if duration_seconds < 0 or not math.isfinite(duration_seconds):
        raise ValueError(f"a duration must be finite and not negative, got {duration_seconds}")
    if duration_seconds == 0:
        return ()
    whole = Span(0.0, duration_seconds)
    count = len(_cut(whole, shard_seconds))
    if count > 1:
        clips = math.ceil((duration_seconds - _GRAIN_SECONDS) / (count + count % 2) / clip_seconds)
        shard_seconds = min(shard_seconds, clips * clip_seconds)
    return _cut(whole, shard_seconds)


def plan_clips(shard: Span, *, clip_seconds: float = 10.0) -> tuple[Clip, ...]:
    """Clips that tile the shard. Their index counts over the whole video: `floor(start / clip_seconds)`.

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
        for i, part in enumerate(_cut(shard, clip_seconds))
    )


def sample_times(span: Span, *, frames_per_second: float) -> tuple[float, ...]:
    """Evenly spaced times in [start, stop), the first at the start; at least one."""
    if frames_per_second <= 0 or not math.isfinite(frames_per_second):
        raise ValueError(f"frames_per_second must be above zero, got {frames_per_second}")
    count = max(1, math.ceil((span.duration_seconds - _GRAIN_SECONDS) * frames_per_second))
    return tuple(span.start_seconds + i / frames_per_second for i in range(count))


def _cut(span: Span, part_seconds: float) -> tuple[Span, ...]:
    if part_seconds < TAIL_SECONDS or not math.isfinite(part_seconds):
        raise ValueError(f"parts must last at least {TAIL_SECONDS} s, got {part_seconds}")
    whole = math.floor((span.duration_seconds + _GRAIN_SECONDS) / part_seconds)
    tail = span.duration_seconds - whole * part_seconds
    count = max(1, whole if tail < TAIL_SECONDS else whole + 1)
    borders = [span.start_seconds + i * part_seconds for i in range(count)]
    return tuple(Span(a, b) for a, b in zip(borders, [*borders[1:], span.stop_seconds], strict=True))
