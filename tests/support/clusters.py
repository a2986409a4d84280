"""What tests on real clusters have in common: their marks, and a process that a local Ray can hang in."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from multiprocessing import get_context
from typing import Protocol, TypeVar

import pytest

R = TypeVar("R")

MARKS = [
    pytest.mark.slow,
    pytest.mark.xdist_group("clusters"),  # one of each for the whole run
    # Theirs: sockets and processes that the engines leave to the collector, and calls they have not renewed
    # yet.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

RAY_SECONDS = 120.0
"""For one piece of work on Ray, which starts with the first one."""


class Driver(Protocol):
    """Does work that drives a cluster, and returns what it returns, or raises what it raises."""

    def __call__(self, work: Callable[[], R], /) -> R: ...


def in_this_process(work: Callable[[], R], /) -> R:
    """Do the work here: for engines that say themselves when they cannot go on."""
    return work()


@contextlib.contextmanager
def driver_process(seconds: float = RAY_SECONDS) -> Iterator[Driver]:
    """A process of its own for work that may never end.

    Ray waits in C++ for a daemon that a busy machine has not started, where no signal and no time limit of a
    test reaches it. This process is killed by its process id when one piece of work takes more than `seconds`,
    and in the end; Ray's daemons end with it. Raises `concurrent.futures.TimeoutError` then, and
    `BrokenProcessPool` for all further work.
    """
    pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_become_a_driver)

    def run(work: Callable[[], R], /) -> R:
        from cloudpickle import dumps  # pyright: ignore[reportUnknownVariableType]

        asked: Future[bytes] = pool.submit(_do, dumps(work))
        try:
            return pickle.loads(asked.result(seconds))
        except TookTooLong:
            kill()
            raise

    def kill() -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    pid = pool.submit(os.getpid).result(RAY_SECONDS)
    try:
        yield run
    finally:
        kill()
        pool.shutdown()


def _become_a_driver() -> None:
    """See no settings of the person who runs the tests, as the tests themselves."""
    for name in [name for name in os.environ if name.startswith("MRVIDEO_")]:
        del os.environ[name]


def _do(packed: bytes) -> bytes:
    from cloudpickle import dumps  # pyright: ignore[reportUnknownVariableType]

    return dumps(pickle.loads(packed)())
