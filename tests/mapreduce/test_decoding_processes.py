"""Decoding in processes of its own: what crosses, what a death costs, and that none outlives its use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import cloudpickle
import psutil
import pytest

from mrvideo.errors import DecodeError, WorkerLost
from mrvideo.mapreduce import decoding, decoding_processes, map_shards
from mrvideo.mapreduce.engines import kill_pool
from mrvideo.records import Frame

pytestmark = pytest.mark.slow

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
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


def test_work_is_done_elsewhere_and_frames_come_back_whole():
    def work() -> tuple[int, Frame]:
        return os.getpid(), Frame(time_seconds=1.5, jpeg=b"\xff\xd8", width=3, height=2)

    with decoding_processes(2) as decode:
        pid, frame = decode(work).result(PATIENCE_SECONDS)
    assert pid != os.getpid()
    assert frame == Frame(1.5, b"\xff\xd8", 3, 2)


def test_no_more_work_is_handed_in_than_can_be_handed_out(monkeypatch: pytest.MonkeyPatch):
    """What waits inside a loky pool breaks it when it is ended, and would hold its frames twice."""
    handed_in, most, lock = [0], [0], threading.Lock()
    hand_in = decoding._Processes._hand_in

    def counted(processes: Any, pool: Any, work: Any) -> Any:
        with lock:
            handed_in[0] += 1
            most[0] = max(most[0], handed_in[0])
        ended = hand_in(processes, pool, work)
        ended.add_done_callback(lambda _: handed_in.__setitem__(0, handed_in[0] - 1))
        return ended

    with decoding_processes(2) as decode:
        monkeypatch.setattr(decoding._Processes, "_hand_in", counted)
        found = list(map_shards(lambda n: decode(os.getpid).result(PATIENCE_SECONDS), range(40), workers=8))
    assert len(found) == 40 and len(set(found)) <= 2
    assert most[0] == 3


def test_two_users_share_the_processes_and_the_last_one_ends_them():
    with decoding_processes(1) as decode:
        pid = decode(os.getpid).result(PATIENCE_SECONDS)
        with decoding_processes(4) as too:
            assert {too(os.getpid).result(PATIENCE_SECONDS) for _ in range(4)} == {pid}
        assert decode(os.getpid).result(PATIENCE_SECONDS) == pid
    assert not psutil.pid_exists(pid)


def test_where_no_process_can_be_started_the_caller_hears_it_before_any_work(monkeypatch: pytest.MonkeyPatch):
    from joblib.externals.loky.backend.popen_loky_posix import Popen

    def refused(*_: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(Popen, "_launch", refused)
    with pytest.raises(OSError, match="temporarily unavailable"), decoding_processes(2):
        raise AssertionError("unreachable")


@pytest.mark.parametrize("before", ["decoding", "no workers", "two workers"])
def test_where_one_process_cannot_be_started_those_before_it_are_ended(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], before: str
):
    """They were left to themselves, and printed that what they share with their pool was gone."""
    from joblib.externals.loky import reusable_executor
    from joblib.externals.loky.backend.popen_loky_posix import Popen

    launched: list[Any] = []
    launch: Any = Popen._launch  # pyright: ignore
    kept: list[Any] = []
    if before == "two workers":
        pids = set(map_shards(lambda _: os.getpid(), range(8), backend="loky", workers=2))
        kept += [psutil.Process(pid) for pid in pids]
    elif reusable_executor._executor is not None:  # pyright: ignore
        # Of a test before this one.
        kill_pool(reusable_executor._executor)  # pyright: ignore

    def once(popen: Any, process: Any) -> None:
        if launched:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        launch(popen, process)
        launched.append(psutil.Process(popen.pid))

    monkeypatch.setattr(Popen, "_launch", once)
    with pytest.raises(OSError, match="temporarily unavailable"):
        if before == "decoding":
            with decoding_processes(2):
                raise AssertionError("unreachable")
        else:
            list(map_shards(lambda n: n, range(8), backend="loky", workers=4))
    assert len(launched) == 1 and all(_gone(process) for process in [*launched, *kept])
    if before != "decoding":
        monkeypatch.undo()
        assert list(map_shards(lambda n: n, range(4), backend="loky", workers=2))
    assert capfd.readouterr() == ("", "")


def test_a_process_that_cannot_be_started_again_fails_its_work_and_hangs_nobody(
    monkeypatch: pytest.MonkeyPatch,
):
    from joblib.externals.loky.backend.popen_loky_posix import Popen

    def refused(*_: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with decoding_processes(1) as decode:
        monkeypatch.setattr(Popen, "_launch", refused)
        for _ in range(5):
            with pytest.raises(WorkerLost, match="temporarily unavailable"):
                decode(_die).result(PATIENCE_SECONDS)
        monkeypatch.undo()
        assert decode(lambda: 7).result(PATIENCE_SECONDS) == 7


def test_inside_a_daemonic_process_there_are_none():
    def inside() -> str:
        import multiprocessing

        multiprocessing.current_process()._config["daemon"] = True
        try:
            with decoding_processes(1):
                return "started"
        except OSError as error:
            return str(error)

    with decoding_processes(1) as decode:
        assert "daemonic" in decode(inside).result(PATIENCE_SECONDS)


def test_an_error_comes_back_as_it_is():
    def work() -> None:
        raise DecodeError("clip.mp4 breaks off at 0:10")

    with decoding_processes(1) as decode:
        with pytest.raises(DecodeError, match=r"clip\.mp4 breaks off at 0:10"):
            decode(work).result(PATIENCE_SECONDS)
        assert decode(lambda: 7).result(PATIENCE_SECONDS) == 7


def test_work_that_cannot_cross_is_an_error_of_its_own():
    lock = threading.Lock()
    with decoding_processes(1) as decode:
        with pytest.raises(Exception, match="pickle"):
            decode(lambda: lock).result(PATIENCE_SECONDS)
        with pytest.raises(Exception, match="pickle"):
            decode(threading.Lock).result(PATIENCE_SECONDS)
        assert decode(lambda: 7).result(PATIENCE_SECONDS) == 7


def test_a_death_costs_its_own_work_alone():
    with decoding_processes(2) as decode:
        others = [decode(partial(pow, n, 2)) for n in range(4)]
        deadly = decode(_die)
        others += [decode(partial(pow, n, 2)) for n in range(4, 8)]
        with pytest.raises(WorkerLost, match=r"ended its process, also alone \(SIGKILL"):
            deadly.result(PATIENCE_SECONDS)
        assert [one.result(PATIENCE_SECONDS) for one in others] == [n * n for n in range(8)]
        assert decode(lambda: 7).result(PATIENCE_SECONDS) == 7, "the pool is mended"


def test_work_that_lost_its_process_by_chance_is_done_after_all(tmp_path: Path):
    with decoding_processes(2) as decode:
        assert decode(partial(_die_once, tmp_path / "died")).result(PATIENCE_SECONDS) == "alive"


def test_a_process_that_dies_idle_is_not_missed():
    with decoding_processes(1) as decode:
        first = decode(os.getpid).result(PATIENCE_SECONDS)
        os.kill(first, signal.SIGKILL)
        assert decode(os.getpid).result(PATIENCE_SECONDS) != first


def test_the_end_of_its_use_is_the_end_of_each_process():
    with decoding_processes(2) as decode:
        pids = {decode(os.getpid).result(PATIENCE_SECONDS) for _ in range(6)}
        running = [psutil.Process(pid) for pid in pids]
    assert all(_gone(process) for process in running)


def test_an_error_of_the_caller_does_not_wait_for_what_is_at_work(tmp_path: Path):
    mark = tmp_path / "started"
    with pytest.raises(KeyError), decoding_processes(1) as decode:
        waiting = decode(partial(_note_and_wait, mark))
        running = _started(mark)
        raise KeyError("broken")
    assert _gone(running)
    with pytest.raises((CancelledError, RuntimeError), match="shutdown"):
        waiting.result(PATIENCE_SECONDS)


def test_work_that_waits_in_the_pool_when_it_ends_is_given_up_silently(monkeypatch: pytest.MonkeyPatch):
    """loky's thread forgot the work and took it up afterwards, and its traceback stood on stderr."""
    told: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    with decoding_processes(1):
        processes = decoding._processes
        assert processes is not None
        # More than the pool's queue holds: some cannot be taken up before one is done.
        handed_in = [processes._hand_in(processes._shared, partial(time.sleep, 600)) for _ in range(10)]
    for one in handed_in:
        assert isinstance(one.exception(PATIENCE_SECONDS), RuntimeError)
    assert told == []


def test_a_shard_that_breaks_wakes_those_that_wait_for_decoding(tmp_path: Path):
    mark, woken = tmp_path / "started", threading.Event()

    with decoding_processes(1) as decode:

        def shard(n: int) -> None:
            if n == 0:
                try:
                    decode(partial(_note_and_wait, mark)).result(PATIENCE_SECONDS)
                except CancelledError:
                    woken.set()
                    raise
            _started(mark)
            raise KeyError("broken")

        with pytest.raises(KeyError):
            list(map_shards(shard, range(2), workers=2))
        assert woken.wait(PATIENCE_SECONDS)
        running = _started(mark)
    assert _gone(running), "given up with its last user"


_SCRIPT = """
import os, signal, sys, time
from mrvideo.mapreduce import decoding, decoding_processes, map_shards
from mrvideo.mapreduce.engines import kill_pool

def work():
    print(os.getpid(), flush=True)
    if {deadly}:
        os.kill(os.getppid(), signal.SIGKILL)
    os.killpg(os.getpgid(0), signal.SIGINT)  # as a terminal does: to every process of the command
    time.sleep(600)

try:
    with decoding_processes(1) as decode:
        list(map_shards(lambda n: decode(work).result(), range(8), workers=4))
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
    for _ in range(PATIENCE_SECONDS * 20):
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(int(worker)).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.05)
                continue
        return
    raise AssertionError("it is still there")


_STARTING = """
import sys
from mrvideo.mapreduce import decoding_processes, map_shards

try:
    print("starting", flush=True)
    if {workers}:
        list(map_shards(lambda n: n, range(8), backend="loky", workers=2))
    with decoding_processes(2) as decode:
        decode(lambda: 1).result()
    while True:
        pass
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals to a group of processes")
@pytest.mark.parametrize("workers", [False, True])
@pytest.mark.parametrize("seconds", [0.05, 0.1, 0.2, 0.3])
def test_ctrl_c_while_they_start_says_nothing(workers: bool, seconds: float):
    """Their interpreters import for a while before they can ignore it; four tracebacks helped nobody."""
    running = subprocess.Popen(
        [sys.executable, "-c", _STARTING.format(workers=workers)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert running.stdout is not None and running.stdout.readline() == "starting\n"
    time.sleep(seconds)
    os.killpg(running.pid, signal.SIGINT)
    _, told = running.communicate(timeout=PATIENCE_SECONDS)
    assert (running.returncode, told) == (130, "")


_SIGNALLED = """
import os, signal, sys
from joblib.externals.loky.backend import fork_exec
from joblib.externals.loky.backend.process import LokyProcess
from joblib.externals.loky.process_executor import ProcessPoolExecutor
from mrvideo.cli import signals, streams
from mrvideo.mapreduce import decoding_processes, map_shards, portal

def signalled(function):
    calls = []
    def then(*given, **named):
        result = function(*given, **named)
        calls.append(result)
        if len(calls) == {process}:
            os.killpg(0, signal.{name}) if {group} else os.kill(os.getpid(), signal.{name})
        return result
    return then

portal().call(lambda: None)  # there are other threads, as in the command
streams.settle()
{owner}.{function} = signalled({owner}.{function})
try:
    if {workers}:
        list(map_shards(lambda n: n, range(8), backend="loky", workers=2))
    else:
        with decoding_processes(2) as decode:
            decode(lambda: 1).result()
except signals.Terminated:
    sys.exit(143)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("workers", [False, True])
@pytest.mark.parametrize(("name", "group", "code"), [("SIGTERM", False, 143), ("SIGINT", True, 130)])
@pytest.mark.parametrize(
    ("owner", "function", "process"),
    [
        ("fork_exec", "fork_exec", 1),
        ("fork_exec", "fork_exec", 2),
        ("LokyProcess", "start", 2),
        ("ProcessPoolExecutor", "submit", 1),
    ],
    ids=["first has begun", "second has begun", "all have begun", "work is handed in"],
)
def test_a_signal_in_the_midst_of_their_start_ends_them(
    workers: bool, name: str, group: bool, code: int, owner: str, function: str, process: int
):
    """One that its pool did not know yet was not ended, and printed to the command's stdout that its parent
    was gone.
    """
    script = _SIGNALLED.format(
        workers=workers, name=name, group=group, owner=owner, function=function, process=process
    )
    running = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        out, told = running.communicate(timeout=PATIENCE_SECONDS)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)
    assert (running.returncode, out, told) == (code, "", "")
