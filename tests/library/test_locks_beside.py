"""A library that several parts of one process hold, beside another process."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from support.films import video_info

from mrvideo.library import Library

CODE = """
import sys
from mrvideo.library import Library
with Library.open(sys.argv[1]) as library:
    print(len(library.videos()))
"""


@pytest.mark.slow
def test_another_process_leaves_the_log_of_a_library_that_is_held_twice(tmp_path: Path) -> None:
    """A server holds its library and opens it again for a tool. Closing any descriptor of the file drops the
    process's locks; the next command's end then takes the log away, and what is written on is lost.
    """
    path = tmp_path / "library.db"
    with Library.open(path) as held:
        held.put_video(video_info(10.0, digest="a" * 64))
        with Library.open(path) as again:
            assert len(again.videos()) == 1
        log = path.with_name("library.db-wal")
        before = log.stat().st_ino
        told = subprocess.run(
            [sys.executable, "-c", CODE, str(path)], capture_output=True, text=True, check=True
        )
        assert told.stdout == "1\n"
        assert log.exists() and log.stat().st_ino == before
        held.put_video(video_info(10.0, digest="b" * 64))
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    with Library.open(path) as library:
        assert [video.digest[0] for video in library.videos()] == ["a", "b"]
