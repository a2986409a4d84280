"""The event loop that all model calls run on, and stopping what runs there from other threads."""

from __future__ import annotations

import asyncio
import atexit
import os
import sys
import threading
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar, Token
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
from anyio.from_thread import BlockingPortal
from typing_extensions import Self

if TYPE_CHECKING or sys.platform != "win32":
    from asyncio import SelectorEventLoop as _SystemLoop
else:
    from asyncio import ProactorEventLoop as _SystemLoop

R = TypeVar("R")

_BLOCKING_THREADS = 8
"""For the library and the like. More would wait for one another, and every thread keeps memory of its own."""


class Run:
    """The calls in flight of one map, cancelled when the map ends."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: set[Future[Any]] = set()
        self._stopped = False

    def check(self) -> None:
        """Raises `CancelledError` once the map has ended.

        Threads cannot be killed; they end at this check.
        """
        if self._stopped:
            raise CancelledError("the map over shards has ended")

    def watch(self, call: Future[Any]) -> None:
        """Cancel the call when the map ends; at once if it has ended."""
        with self._lock:
            stopped = self._stopped
            if not stopped:
                self._calls.add(call)
        if stopped:
            call.cancel()
        else:
            call.add_done_callback(self._forget)

    def _forget(self, call: Future[Any]) -> None:
        with self._lock:
            self._calls.discard(call)

    def stop(self) -> None:
        """End the map: cancel its calls in flight."""
        with self._lock:
            self._stopped = True
            calls = list(self._calls)
        for call in calls:
            call.cancel()


current_run: ContextVar[Run | None] = ContextVar("current_run", default=None)


class StopScope:
    """Stops, from any thread, the maps and calls that another thread started.

        with scope:        # in the thread that works
            build_index(…)
        scope.stop()       # elsewhere: its maps end, and its calls in flight are cancelled

    The work then raises `concurrent.futures.CancelledError`. Calls that begin after the stop are not
    cancelled, so that cleaning up works.
    """

    def __init__(self) -> None:
        self._held = Run()
        self._maps: list[Run] = []
        self._ends: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._stopped = False
        self._token: Token[StopScope | None] | None = None

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped

    def __enter__(self) -> Self:
        self._token = current_scope.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            current_scope.reset(self._token)

    def stop(self) -> None:
        """Stop the work; returns at once."""
        with self._lock:
            self._stopped = True
            maps, ends = list(self._maps), list(self._ends)
        for run in (self._held, *maps):
            run.stop()
        for end in ends:
            end()

    def end_with(self, run: Run) -> None:
        """Register a map, which is stopped with this scope."""
        with self._lock:
            self._maps.append(run)
            stopped = self._stopped
        if stopped:
            run.stop()

    @contextmanager
    def ending(self, end: Callable[[], None]) -> Generator[None]:
        """Call `end`, from the thread that stops, if this is stopped while the block runs; at once where it
        has been.
        """
        with self._lock:
            self._ends.append(end)
            stopped = self._stopped
        try:
            if stopped:
                end()
            yield
        finally:
            with self._lock:
                self._ends.remove(end)

    def watch(self, call: Future[Any]) -> None:
        """Register a call that the working thread makes outside any map."""
        if not self._stopped:
            self._held.watch(call)


current_scope: ContextVar[StopScope | None] = ContextVar("current_scope", default=None)


def check_going_on() -> None:
    """Raises `CancelledError` where this thread's work has been stopped: for what takes long between two
    calls.
    """
    scope = current_scope.get()
    if scope is not None and scope.stopped:
        raise CancelledError("the work was stopped")


def ending(end: Callable[[], None]) -> AbstractContextManager[None]:
    """`end` is called, from another thread, if this thread's work is stopped while the block runs."""
    scope = current_scope.get()
    return nullcontext() if scope is None else scope.ending(end)


async def in_thread(work: Callable[[], R]) -> R:
    """What takes long and waits for others, in a thread; cancelling it stops the work, and does not wait
    until it has.
    """
    scope = StopScope()

    def stoppable() -> R:
        with scope:
            return work()

    try:
        return await anyio.to_thread.run_sync(stoppable, abandon_on_cancel=True)
    except anyio.get_cancelled_exc_class():
        scope.stop()
        raise


class _Portal(BlockingPortal):
    def start_task_soon(self, func: Callable[..., Any], *args: Any, name: object = None) -> Future[Any]:
        run = current_run.get()
        if run is not None:
            run.check()
        call: Future[Any] = super().start_task_soon(func, *args, name=name)
        watcher = run or current_scope.get()
        if watcher is not None:
            watcher.watch(call)
        return call


class _Loop(_SystemLoop):
    """An event loop that can be closed while the interpreter shuts down, when no thread can be started any
    more.

    asyncio starts one to wait for the default executor's threads: `RuntimeError` on Python 3.12 and newer.
    """

    def __init__(self) -> None:
        super().__init__()
        self._blocking = ThreadPoolExecutor(_BLOCKING_THREADS, "mrvideo-blocking")
        self.set_default_executor(self._blocking)

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109 - asyncio names it
        self._blocking.shutdown(wait=False, cancel_futures=True)


_portal_lock = threading.Lock()
_portal: tuple[_Portal, threading.Thread] | None = None


def portal() -> BlockingPortal:
    """The way from any thread to this process's one event loop: `portal().call(model.run, request)`.

    Started on first use, on a daemon thread that never keeps the interpreter alive. A call made inside a
    shard that has been stopped raises `concurrent.futures.CancelledError`.
    """
    global _portal
    with _portal_lock:
        if _portal is None or not _portal[1].is_alive():
            _portal = _start_portal()
        return _portal[0]


def start_on_portal(work: Callable[[], Coroutine[Any, Any, R]]) -> Future[R]:
    """`portal().start_task_soon(work)`, also from the portal's own thread: an agent there calls tools that
    ask models.
    """
    served = portal()
    if _portal is not None and threading.current_thread() is _portal[1]:
        return asyncio.run_coroutine_threadsafe(work(), asyncio.get_running_loop())
    return served.start_task_soon(work)


def _start_portal() -> tuple[_Portal, threading.Thread]:
    started: Future[tuple[_Portal, asyncio.AbstractEventLoop, anyio.CancelScope]] = Future()

    async def serve() -> None:
        with anyio.CancelScope() as scope:
            anyio.to_thread.current_default_thread_limiter().total_tokens = _BLOCKING_THREADS
            async with _Portal() as served:
                started.set_result((served, asyncio.get_running_loop(), scope))
                await served.sleep_until_stopped()

    run = partial(anyio.run, serve, backend_options={"loop_factory": _Loop})
    thread = threading.Thread(target=run, name="mrvideo-portal", daemon=True)
    thread.start()
    served, loop, scope = started.result()

    def stop() -> None:
        # A loop that is busy must not hold up the end of the process for long.
        if thread.is_alive():
            loop.call_soon_threadsafe(scope.cancel)
            thread.join(timeout=1.0)

    atexit.register(stop)
    return served, thread


def _forget_portal() -> None:
    # A forked child has the value but not the thread.
    global _portal, _portal_lock
    _portal, _portal_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_portal)
