"""Which index a question is put to: one made as the settings given say, whether the video lies here or behind
a URL.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from mrvideo.errors import SettingsError
from mrvideo.session import loading
from mrvideo.settings import explain_settings


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """chosen(path, **settings) → `kept` or `made`: whether the newest index does, or one is made as told."""

    def choose(path: str, **given: object) -> object:
        monkeypatch.setattr(loading, "newest_index", lambda *_: "kept")
        monkeypatch.setattr(loading, "index_video", lambda *_, **__: "made")
        settings, origins = explain_settings(library=tmp_path / "l.db", **given)
        with loading.Library.open(settings.library):
            pass
        return loading.index_for_question(path, settings, origins, on_event=lambda _: None)

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


@pytest.mark.parametrize("quality", [0, 96, 100])
def test_a_quality_that_no_encoder_takes_is_refused_before_anything_is_made(chosen, tmp_path, quality):
    with pytest.raises(SettingsError, match="jpeg_quality"):
        chosen(str(tmp_path / "film.mp4"), jpeg_quality=quality)
    assert not (tmp_path / "l.db").exists()
