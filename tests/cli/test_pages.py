"""`mrvideo index ADDRESS` as a stranger types it; what is fetched, tests/session/test_pages.py holds."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.films import grey_film
from support.site import File, Site, page_of

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("yt_dlp") is None, reason="yt-dlp is not installed"),
]
Run = Callable[..., subprocess.CompletedProcess[str]]
ALLOWED = ("--allow-url", "--allow-private")


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return grey_film(tmp_path_factory.mktemp("film") / "film.mp4", seconds=4).read_bytes()


@pytest.fixture
def site(film: bytes) -> Iterator[Site]:
    with Site() as serving:
        serving.files["/film.mp4"] = File(film, "video/mp4")
        serving.files["/walk"] = File(page_of("film.mp4"))
        yield serving


@pytest.mark.slow
def test_a_list_is_indexed_and_what_is_missing_is_an_exit_code(mrvideo: Run, site: Site) -> None:
    site.files["/list"] = File(page_of("film.mp4", "gone.mp4", title="Two walks"))
    done = mrvideo("index", site.url("/list"), *ALLOWED)
    assert done.returncode == 1
    assert "from Two walks (1)" in done.stdout and "not indexed: " in done.stdout
    assert "not fetched: " in done.stderr and "404" in done.stderr
    told = json.loads(mrvideo("index", site.url("/list"), *ALLOWED, "--json", "-q").stdout)
    assert len(told["videos"]) == 1 and told["videos"][0]["page"]["playlist"] == site.url("/list")
    (broken,) = told["broken"]
    assert broken["video"] == site.url("/list")


@pytest.mark.slow
def test_a_page_is_asked_by_its_address(mrvideo: Run, site: Site) -> None:
    url = site.url("/walk")
    done = mrvideo("ask", url, "What colour is shown?", "--effort", "low", *ALLOWED)
    assert done.returncode in (0, 1) and "downloading, MB: 1 of 1" in done.stderr
    # Known by now: nobody is asked, and nothing need be allowed.
    asked = len(site.asked)
    for command in (("status", url), ("show", url), ("look", url, "0-2", "What is shown?")):
        assert mrvideo(*command).returncode in (0, 1), command
    assert len(site.asked) == asked


@pytest.mark.slow
def test_ctrl_c_in_the_middle_of_a_download(folder: Path, mrvideo: Run, site: Site, film: bytes) -> None:
    gate = threading.Event()
    site.files["/film.mp4"].breaks_after, site.files["/film.mp4"].gate = 1500, gate
    running = subprocess.Popen(
        [sys.executable, "-m", "mrvideo", "index", site.url("/walk"), *ALLOWED],
        cwd=folder,
        env=dict(os.environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert site.waits.wait(60)
    tick = threading.Event()
    while not any(folder.rglob("*.part")):  # The first block has come.
        assert running.poll() is None, running.communicate()
        tick.wait(0.02)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=20)
    assert (running.returncode, out) == (130, "")
    assert err.splitlines()[-1].endswith("run the same command again to go on")
    gate.set()
    assert mrvideo("index", site.url("/walk"), *ALLOWED).returncode == 0
    assert [path.read_bytes() for path in folder.rglob("*.mp4")] == [film]
    first, second = site.got("/film.mp4")
    assert first is None and second is not None and 0 < int(second.strip("bytes=-")) <= 1500
