"""Whom a scene shows, and whom its captions merely name."""

from __future__ import annotations

import pytest

from mrvideo.records import CaptionPart, Scene
from mrvideo.records.shown import shown_names, spoken_of


def scene(text: str, *names: str, parts: tuple[CaptionPart, ...] = ()) -> Scene:
    return Scene(
        index=0,
        start_seconds=0,
        stop_seconds=9,
        brief="",
        detailed=text,
        entity_names=names or ("person_1", "person_2", "dog_1"),
        parts=parts,
    )


@pytest.mark.parametrize(
    ("text", "not_shown"),
    [
        ("<person_1> hands <person_2> a letter beside <dog_1>.", ""),
        ('<person_1> says: "<person_2> has found <dog_1>."', "person_2 dog_1"),
        ("<person_1> sagt: „<person_2> kommt.“", "person_2"),
        ("<person_1> asks <dog_1> where <person_2> is.", "person_2"),
        ("<person_1> tells <dog_1> about <person_2> and laughs.", "person_2"),
        ("<person_1> mentions <person_2> while <dog_1> listens.", "person_2"),
        ("<person_1> says <person_2> is late.", "person_2"),
        ("<person_1> asks for <person_2>.", "person_2"),
        ("<person_1> waits for <person_2>.", "person_2"),
        ("<person_1> is alone; <person_2> is not there.", "person_2"),
        ("<person_2> is no longer in the room, and <dog_1> can't be seen.", "person_2 dog_1"),
        ("Neither <person_2> nor <dog_1> is here.", "person_2 dog_1"),
        ("<person_1> sits without <dog_1>.", "dog_1"),
        ("<person_2> does not open the door, nor look at <dog_1>.", ""),
        ("<person_1> speaks to <person_2> when <dog_1> enters.", ""),
        ("<person_1> is asked for help by <person_2>.", ""),
        ("<person_1> says that <person_2> will come. Then <person_2> enters.", ""),
        ("A door. Nothing else.", ""),
    ],
)
def test_who_is_spoken_of_or_not_there_is_not_shown(text: str, not_shown: str) -> None:
    """Dangerous: an answer may say that somebody was seen where only the name was said."""
    names = scene(text).entity_names
    assert spoken_of(scene(text)) == set(not_shown.split())
    assert shown_names(scene(text)) == tuple(n for n in names if n not in not_shown.split())


def test_one_part_that_shows_somebody_is_enough() -> None:
    parts = (
        CaptionPart(start_seconds=0, stop_seconds=5, text="<person_1> asks where <person_2> is."),
        CaptionPart(start_seconds=5, stop_seconds=9, text="<person_2> waves from the boat."),
    )
    assert spoken_of(scene(" ".join(part.text for part in parts), parts=parts)) == frozenset()
    assert spoken_of(scene(parts[0].text, parts=parts[:1])) == {"person_2"}
