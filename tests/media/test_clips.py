"""Planning tiles the video: nothing overlaps, nothing is dropped."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrvideo.media.clips import plan_clips, plan_shards, sample_times
from mrvideo.records import Span

durations = st.floats(0.001, 40_000)


def assert_tiles(parts: list[Span], whole: Span) -> None:
    assert parts[0].start_seconds == whole.start_seconds
    assert parts[-1].stop_seconds == whole.stop_seconds
    assert all(a.stop_seconds == b.start_seconds for a, b in pairwise(parts))


@given(durations, st.sampled_from([10.0, 30.0, 120.0]))
def test_shards_tile_the_video(duration: float, shard_seconds: float):
    shards = plan_shards(duration, shard_seconds=shard_seconds)
    assert_tiles(list(shards), Span(0.0, duration))
    assert all(s.duration_seconds < shard_seconds + 1.0 + 1e-5 for s in shards)
    assert len(shards) == 1 or shards[-1].duration_seconds > 0.999


@given(st.floats(0.001, 3000))
def test_clips_tile_every_shard_and_count_over_the_video(duration: float):
    shards = plan_shards(duration)
    clips = [clip for shard in shards for clip in plan_clips(shard)]
    assert_tiles([clip.span for clip in clips], Span(0.0, duration))
    assert [clip.index for clip in clips] == list(range(len(clips)))


@given(durations, st.sampled_from([0.25, 1.0, 2.0, 3.0]))
def test_samples_lie_in_the_span_evenly(duration: float, rate: float):
    span = Span(7.0, 7.0 + min(duration, 500.0))
    times = sample_times(span, frames_per_second=rate)
    assert times[0] == 7.0
    assert all(span.contains(time) for time in times)
    assert all(b - a == pytest.approx(1 / rate) for a, b in pairwise(times))
    assert span.stop_seconds - times[-1] <= 1 / rate + 1e-5


def test_a_short_tail_joins_its_neighbour():
    assert [s.duration_seconds for s in plan_shards(240.6)] == [120.0, pytest.approx(120.6)]
    assert [s.duration_seconds for s in plan_shards(241.0)] == [70.0, 70.0, 70.0, 31.0]
    assert len(plan_clips(Span(120.0, 130.5))) == 1


@pytest.mark.parametrize(
    ("duration", "lengths"),
    [(600.0, [100.0] * 6), (300.0, [80.0, 80.0, 80.0, 60.0]), (360.0, [90.0] * 4), (120.0, [120.0])],
)
def test_two_readers_side_by_side_end_together(duration: float, lengths: list[float]):
    assert [s.duration_seconds for s in plan_shards(duration)] == lengths


def test_an_empty_video_has_no_shards():
    assert plan_shards(0.0) == ()


def test_what_cannot_be_planned_is_refused():
    with pytest.raises(ValueError, match="multiple of clip_seconds"):
        plan_clips(Span(120.0, 240.0), clip_seconds=7.0)
    with pytest.raises(ValueError, match="at least"):
        plan_shards(10.0, shard_seconds=0.1)
    with pytest.raises(ValueError, match="finite"):
        plan_shards(float("inf"))
    with pytest.raises(ValueError, match="above zero"):
        sample_times(Span(0, 1), frames_per_second=0)
