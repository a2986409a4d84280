"""The same map on real clusters: Dask workers over TCP, and a local Ray."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import TimeoutError as TookTooLong
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
from support.clusters import MARKS, Driver, driver_process, in_this_process

from mrvideo.errors import BudgetReached, SettingsError
from mrvideo.mapreduce import map_shards, worker_name
from mrvideo.records import Frame

pytestmark = MARKS
Work: TypeAlias = Callable[..., Any]


@pytest.fixture(scope="module")
def dask_address() -> Iterator[str]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        assert cluster.scheduler_address.startswith("tcp://")
        yield cluster.scheduler_address.replace("tcp://", "dask://")


@pytest.fixture(scope="module")
def ray_driver() -> Iterator[Driver]:
    pytest.importorskip("ray")
    with driver_process() as driver:
        yield driver


@pytest.fixture(params=["dask", "ray"])
def on_cluster(request: pytest.FixtureRequest) -> Callable[[Work], Any]:
    """Runs `work(**engine)`, engine being the arguments that send a map to that cluster."""
    if request.param == "dask":
        driver, cluster = in_this_process, request.getfixturevalue("dask_address")
    else:
        driver, cluster = request.getfixturevalue("ray_driver"), "auto"
    return lambda work: driver(partial(work, backend=request.param, cluster=cluster, workers=2))


def test_shards_run_in_other_processes_and_come_back_once(on_cluster):
    def run(**engine: Any) -> tuple[str, list[tuple[int, str]]]:
        return worker_name(), list(map_shards(lambda n: (n, worker_name()), range(10), **engine))

    driver, results = on_cluster(run)
    assert sorted(n for n, _ in results) == list(range(10))
    assert not {driver, worker_name()} & {where for _, where in results}


def test_an_exception_comes_back_as_it_is(on_cluster):
    def shard(n: int) -> int:
        if n == 1:
            raise BudgetReached("max_tokens reached")
        return n

    with pytest.raises(BudgetReached, match="max_tokens reached"):
        on_cluster(lambda **engine: list(map_shards(shard, range(4), **engine)))


def test_a_frame_is_never_pickled(on_cluster):
    def shard(n: int) -> Frame:
        return Frame(time_seconds=0.0, jpeg=b"", width=1, height=1)

    with pytest.raises(Exception, match="a Frame stays on the machine that decoded it"):
        on_cluster(lambda **engine: list(map_shards(shard, [1], **engine)))


def test_a_worker_killed_in_the_middle_costs_its_shard_alone(on_cluster, tmp_path: Path):
    def shard(n: int) -> int:
        (tmp_path / f"{n}-{os.getpid()}").touch()
        if n == 3 and len(list(tmp_path.glob("3-*"))) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return n

    assert on_cluster(lambda **engine: sorted(map_shards(shard, range(8), **engine))) == list(range(8))
    again = len(list(tmp_path.iterdir())) - 8
    assert 1 <= again <= 5


def test_leaving_early_leaves_the_cluster_usable(on_cluster):
    def run(**engine: Any) -> list[int]:
        results = map_shards(lambda n: n, range(8), **engine)
        next(results)
        results.close()
        return sorted(map_shards(lambda n: n, range(3), **engine))

    assert on_cluster(run) == [0, 1, 2]


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


def test_a_spec_that_cannot_cross_is_an_error_at_once(on_cluster):
    def run(**engine: Any) -> list[int]:
        frame = Frame(time_seconds=0.0, jpeg=b"", width=1, height=1)
        return list(map_shards(lambda frame: 1, [frame], **engine))

    with pytest.raises(TypeError, match="a Frame stays on the machine that decoded it"):
        on_cluster(run)


def test_a_driver_that_hangs_is_killed_and_fails_its_test_alone() -> None:
    """Else a Ray that never starts would hold the test process, and the whole run, for ever."""
    with driver_process(seconds=0.2) as driver:
        with pytest.raises(TookTooLong):
            driver(signal.pause)
        with pytest.raises(BrokenProcessPool):
            driver(os.getpid)
