"""`mrvideo clips`, and what `ask` saves: files with names that sort, and one line for what cannot be cut."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.films import grey_film

from mrvideo import load
from mrvideo.errors import InputError
from mrvideo.media import open_video
from mrvideo.records import Answer, Evidence, Found, Moment, Span
from mrvideo.settings import Settings

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def film(folder: Path) -> Path:
    """Twenty seconds of grey that grows lighter by the second, 30 + 10 n, at 4 frames per second, with sound."""
    return grey_film(folder / "film.mp4", sound=True)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def grey_of(picture: Image.Image) -> int:
    """The whole second of the film that a picture shows."""
    return round((picture.convert("L").getpixel((32, 24)) - 30) / 10)  # type: ignore[operator]


def seconds_in(path: Path) -> list[int]:
    """The whole seconds of the film that a clip shows, by its first and last picture, and how long it is."""
    with open_video(path) as video:
        length = video.info.duration_seconds
        shown = [grey_of(Image.open(io.BytesIO(f.jpeg))) for _, f in video.read_at([0.0, length - 0.01])]
    return [*shown, round(length)]


def test_each_span_is_a_file_whose_name_sorts(mrvideo: Run, film: Path, folder: Path) -> None:
    done = mrvideo("clips", film, "0:12-0:15", "2-5", "-o", "out")
    assert (done.returncode, names(folder / "out")) == (0, ["01_00-00-12.mp4", "02_00-00-02.mp4"])
    assert done.stdout.splitlines() == [
        "out/01_00-00-12.mp4  0:12.0–0:15.0",
        "out/02_00-00-02.mp4  0:02.0–0:05.0",
    ]
    assert seconds_in(folder / "out/01_00-00-12.mp4") == [12, 14, 3]
    assert seconds_in(folder / "out/02_00-00-02.mp4") == [2, 4, 3]
    told = json.loads(mrvideo("clips", film, "0-20", "--pad", "3", "-o", "out2", "--json").stdout)
    assert told["files"] == [
        {
            "path": "out2/01_00-00-00.mp4",
            "video": str(film),
            "spans": [{"start_seconds": 0.0, "stop_seconds": 20.0}],
            "copied": True,
        }
    ]


@pytest.mark.slow
def test_ways_of_writing(mrvideo: Run, film: Path, folder: Path) -> None:
    spans = ("6-8", "2-5")
    assert mrvideo("clips", film, *spans, "--join", "-o", "out").returncode == 0
    assert seconds_in(folder / "out/highlights.mp4") == [6, 4, 5]
    assert mrvideo("clips", film, *spans, "--frames", "2", "-o", "pictures").returncode == 0
    assert names(folder / "pictures") == [
        "01_00-00-06.500.jpg", "01_00-00-07.500.jpg", "02_00-00-02.750.jpg", "02_00-00-04.250.jpg",
    ]  # fmt: skip
    with Image.open(folder / "pictures/02_00-00-04.250.jpg") as picture:
        assert (picture.size, grey_of(picture)) == ((64, 48), 4)
    for format_name, name in (
        ("gif", "01_00-00-06.gif"),
        ("edl", "film.edl"),
        ("otio", "film.otio"),
        ("llc", "film-proj.llc"),
    ):
        assert mrvideo("clips", film, *spans, "--format", format_name, "-o", format_name).returncode == 0
        assert name in names(folder / format_name)
    project = json.loads((folder / "llc/film-proj.llc").read_text())
    assert [(s["start"], s["end"]) for s in project["cutSegments"]] == [(6.0, 8.0), (2.0, 5.0)]


def answer_about(video: Path, *spans: Span) -> Answer:
    from mrvideo.media.identity import digest_of

    return Answer(
        question="?", answer="!", confidence=3, verified=False, video=str(video), video_digest=digest_of(video),
        evidence=tuple(
            Evidence(start_seconds=s.start_seconds, stop_seconds=s.stop_seconds, source="caption", quote="x") for s in spans
        ),
    )  # fmt: skip


def test_what_an_answer_cites_is_cut(
    mrvideo: Run, film: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order of time, a second longer at both ends, and once where spans meet."""
    answer = answer_about(film, Span(14, 15), Span(3, 3), Span(4, 5), Span(14, 15))
    (folder / "answer.json").write_text(answer.model_dump_json())
    assert mrvideo("clips", "--answer", "answer.json", "-o", "out").returncode == 0
    assert names(folder / "out") == ["01_00-00-02.mp4", "02_00-00-13.mp4"]
    assert seconds_in(folder / "out/01_00-00-02.mp4") == [2, 5, 4]
    assert seconds_in(folder / "out/02_00-00-13.mp4") == [13, 15, 3]
    monkeypatch.setattr("sys.stdin", io.StringIO(answer.model_dump_json()))
    assert mrvideo("clips", film, "--answer", "-", "--pad", "0.5", "-o", "piped").returncode == 0
    assert names(folder / "piped") == ["01_00-00-02.mp4", "02_00-00-03.mp4", "03_00-00-13.mp4"]


def test_what_was_found_in_several_videos_is_cut(mrvideo: Run, film: Path, folder: Path) -> None:
    other = grey_film(folder / "other.mp4", seconds=6)
    digests = {path: answer_about(path).video_digest for path in (film, other)}
    moments = tuple(
        Moment(
            start_seconds=start,
            stop_seconds=start + 1,
            video=str(path),
            video_digest=digests[path],
            score=1.0,
            why=(),
        )
        for path, start in ((film, 9), (other, 2), (film, 4))
    )
    (folder / "found.json").write_text(Found(query="q", moments=moments, videos=2).model_dump_json())
    assert mrvideo("clips", "--answer", "found.json", "--pad", "0", "-o", "out").returncode == 0
    assert names(folder / "out") == ["01_00-00-04.mp4", "02_00-00-09.mp4", "03_00-00-02.mp4"]
    assert mrvideo("clips", other, "--answer", "found.json", "--pad", "0", "-o", "one").returncode == 0
    assert names(folder / "one") == ["01_00-00-02.mp4"]
    refused = mrvideo("clips", "--answer", "found.json", "--join", "-o", "joined")
    assert refused.returncode == 2 and "name one VIDEO" in refused.stderr


@pytest.mark.slow
def test_what_cannot_be_cut_is_one_line_and_leaves_nothing(mrvideo: Run, film: Path, folder: Path) -> None:
    (folder / "none.json").write_text(answer_about(film).model_dump_json())
    (folder / "list.json").write_text("[1, 2]")
    (folder / "bad.json").write_text('{"evidence": 3}')
    (folder / "no.json").write_text("{")
    (folder / "file").write_text("in the way")
    (folder / "talk.txt").write_text("text")
    before = names(folder)
    for arguments, words in (
        (("20-30",), "lies outside"),
        (("5-3",), "ends before it starts"),
        (("5-5",), "is an instant"),
        (("5",), "is no span"),
        (("1-2", "--find", "x"), "spans and --find to cut from"),
        ((), "nothing to cut from"),
        (("1-2", "--format", "avi"), "must be one of mp4, gif, edl, otio, llc"),
        (("1-2", "--join", "--format", "gif"), "leave out --format"),
        (("1-2", "--frames", "0"), "1 to 1000"),
        (("1-2", "--pad", "-1"), "pad is -1"),
        (("1-2", "-o", "file"), "file cannot be written"),
        (("1-2", "-o", "file/below"), "cannot be written"),
        (("--answer", "none.json"), "none.json cites no span"),
        (("--answer", "list.json"), "list.json is no answer and no find"),
        (("--answer", "bad.json"), "bad.json is no answer and no find: question does not fit"),
        (("--answer", "no.json"), "no.json holds no JSON"),
        (("--answer", "missing.json"), "there is no such JSON file"),
    ):
        done = mrvideo("clips", film, "-o", "out", *arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert words in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
        assert names(folder) == before
    for arguments, words in (
        (("film.mp4", "1-2"), "-o FOLDER"),
        (("-o", "out"), "nothing to cut from"),
        (("talk.txt", "1-2", "-o", "out"), "talk.txt"),
        (("gone.mp4", "1-2", "-o", "out"), "gone.mp4 does not exist"),
    ):
        done = mrvideo("clips", *arguments)
        assert done.returncode == 2 and words in done.stderr and len(done.stderr.splitlines()) == 1, (
            done.stderr
        )
    assert names(folder) == before


def test_no_file_is_replaced_unless_asked(mrvideo: Run, film: Path, folder: Path) -> None:
    """Told before anything is written: the first of two spans is not cut either."""
    (folder / "out").mkdir()
    (folder / "out/02_00-00-04.mp4").write_text("mine")
    done = mrvideo("clips", film, "1-2", "4-5", "-o", "out")
    assert done.returncode == 2 and "02_00-00-04.mp4 exists already" in done.stderr
    assert names(folder / "out") == ["02_00-00-04.mp4"]
    assert mrvideo("clips", film, "1-2", "4-5", "-o", "out", "--force").returncode == 0
    assert seconds_in(folder / "out/02_00-00-04.mp4") == [4, 4, 1]
    assert mrvideo("clips", film, "1-2", "--frames", "1", "-o", "out").returncode == 0
    again = mrvideo("clips", film, "1-2", "--frames", "1", "-o", "out")
    assert again.returncode == 2 and "exists already" in again.stderr


def test_another_film_under_that_name_is_not_cut(mrvideo: Run, film: Path, folder: Path) -> None:
    (folder / "answer.json").write_text(answer_about(film, Span(3, 5)).model_dump_json())
    film.unlink()
    grey_film(film, seconds=12)
    done = mrvideo("clips", "--answer", "answer.json", "-o", "out")
    assert done.returncode == 2 and "holds another video" in done.stderr
    assert not (folder / "out").exists()


@pytest.fixture
def at_home(mrvideo: Run, folder: Path, indexed_demo: Path) -> Run:
    """The working folder holds talk.mp4, talk.srt and their index."""
    shutil.copytree(indexed_demo, folder, dirs_exist_ok=True)
    return mrvideo


def test_what_find_finds_and_what_an_answer_cites_come_as_files(at_home: Run, folder: Path) -> None:
    spoken = json.loads(at_home("show", "talk.mp4", "--cues", "--json").stdout)["cues"][0]["text"]
    found: dict[str, Any] = json.loads(at_home("find", "talk.mp4", spoken, "--top", "1", "--json").stdout)
    done = at_home("clips", "talk.mp4", "--find", spoken, "--top", "1", "--pad", "0", "-o", "found")
    assert done.returncode == 0, done.stderr
    start, stop = (found["moments"][0][f"{end}_seconds"] for end in ("start", "stop"))
    assert len(names(folder / "found")) == 1
    with open_video(folder / "found" / names(folder / "found")[0]) as clip:
        assert clip.info.duration_seconds == pytest.approx(stop - start, abs=0.05)
    nothing = at_home("clips", "talk.mp4", "--find", "zzyzx qwrtp", "-o", "none")
    assert nothing.returncode == 2 and "found no moment" in nothing.stderr and not (folder / "none").exists()

    told = at_home(
        "ask", "talk.mp4", "What is said first?", "--save-frames", "pictures", "--clips", "cited", "--json"
    )
    answer: dict[str, Any] = json.loads(told.stdout)
    assert answer["evidence"], "the question must find something for this test"
    spans = {(e["start_seconds"], e["stop_seconds"]) for e in answer["evidence"]}
    assert len(names(folder / "pictures")) == len(spans)
    assert all(name.endswith(".jpg") for name in names(folder / "pictures"))
    assert 1 <= len(names(folder / "cited")) <= len(spans)
    # The answer is printed all the same when its files cannot be written.
    again = at_home("ask", "talk.mp4", "What is said first?", "--clips", "cited", "--json")
    assert again.returncode == 2 and "exists already" in again.stderr
    assert json.loads(again.stdout)["answer"] == answer["answer"]

    video = load(folder / "talk.mp4", settings=Settings(library=folder / ".mrvideo/library.db"))
    written = video.clips([(1.0, 2.0), video.scenes[0]], folder / "sdk", pad_seconds=0.5)
    assert written[0].path == str(folder / "sdk/01_00-00-00.mp4")
    assert len(video.clips(Answer.model_validate(answer), folder / "sdk2", frames=1)) >= 1
    assert [one.spans for one in video.clips((3, 4), folder / "sdk3", format="llc")] == [(Span(3, 4),)]
    with pytest.raises(InputError, match="no span to cut"):
        video.clips([], folder / "sdk4")
