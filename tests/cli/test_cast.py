"""`mrvideo cast`: the cast shown and put right from a shell."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.casts import DIGEST, cast_index

from mrvideo.library import Library

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cast(mrvideo: Run, folder: Path) -> Callable[..., Any]:
    """cast(*arguments) -> (exit code, stdout or parsed JSON, stderr)"""
    with Library.open(folder / "library.db") as library:
        library.put_index(cast_index())

    def run(*arguments: str) -> Any:
        done = mrvideo("cast", DIGEST[:12], *arguments, "--library", "library.db")
        told = json.loads(done.stdout) if "--json" in arguments and done.returncode == 0 else done.stdout
        return done.returncode, told, done.stderr

    return run


@pytest.mark.slow
def test_each_correction_is_told_kept_and_taken_back(cast: Callable[..., Any], folder: Path) -> None:
    code, told, _ = cast("--merge", "person_1", "person_3")
    assert code == 0
    assert told.splitlines() == [
        "put right: person_3 is person_1",
        "person_1  somebody like 0/person_a  in 5 scenes",
        "person_2  somebody like 0/person_b  in 2 scenes",
        "  put right: person_3 is person_1",
    ]
    cast("--split", "person_1", "--scenes", "0-1")
    cast("--rename", "person_2", "Ben Dover")
    cast("--apart", "person_1", "Ben Dover")
    code, told, _ = cast("--json")
    assert [(one["name"], one["display_name"], one["scene_indexes"]) for one in told["entities"]] == [
        ("person_4", None, [0, 1]),
        ("person_2", "Ben Dover", [1, 2]),
        ("person_1", None, [3, 4, 5]),
    ]
    assert [one["kind"] for one in told["corrections"]] == ["same", "apart", "name", "apart"]
    for _ in range(4):
        assert cast("--undo")[0] == 0
    with Library.open(folder / "library.db") as library:
        assert library.latest_index(DIGEST) == cast_index()
    code, _, error = cast("--undo")
    assert code == 2 and "nothing was put right" in error


def test_a_photo_is_given_from_a_file(cast: Callable[..., Any], folder: Path) -> None:
    Image.new("RGB", (80, 60), "red").save(folder / "anna.png")
    code, told, _ = cast("--photo", "person_2", "anna.png")
    assert code == 0 and told.splitlines()[0] == "put right: person_2 has a photo"
    (folder / "words.png").write_text("no picture")
    code, _, error = cast("--photo", "person_2", "words.png")
    assert code == 2 and "words.png is not a picture that can be read" in error
    assert len(error.splitlines()) == 1
    assert cast("--undo")[1].splitlines()[0] == "taken back: person_2 has a photo"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--merge", "person_1", "person_2", "--undo"), "one correction at a time"),
        (("--scenes", "3"), "go with --split NAME"),
        (("--split", "person_1", "--scenes", "3-1"), "'3-1' is no scene"),
        (("--split", "person_1", "--scenes", "4"), "person_1 is not in scene 4; it is in scenes 0, 1, 3, 5"),
        (("--split", "person_1", "--mentions", "9/person_a"), "has no mention 9/person_a"),
    ],
)
def test_what_cannot_be_meant_is_one_line(
    cast: Callable[..., Any], arguments: tuple[str, ...], told: str
) -> None:
    code, _, error = cast(*arguments)
    assert code == 2 and told in error and len(error.splitlines()) == 1
