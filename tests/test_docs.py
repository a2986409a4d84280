"""What the README and the docs show is run: every Python block, every command."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.chat_server import ChatServer
from support.commands import Commands
from support.films import part_of

from mrvideo.cli.app import run as run_command

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```(\w+)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[Any]:
    found = []
    for page in PAGES:
        for number, (kind, text) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
            if kind == language:
                found.append(pytest.param(text, id=f"{page.name}-{number}"))
    return found


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, indexed_demo: Path) -> Path:
    """A working folder as a reader of the docs has it: a film with subtitles, indexed."""
    folder = tmp_path_factory.mktemp("reader")
    shutil.copytree(indexed_demo, folder, dirs_exist_ok=True)
    (folder / "demo").mkdir()
    for suffix in (".mp4", ".srt"):
        shutil.copy(ROOT / "demo" / f"harbour{suffix}", folder / "demo" / f"harbour{suffix}")
    return folder


@pytest.fixture(scope="module")
def ready_to_pay(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder with a short film, for what is shown of models behind a server: no block says what is in it."""
    folder = tmp_path_factory.mktemp("payer")
    part_of(ROOT / "demo" / "harbour.mp4", folder / "talk.mp4", 0.0, 21.2)
    return folder


@pytest.fixture(scope="module")
def server_url() -> Iterator[str]:
    """Any OpenAI-compatible server: here one on loopback that answers by the reply's schema."""
    served = ("gpt-5-mini", "Qwen/Qwen3-VL-8B-Instruct", "qwen2.5vl:7b")
    with ChatServer(models=served) as server:
        yield server.base_url


def run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=200)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("block", blocks("python"))
def test_python_block(block: str, ready: Path, forker: subprocess.Popen[str]) -> None:
    ended = Commands(ready, {}, forker).run_python(block)
    assert ended.code == 0, f"{block}\n{ended.output}"


@pytest.mark.parametrize("block", blocks("sh"))
def test_shell_block(
    block: str,
    ready: Path,
    ready_to_pay: Path,
    server_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(ready_to_pay if "--vision" in block else ready)
    for line in block.splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        match words:
            case ["make", *targets]:
                run(["make", "--dry-run", *targets], ROOT)
            case ["export", assignment]:
                name, _, value = assignment.partition("=")
                assert name in ("OPENAI_API_KEY", "MRVIDEO_LIBRARY")
                monkeypatch.setenv(name, value.encode("ascii", "replace").decode())
            case ["pip", "install", what]:
                assert what == "." or _extra_exists(what)
            case ["ollama", "pull", model]:
                assert f"--vision ollama:{model}" in block
            case ["mrvideo", *arguments]:
                # A model whose price is unknown cannot be held to a budget: docs name models that the table
                # has.
                local = [server_url if a.startswith("http://localhost") else a for a in arguments]
                if "--vision" in local and "--base-url" not in local:
                    local += ["--base-url", server_url]
                code = run_command(local)
                assert code in (0, 1), f"{line}\n{capsys.readouterr()}"
            case _:
                raise AssertionError(f"no way to check {line!r}")


def _extra_exists(requirement: str) -> bool:
    extra = re.fullmatch(r"mrvideo\[(\w+)\]", requirement)
    return extra is not None and f"\n{extra[1]} = [" in (ROOT / "pyproject.toml").read_text()
