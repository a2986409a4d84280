"""Scenes found by the words that a question shares with them, by people's names, and by times."""

from __future__ import annotations

from mrvideo.memory.evidence import Leaf
from mrvideo.memory.recall import Recall
from mrvideo.records import Cue, Entity, Scene

CAST = [
    Entity(name="person_1", kind="person", description="d", display_name="Mara", exemplar_seconds=1.0),
    Entity(name="person_2", kind="person", description="d", display_name="Ben", exemplar_seconds=1.0),
]


def leaf(place: int, text: str, *names: str, cue: str = "") -> Leaf:
    start = 60.0 * place
    scene = Scene(
        start_seconds=start, stop_seconds=start + 60, index=place, brief="", detailed=text, entity_names=names
    )
    return Leaf(scene, (Cue(start_seconds=start, stop_seconds=start + 2, text=cue),) if cue else ())


LEAVES = [
    leaf(0, "<person_2> mends a net at the harbour.", "person_2"),
    leaf(1, "<person_1> walks along the harbour.", "person_1"),
    leaf(2, "<person_1> lights a lantern in the tower.", "person_1"),
    leaf(3, "A cat sleeps.", cue="The ferry leaves at nine."),
    *[leaf(n, "<person_2> walks along the harbour.", "person_2") for n in range(4, 40)],
]


def places(text: str, most: int = 1) -> list[int]:
    return Recall(LEAVES, CAST).places(text, most)


def test_rare_words_and_the_people_who_are_meant_lead() -> None:
    assert places("Where does Mara light the lantern?") == [2]
    assert places("Who mended the nets?") == [0]
    assert places("When do the ferries leave?") == [3]
    assert set(places("What does Mara do?", 2)) == {1, 2}


def test_a_time_leads_before_any_word() -> None:
    assert places("What does Mara do at 12:30?", 2)[0] == 12


def test_nothing_shared_points_nowhere() -> None:
    assert places("zebra") == []
    assert Recall([], CAST).places("Mara", 3) == []
