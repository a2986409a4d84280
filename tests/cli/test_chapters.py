"""`mrvideo chapters`: those that a film brings are its own, and are lost only where somebody asks for that."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.films import grey_film

from mrvideo.media.chapters import read_chapters, write_chapters

Run = Callable[..., subprocess.CompletedProcess[str]]
ROWS = [(0.0, 2.0, "Arrival"), (2.0, 4.0, "Bread & dog")]


@pytest.fixture
def brought(mrvideo: Run, folder: Path) -> Run:
    """The working folder holds film.mkv, which has two chapters, and its index."""
    grey_film(folder / "bare.mp4", seconds=4)
    write_chapters(str(folder / "bare.mp4"), folder / "film.mkv", ROWS)
    assert mrvideo("index", "film.mkv", "--quiet").returncode == 0
    return mrvideo


def titles(path: Path) -> list[str]:
    return [chapter.title for chapter in read_chapters(str(path))]


def test_a_copy_keeps_the_chapters_that_the_film_brings(brought: Run, folder: Path) -> None:
    """Dangerous: what somebody had written was replaced by a guess, and nothing said so."""
    done = brought("chapters", "film.mkv", "--write", "copy.mkv")
    assert done.returncode == 0
    assert done.stdout == "0:00.0–0:02.0  Arrival\n0:02.0–0:04.0  Bread & dog\n"
    assert "film.mkv has 2 chapters of its own; --replace makes others" in done.stderr
    assert done.stderr.splitlines()[-1] == "mrvideo: copy.mkv is written, with 2 chapters"
    assert titles(folder / "copy.mkv") == ["Arrival", "Bread & dog"]


def test_with_replace_others_are_made_and_that_is_said(brought: Run, folder: Path) -> None:
    done = brought("chapters", "film.mkv", "--replace", "--write", "copy.mkv", "--json")
    told = json.loads(done.stdout)
    assert told["origin"] == "made"
    assert "film.mkv has 2 chapters of its own, in the place of which are these" in done.stderr
    assert (
        titles(folder / "copy.mkv")
        == [one["title"] for one in told["chapters"]]
        != ["Arrival", "Bread & dog"]
    )


def test_json_says_whose_chapters_they_are(brought: Run) -> None:
    told = json.loads(brought("chapters", "film.mkv", "--json").stdout)
    assert told["origin"] == "file"
    assert [(one["start_seconds"], one["stop_seconds"], one["title"]) for one in told["chapters"]] == ROWS
