"""A film that no browser plays, in parts that one does: each shows what the film shows at that time."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest

from mrvideo.errors import DecodeError, InputError, Stopped
from mrvideo.media import open_video
from mrvideo.media.cutting import Preview, preview, preview_kind, preview_part
from mrvideo.media.options import ReadOptions
from mrvideo.records import Frame

Maker = Callable[..., Any]

KINDS = [
    "mpeg4_b_frames.avi", "mpeg2_with_sound.mpg", "hevc_10bit.mkv", "vfr.mkv", "turned_90.mp4", "wide_pixels.mp4",
    "odd_size.mp4", "late_start.ts", "joined_with_sound.ts",
]  # fmt: skip


def _ignore() -> None:
    """Nobody stops it."""


@pytest.fixture(autouse=True)
def parts_of_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "PREVIEW_SECONDS", 1.0)


def _parts(path: Path, folder: Path) -> tuple[Preview, list[Path]]:
    with open_video(path) as video:
        length = video.info.duration_seconds
    kind = preview_kind(str(path), length, ReadOptions())
    made: list[Path] = []
    for part in range(kind.parts):
        made.append(folder / f"{part}.mp4")
        made[-1].write_bytes(preview_part(str(path), kind, part, ReadOptions(), go_on=_ignore))
    return kind, made


def _times(path: Path, stream: str) -> list[float]:
    with av.open(str(path)) as container:
        (chosen,) = getattr(container.streams, stream)
        packets: Any = container.demux(chosen)
        return [float(p.pts * p.time_base) for p in packets if p.pts is not None]


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_a_part_shows_the_film_at_its_time_and_begins_at_zero(
    name: str,
    film_maker: Maker,
    films: dict[str, Any],
    number_in: Callable[[Frame], int | None],
    tmp_path: Path,
) -> None:
    """Evidence is clicked on this clock: a part that began late would show what comes before the span."""
    film = film_maker(name, **films.get(name, {}))
    kind, made = _parts(film.path, tmp_path)
    assert len(made) == kind.parts >= 2
    with open_video(film.path) as whole:
        sides, has_sound = (whole.info.width, whole.info.height), whole.info.has_audio
    for part, path in enumerate(made):
        span = kind.span(part)
        middles = [t for t in film.middles_seconds if span.start_seconds < t < span.stop_seconds]
        with open_video(path) as shown:
            frames = [frame for _, frame in shown.read_at([t - span.start_seconds for t in middles])]
            assert (shown.info.width, shown.info.height) == pytest.approx(sides, abs=2)
            assert shown.info.codec == "h264" and shown.info.has_audio == has_sound
        assert [number_in(frame) for frame in frames] == [film.number_at(t) for t in middles]
        assert _times(path, "video")[0] == 0
        if has_sound:
            assert _times(path, "audio")[0] == 0
    assert kind.media_type.count("mp4a") == has_sound
    assert kind.span(kind.parts - 1).stop_seconds == kind.duration_seconds


@pytest.mark.slow
def test_pictures_larger_than_a_page_are_made_smaller(film_maker: Maker, tmp_path: Path) -> None:
    film = film_maker("large.avi", codec="mpeg4", size=(1920, 1080), count=30)
    _, made = _parts(film.path, tmp_path)
    with open_video(made[0]) as shown:
        assert (shown.info.width, shown.info.height) == (960, 540)


def test_it_is_stopped_at_the_next_picture(plain_film: Any) -> None:
    kind = preview_kind(str(plain_film.path), 3.0, ReadOptions())
    calls = 0

    def go_on() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise Stopped("no more")

    with pytest.raises(Stopped):
        preview_part(str(plain_film.path), kind, 1, ReadOptions(), go_on=go_on)
    assert calls == 3


def test_a_part_that_there_is_not_and_one_that_is_damaged_are_told(plain_film: Any, tmp_path: Path) -> None:
    kind = preview_kind(str(plain_film.path), 3.0, ReadOptions())
    for part in (-1, 3):
        with pytest.raises(InputError, match=f"there is no part {part}; the film has 3"):
            preview_part(str(plain_film.path), kind, part, ReadOptions(), go_on=_ignore)
    longer = Preview(60.0, kind.sound)
    with pytest.raises(DecodeError):
        preview_part(str(plain_film.path), longer, 40, ReadOptions(), go_on=_ignore)


def test_parts_tile_the_film() -> None:
    for length in (0.2, 1.0, 1.3, 1.6, 9.999):
        kind = Preview(length, None)
        spans = [kind.span(part) for part in range(kind.parts)]
        assert spans[0].start_seconds == 0 and spans[-1].stop_seconds == length
        assert all(a.stop_seconds == b.start_seconds for a, b in pairwise(spans))
        assert all(span.duration_seconds >= min(length, 0.5) for span in spans)
