"""What scenes bear out: names, numbers, quotations, and most of the other words."""

from __future__ import annotations

import pytest

from mrvideo.memory.evidence import borne_out, leaves_of
from mrvideo.records import Cue, Index, Scene, Sighting, VideoInfo


def index(scenes: list[Scene], cues: list[Cue]) -> Index:
    video = VideoInfo(
        digest="0" * 64, path="v.mp4", duration_seconds=90, width=64, height=36, frames_per_second=25,
        codec="h264", has_audio=True, size_bytes=1,
    )  # fmt: skip
    return Index(key="k", video=video, scenes=tuple(scenes), cues=tuple(cues))


SCENE = Scene(
    start_seconds=0,
    stop_seconds=30,
    index=4,
    brief="",
    detailed="<person_2> pours red lentils into a pot and stirs.",
    entity_names=("person_2", "pot_1"),
    sightings=(Sighting(start_seconds=3, stop_seconds=9, text="COOK FOR 20 MINUTES"),),
)
CUES = [Cue(start_seconds=5, stop_seconds=8, text="Now we add the cumin.", speaker="Mara")]


@pytest.mark.parametrize(
    ("text", "borne"),
    [
        ("<person_2> pours red lentils into the pot.", True),
        ("<person_2> pours lentils into <pot_1>.", True),
        ("<person_3> pours red lentils into the pot.", False),
        ('On screen: "Cook for 20 minutes".', True),
        ('On screen: "Cook for 30 minutes".', False),
        ('On screen: "Buy our new soup".', False),
        ("The lentils are cooked for 20 minutes.", True),
        ("The lentils are cooked for 25 minutes.", False),
        ("Mara adds the cumin.", True),
        ("A dog chases a ball across the beach.", False),
        ("<person_2> wins a medal and leaves town.", False),
    ],
)
def test_code_looks_whether_scenes_say_so(text: str, borne: bool) -> None:
    assert borne_out(text, leaves_of(index([SCENE], CUES))) is borne


def test_scripts_without_spaces_are_held_to_names_numbers_and_quotations() -> None:
    scene = SCENE.model_copy(
        update={"detailed": "<person_2>が鍋に豆を入れる。", "sightings": (), "parts": ()}
    )
    leaves = leaves_of(index([scene], []))
    assert borne_out("<person_2>が豆を鍋に入れた。", leaves)
    assert not borne_out("<person_2>が豆を鍋に20分入れた。", leaves)


def test_what_no_scene_says_bears_nothing_out() -> None:
    assert not borne_out("Something happens.", [])
    empty = SCENE.model_copy(update={"detailed": "", "sightings": (), "entity_names": (), "parts": ()})
    assert not borne_out("Something happens.", leaves_of(index([empty], [])))


def test_cues_belong_to_the_scene_in_which_they_begin_and_early_ones_to_the_first() -> None:
    scenes = [
        SCENE.model_copy(
            update={"index": n, "start_seconds": 10.0 + 20 * n, "stop_seconds": 30.0 + 20 * n, "parts": ()}
        )
        for n in range(2)
    ]
    cues = [Cue(start_seconds=t, stop_seconds=t + 3, text=str(t)) for t in (1.0, 28.0, 31.0, 80.0)]
    leaves = leaves_of(index(scenes, cues))
    assert [[cue.text for cue in leaf.cues] for leaf in leaves] == [["1.0", "28.0"], ["31.0", "80.0"]]


def test_without_scenes_each_minute_in_which_something_is_said_is_one() -> None:
    cues = [Cue(start_seconds=t, stop_seconds=t + 3, text=str(t)) for t in (1.0, 50.0, 190.0)]
    leaves = leaves_of(index([], cues))
    assert [(leaf.scene.span.start_seconds, leaf.scene.span.stop_seconds) for leaf in leaves] == [
        (1, 53),
        (190, 193),
    ]
