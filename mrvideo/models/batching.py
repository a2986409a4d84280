"""Gather requests in flight into batches of similar size.

    submit ─► pending ─► pick like with like ─► prepare (CPU) ─► run (GPU)
                              one batch is prepared while another runs

A batch that does not fit into memory is halved, and later batches stay that small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Condition, Semaphore
from typing import Generic, TypeVar

J = TypeVar("J")
P = TypeVar("P")
R = TypeVar("R")

_LIKE = 1.5
"""Jobs whose weights differ by more than this factor do not share a batch: the lighter one would be mostly
padding.
"""


@dataclass(frozen=True, eq=False)
class _Pending(Generic[J, R]):
    job: J
    weight: float
    future: Future[R] = field(default_factory=lambda: Future())


class Batcher(Generic[J, P, R]):
    """Runs jobs in batches on threads of its own; results and errors reach each job's own future.

    `run` is never called twice at once. `splits` are the errors that may pass with fewer jobs: memory
    (`too_big`), which lowers `most_jobs` for good, and a job that spoils its batch.
    """

    def __init__(
        self,
        prepare: Callable[[Sequence[J]], P],
        run: Callable[[P], Sequence[R]],
        *,
        most_jobs: int,
        too_big: tuple[type[Exception], ...] = (),
        spoils: tuple[type[Exception], ...] = (),
        linger_seconds: float = 0.03,
    ) -> None:
        self.most_jobs = most_jobs
        self._prepare, self._run = prepare, run
        self._too_big, self._spoils = too_big, spoils
        self._linger_seconds = linger_seconds
        self._pending: list[_Pending[J, R]] = []
        self._arrived = Condition()
        self._ahead = Semaphore(1)
        # Threads by role, so that each waits for the one to its right only.
        self._picking, self._hands, self._finishing, self._device = (
            ThreadPoolExecutor(1, thread_name_prefix=f"mrvideo-{role}")
            for role in ("pick", "prepare", "finish", "run")
        )

    def submit(self, job: J, *, weight: float) -> Future[R]:
        """Queue one job; `weight` is proportional to its length. Cancelling the future drops it if it has not
        begun.
        """
        pending: _Pending[J, R] = _Pending(job, weight)
        with self._arrived:
            self._pending.append(pending)
            self._arrived.notify_all()
        self._picking.submit(self._next)
        return pending.future

    def drop(self, future: Future[R]) -> None:
        """Nobody waits for this result any more: it is not begun, if it was not yet."""
        future.cancel()

    def close(self) -> None:
        """Finish what is queued, then end the threads."""
        for executor in (self._picking, self._hands, self._finishing, self._device):
            executor.shutdown(wait=True)

    def _next(self) -> None:
        self._ahead.acquire()
        batch = self._pick()
        if not batch:
            self._ahead.release()
            return
        prepared = self._hands.submit(self._prepare, [pending.job for pending in batch])
        self._finishing.submit(self._begin, batch, prepared)

    def _pick(self) -> list[_Pending[J, R]]:
        with self._arrived:
            if self._pending:
                # Others are likely on their way: requests come in flocks.
                self._arrived.wait_for(lambda: len(self._pending) >= self.most_jobs, self._linger_seconds)
            self._pending = [pending for pending in self._pending if not pending.future.cancelled()]
            if not self._pending:
                return []
            oldest = self._pending[0].weight
            like = [p for p in self._pending if max(p.weight, oldest) <= _LIKE * min(p.weight, oldest)]
            like.sort(key=lambda p: abs(p.weight - oldest))
            batch = [p for p in like[: self.most_jobs] if p.future.set_running_or_notify_cancel()]
            self._pending = [pending for pending in self._pending if pending not in batch]
            return batch

    def _begin(self, batch: list[_Pending[J, R]], prepared: Future[P]) -> None:
        prepared.exception()
        # From here on the next batch may be picked and prepared, while this one runs.
        self._ahead.release()
        self._finish(batch, prepared)

    def _finish(self, batch: list[_Pending[J, R]], prepared: Future[P]) -> None:
        error = prepared.exception()
        if error is None:
            ran = self._device.submit(self._run, prepared.result())
            error = ran.exception()
            if error is None:
                for pending, result in zip(batch, ran.result(), strict=True):
                    pending.future.set_result(result)
                return
        if len(batch) > 1 and isinstance(error, self._too_big + self._spoils):
            half = (len(batch) + 1) // 2
            if isinstance(error, self._too_big):
                self.most_jobs = min(self.most_jobs, half)
            for part in (batch[:half], batch[half:]):
                self._finish(part, self._hands.submit(self._prepare, [pending.job for pending in part]))
            return
        for pending in batch:
            pending.future.set_exception(error)
