"""Reducing in a tree: order kept, levels at once, errors bare."""

from __future__ import annotations

import asyncio
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrvideo.mapreduce import tree_reduce


@pytest.mark.slow
@given(st.lists(st.text(max_size=3), min_size=1, max_size=40), st.integers(2, 5))
def test_order_is_kept_for_any_number_and_any_fan_in(items, fan_in):
    async def join(*parts: str) -> str:
        return "".join(parts)

    assert asyncio.run(tree_reduce(items, join, fan_in=fan_in)) == "".join(items)


@pytest.mark.slow
@given(st.integers(1, 60), st.integers(2, 5))
def test_the_tree_is_no_deeper_than_the_logarithm_and_merges_only_neighbours(count, fan_in):
    async def merge(*parts: tuple[int, int, int]) -> tuple[int, int, int]:
        assert 2 <= len(parts) <= fan_in
        assert all(left[1] == right[0] for left, right in itertools.pairwise(parts))
        return parts[0][0], parts[-1][1], 1 + max(part[2] for part in parts)

    leaves = [(n, n + 1, 0) for n in range(count)]
    start, stop, depth = asyncio.run(tree_reduce(leaves, merge, fan_in=fan_in))
    assert (start, stop) == (0, count)
    assert depth <= math.ceil(math.log(count, fan_in) - 1e-9)


async def test_a_level_runs_at_once():
    started = 0
    everyone = asyncio.Event()

    async def merge(left: int, right: int) -> int:
        nonlocal started
        if left in (0, 2, 4, 6) and right == left + 1:
            started += 1
            if started == 4:
                everyone.set()
            await asyncio.wait_for(everyone.wait(), timeout=20)
        return left

    assert await tree_reduce(range(8), merge) == 0


async def test_one_alone_is_not_merged():
    async def merge(*_: int) -> int:
        raise AssertionError("nothing to merge")

    assert await tree_reduce([7], merge) == 7


async def test_the_first_exception_comes_bare_and_cancels_its_level():
    cancelled = asyncio.Event()

    async def merge(left: int, right: int) -> int:
        if left == 0:
            raise KeyError("broken")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return right

    with pytest.raises(KeyError):
        await tree_reduce([0, 1, 2, 3], merge)
    assert cancelled.is_set()


async def test_nothing_cannot_be_reduced():
    async def merge(left: int, right: int) -> int:
        return left + right

    with pytest.raises(ValueError, match="nothing to reduce"):
        await tree_reduce([], merge)
    with pytest.raises(ValueError, match="fan-in"):
        await tree_reduce([1, 2], merge, fan_in=1)
