"""Decoding in processes of its own: what crosses, what a death costs, and that none outlives its use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from functools import partial
from pathlib import Path

import cloudpickle
import psutil
import pytest

from mrvideo.errors import DecodeError, WorkerLost
from mrvideo.mapreduce import DecodingProcesses, map_shards
from mrvideo.records import Frame

PATIENCE_SECONDS = 60

# What is defined here has to reach processes that cannot import this file.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_once(mark: Path) -> str:
    if not mark.exists():
        mark.touch()
        _die()
    return "alive"


def _note_and_wait(mark: Path) -> None:
    mark.write_text(str(os.getpid()))
    time.sleep(600)


def _started(mark: Path) -> psutil.Process:
    for _ in range(PATIENCE_SECONDS * 20):
        if mark.exists() and mark.read_text():
            return psutil.Process(int(mark.read_text()))
        time.sleep(0.05)
    raise AssertionError(f"nothing wrote {mark}")


def _gone(process: psutil.Process) -> bool:
    try:
        process.wait(timeout=PATIENCE_SECONDS)
    except psutil.TimeoutExpired:
        return False
    return True


def test_work_is_done_elsewhere_and_frames_come_back_whole():
    def work() -> tuple[int, Frame]:
        return os.getpid(), Frame(time_seconds=1.5, jpeg=b"\xff\xd8", width=3, height=2)

    with DecodingProcesses(2) as processes:
        pid, frame = processes.decode(work).result(PATIENCE_SECONDS)
    assert pid != os.getpid()
    assert frame == Frame(1.5, b"\xff\xd8", 3, 2)


def test_no_more_work_at_once_than_processes_and_each_does_many():
    with DecodingProcesses(2) as processes:
        waiting = [processes.decode(os.getpid) for _ in range(20)]
        assert 1 <= len({one.result(PATIENCE_SECONDS) for one in waiting}) <= 2


def test_an_error_comes_back_as_it_is():
    def work() -> None:
        raise DecodeError("clip.mp4 breaks off at 0:10")

    with DecodingProcesses(1) as processes:
        with pytest.raises(DecodeError, match=r"clip\.mp4 breaks off at 0:10"):
            processes.decode(work).result(PATIENCE_SECONDS)
        assert processes.decode(lambda: 7).result(PATIENCE_SECONDS) == 7


def test_work_that_cannot_cross_is_an_error_of_its_own():
    lock = threading.Lock()
    with DecodingProcesses(1) as processes:
        with pytest.raises(Exception, match="pickle"):
            processes.decode(lambda: lock).result(PATIENCE_SECONDS)
        with pytest.raises(Exception, match="pickle"):
            processes.decode(threading.Lock).result(PATIENCE_SECONDS)
        assert processes.decode(lambda: 7).result(PATIENCE_SECONDS) == 7


def test_a_death_costs_its_own_work_alone():
    with DecodingProcesses(2) as processes:
        others = [processes.decode(partial(pow, n, 2)) for n in range(4)]
        deadly = processes.decode(_die)
        others += [processes.decode(partial(pow, n, 2)) for n in range(4, 8)]
        with pytest.raises(WorkerLost, match="died, also alone"):
            deadly.result(PATIENCE_SECONDS)
        assert [one.result(PATIENCE_SECONDS) for one in others] == [n * n for n in range(8)]
        assert processes.decode(lambda: 7).result(PATIENCE_SECONDS) == 7, "the pool is mended"


def test_work_that_lost_its_process_by_chance_is_done_after_all(tmp_path: Path):
    with DecodingProcesses(2) as processes:
        assert processes.decode(partial(_die_once, tmp_path / "died")).result(PATIENCE_SECONDS) == "alive"


def test_a_process_that_dies_idle_is_not_missed():
    with DecodingProcesses(1) as processes:
        first = processes.decode(os.getpid).result(PATIENCE_SECONDS)
        os.kill(first, signal.SIGKILL)
        assert processes.decode(os.getpid).result(PATIENCE_SECONDS) != first


def test_the_end_of_its_use_is_the_end_of_each_process():
    with DecodingProcesses(2) as processes:
        pids = {processes.decode(os.getpid).result(PATIENCE_SECONDS) for _ in range(6)}
        running = [psutil.Process(pid) for pid in pids]
    assert all(_gone(process) for process in running)


def test_an_error_of_the_caller_does_not_wait_for_what_is_at_work(tmp_path: Path):
    mark = tmp_path / "started"
    with pytest.raises(KeyError), DecodingProcesses(1) as processes:
        waiting = processes.decode(partial(_note_and_wait, mark))
        running = _started(mark)
        raise KeyError("broken")
    assert _gone(running)
    with pytest.raises((CancelledError, RuntimeError)):
        waiting.result(PATIENCE_SECONDS)


def test_a_shard_that_breaks_wakes_those_that_wait_for_decoding(tmp_path: Path):
    mark, woken = tmp_path / "started", threading.Event()

    with DecodingProcesses(1) as processes:

        def shard(n: int) -> None:
            if n == 0:
                try:
                    processes.decode(partial(_note_and_wait, mark)).result(PATIENCE_SECONDS)
                except CancelledError:
                    woken.set()
                    raise
            _started(mark)
            raise KeyError("broken")

        with pytest.raises(KeyError):
            list(map_shards(shard, range(2), workers=2))
        assert woken.wait(PATIENCE_SECONDS)
        psutil.Process(int(mark.read_text())).kill()


_SCRIPT = """
import os, signal, sys, time
from mrvideo.mapreduce import DecodingProcesses, map_shards

def work():
    print(os.getpid(), flush=True)
    if {deadly}:
        os.kill(os.getppid(), signal.SIGKILL)
    os.killpg(os.getpgid(0), signal.SIGINT)  # as a terminal does: to every process of the command
    time.sleep(600)

try:
    with DecodingProcesses(1) as processes:
        list(map_shards(lambda n: processes.decode(work).result(), range(8), workers=4))
except KeyboardInterrupt:
    print("interrupted")
    sys.exit(130)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals to a group of processes")
@pytest.mark.parametrize(("deadly", "code", "told"), [(False, 130, ["interrupted"]), (True, -9, [])])
def test_ctrl_c_and_a_kill_leave_no_process(tmp_path: Path, deadly: bool, code: int, told: list[str]):
    """From a script without a guard for its main part, as notebooks and demos are."""
    script = tmp_path / "script.py"
    script.write_text(_SCRIPT.format(deadly=deadly))
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        start_new_session=True,
    )
    worker, *lines = done.stdout.split()
    assert (done.returncode, lines) == (code, told), done.stderr
    assert not deadly or "Traceback" not in done.stderr
    assert deadly or done.stderr == ""
    assert not psutil.pid_exists(int(worker)) or _gone(psutil.Process(int(worker)))
