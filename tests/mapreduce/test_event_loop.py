"""The event loop that all model calls run on ends with the interpreter, quietly."""

from __future__ import annotations

import subprocess
import sys

# As Python 3.12 and newer do once they shut down, on any Python: no thread can be started.
_NO_MORE_THREADS = """
import asyncio, atexit, threading
from mrvideo.mapreduce import portal

async def blocking():
    return await asyncio.get_running_loop().run_in_executor(None, lambda: "done")

print(portal().call(blocking))

def refuse(thread):
    raise RuntimeError("can't create new thread at interpreter shutdown")

atexit.register(setattr, threading.Thread, "start", refuse)
"""


def test_the_interpreter_shuts_down_quietly_when_no_thread_can_be_started_any_more() -> None:
    """Dangerous: on Python 3.12 each question, right or wrong, ended in twenty lines of traceback."""
    done = subprocess.run(
        [sys.executable, "-c", _NO_MORE_THREADS], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "done\n", "")
