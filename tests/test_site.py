"""The docs site builds from what is here, with every warning an error."""

from __future__ import annotations

import html
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from cli_reference import PAGE, rewritten

from mrvideo.cli.app import app
from mrvideo.settings import Settings


@pytest.mark.slow
def test_the_site_builds_strictly_and_loads_no_font_from_elsewhere(repository: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        cwd=repository,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages = {page.name for page in (repository / "docs").glob("*.md")}
    nav = set(
        re.findall(r"(\S+\.md)$", (repository / "mkdocs.yml").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert nav == pages
    assert "fonts.googleapis" not in (tmp_path / "index.html").read_text(encoding="utf-8")
    sdk = (tmp_path / "sdk" / "index.html").read_text(encoding="utf-8")
    assert 'id="mrvideo.api.Video.ask"' in sdk
    signature = re.sub(r"<[^>]+>", "", sdk[sdk.index('id="mrvideo.api.Video.ask"') :])[:600]
    assert "question: str" in signature and "-> Answer" in html.unescape(signature)
    assert (tmp_path / "answer.jpg").stat().st_size < 100_000
    assert 'src="answer.jpg"' in (tmp_path / "index.html").read_text(encoding="utf-8")
    assert 'id="mrvideo-rm"' in (tmp_path / "cli" / "index.html").read_text(encoding="utf-8")
    assert not list(tmp_path.rglob("*.py"))


def test_pages_show_pictures_that_are_there_and_small(repository: Path) -> None:
    shown = {
        (page.parent / name).resolve()
        for page in (repository / "README.md", *(repository / "docs").glob("*.md"))
        for name in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    }
    assert {path.name for path in shown} == {"answer.jpg", "viewer.webp", "viewer-narrow.webp", "report.webp"}
    assert sum(path.stat().st_size for path in shown) <= 300_000


def test_the_reference_of_commands_is_as_the_code_is_now() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == rewritten(page), "make it anew: python docs/cli_reference.py --write"


def test_the_reference_names_every_command_option_and_setting() -> None:
    page = PAGE.read_text(encoding="utf-8")
    root = typer.main.get_command(app)
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        for one in getattr(command, "commands", {"": command}).items():
            head = f"### mrvideo {name} {one[0]}".rstrip()
            section = page[page.index(f"{head}\n") :].split("\n##")[0]
            for parameter in one[1].params:
                if not getattr(parameter, "hidden", False) and parameter.param_type_name == "option":
                    assert all(option in page for option in parameter.opts), parameter.opts
                    common = {"--quiet", "--verbose", "--log-file"} & set(parameter.opts)
                    assert common or all(f"{option}" in section for option in parameter.opts)
    for setting in Settings.model_fields:
        assert f"| `{setting}` |" in page
