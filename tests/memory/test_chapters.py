"""Chapters: 8 to 16 scenes, borders where the content changes, and nothing before the right edge moves when
scenes are added.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrvideo.memory.chapters import FEWEST, MOST, Unit, borders, change

NAMES = st.frozensets(st.sampled_from("abcdef"), max_size=3)
WORDS = st.dictionaries(
    st.sampled_from(["sea", "boat", "soup", "snow", "car"]), st.integers(1, 3), max_size=3
)
UNITS = st.lists(st.builds(Unit, NAMES, WORDS, st.sampled_from([0.0, 0.15, 0.35])), max_size=120)


@given(UNITS)
def test_every_unit_is_in_one_group_of_eight_to_sixteen(units: list[Unit]) -> None:
    groups = borders(units)
    assert [place for group in groups for place in group] == list(range(len(units)))
    assert all(FEWEST <= len(group) <= MOST for group in groups[:-1])
    assert all(0 < len(group) <= MOST for group in groups[-1:])


@pytest.mark.slow
@given(UNITS, UNITS)
def test_added_scenes_move_no_border_but_the_last_ones(before: list[Unit], added: list[Unit]) -> None:
    old, new = borders(before), borders([*before, *added])
    # A group is settled when all that has a say in its border was there: up to four beyond the longest it
    # could be.
    settled = [group for group in old[:-1] if group.start + MOST + 4 <= len(before)]
    assert new[: len(settled)] == settled


def test_a_border_lies_where_people_and_words_change() -> None:
    sea, kitchen = Unit(frozenset("a"), {"sea": 2}), Unit(frozenset("b"), {"soup": 2})
    for turn in range(FEWEST, MOST + 1):
        units = [sea] * turn + [kitchen] * 20
        assert borders(units)[0] == range(turn), turn
        assert change(units, turn, 0) == 2.0
        assert change(units, turn + 4, 0) == 0.0
