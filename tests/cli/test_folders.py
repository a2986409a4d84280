"""`mrvideo index FOLDER`: whatever in it looks like a video or sounds like one is indexed or named."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.films import grey_film

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def films(folder: Path) -> Path:
    """A folder of three films with sound, one of which has subtitles, a dead link and two sound files."""
    path = folder / "films"
    path.mkdir()
    for name in ("a", "b", "c"):
        grey_film(path / f"{name}.mp4", seconds=2 + ord(name) - ord("a"), sound=True)
    (path / "b.srt").write_text("1\n00:00:00,500 --> 00:00:01,500\nGood morning.\n")
    (path / "dead.mp4").symlink_to("nowhere")
    for name in ("sound.m4a", "sound.MP3"):
        (path / name).write_bytes(b"sound")
    return path


def test_nothing_of_a_folder_is_dropped_in_silence(mrvideo: Run, films: Path) -> None:
    done = mrvideo("index", "films", "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 1
    (dead,) = told["broken"]
    assert dead["video"] == str(films / "dead.mp4")
    assert "is a link to nowhere, which does not exist" in dead["reason"]
    assert "2 files with sound alone, not indexed: sound.MP3, sound.m4a" in done.stderr
    unheard = [line for line in done.stderr.splitlines() if "not transcribed" in line]
    assert len(unheard) == 1
    assert "2 videos of 4 (a.mp4, c.mp4) without subtitles" in unheard[0]
    assert "--speech faster-whisper:small" in unheard[0]
