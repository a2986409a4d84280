"""Mapping over shards: the same promises on threads and on processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import CancelledError
from pathlib import Path

import pytest

from mrvideo.errors import BudgetReached, SettingsError, WorkerLost
from mrvideo.mapreduce import decode, map_shards, portal
from mrvideo.records import Frame

ENGINES = ("threading", "loky")


@pytest.mark.parametrize("backend", ENGINES)
def test_every_shard_gives_its_result_once(backend):
    assert sorted(map_shards(lambda n: n * n, range(20), backend=backend, workers=3)) == [
        n * n for n in range(20)
    ]


@pytest.mark.parametrize("backend", ENGINES)
def test_no_shards_give_nothing(backend):
    assert list(map_shards(lambda n: n, [], backend=backend, workers=2)) == []


def test_results_come_as_they_are_done_not_in_order():
    first_may_end = threading.Event()

    def shard(n: int) -> int:
        if n == 0:
            assert first_may_end.wait(timeout=20)
        return n

    results = map_shards(shard, range(2), workers=2)
    assert next(results) == 1
    first_may_end.set()
    assert list(results) == [0]


@pytest.mark.parametrize("backend", ENGINES)
def test_an_exception_ends_the_map_as_it_is(backend):
    def shard(n: int) -> int:
        if n == 2:
            raise BudgetReached("max_cost of $1 reached")
        return n

    with pytest.raises(BudgetReached, match="max_cost of"):
        list(map_shards(shard, range(50), backend=backend, workers=2))


def test_a_shard_that_breaks_ends_the_calls_of_the_others_in_flight():
    """Else a paid call goes on for minutes after its answer has lost all use."""
    waiting, cancelled = threading.Event(), threading.Event()

    async def call() -> None:
        waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    def shard(n: int) -> None:
        if n == 0:
            portal().call(call)
        assert waiting.wait(timeout=20)
        raise KeyError("broken")

    with pytest.raises(KeyError):
        list(map_shards(shard, range(2), workers=2))
    assert cancelled.wait(timeout=20)


def test_a_stopped_map_starts_no_call_and_no_decoding_more():
    stopped, outcome = threading.Event(), []
    ended = threading.Event()

    async def call() -> None:
        outcome.append("called")

    def shard(n: int) -> int:
        if n == 0:
            return n
        assert stopped.wait(timeout=20)
        try:
            decode(lambda: outcome.append("decoded")).result()
        except CancelledError:
            outcome.append("not decoded")
        try:
            portal().call(call)
        except CancelledError:
            outcome.append("not called")
        ended.set()
        return n

    results = map_shards(shard, range(2), workers=2)
    next(results)
    results.close()
    stopped.set()
    assert ended.wait(timeout=20)
    assert outcome == ["not decoded", "not called"]


@pytest.mark.parametrize("backend", ENGINES)
def test_leaving_early_leaves_no_warning(backend, recwarn):
    results = map_shards(lambda n: n, range(30), backend=backend, workers=2)
    next(results)
    results.close()
    assert not recwarn.list


@pytest.mark.slow
def test_a_killed_worker_costs_only_shards_that_had_not_come_back(tmp_path: Path):
    def shard(n: int) -> tuple[int, bool]:
        already_back = (tmp_path / f"back-{n}").exists()
        (tmp_path / f"run-{n}-{os.getpid()}").touch()
        if n == 3 and len(list(tmp_path.glob("run-3-*"))) == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return n, already_back

    results = []
    for n, already_back in map_shards(shard, range(12), backend="loky", workers=2):
        (tmp_path / f"back-{n}").touch()
        results.append(n)
        assert not already_back, f"{n} is paid a second time"
    assert sorted(results) == list(range(12))
    assert len(list(tmp_path.glob("run-3-*"))) == 2


@pytest.mark.slow
def test_a_shard_that_always_kills_its_worker_is_found_and_the_rest_finish():
    def shard(n: int) -> int:
        if n in (2, 9):
            os.kill(os.getpid(), signal.SIGKILL)
        return n

    results = list(
        map_shards(shard, range(12), backend="loky", workers=2, on_lost=lambda n, reason: (n, reason))
    )
    lost = [r for r in results if isinstance(r, tuple)]
    assert sorted(n for n, _ in lost) == [2, 9]
    assert all("died" in reason for _, reason in lost)
    assert sorted(r for r in results if isinstance(r, int)) == [0, 1, 3, 4, 5, 6, 7, 8, 10, 11]


@pytest.mark.slow
def test_without_a_result_for_a_lost_shard_the_map_says_which_it_was():
    def shard(n: int) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(WorkerLost, match="41"):
        list(map_shards(shard, [41], backend="loky", workers=2))


def test_a_frame_cannot_cross_to_another_process():
    def shard(n: int) -> Frame:
        return Frame(time_seconds=0.0, jpeg=b"", width=1, height=1)

    with pytest.raises(Exception, match="a Frame stays on the machine that decoded it"):
        list(map_shards(shard, [1], backend="loky", workers=2))


def test_no_workers_are_refused():
    with pytest.raises(SettingsError, match="at least 1"):
        list(map_shards(lambda n: n, [1], workers=0))


def test_no_more_shards_decode_at_once_than_there_are_cores(monkeypatch):
    import joblib

    from mrvideo.mapreduce import decoding

    monkeypatch.setattr(joblib, "cpu_count", lambda: 2)
    monkeypatch.setattr(decoding, "_work", None)
    lock, inside, most = threading.Lock(), [0], [0]
    both = threading.Barrier(2, timeout=20)

    threads: set[int] = set()

    def decode_one() -> None:
        threads.add(threading.get_ident())
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        both.wait()
        with lock:
            inside[0] -= 1

    list(map_shards(lambda n: decode(decode_one).result(), range(8), workers=8))
    assert most[0] == 2
    assert len(threads) == 2, "each keeps memory of its own"


def test_an_error_of_decoding_comes_back_and_its_thread_goes_on():
    def broken() -> None:
        raise OSError("gone")

    for _ in range(20):
        with pytest.raises(OSError, match="gone"):
            decode(broken).result(timeout=20)
    assert decode(lambda: 7).result(timeout=20) == 7


_INTERRUPTED = """
import asyncio, os, signal, sys
from mrvideo.mapreduce import map_shards, portal

async def call():
    await asyncio.Event().wait()

def shard(n):
    if n == 3:
        os.killpg(os.getpgid(0), signal.SIGINT)  # as a terminal does: to every process of the command
    portal().call(call)

try:
    list(map_shards(shard, range(40), backend="{backend}", workers=4))
except KeyboardInterrupt:
    print("interrupted")
    sys.exit(130)
"""


@pytest.mark.slow
@pytest.mark.parametrize("backend", ENGINES)
def test_ctrl_c_ends_the_process_though_every_worker_waits(backend):
    """A Ctrl-C that hangs makes people kill -9; so no thread, portal or worker may hold up the exit."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _INTERRUPTED.format(backend=backend)],
        capture_output=True,
        text=True,
        timeout=60,
        start_new_session=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "interrupted\n", "")


def test_the_portal_is_one_and_survives_a_failed_call():
    async def broken() -> None:
        raise KeyError("x")

    with pytest.raises(KeyError):
        portal().call(broken)
    assert portal().call(threading.get_ident) == portal().call(threading.get_ident) != threading.get_ident()


def test_a_forked_child_gets_a_portal_of_its_own():
    portal()
    script = (
        "import os, warnings; warnings.simplefilter('ignore')\n"
        "from mrvideo.mapreduce import portal\n"
        "portal().call(os.getpid)\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if portal().call(os.getpid) == os.getpid() else 1)\n"
        "raise SystemExit(os.waitpid(child, 0)[1])\n"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0
