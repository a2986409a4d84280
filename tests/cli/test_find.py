"""`mrvideo find` at a shell: moments, nothing said plainly, and what is no command of it."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def at_home(mrvideo: Run, folder: Path, indexed_demo: Path) -> Run:
    """The working folder holds talk.mp4, talk.srt and their index."""
    shutil.copytree(indexed_demo, folder, dirs_exist_ok=True)
    return mrvideo


def test_moments_are_told_with_why(at_home: Run, folder: Path) -> None:
    spoken = json.loads(at_home("show", "talk.mp4", "--cues", "--json").stdout)["cues"][0]
    done = at_home("find", "talk.mp4", spoken["text"])
    assert done.returncode == 0
    assert "    speech: " in done.stdout
    told = json.loads(at_home("find", ".", spoken["text"], "--json").stdout)
    first = told["moments"][0]
    assert first["start_seconds"] <= spoken["start_seconds"] < first["stop_seconds"]
    assert told["searched"] and told["videos"] == 1
    # The index was made of a copy elsewhere: in this folder the video is known by its content.
    assert first["video"] == str((folder / "talk.mp4").resolve())
    everywhere = json.loads(at_home("find", "--all", spoken["text"], "--json").stdout)
    assert [m["start_seconds"] for m in everywhere["moments"]] == [
        m["start_seconds"] for m in told["moments"]
    ]


def test_a_picture_of_each_moment_is_written(at_home: Run, folder: Path) -> None:
    spoken = json.loads(at_home("show", "talk.mp4", "--cues", "--json").stdout)["cues"][0]["text"]
    done = at_home("find", "talk.mp4", spoken, "--save-frames", "shown", "--json")
    told = json.loads(done.stdout)["moments"]
    assert done.returncode == 0 and told
    assert [moment["picture"] for moment in told] == [f"shown/{n:02d}.jpg" for n in range(1, len(told) + 1)]
    assert {path.name for path in (folder / "shown").iterdir()} == {Path(m["picture"]).name for m in told}
    for moment in told:
        with Image.open(folder / moment["picture"]) as picture:
            assert picture.format == "JPEG" and max(picture.size) <= 512
    again = at_home("find", "talk.mp4", spoken, "--save-frames", "shown")
    assert again.returncode == 2 and "    speech: " in again.stdout, "what was found is told all the same"
    assert "exists already" in again.stderr and again.stderr.count("\n") == 1
    (folder / "file").touch()
    barred = at_home("find", "talk.mp4", spoken, "--save-frames", "file/in")
    assert barred.returncode == 2 and "cannot be written" in barred.stderr


def test_nothing_is_said_plainly(at_home: Run) -> None:
    done = at_home("find", "talk.mp4", "a zeppelin above Vladivostok")
    assert done.returncode == 1 and done.stderr == ""
    assert done.stdout.splitlines()[0].startswith("nothing found for 'a zeppelin above Vladivostok'")
    told = json.loads(at_home("find", "talk.mp4", "a zeppelin above Vladivostok", "--json").stdout)
    assert told["moments"] == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("talk.mp4",), "a video or folder and a query"),
        (("talk.mp4", "a", "b"), "one query, in quotes"),
        (("--all", "a", "b"), "the query alone"),
        (("talk.mp4", ""), "empty"),
        (("talk.mp4", "dog", "--within", "dog"), "is no span"),
        (("talk.mp4", "dog", "--within", "9:00:00-9:01:00"), "lies outside the video"),
        (("talk.mp4", "dog", "--confirm"), "a model that sees"),
        (("gone.mp4", "dog"), "run mrvideo index"),
    ],
)
def test_bad_input_is_one_line(at_home: Run, arguments: tuple[str, ...], told: str) -> None:
    done = at_home("find", *arguments)
    assert done.returncode == 2 and done.stdout == ""
    assert told in done.stderr and done.stderr.count("\n") == 1
