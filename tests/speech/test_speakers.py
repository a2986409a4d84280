"""Labels and names beside entities: proposed on two co-occurrences, never on one."""

from __future__ import annotations

import pytest

from mrvideo.speech.names import names_said, personal_name
from mrvideo.speech.speakers import label_entity_links, name_candidates, same_speaker


def said(cue, text: str) -> dict[str, bool]:
    return dict(names_said([cue(0.0, 1.0, text)])[0])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Thanks, Sarah.", {"Sarah": False}),
        ("Thank you so much, Dr. Smith!", {"Dr. Smith": False}),
        ("Hello Sarah, how are you?", {"Sarah": False}),
        ("My name is Mary Ann.", {"Mary Ann": True}),
        ("Hi, I'm Sarah and I cook.", {"Sarah": True}),
        ("I’m Jean-Luc.", {"Jean-Luc": True}),
        ("Please welcome Ada Lovelace", {"Ada Lovelace": False}),
        ("This is Tom's kitchen.", {"Tom": False}),
        ("I'm Sorry.", {}),
        ("I'm going home.", {}),
        ("Hello everyone!", {}),
        ("Good morning America is on.", {}),
        ("Thanks, Dr.", {}),
        ("THANKS, SARAH", {}),
        ("He lives in Paris, France.", {}),
        ("I'm American.", {}),
    ],
)
def test_names_are_found_where_english_says_them(cue, text, names):
    assert said(cue, text) == names


def test_calling_somebody_counts_once_the_name_is_known(cue):
    lines = [
        cue(0, 1, "Come here, Sarah."),
        cue(1, 2, "Sarah, look at that"),
        cue(2, 3, "Sarah!"),
        cue(3, 4, "In Paris, France."),
    ]
    assert [dict(names) for names in names_said(lines)] == [{}, {}, {}, {}]
    known = [cue(9, 10, "Hello, Sarah."), *lines]
    assert [dict(names) for names in names_said(known)] == [{"Sarah": False}] * 4 + [{}]


def test_labels_that_are_names_are_told_from_roles():
    assert [
        personal_name(label) for label in ("SARAH", "Dr. Smith", "MAN 2", "NARRATOR", "SPEAKER_00", "A (1)")
    ] == [
        "Sarah",
        "Dr. Smith",
        None,
        None,
        None,
        None,
    ]


def test_a_label_goes_with_the_entity_it_always_meets(scene, cue):
    scenes = [scene(0, "person_1", "person_2"), scene(1, "person_1"), scene(2, "person_2")]
    cues = [cue(1, 2, "a", "ANNA"), cue(11, 12, "b", "ANNA"), cue(21, 22, "c", "BEN"), cue(3, 4, "d", "BEN")]
    links = label_entity_links(scenes, cues)
    assert {(link.label, link.entity_name, link.scene_indexes) for link in links} == {
        ("ANNA", "person_1", (0, 1)),
        ("BEN", "person_2", (0, 2)),
    }
    assert [evidence.quote for evidence in links[0].evidence] == ["a", "b"]
    assert all(evidence.source == "cue" for link in links for evidence in link.evidence)


def test_a_label_goes_with_nobody_who_is_only_spoken_of(scene, cue):
    asked = {"detailed": "<person_1> asks where <person_2> is."}
    scenes = [scene(n, "person_1", "person_2").model_copy(update=asked) for n in range(2)]
    cues = [cue(1, 2, "Hello, Sarah!", "ANNA"), cue(11, 12, "Hello, Sarah!", "ANNA")]
    (link,) = label_entity_links(scenes, cues)
    assert (link.entity_name, link.runner_up) == ("person_1", 0)
    assert [(c.name, c.entity_name, c.rivals) for c in name_candidates(cues, scenes)] == [
        ("Sarah", "person_1", ())
    ]


def test_one_meeting_or_a_tie_links_nothing(scene, cue):
    scenes = [scene(0, "person_1", "person_2"), scene(1, "person_1", "person_2"), scene(2, "person_3")]
    cues = [
        cue(1, 2, "a", "ANNA"),
        cue(11, 12, "b", "ANNA"),
        cue(21, 22, "c", "BEN"),
        cue(23, 24, "d", "BEN"),
    ]
    # BEN speaks twice, yet in one scene only.
    assert label_entity_links(scenes, cues) == ()


def test_mentions_of_different_shards_with_one_label_are_glued(scene, cue):
    scenes = [
        scene(0, "0/person_a"),
        scene(1, "0/person_a", "0/person_b"),
        scene(2, "1/person_c"),
        scene(3, "1/person_c"),
    ]
    cues = [cue(10.0 * n + 1, 10.0 * n + 2, f"line {n}", "ANNA") for n in range(4)]
    assert label_entity_links(scenes, cues) == ()
    links = label_entity_links(scenes, cues, group=lambda mention: mention.split("/")[0])
    (pair,) = same_speaker(links)
    assert (pair.label, pair.first, pair.second) == ("ANNA", "0/person_a", "1/person_c")
    assert [evidence.quote for evidence in pair.evidence] == ["line 0", "line 1", "line 2", "line 3"]


def test_a_name_needs_two_cues(scene, cue):
    scenes = [scene(0, "person_1"), scene(1, "person_1")]
    once = [cue(1, 2, "Thanks, Sarah.")]
    assert name_candidates(once, scenes) == ()
    (candidate,) = name_candidates([*once, cue(11, 12, "Hello Sarah.")], scenes)
    assert (candidate.name, candidate.entity_name, candidate.together, candidate.rivals) == (
        "Sarah",
        "person_1",
        2,
        (),
    )
    assert [evidence.quote for evidence in candidate.evidence] == ["Thanks, Sarah.", "Hello Sarah."]


def test_entities_that_are_there_as_often_are_named_as_rivals(scene, cue):
    scenes = [scene(0, "person_1", "person_2"), scene(1, "person_1", "person_2", "person_3")]
    cues = [cue(1, 2, "Thanks, Sarah."), cue(11, 12, "Hello Sarah.")]
    candidates = name_candidates(cues, scenes)
    assert {(found.entity_name, found.rivals) for found in candidates} == {
        ("person_1", ("person_2",)),
        ("person_2", ("person_1",)),
    }


def test_who_speaks_is_not_who_is_spoken_to(scene, cue):
    scenes = [
        scene(0, "person_1", "person_2"),
        scene(1, "person_1"),
        scene(2, "person_1", "person_2"),
        scene(3, "person_2"),
    ]
    cues = [
        cue(1, 2, "Thanks, Sarah.", "BEN"),
        cue(11, 12, "So.", "BEN"),
        cue(21, 22, "Hello Sarah.", "BEN"),
        cue(31, 32, "I'm Sarah.", "WOMAN"),
    ]
    links = label_entity_links(scenes, cues)
    assert [(link.label, link.entity_name) for link in links] == [("BEN", "person_1")]
    candidates = name_candidates(cues, scenes, links=links)
    assert ("Sarah", "person_2", 3) in {(c.name, c.entity_name, c.together) for c in candidates}
    assert ("Ben", "person_1") in {(c.name, c.entity_name) for c in candidates}
    assert ("Sarah", "person_1") not in {(c.name, c.entity_name) for c in candidates}


def test_a_cue_belongs_to_the_scene_that_holds_most_of_it(scene, cue):
    scenes = [scene(0, "person_1"), scene(1, "person_2")]
    cues = [cue(9.0, 12.0, "Thanks, Sarah."), cue(9.5, 13.0, "Hello Sarah.")]
    assert [found.entity_name for found in name_candidates(cues, scenes)] == ["person_2"]
