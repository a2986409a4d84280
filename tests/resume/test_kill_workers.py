"""Worker processes killed, or left behind by a killed run: the next run ends as if nothing had been, and no
process stays.
"""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc"),
]

CALLS_OF_A_SHARD = 4
"""Characters, and three clips of 2 s: 24 s are four shards of 6 s."""
CALLS_AT_ONCE = 4


@pytest.fixture(params=["workers", "decoding processes"])
def indexing(request, commands, film, longer_film):
    """A film, `mrvideo index FILM`, and how many calls three kills may cost: with workers that ask, or with
    processes that only decode and come by themselves.
    """
    commands.environment = {**commands.environment, "MRVIDEO_SHARD_SECONDS": "10"}
    if request.param == "workers":
        # Of each kill: the shards of two workers, and one whose records were on their way.
        shown, flags, lost = film, ["--workers", "2"], 3 * 3 * CALLS_OF_A_SHARD
    else:
        # Of each kill of the run: what was in flight, and replies on their way to the disk. Decoding asks
        # nothing.
        shown, flags, lost = longer_film, [], 2 * 2 * CALLS_AT_ONCE
    return shown, lambda library: commands.run("index", shown, *flags, "--library", library, "--quiet"), lost


class Processes:
    """The processes that one command started, by the session that it leads; its own among them."""

    def __init__(self, commands, model) -> None:
        self._commands, self._model = commands, model
        self.seen: dict[int, int] = {}

    def at_call(self, number: int, kill) -> None:
        """`kill(leader, workers)` when the server hears the n-th call from now."""
        target = self._model.asked.total() + number

        def heard(count: int) -> None:
            if count == target:
                leader = self._commands.pid
                family = _session(leader)
                # Held before they can end: a number may be given to another process later.
                self.seen |= {pid: os.pidfd_open(pid) for pid in family}
                workers = [pid for pid in family if pid != leader and "popen_loky" in _command_line(pid)]
                kill(leader, workers)

        self._model.on_call = heard

    def left(self, within_seconds: float) -> list[int]:
        """Those that are still there after so long."""
        waiting = dict(self.seen)
        for pid, handle in self.seen.items():
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            if poll.poll(within_seconds * 1000):
                del waiting[pid]
            os.close(handle)
        self.seen.clear()
        return list(waiting)


def _session(leader: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(fields[3]) == leader and fields[0] != "Z":
                found.append(int(folder.name))
    return found


def _command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


@pytest.fixture
def processes(commands, model):
    return Processes(commands, model)


def test_killed_whole_or_in_part_a_run_with_processes_ends_as_ever_and_leaves_no_process(
    indexing, commands, processes, contents, model
):
    """Workers left behind would hold memory and a GPU, and go on paying for shards that nobody reads."""
    kills = {
        "the whole group": (2, lambda leader, workers: os.killpg(leader, signal.SIGKILL), 137),
        "the run alone": (5, lambda leader, workers: os.kill(leader, signal.SIGKILL), 137),
        "one worker": (3, lambda leader, workers: os.kill(workers[0], signal.SIGKILL), 0),
    }
    film, run, most_lost = indexing
    library = commands.folder / "killed.db"
    for who, (number, kill, code) in kills.items():
        processes.at_call(number, kill)
        ended = run(library)
        assert ended.code == code, (who, ended.output)
        assert processes.left(within_seconds=60) == [], who
    assert 0 < model.repeated <= most_lost

    model.on_call = lambda count: None
    undisturbed = commands.folder / "undisturbed.db"
    assert run(undisturbed).code == 0
    found, expected = contents(library, film), contents(undisturbed, film)
    for what in ("index", "parts", "replies", "hits"):
        assert found[what] == expected[what], what
