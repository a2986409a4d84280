"""What holds for every test: no address outside this machine, no key, no settings of the person who runs it."""

from __future__ import annotations

import gc
import ipaddress
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, settings
from support import commands

# A busy machine is no failure: examples are judged by what they show, not by how long they take.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# Several test processes share the cores: one thread each for the numeric libraries, here and in what the
# tests start.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

_real_connect = socket.socket.connect
# Tests see no MRVIDEO_ variable; this one is for their fixture.
_INDEXED_DEMO = os.environ.get("MRVIDEO_TEST_DEMO")
_SLOW_FIXTURES = {"forker", "indexed_demo"}
"""Each takes seconds by itself, and what asks for it starts commands by the dozen or reads the whole film."""


def pytest_configure() -> None:
    """A shell that starts the tests in the background has them ignore Ctrl-C, and every program that they
    start.
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without the garbage collector, and leave what was collected out of its later walks.

    Thousands of tests and the libraries that they import hold millions of objects that live to the end: a full
    walk over them takes most of a second, and was a tenth of the run.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.collect()
        gc.freeze()
        gc.enable()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Keep the tests of a file in one process, in the order of collection, and those of one `xdist_group`."""
    from xdist.scheduler import LoadGroupScheduling

    class FilesTogether(LoadGroupScheduling):
        """Spread singly over the processes, tests would make the films and indexes of their file in each."""

        def _split_scope(self, nodeid: str) -> str:
            scope = super()._split_scope(nodeid)
            return nodeid.partition("::")[0] if scope == nodeid else scope

    config.option.loadscopereorder = False  # Else the longest files may come last.
    return FilesTogether(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with a slow fixture are slow. Files with slow tests come first: begun last, one of them would leave
    the other cores idle.
    """
    for item in items:
        if _SLOW_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def _is_loopback(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket
    host = str(address[0])
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="module")
def _collected(request: pytest.FixtureRequest) -> Iterator[None]:
    """What cluster engines leave open is collected in the module that forgives it, not in a later one."""
    yield
    if any("clusters" in mark.args for mark in request.node.iter_markers("xdist_group")):
        gc.collect()


@pytest.fixture(autouse=True, scope="session")
def network_is_shut() -> Iterator[None]:
    """A paid call is impossible: no socket leaves this machine."""

    def connect(self: socket.socket, address: Any) -> None:
        if not _is_loopback(address):
            raise AssertionError(f"a test tried to reach {address}")
        _real_connect(self, address)

    socket.socket.connect = connect  # type: ignore[method-assign]
    yield
    socket.socket.connect = _real_connect  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def no_personal_settings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Settings come from the test alone."""
    for name in list(os.environ):
        if name.startswith("MRVIDEO_") or name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp() / "home"))


@pytest.fixture(autouse=True)
def servers_are_strangers() -> Iterator[None]:
    """What one test learnt of its server is not believed of the next one's, which may have the same port."""
    yield
    learnt = sys.modules.get("mrvideo.models.learnt")
    if learnt is not None:
        learnt.forget()


@pytest.fixture(scope="session")
def indexed_demo(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """A folder with the demo film as talk.mp4, its subtitles, and its offline index. Copy it, never write to
    it.

    Made once for all workers of a run: reading every text of the film takes a while. MRVIDEO_TEST_DEMO names a
    folder for it that outlives the run: what is found there is used as it is.
    """
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "indexed-demo"
    if _INDEXED_DEMO:
        folder = Path(_INDEXED_DEMO)
    with FileLock(f"{folder}.lock"):
        if not (folder / "done").exists():
            demo = Path(__file__).resolve().parent.parent / "demo"
            folder.mkdir(exist_ok=True)
            shutil.copy(demo / "harbour.mp4", folder / "talk.mp4")
            shutil.copy(demo / "harbour.srt", folder / "talk.srt")
            command = [sys.executable, "-m", "mrvideo", "index", "talk.mp4", "--quiet"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            (folder / "done").touch()
    return folder


@pytest.fixture(scope="session")
def forker() -> Iterator[subprocess.Popen[str]]:
    """The process that `support.commands.Commands` are forked from, started once."""
    with commands.forker() as process:
        yield process


@pytest.fixture
def repository() -> Path:
    """The project's root."""
    return Path(__file__).resolve().parent.parent
