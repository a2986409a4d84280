"""The whole command on a real cluster: the same index as on one machine; what a worker cannot reach is said."""

from __future__ import annotations

import pytest

from mrvideo.captioning.options import CaptioningOptions
from mrvideo.captioning.shard import caption_in_worker
from mrvideo.captioning.shard_records import ShardSpec, WorkerResult
from mrvideo.mapreduce import map_shards
from mrvideo.media.identity import probe
from mrvideo.media.options import ReadOptions
from mrvideo.models import ModelSettings
from mrvideo.records import Span

pytestmark = [
    pytest.mark.xdist_group("clusters"),
    # Theirs: sockets and processes that Dask leaves to the collector.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def dask_cluster():
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield cluster.scheduler_address.replace("tcp://", "dask://")


def test_a_dask_cluster_finds_what_threads_find(commands, film, contents, dask_cluster):
    for name, arguments in {"threads.db": (), "cluster.db": ("--cluster", dask_cluster)}.items():
        ended = commands.run("index", film, "--library", commands.folder / name, "--quiet", *arguments)
        assert ended.code == 0, ended.output
    threads, cluster = (
        contents(commands.folder / name, film)["index"] for name in ("threads.db", "cluster.db")
    )
    assert threads == cluster


@pytest.mark.slow
def test_a_video_that_a_worker_cannot_reach_names_the_worker_and_the_path(film, dask_cluster):
    gone = probe(film).model_copy(update={"path": "/elsewhere/walls.mp4"})
    spec = ShardSpec(
        index=0,
        span=Span(0.0, 10.0),
        video=gone,
        options=CaptioningOptions(),
        reading=ReadOptions(long_side_pixels=64),
    )
    settings = ModelSettings.parse("offline")
    [found] = map_shards(
        lambda spec_json: caption_in_worker(spec_json, settings=settings),
        [spec.model_dump_json()],
        backend="dask",
        workers=2,
        cluster=dask_cluster,
    )
    [failure] = WorkerResult.model_validate_json(found).records.failures
    assert failure.span == Span(0.0, 10.0)
    assert "/elsewhere/walls.mp4" in failure.reason
    assert failure.reason.startswith("worker ")
    assert failure.stage == "open", "a file out of reach is tried again by the next run"
