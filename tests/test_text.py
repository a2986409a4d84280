"""When two texts are the same, and when one stands in the other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrvideo.text import distance, holds, likeness, resemblance, same_text

WORDS = st.text(alphabet="abcdefghjkmnpqrtuvwxy", min_size=2, max_size=9)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("KANGAROO", "Kangaroo"),
        ("HARBOUR DAY", "HarbourDay"),
        ("K-38", "k 38"),
        ("0CEAN l1st", "Ocean List"),
        ("Bread & Buns", "bread and buns"),
        ("Meeting at 09:35", "MEETING AT 09.35"),
        ("lighthouse", "lighthause"),
    ],
)
def test_readings_of_one_text_are_the_same(one: str, other: str) -> None:
    assert same_text(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("horse", "house"),
        ("9:35", "9:36"),
        ("The secret word is Tom", "The secret word is Tim"),
        ("The secret word is Mike", "The secret word is Mark"),
        ("Room 101", "Room 102"),
        ("Alice", "Alina"),
        ("cat", "concatenate"),
    ],
)
def test_two_texts_that_look_close_stay_two(one: str, other: str) -> None:
    assert not same_text(one, other)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("The secret word is Kangaroo", "kangaroo"),
        ("The secret wordis Kangaroo", "Kangaroo"),
        ("secretwordisKangaroo", "Kangaroo"),
        ("HARBOURDAY", "Harbour Day"),
        ("Code: 4711", "code 4711"),
        ("欢迎来到北京", "北京"),
    ],
)
def test_a_phrase_is_found_whatever_the_spaces(text: str, phrase: str) -> None:
    assert holds(text, phrase) >= 0.85


@pytest.mark.parametrize(
    ("text", "phrase"),
    [("concatenate", "cat"), ("Room 1012", "101"), ("house", "horse"), ("", "x"), ("abc", "—")],
)
def test_a_part_of_a_word_is_not_the_word(text: str, phrase: str) -> None:
    assert holds(text, phrase) == 0.0


# "Bread & Buns" is "bread and buns", so the word between counts for nothing.
@given(st.lists(WORDS.filter(lambda word: word != "and"), min_size=1, max_size=6))
def test_case_and_spaces_never_matter(words: list[str]) -> None:
    text = " ".join(words)
    assert likeness(text, text.upper()) == likeness(text, "".join(words)) == 1.0
    assert all(holds(text, word) == 1.0 for word in words)


@given(WORDS, WORDS)
def test_distance_is_symmetric_and_bounded(one: str, other: str) -> None:
    limit = max(len(one), len(other))
    assert distance(one, other, limit) == distance(other, one, limit) <= limit
    assert (distance(one, other, limit) == 0) == (one == other)
    assert 0.0 <= resemblance(one, other) <= 1.0
