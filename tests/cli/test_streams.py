"""Streams that are closed, full, or take no Unicode; a signal that ends the command; and files that must
survive it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psutil
import pytest
from support.films import grey_film

from mrvideo.cli import streams
from mrvideo.errors import LibraryReadOnly
from mrvideo.library import Library

pytestmark = pytest.mark.slow

Run = Callable[..., subprocess.CompletedProcess[str]]

posix = pytest.mark.skipif(os.name != "posix", reason="closes and fills streams as POSIX shells do")


@pytest.fixture
def home(folder: Path, indexed_demo: Path) -> Path:
    """A folder with talk.mp4 and its index."""
    shutil.copytree(indexed_demo, folder, dirs_exist_ok=True)
    return folder


@posix
def test_without_stderr_nothing_of_it_lands_in_the_result(shell: Run, home: Path) -> None:
    done = shell(home, "mrvideo ask talk.mp4 'What is the boat called?' --json 2>&-")
    assert json.loads(done.stdout)["question"] == "What is the boat called?"
    assert shell(home, "mrvideo show nothing.mp4 2>&-").stdout == ""


@posix
def test_without_stdout_the_command_says_so_instead_of_working_for_nothing(shell: Run, home: Path) -> None:
    done = shell(home, "mrvideo ask talk.mp4 'What is the boat called?' >&-")
    assert (done.returncode, done.stderr) == (
        74,
        "mrvideo: stdout is closed: there is no place for the result\n",
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "command", ["show talk.mp4", "export talk.mp4 --format md", "status talk.mp4 --json"]
)
def test_a_full_disk_behind_stdout_is_one_line(shell: Run, home: Path, command: str) -> None:
    done = shell(home, f"mrvideo {command} >/dev/full")
    assert (done.returncode, done.stderr) == (
        74,
        "mrvideo: the result cannot be written: No space left on device; "
        "free some space there, or write to another disk\n",
    )


@pytest.mark.parametrize(
    "without",
    [{"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, {"PYTHONIOENCODING": "latin-1"}],
    ids=["LC_ALL=C", "latin-1"],
)
def test_a_stream_without_unicode_gets_stand_ins(
    process: Run, mrvideo: Run, home: Path, without: dict[str, str]
) -> None:
    """Spans came out as `0:00.0?0:07.4`, and quotes as question marks."""
    whole = mrvideo("show", "talk.mp4").stdout
    assert "–" in whole and "“" in whole
    done = process("show", "talk.mp4", **without)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == whole.replace("–", "-").replace("“", '"').replace("”", '"')


def test_json_on_such_a_stream_is_the_same_json(process: Run, mrvideo: Run, home: Path) -> None:
    """A stand-in for a quotation mark would end the string that holds it."""
    for command in (("show", "talk.mp4", "--json"), ("export", "talk.mp4", "--format", "json")):
        whole, escaped = mrvideo(*command).stdout, process(*command, PYTHONIOENCODING="ascii").stdout
        assert "“" in whole and escaped.isascii()
        assert json.loads(escaped) == json.loads(whole)


@pytest.mark.parametrize(
    ("character", "stand_in"),
    [
        ("–", "-"),
        ("…", "..."),
        ("é", "e"),
        ("½", "1/2"),
        ("Ø", "O"),
        ("ﬁ", "fi"),
        ("画", "?"),
        ("\udc80", "?"),
    ],
)
def test_the_stand_in_of_a_character(character: str, stand_in: str) -> None:
    streams.register_stand_ins()
    assert f"a{character}b".encode("ascii", streams.STAND_INS) == f"a{stand_in}b".encode()


def _decodes(process: psutil.Process) -> bool:
    try:
        return "LokyProcess" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False  # one that ended while it was looked at


@posix
def test_a_sigterm_ends_in_one_line_and_leaves_no_process(home: Path, tmp_path: Path) -> None:
    from mrvideo.mapreduce import cores

    # Long enough for processes of their own: the demo's talk, in stretches of ten seconds.
    running = subprocess.Popen(
        [sys.executable, "-m", "mrvideo", "index", "talk.mp4", "--fresh", "--quiet"],
        cwd=home,
        env={**os.environ, "MRVIDEO_SHARD_SECONDS": "10", "MRVIDEO_LIBRARY": str(tmp_path / "new.db")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    family: list[psutil.Process] = []
    for _ in range(1200):
        family = psutil.Process(running.pid).children(recursive=True)
        if sum(map(_decodes, family)) >= min(cores(), 2):
            break
        time.sleep(0.05)
    else:
        raise AssertionError("it started no decoding process")
    running.send_signal(signal.SIGTERM)
    out, told = running.communicate(timeout=60)
    assert (running.returncode, out) == (143, "")
    assert told.splitlines()[-1] == (
        "mrvideo: interrupted; what is done is kept, run the same command again to go on"
    )
    assert "Traceback" not in told and "leaked" not in told
    _, left = psutil.wait_procs(family, timeout=30)
    assert [one for one in left if one.status() != psutil.STATUS_ZOMBIE] == []


@pytest.mark.parametrize("target", ["talk.mp4", "./.mrvideo/library.db"])
def test_an_export_overwrites_neither_the_film_nor_the_library(mrvideo: Run, home: Path, target: str) -> None:
    before = (home / target).read_bytes()
    done = mrvideo("export", "talk.mp4", "--format", "md", "-o", target)
    assert done.returncode == 2 and "would be overwritten by its own export" in done.stderr
    assert (home / target).read_bytes() == before


def test_an_answer_that_cannot_be_kept_is_told_all_the_same(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mrvideo as sdk

    def refused(*_: object) -> None:
        raise LibraryReadOnly("library.db: no right to write this library")

    monkeypatch.setattr(Library, "put_answer", refused)
    video = sdk.load(home / "talk.mp4", library=home / ".mrvideo" / "library.db")
    told: list[str] = []
    answer = video.ask(
        "What is the boat called?", on_event=lambda event: told.append(getattr(event, "text", ""))
    )
    assert answer.answer
    assert "the answer is not kept: library.db: no right to write this library" in told


def test_subtitles_of_another_cut_do_not_make_the_film_longer(mrvideo: Run, folder: Path) -> None:
    grey_film(folder / "talk.mp4", seconds=3)
    (folder / "late.srt").write_text("1\n00:50:00,000 --> 00:50:03,000\nlate\n")
    assert mrvideo("index", "talk.mp4", "--subtitles", "late.srt").returncode == 0
    status = json.loads(mrvideo("status", "talk.mp4", "--json").stdout)
    answer = json.loads(mrvideo("ask", "talk.mp4", "How long is the video?", "--json").stdout)
    assert f"{status['duration_seconds']:.1f} s" in answer["answer"]
    assert answer["unseen"] == []


def test_tables_are_never_cut(mrvideo: Run, home: Path) -> None:
    narrow = mrvideo("estimate", "talk.mp4", COLUMNS="30")
    assert "…" not in narrow.stdout and "characters" in narrow.stdout
    library = home / ("a-very-long-name-for-a-folder-" * 4) / "library.db"
    assert str(library) in mrvideo("config", "show", MRVIDEO_LIBRARY=str(library)).stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("index", "talk.mp4", "--preset", "foo"), "no preset named 'foo'"),
        (("ask", "talk.mp4", "Which?", "--option", "a", "--option", "a"), "'a' is given twice"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(
    mrvideo: Run, home: Path, arguments: tuple[str, ...], told: str
) -> None:
    done = mrvideo(*arguments)
    assert done.returncode == 2 and told in done.stderr and len(done.stderr.splitlines()) == 1


def test_doctor_looks_into_the_library(mrvideo: Run) -> None:
    (mrvideo.folder / "junk.db").write_text("junk")  # type: ignore[attr-defined]
    done = mrvideo("doctor", "--library", "junk.db")
    assert done.returncode == 1 and "problem: junk.db: not a library" in done.stdout


def test_a_command_of_several_shows_its_help(mrvideo: Run) -> None:
    done = mrvideo("config")
    assert (done.returncode, done.stderr) == (0, "") and "show" in done.stdout


def test_an_index_that_was_begun_is_not_called_missing(
    mrvideo: Run, home: Path, refusing_server: str
) -> None:
    """The library holds the video, but no index: a server that refuses the key ends the run after that."""
    library = home / "begun.db"
    words = ("--library", library, "--vision", "openai:x", "--base-url", refusing_server)
    stopped = mrvideo("index", "talk.mp4", *words, OPENAI_API_KEY="wrong")
    assert stopped.returncode == 2, stopped.stderr
    with Library.open(library, create=False) as kept:
        (video,) = kept.videos()
        assert kept.latest_index(video.digest) is None
    done = mrvideo("status", "talk.mp4", "--library", library)
    assert done.returncode == 2
    assert "is begun in" in done.stderr and "it goes on where it stopped" in done.stderr
    assert "begun" in mrvideo("list", "--library", library).stdout


@pytest.fixture
def refusing_server() -> Iterator[str]:
    """A base URL whose server refuses every key."""

    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            body = b'{"error": {"message": "no such key", "code": "invalid_api_key"}}'
            self.send_response(401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
        server.shutdown()
        thread.join()
