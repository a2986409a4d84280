"""Two processes, one library: the same work is done once."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from mrvideo.library import Library

_WORKER = """
import sys
from mrvideo.library import Library
from mrvideo.records import Span

with Library.open(sys.argv[1]) as library:
    sys.stdin.readline()
    with library.claim("video", on_wait=lambda: print("waits", flush=True)):
        if library.part("work") is None:
            print("works", flush=True)
            sys.stdin.readline()
            library.put_part("work", "test", "ab", Span(0, 1), "{}")
    print("done", flush=True)
"""


def _worker(path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", _WORKER, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def _go(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def _says(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.mark.slow
def test_the_second_process_waits_and_then_finds_the_work_done(path, library):
    first, second = _worker(path), _worker(path)
    _go(first)
    assert _says(first) == "works"
    _go(second)
    assert _says(second) == "waits"
    _go(first)
    assert _says(first) == "done"
    assert _says(second) == "done"
    first.communicate()
    second.communicate()


@pytest.mark.slow
def test_a_killed_process_lets_go_of_its_claim(path, library):
    first, second = _worker(path), _worker(path)
    _go(first)
    assert _says(first) == "works"
    _go(second)
    assert _says(second) == "waits"
    first.kill()
    assert _says(second) == "works"
    _go(second)
    assert _says(second) == "done"
    first.communicate()
    second.communicate()


def test_claims_on_other_keys_do_not_wait(library):
    waited = threading.Event()
    with library.claim("a"), library.claim("b", on_wait=waited.set):
        assert not waited.is_set()


def test_two_threads_of_one_process_wait_for_each_other(path, library):
    waits, order = threading.Event(), []

    def second() -> None:
        with Library.open(path) as other, other.claim("a", on_wait=waits.set):
            order.append("second")

    with library.claim("a"):
        thread = threading.Thread(target=second)
        thread.start()
        assert waits.wait(timeout=20)
        order.append("first")
    thread.join(timeout=20)
    assert order == ["first", "second"]
