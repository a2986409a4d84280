"""Evidence is of the film it names: a path that holds another film by now gives no frame, however it came to."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mrvideo.errors import VideoChanged, VideoError
from mrvideo.media import content
from mrvideo.media.content import Content, digest_of_file, steadily
from mrvideo.media.identity import content_of, digest_of, probe
from mrvideo.media.looks import FrameSource
from mrvideo.media.options import ReadOptions
from mrvideo.media.shard import read_shard
from mrvideo.records import Span

LONG_AGO = 1_600_000_000


@pytest.fixture
def film(plain_film, tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    shutil.copy(plain_film.path, path)
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


@pytest.fixture
def other(plain_film, tmp_path: Path) -> Path:
    """Another film, as long in bytes and last modified at the same time."""
    path = tmp_path / "other.mp4"
    path.write_bytes(plain_film.path.read_bytes()[:-1] + b"\x01")
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def renamed_over(film: Path, other: Path) -> None:
    other.rename(film)


def written_over(film: Path, other: Path) -> None:
    """As long, and its time set back: only the time of change tells."""
    with film.open("r+b") as file:
        file.write(other.read_bytes())
    os.utime(film, (LONG_AGO, LONG_AGO))


def linked(film: Path, other: Path) -> None:
    film.unlink()
    film.symlink_to(other)


def grown(film: Path, other: Path) -> None:
    with film.open("ab") as file:
        file.write(b"more")


REPLACED = [renamed_over, written_over, linked, grown]


@pytest.mark.parametrize("replace_film", REPLACED)
def test_a_replaced_film_shows_no_frame(film: Path, other: Path, replace_film: Callable[[Path, Path], None]):
    """The pixels of another film were given, and called verified, for what was asked of the one before."""
    options = ReadOptions()
    held = replace(options, content=content_of(probe(film), options))
    source = FrameSource(film, held)
    assert source.at([0.5])
    replace_film(film, other)
    with pytest.raises(VideoChanged, match="another video than the one that was indexed"):
        source.at([0.5])
    with pytest.raises(VideoChanged, match="mrvideo index"):
        read_shard(film, Span(0.0, 2.0), held)


@pytest.mark.parametrize("replace_film", REPLACED)
def test_a_digest_is_of_what_the_file_holds_now(
    film: Path, other: Path, replace_film: Callable[[Path, Path], None]
):
    before = digest_of(film)
    replace_film(film, other)
    assert digest_of(film) != before


def test_the_same_content_is_allowed_however_it_is_stamped(film: Path, tmp_path: Path):
    options = ReadOptions()
    source = FrameSource(film, replace(options, content=content_of(probe(film), options)))
    first = source.at([0.5])
    film.touch()
    assert source.at([0.5]) == first
    copy = tmp_path / "copy.mp4"
    shutil.copy(film, copy)
    copy.rename(film)
    assert source.at([0.5]) == first


def test_a_film_replaced_while_it_is_read_gives_nothing(film: Path, other: Path):
    """The check before is of one film, the frames would be of the other."""
    held = Content(digest_of(film))
    with pytest.raises(VideoChanged):
        steadily(str(film), held, lambda: renamed_over(film, other))


def test_what_was_read_across_a_change_and_back_is_read_again(film: Path, other: Path):
    """Replaced and put back meanwhile: before and after are well, what lies between is of the other film."""
    kept = film.with_name("kept.mp4")
    shutil.copy(film, kept)
    held = Content(digest_of(film))
    read: list[str] = []

    def reading() -> str:
        if not read:
            other.rename(film)
        read.append(digest_of_file(str(film))[0])
        if len(read) == 1:
            kept.rename(film)
        return read[-1]

    assert steadily(str(film), held, reading) == held.digest
    assert len(read) == 2 and read[0] != held.digest


def test_a_broken_reading_of_a_replaced_film_says_what_is_wrong(film: Path, other: Path):
    held = Content(digest_of(film))

    def reading() -> None:
        other.rename(film)
        raise VideoError("half of one and half of the other")

    with pytest.raises(VideoChanged):
        steadily(str(film), held, reading)


def test_a_film_that_lies_still_is_read_once_for_its_digest(film: Path, monkeypatch: pytest.MonkeyPatch):
    """A check before each look would else read a film of many GB each time."""
    # Its time of change is now, whatever it says of its modification.
    monkeypatch.setattr(content, "_SETTLED_NS", -1)
    held = Content(digest_of(film))
    monkeypatch.setattr(content, "_digest", lambda file: pytest.fail("read again"))
    source = FrameSource(film, replace(ReadOptions(), content=held))
    assert source.at([0.5]) and source.at([1.5])


def test_what_was_written_just_now_is_not_taken_at_its_stamp(film: Path):
    """Two writes within one step of the clock leave one stamp."""
    film.touch()
    held = content_of(probe(film), ReadOptions())
    assert held.stamp is None
    later = time.time_ns() + 10**10
    assert content.settled(content.stamp_of(str(film)), later)


def test_probing_tells_of_one_content(film: Path, other: Path, monkeypatch: pytest.MonkeyPatch):
    from mrvideo.media import identity

    real = identity.open_video

    def swapped(*arguments: object) -> object:
        if other.exists():
            other.rename(film)
        return real(*arguments)

    monkeypatch.setattr(identity, "open_video", swapped)
    with pytest.raises(VideoChanged):
        probe(film)
