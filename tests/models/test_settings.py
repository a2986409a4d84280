"""Names of models, presets of servers."""

from __future__ import annotations

import json

import pytest

from mrvideo.errors import ModelError, ReplyInvalid, SettingsError
from mrvideo.models import Ledger, ModelSettings, open_model
from mrvideo.models.openai import OpenAIBackend
from mrvideo.models.presets import PRESETS, preset_for


@pytest.mark.parametrize("name", ["", "gpt-5", "openai", "openai:", "llama:x", "Offline", "offline:x"])
def test_an_unknown_name_lists_what_there_is(name):
    with pytest.raises(
        SettingsError, match=r"write offline, host, openai:NAME, .*hf:NAME, replay:NAME, scripted:NAME"
    ):
        ModelSettings.parse(name)


@pytest.mark.parametrize(
    ("base_url", "preset"),
    [
        (None, "openai"),
        ("https://api.openai.com/v1", "openai"),
        ("https://generativelanguage.googleapis.com/v1beta/openai/", "gemini"),
        ("http://gpu-box:8000/v1", "vllm"),
        ("http://localhost:30000/v1", "sglang"),
        ("http://localhost:11434/v1", "ollama"),
        ("http://127.0.0.1:1234/v1", "lmstudio"),
        ("https://llm.example.org/v1", "generic"),
    ],
)
def test_a_preset_is_found_by_the_base_url(base_url, preset):
    assert preset_for(base_url).name == preset


def test_a_presets_name_is_short_for_its_usual_address():
    settings = ModelSettings.parse("ollama:qwen2.5vl:7b")
    assert settings.base_url == "http://localhost:11434/v1"
    assert settings.model == "qwen2.5vl:7b"


def test_a_preset_by_name_wins_over_the_address():
    assert ModelSettings.parse(
        "openai:m", base_url="http://x:8000/v1", preset="transformers"
    ).server.name == ("transformers")
    with pytest.raises(SettingsError, match="no preset named 'bert'; there are openai, gemini"):
        ModelSettings.parse("openai:m", preset="bert")


def test_settings_refuse_what_they_do_not_know():
    with pytest.raises(SettingsError, match="temprature"):
        ModelSettings.parse("offline", temprature=1)
    with pytest.raises(SettingsError, match="temperature"):
        ModelSettings.parse("offline", temperature=9)


def test_every_preset_opens_and_says_what_it_can():
    for preset in PRESETS:
        if preset.base_url:
            settings = ModelSettings.parse("openai:m", preset=preset.name, api_key="sk-x")
            capabilities = open_model(settings, ledger=Ledger()).capabilities
            assert capabilities.concurrency == preset.concurrency
            assert 1 <= capabilities.look_images <= capabilities.max_images <= 40


async def test_a_script_in_a_file_answers_by_prompt(tmp_path, ask_border):
    file = tmp_path / "script.json"
    file.write_text(json.dumps({"merge_border": [{"same_scene": True}, {"same_scene": "what"}]}))
    model = open_model(ModelSettings.parse(f"scripted:{file}"), ledger=Ledger())
    assert (await model.run(ask_border(1))).value.same_scene is True
    with pytest.raises(ReplyInvalid, match="outside its bounds"):
        await model.run(ask_border(2))
    with pytest.raises(ModelError, match=r"no .*reply to merge_border"):
        await model.run(ask_border(3))


def test_a_script_that_is_no_script_is_told(tmp_path):
    with pytest.raises(SettingsError, match=r"nowhere\.json"):
        open_model(ModelSettings.parse(f"scripted:{tmp_path / 'nowhere.json'}"), ledger=Ledger())
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(SettingsError, match="one JSON object"):
        open_model(ModelSettings.parse(f"scripted:{tmp_path / 'list.json'}"), ledger=Ledger())


def test_what_a_server_takes_is_a_setting_a_variable_and_a_flag(monkeypatch):
    from typer.testing import CliRunner

    from mrvideo.cli.app import app
    from mrvideo.session.models import model_settings
    from mrvideo.settings import load_settings

    bounds = {"max_images": 3, "context_tokens": 8192, "max_output_tokens": 700}
    for name, value in bounds.items():
        monkeypatch.setenv(f"MRVIDEO_{name.upper()}", str(value))
    settings = load_settings(vision="openai:m", speech="openai:whisper-1", base_url="http://localhost:1/v1")
    for role in ("vision", "text"):
        own = model_settings(settings, role)
        assert {name: getattr(own, name) for name in bounds} == bounds
    assert model_settings(settings, "speech").max_output_tokens is None, "sound has no such bounds"
    able = OpenAIBackend(model_settings(settings, "vision")).capabilities
    assert (able.max_images, able.context_tokens) == (3, 8192)
    for command in ("index", "ask"):
        shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output
        assert all(f"--{name.replace('_', '-')}" in shown for name in bounds)


@pytest.mark.parametrize(
    ("name", "value"), [("max_images", "0"), ("max_images", "41"), ("context_tokens", "x")]
)
def test_a_bound_that_is_none_is_told_with_its_variable(monkeypatch, name, value):
    from mrvideo.settings import load_settings

    monkeypatch.setenv(f"MRVIDEO_{name.upper()}", value)
    with pytest.raises(SettingsError, match=f"MRVIDEO_{name.upper()}"):
        load_settings()


@pytest.mark.parametrize("context", [1024, 2048, 4096, 16_000, 128_000])
def test_a_known_context_bounds_images_and_reply(context):
    settings = ModelSettings.parse("openai:m", base_url="http://localhost:1/v1", context_tokens=context)
    backend = OpenAIBackend(settings)
    able = backend.capabilities
    assert 1 <= able.look_images <= able.max_images <= 40
    assert (able.max_images == 40) == (context >= 16_000)
    assert backend._bound(8192) <= max(context // 4, 256)
