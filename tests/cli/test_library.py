"""`list`, `rm`, `look` and `export`: what the library holds, the way out of it, and numbers that people can
read.
"""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from support.films import grey_film

from mrvideo.cli.spans import span_of
from mrvideo.errors import InputError
from mrvideo.library import Library
from mrvideo.records import Span

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def at_home(mrvideo: Run, folder: Path, indexed_demo: Path) -> Run:
    """The working folder holds talk.mp4, talk.srt and their index."""
    shutil.copytree(indexed_demo, folder, dirs_exist_ok=True)
    return mrvideo


def test_list_tells_what_is_kept_of_each_video(
    at_home: Run, folder: Path, write_film: Callable[[Path], Path]
) -> None:
    write_film(folder / "grey.mp4")
    assert at_home("index", "grey.mp4", "-q").returncode == 0
    listed = json.loads(at_home("list", "--json").stdout)["videos"]
    talk, grey = listed
    status = json.loads(at_home("status", "talk.mp4", "--json").stdout)
    assert [talk[name] for name in ("scenes", "entities", "cues")] == [
        status[name] for name in ("scenes", "entities", "cues")
    ]
    assert talk["video"]["digest"] == status["digest"] and talk["indexed_at"] == status["created_at"]
    assert (grey["scenes"], grey["cues"], grey["indexes"], grey["failures"]) == (1, 0, 1, 0)
    lines = at_home("list").stdout.splitlines()
    assert lines[0].split() == ["digest", "length", "scenes", "failures", "answers", "video"]
    assert lines[2].split() == [grey["video"]["digest"][:12], "0:02.0", "1", "0", "0", grey["video"]["path"]]


def test_without_a_library_list_says_how_to_begin_one(mrvideo: Run, folder: Path) -> None:
    done = mrvideo("list")
    assert done.returncode == 2 and "index a video first" in done.stderr
    assert list(folder.iterdir()) == []


def test_rm_says_what_goes_and_removes_that_alone(
    at_home: Run, folder: Path, write_film: Callable[[Path], Path]
) -> None:
    write_film(folder / "grey.mp4")
    at_home("index", "grey.mp4", "-q")
    at_home("ask", "talk.mp4", "What is the boat called?", "--effort", "low", "-q")
    assert at_home("search", "ferry").returncode == 0
    film = (folder / "talk.mp4").read_bytes()
    done = at_home("rm", "talk.mp4", "--yes")
    assert done.returncode == 0, done.stderr
    assert "removed " in done.stdout and "talk.mp4" in done.stdout
    assert "1 index, 16 scenes, 25 cues" in done.stdout and "1 answer" in done.stdout
    assert (folder / "talk.mp4").read_bytes() == film
    (left,) = json.loads(at_home("list", "--json").stdout)["videos"]
    assert left["video"]["path"].endswith("grey.mp4") and left["scenes"] == 1
    assert at_home("search", "ferry").returncode == 1
    assert "run mrvideo index on it first" in at_home("status", "talk.mp4").stderr
    with Library.open(folder / ".mrvideo" / "library.db", create=False) as library:
        assert not library.answers(left["video"]["digest"])
        assert [one.video.digest for one in library.kept()] == [left["video"]["digest"]]


def test_what_was_removed_is_indexed_anew(
    at_home: Run, folder: Path, write_film: Callable[[Path], Path]
) -> None:
    write_film(folder / "grey.mp4")
    before = json.loads(at_home("index", "grey.mp4", "-q", "--json").stdout)["videos"][0]
    assert at_home("rm", "grey.mp4", "-y").returncode == 0
    again = json.loads(at_home("index", "grey.mp4", "-q", "--json").stdout)["videos"][0]
    assert again["scenes"] == before["scenes"] and again["digest"] == before["digest"]


class Typed(io.StringIO):
    """A terminal at which somebody has typed."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("n\n", 2), ("\n", 2)])
def test_rm_asks_first(at_home: Run, monkeypatch: pytest.MonkeyPatch, typed: str, code: int) -> None:
    monkeypatch.setattr("sys.stdin", Typed(typed))
    done = at_home("rm", "talk.mp4")
    assert done.returncode == code
    assert "1 index, 16 scenes, 25 cues" in done.stderr and "The video files stay." in done.stderr
    assert (at_home("status", "talk.mp4").returncode == 0) == (code != 0)


def test_where_nobody_can_answer_rm_wants_yes(at_home: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    done = at_home("rm", "talk.mp4")
    assert done.returncode == 2 and "say --yes" in done.stderr and "16 scenes" in done.stderr
    assert done.stderr.count("\n") == 1
    assert at_home("status", "talk.mp4").returncode == 0


def test_one_slip_among_several_removes_nothing(at_home: Run) -> None:
    done = at_home("rm", "talk.mp4", "tlak.mp4", "--yes")
    assert done.returncode == 2 and "tlak.mp4 is not in" in done.stderr
    assert at_home("status", "talk.mp4").returncode == 0


def test_a_video_whose_file_is_gone_is_removed_by_path_or_digest(at_home: Run, folder: Path) -> None:
    digest = json.loads(at_home("status", "talk.mp4", "--json").stdout)["digest"]
    kept = json.loads(at_home("list", "--json").stdout)["videos"][0]["video"]["path"]
    (folder / "talk.mp4").unlink()
    assert at_home("rm", digest[:7], "--yes").returncode == 2, "too short to be sure"
    for name in (digest[:12], kept):
        copy = folder / "copy.db"
        shutil.copy(folder / ".mrvideo" / "library.db", copy)
        done = at_home("rm", name, "--yes", "--library", copy)
        assert done.returncode == 0, done.stderr
        assert "no videos" in at_home("list", "--library", copy).stdout


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("107-110", Span(107, 110)),
        ("1:47-1:50", Span(107, 110)),
        ("1:47.0–1:50.5", Span(107, 110.5)),
        ("1:01:47 - 1:01:50", Span(3707, 3710)),
        ("107..110", Span(107, 110)),
        ("90:00-91:00", Span(5400, 5460)),
        ("5-5", Span(5, 5)),
    ],
)
def test_a_span_as_people_write_it(text: str, span: Span) -> None:
    assert span_of(text) == span


@pytest.mark.parametrize("text", ["107", "a-b", "110-107", "1:2:3:4-5", "-5-3", "", "1e9-2e9", "nan-nan"])
def test_what_is_no_span_is_one_line(text: str) -> None:
    with pytest.raises(InputError) as refused:
        span_of(text)
    assert "\n" not in str(refused.value)


def test_look_answers_from_frames_of_the_span(at_home: Run) -> None:
    done = at_home("look", "talk.mp4", "1:47-1:50", "What is written on the sign?")
    assert done.returncode == 0, done.stderr
    assert "FERRY" in done.stdout and "8 frames looked at" in done.stdout
    told = json.loads(
        at_home("look", "talk.mp4", "107-110", "What is written?", "--max-frames", "1", "--json").stdout
    )
    assert (told["start_seconds"], told["stop_seconds"]) == (107, 110)
    assert len(told["frame_times"]) == 1 and 107 <= told["frame_times"][0] < 110
    assert "FERRY" in told["conclusion"]


def test_a_look_outside_the_video_is_refused(at_home: Run) -> None:
    done = at_home("look", "talk.mp4", "10:00-10:10", "What is written?")
    assert done.returncode == 2 and "outside the video, which is 2:48.0 long" in done.stderr


def numbers(value: Any, name: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers(inner, name)
    elif isinstance(value, float):
        yield name, value


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("index", "{}", "--json", "-q"),
        ("show", "{}", "--scenes", "--entities", "--cues", "--json"),
        ("status", "{}", "--json"),
        ("list", "--json"),
        ("ask", "{}", "How long is the video?", "--json", "-q"),
        ("estimate", "{}", "--vision", "openai:gpt-5-mini", "--json"),
        ("export", "{}", "--format", "json"),
        ("export", "{}", "--format", "jsonl"),
        ("export", "{}", "--format", "mrvideo-paper"),
    ],
)
def test_printed_times_have_three_decimals_and_money_six(
    mrvideo: Run, ntsc: Path, command: tuple[str, ...]
) -> None:
    done = mrvideo(*(word.format(ntsc) for word in command))
    assert done.returncode in (0, 1), done.stderr
    times = 0
    for name, number in numbers(json.loads(done.stdout)):
        if "cost" in name:
            assert round(number, 6) == number
        elif "seconds" in name or name.startswith("t_"):
            assert round(number, 3) == number
            times += number != round(number)
    assert times or command[0] == "ask", "the film's times are no whole seconds"


def test_the_library_keeps_all_digits(mrvideo: Run, ntsc: Path, folder: Path) -> None:
    mrvideo("status", ntsc)
    with Library.open(folder / ".mrvideo" / "library.db", create=False) as library:
        (video,) = library.videos()
    assert video.duration_seconds != round(video.duration_seconds, 3)


@pytest.fixture
def ntsc(mrvideo: Run, folder: Path, write_film: Callable[..., Path]) -> Path:
    """A film at 30000/1001 frames a second, indexed: its times have no end in decimals."""
    film = write_film(folder / "ntsc.mp4", frames_per_second=Fraction(30000, 1001))
    assert mrvideo("index", film, "-q").returncode == 0
    return film


def test_json_names_a_video_by_its_absolute_path_everywhere(at_home: Run, folder: Path) -> None:
    """A script that joins what two commands print had to know which of them resolves paths."""
    film = str(folder / "talk.mp4")
    shown = json.loads(at_home("show", "talk.mp4", "--json").stdout)["video"]["path"]
    status = json.loads(at_home("status", "talk.mp4", "--json").stdout)["video"]
    (again,) = json.loads(at_home("index", "talk.mp4", "--json", "--quiet").stdout)["videos"]
    assert {shown, status, again["video"]} == {film}


def test_speakers_of_subtitles_are_not_counted_as_if_they_were_seen(mrvideo: Run, folder: Path) -> None:
    grey_film(folder / "film.mp4", seconds=4)
    (folder / "film.srt").write_text(
        "1\n00:00:00,500 --> 00:00:01,500\nANNA: Good morning.\n\n2\n00:00:02,000 --> 00:00:03,000\nANNA: Bye.\n"
    )
    done = mrvideo("index", "film.mp4", "--quiet")
    assert "1 entity known by name, not by sight" in done.stdout
    assert "1 entity known by name, not by sight" in mrvideo("status", "film.mp4").stdout


def test_a_moment_of_the_whole_library_is_told_with_its_video(at_home: Run, folder: Path) -> None:
    spoken = json.loads(at_home("show", "talk.mp4", "--cues", "--json").stdout)["cues"][0]["text"]
    assert "talk.mp4  " in at_home("find", "--all", spoken).stdout
    assert "talk.mp4  " not in at_home("find", "talk.mp4", spoken).stdout
