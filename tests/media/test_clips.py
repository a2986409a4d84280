"""Planning tiles the video: nothing overlaps, nothing is dropped."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrvideo.media.clips import border_reach, clips_on_cuts, plan_clips, plan_shards, sample_times
from mrvideo.records import Span

durations = st.floats(0.001, 40_000)


def assert_tiles(parts: list[Span], whole: Span) -> None:
    assert parts[0].start_seconds == whole.start_seconds
    assert parts[-1].stop_seconds == whole.stop_seconds
    assert all(a.stop_seconds == b.start_seconds for a, b in pairwise(parts))


@pytest.mark.slow
@given(durations, st.sampled_from([10.0, 30.0, 120.0]))
def test_shards_tile_the_video(duration: float, shard_seconds: float):
    shards = plan_shards(duration, shard_seconds=shard_seconds)
    assert_tiles(list(shards), Span(0.0, duration))
    assert all(s.duration_seconds < shard_seconds + 4.0 + 1e-5 for s in shards)
    assert len(shards) == 1 or shards[-1].duration_seconds > 3.999


@given(st.floats(0.001, 3000))
def test_clips_tile_every_shard_and_count_over_the_video(duration: float):
    shards = plan_shards(duration)
    clips = [clip for shard in shards for clip in plan_clips(shard)]
    assert_tiles([clip.span for clip in clips], Span(0.0, duration))
    assert [clip.index for clip in clips] == list(range(len(clips)))


@pytest.mark.slow
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
    assert [s.duration_seconds for s in plan_shards(243.0)] == [120.0, 123.0]
    assert [s.duration_seconds for s in plan_shards(245.0)] == [70.0, 70.0, 70.0, 35.0]
    assert len(plan_clips(Span(120.0, 133.5))) == 1
    assert [c.duration_seconds for c in plan_clips(Span(120.0, 134.5))] == [10.0, 4.5]


@pytest.mark.parametrize(
    ("duration", "lengths"),
    [(600.0, [100.0] * 6), (300.0, [80.0, 80.0, 80.0, 60.0]), (360.0, [90.0] * 4), (120.0, [120.0])],
)
def test_two_readers_side_by_side_end_together(duration: float, lengths: list[float]):
    assert [s.duration_seconds for s in plan_shards(duration)] == lengths


@st.composite
def cut_films(draw: st.DrawFn) -> tuple[float, float, list[float]]:
    """A duration, a clip's length, and cuts anywhere."""
    clip_seconds = draw(st.sampled_from([3.3, 7.0, 10.0]))
    duration = draw(st.floats(0.05, 400))
    gaps = draw(st.lists(st.floats(0.04, 30), max_size=60))
    cuts = [sum(gaps[: i + 1]) for i in range(len(gaps))]
    return duration, clip_seconds, [cut for cut in cuts if cut < duration]


@pytest.mark.slow
@given(cut_films())
def test_clips_lie_on_the_cuts_and_tile_the_video(film: tuple[float, float, list[float]]):
    duration, clip_seconds, cuts = film
    reach = border_reach(clip_seconds)
    clips = []
    for shard in plan_shards(duration, shard_seconds=4 * clip_seconds, clip_seconds=clip_seconds):
        # A worker knows only the cuts near its own shard.
        near = [cut for cut in cuts if shard.padded(reach).contains(cut)]
        clips += clips_on_cuts(shard, near, duration_seconds=duration, clip_seconds=clip_seconds)
    assert_tiles([clip.span for clip in clips], Span(0.0, duration))
    assert [clip.index for clip in clips] == list(range(len(clips)))
    for clip in clips:
        assert clip.duration_seconds <= 1.4 * clip_seconds + 1e-4
        assert len(clips) == 1 or clip.duration_seconds >= 0.4 * clip_seconds - 1e-4
    for place, border in enumerate(clip.stop_seconds for clip in clips[:-1]):
        if border in cuts:
            continue
        # It stayed where it was planned; no cut is near, or moving it would have made the last clip too short
        # or too long.
        assert border == pytest.approx((place + 1) * clip_seconds)
        is_last = place == len(clips) - 2
        assert is_last or not [cut for cut in cuts if abs(cut - border) < reach - 1e-6]


def test_a_border_moves_onto_the_nearest_cut():
    shard, cuts = Span(0.0, 42.0), [0.5, 9.0, 10.4, 18.6, 22.0, 31.4, 41.5]
    clips = clips_on_cuts(shard, cuts, duration_seconds=42.0)
    assert [clip.stop_seconds for clip in clips] == [10.4, 18.6, 31.4, 42.0]
    # The shard in the middle of a video moves its own ends, and agrees with its neighbours.
    inner = clips_on_cuts(Span(10.0, 30.0), cuts, duration_seconds=42.0)
    assert (inner[0].start_seconds, inner[-1].stop_seconds) == (10.4, 31.4)


@pytest.mark.parametrize(
    ("duration", "cut", "border"),
    [
        (33.5, 19.0, 20.0),  # the last clip would take 14.5 s, more than 1.4 of the usual one
        (33.5, 19.6, 19.6),
        (24.5, 21.0, 20.0),  # it would take 3.5 s, less than 0.4
        (24.5, 20.4, 20.4),
    ],
)
def test_a_border_stays_where_the_last_clip_would_be_too_long_or_too_short(
    duration: float, cut: float, border: float
):
    clips = clips_on_cuts(Span(0.0, duration), [cut], duration_seconds=duration)
    assert [clip.stop_seconds for clip in clips] == [10.0, border, duration]


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
