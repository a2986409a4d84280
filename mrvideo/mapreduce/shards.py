"""One function over many shards, in order of completion, on any engine; a worker that dies costs its shard at
most.
"""

from __future__ import annotations

import os
import pickle
import socket
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from typing import Any, TypeVar, cast

from mrvideo.errors import SettingsError, WorkerLost
from mrvideo.mapreduce.engines import Backend, Parallel, losses_on, open_engine, starting_processes
from mrvideo.mapreduce.event_loop import Run, current_run, current_scope

S = TypeVar("S")
R = TypeVar("R")

_LOSSES_BEFORE_CARE = 2
"""After so many losses in a row the shards that may be to blame are run one at a time, to find the one that
is.
"""


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
    A worker that dies costs its shard's work: the shard is run again elsewhere. One that dies again, alone,
    is given to `on_lost(spec, reason)` for a result in its place; without it, raises `WorkerLost`. Raises
    `SettingsError` when the cluster is out of reach or its extra is not installed.
    """
    if workers < 1:
        raise SettingsError(f"workers must be at least 1, got {workers}")
    pending = dict(enumerate(specs))
    with open_engine(backend, workers, cluster) as engine:
        losses = 0
        while pending:
            try:
                for position, result in _run(function, pending, engine(workers), backend):
                    del pending[position]
                    losses = 0
                    yield result
            except losses_on(backend):
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
    """Run alone each shard that may have killed its worker: they start in order, so it is among the first
    left.
    """
    for position in list(pending)[: 2 * workers]:
        spec = pending.pop(position)
        try:
            # Two workers for one shard: with one, joblib would run it in this process, which it may kill.
            for _, result in _run(function, {position: spec}, engine(max(2, workers)), backend):
                yield result
        except losses_on(backend) as error:
            reason = "the worker process died each time it ran this shard"
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

    run = Run()
    scope = current_scope.get()
    if scope is not None:
        scope.end_with(run)
    delayed = cast("Callable[..., Any]", joblib.delayed)  # pyright: ignore
    if backend == "threading":
        jobs = [delayed(_shard)(function, position, spec, run) for position, spec in specs.items()]
    else:
        jobs = [
            delayed(_shard_elsewhere)(_pack((function, position, spec))) for position, spec in specs.items()
        ]
    try:
        for result in _each(partial(parallel, jobs), backend):
            yield result if backend == "threading" else pickle.loads(result)  # noqa: S301
    finally:
        run.stop()


def _each(start: Callable[[], Generator[Any, None, None]], backend: Backend) -> Iterator[Any]:
    """The items of joblib's generator; closed without its warning that results go unused, for that is what
    stopping means.
    """
    results: Generator[Any, None, None] | None = None
    try:
        # A signal that came meanwhile is heard at the end of this, when there is something to close.
        with starting_processes() if backend == "loky" else nullcontext():
            results = start()
        while True:
            try:
                item = next(results)
            except StopIteration:
                return
            yield item
    finally:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if results is not None:
                results.close()


def _shard(function: Callable[[S], R], position: int, spec: S, run: Run | None) -> tuple[int, R]:
    token = current_run.set(run)
    try:
        return position, function(spec)
    finally:
        current_run.reset(token)


def _shard_elsewhere(packed: bytes) -> bytes:
    """`_shard` across a process border. Packed here, by us: what cannot cross is an error of its shard, on
    either side, where a cluster would lose it and wait for ever.
    """
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
