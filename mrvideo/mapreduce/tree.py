"""Reduce many items to one, level by level."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

R = TypeVar("R")


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
