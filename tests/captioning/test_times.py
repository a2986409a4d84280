"""Captions say when something happens inside a part, and only where it helps: models read it, people do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.films import video_info

from mrvideo.agents.ask.sources import Sources
from mrvideo.captioning.assemble import scenes_of
from mrvideo.captioning.said import said_of
from mrvideo.captioning.shard_records import SceneDraft
from mrvideo.library import Library
from mrvideo.memory.evidence import borne_out, leaves_of
from mrvideo.records import CaptionPart, Index, Scene, Span
from mrvideo.records.timed import told_in, when, with_times_inside, without_times
from mrvideo.retrieval.passages import passages_of
from mrvideo.schemas.analysis import Finding, SceneLine
from mrvideo.session.exporting import export_index
from mrvideo.tools.results import scene_line

BOTTLES = (
    "Three bottles stand in a row. A hand of <person_a> lifts the left one (273.5 s) and takes it out at the top "
    "(274-275.5 s). Nothing moves. It comes back (278 s)."
)
PLAIN = (
    "Three bottles stand in a row. A hand of <person_1> lifts the left one and takes it out at the top. "
    "Nothing moves. It comes back."
)
PART = Span(270.0, 280.0)


def draft(start: float, stop: float, text: str, **fields: object) -> SceneDraft:
    return SceneDraft.model_validate(
        {
            "start_seconds": start,
            "stop_seconds": stop,
            "shard_index": 0,
            "brief": "A hand moves.",
            "detailed": text,
            "appearing": ("person_a",),
            **fields,
        }
    )


@pytest.fixture
def scene() -> Scene:
    run = (draft(270, 280, BOTTLES), draft(280, 290, "Nobody comes (281.0 s).", continues=True))
    (found,) = scenes_of([run], {0: {"person_a": "person_1"}})
    return found


@pytest.fixture
def index(scene: Scene) -> Index:
    return Index(key="k", video=video_info(290.0, path="bottles.mp4", frames_per_second=10), scenes=(scene,))


def test_the_times_of_a_caption_stay_beside_its_words(scene: Scene) -> None:
    part = scene.parts[0]
    assert part.text == PLAIN
    assert part.told == BOTTLES.replace("person_a", "person_1").replace("274-275.5", "274–275.5")
    assert scene.detailed == f"{PLAIN} Nobody comes."


def test_what_people_read_and_search_has_no_times_and_what_models_read_has(
    scene: Scene, index: Index, tmp_path: Path
) -> None:
    """Dangerous: bare numbers in an index are found by every question with a number."""
    assert "273.5" not in export_index(index, "md") and "lifts the left one and takes" in export_index(
        index, "md"
    )
    assert not any("273" in passage.text for passage in passages_of(index))
    with Library.open(tmp_path / "library.db") as library:
        library.put_index(index)
        assert library.search("273.5") == ()
        assert library.latest_index(index.video.digest) == index
    assert "lifts the left one (273.5 s)" in SceneLine.of(scene).parts[0].text
    assert "273.5" not in SceneLine.of(scene, times=False).parts[0].text
    assert "lifts the left one (273.5 s)" in scene_line(scene, index, scene.span).caption
    assert borne_out("A hand lifts the left bottle and takes it out.", leaves_of(index))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("A hand of <person_1> lifts the left one", Span(273.5, 274.0 + 1.5)),
        ("lifts the left one and takes it out at the top", Span(273.5, 275.5)),
        ("takes it out at the top", Span(274.0, 275.5)),
        ("Three bottles stand in a row", PART),
        ("Nothing moves", PART),
        ("It comes back.", Span(278.0, 280.0)),
        ("not told here", PART),
    ],
)
def test_words_are_found_at_their_time(scene: Scene, words: str, expected: Span) -> None:
    assert scene.parts[0].when(words) == expected


def test_a_quote_with_or_without_its_times_is_found_and_cited_with_them(index: Index) -> None:
    """Dangerous: a plan is as wide as what it cites, ten seconds for an act of two."""
    for quote in (
        "takes it out at the top (274–275.5 s)",
        "takes it out at the top",
        "takes it out at the top (",
    ):
        finding = Finding(start_seconds=274, stop_seconds=275.5, source="caption", quote=quote)
        (found,) = Sources(index).locate(finding.quote, "caption", finding.span)
        assert found.span == Span(274.0, 275.5)
        assert found.quote.rstrip(".") == "takes it out at the top"


def test_a_scene_of_one_part_is_cited_with_its_times_too() -> None:
    (only,) = scenes_of([(draft(270, 280, BOTTLES),)], {0: {"person_a": "person_1"}})
    index = Index(key="k", video=video_info(290.0, path="b.mp4", frames_per_second=10), scenes=(only,))
    (found,) = Sources(index).locate("It comes back", "caption", Span(270, 280))
    assert found.span == Span(278.0, 280.0)
    assert SceneLine.of(only).caption.endswith("It comes back (278 s).")


def test_a_time_outside_its_part_is_never_kept() -> None:
    """Dangerous: a wrong time is worse than none, since nobody looks elsewhere any more."""
    text = "A (269.6 s), B (280.4 s), C (268 s), D (4 s), E (273–290 s), F (276–274 s), G [at 275 s], H (from 271 to 272 s), I (273.50)."
    assert (
        with_times_inside(text, PART)
        == "A (270 s), B (280 s), C, D, E, F, G (275 s), H (271–272 s), I (273.5 s)."
    )
    assert without_times(text) == "A, B, C, D, E, F, G, H, I."


def test_other_brackets_are_words() -> None:
    for text in (
        "He holds up fingers (3).",
        "A man (about 50) smiles.",
        "It is late (4:33).",
        "Cars (two) pass.",
    ):
        assert without_times(text) == text and not told_in(text)


def test_several_times_stay_several() -> None:
    """40, 44 and 47 s are three moments, not all the time between."""
    told = with_times_inside("It rings (271 s, 274–275.5 s and 279 s). It ends (281 s).", PART)
    assert told == "It rings (271, 274–275.5, 279 s). It ends."


def test_a_quote_without_a_time_of_its_own_keeps_that_of_its_finding(index: Index) -> None:
    """Dangerous: words between two times were cited as if they happened between them."""
    quote = "Nothing moves"
    for span, cited in ((Span(271.0, 272.0), Span(271.0, 272.0)), (Span(100.0, 101.0), PART)):
        (found,) = Sources(index).locate(quote, "caption", span)
        assert found.span == cited


def test_times_of_other_words_are_not_told() -> None:
    """Whoever puts a caption right and leaves its times as they were would move them to other words."""
    part = CaptionPart(start_seconds=270, stop_seconds=280, text="A cat.", timed="A dog (273 s).")
    assert part.told == "A cat." and part.when("cat") == PART


def test_acts_told_out_of_order_are_not_put_into_one() -> None:
    assert when("B", "A (278 s). B. C (272 s).", PART) == PART


def test_the_next_clip_is_told_no_times() -> None:
    (line,) = said_of([draft(270, 280, BOTTLES)])
    assert "lifts the left one and takes it out" in line.text and "273.5" not in line.text
