"""What a notebook shows: pictures from the film, bars in proportion, and nothing from a video that is not
escaped.
"""

from __future__ import annotations

import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from support.films import video_info

import mrvideo
from mrvideo.display import html
from mrvideo.media.identity import digest_of
from mrvideo.records import (
    Answer,
    Claim,
    Cue,
    Entity,
    Evidence,
    Failure,
    Index,
    Notice,
    Scene,
    Sighting,
    StageAdvanced,
    StageFinished,
    StageStarted,
    Unseen,
)

HOSTILE = (
    "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}</div><style>*{display:none}</style>"
)


class Page(HTMLParser):
    """Which tags and attributes a browser would find, and the text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def hostile_index() -> Index:
    span = {"start_seconds": 0.0, "stop_seconds": 5.0}
    return Index(
        key="k",
        video=video_info(10, path=HOSTILE),
        scenes=(
            Scene(
                **span,
                index=0,
                brief=HOSTILE,
                detailed=HOSTILE,
                entity_names=(HOSTILE,),
                sightings=(Sighting(**span, text=HOSTILE),),
            ),
        ),
        entities=(
            Entity(
                name="person_1", kind=HOSTILE, description=HOSTILE, display_name=HOSTILE, exemplar_seconds=1
            ),
        ),
        cues=(Cue(**span, text=HOSTILE, speaker=HOSTILE),),
        failures=(Failure(start_seconds=5, stop_seconds=10, stage="caption", reason=HOSTILE),),
    )


def hostile_answer() -> Answer:
    span = {"start_seconds": 0.0, "stop_seconds": 5.0}
    return Answer(
        question=HOSTILE,
        options=(HOSTILE, "b"),
        answer=HOSTILE,
        choice=0,
        confidence=3,
        verified=False,
        claims=(Claim(text=HOSTILE, evidence_ids=("e1",)),),
        evidence=(Evidence(**span, id="e1", source="cue", quote=HOSTILE),),
        unseen=(Unseen(**span, reason=HOSTILE),),
        searched=HOSTILE,
        video="gone.mp4",
        video_digest="0" * 64,
    )


def test_nothing_that_came_from_a_video_is_markup() -> None:
    index, answer = hostile_index(), hostile_answer()
    pages = {
        "video": html.video_html(index, None),
        "answer": html.answer_html(answer, duration_seconds=10),
        "scene": html.scene_html(index.scenes[0]),
        "entity": html.entity_html(index.entities[0]),
        "progress": html.progress_html([(HOSTILE, 1, 2, HOSTILE)], [HOSTILE]),
    }
    for name, source in pages.items():
        page = Page(source)
        assert page.open == [], name
        assert not page.all("script") and not page.all("img"), name
        assert len(page.all("style")) == 1, name
        assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes), name
        assert HOSTILE in page.text, name
        for attributes in page.all("span"):
            assert "alert" not in (attributes.get("style") or "")


def test_a_video_shows_a_strip_of_its_own_frames_and_bars_in_proportion(served: Any) -> None:
    video = mrvideo.load(served.film, settings=served.settings)
    page = Page(video._repr_html_())
    pictures = [str(attributes["src"]) for attributes in page.all("img")]
    assert len(pictures) == html.STRIP_THUMBNAILS + min(len(video.entities), html.CAST_PICTURES)
    assert all((entity.display_name or entity.name) in page.text for entity in video.entities)
    assert all(picture.startswith("data:image/jpeg;base64,") for picture in pictures)
    assert len(set(pictures)) > 8
    widths = [
        float(str(a["style"]).rpartition("width:")[2].rstrip("%"))
        for a in page.all("span")
        if str(a.get("class", "")).startswith("scene")
    ]
    assert len(widths) == len(video.scenes) and abs(sum(widths) - 100) < 1
    assert "2:48.0" in page.text


def test_an_answer_shows_frames_of_its_evidence_while_the_file_is_there(served: Any, tmp_path: Path) -> None:
    film = tmp_path / "moved.mp4"
    shutil.copy(served.film, film)
    answer = hostile_answer().model_copy(
        update={
            "video": str(film),
            "video_digest": digest_of(film),
            "options": (),
            "choice": None,
            "answer": "Yes",
        }
    )
    assert len(Page(answer._repr_html_() or "").all("img")) == 1
    film.unlink()
    page = Page(answer._repr_html_() or "")
    assert not page.all("img") and "Yes" in page.text


def test_not_found_says_what_was_searched() -> None:
    answer = hostile_answer().model_copy(
        update={"answer": None, "choice": None, "searched": "12 scenes, 3 cues"}
    )
    page = Page(answer._repr_html_() or "")
    assert "not found in the video" in page.text and "12 scenes, 3 cues" in page.text


def test_records_have_views_and_others_none() -> None:
    index = hostile_index()
    assert "<h4>" in (index.scenes[0]._repr_html_() or "")
    assert "<h4>" in (index.entities[0]._repr_html_() or "")
    assert index.cues[0]._repr_html_() is None


def test_progress_is_one_display_that_is_updated(monkeypatch: Any) -> None:
    shown: list[dict[str, str]] = []

    class Handle:
        def update(self, data: dict[str, str], raw: bool) -> None:
            shown.append(data)

    def display(data: dict[str, str], raw: bool, display_id: bool) -> Handle:
        assert not shown
        shown.append(data)
        return Handle()

    monkeypatch.setattr("IPython.display.display", display)
    from mrvideo.notebook import Bars

    bars = Bars()
    for event in (
        StageStarted(stage="caption", total=3),
        StageAdvanced(stage="caption"),
        StageAdvanced(stage="caption", done=2),
        StageFinished(stage="caption"),
        Notice(text=HOSTILE),
    ):
        bars(event)
    assert shown[-1]["text/plain"] == "captioning 3/3"
    page = Page(shown[-1]["text/html"])
    assert "3 of 3" in page.text and HOSTILE in page.text and not page.all("script")
