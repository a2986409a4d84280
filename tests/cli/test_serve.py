"""`--vision vllm:MODEL` and `mrvideo serve` as a stranger uses them: commands in processes of their own, and
what is left of them.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.commands import Commands, Ended
from support.engine_program import Programs, alive, until

from mrvideo.models.engines.sharing import leave_all, running, stop

Run = Callable[..., subprocess.CompletedProcess[str]]

pytestmark = pytest.mark.skipif(os.name != "posix", reason="servers are started on POSIX alone")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repository: Path) -> Iterator[Programs]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(repository), *sys.path]))
    yield Programs(tmp_path, monkeypatch)
    leave_all()
    stop()


@pytest.fixture
def grey(folder: Path, write_film: Callable[[Path], Path]) -> Path:
    return write_film(folder / "grey.mp4")


def test_an_index_starts_the_server_and_stops_it_and_the_next_needs_none(
    programs: Programs, forked: Run, grey: Path
) -> None:
    programs.install("vllm")
    done = forked("index", "grey.mp4", "--vision", "vllm:acme/vlm")
    assert done.returncode == 0, done.stderr
    assert "mrvideo: starting vLLM for acme/vlm, which may take minutes; its log: " in done.stderr
    (started,) = programs.starts()
    until(lambda: not alive(started["pid"]))
    until(lambda: not programs.states)

    again = forked("index", "grey.mp4", "--vision", "vllm:acme/vlm")
    assert again.returncode == 0 and "starting" not in again.stderr
    assert len(programs.starts()) == 1, "what is kept is found, whichever port the server had"


def test_worker_processes_use_the_same_server(programs: Programs, forked: Run, grey: Path) -> None:
    programs.install("vllm")
    done = forked("index", "grey.mp4", "--vision", "vllm:acme/vlm", "--workers", "2")
    assert done.returncode == 0, done.stderr
    assert len(programs.starts()) == 1
    until(lambda: not programs.states)


def test_commands_share_a_server_that_was_started_to_stay(
    programs: Programs, mrvideo: Run, forked: Run, grey: Path
) -> None:
    programs.install("vllm")
    assert mrvideo("serve", "status").returncode == 1
    done = forked("serve", "start", "vllm:acme/vlm", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["kept"] is True and told["name"] == "vllm:acme/vlm"
    for words in (("index", "grey.mp4"), ("ask", "grey.mp4", "What is shown?", "--effort", "low")):
        assert forked(*words, "--vision", "vllm:acme/vlm").returncode in (0, 1)
    (started,) = programs.starts()
    assert alive(started["pid"])

    listed = mrvideo("serve", "status")
    assert listed.returncode == 0
    assert "vllm:acme/vlm" in listed.stdout and told["base_url"] in listed.stdout and "none" in listed.stdout
    for output in (done.stdout, listed.stdout, mrvideo("serve", "status", "--json").stdout):
        assert started["key"] not in output, "a server's key is nobody's to read over a shoulder"

    assert mrvideo("serve", "stop", "ollama:x").returncode == 2
    assert mrvideo("serve", "stop", "vllm:acme/vlm").stdout == "vllm:acme/vlm is stopped\n"
    assert not alive(started["pid"])
    assert mrvideo("serve", "stop").returncode == 1


class Begun:
    """A command in work, and how it ended."""

    def __init__(self, commands: Commands, words: tuple[str, ...]) -> None:
        self._commands = commands
        self._thread = ThreadPoolExecutor(1)
        self._ended = self._thread.submit(commands.run, *words)

    @property
    def pid(self) -> int:
        return self._commands.pid

    def end_with(self, number: int) -> Ended:
        """Send it a signal, and wait for its end."""
        os.kill(self.pid, number)
        return self._ended.result(timeout=60)

    def close(self) -> None:
        self._commands.signal(signal.SIGKILL)
        self._thread.shutdown()


@pytest.fixture
def begun(folder: Path, forker: subprocess.Popen[str]) -> Iterator[Callable[..., Begun]]:
    """Starts `mrvideo WORDS` and does not wait for it; it is ended with the test."""
    started: list[Begun] = []

    def begin(*words: str) -> Begun:
        started.append(Begun(Commands(folder, {}, forker, apart=True), words))
        return started[-1]

    yield begin
    for one in started:
        one.close()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, 137)]
)
@pytest.mark.parametrize(
    "words",
    [("serve", "start", "vllm:acme/vlm"), ("index", "grey.mp4", "--vision", "vllm:acme/vlm")],
    ids=["serve", "index"],
)
def test_a_command_that_is_ended_while_its_server_loads_leaves_none_behind(
    programs: Programs,
    begun: Callable[..., Begun],
    grey: Path,
    words: tuple[str, ...],
    number: int,
    code: int,
) -> None:
    programs.install("vllm", "slow")
    command = begun(*words)
    until(lambda: any(one.users for one in running()))
    (started,) = until(programs.starts)
    ended = command.end_with(number)
    assert ended.code == code and "Traceback" not in ended.errors
    until(lambda: not alive(started["pid"]))
    until(lambda: not programs.states)


def test_the_server_does_not_wait_for_the_workers_of_a_command_that_is_killed(
    programs: Programs, begun: Callable[..., Begun], grey: Path
) -> None:
    """They are there for minutes yet, until they notice that nobody gives them work."""
    programs.install("vllm", "stalling")
    command = begun("index", "grey.mp4", "--vision", "vllm:acme/vlm", "--workers", "2")
    until(lambda: any(one.get("called") for one in programs.starts()), seconds=90)
    (one,) = running()
    assert one.users == (command.pid,)
    command.end_with(signal.SIGKILL)
    until(lambda: not alive(programs.starts()[0]["pid"]))
    until(lambda: not programs.states)


def test_a_question_that_is_interrupted_while_its_server_loads_ends_at_once(
    programs: Programs, forked: Run, begun: Callable[..., Begun], grey: Path
) -> None:
    """It waits in a thread of its own there, which Ctrl-C does not reach."""
    assert forked("index", "grey.mp4").returncode == 0
    programs.install("vllm", "slow")
    command = begun("look", "grey.mp4", "0:00-0:01", "What is shown?", "--vision", "vllm:acme/vlm")
    until(lambda: any(one.users for one in running()))
    began = time.monotonic()
    ended = command.end_with(signal.SIGINT)
    # The server would have had 900 s to get ready.
    assert time.monotonic() - began < 20
    assert ended.code == 130 and "Traceback" not in ended.errors
    until(lambda: not programs.states)


@pytest.mark.parametrize(
    ("behaviour", "told"),
    [
        (
            "failing",
            "its server died while starting (exit code 1): ValueError: no such model: try another; log: ",
        ),
        ("slow", "its server was not ready within 2 s"),
    ],
)
def test_what_goes_wrong_is_one_line(
    programs: Programs, forked: Run, grey: Path, behaviour: str, told: str
) -> None:
    programs.install("vllm", behaviour)
    done = forked("index", "grey.mp4", "--vision", "vllm:acme/vlm", "--quiet", MRVIDEO_ENGINE_SECONDS="2")
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"mrvideo: vllm:acme/vlm: {told}")


def test_a_cluster_is_not_sent_to_a_server_of_this_machine(mrvideo: Run, grey: Path) -> None:
    done = mrvideo("index", "grey.mp4", "--vision", "vllm:acme/vlm", "--cluster", "dask://127.0.0.1:1")
    assert done.returncode == 2 and "name it with --base-url, or leave out --cluster" in done.stderr
