"""Which index a question is put to: one made as the settings given say, whether the video lies here or behind
a URL.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from support.films import grey_film, video_info

from mrvideo.captioning.options import index_key
from mrvideo.errors import SettingsError
from mrvideo.media.identity import probe
from mrvideo.records import Event, Index, Notice
from mrvideo.session import loading
from mrvideo.session.models import seeing_identity
from mrvideo.session.options import captioning_options, read_options
from mrvideo.settings import explain_settings


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """chosen(path, **settings) → `kept` or `made`: whether the newest index does, or one is made as told."""

    kept = Index(key="kept", video=video_info(1.0))
    made = Index(key="made", video=video_info(1.0))

    def choose(path: str, **given: object) -> str:
        monkeypatch.setattr(loading, "newest_index", lambda *_: kept)
        monkeypatch.setattr(loading, "index_video", lambda *_, **__: made)
        settings, origins = explain_settings(library=tmp_path / "l.db", **given)
        with loading.Library.open(settings.library):
            pass
        return loading.index_for_question(path, settings, origins, on_event=lambda _: None).key

    return choose


@pytest.mark.parametrize("where", ["here", "behind a URL"])
@pytest.mark.parametrize(
    "given", [{"recipe": "paper"}, {"vision": "openai:x"}, {"language": "de"}, {"reader": "decord"}]
)
def test_a_setting_that_was_given_is_not_answered_from_another_index(chosen, tmp_path, where, given):
    film = tmp_path / "film.mp4"
    film.touch()
    path = str(film) if where == "here" else "https://example.org/film.mp4"
    assert chosen(path) == "kept"
    assert chosen(path, **given) == "made"


def test_a_video_that_is_gone_is_asked_from_what_is_kept(chosen, tmp_path):
    assert chosen(str(tmp_path / "gone.mp4"), recipe="paper") == "kept"


def test_an_index_at_a_glance_is_asked_unless_another_detail_is_told(monkeypatch, tmp_path):
    """Whoever answered two tasks for it does not expect to be handed hundreds for a question."""
    film = grey_film(tmp_path / "film.mp4", seconds=2)
    given = {"library": tmp_path / "l.db", "vision": "host"}
    glance, _ = explain_settings(detail="glance", **given)
    info = probe(str(film), read_options(glance))
    vision = seeing_identity(glance)
    key = index_key(info, (), options=captioning_options(glance), vision=vision)
    with loading.Library.open(glance.library) as library:
        library.put_video(info)
        library.put_index(Index(key=key, video=info, created_at="2026-01-01T00:00:00+00:00"))
    monkeypatch.setattr(loading, "index_video", lambda *_, **__: "made")
    told: list[Event] = []

    def asked(**more: object) -> object:
        settings, origins = explain_settings(**given, **more)
        return loading.index_for_question(str(film), settings, origins, on_event=told.append)

    assert asked(detail="full") == "made" and not told
    assert asked().key == key  # type: ignore[attr-defined]
    assert [event.text for event in told if isinstance(event, Notice)] == [
        "asked of the index made with --detail glance; add --detail full for a new one"
    ]
    assert asked(language="de") == "made"


@pytest.mark.parametrize("quality", [0, 96, 100])
def test_a_quality_that_no_encoder_takes_is_refused_before_anything_is_made(chosen, tmp_path, quality):
    with pytest.raises(SettingsError, match="jpeg_quality"):
        chosen(str(tmp_path / "film.mp4"), jpeg_quality=quality)
    assert not (tmp_path / "l.db").exists()
