"""Where video is decoded: on as many threads as cores, or in as many processes."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from functools import partial
from multiprocessing import current_process
from queue import SimpleQueue
from typing import Any, Protocol, TypeAlias, TypeVar

from mrvideo.errors import WorkerLost
from mrvideo.mapreduce.engines import kill_pool, losses_on, serve_driver, starting_processes
from mrvideo.mapreduce.event_loop import current_run
from mrvideo.records import Frame, frame_between_processes

R = TypeVar("R")


class Decode(Protocol):
    """The function `decode`, or its equivalent from `decoding_processes`."""

    def __call__(self, work: Callable[[], R]) -> Future[R]: ...


def cores() -> int:
    """The number of processor cores that this process may use."""
    from joblib import cpu_count  # pyright: ignore

    return max(1, cpu_count())


# --- threads
# -------------------------------------------------------------------------------------------------


def decode(work: Callable[[], R]) -> Future[R]:
    """Run `work` on one of this process's decoding threads, of which there is one per core: while many shards
    wait for model calls, few decode.

    The threads are reused, because each thread that has decoded keeps its own memory. The future raises
    `concurrent.futures.CancelledError` inside a shard that has been stopped.
    """
    run = current_run.get()
    done: Future[R] = Future()

    def decoding() -> None:
        if not done.set_running_or_notify_cancel():
            return
        try:
            if run is not None:
                run.check()
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - whoever waits for the future gets it
            done.set_exception(error)

    _threads_work().put(decoding)
    return done


_Work: TypeAlias = "SimpleQueue[Callable[[], None]]"
_lock = threading.Lock()
_work: _Work | None = None


def _threads_work() -> _Work:
    """Where the decoding threads take their work from. They are daemons: none keeps the interpreter alive."""
    global _work
    with _lock:
        if _work is None:
            _work = SimpleQueue()
            for number in range(cores()):
                name = f"mrvideo-decode-{number}"
                threading.Thread(target=_decode_on, args=(_work,), name=name, daemon=True).start()
        return _work


def _decode_on(work: _Work) -> None:
    while True:
        work.get()()


def _forget_decoders() -> None:
    # A forked child has the queue but not the threads, and its parent's processes serve that one.
    global _work, _lock, _processes, _processes_lock
    _work, _lock = None, threading.Lock()
    _processes, _processes_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_decoders)


# --- processes
# -----------------------------------------------------------------------------------------------


@contextmanager
def decoding_processes(count: int) -> Generator[Decode]:
    """`decode` in a pool of processes, shared by all users in this process: the first one sets its size.

    Decoding threads compete for the interpreter lock with everything else; and a decoder that crashes ends
    its own process, not the run. The pool is killed when its last user leaves. Raises `OSError` when no
    process can be started.
    """
    global _processes
    with _processes_lock:
        processes = _processes = _processes or _Processes(count)
        processes.users += 1
    try:
        # In here: a signal's exception while they start ends them, too.
        processes.start()
        yield processes.decode
    finally:
        with _processes_lock:
            processes.users -= 1
            if not processes.users:
                _processes = None
                processes.end()


class _Processes:
    """A loky pool that is rebuilt when a process dies. It takes no more work than it has free processes."""

    def __init__(self, count: int) -> None:
        self.users = 0
        self._count = count
        self._lock = threading.Lock()
        self._starting = threading.Lock()
        self._one_alone = threading.Lock()
        # One more than processes, so that none waits for work. What waits in a loky pool holds its frames
        # twice.
        self._slots = threading.Semaphore(count + 1)
        self._pools: list[Any] = []
        self._ended = False
        self._shared: Any = None

    def start(self) -> None:
        """Start the processes, unless that is done. Raises `OSError` when one cannot be started."""
        with self._starting:
            if self._shared is not None:
                return
            try:
                if current_process().daemon:
                    raise OSError("a daemonic process may not start others")
                with self._lock:
                    pool = self._open(self._count)
                # loky starts them with the first work: now, while the caller can still do without.
                self._hand_in(pool, os.getpid).result()
            except Exception as error:
                # AssertionError, NotImplementedError, loky's own: each system has its way to lend none.
                raise OSError(" ".join(str(error).split()) or type(error).__name__) from error
            self._shared = pool

    def end(self) -> None:
        """Kill all processes. Work in progress is abandoned."""
        with self._lock:
            self._ended = True
            pools = list(self._pools)
        for pool in pools:
            kill_pool(pool)

    def decode(self, work: Callable[[], R]) -> Future[R]:
        """As the function `decode`, but waits until a process is free or nearly so.

        `work` and its result are pickled; frames may cross to this process, here alone. When the process
        dies, `work` is run again in one of its own; the future raises `WorkerLost` when that dies, too, or
        cannot be started.
        """
        run = current_run.get()
        done: Future[R] = Future()
        self._slots.acquire()
        with self._lock:
            pool = self._shared
        try:
            if run is not None:
                run.watch(done)
                run.check()
            handed_in: Future[R] = self._hand_in(pool, work)
        except losses_on("loky"):
            self._slots.release()
            self._lost(pool, work, done)
        except Exception as error:  # noqa: BLE001 - whoever waits for the future gets it
            self._slots.release()
            _fail(done, error)
        else:
            handed_in.add_done_callback(partial(self._settle, pool, work, done))
        return done

    def _settle(self, pool: Any, work: Callable[[], R], done: Future[R], ended: Future[R]) -> None:
        self._slots.release()
        if isinstance(_error_of(ended), losses_on("loky")):
            self._lost(pool, work, done)
        else:
            _pass_on(ended, done)

    def _lost(self, pool: Any, work: Callable[[], R], done: Future[R]) -> None:
        """A process died and broke the pool.

        Each piece of work in progress is run again alone, to find the one that kills its process.
        """
        again = threading.Thread(
            target=self._again, args=(pool, work, done), name="mrvideo-again", daemon=True
        )
        again.start()

    def _again(self, broken: Any, work: Callable[[], R], done: Future[R]) -> None:
        try:
            with self._lock:
                if self._shared is broken and not self._ended:
                    self._pools.remove(broken)
                    self._shared = self._open(self._count)
            with self._one_alone:
                self._alone(work, done)
        except Exception as error:  # noqa: BLE001 - whoever waits for the future gets it
            _fail(done, error)

    def _alone(self, work: Callable[[], R], done: Future[R]) -> None:
        with self._lock:
            if self._ended or done.cancelled():
                done.cancel()
                return
            pool = self._open(1)
        try:
            ended: Future[R] = self._hand_in(pool, work)
            error = _error_of(ended)
        finally:
            with self._lock:
                self._pools.remove(pool)
            kill_pool(pool)
        if isinstance(error, losses_on("loky")):
            _fail(done, error)
        else:
            _pass_on(ended, done)

    def _open(self, count: int) -> Any:
        from joblib.externals.loky.process_executor import ProcessPoolExecutor  # pyright: ignore

        pool: Any = ProcessPoolExecutor(
            count,
            result_reducers={Frame: frame_between_processes},
            initializer=serve_driver,
            initargs=(os.getpid(),),
        )
        self._pools.append(pool)
        return pool

    def _hand_in(self, pool: Any, work: Callable[[], R]) -> Future[R]:
        with self._lock, starting_processes():
            if self._ended:
                raise CancelledError("the processes have ended")
            return pool.submit(work)


_processes_lock = threading.Lock()
_processes: _Processes | None = None


def _error_of(ended: Future[Any]) -> BaseException | None:
    """The exception of the future, or None; waits for it to finish."""
    try:
        return ended.exception()
    except CancelledError as error:
        return error


def _pass_on(ended: Future[R], done: Future[R]) -> None:
    if not done.set_running_or_notify_cancel():
        return
    error = _error_of(ended)
    if error is None:
        done.set_result(ended.result())
    else:
        done.set_exception(error)


def _fail(done: Future[Any], error: BaseException) -> None:
    """Fail a piece of work for a reason that is not known to lie in the video."""
    if isinstance(error, CancelledError):
        done.cancel()
    elif done.set_running_or_notify_cancel():
        lost = WorkerLost(f"no process could decode it: {_why(error)}")
        lost.__cause__ = error
        done.set_exception(lost)


def _why(error: BaseException) -> str:
    exit_codes = re.search(r"exit codes of the workers are \{(.*?)\}", str(error))
    if exit_codes:
        return f"it ended its process, also alone ({exit_codes.group(1)})"
    return " ".join(str(error).split()) or type(error).__name__
