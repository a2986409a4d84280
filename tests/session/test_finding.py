"""Moments of kept indexes, and what the vision model says when it looks at them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.films import grey_film

import mrvideo
from mrvideo.errors import InputError, QuestionError, SettingsError
from mrvideo.library import Library
from mrvideo.media.identity import probe
from mrvideo.models.base import Request
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Index, Scene
from mrvideo.session import finding
from mrvideo.settings import Settings

CAPTIONS = ("A dog waits.", "A dog rides a skateboard.", "A cat sleeps.", "A skateboard carries a dog.")


@pytest.fixture
def video(tmp_path: Path) -> mrvideo.Video:
    path = grey_film(tmp_path / "film.mp4", seconds=20)
    info = probe(str(path))
    scenes = tuple(
        Scene(index=n, start_seconds=5 * n, stop_seconds=5 * n + 5, brief="", detailed=text)
        for n, text in enumerate(CAPTIONS)
    )
    index = Index(key="k", video=info, scenes=scenes, created_at="2026-01-01T00:00:00+00:00")
    settings = Settings(library=tmp_path / "library.db")
    with Library.open(settings.library) as library:
        library.put_index(index)
    return mrvideo.load(str(path), settings=settings)


@pytest.fixture
def seeing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., ScriptedModel]:
    """Has a scripted model look instead of the one that is set."""

    def install(reply: Callable[[Request[Any]], Any]) -> ScriptedModel:
        model = ScriptedModel(reply)

        class Opened:
            async def __aenter__(self) -> ScriptedModel:
                return model

            async def __aexit__(self, *told: object) -> None:
                pass

        monkeypatch.setattr(finding, "vision_opened", lambda *given: Opened())
        return model

    return install


def starts(found: mrvideo.Found) -> list[float]:
    return [moment.start_seconds for moment in found.moments]


def test_moments_come_best_first_with_their_reasons(video: mrvideo.Video) -> None:
    found = video.find("a dog on a skateboard")
    assert starts(found) == [15.0, 5.0] or starts(found) == [5.0, 15.0]
    assert found.moments[0].why[0].source == "caption"
    assert found.moments[0].why[0].words == ("dog", "skateboard")
    assert found.searched == ("caption",) and found.usage.calls == 0
    assert starts(video.find("a dog on a skateboard", top=1)) == starts(found)[:1]
    assert starts(video.find("a dog on a skateboard", within=(0, 9))) == [5.0]
    assert starts(asyncio.run(video.afind("cat"))) == [10.0]


def test_confirm_drops_what_is_not_there_and_corrects_times(
    video: mrvideo.Video, seeing: Callable[..., ScriptedModel]
) -> None:
    def reply(request: Request[Any]) -> dict[str, Any]:
        (span,) = request.inputs.spans
        if span.start_seconds == 5.0:
            return {"verdict": "no", "seen": "An empty street."}
        return {
            "verdict": "other_time",
            "seen": "A dog rolls by.",
            "shown_start_seconds": 16.0,
            "shown_stop_seconds": 18.0,
        }

    model = seeing(reply)
    found = video.find("a dog on a skateboard", confirm=True, vision="openai:eyes")
    assert [(m.start_seconds, m.stop_seconds, m.confirmed) for m in found.moments] == [(16.0, 18.0, True)]
    assert [(m.start_seconds, m.seen) for m in found.dropped] == [(5.0, "An empty street.")]
    assert found.usage.calls == 2
    assert all(1 <= len(request.pictures) <= 8 for request in model.requests)
    assert {request.inputs.check for request in model.requests} == {"a dog on a skateboard"}


def test_what_cannot_be_told_stays_behind_what_is_confirmed(
    video: mrvideo.Video, seeing: Callable[..., ScriptedModel]
) -> None:
    first = video.find("a dog on a skateboard").moments[0].start_seconds
    seeing(
        lambda request: {"verdict": "unclear" if request.inputs.spans[0].start_seconds == first else "yes"}
    )
    found = video.find("a dog on a skateboard", confirm=True, vision="openai:eyes")
    assert [moment.confirmed for moment in found.moments] == [True, None]
    assert found.moments[1].start_seconds == first


def test_what_comes_closest_counts_only_when_it_is_seen(
    video: mrvideo.Video, seeing: Callable[..., ScriptedModel]
) -> None:
    seeing(lambda request: {"verdict": "unclear"})
    found = video.find("a cat beneath a zeppelin", confirm=True, vision="openai:eyes")
    assert not found and [moment.start_seconds for moment in found.nearest] == [10.0]
    seeing(lambda request: {"verdict": "yes"})
    assert starts(video.find("a cat beneath a zeppelin", confirm=True, vision="openai:eyes")) == [10.0]


@pytest.mark.parametrize(
    ("query", "options", "error", "told"),
    [
        ("", {}, QuestionError, "empty"),
        ("  ?! ", {}, QuestionError, "holds no word"),
        ("x" * 10_000, {}, QuestionError, "10,000 characters"),
        ("dog", {"within": (30, 40)}, InputError, "outside the video, which is 0:20"),
        ("dog", {"top": 0}, InputError, "give 1 to 100"),
        ("dog", {"confirm": True}, SettingsError, "a model that sees"),
    ],
)
def test_what_cannot_be_found_is_told_in_a_line(
    video: mrvideo.Video, query: str, options: dict[str, Any], error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        video.find(query, **options)


def test_a_library_and_a_folder_are_found_in(video: mrvideo.Video, tmp_path: Path) -> None:
    found = mrvideo.find("skateboard", settings=video.settings)
    assert {moment.video_digest for moment in found.moments} == {video.info.digest}
    assert starts(mrvideo.find("skateboard", folder=tmp_path, settings=video.settings)) == starts(found)
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match="no indexed video below"):
        mrvideo.find("skateboard", folder=tmp_path / "other", settings=video.settings)
    with pytest.raises(InputError, match="no library at"):
        mrvideo.find("skateboard", library=tmp_path / "none.db")


def test_an_index_made_anew_is_read_anew(video: mrvideo.Video) -> None:
    """The finder of an index is kept: it must not answer for the next index of the same video."""
    assert starts(video.find("cat")) == [10.0]
    scene = Scene(index=0, start_seconds=0, stop_seconds=20, brief="", detailed="A cat jumps.")
    with Library.open(video.settings.library) as library:
        library.put_index(video.index.model_copy(update={"scenes": (scene,), "created_at": "2026-02"}))
    assert starts(mrvideo.load(video.info.path, settings=video.settings).find("cat")) == [0.0]
