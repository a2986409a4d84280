"""The same shard code in other processes: JSON of records crosses the border, and never a frame."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from mrvideo.captioning.index import CaptioningOptions
from mrvideo.captioning.shard import caption_in_worker
from mrvideo.captioning.shard_records import ShardSpec, WorkerResult
from mrvideo.errors import SettingsError
from mrvideo.media.identity import probe
from mrvideo.media.options import ReadOptions
from mrvideo.models import Ledger, ModelSettings
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Frame, Index, Span, VideoInfo

pytestmark = pytest.mark.slow


def test_a_frame_refuses_to_be_pickled() -> None:
    with pytest.raises(TypeError, match="stays on the machine"):
        pickle.dumps(Frame(0.0, b"", 1, 1))


def test_processes_and_threads_give_the_same_index(
    chat: ModuleType, worlds: ModuleType, perceivers: ModuleType, build: Callable[..., Index], tmp_path: Path
) -> None:
    video = probe(worlds.make_world(seed=5, minutes=1, characters=4).render(tmp_path / "small.mp4"))
    options = CaptioningOptions(shard_seconds=30, backend="loky", workers=2)
    local = ScriptedModel(perceivers.Perceiver())
    paid = Ledger()
    with chat.ChatServer(answer=perceivers.Perceiver().over_http) as server:
        settings = ModelSettings.parse("openai:test-vlm", base_url=server.base_url)
        spread = build(video, local, options, worker_model=settings, worker_ledger=paid)
        asked = len(server.asked)
    # The cast is the driver's; the shards' calls were made by the workers, over HTTP.
    assert asked == 8 and {request.stage for request in local.requests} == {"cast"}
    assert paid.total().calls == asked, "the driver hears what its workers paid"

    here = build(
        video, ScriptedModel(perceivers.Perceiver(), name="threads"), CaptioningOptions(shard_seconds=30)
    )
    assert spread.scenes == here.scenes
    assert spread.entities == here.entities


def test_a_worker_that_cannot_reach_the_video_says_who_and_where(moving_video: VideoInfo) -> None:
    spec = ShardSpec(
        index=0,
        span=Span(0.0, 30.0),
        video=moving_video.model_copy(update={"path": "/not/on/this/machine.mp4"}),
        options=CaptioningOptions(),
        reading=ReadOptions(long_side_pixels=512),
    )
    settings = ModelSettings.parse("openai:test-vlm", base_url="http://localhost:9/v1")
    told = caption_in_worker(spec.model_dump_json(), settings=settings)
    found = WorkerResult.model_validate_json(told).records
    (failure,) = found.failures
    assert failure.span == spec.span and not found.finished
    assert "/not/on/this/machine.mp4" in failure.reason and "/" in failure.reason.split()[1]


def test_processes_without_settings_for_their_models_are_refused(
    moving_video: VideoInfo, build: Callable[..., Index]
) -> None:
    with pytest.raises(SettingsError, match="build their own models"):
        build(moving_video, ScriptedModel([]), CaptioningOptions(backend="loky", workers=2))
