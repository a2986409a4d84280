"""Chapters inside a copy of a file: the streams are the same, the times are right."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from support.films import grey_film

from mrvideo.errors import InputError, VideoError
from mrvideo.media.chapters import read_chapters, write_chapters

ROWS = [(0.0, 6.5, "Harbour"), (6.5, 20.0, "Kitchen; with = signs")]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_copy_has_the_chapters_and_the_same_packets(tmp_path: Path, suffix: str) -> None:
    source = grey_film(tmp_path / "film.mp4", sound=True)
    target = tmp_path / f"copy{suffix}"
    write_chapters(str(source), target, ROWS)
    with av.open(str(target)) as copy, av.open(str(source)) as before:
        told = [
            (float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]), c["metadata"]["title"])
            for c in copy.chapters()
        ]
        assert told == ROWS
        # MP4 keeps the titles in a stream of their own.
        assert [s.type for s in copy.streams if s.type != "data"] == ["video", "audio"]
        packets = [[bytes(p) for p in one.demux(one.streams.video[0]) if p.size] for one in (copy, before)]
        assert packets[0] == packets[1] and packets[0]
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["film.mp4", target.name])


def test_no_file_is_overwritten_and_nothing_is_left_of_a_failure(tmp_path: Path) -> None:
    source = grey_film(tmp_path / "film.mp4")
    with pytest.raises(InputError, match="exists already"):
        write_chapters(str(source), source, ROWS)
    with pytest.raises(VideoError, match=r"copy\.nothing"):
        write_chapters(str(source), tmp_path / "copy.nothing", ROWS)
    with pytest.raises(VideoError):
        write_chapters(str(tmp_path / "missing.mp4"), tmp_path / "copy.mp4", ROWS)
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_chapters_of_a_file_are_read_as_they_were_written(tmp_path: Path, suffix: str) -> None:
    source = grey_film(tmp_path / "film.mp4")
    assert read_chapters(str(source)) == ()
    target = tmp_path / f"copy{suffix}"
    write_chapters(str(source), target, [*ROWS[:1], (6.5, 20.0, "")])
    told = [(one.start_seconds, one.stop_seconds, one.title) for one in read_chapters(str(target))]
    assert told == [ROWS[0], (6.5, 20.0, "Chapter 2")]
