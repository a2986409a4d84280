"""mrvideo's commands in processes of their own, started fast: to be run by the dozen, and to be killed.

with forker() as process:
    ended = Commands(folder, {"MRVIDEO_VISION": "offline"}, process).run("index", "talk.mp4")
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# A process that has imported everything and forks a command per line: a kill then costs no second of
# importing.
# A command ends as a process does, but for taking apart what it has imported, which takes longer than most commands.
_FORKER = """
import atexit, gc, json, os, sys, threading, traceback, warnings
import mrvideo.cli.app, mrvideo.api, mrvideo.session.asking, mrvideo.session.indexing, mrvideo.session.loading, mrvideo.agents.ask.run, av, openai, joblib, httpx
import alembic.command, sqlalchemy.dialects.sqlite, filelock, langgraph.graph, mrvideo.models.openai

gc.freeze()
for line in sys.stdin:
    order = json.loads(line)
    child = os.fork()
    if child == 0:
        os.setsid()
        os.chdir(order["cwd"])
        os.environ.clear(); os.environ.update(order["env"])
        out, err = (
            os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND) for name in ("output", "errors")
        )
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0); os.dup2(out, 1); os.dup2(err, 2)
        sys.argv = ["mrvideo", *order["arguments"]]
        break
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
else:
    sys.exit()
code = 0
try:
    if order["code"] is None:
        mrvideo.cli.app.main()
    else:
        warnings.simplefilter("error")
        exec(compile(order["code"], "<block>", "exec"), {"__name__": "__main__"})
except SystemExit as ended:
    code = ended.code or 0
except BaseException:
    code = 1
    traceback.print_exc()
threading._shutdown()
atexit._run_exitfuncs()
for stream in (sys.stdout, sys.stderr):
    if not stream.closed:
        stream.flush()
os._exit(code)
"""


@dataclass
class Ended:
    """How a command ended: `code` as a shell gives it (137 for kill -9), and what it printed on stdout; on stderr,
    too, unless `errors` holds that.
    """

    code: int
    output: str
    errors: str = ""


class Commands:
    """Runs commands one at a time in one folder. With `apart`, stderr is kept apart from stdout."""

    def __init__(
        self,
        folder: Path,
        environment: dict[str, str],
        forker: subprocess.Popen[str],
        *,
        apart: bool = False,
    ) -> None:
        self.folder, self.environment, self._forker, self._apart = folder, environment, forker, apart
        self._pid: int | None = None
        self._lock = threading.Lock()

    def run(self, *arguments: str | Path, **environment: str) -> Ended:
        """`mrvideo ARGUMENTS`, until it has ended."""
        return self._run(environment, arguments=[*map(str, arguments)], code=None)

    def run_python(self, code: str, **environment: str) -> Ended:
        """`python -W error -c CODE`, until it has ended; what mrvideo itself imports is there already."""
        return self._run(environment, arguments=[], code=code)

    def _run(self, environment: dict[str, str], **order: Any) -> Ended:
        with tempfile.TemporaryDirectory() as printed:
            output = Path(printed, "output")
            errors = Path(printed, "errors") if self._apart else output
            order |= {"cwd": str(self.folder), "output": str(output), "errors": str(errors)}
            order |= {"env": {**os.environ, **self.environment, **environment}}
            code = self._ended_with(order)
            return Ended(code, output.read_text(), errors.read_text() if self._apart else "")

    def _ended_with(self, order: dict[str, Any]) -> int:
        assert self._forker.stdin and self._forker.stdout
        self._forker.stdin.write(json.dumps(order) + "\n")
        self._forker.stdin.flush()
        with self._lock:
            self._pid = int(self._forker.stdout.readline())
        status = int(self._forker.stdout.readline())
        with self._lock:
            self._pid = None
        code = os.waitstatus_to_exitcode(status)
        return 128 - code if code < 0 else code

    @property
    def pid(self) -> int:
        """The running command, which leads a session of its own. Raises `ProcessLookupError` when none runs."""
        with self._lock:
            if self._pid is None:
                raise ProcessLookupError("no command is running")
            return self._pid

    def signal(self, number: int = signal.SIGKILL) -> None:
        """To the running command, if one is."""
        with self._lock:
            if self._pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self._pid, number)


@contextlib.contextmanager
def forker() -> Iterator[subprocess.Popen[str]]:
    """The process that commands are forked from."""
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _FORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield process
    process.communicate()
