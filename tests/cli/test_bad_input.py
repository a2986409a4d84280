"""Bad input gets one line that says what, where and the way out; exit code 2; nothing is written."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.films import grey_film

Run = Callable[..., subprocess.CompletedProcess[str]]

DEMO = Path(__file__).resolve().parents[2] / "demo" / "harbour.mp4"


def refused(run: Run, done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("mrvideo: ")
    for word in words:
        assert word in lines[0], lines[0]
    assert list(run.folder.iterdir()) == []  # type: ignore[attr-defined]


@pytest.mark.parametrize("command", [["index"], ["ask", "{}", "What is shown?"]])
@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("missing.mp4", None, "missing.mp4"),
        ("empty.mp4", b"", "empty"),
        ("notes.mp4", b"Dear diary,\nnothing happened today.\n" * 20, "notes.mp4"),
        ("noise.mp4", bytes(range(256)) * 64, "noise.mp4"),
    ],
)
def test_a_file_that_is_no_video(
    mrvideo: Run, tmp_path: Path, command: list[str], name: str, content: bytes | None, word: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    arguments = [part.format(path) for part in command]
    if command == ["index"]:
        arguments.append(str(path))
    refused(mrvideo, mrvideo(*arguments), name, word)


def test_sound_alone(mrvideo: Run, audio_only: Path) -> None:
    refused(mrvideo, mrvideo("index", audio_only), "song.mp4")


def test_a_folder_where_a_video_belongs(mrvideo: Run, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    refused(mrvideo, mrvideo("ask", folder, "What is shown?"), "clips", "folder")
    refused(mrvideo, mrvideo("index", folder), "clips", "folder")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["ask", "VIDEO", "   "], "question"),
        (["ask", "VIDEO"], "QUESTION"),
        (["ask", "VIDEO", "Which?", "--option", "one"], "one option"),
        (["ask", "VIDEO", "Which?", "--option", "one", "--option", " "], "option"),
        (["ask", "VIDEO", "Which?", "--must-choose"], "options"),
        (["ask", "VIDEO", "Which?", "--effort", "huge"], "effort"),
        (["ask", "VIDEO", "Which?", "--vision", "magic"], "magic"),
        (["index", "VIDEO", "--vision", "abacus:large"], "abacus:large"),
        (["index", "VIDEO", "--recipe", "boiled"], "recipe"),
        (["index", "VIDEO", "--frobnicate"], "--frobnicate"),
        (["index", "VIDEO", "--subtitles", "gone.srt"], "gone.srt"),
        (["index", "VIDEO", "--cast", "gone.toml"], "gone.toml"),
        (["index", "VIDEO", "--vision", "openai:some-model"], "OPENAI_API_KEY"),
        (["index", "VIDEO", "--vision", "openai:m", "--base-url", "ftp://x"], "http"),
        (["index", "VIDEO", "--vision", "hf:/no/such/folder"], "/no/such/folder"),
        (["index", "VIDEO", "--cluster", "cloud9"], "cloud9"),
        (["show", "VIDEO"], "index"),
        (["status", "VIDEO"], "index"),
        (["export", "VIDEO", "--format", "docx"], "docx"),
        (["search", "word"], "library"),
        (["search", " "], "words"),
        (["dance"], "dance"),
    ],
)
def test_arguments_that_do_not_fit(mrvideo: Run, arguments: list[str], word: str) -> None:
    filled = [str(DEMO) if argument == "VIDEO" else argument for argument in arguments]
    refused(mrvideo, mrvideo(*filled), word)


def test_a_server_that_is_not_there(mrvideo: Run) -> None:
    with socket.socket() as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{placeholder.getsockname()[1]}/v1"
    refused(mrvideo, mrvideo("index", DEMO, "--vision", "openai:m", "--base-url", url), url)


@pytest.mark.skipif(os.name == "nt", reason="permissions work otherwise there")
def test_a_library_that_cannot_be_written(mrvideo: Run, tmp_path: Path) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("in the way")
    refused(mrvideo, mrvideo("index", DEMO, "--library", blocked / "library.db"), "library.db")
    assert blocked.read_text() == "in the way"
    blocked.chmod(0o400)
    refused(mrvideo, mrvideo("index", DEMO, "--library", blocked), "a-file")
    assert blocked.read_text() == "in the way"


def test_a_settings_file_with_a_slip(mrvideo: Run, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('visoin = "offline"\n')
    refused(mrvideo, mrvideo("index", DEMO, MRVIDEO_CONFIG=str(file)), "visoin", "mine.toml")


@pytest.mark.parametrize("words", ["", '"', " - ", "…"])
def test_a_search_without_words_is_refused(mrvideo: Run, words: str) -> None:
    done = mrvideo("search", words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no words to search for" in done.stderr


def test_an_option_before_its_command_is_told_where_it_stands(mrvideo: Run) -> None:
    done = mrvideo("--library", "x.db", "list")
    assert done.returncode == 2
    assert "it stands after the command: mrvideo list --library" in done.stderr
    assert "see mrvideo --help" in mrvideo("--librarian", "list").stderr


def test_a_missing_script_is_told_in_plain_words_and_once(mrvideo: Run, folder: Path) -> None:
    grey_film(folder / "film.mp4", seconds=1)
    done = mrvideo("index", "film.mp4", "--vision", "scripted:/nope.json")
    assert done.returncode == 2
    assert "script /nope.json does not exist; check the path" in done.stderr
    assert "Errno" not in done.stderr and done.stderr.count("/nope.json") == 1
