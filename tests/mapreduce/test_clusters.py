"""The same map on real clusters: Dask workers over TCP, and a local Ray."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clusters import MARKS

from mrvideo.errors import BudgetReached, SettingsError
from mrvideo.mapreduce import map_shards, worker_name
from mrvideo.records import Frame

pytestmark = MARKS


@pytest.fixture(scope="module")
def dask_address() -> Iterator[str]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        assert cluster.scheduler_address.startswith("tcp://")
        yield cluster.scheduler_address.replace("tcp://", "dask://")


@pytest.fixture(scope="module")
def local_ray() -> Iterator[str]:
    ray = pytest.importorskip("ray")
    yield "auto"
    ray.shutdown()


@pytest.fixture(params=["dask", "ray"])
def engine(request: pytest.FixtureRequest) -> dict[str, object]:
    cluster = request.getfixturevalue("dask_address" if request.param == "dask" else "local_ray")
    return {"backend": request.param, "cluster": cluster, "workers": 2}


def test_shards_run_in_other_processes_and_come_back_once(engine):
    results = list(map_shards(lambda n: (n, worker_name()), range(10), **engine))
    assert sorted(n for n, _ in results) == list(range(10))
    assert worker_name() not in {where for _, where in results}


def test_an_exception_comes_back_as_it_is(engine):
    def shard(n: int) -> int:
        if n == 1:
            raise BudgetReached("max_tokens reached")
        return n

    with pytest.raises(BudgetReached, match="max_tokens reached"):
        list(map_shards(shard, range(4), **engine))


def test_a_frame_is_never_pickled(engine):
    with pytest.raises(Exception, match="a Frame stays on the machine that decoded it"):
        list(map_shards(lambda n: Frame(time_seconds=0.0, jpeg=b"", width=1, height=1), [1], **engine))


def test_a_worker_killed_in_the_middle_costs_its_shard_alone(engine, tmp_path: Path):
    def shard(n: int) -> int:
        (tmp_path / f"{n}-{os.getpid()}").touch()
        if n == 3 and len(list(tmp_path.glob("3-*"))) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return n

    assert sorted(map_shards(shard, range(8), **engine)) == list(range(8))
    again = len(list(tmp_path.iterdir())) - 8
    assert 1 <= again <= 5


def test_leaving_early_leaves_the_cluster_usable(engine):
    results = map_shards(lambda n: n, range(8), **engine)
    next(results)
    results.close()
    assert sorted(map_shards(lambda n: n, range(3), **engine)) == [0, 1, 2]


def test_a_scheduler_that_does_not_answer_is_one_clear_line(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("mrvideo.mapreduce.engines._DASK_WAIT_SECONDS", 0.5)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(SettingsError, match=f"no Dask scheduler answers at dask://127.0.0.1:{port}"):
        list(map_shards(lambda n: n, [1], backend="dask", workers=2, cluster=f"dask://127.0.0.1:{port}"))


def test_a_ray_that_is_gone_is_one_clear_line(monkeypatch):
    pytest.importorskip("ray").shutdown()
    monkeypatch.setattr("mrvideo.mapreduce.engines._RAY_WAIT_SECONDS", 4.0)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
    with pytest.raises(SettingsError, match=r"no Ray cluster answers at auto: .*ray start.*ray stop"):
        list(map_shards(lambda n: n, [1], backend="ray", workers=2, cluster="auto"))


def test_dask_without_an_address_says_how_to_give_one():
    with pytest.raises(SettingsError, match="--cluster dask://HOST:PORT"):
        list(map_shards(lambda n: n, [1], backend="dask", workers=2))


def test_a_spec_that_cannot_cross_is_an_error_at_once(engine):
    with pytest.raises(TypeError, match="a Frame stays on the machine that decoded it"):
        list(map_shards(lambda frame: 1, [Frame(time_seconds=0.0, jpeg=b"", width=1, height=1)], **engine))
