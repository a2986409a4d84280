"""Scenes tile a video whatever its length and rate and whatever the model says: no gap, no overlap, on real
frames.
"""

from __future__ import annotations

import io
import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from support.films import video_info

from mrvideo.captioning.assemble import entries_of, failures_of, scenes_of
from mrvideo.captioning.index import CaptioningOptions
from mrvideo.captioning.laying_out import grouped, merged
from mrvideo.captioning.shard import caption_frames
from mrvideo.captioning.shard_records import ShardRecords, ShardSpec
from mrvideo.captioning.shard_view import plan
from mrvideo.errors import ModelBusy
from mrvideo.mapreduce import portal
from mrvideo.media.clips import grid_times
from mrvideo.media.options import ReadOptions
from mrvideo.media.shard import ShardFrames
from mrvideo.models.base import Request
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Failure, Frame, Shot, Span
from mrvideo.schemas.captioning import SceneReply


def scene(start: float, stop: float, brief: str = "b") -> SceneReply:
    return SceneReply(start_seconds=start, stop_seconds=stop, brief=brief, detailed=f"{brief}.")


def test_gaps_overlaps_and_disorder_become_one_row_of_blocks() -> None:
    times = [t / 2 for t in range(20)]
    replies = [scene(6.1, 10.0, "last"), scene(0.4, 2.0, "first"), scene(3.0, 7.0, "middle")]

    found = grouped(replies, Span(0.0, 10.0), times)

    assert [block.span for block in found] == [Span(0, 3), Span(3, 6), Span(6, 10)]
    assert [block.replies[0].brief for block in found] == ["first", "middle", "last"]


def test_a_border_moves_to_the_camera_cut_just_before_its_frame() -> None:
    times = [t / 2 for t in range(20)]
    found = grouped([scene(0, 5), scene(5, 10)], Span(0.0, 10.0), times, cut_times=[4.72, 7.3])
    assert [block.span for block in found] == [Span(0, 4.72), Span(4.72, 10)]


def test_a_cut_that_the_reply_names_is_the_border_though_a_frame_before_it_is_nearer() -> None:
    times = [t / 2 for t in range(20)]
    found = grouped([scene(0, 5.2), scene(5.2, 10)], Span(0.0, 10.0), times, cut_times=[5.2])
    assert found[1].span.start_seconds == 5.2


def test_two_scenes_at_one_frame_lose_no_words() -> None:
    (only,) = grouped([scene(0, 10, "one"), scene(0.1, 9, "two")], Span(0.0, 10.0), [0.0, 5.0])
    assert [reply.brief for reply in only.replies] == ["one", "two"]


REPLIES = st.lists(st.tuples(st.floats(-0.5, 10.5), st.floats(0, 8)), min_size=1, max_size=12)


@given(
    REPLIES, st.lists(st.floats(0.01, 9.99), unique=True, max_size=30), st.lists(st.floats(0, 10), max_size=3)
)
def test_blocks_tile_the_clip_on_shown_frames_or_cuts(
    spoken: list[tuple[float, float]], inner: list[float], cuts: list[float]
) -> None:
    times = [0.0, *sorted(inner)]
    found = grouped([scene(a, a + b) for a, b in spoken], Span(0.0, 10.0), times, cuts)

    assert found[0].span.start_seconds == 0.0 and found[-1].span.stop_seconds == 10.0
    for left, right in pairwise(found):
        assert left.span.stop_seconds == right.span.start_seconds
        assert right.span.start_seconds in times or right.span.start_seconds in cuts
    assert all(block.span.duration_seconds > 0 for block in found)
    assert sum(len(block.replies) for block in found) == len(spoken)


def at_random(seed: int, fail_share: float) -> ScriptedModel:
    """Replies without order or sense, within what the bounds allow; some calls fail for good."""

    def reply(request: Request[Any]) -> Any:
        chance = random.Random(f"{seed} {request.digest}")
        if chance.random() < fail_share:
            return ModelBusy("the server is down")
        span = request.span
        assert span is not None

        def times() -> dict[str, float]:
            ends = sorted(chance.uniform(span.start_seconds, span.stop_seconds) for _ in range(2))
            return {"start_seconds": ends[0], "stop_seconds": ends[1]}

        words = {"brief": "b", "detailed": "d", "screen_text": [{"text": "A SIGN", **times()}]}
        match request.prompt.name:
            case "characters":
                return {"characters": []}
            case "caption_clip":
                scenes = [{**times(), **words} for _ in range(chance.randint(1, 6))]
                return {"continues_previous": chance.random() < 0.5, "scenes": scenes}
            case "split_clip":
                return {"scenes": [{**times(), "brief": "s"} for _ in range(chance.randint(1, 6))]}
            case "merge_border":
                return {"same_scene": chance.random() < 0.5}
            case _:
                return {**times(), **words}

    return ScriptedModel(reply)


def _picture() -> bytes:
    held = io.BytesIO()
    Image.new("RGB", (64, 36), "grey").save(held, "JPEG")
    return held.getvalue()


PICTURE = _picture()


def shard_of(
    span: Span,
    own_times: list[float],
    lost: list[Span],
    rate: float,
    *,
    whole: Span | None = None,
    reach: float = 0.0,
    cuts: list[float] | None = None,
) -> ShardFrames:
    """What reading a shard yields when a video shows a new frame at `own_times`, has lost some, and cuts at
    some of them.
    """
    frames: list[Frame] = []
    wide = span.padded(reach, within=whole)
    samples = grid_times(wide, origin_seconds=span.start_seconds, frames_per_second=rate)
    lead = [max(0.0, samples[0] - 1 / rate)] if wide.start_seconds else []
    for asked in [*lead, *samples]:
        if any(hole.contains(asked) for hole in lost):
            continue
        shown = [t for t in own_times if t <= asked + 1e-6 and not any(hole.contains(t) for hole in lost)]
        time = shown[-1] if shown else own_times[0]
        if not frames or time > frames[-1].time_seconds:
            frames.append(Frame(time, PICTURE, 64, 36))
    failures = tuple(
        Failure(start_seconds=h.start_seconds, stop_seconds=h.stop_seconds, stage="decode", reason="broken")
        for h in lost
        if h.overlaps(wide)
    )
    inner = [cut for cut in cuts or [] if wide.start_seconds < cut < wide.stop_seconds]
    edges = [wide.start_seconds, *inner, wide.stop_seconds]
    shots = tuple(
        Shot(start_seconds=a, stop_seconds=b, transition="cut" if place else "start")
        for place, (a, b) in enumerate(pairwise(edges))
    )
    return ShardFrames(span, tuple(frames), shots, failures)


@pytest.mark.parametrize("recipe", ["fused", "paper"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    duration=st.floats(0.3, 95),
    frame_rate=st.sampled_from([0.05, 0.4, 7.0, 24000 / 1001, 25.0]),
    rate=st.sampled_from([0.5, 1.0, 2.0, 3.0]),
    clip_seconds=st.sampled_from([3.3, 7.0, 10.0]),
    seed=st.integers(0, 10_000),
    fail_share=st.sampled_from([0.0, 0.3, 1.0]),
    holes=st.lists(st.tuples(st.floats(0, 90), st.floats(0.01, 20)), max_size=2),
    cut_share=st.sampled_from([0.0, 0.02, 0.3]),
    agree=st.booleans(),
)
def test_scenes_and_failures_tile_any_video(
    recipe: str,
    duration: float,
    frame_rate: float,
    rate: float,
    clip_seconds: float,
    seed: int,
    fail_share: float,
    holes: list[tuple[float, float]],
    cut_share: float,
    agree: bool,
) -> None:
    options = CaptioningOptions(
        recipe=recipe,  # type: ignore[arg-type]
        clip_seconds=clip_seconds,
        shard_seconds=30,
        frames_per_second=rate,
    )
    whole = Span(0.0, duration)
    lost = [Span(a, min(a + b, duration)) for a, b in holes if a < duration]
    own_times = [n / frame_rate for n in range(int(duration * frame_rate) + 1)]
    model = at_random(seed, fail_share)
    info = video_info(duration, height=36, frames_per_second=frame_rate)
    chance = random.Random(seed)
    cuts = [time for time in own_times[1:] if chance.random() < cut_share]
    shards: list[ShardRecords] = []
    for index, span in enumerate(plan(duration, options)):
        spec = ShardSpec(
            index=index, span=span, video=info, options=options, reading=ReadOptions(long_side_pixels=64)
        )
        # Two neighbours need not find the same cuts.
        known = cuts if agree else [cut for cut in cuts if chance.random() < 0.5]
        read = shard_of(span, own_times, lost, rate, whole=whole, reach=options.reach_seconds, cuts=known)
        shards.append(portal().call(caption_frames, spec, read, model))
    entries = entries_of(shards, whole)
    runs = merged(entries, longest_seconds=options.longest_scene_seconds)
    scenes = scenes_of(runs, {})
    failures = [f for f in failures_of(entries, []) if f.hides == "pictures"]

    laid = sorted([*scenes, *failures], key=lambda entry: entry.start_seconds)
    assert laid[0].start_seconds == 0.0 and laid[-1].stop_seconds == duration
    for left, right in pairwise(laid):
        assert left.stop_seconds == right.start_seconds, "no gap, no overlap"
    assert all(entry.duration_seconds > 0 for entry in laid)
    if fail_share == 0.0 and not lost:
        assert not failures
        assert all(any(abs(s.start_seconds - t) < 1e-9 for t in own_times) for s in scenes)
    if fail_share == 1.0:
        assert not scenes
    for one in scenes:
        assert all(text.span.overlaps(one.span) for text in one.sightings)


def test_a_scene_over_clip_and_shard_borders_is_one() -> None:
    def reply(request: Request[Any]) -> dict[str, Any]:
        if request.prompt.name == "characters":
            return {"characters": []}
        span = request.span
        assert span is not None
        times = {"start_seconds": span.start_seconds, "stop_seconds": span.stop_seconds}
        words = {"brief": "A long walk", "detailed": f"Part at {span.start_seconds:.0f}."}
        return {"continues_previous": True, "scenes": [{**times, **words}]}

    options = CaptioningOptions(shard_seconds=20, longest_scene_seconds=45)
    own_times = [n / 10 for n in range(600)]
    info = video_info(60, height=36, frames_per_second=10)
    shards = [
        portal().call(
            caption_frames,
            ShardSpec(
                index=index, span=span, video=info, options=options, reading=ReadOptions(long_side_pixels=64)
            ),
            shard_of(span, own_times, [], 2.0),
            ScriptedModel(reply),
        )
        for index, span in enumerate(plan(60.0, options))
    ]
    entries = entries_of(shards, Span(0, 60))

    (one,) = scenes_of(merged(entries, longest_seconds=100), {})
    assert one.brief == "A long walk"
    assert one.detailed == "Part at 0. Part at 10. Part at 20. Part at 30. Part at 40. Part at 50."
    bounded = scenes_of(merged(entries, longest_seconds=45), {})
    assert [s.span for s in bounded] == [Span(0, 40), Span(40, 60)]
