"""Requests in flight become batches; each gets its own answer, or its own error."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mrvideo.models.batching import Batcher


class TooBig(Exception): ...


@pytest.fixture
def batching() -> Iterator[Callable[..., Any]]:
    """Batchers over numbers that answer with ten times the number; `.batches` has what ran."""
    made: list[Any] = []

    def make(run: Callable[[Sequence[int]], Sequence[int]] | None = None, **options: Any) -> Any:
        batches: list[list[int]] = []

        def default(jobs: Sequence[int]) -> Sequence[int]:
            batches.append(list(jobs))
            return run(jobs) if run else [job * 10 for job in jobs]

        batcher = Batcher(list, default, **{"most_jobs": 4, "linger_seconds": 5.0, **options})
        batcher.batches = batches  # type: ignore[attr-defined]
        made.append(batcher)
        return batcher

    yield make
    for batcher in made:
        batcher.close()


def test_what_is_in_flight_together_runs_together(batching):
    batcher = batching()
    futures = [batcher.submit(number, weight=1) for number in range(8)]
    assert [future.result() for future in futures] == [number * 10 for number in range(8)]
    assert batcher.batches == [[0, 1, 2, 3], [4, 5, 6, 7]]


def test_long_and_short_do_not_share_a_batch(batching):
    batcher = batching(most_jobs=3)
    weights = [100, 1, 110, 1, 105, 1.2]
    futures = [batcher.submit(number, weight=weight) for number, weight in enumerate(weights)]
    assert [future.result() for future in futures] == [0, 10, 20, 30, 40, 50]
    assert sorted(map(sorted, batcher.batches)) == [[0, 2, 4], [1, 3, 5]]


def test_out_of_memory_halves_the_batch_and_later_ones_stay_small(batching):
    def run(jobs: Sequence[int]) -> Sequence[int]:
        if len(jobs) > 2:
            raise TooBig
        return [job * 10 for job in jobs]

    batcher = batching(run, most_jobs=8, too_big=(TooBig,))
    assert [f.result() for f in [batcher.submit(n, weight=1) for n in range(8)]] == [n * 10 for n in range(8)]
    assert batcher.most_jobs == 2
    ran = len(batcher.batches)
    assert [f.result() for f in [batcher.submit(n, weight=1) for n in range(4)]] == [0, 10, 20, 30]
    assert [len(batch) for batch in batcher.batches[ran:]] == [2, 2]


def test_a_single_job_that_does_not_fit_gets_the_error_alone(batching):
    def run(jobs: Sequence[int]) -> Sequence[int]:
        if 3 in jobs:
            raise TooBig(f"no room for {jobs}")
        return [job * 10 for job in jobs]

    batcher = batching(run, too_big=(TooBig,))
    futures = [batcher.submit(number, weight=1) for number in range(4)]
    with pytest.raises(TooBig):
        futures[3].result()
    assert [future.result() for future in futures[:3]] == [0, 10, 20]


def test_a_job_that_spoils_its_batch_spoils_only_itself_and_not_the_size(batching):
    def run(jobs: Sequence[int]) -> Sequence[int]:
        return [10 // job for job in jobs]

    batcher = batching(run, spoils=(ZeroDivisionError,))
    futures = [batcher.submit(number, weight=1) for number in (1, 2, 0, 5)]
    with pytest.raises(ZeroDivisionError):
        futures[2].result()
    assert [futures[i].result() for i in (0, 1, 3)] == [10, 5, 2]
    assert batcher.most_jobs == 4


def test_a_failure_of_another_kind_reaches_everybody_at_once(batching):
    def run(jobs: Sequence[int]) -> Sequence[int]:
        raise RuntimeError("the device is gone")

    batcher = batching(run)
    for future in [batcher.submit(number, weight=1) for number in range(4)]:
        with pytest.raises(RuntimeError, match="gone"):
            future.result()
    assert len(batcher.batches) == 1


def test_a_cancelled_job_never_runs(batching):
    started, go = threading.Event(), threading.Event()

    def run(jobs: Sequence[int]) -> Sequence[int]:
        started.set()
        go.wait()
        return [0 for _ in jobs]

    batcher = batching(run, most_jobs=1)
    first = batcher.submit(1, weight=1)
    second = batcher.submit(2, weight=1)
    started.wait()
    third = batcher.submit(3, weight=1)
    assert third.cancel()
    go.set()
    assert [first.result(), second.result()] == [0, 0]
    batcher.close()
    assert batcher.batches == [[1], [2]]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1000), st.floats(0.1, 1000)), max_size=40), st.integers(1, 7))
def test_every_job_gets_its_own_answer_whatever_the_mix(jobs, most):
    batcher = Batcher(list, lambda batch: [job * 10 for job in batch], most_jobs=most, linger_seconds=0)
    futures = [batcher.submit(job, weight=weight) for job, weight in jobs]
    assert [future.result() for future in futures] == [job * 10 for job, _ in jobs]
    batcher.close()
