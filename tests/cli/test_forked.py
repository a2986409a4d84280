"""What many tests stand on: a forked command ends as one that was started."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from support.commands import Commands


@pytest.fixture
def commands(tmp_path: Path, forker: subprocess.Popen[str]) -> Commands:
    return Commands(tmp_path, {"WHOSE": "of the test"}, forker, apart=True)


def test_a_command_has_its_own_streams_code_and_folder(commands: Commands) -> None:
    ended = commands.run("show", "nothing.mp4")
    assert (ended.code, ended.output) == (2, "")
    assert (
        ended.errors == "mrvideo: nothing.mp4 is not in .mrvideo/library.db; run mrvideo index on it first\n"
    )
    assert commands.run("--version").output.startswith("mrvideo ")


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("pass", 0),
        ("raise SystemExit(3)", 3),
        ("1 / 0", 1),
        ("import warnings; warnings.warn('old')", 1),
        (f"import os; os.kill(os.getpid(), {signal.SIGKILL:d})", 128 + signal.SIGKILL),
    ],
)
def test_python_ends_with_its_code(commands: Commands, code: str, number: int) -> None:
    assert commands.run_python(code).code == number


def test_what_a_process_does_last_is_done(commands: Commands) -> None:
    """Its interpreter is not taken apart, but what waits for its end is run, and what it printed is written."""
    lines = (
        "import atexit, os, threading",
        "atexit.register(lambda: print('then this', os.environ['WHOSE'], os.environ['MORE']))",
        "threading.Thread(target=lambda: print('first this')).start()",
    )
    ended = commands.run_python("\n".join(lines), MORE="and more")
    assert (ended.code, ended.output) == (0, "first this\nthen this of the test and more\n")
