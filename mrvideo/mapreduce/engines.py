"""Where shards run: threads of this process, processes of this machine, or a cluster; all through joblib."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any, Literal, TypeAlias

from mrvideo.errors import SettingsError
from mrvideo.settings import silence_telemetry

Backend: TypeAlias = Literal["threading", "loky", "dask", "ray"]
Parallel: TypeAlias = Any
"""`joblib.Parallel`, which comes without types."""

_DRIVER_POLL_SECONDS = 0.5
_DASK_WAIT_SECONDS = 10.0
_RAY_WAIT_SECONDS = 30.0


@contextmanager
def open_engine(backend: Backend, workers: int, cluster: str | None) -> Generator[Callable[[int], Parallel]]:
    """A function from a number of workers to a fresh `Parallel` on the chosen engine."""
    import joblib  # pyright: ignore

    # One shard a batch: a shard is minutes of video, and a lost worker must not cost its neighbours.
    common: dict[str, Any] = {"return_as": "generator_unordered", "batch_size": 1, "max_nbytes": None}
    if backend == "threading":
        yield lambda count: joblib.Parallel(n_jobs=count, backend="threading", **common)
    elif backend == "loky":
        loky_backend = _loky_backend()
        yield lambda count: joblib.Parallel(
            n_jobs=count, backend=loky_backend(), initializer=serve_driver, initargs=(os.getpid(),), **common
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


@contextmanager
def starting_processes() -> Generator[None]:
    """Hold back SIGINT and SIGTERM while worker processes start.

    In the main thread their handlers run at the end: an exception in the midst of it would leave a process
    that no pool knows of and nobody ends. Such a process fails once its parent is gone, and says so on the
    parent's stdout. In the processes SIGINT stays blocked until `serve_driver` unblocks it: one that arrives
    during their imports would print their tracebacks.
    """
    with _held_back(signal.SIGINT), _held_back(signal.SIGTERM), _sigint_blocked():
        yield


@contextmanager
def _held_back(number: signal.Signals) -> Generator[None]:
    """Handle the signal at the end, where Python handles it at all and this is the thread that does.

    Blocking it in this thread is no help: another thread takes it, and its handler runs here nevertheless.
    """
    handler = signal.getsignal(number)
    if not callable(handler) or threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    try:
        signal.signal(number, lambda received, _: came.append(received))
        yield
    finally:
        signal.signal(number, handler)
        if came:
            signal.raise_signal(number)


@contextmanager
def _sigint_blocked() -> Generator[None]:
    """SIGINT blocked in this thread and in the processes that it starts, on POSIX systems."""
    if os.name != "posix":
        yield
        return
    from multiprocessing import resource_tracker

    from joblib.externals.loky.backend import resource_tracker as tracker_of_loky  # pyright: ignore

    # Both kinds of process come with a tracker, whose start lifts the mask.
    resource_tracker.ensure_running()
    tracker_of_loky.ensure_running()  # pyright: ignore
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def serve_driver(driver: int) -> None:
    """Set up a worker process."""
    # Ctrl-C reaches the whole process group; the driver alone answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.name == "posix":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        threading.Thread(target=_end_with, args=(driver,), name="mrvideo-driver", daemon=True).start()


def _end_with(driver: int) -> None:
    """End this worker when its driver dies.

    A killed driver cannot tell its workers, which would go on making paid calls.
    """
    while os.getppid() == driver:
        time.sleep(_DRIVER_POLL_SECONDS)
    os._exit(1)


def kill_pool(pool: Any) -> None:
    """Kill all processes of a loky pool. Work in progress is abandoned."""
    from joblib.externals.loky.backend.utils import kill_process_tree  # pyright: ignore

    # Its thread drops what it has not taken up yet, and fails when it takes that up afterwards.
    thread = pool._executor_manager_thread
    if thread is not None:
        thread.work_ids_queue = SimpleQueue()
    pool.shutdown(wait=True, kill_workers=True)
    # Without that thread, as when not all processes could be started, nobody has killed those that were.
    while pool._processes:
        kill_process_tree(pool._processes.popitem()[1])


def _loky_backend() -> Callable[[], Any]:
    from joblib.externals.loky import reusable_executor  # pyright: ignore
    from joblib.parallel import LokyBackend  # pyright: ignore

    class Killed(LokyBackend):  # pyright: ignore
        def configure(self, *args: Any, **kwargs: Any) -> Any:
            try:
                return super().configure(*args, **kwargs)  # pyright: ignore
            except (OSError, RuntimeError):
                # The pool of an earlier map, which could not be made larger: joblib has not been given it,
                # and would leave its processes for minutes.
                if reusable_executor._executor is not None:  # pyright: ignore
                    kill_pool(reusable_executor._executor)  # pyright: ignore
                raise

        def abort_everything(self, ensure_ready: bool = True) -> None:
            kill_pool(self._workers)  # pyright: ignore
            super().abort_everything(ensure_ready)  # pyright: ignore

    return Killed


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


_starting_ray = threading.Lock()


def _ray_backend(workers: int, cluster: str | None) -> Callable[[], Any]:
    silence_telemetry()
    try:
        import ray as untyped
        from ray.util.joblib.ray_backend import RayBackend  # pyright: ignore
    except ImportError as error:
        raise SettingsError("a Ray cluster needs: pip install 'mrvideo[cluster]'") from error
    ray: Any = untyped
    # Two runs at once would both find none, and the second to start one fails.
    with _starting_ray:
        if not ray.is_initialized():
            _start_ray(ray, workers, None if cluster in ("", "auto") else cluster)

    class Streaming(RayBackend):  # pyright: ignore
        # Ray's pool hands results to callbacks as they come; joblib's flag speaks of multiprocessing's own
        # pool.
        supports_return_generator = True

    return Streaming


def _start_ray(ray: Any, workers: int, address: str | None) -> None:
    """Join the Ray cluster at that address; without one, the cluster of `ray start` or RAY_ADDRESS; else
    start a local one.
    """
    # Stdout belongs to the results of the command.
    quiet = {"log_to_driver": False, "logging_level": "ERROR"}
    if address is None:
        try:
            ray.init(num_cpus=max(2, workers), include_dashboard=False, **quiet)
            return
        except ValueError:
            pass  # Only a Ray of our own takes a number of processors: there is another to join.
    # Where nobody answers, ray.init waits for many minutes and hears no signal meanwhile: another process
    # tries it first.
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


_LOST: dict[str, Callable[[], tuple[type[BaseException], ...]]] = {
    "loky": _lost_on_loky,
    "dask": _lost_on_dask,
    "ray": _lost_on_ray,
}


def losses_on(backend: Backend) -> tuple[type[BaseException], ...]:
    """The exceptions that the engine raises when a worker has died."""
    return _LOST[backend]() if backend in _LOST else ()
