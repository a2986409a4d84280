"""`export --format html` and `ask --report`: what is refused before anything is paid for, and what stands in
the files.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.films import grey_film

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def film(mrvideo: Run, folder: Path) -> Path:
    """A film in the working folder, not indexed yet."""
    return grey_film(folder / "grey.mp4", seconds=4)


def test_an_index_and_an_answer_become_pages(mrvideo: Run, folder: Path, film: Path) -> None:
    assert mrvideo("index", film, "-q").returncode == 0
    (folder / "pages").mkdir()
    done = mrvideo("export", film, "--format", "html", "-o", "pages/grey.html", "--link-video")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    page = (folder / "pages" / "grey.html").read_text(encoding="utf-8")
    assert 'src="../grey.mp4"' in page and page.count("data:image/jpeg") >= 1
    printed = mrvideo("export", film, "--format", "html", "--pictures", "0").stdout
    assert "grey.mp4</h1>" in printed and "data:image" not in printed and "<script" not in printed
    asked = mrvideo("ask", film, "How long is the video?", "-q", "--report", "answer.html", "--link-video")
    assert asked.returncode == 0, asked.stderr
    report = (folder / "answer.html").read_text(encoding="utf-8")
    assert asked.stdout.split("\n")[0] in report and "How long is the video?</h1>" in report
    assert 'src="grey.mp4"' in report and "What it took" in report


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--report", "none/answer.html"), "its folder is missing"),
        (("--report", "."), "a folder"),
        (("--report", "grey.mp4"), "would be overwritten"),
        (("--link-video",), "--link-video needs --report"),
    ],
)
def test_a_report_that_cannot_be_written_costs_nothing(
    mrvideo: Run, folder: Path, film: Path, arguments: tuple[str, ...], told: str
) -> None:
    before = film.read_bytes()
    done = mrvideo("ask", film, "How long is the video?", "-q", *arguments)
    assert done.returncode == 2 and told in done.stderr and done.stderr.count("\n") == 1
    assert not (folder / ".mrvideo").exists(), "nothing was indexed"
    assert film.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--format", "html", "--link-video"), "needs --output"),
        (("--format", "md", "--pictures", "3"), "are for --format html"),
        (("--format", "md", "--link-video"), "are for --format html"),
        (("--format", "html", "--pictures", "-1"), "give 0 to 1000"),
        (("--format", "html", "-o", "grey.mp4"), "would be overwritten"),
    ],
)
def test_options_of_a_page_that_make_no_sense_are_refused(
    mrvideo: Run, film: Path, arguments: tuple[str, ...], told: str
) -> None:
    assert mrvideo("index", film, "-q").returncode == 0
    done = mrvideo("export", film, *arguments)
    assert done.returncode == 2 and told in done.stderr and done.stderr.count("\n") == 1, done.stderr
