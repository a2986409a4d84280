"""What is shown of settings: names, paths and addresses that would drive a terminal, or tell a secret."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mrvideo.cli.app import run
from mrvideo.display import html
from mrvideo.records import Entity

MARKS = "\x1b[31m\x07\x9b31m\u202egnp.exe\u2066\u200f\r\t\x85\u2028end"
KEY = "sk-owner-0123456789abcdef"
ADDRESS = "http://user:hunter2@127.0.0.1:9/v1?sig=sig-0451"
SECRETS = ("hunter2", "sig-0451", KEY)

HOSTILE = {
    "model": {"MRVIDEO_VISION": f"openai:{MARKS}", "MRVIDEO_API_KEY": KEY},
    "other models": {
        "MRVIDEO_TEXT": f"openai:{MARKS}",
        "MRVIDEO_SPEECH": f"openai:{MARKS}",
        "MRVIDEO_VERIFY_MODEL": f"openai:{MARKS}",
        "MRVIDEO_API_KEY": KEY,
    },
    "address": {
        "MRVIDEO_VISION": "openai:m",
        "MRVIDEO_BASE_URL": ADDRESS + MARKS,
        "MRVIDEO_SPEECH_BASE_URL": f"{ADDRESS}#{KEY}",
        "MRVIDEO_API_KEY": KEY,
    },
    "cluster": {"MRVIDEO_CLUSTER": f"dask://user:hunter2@{MARKS}:1"},
    "preset": {"MRVIDEO_PRESET": MARKS},
    "language": {"MRVIDEO_LANGUAGE": MARKS},
    "library": {"MRVIDEO_LIBRARY": f"{MARKS}/library.db"},
    "key file": {"MRVIDEO_KEY_FILE": MARKS},
    "cast": {"MRVIDEO_CAST": MARKS},
    "recording": {"MRVIDEO_VISION": f"replay:{MARKS}", "MRVIDEO_RECORD": MARKS},
    "number": {"MRVIDEO_MAX_COST": MARKS},
    "choice": {"MRVIDEO_READER": MARKS},
    "settings file": {"MRVIDEO_CONFIG": MARKS},
    "unknown": {f"MRVIDEO_{MARKS}": "x"},
    "key": {"MRVIDEO_VISION": "openai:m", "MRVIDEO_API_KEY": KEY + "\u202e"},
    "not finite": {"MRVIDEO_MAX_COST": "inf"},
}


@pytest.fixture
def film(tmp_path: Path, film_maker: Callable[[Path, int], None], monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "film.mp4"
    film_maker(path, 4)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    # What needs seconds and shows no setting.
    monkeypatch.setattr("mrvideo.cli.doctor._reads_a_text", lambda: None)
    return path


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What a command writes, on both streams; stdout alone is checked to be JSON where it was asked for."""
    code = run(list(arguments))
    out, err = capsys.readouterr()
    assert code in (0, 1, 2), err
    assert "Traceback" not in err
    assert err.count("\n") <= 1, err
    if "--json" in arguments and out:
        json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    return out + err


@pytest.mark.slow
@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize(
    "command", [("config", "show"), ("doctor",), ("estimate", "film.mp4")], ids=lambda words: words[0]
)
def test_no_setting_drives_the_terminal_or_tells_a_secret(
    film: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    case: str,
    command: tuple[str, ...],
) -> None:
    for name, value in HOSTILE[case].items():
        monkeypatch.setenv(name, value)
    for arguments in (command, (*command, "--json")):
        text = shown(capsys, *arguments)
        assert text.strip()
        assert all(c == "\n" or c.isprintable() for c in text), ascii(text)
        assert not any(secret in text for secret in SECRETS), text


def test_an_address_is_still_told_where_it_is(
    film: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MRVIDEO_BASE_URL", ADDRESS)
    found = json.loads(shown(capsys, "config", "show", "--json"))["base_url"]
    assert found["value"].startswith("http://127.0.0.1:9/v1?hidden=")
    assert found["from"] == "MRVIDEO_BASE_URL"
    monkeypatch.setenv("MRVIDEO_BASE_URL", "http://127.0.0.1:9/v1")
    assert (
        json.loads(shown(capsys, "config", "show", "--json"))["base_url"]["value"] == "http://127.0.0.1:9/v1"
    )


def test_trusting_a_folder_shows_it_plainly(
    film: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever reads what he is about to trust must read what is there."""
    folder = film.parent / f"folder{MARKS.replace('/', '')}"
    folder.mkdir()
    values = {"vision": f"openai:{MARKS}", "base_url": ADDRESS, "cluster": MARKS, "key_file": MARKS}
    text = "\n".join(f"{name} = {json.dumps(value)}" for name, value in values.items())
    (folder / "mrvideo.toml").write_text(text, encoding="utf-8")
    for arguments in (
        ("config", "trust", os.fspath(folder)),
        ("config", "trust", os.fspath(folder), "--json"),
        ("config", "trust", "--list"),
        ("config", "trust", "--list", "--json"),
        ("config", "trust", os.fspath(folder), "--remove"),
        ("config", "trust", os.fspath(folder), "--remove"),
    ):
        told = shown(capsys, *arguments)
        assert told.strip()
        assert all(c == "\n" or c.isprintable() for c in told), ascii(told)
        assert not any(secret in told for secret in SECRETS), told
    monkeypatch.chdir(folder)
    told = shown(capsys, "doctor") + shown(capsys, "index", "../film.mp4")
    assert all(c == "\n" or c.isprintable() for c in told), ascii(told)


def test_nothing_trusted_is_said(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, "config", "trust", "--list") == "no settings file is trusted but your own\n"
    assert json.loads(shown(capsys, "config", "trust", "--list", "--json")) == []


def test_a_film_name_is_shown_plainly(film: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = f"film{MARKS.replace('/', '')}.mp4"
    shutil.copy(film, film.with_name(name))
    text = shown(capsys, "estimate", name) + shown(capsys, "estimate", name, "--json")
    assert "gnp.exe" in text
    assert all(c == "\n" or c.isprintable() for c in text), ascii(text)


def test_pages_hold_no_marks_of_direction_and_no_elements_of_others() -> None:
    """A name on a page could turn what stands beside it, and a quote in it could end an attribute."""
    entity = Entity(
        name="person_1",
        kind="person",
        display_name=f"\u202e<img src=x onerror=alert(1)>\"'{MARKS}",
        description=f"</div><script>alert(1)</script>{MARKS}",
        exemplar_seconds=1.0,
        scene_indexes=(0,),
    )
    page = html.entity_html(entity)
    assert "<img" not in page and "<script" not in page and "\"'" not in page
    assert "&lt;script&gt;" in page
    assert all(c == "\n" or c.isprintable() for c in page), ascii(page)
