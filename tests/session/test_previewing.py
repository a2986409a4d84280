"""Previews are made one at a time, for those who still watch, and no more of them is held than was said."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.films import grey_film

from mrvideo.errors import InputError, Stopped, VideoChanged, VideoError
from mrvideo.media.identity import probe
from mrvideo.records import VideoInfo
from mrvideo.session import previewing
from mrvideo.session.previewing import Previews
from mrvideo.settings import Settings

Made = Callable[..., bytes]


@pytest.fixture
def film(tmp_path: Path) -> VideoInfo:
    return probe(str(grey_film(tmp_path / "film.avi", seconds=21, codec="mpeg4")))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(library=tmp_path / "library.db")


def test_what_there_is_of_a_film_is_told(film: VideoInfo, settings: Settings) -> None:
    told = Previews(settings).told(film)
    assert (told.parts, told.part_seconds) == (3, 10.0)
    assert told.media_type == 'video/mp4; codecs="avc1.4d4028"'


def test_a_part_is_made_once_and_only_the_last_few_are_held(
    film: VideoInfo, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def make(path: str, kind: Any, part: int, *rest: Any, **more: Any) -> bytes:
        made.append(part)
        return bytes(400)

    monkeypatch.setattr(previewing, "preview_part", make)
    previews = Previews(settings, most_bytes=1000)
    for part in (0, 0, 1, 0, 2, 0, 1):
        assert len(previews.part(film, part, threading.Event())) == 400
        assert previews.kept_bytes <= 1000
    assert made == [0, 1, 2, 1], "the one that nobody asked for longest goes first"


def test_nothing_is_left_on_disk(film: VideoInfo, settings: Settings, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert Previews(settings).part(film, 2, threading.Event())[4:8] == b"ftyp"
    assert sorted(tmp_path.rglob("*")) == before


def test_who_moves_on_stops_the_work_and_who_waits_for_it(
    film: VideoInfo, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, one_stops, other_stops = threading.Event(), threading.Event(), threading.Event()

    def endless(*arguments: Any, go_on: Callable[[], None], **more: Any) -> bytes:
        begun.set()
        while True:
            go_on()

    monkeypatch.setattr(previewing, "preview_part", endless)
    previews = Previews(settings)
    ended: list[str] = []

    def ask(part: int, stop: threading.Event) -> None:
        try:
            previews.part(film, part, stop)
        except Stopped:
            ended.append(f"part {part}")

    threads = [threading.Thread(target=ask, args=(0, one_stops), daemon=True)]
    threads[0].start()
    assert begun.wait(30)
    threads.append(threading.Thread(target=ask, args=(1, other_stops), daemon=True))
    threads[1].start()
    other_stops.set()
    threads[1].join(30)
    assert ended == ["part 1"], "it never began"
    one_stops.set()
    threads[0].join(30)
    assert ended == ["part 1", "part 0"]


def test_a_part_that_takes_too_long_is_told(film: VideoInfo, settings: Settings) -> None:
    with pytest.raises(VideoError, match="take longer than 0 s to encode; frames are shown"):
        Previews(settings, most_seconds=0.0).part(film, 0, threading.Event())


def test_another_film_under_the_path_is_not_shown(film: VideoInfo, settings: Settings) -> None:
    previews = Previews(settings)
    previews.part(film, 0, threading.Event())
    grey_film(Path(film.path), seconds=5, codec="mpeg4")
    with pytest.raises(VideoChanged):
        previews.part(film, 0, threading.Event())
    with pytest.raises(VideoChanged):
        previews.told(film)


def test_a_part_beyond_the_end_is_told(film: VideoInfo, settings: Settings) -> None:
    with pytest.raises(InputError, match="no part 3"):
        Previews(settings).part(film, 3, threading.Event())
