"""A text that stays on screen over scene borders is one sighting; two texts are two, however alike."""

from __future__ import annotations

import pytest

from mrvideo.captioning.sightings import join_sightings, overlapping
from mrvideo.records import Sighting, Span
from mrvideo.text import same_text


def sighting(start: float, stop: float, text: str) -> Sighting:
    return Sighting(start_seconds=start, stop_seconds=stop, text=text)


def test_touching_sightings_of_one_text_become_one_with_the_reading_that_stood_longest() -> None:
    found = join_sightings(
        [
            sighting(10.0, 14.0, "Grand Opening Sale"),
            sighting(0.0, 9.5, "GRAND OPENING SALE"),
            sighting(14.5, 15.0, "Grand Openlng Sale"),
        ]
    )
    assert found == (sighting(0.0, 15.0, "GRAND OPENING SALE"),)


def test_the_same_text_later_is_another_sighting() -> None:
    assert len(join_sightings([sighting(0, 5, "EXIT"), sighting(5.7, 8, "EXIT")])) == 2


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Gate 12", "Gate 13", False),  # one digit is another gate
        ("Departures from platform 12", "Departures from platform 13", False),
        ("Fresh bread daily", "fresh  bread, daily", True),
        ("Departures today", "Depertures today", True),
        ("Fresh bread daily", "Frosh bread daily", False),  # in a short word one letter makes another word
        ("The secret word is Mike", "The secret word is Mark", False),  # back to back, 15 of 18 were lost
        ("cat", "car", False),  # too short for a misread letter to be told from another word
        ("***", "***", True),
        ("***", "###", False),
    ],
)
def test_readings_of_one_text_are_told_from_other_texts(one: str, other: str, same: bool) -> None:
    assert same_text(one, other) is same
    assert same_text(other, one) is same


def test_a_scene_lists_what_overlaps_it_with_the_whole_span() -> None:
    texts = (sighting(0, 20, "A"), sighting(20, 30, "B"))
    assert overlapping(texts, Span(10, 20)) == (sighting(0, 20, "A"),)
