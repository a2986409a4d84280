"""A text that stays on screen over scene borders is one sighting; two texts are two, however alike."""

from __future__ import annotations

import pytest

from mrvideo.captioning.assemble import scenes_of, watermarks_of
from mrvideo.captioning.shard_records import SceneDraft, ShardRecords
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


def draft(start: float, stop: float, *texts: Sighting) -> SceneDraft:
    return SceneDraft(
        start_seconds=start, stop_seconds=stop, shard_index=0, brief="b", detailed="d", sightings=texts
    )


def test_a_watermark_is_listed_by_the_scene_in_which_it_comes_up_with_the_span_over_which_it_stands() -> None:
    """The first scene of its stretch said that it stands there, whether or not it did."""
    marks = (sighting(12.0, 30.0, "LakeTV"), sighting(36.0, 40.0, "LakeTV"))
    # A clip has reported it all the same, and longer than the first look could see it.
    runs = [(draft(start, start + 10.0, *texts),) for start, *texts in _TOLD]
    scenes = scenes_of(runs, {}, marks)
    assert [scene.sightings for scene in scenes] == [
        (),
        (sighting(14.0, 15.0, "EXIT"), sighting(12.0, 32.0, "LakeTV")),
        (),
        (sighting(36.0, 40.0, "LakeTV"),),
    ]


_TOLD = (
    (0.0,),
    (10.0, sighting(14.0, 15.0, "EXIT")),
    (20.0, sighting(29.0, 32.0, "LAKE TV")),
    (30.0,),
)


def test_a_watermark_over_what_could_not_be_described_alone_is_of_no_scene() -> None:
    scenes = scenes_of([(draft(0.0, 10.0),), (draft(20.0, 30.0),)], {}, (sighting(11.0, 19.0, "LakeTV"),))
    assert [scene.sightings for scene in scenes] == [(), ()]


def test_one_that_stands_over_the_border_of_two_shards_is_one() -> None:
    shards = [
        ShardRecords(index=0, span=Span(0.0, 120.0), watermarks=(sighting(80.0, 120.0, "LakeTV"),)),
        ShardRecords(index=1, span=Span(120.0, 240.0), watermarks=(sighting(120.0, 130.0, "LakeTV"),)),
    ]
    assert watermarks_of(shards) == (sighting(80.0, 130.0, "LakeTV"),)


def test_records_that_tell_of_a_watermark_no_time_are_read_and_it_stands_over_their_span() -> None:
    """So libraries of before keep them: nothing is asked anew for the want of a time."""
    kept = '{"index": 1, "span": {"start_seconds": 120.0, "stop_seconds": 240.0}, "watermarks": ["LakeTV"]}'
    shard = ShardRecords.model_validate_json(kept)
    assert shard.watermarks == (sighting(120.0, 240.0, "LakeTV"),)
    assert ShardRecords.model_validate_json(shard.model_dump_json()) == shard
