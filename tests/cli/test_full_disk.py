"""A disk that is full: what was there stays whole, the exit code is 74, and the way out is to free space."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from support.films import grey_film, video_info

from mrvideo.errors import InputError, NotWritten
from mrvideo.media.cutting import cut_gif
from mrvideo.records import Index, Span
from mrvideo.session.paging import write_page
from mrvideo.session.telling import copy_with_chapters
from mrvideo.settings import Settings
from mrvideo.tools.skill import install_skill, skill_text

resource = pytest.importorskip("resource", reason="bounds the size of files as POSIX systems do")

Run = Callable[..., subprocess.CompletedProcess[str]]

_ROOM_BYTES = 256


@contextmanager
def little_room() -> Generator[None]:
    """No file of this process grows beyond 256 bytes: the system itself stops a write in the middle."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (_ROOM_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize("there", [True, False])
def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path, there: bool) -> None:
    """The page of last week was gone, and a torn one in its place."""
    page = tmp_path / "page.html"
    if there:
        page.write_text("last week's")
    with little_room(), pytest.raises(NotWritten, match="write to another disk") as told:
        write_page(page, "x" * 5000)
    assert told.value.exit_code == 74 and "name a writable file" not in str(told.value)
    assert [path.read_text() for path in tmp_path.iterdir()] == (["last week's"] if there else [])


def test_the_skill_that_was_there_stays(tmp_path: Path) -> None:
    path = install_skill(tmp_path)
    with little_room(), pytest.raises(NotWritten):
        install_skill(tmp_path)
    assert path.read_text(encoding="utf-8") == skill_text() and len(list(path.parent.iterdir())) == 1


@pytest.mark.parametrize("arguments", [(), ("--format", "gif"), ("--frames", "1"), ("--format", "otio")])
def test_clips_on_a_full_disk_end_with_74(mrvideo: Run, folder: Path, arguments: tuple[str, ...]) -> None:
    film = grey_film(folder / "film.mp4")
    (folder / "out").mkdir()
    with little_room():
        done = mrvideo("clips", film, "1-9", "8-12", "-o", "out", *arguments)
    assert done.returncode == 74 and "write to another disk" in done.stderr, done.stderr
    assert list((folder / "out").iterdir()) == []


def test_a_gif_of_the_sdk_raises_the_same(folder: Path) -> None:
    film = grey_film(folder / "film.mp4")
    with little_room(), pytest.raises(NotWritten):
        cut_gif(str(film), Span(1.0, 9.0), folder / "film.gif")


class _Disk(NamedTuple):
    free: int


def test_a_copy_with_chapters_that_finds_no_room_is_not_called_a_missing_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Index(video=video_info(20.0, size_bytes=5000), created_at="", key="k", settings={})
    with pytest.raises(InputError, match="its folder is missing"):
        copy_with_chapters(index, (), tmp_path / "none" / "copy.mp4", Settings())
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Disk(free=4999))
    with pytest.raises(NotWritten, match=r"no room for 5,000 bytes; free some space"):
        copy_with_chapters(index, (), tmp_path / "copy.mp4", Settings())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_device_says_to_free_space() -> None:
    with pytest.raises(NotWritten, match="cannot write /dev/full: No space left on device; free some space"):
        write_page(Path("/dev/full"), "x")


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    write_page(pipe, "page")
    reader.join()
    assert read == ["page"] and pipe.is_fifo()


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="needs /dev/fd")
def test_an_open_file_stays_the_one_that_its_holder_has(tmp_path: Path) -> None:
    """As `-o /dev/stdout > page.html` names it: what the shell writes there later is not lost."""
    with (tmp_path / "page.html").open("w+") as held:
        (tmp_path / "link").symlink_to(f"/dev/fd/{held.fileno()}")
        for path in (f"/dev/fd/{held.fileno()}", tmp_path / "link"):
            write_page(Path(path), "page")
            held.seek(0)
            assert held.read() == "page"
    assert os.path.lexists(tmp_path / "link") and len(list(tmp_path.iterdir())) == 2


def test_a_link_is_followed_and_the_rights_are_kept(tmp_path: Path) -> None:
    (tmp_path / "real.html").write_text("before")
    (tmp_path / "real.html").chmod(0o640)
    (tmp_path / "link.html").symlink_to("real.html")
    write_page(tmp_path / "link.html", "after")
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_text() == "after"
    assert (tmp_path / "real.html").stat().st_mode & 0o777 == 0o640
