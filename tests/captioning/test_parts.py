"""A scene over several clips keeps what was said of each, with its own times: there is no run-on text to cite
as a whole.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from support.films import video_info

from mrvideo.captioning.assemble import scenes_of
from mrvideo.captioning.shard_records import SceneDraft
from mrvideo.display.html import scene_html
from mrvideo.library import Library
from mrvideo.records import CaptionPart, Index, Scene, Span
from mrvideo.session.exporting import export_index
from mrvideo.tools.results import scene_line


def draft(start: float, stop: float, text: str, brief: str = "") -> SceneDraft:
    return SceneDraft(
        start_seconds=start,
        stop_seconds=stop,
        shard_index=0,
        brief=brief or f"{text.split()[0]} acts.",
        detailed=text,
        appearing=("person_a",),
        continues=start > 0,
    )


@pytest.fixture
def kitchen() -> Scene:
    run = (
        draft(0, 10, "In a kitchen <person_a> peels an onion.", "<person_a> peels."),
        draft(10, 20, "<person_a> lights the stove.", "<person_a> lights it."),
        draft(20, 28, "The pan catches fire.", "A fire."),
    )
    (found,) = scenes_of([run], {0: {"person_a": "person_1"}})
    return found


@pytest.fixture
def index(kitchen: Scene) -> Index:
    video = video_info(28.0, path="kitchen.mp4", frames_per_second=10)
    return Index(key="k", video=video, scenes=(kitchen,))


def test_each_clip_of_a_scene_is_a_part_under_the_cast_s_names(kitchen: Scene) -> None:
    assert [(part.span, part.text) for part in kitchen.parts] == [
        (Span(0, 10), "In a kitchen <person_1> peels an onion."),
        (Span(10, 20), "<person_1> lights the stove."),
        (Span(20, 28), "The pan catches fire."),
    ]


def test_the_joined_caption_has_sentences_and_no_glue(kitchen: Scene) -> None:
    assert kitchen.detailed == (
        "In a kitchen <person_1> peels an onion. <person_1> lights the stove. The pan catches fire."
    )
    assert kitchen.brief == "<person_1> peels. <person_1> lights it. A fire."


def test_words_that_only_repeat_lengthen_the_part_before() -> None:
    (found,) = scenes_of([(draft(0, 10, "A still lake."), draft(10, 20, "A still lake."))], {})
    assert [(part.span, part.text) for part in found.parts] == [(Span(0, 20), "A still lake.")]


def test_a_scene_of_an_older_index_is_one_part_over_the_whole() -> None:
    """Dangerous: an index of 0.1.0 that cannot be read has to be paid for again."""
    body = {
        "start_seconds": 3.0,
        "stop_seconds": 9.0,
        "index": 0,
        "brief": "A cat.",
        "detailed": "A cat sits.",
    }
    scene = Scene.model_validate_json(json.dumps(body))
    assert scene.parts == (
        CaptionPart(start_seconds=3.0, stop_seconds=9.0, text="A cat sits.", brief="A cat."),
    )
    assert Scene.model_validate_json(scene.model_dump_json()) == scene


def test_a_part_outside_its_scene_is_refused() -> None:
    part = CaptionPart(start_seconds=0.0, stop_seconds=11.0, text="x")
    with pytest.raises(ValidationError, match="must lie inside"):
        Scene(start_seconds=0, stop_seconds=10, index=0, brief="x", detailed="x", parts=(part,))


def test_the_library_keeps_parts_and_search_names_the_part_s_time(index: Index, tmp_path: Path) -> None:
    with Library.open(tmp_path / "library.db") as library:
        library.put_index(index)
        kept = library.latest_index(index.video.digest)
        assert kept is not None and kept.scenes == index.scenes
        (hit,) = library.search("stove")
    assert (hit.span, hit.text) == (Span(10, 20), "<person_1> lights the stove.")


def test_a_scene_with_a_brief_alone_is_found(tmp_path: Path, index: Index) -> None:
    bare = Scene(start_seconds=0, stop_seconds=28, index=0, brief="A zebra.", detailed="")
    with Library.open(tmp_path / "library.db") as library:
        library.put_index(index.model_copy(update={"scenes": (bare,)}))
        (hit,) = library.search("zebra")
    assert hit.span == Span(0, 28)


def test_exports_tell_each_part_s_time(index: Index) -> None:
    assert "00:00:10,000 --> 00:00:20,000\n{\\an8}[‹person_1› lights it.]" in export_index(index, "srt")
    assert "0:20.0–0:28.0: The pan catches fire" in export_index(index, "md")
    assert [part["start_seconds"] for part in json.loads(export_index(index, "jsonl"))["parts"]] == [
        0,
        10,
        20,
    ]


def test_tools_and_notebooks_show_each_part_s_time(kitchen: Scene, index: Index) -> None:
    assert (
        scene_line(kitchen, index, kitchen.span).caption.split("\n")[1]
        == "0:10.0–0:20.0: <person_1> lights the stove."
    )
    assert "<div>0:10.0–0:20.0 &lt;person_1&gt; lights the stove.</div>" in scene_html(kitchen)
