"""What every command takes: -h, -q, -v and --log-file, before its name and after it; and the net below them
all.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from mrvideo.cli import app as cli
from mrvideo.cli.options import SETTING_OPTIONS
from mrvideo.errors import MrVideoError
from mrvideo.settings import Settings, explain_settings

Run = Callable[..., subprocess.CompletedProcess[str]]

COMMANDS = (
    "index", "ask", "look", "summarise", "chapters", "story", "search", "find", "list", "show", "status", "cast", "export", "view", "rm", "chat",
    "mcp", "estimate", "doctor", "eval", "import",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("command", [(), ("config",), ("config", "show"), *((name,) for name in COMMANDS)])
def test_help_is_asked_for_with_either_flag(mrvideo: Run, command: tuple[str, ...]) -> None:
    short, long = mrvideo(*command, "-h"), mrvideo(*command, "--help")
    assert (short.returncode, short.stderr) == (0, "")
    assert short.stdout == long.stdout
    for option in ("-q, --quiet", "-v, --verbose", "--log-file", "-h, --help"):
        assert option in short.stdout


def test_commands_are_listed_in_groups(mrvideo: Run) -> None:
    lines = mrvideo("--help").stdout.splitlines()
    heads = [line for line in lines if line and not line.startswith(" ") and line.endswith(":")]
    assert heads == [
        "Ask:", "Library:", "Agents:", "Setup and cost:", "Research:", "Everywhere:",
    ]  # fmt: skip
    listed = {line.split()[0] for line in lines if line.startswith("  ") and line[2:3].isalpha()}
    assert {*COMMANDS, "config"} <= listed


def test_help_lists_options_in_sections_and_not_the_former_names(mrvideo: Run) -> None:
    told = mrvideo("index", "--help").stdout
    for head in (
        "Models:",
        "Reading the video:",
        "Limits and workers:",
        "Library and output:",
        "Everywhere:",
    ):
        assert f"\n{head}\n" in told
    assert "--no-cache / --cache" in told
    assert "--fresh" not in told


def test_every_setting_option_is_a_setting_that_may_be_left_out() -> None:
    for name, option in SETTING_OPTIONS.items():
        assert name in Settings.model_fields, name
        assert type(None) in option.__origin__.__args__, name


def chosen(monkeypatch: pytest.MonkeyPatch, run: Run, *arguments: str, **environment: str) -> Settings:
    """The settings that a command line comes to."""
    found: list[Settings] = []

    def take(**given: Any) -> tuple[Settings, dict[str, str]]:
        found.append(explain_settings(**given)[0])
        raise MrVideoError("seen")

    monkeypatch.setattr("mrvideo.cli.command.explain_settings", take)
    assert "seen" in run(*arguments, **environment).stderr
    return found[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "on", "off"),
    [
        ("keyframes_only", "--keyframes-only", "--no-keyframes-only"),
        ("allow_url", "--allow-url", "--no-allow-url"),
        ("fresh", "--no-cache", "--cache"),
    ],
)
@pytest.mark.parametrize("set_to", ["true", "false", None])
def test_a_switch_overrides_the_environment_both_ways(
    mrvideo: Run, monkeypatch: pytest.MonkeyPatch, name: str, on: str, off: str, set_to: str | None
) -> None:
    """A variable that was set to true could not be turned off for one command."""
    environment = {} if set_to is None else {f"MRVIDEO_{name.upper()}": set_to}

    def value(*flags: str) -> bool:
        return getattr(chosen(monkeypatch, mrvideo, "index", "talk.mp4", *flags, **environment), name)

    assert value(on) is True
    assert value(off) is False
    assert value() is (set_to == "true")


@pytest.mark.parametrize("command", [("index", "talk.mp4"), ("ask", "talk.mp4", "Who?")])
def test_fresh_is_still_understood(
    mrvideo: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    assert chosen(monkeypatch, mrvideo, *command, "--fresh").fresh is True
    assert chosen(monkeypatch, mrvideo, *command, "--fresh", "--cache").fresh is False


@pytest.fixture
def grey(folder: Path, write_film: Callable[[Path], Path]) -> Path:
    return write_film(folder / "grey.mp4")


@pytest.mark.parametrize(
    "line", [("-q", "index", "grey.mp4"), ("index", "-q", "grey.mp4"), ("index", "grey.mp4", "--quiet")]
)
def test_quiet_may_stand_anywhere(mrvideo: Run, grey: Path, line: tuple[str, ...]) -> None:
    done = mrvideo(*line)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("grey.mp4: 0:02.0 long, ")


def test_quiet_before_a_command_with_commands_of_its_own(mrvideo: Run) -> None:
    for line in (("-q", "config", "show"), ("config", "-q", "show"), ("config", "show", "-q")):
        assert mrvideo(*line).returncode == 0


def test_progress_is_told_in_words(mrvideo: Run, grey: Path) -> None:
    """Once `segment_intention: 1/1`, `look_global: 1/1` and `verify: 0/0`."""
    told = mrvideo("ask", "grey.mp4", "What colour is shown?").stderr
    assert "captioning: 1 of 1" in told and "reading captions: 1 of 1" in told and "answering: 1 of 1" in told
    assert "_" not in told and "0/0" not in told and "0 of 0" not in told


@pytest.mark.slow
@pytest.mark.parametrize("line", [("-v", "index", "grey.mp4"), ("index", "grey.mp4", "--verbose")])
def test_verbose_tells_each_step(mrvideo: Run, grey: Path, line: tuple[str, ...]) -> None:
    told = mrvideo(*line).stderr
    assert "captioning: 1 to do" in told
    assert "captioning: 1 done" not in told
    assert "captioning: 1 done" in mrvideo(*line, "-vv", "--no-cache").stderr


def test_a_log_file_holds_each_step_and_grows(mrvideo: Run, folder: Path, grey: Path) -> None:
    log = folder / "logs" / "run.log"
    first = mrvideo("--log-file", log, "index", "grey.mp4", "-q")
    assert (first.returncode, first.stderr) == (0, "")
    once = log.read_text(encoding="utf-8")
    assert "INFO mrvideo: captioning: 1 to do" in once and "DEBUG mrvideo: captioning: 1 done" in once
    mrvideo("index", "grey.mp4", "-q", "--no-cache", "--log-file", log)
    assert log.read_text(encoding="utf-8").startswith(once)
    assert log.read_text(encoding="utf-8").count("captioning: 1 to do") == 2


def test_a_log_file_that_cannot_be_written_is_told(mrvideo: Run, folder: Path) -> None:
    (folder / "file").touch()
    done = mrvideo("list", "--log-file", folder / "file" / "run.log")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("mrvideo: --log-file ") and done.stderr.count("\n") == 1


def test_an_event_is_logged_once_however_many_runs_there_were(mrvideo: Run, grey: Path, folder: Path) -> None:
    """Handlers that outlive their run write each line twice, or into the log of the run before."""
    for name in ("one.log", "two.log"):
        mrvideo("index", "grey.mp4", "-v", "--no-cache", "--log-file", name)
    for name in ("one.log", "two.log"):
        assert (folder / name).read_text(encoding="utf-8").count("captioning: 1 to do") == 1


class Surprise(Exception):
    """Nobody foresaw it."""


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise Surprise("first line\nsecond line")

    monkeypatch.setattr("mrvideo.session.keeping.kept_videos", fail)


@pytest.mark.usefixtures("broken")
def test_what_nobody_foresaw_is_one_line_that_names_a_log_file(mrvideo: Run, tmp_path: Path) -> None:
    """It was twenty lines of traceback."""
    done = mrvideo("list", XDG_STATE_HOME=str(tmp_path / "state"))
    log = tmp_path / "state" / "mrvideo" / "errors.log"
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr == (
        "mrvideo: unexpected Surprise: first line second line; this is a fault in mrvideo, please report it with "
        f"{log}, which holds the traceback\n"
    )
    text = log.read_text(encoding="utf-8")
    assert text.count("Traceback (most recent call last):") == 1
    assert "Surprise: first line" in text and "mrvideo list" in text.splitlines()[0]
    mrvideo("list", XDG_STATE_HOME=str(tmp_path / "state"))
    assert log.read_text(encoding="utf-8").startswith(text)


@pytest.mark.usefixtures("broken")
def test_the_log_file_that_was_named_takes_the_traceback(mrvideo: Run, folder: Path) -> None:
    for line in (("list", "--log-file", "own.log"), ("--log-file", "own.log", "list")):
        done = mrvideo(*line)
        assert done.returncode == 70 and str(folder / "own.log") in done.stderr
    assert (folder / "own.log").read_text(encoding="utf-8").count("Surprise: first line") == 2


@pytest.mark.usefixtures("broken")
def test_where_no_log_can_be_written_the_temporary_folder_takes_it(
    mrvideo: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").touch()
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    done = mrvideo("list", XDG_STATE_HOME=str(tmp_path / "state"))
    (log,) = (tmp_path / "temporary").iterdir()
    assert str(log) in done.stderr and "Surprise" in log.read_text(encoding="utf-8")


def test_a_name_that_means_nothing_is_one_line(mrvideo: Run) -> None:
    done = mrvideo("shwo", "talk.mp4")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert "see mrvideo --help" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "place", "told"),
    [
        ("mrvideo ask --effort ", "3", ["low", "medium", "high", "exhaustive"]),
        ("mrvideo index --recipe f", "3", ["fused"]),
        ("mrvideo s", "1", ["summarise", "story", "search", "show", "status", "skill", "serve"]),
    ],
)
def test_a_shell_completes_commands_and_values(process: Run, words: str, place: str, told: list[str]) -> None:
    done = process(_MRVIDEO_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=place)
    assert done.stdout.split() == told


def test_every_command_says_what_it_does_in_one_line_that_is_not_cut(mrvideo: Run) -> None:
    command: Any = typer.main.get_command(cli.app)
    for name, one in command.commands.items():
        assert one.get_short_help_str(200).endswith("."), name
