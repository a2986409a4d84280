"""Spread work over shards, and reduce what comes back: the one room that knows about workers.

    specs ──► map_shards ──► records, in order of completion       threading | loky | dask | ray (joblib)
    items ──► tree_reduce ─► one                                   log2(n) levels, each level at once

Model calls are async and all run on one event loop, on a daemon thread of its own: `portal()`.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from contextvars import ContextVar, Token
from queue import SimpleQueue
from typing import Any, Literal, TypeAlias, TypeVar, cast

import anyio
from anyio.from_thread import BlockingPortal
from typing_extensions import Self

from mrvideo.errors import SettingsError, WorkerLost
from mrvideo.settings import silence_telemetry

Backend: TypeAlias = Literal["threading", "loky", "dask", "ray"]
Parallel: TypeAlias = Any
"""`joblib.Parallel`, which comes without types."""
S = TypeVar("S")
R = TypeVar("R")

_LOSSES_BEFORE_CARE = 2
"""After so many losses in a row the shards that may be to blame are run one at a time, to find the one that is."""

_DRIVER_POLL_SECONDS = 0.5
_DASK_WAIT_SECONDS = 10.0
_RAY_WAIT_SECONDS = 30.0

_BLOCKING_THREADS = 8
"""For the library and the like. More would wait for one another, and every thread keeps memory of its own."""


def map_shards(
    function: Callable[[S], R],
    specs: Iterable[S],
    *,
    backend: Backend = "threading",
    workers: int,
    cluster: str | None = None,
    on_lost: Callable[[S, str], R] | None = None,
) -> Generator[R, None, None]:
    """`function(spec)` for every spec, in order of completion. Nothing starts before the first `next`.

    All but `threading` pickle `function`, specs and results. `cluster` is where a scheduler listens:
    `dask://HOST:PORT`; for ray `auto` or `ray://HOST:PORT`.
    An exception of `function` ends the map, so what can go wrong with one shard alone belongs in its result.
    Ending it early (an exception, Ctrl-C, closing the generator) stops workers and cancels their model calls.
    A worker that dies costs its shard's work: the shard is run again elsewhere. One that dies again, alone, is given
    to `on_lost(spec, reason)` for a result in its place; without it, raises `WorkerLost`.
    Raises `SettingsError` when the cluster is out of reach or its extra is not installed.
    """
    if workers < 1:
        raise SettingsError(f"workers must be at least 1, got {workers}")
    pending = dict(enumerate(specs))
    with _engine(backend, workers, cluster) as engine:
        losses = 0
        while pending:
            try:
                for position, result in _run(function, pending, engine(workers), backend):
                    del pending[position]
                    losses = 0
                    yield result
            except _LOST.get(backend, _nothing)():
                losses += 1
                if losses >= _LOSSES_BEFORE_CARE:
                    yield from _one_by_one(function, pending, engine, backend, workers, on_lost)
                    losses = 0


def _one_by_one(
    function: Callable[[S], R],
    pending: dict[int, S],
    engine: Callable[[int], Parallel],
    backend: Backend,
    workers: int,
    on_lost: Callable[[S, str], R] | None,
) -> Iterator[R]:
    """Run alone each shard that may have killed its worker: they start in order, so it is among the first left."""
    for position in list(pending)[: 2 * workers]:
        spec = pending.pop(position)
        try:
            # Two workers for one shard: with one, joblib would run it in this process, which it may kill.
            for _, result in _run(function, {position: spec}, engine(max(2, workers)), backend):
                yield result
        except _LOST.get(backend, _nothing)() as error:
            reason = f"the worker process died each time it ran this shard ({type(error).__name__})"
            if on_lost is None:
                raise WorkerLost(
                    f"{spec!r}: {reason}; is there enough memory for so many workers?"
                ) from error
            yield on_lost(spec, reason)


def _run(
    function: Callable[[S], R], specs: dict[int, S], parallel: Parallel, backend: Backend
) -> Iterator[tuple[int, R]]:
    """One joblib call over the specs, each result with its spec's position; stopped for good on the way out."""
    import joblib  # pyright: ignore

    run = _Run()
    scope = _scope.get()
    if scope is not None:
        scope.end_with(run)
    delayed = cast("Callable[..., Any]", joblib.delayed)  # pyright: ignore
    if backend == "threading":
        jobs = [delayed(_shard)(function, position, spec, run) for position, spec in specs.items()]
    else:
        jobs = [
            delayed(_shard_elsewhere)(_pack((function, position, spec))) for position, spec in specs.items()
        ]
    results = cast("Generator[Any, None, None]", parallel(jobs))
    try:
        for result in _each(results):
            yield result if backend == "threading" else pickle.loads(result)  # noqa: S301
    finally:
        run.stop()


def _each(results: Generator[R, None, None]) -> Iterator[R]:
    """The generator's items; closed without joblib's warning that results go unused, for that is what stopping means."""
    try:
        while True:
            try:
                item = next(results)
            except StopIteration:
                return
            yield item
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results.close()


def _shard(function: Callable[[S], R], position: int, spec: S, run: _Run | None) -> tuple[int, R]:
    token = _current.set(run)
    try:
        return position, function(spec)
    finally:
        _current.reset(token)


def _shard_elsewhere(packed: bytes) -> bytes:
    """`_shard` across a process border. Packed here, by us: what cannot cross is an error of its shard, on either
    side, where a cluster would lose it and wait for ever."""
    function, position, spec = pickle.loads(packed)  # noqa: S301
    # What ends this map here is the end of its worker.
    return _pack(_shard(function, position, spec, None))


def _pack(value: object) -> bytes:
    # Not pickle's own: a function of a notebook or a script has to cross, too.
    from cloudpickle import dumps  # pyright: ignore

    return dumps(value)


def worker_name() -> str:
    """`HOST/PID` of this process, to say in a failure where a shard ran."""
    return f"{socket.gethostname()}/{os.getpid()}"


# --- engines -------------------------------------------------------------------------------------------------


@contextmanager
def _engine(backend: Backend, workers: int, cluster: str | None) -> Generator[Callable[[int], Parallel]]:
    """A function from a number of workers to a fresh `Parallel` on the chosen engine."""
    import joblib  # pyright: ignore

    # One shard a batch: a shard is minutes of video, and a lost worker must not cost its neighbours.
    common: dict[str, Any] = {"return_as": "generator_unordered", "batch_size": 1, "max_nbytes": None}
    if backend == "threading":
        yield lambda count: joblib.Parallel(n_jobs=count, backend="threading", **common)
    elif backend == "loky":
        yield lambda count: joblib.Parallel(
            n_jobs=count, backend="loky", initializer=_serve, initargs=(os.getpid(),), **common
        )
    elif backend == "dask":
        with _dask_client(cluster) as client:

            def on_dask(count: int) -> Parallel:
                with joblib.parallel_config(backend="dask", n_jobs=count, client=client):
                    return joblib.Parallel(**common)

            yield on_dask
    else:
        ray_backend = _ray_backend(workers, cluster)
        yield lambda count: joblib.Parallel(n_jobs=count, backend=ray_backend(), **common)


def _serve(driver: int) -> None:
    """What a worker process begins with."""
    import signal

    # Ctrl-C reaches the whole process group; the driver alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.name == "posix":
        threading.Thread(target=_end_with, args=(driver,), name="mrvideo-driver", daemon=True).start()


def _end_with(driver: int) -> None:
    """A driver that was killed says no goodbye: its workers would pay for the shards in hand and then wait for more."""
    while os.getppid() == driver:
        time.sleep(_DRIVER_POLL_SECONDS)
    os._exit(1)


@contextmanager
def _dask_client(cluster: str | None) -> Generator[Any]:
    try:
        from distributed import Client  # pyright: ignore
    except ImportError as error:
        raise SettingsError("a Dask cluster needs: pip install 'mrvideo[cluster]'") from error
    address = (cluster or "").replace("dask://", "tcp://", 1)
    if not address:
        raise SettingsError("a Dask cluster needs an address: --cluster dask://HOST:PORT")
    try:
        client: Any = Client(address, set_as_default=False, timeout=_DASK_WAIT_SECONDS)
    except (OSError, TimeoutError, ValueError) as error:
        raise SettingsError(
            f"no Dask scheduler answers at {cluster}: start one with `dask scheduler`"
        ) from error
    with client:
        yield client


def _ray_backend(workers: int, cluster: str | None) -> Callable[[], Any]:
    silence_telemetry()
    try:
        import ray as untyped
        from ray.util.joblib.ray_backend import RayBackend  # pyright: ignore
    except ImportError as error:
        raise SettingsError("a Ray cluster needs: pip install 'mrvideo[cluster]'") from error
    ray: Any = untyped
    if not ray.is_initialized():
        _start_ray(ray, workers, None if cluster in ("", "auto") else cluster)

    class Streaming(RayBackend):  # pyright: ignore
        # Ray's pool hands results to callbacks as they come; joblib's flag speaks of multiprocessing's own pool.
        supports_return_generator = True

    return Streaming


def _start_ray(ray: Any, workers: int, address: str | None) -> None:
    """Join the cluster of that address; without one, the one that `ray start` or RAY_ADDRESS names, else a Ray of our own."""
    # Stdout belongs to the results of the command.
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        try:
            ray.init(num_cpus=max(2, workers), include_dashboard=False, **quiet)
            return
        except ValueError:
            pass  # Only a Ray of our own takes a number of processors: there is another to join.
    # Where nobody answers, ray.init waits for many minutes and hears no signal meanwhile: another process tries it first.
    trial = f"import ray; ray.init(address={address!r}, log_to_driver=False, logging_level='CRITICAL')"
    try:
        subprocess.run(
            [sys.executable, "-c", trial],
            check=True,
            timeout=_RAY_WAIT_SECONDS,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        ray.init(address=address, **quiet)
    except (ConnectionError, OSError, ValueError, subprocess.SubprocessError) as error:
        raise SettingsError(
            f"no Ray cluster answers at {address or 'auto'}: start one with `ray start --head`, "
            "or forget one that is gone with `ray stop`"
        ) from error


def _lost_on_loky() -> tuple[type[BaseException], ...]:
    from joblib.externals.loky.process_executor import (  # pyright: ignore
        BrokenProcessPool,
        TerminatedWorkerError,
    )

    return (TerminatedWorkerError, BrokenProcessPool)  # pyright: ignore


def _lost_on_dask() -> tuple[type[BaseException], ...]:
    from distributed.scheduler import KilledWorker  # pyright: ignore

    return (KilledWorker,)


def _lost_on_ray() -> tuple[type[BaseException], ...]:
    from ray.exceptions import RayActorError, WorkerCrashedError

    return (RayActorError, WorkerCrashedError)


def _nothing() -> tuple[type[BaseException], ...]:
    return ()


_LOST: dict[str, Callable[[], tuple[type[BaseException], ...]]] = {
    "loky": _lost_on_loky,
    "dask": _lost_on_dask,
    "ray": _lost_on_ray,
}


# --- the event loop ------------------------------------------------------------------------------------------


class _Run:
    """One map's calls in flight on the portal, so that ending the map ends them too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: set[Future[Any]] = set()
        self._stopped = False

    def check(self) -> None:
        """Raises `CancelledError` once the map is over: its threads cannot be killed, but they end here."""
        if self._stopped:
            raise CancelledError("the map over shards has ended")

    def watch(self, call: Future[Any]) -> None:
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
        with self._lock:
            self._stopped = True
            calls = list(self._calls)
        for call in calls:
            call.cancel()


_current: ContextVar[_Run | None] = ContextVar("_current", default=None)


class StopScope:
    """Ends, from any thread, what another one does over shards and on the portal.

        with scope:        # in the thread that works
            build_index(…)
        scope.stop()       # elsewhere: its maps end, and its calls in flight are cancelled

    The work then raises `concurrent.futures.CancelledError`. Calls that begin after the stop are let be: they clean up.
    """

    def __init__(self) -> None:
        self._held = _Run()
        self._maps: list[_Run] = []
        self._lock = threading.Lock()
        self._stopped = False
        self._token: Token[StopScope | None] | None = None

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped

    def __enter__(self) -> Self:
        self._token = _scope.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _scope.reset(self._token)

    def stop(self) -> None:
        """End it; returns at once."""
        with self._lock:
            self._stopped = True
            maps = list(self._maps)
        for run in (self._held, *maps):
            run.stop()

    def end_with(self, run: _Run) -> None:
        """A map that begins ends with this scope."""
        with self._lock:
            self._maps.append(run)
            stopped = self._stopped
        if stopped:
            run.stop()

    def watch(self, call: Future[Any]) -> None:
        """A call that the working thread makes itself."""
        if not self._stopped:
            self._held.watch(call)


_scope: ContextVar[StopScope | None] = ContextVar("_scope", default=None)


class _Portal(BlockingPortal):
    def start_task_soon(self, func: Callable[..., Any], *args: Any, name: object = None) -> Future[Any]:
        run = _current.get()
        if run is not None:
            run.check()
        call: Future[Any] = super().start_task_soon(func, *args, name=name)
        watcher = run or _scope.get()
        if watcher is not None:
            watcher.watch(call)
        return call


_portal_lock = threading.Lock()
_portal: tuple[_Portal, threading.Thread] | None = None


def portal() -> BlockingPortal:
    """The way from any thread to this process's one event loop: `portal().call(model.run, request)`.

    Started on first use, on a daemon thread that never keeps the interpreter alive. A call made inside a shard
    that has been stopped raises `concurrent.futures.CancelledError`.
    """
    global _portal
    with _portal_lock:
        if _portal is None or not _portal[1].is_alive():
            _portal = _start_portal()
        return _portal[0]


def start_on_portal(work: Callable[[], Coroutine[Any, Any, R]]) -> Future[R]:
    """`portal().start_task_soon(work)`, also from the portal's own thread: an agent there calls tools that ask models."""
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

    thread = threading.Thread(target=anyio.run, args=(serve,), name="mrvideo-portal", daemon=True)
    thread.start()
    served, loop, scope = started.result()

    def stop() -> None:
        # A loop that is busy must not hold up the end of the process for long.
        if thread.is_alive():
            loop.call_soon_threadsafe(scope.cancel)
            thread.join(timeout=1.0)

    atexit.register(stop)
    return served, thread


def _forget_threads() -> None:
    # A forked child has the value but not the thread.
    global _portal, _portal_lock, _decoders_work, _decoders_lock
    _portal, _portal_lock = None, threading.Lock()
    _decoders_work, _decoders_lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_threads)


# --- bounds and reduction ------------------------------------------------------------------------------------


def decode(work: Callable[[], R]) -> Future[R]:
    """Run it on one of this process's decoding threads, as many as cores: many shards may wait on calls, few decode.

    On the same few threads each time, for every thread that once decoded keeps memory of its own. The future raises
    `concurrent.futures.CancelledError` inside a shard that has been stopped.
    """
    run = _current.get()
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

    _decoders().put(decoding)
    return done


_Work: TypeAlias = "SimpleQueue[Callable[[], None]]"
_decoders_lock = threading.Lock()
_decoders_work: _Work | None = None


def _decoders() -> _Work:
    """Where the decoding threads take their work from. They are daemons: none keeps the interpreter alive."""
    global _decoders_work
    with _decoders_lock:
        if _decoders_work is None:
            from joblib import cpu_count  # pyright: ignore

            _decoders_work = SimpleQueue()
            for number in range(max(1, cpu_count())):
                name = f"mrvideo-decode-{number}"
                threading.Thread(target=_decode_on, args=(_decoders_work,), name=name, daemon=True).start()
        return _decoders_work


def _decode_on(work: _Work) -> None:
    while True:
        work.get()()


async def tree_reduce(items: Sequence[R], merge: Callable[..., Awaitable[R]], *, fan_in: int = 2) -> R:
    """Neighbours merged by `await merge(*neighbours)`, `fan_in` at a time, until one is left; order is kept.

        1   2   3   4   5          each level runs at once; one without a neighbour moves up as it is
         \\ /     \\ /     |
          12     34    5           the first exception cancels its level and is raised as it is

    Raises `ValueError` when there is nothing to reduce.
    """
    if fan_in < 2:
        raise ValueError(f"a tree needs a fan-in of at least 2, got {fan_in}")
    level: list[R] = list(items)
    if not level:
        raise ValueError("there is nothing to reduce")
    while len(level) > 1:
        groups = [level[start : start + fan_in] for start in range(0, len(level), fan_in)]
        merged = iter(await _together([merge(*group) for group in groups if len(group) > 1]))
        level = [next(merged) if len(group) > 1 else group[0] for group in groups]
    return level[0]


async def _together(awaitables: list[Awaitable[R]]) -> list[R]:
    """All at once, results in order. The first exception cancels the rest and comes out bare, not in a group."""
    tasks = [asyncio.ensure_future(awaitable) for awaitable in awaitables]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in tasks:
            if task in done:
                task.result()
        return [task.result() for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
