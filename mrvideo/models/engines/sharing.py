"""Servers shared between runs and processes: who starts one, who joins, and what is kept of it on disk.

    FOLDER/NAME.json   where the server is, its key, and its keeper: for its owner alone
    FOLDER/NAME.lock   held while one process looks whether a server is there, and starts one
    FOLDER/NAME.log    what the server prints

A process that has joined is a user until it ends or leaves. Its connection to the keeper is what counts, so
that one that is killed is no user any more.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mrvideo.errors import ModelUnavailable, Stopped
from mrvideo.models.engines import keeper
from mrvideo.models.engines.programs import HOST, program_of
from mrvideo.models.engines.starting import start_keeper
from mrvideo.models.engines.state import engines_folder, is_keeper, read_state, sweep
from mrvideo.models.engines.wanted import Running, Served, Wanted, base_url_at, file_name, why
from mrvideo.settings import state_folder

_LOCK_SECONDS = 120.0
"""A keeper that is stopping its server holds up the next one for half a minute at most."""
_GONE_SECONDS = 60.0
_CONNECT_SECONDS = 5.0
_TICK_SECONDS = 0.2
_TELL_EVERY_SECONDS = 15.0


Tell = Callable[[str], None]
"""Takes a line for the user."""


class Lease:
    """One process's use of a server. Leaving it twice does no harm."""

    def __init__(self, wanted: Wanted, connection: socket.socket, state: dict[str, Any]) -> None:
        self.wanted, self._connection, self._state = wanted, connection, state
        self._received = b""
        self._ended: str | None = None
        self._lock = threading.Lock()

    @property
    def served(self) -> Served:
        """Where it answers."""
        return Served(base_url_at(int(self._state["port"])), str(self._state["api_key"]))

    @property
    def ended(self) -> str | None:
        """Why the server is gone, in one line; None while it runs."""
        with self._lock:
            if self._ended is None:
                for told in self._told(wait_seconds=0):
                    if told["phase"] == "ended":
                        self._ended = why(self.wanted, told, self._state)
                        self.leave()
                        break
            return self._ended

    def wait(self, tell: Tell, given_up: Callable[[], bool]) -> None:
        """Until the server answers. Raises `ModelUnavailable` when it does not, `Stopped` when it is not
        wanted any more.
        """
        told_at = 0.0
        while not given_up():
            for told in self._told(wait_seconds=_TICK_SECONDS):
                if told["phase"] == "ready":
                    return
                if told["phase"] == "ended":
                    raise ModelUnavailable(why(self.wanted, told, self._state))
                seconds = float(told["seconds"])
                if seconds - told_at >= _TELL_EVERY_SECONDS:
                    told_at = seconds
                    said = f": {told['said']}" if told["said"] else ""
                    tell(
                        f"{self.wanted.name} is not ready after {seconds:.0f} s of {self.wanted.start_seconds:g}{said}"
                    )
        raise Stopped(f"{self.wanted.name}: stopped while its server was starting")

    def keep(self) -> None:
        """Let the server stay without users."""
        self._say({"do": "keep"})

    def leave(self) -> None:
        """Be no user any more."""
        with contextlib.suppress(OSError):
            self._connection.close()

    def _say(self, what: dict[str, Any]) -> None:
        self._connection.sendall(_line(self._state, what))

    def _told(self, *, wait_seconds: float) -> Generator[dict[str, Any]]:
        """What the keeper has said by then. A keeper that is gone without a word has ended."""
        self._connection.settimeout(wait_seconds or 0.001)
        try:
            data = self._connection.recv(64 * 1024)
            gone = not data
        except TimeoutError:
            return
        except OSError:
            data, gone = b"", True
        self._received += data
        *lines, self._received = self._received.split(b"\n")
        for line in lines:
            yield json.loads(line)
        if gone:
            yield {"phase": "ended", "why": "gone", "said": "", "seconds": 0.0, "code": None}


# joining ----------------------------------------------------------------------------------------------

_leases: dict[tuple[str, str], Lease] = {}
_leases_lock = threading.Lock()
_owner = os.getpid()


def joined(
    wanted: Wanted, *, tell: Tell = lambda line: None, given_up: Callable[[], bool] = lambda: False
) -> Lease:
    """This process's lease of the server, which is started where it does not run yet. Held until the process
    ends, or `leave_all`.

    Raises `ModelUnavailable`: not installed, died, not healthy in time; `SettingsError` for a model or
    arguments that cannot be; `Stopped`.
    """
    global _owner
    with _leases_lock:
        if _owner != os.getpid():
            # A child that was forked: the leases are its parent's.
            _leases.clear()
            _owner = os.getpid()
        held = _leases.get(_key(wanted))
        if held is not None and held.ended is None:
            return held
        lease = _connected(wanted, tell)
        try:
            lease.wait(tell, given_up)
        except BaseException:
            lease.leave()
            raise
        if not _leases:
            atexit.register(leave_all)
        _leases[_key(wanted)] = lease
        return lease


def leave_all() -> None:
    """Be no user of any server any more: those that nobody else uses stop."""
    with _leases_lock:
        for lease in _leases.values() if _owner == os.getpid() else ():
            lease.leave()
        _leases.clear()


def _connected(wanted: Wanted, tell: Tell) -> Lease:
    """A connection to the server's keeper, which is started under a lock where there is none."""
    folder = engines_folder()
    place = folder / file_name(wanted)
    lock: Any = FileLock(place.with_suffix(".lock"), mode=0o600)
    try:
        with lock.acquire(timeout=_LOCK_SECONDS):
            found = _found(place.with_suffix(".json"), "visit" if wanted.visits else "use")
            if found is not None:
                return Lease(wanted, *found)
            state = start_keeper(wanted, place)
            tell(
                f"starting {program_of(wanted.scheme).label} for {wanted.model}, which may take minutes; "
                f"its log: {state['log']}"
            )
            connected = _connect(state)
            if connected is None:
                said = keeper.last_line(Path(state["log"]))
                raise ModelUnavailable(
                    f"{wanted.name}: its server died while starting{f': {said}' if said else ''}; log: {state['log']}"
                )
            return Lease(wanted, connected, state)
    except Timeout:
        raise ModelUnavailable(
            f"{wanted.name}: another process has been starting its server for {_LOCK_SECONDS:g} s; see mrvideo serve status"
        ) from None
    except OSError as error:
        raise ModelUnavailable(
            f"{wanted.name}: its server cannot be started in {folder} ({error})"
        ) from error


def _found(state_file: Path, what: str) -> tuple[socket.socket, dict[str, Any]] | None:
    """A keeper that runs, connected to. One that is just stopping is waited for; what is left of one that was
    killed is ended.
    """
    deadline = time.monotonic() + _GONE_SECONDS
    while (state := read_state(state_file)) is not None:
        connection = _connect(state, what)
        if connection is not None:
            return connection, state
        if not is_keeper(state) or time.monotonic() > deadline:
            sweep(state_file, state)
            return None
        time.sleep(_TICK_SECONDS)
    return None


def _connect(state: dict[str, Any], what: str = "use") -> socket.socket | None:
    """A connection that has shown the token, as a user or a visitor; None where no keeper answers."""
    try:
        connection = socket.create_connection((HOST, int(state["control_port"])), timeout=_CONNECT_SECONDS)
    except (OSError, KeyError, ValueError):
        return None
    try:
        connection.sendall(_line(state, {"do": what, "pid": os.getpid()}))
        # The first word back says that this is the keeper, and that it will not stop now.
        if not connection.recv(1, socket.MSG_PEEK):
            raise ConnectionResetError
    except OSError:
        connection.close()
        return None
    return connection


def _line(state: dict[str, Any], what: dict[str, Any]) -> bytes:
    return json.dumps({"token": state.get("token"), **what}).encode() + b"\n"


# looking and stopping ---------------------------------------------------------------------------------


def running() -> list[Running]:
    """All servers that were started here and run. What was left by a keeper that was killed is ended on the
    way.
    """
    found: list[Running] = []
    for state_file in sorted(engines_folder().glob("*.json")):
        state = read_state(state_file)
        if state is None:
            continue
        told = _asked(state, "status")
        if told is None:
            if not is_keeper(state):
                sweep(state_file, state)
            continue
        found.append(
            Running(
                name=str(state["name"]),
                phase=str(told["phase"]),
                base_url=base_url_at(int(state["port"])),
                pid=state.get("pid"),
                users=tuple(told.get("users", ())),
                kept=bool(told.get("kept", False)),
                seconds=float(told.get("seconds", 0.0)),
                log=str(state["log"]),
            )
        )
    return found


def stop(name: str | None = None) -> list[str]:
    """Stop the servers of that name, or all, whoever uses them. Returns the names of those that were stopped,
    once they have ended.
    """
    stopped: list[str] = []
    for state_file in sorted(engines_folder().glob("*.json")):
        state = read_state(state_file)
        if state is None or (name is not None and state.get("name") != name):
            continue
        if _asked(state, "stop", until="ended") is None:
            sweep(state_file, state)
        stopped.append(str(state["name"]))
    return stopped


def _asked(state: dict[str, Any], what: str, *, until: str | None = None) -> dict[str, Any] | None:
    """What the keeper answers; with `until`, the answer of that phase. None where no keeper answers."""
    try:
        with socket.create_connection(
            (HOST, int(state["control_port"])), timeout=_CONNECT_SECONDS
        ) as connection:
            connection.sendall(_line(state, {"do": what}))
            connection.settimeout(_GONE_SECONDS if until else _CONNECT_SECONDS)
            with connection.makefile("rb") as lines:
                for line in lines:
                    told = json.loads(line)
                    if until is None or told.get("phase") == until:
                        return dict(told)
    except (OSError, KeyError, ValueError):
        return None
    return None


def _key(wanted: Wanted) -> tuple[str, str]:
    return str(state_folder()), file_name(wanted)
