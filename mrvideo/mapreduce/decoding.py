"""Where video is decoded: on as many threads as cores, or in as many processes."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from queue import SimpleQueue
from typing import Any, Protocol, TypeAlias, TypeVar

from typing_extensions import Self

from mrvideo.errors import WorkerLost
from mrvideo.mapreduce.calls import current_run
from mrvideo.mapreduce.engines import losses_on, serve_driver
from mrvideo.records import Frame

R = TypeVar("R")


class Decode(Protocol):
    """`decode`, or the same of `DecodingProcesses`."""

    def __call__(self, work: Callable[[], R]) -> Future[R]: ...


def cores() -> int:
    """The processor cores that this process may use."""
    from joblib import cpu_count  # pyright: ignore

    return max(1, cpu_count())


# --- threads -------------------------------------------------------------------------------------------------


def decode(work: Callable[[], R]) -> Future[R]:
    """Run it on one of this process's decoding threads, as many as cores: many shards may wait on calls, few decode.

    On the same few threads each time, for every thread that once decoded keeps memory of its own. The future raises
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


def _forget_threads() -> None:
    # A forked child has the queue but not the threads.
    global _work, _lock
    _work, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


# --- processes -----------------------------------------------------------------------------------------------


class DecodingProcesses:
    """A context manager that lends so many processes for decoding; they start with the first work, and end with it.

    A decoding thread needs the interpreter for every packet, and waits there for all that goes on beside it. And a
    decoder that crashes takes its process along, not the run. Entering raises `OSError` or `ImportError` where the
    system lends no processes.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        # One more than processes, so that none waits for work. What waits inside a loky pool that is ended breaks its thread.
        self._slots = threading.Semaphore(count + 1)
        self._lock = threading.Lock()
        self._one_alone = threading.Lock()
        self._pools: list[Any] = []
        self._shared: Any = None
        self._ended = False

    def __enter__(self) -> Self:
        self._shared = self._open(self._count)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._lock:
            self._ended = True
            pools = list(self._pools)
        for pool in pools:
            # At a good end nothing is at work, and nothing needs to be killed.
            pool.shutdown(wait=True, kill_workers=kind is not None)

    def decode(self, work: Callable[[], R]) -> Future[R]:
        """As the function `decode`, but waits until a process is free or nearly so.

        `work` and its result are pickled; frames may cross to this process, here alone. When the process dies, `work`
        is run again in one of its own; the future raises `WorkerLost` when that dies, too.
        """
        run = current_run.get()
        done: Future[R] = Future()
        self._slots.acquire()
        done.add_done_callback(lambda _: self._slots.release())
        if run is not None:
            run.watch(done)
            run.check()
        with self._lock:
            pool = self._shared

        def settle(ended: Future[R]) -> None:
            if isinstance(_error_of(ended), losses_on("loky")):
                self._lost(pool, work, done)
            else:
                _pass_on(ended, done)

        try:
            pool.submit(work).add_done_callback(settle)
        except losses_on("loky"):
            self._lost(pool, work, done)
        return done

    def _lost(self, pool: Any, work: Callable[[], R], done: Future[R]) -> None:
        """One of those at work killed its process, and the pool with it. Which one is found out alone."""
        with self._lock:
            if self._shared is pool and not self._ended:
                self._pools.remove(pool)
                self._shared = self._open(self._count)
        threading.Thread(target=self._alone, args=(work, done), name="mrvideo-again", daemon=True).start()

    def _alone(self, work: Callable[[], R], done: Future[R]) -> None:
        with self._one_alone:
            with self._lock:
                if self._ended or done.cancelled():
                    done.cancel()
                    return
                pool = self._open(1)
            ended: Future[R] = pool.submit(work)
            error = _error_of(ended)
            with self._lock:
                if not self._ended:
                    self._pools.remove(pool)
            pool.shutdown(wait=True)
        if not isinstance(error, losses_on("loky")):
            _pass_on(ended, done)
        elif done.set_running_or_notify_cancel():
            reason = "the process that decoded it died, also alone: too little memory, or a decoder that crashes on it"
            done.set_exception(WorkerLost(reason))

    def _open(self, count: int) -> Any:
        from joblib.externals.loky.process_executor import ProcessPoolExecutor  # pyright: ignore

        # A process that has grown is replaced after its work: no matter for the user of a video.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
        pool: Any = ProcessPoolExecutor(
            count, result_reducers={Frame: _whole}, initializer=serve_driver, initargs=(os.getpid(),)
        )
        self._pools.append(pool)
        return pool


def _whole(frame: Frame) -> tuple[type[Frame], tuple[float, bytes, int, int]]:
    return Frame, (frame.time_seconds, frame.jpeg, frame.width, frame.height)


def _error_of(ended: Future[Any]) -> BaseException | None:
    """What the future raises; waits for it."""
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
