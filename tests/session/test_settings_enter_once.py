"""An explicit value wins in every face, equal to the default or not; a `Settings` object is final.

One table over all settings: what the environment says, what the caller says, and what each face then works
with.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import SecretStr
from support.films import grey_film, video_info

import mrvideo
from mrvideo import api
from mrvideo.cli.app import run
from mrvideo.cli.command import register, sections
from mrvideo.cli.options import SETTING_OPTIONS
from mrvideo.errors import SettingsError
from mrvideo.evals import cli as evals_cli
from mrvideo.records import Index, Span
from mrvideo.session.options import captioning_options
from mrvideo.settings import Settings, load_settings
from mrvideo.tools import chat, frameworks, mcp, toolbox

TABLE: dict[str, tuple[str, Any]] = {
    "vision": ("openai:paid", "offline"),
    "text": ("openai:paid", "offline"),
    "verify_model": ("openai:paid", "offline"),
    "verify_base_url": ("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"),
    "speech": ("openai:paid", "faster-whisper:tiny"),
    "base_url": ("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"),
    "vision_base_url": ("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"),
    "text_base_url": ("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"),
    "speech_base_url": ("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"),
    "embed_text_base_url": ("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1"),
    "preset": ("gemini", "openai"),
    "engine_args": ("--max-num-seqs 4", "--max-num-seqs 8"),
    "engine_seconds": ("60", 900.0),
    "api_key": ("of-the-environment", SecretStr("of-the-caller")),
    "key_file": ("environment.key", Path("caller.key")),
    "temperature": ("1.5", 0.5),
    "timeout_seconds": ("7", 120.0),
    "concurrency": ("7", 3),
    "max_images": ("7", 3),
    "context_tokens": ("70000", 30_000),
    "max_output_tokens": ("7000", 3000),
    "embed": ("a/model", "offline"),
    "embed_text": ("openai:paid", "ollama:small"),
    "recipe": ("paper", "fused"),
    "detail": ("glance", "full"),
    "effort": ("low", "high"),
    "max_rounds": ("5", 2),
    "max_opened": ("5", 8),
    "library": ("environment.db", Path("caller.db")),
    "reader": ("decord", "pyav"),
    "keyframes_only": ("true", False),
    "clip_seconds": ("5", 10.0),
    "shard_seconds": ("60", 120.0),
    "frames_per_second": ("1", 2.0),
    "long_side_pixels": ("700", 300),
    "jpeg_quality": ("70", 85),
    "workers": ("7", 3),
    "cluster": ("auto", "dask://127.0.0.1:1"),
    "cast": ("environment.toml", Path("caller.toml")),
    "language": ("de", "en"),
    "max_cost": ("7", 0.0),
    "max_tokens": ("7", 0),
    "fresh": ("true", False),
    "record": ("environment.jsonl", Path("caller.jsonl")),
    "allow_url": ("true", False),
    "allow_private": ("true", False),
    "max_download": ("7", 16_384),
    "max_download_seconds": ("7", 43_200.0),
    "downloads": ("environment", Path("caller")),
    "keep_downloads": ("false", True),
    "cookies": ("environment.txt", Path("caller.txt")),
}
"""Setting → what the environment says, and what the caller says: the default, where there is one."""

FLAGS = {
    "keyframes_only": "--no-keyframes-only",
    "fresh": "--cache",
    "allow_url": "--no-allow-url",
    "allow_private": "--no-allow-private",
    "keep_downloads": "--keep-downloads",
}


def test_the_table_holds_every_setting() -> None:
    """A new setting gets its row; where there is a default, the caller says just that."""
    assert set(Settings.model_fields) == set(TABLE)
    defaults = Settings()
    for name, (_, explicit) in TABLE.items():
        default = getattr(defaults, name)
        if default is not None and name != "library":
            assert explicit == default, name


@pytest.fixture(params=TABLE)
def row(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Any]:
    """One setting and the caller's value; the environment says otherwise."""
    name = request.param
    monkeypatch.setenv(f"MRVIDEO_{name.upper()}", TABLE[name][0])
    assert getattr(load_settings(), name) != TABLE[name][1]
    return name, TABLE[name][1]


def test_sdk_arguments_win(row: tuple[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    name, explicit = row
    seen: list[Settings] = []

    def remember(video: str, settings: Settings, **rest: Any) -> Any:
        seen.append(settings)
        raise SettingsError("enough")

    monkeypatch.setattr(api, "index_video", remember)
    monkeypatch.setattr(api, "load_index", remember)
    monkeypatch.setattr(api, "search_library", remember)
    monkeypatch.setattr(api, "library_indexes", lambda settings, **rest: remember("", settings))
    for call in (mrvideo.index, mrvideo.load, mrvideo.search, mrvideo.find):
        with pytest.raises(SettingsError, match="enough"):
            call("film.mp4", **{name: explicit})
        with pytest.raises(SettingsError, match="enough"):
            call("film.mp4", settings=Settings(), **{name: explicit})
    assert [getattr(settings, name) for settings in seen] == [explicit] * 8


def test_a_settings_object_is_final(row: tuple[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds the caller's value, or a default that the caller left alone: the environment is not asked
    again.
    """
    name, explicit = row
    seen: list[Settings] = []

    def remember(*given: Any, **rest: Any) -> Any:
        seen.append(next(one for one in given if isinstance(one, Settings)))
        raise SettingsError("enough")

    for place in ("start_asking", "start_looking", "start_finding", "search_video", "answers_of"):
        monkeypatch.setattr(api, place, remember)
    for settings in (Settings(**{name: explicit}), Settings()):
        seen.clear()
        video = mrvideo.Video(_index(), settings)
        boxes = [frameworks.toolbox(settings), toolbox.Toolbox(settings)]
        for use in (
            lambda video=video: video.ask("Why?"),
            lambda video=video: video.look(Span(start_seconds=0, stop_seconds=1), "Why?"),
            lambda video=video: video.search("word"),
            lambda video=video: video.find("word"),
            lambda video=video: video.answers(),
        ):
            with pytest.raises(SettingsError, match="enough"):
                use()
        worked_with = [*seen, video.settings, *(box.settings for box in boxes)]
        assert [getattr(one, name) for one in worked_with] == [getattr(settings, name)] * 8


def test_command_line_options_win(row: tuple[str, Any]) -> None:
    name, explicit = row
    seen: list[Settings] = []
    origins_seen: list[dict[str, str]] = []

    def probe(settings: Settings, origins: dict[str, str]) -> int:
        seen.append(settings)
        origins_seen.append(origins)
        return 0

    app = typer.Typer(**sections("probe"))
    register(app, "probe", probe, panel="", settings=tuple(SETTING_OPTIONS))
    flag = [FLAGS[name]] if name in FLAGS else [f"--{name.replace('_', '-')}", str(explicit)]
    if name not in SETTING_OPTIONS:
        with pytest.raises(Exception, match="No such option"):
            app(flag, standalone_mode=False)
        return
    app(flag, standalone_mode=False)
    assert getattr(seen[0], name) == explicit
    assert origins_seen[0][name] == "argument"


def test_every_option_of_the_command_line_is_in_the_table() -> None:
    assert set(SETTING_OPTIONS) <= set(Settings.model_fields)


def test_tools_of_frameworks_take_arguments_beside_settings(row: tuple[str, Any]) -> None:
    name, explicit = row
    assert getattr(frameworks.toolbox(**{name: explicit}).settings, name) == explicit
    assert getattr(frameworks.toolbox(Settings(), **{name: explicit}).settings, name) == explicit


def test_mcp_and_chat_work_with_what_they_are_given(
    row: tuple[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    name, explicit = row
    settings = Settings(**{"text": "openai:driver", name: explicit})
    seen: list[Settings] = []

    def remember(given: Settings, **rest: Any) -> Any:
        seen.append(given)
        raise SettingsError("enough")

    monkeypatch.setattr(mcp, "budget_of", remember)
    monkeypatch.setattr(chat, "budget_of", remember)
    with pytest.raises(SettingsError, match="enough"):
        mcp.make_server(settings, [Path()])
    if settings.text_model != "offline":
        with pytest.raises(SettingsError, match="enough"):
            chat.Chat(["film.mp4"], settings)
    assert {id(one) for one in seen} == {id(settings)}


def test_evaluations_work_with_the_options_of_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("VISION", "openai:paid"), ("EFFORT", "low"), ("MAX_ROUNDS", "5")):
        monkeypatch.setenv(f"MRVIDEO_{name}", value)
    seen: list[Settings] = []

    def remember(benchmark: Any, folder: Any, settings: Settings, *rest: Any, **more: Any) -> Any:
        seen.append(settings)

    monkeypatch.setattr(evals_cli, "_evaluate", remember)
    for flags in ([], ["--effort", "high"], ["--vision", "offline"], ["--offline"]):
        assert run(["eval", "lvbench", "--data", ".", *flags]) == 0
    assert [one.vision_model for one in seen] == ["openai:paid", "openai:paid", "offline", "offline"]
    assert [one.effort for one in seen] == ["low", "high", "low", "low"]
    assert {one.max_rounds for one in seen} == {5}


def test_the_effort_of_one_question_changes_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`ask` as a tool takes an effort of its own; the rest stays as the toolbox has it."""
    monkeypatch.setenv("MRVIDEO_EFFORT", "low")
    monkeypatch.setenv("MRVIDEO_MAX_ROUNDS", "5")
    film = str(grey_film(tmp_path / "film.mp4", seconds=2))
    box = toolbox.Toolbox(Settings(library=tmp_path / "library.db"))
    asked: list[Settings] = []

    def remember(index: Any, question: Any, options: Any, settings: Settings, **rest: Any) -> Any:
        asked.append(settings)
        raise SettingsError("enough")

    monkeypatch.setattr(toolbox, "start_asking", remember)
    mrvideo.index(film, settings=box.settings)
    for arguments in ({}, {"effort": "medium"}):
        with pytest.raises(SettingsError, match="enough"):
            asyncio.run(box.call("ask_video", {"video": film, "question": "Why?", **arguments}))
    assert [one.effort for one in asked] == ["high", "medium"]
    assert [one.max_rounds for one in asked] == [2, 2]


def test_the_options_of_captioning_follow_the_settings() -> None:
    options = captioning_options(Settings(clip_seconds=5, workers=2, cast=Path("cast.toml")))
    assert (options.clip_seconds, options.workers, options.cast) == (5, 2, Path("cast.toml"))


def _index() -> Index:
    video = video_info(1.0, width=2, height=2, frames_per_second=1.0)
    return Index(key="k", video=video, created_at="")
