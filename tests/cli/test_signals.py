"""Signals that come twice, or where nobody would hear of them: one line, one exit code, no traceback."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="signals of POSIX"),
]

_CODES = {signal.SIGTERM: 143, signal.SIGINT: 130}
_LINE = "mrvideo: interrupted; what is done is kept, run the same command again to go on"

_COMMAND = """
import logging, os, signal, sys, time, typer
from mrvideo.cli import app, signals

def send(): os.kill(os.getpid(), signal.{name})

def twice():
    try:
        send()
        time.sleep(60)
    finally:
        send()  # as `timeout` does: to the command, then to its group
        time.sleep(0.1)
        print("cleaned up", flush=True)

def logged():
    import sqlite3
    from sqlalchemy import create_engine, pool
    class Connection(sqlite3.Connection):
        def close(self):
            send()
            super().close()
    made = lambda: sqlite3.connect(":memory:", factory=Connection)
    create_engine("sqlite://", creator=made, poolclass=pool.NullPool).connect().close()
    time.sleep(60)

def in_text():
    exec("send(); time.sleep(60)")

class Dropping:
    def __del__(self): send()

def dropped():
    Dropping()
    time.sleep(60)

def in_a_callback():
    import weakref
    one = Dropping.__new__(type("Other", (), {{}}))
    kept = weakref.ref(one, lambda _: send())
    del one
    time.sleep(60)

def hangs():
    try:
        send()
        time.sleep(60)
    finally:
        signals.PATIENCE_SECONDS = 0.2
        time.sleep(0.5)
        send()
        time.sleep(60)

def another_error():
    try:
        send()
        time.sleep(60)
    except BaseException:
        raise OSError("made of it")

def at_the_end():
    import atexit
    atexit.register(send)
    send()
    time.sleep(60)

app.app = lambda *_, **__: {what}()
app.main()
"""


@pytest.mark.parametrize("number", list(_CODES))
@pytest.mark.parametrize(
    "what", ["twice", "logged", "dropped", "in_a_callback", "hangs", "another_error", "at_the_end", "in_text"]
)
def test_a_signal_is_neither_lost_nor_shown_as_a_traceback(what: str, number: signal.Signals) -> None:
    """A second one raised in the cleaning up, and a first one inside a database's, were tracebacks."""
    script = _COMMAND.format(what=what, name=number.name)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=50)
    assert done.returncode == _CODES[number], done.stderr
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr, done.stderr
    last = "mrvideo: ended at once; what is done is kept" if what == "hangs" else _LINE
    assert done.stderr.splitlines()[-1:] == [last], done.stderr
    assert (done.stdout == "cleaned up\n") == (what == "twice")


@pytest.mark.parametrize("number", list(_CODES))
@pytest.mark.parametrize("seconds", [0.3, 1.2])
def test_a_command_that_gets_it_twice_ends_in_one_line(
    tmp_path: Path, indexed_demo: Path, number: signal.Signals, seconds: float
) -> None:
    shutil.copytree(indexed_demo, tmp_path, dirs_exist_ok=True)
    words = ("ask", "talk.mp4", "What is the boat called?", "--verbose")
    with subprocess.Popen(
        [sys.executable, "-m", "mrvideo", *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        assert running.stderr is not None
        first = running.stderr.readline()
        time.sleep(seconds)
        running.send_signal(number)
        os.killpg(running.pid, number)
        _, told = running.communicate(timeout=60)
    assert "Traceback" not in first + told
    assert running.returncode in (0, _CODES[number]), told  # 0: it had answered by then
