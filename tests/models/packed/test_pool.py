"""Regions of the pool: none overlaps another, and what is given back becomes one gap again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch", reason="the local extra is not installed")
pytest.importorskip("transformers", reason="the local extra is not installed")

from mrvideo.models.packed.pool import KeyValuePool  # noqa: E402


def pool(tokens: int) -> KeyValuePool:
    return KeyValuePool(
        layers=2, tokens=tokens, heads=1, width=4, dtype=torch.float32, device=torch.device("cpu")
    )


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 40)), max_size=60))
def test_regions_never_overlap_and_nothing_is_lost(steps):
    made = pool(101)
    taken: list[tuple[int, int]] = []
    for take, number in steps:
        if take:
            start = made.take(number)
            if start is None:
                continue
            assert start >= 1, "place 0 is scratch"
            assert start + number <= 101
            for begin, length in taken:
                assert start + number <= begin or begin + length <= start
            taken.append((start, number))
        elif taken:
            made.give(*taken.pop(number % len(taken)))
        assert made.free == 100 - sum(length for _, length in taken)
    for region in taken:
        made.give(*region)
    assert made.take(100) == 1


def test_a_beginning_is_copied_in_every_layer():
    made = pool(20)
    made.keys[:, 2:5] = torch.arange(24.0).reshape(2, 3, 1, 4)
    made.values[:, 2:5] = -made.keys[:, 2:5]
    made.copy(2, 10, 3)
    assert torch.equal(made.keys[:, 10:13], made.keys[:, 2:5])
    assert torch.equal(made.values[:, 10:13], made.values[:, 2:5])
