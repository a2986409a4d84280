"""Captions are rewritten exactly: no stale name, no half-hit, names inside names safe."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from mrvideo.captioning.rename import marks_in, renamed

NAMES = {
    "person_a": "person_3",
    "person_b": "person_1",
    "old_person_a": "old_person_2",
    "red_car_aa": "red_car_1",
}


def test_marks_become_the_casts_names_all_at_once() -> None:
    assert renamed("<person_a> meets <person_b>.", NAMES) == "<person_3> meets <person_1>."
    # person_b → person_1 must not be taken for a local name again.
    assert renamed("<person_b>", {"person_b": "person_a", "person_a": "person_c"}) == "<person_a>"


def test_a_name_inside_a_name_is_not_hit() -> None:
    assert renamed("<old_person_a> and <person_a>", NAMES) == "<old_person_2> and <person_3>"
    assert (
        renamed("superperson_a, person_abc, my_person_a", NAMES) == "superperson_a, person_abc, my_person_a"
    )


def test_an_unknown_mark_becomes_plain_words() -> None:
    assert renamed("<person_z> drives <blue_van_b>, watched by <person_7>", NAMES) == (
        "person drives blue van, watched by person 7"
    )


def test_careless_marks_are_understood() -> None:
    assert renamed("<Person_A>, < person_b > and person_a's dog", NAMES) == (
        "<person_3>, <person_1> and <person_3>'s dog"
    )


@given(st.lists(st.sampled_from([*NAMES, "person_z", "dog_a"]), max_size=6), st.text(max_size=20))
def test_no_local_name_is_left_in_brackets_and_nothing_else_changes(names: list[str], other: str) -> None:
    other = re.sub(r"[<>_\x02\x03]", "", other)
    text = other + " ".join(f"<{name}>" for name in names) + other
    done = renamed(text, NAMES)
    assert set(marks_in(done)) <= set(NAMES.values())
    assert done.startswith(other) and done.endswith(other)
