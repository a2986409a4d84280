"""Start one server and keep it: the parent process of the server, which outlives whoever asked for it.

Run as a program, with one JSON object on stdin (`Order`). It needs nothing but the standard library, is
started with `python -I`, and imports nothing of the package, so that no folder in which mrvideo is used can
put code into it. POSIX only.

Users connect over loopback TCP and stay connected: the system closes the connection of a process that ends,
however it ends. One JSON object a line, both ways. The first line holds the order's token; then the keeper
tells phases:

    {"token": …, "pid": …}       ─►    {"phase": "starting", "seconds": 12.5, "users": […], "said": "last line of the log"}
    {"token": …, "do": "stop"}   ─►    {"phase": "ready", …}
                                       {"phase": "ended", "why": …, "code": …, "said": …}     and the connection closes
"""

from __future__ import annotations

import contextlib
import ctypes
import hmac
import http.client
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

_TICK_SECONDS = 0.1
_TELL_EVERY_SECONDS = 1.0
_PROBE_EVERY_SECONDS = 0.25
_PROBE_SECONDS = 5.0
_FIRST_USER_SECONDS = 30.0
"""How long it waits for whoever ordered it to connect."""
_STOP_SECONDS = 20.0
"""From SIGTERM to SIGKILL: an engine frees the memory of its GPUs meanwhile."""
_MOST_LINE_BYTES = 64 * 1024
_TAIL_BYTES = 16 * 1024
_LONGEST_SAID = 300
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Order:
    """What is to be started. `name` is for messages; `start_seconds` bounds the way to health."""

    name: str
    command: list[str]
    port: int
    token: str
    api_key: str
    start_seconds: float
    state_file: str
    log_file: str
    kept: bool
    about: dict[str, Any]


@dataclass
class _User:
    """One connection. `known` once it has shown the token; a user counts, one that only asks does not."""

    connection: socket.socket
    received: bytes = b""
    known: bool = False
    counts: bool = False
    pid: int = 0
    closes: bool = False


@dataclass
class Keeper:
    """The loop: users, the server's process, and its health, looked at ten times a second. One thread, and
    one that asks for health.
    """

    order: Order
    users: list[_User] = field(default_factory=list[_User])

    def __post_init__(self) -> None:
        self._began = time.monotonic()
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._kept = self.order.kept
        self._had_user = False
        self._was_asked = False
        self._phase = "starting"
        self._healthy = threading.Event()
        self._stopping = False
        self._told = 0.0
        self._process_began: float | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        """Until the server has ended and everybody has been told."""
        # The state is there before the server: a keeper that is killed in between leaves a trace.
        self._write_state()
        try:
            self._process = self._start()
        except OSError as error:
            self._end("start", f"{self.order.command[0]}: {error.strerror or error}")
            return
        self._process_began = time.time()
        self._write_state()
        threading.Thread(target=self._probe, daemon=True).start()
        while True:
            self._listen()
            why = self._reason_to_end()
            if why is not None:
                self._end(why)
                return
            self._tell_progress()

    def ask_to_stop(self, *_: object) -> None:
        """For signals."""
        self._stopping = True

    # the server ---------------------------------------------------------------------------------------

    def _start(self) -> subprocess.Popen[bytes]:
        log = os.open(self.order.log_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        try:
            return subprocess.Popen(
                self.order.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=Path(self.order.log_file).parent,
                start_new_session=True,
                preexec_fn=_die_with(os.getpid()) if sys.platform == "linux" else None,
            )
        finally:
            os.close(log)

    def _probe(self) -> None:
        while not self._healthy.is_set():
            if _is_healthy(self.order.port):
                self._healthy.set()
                return
            time.sleep(_PROBE_EVERY_SECONDS)

    def _reason_to_end(self) -> str | None:
        process = self._process
        if process is None or process.poll() is not None:
            if self._phase == "starting" and self._expects_somebody:
                return None
            return "died" if self._phase == "ready" else "failed"
        if self._stopping:
            return "stopped"
        if self._phase == "starting" and self._healthy.is_set():
            self._phase = "ready"
            self._write_state()
            for user in list(self.users):
                self._tell(user, self._now())
        if self._phase == "starting" and self._seconds > self.order.start_seconds:
            return "slow"
        users = any(user.counts for user in self.users)
        self._had_user = self._had_user or users
        if not users and not self._kept and (self._had_user or self._seconds > _FIRST_USER_SECONDS):
            return "unused"
        return None

    @property
    def _expects_somebody(self) -> bool:
        """Whether whoever ordered the server is still on the way: a server that died meanwhile is told to them."""
        return not (self._was_asked or self._stopping) and self._seconds <= _FIRST_USER_SECONDS

    def _end(self, why: str, said: str | None = None) -> None:
        """Close the door, end the server, tell whoever waits. The state goes last: until then nobody starts
        another.
        """
        self._selector.unregister(self._listener)
        self._listener.close()
        code = None if self._process is None else self._process.poll()
        if self._process is not None:
            end_group(self._process)
        told = {
            "phase": "ended",
            "why": why,
            "code": code,
            "said": self._said() if said is None else said,
            "seconds": round(self._seconds, 1),
        }
        with contextlib.suppress(FileNotFoundError):
            Path(self.order.state_file).unlink()
        for user in list(self.users):
            self._tell(user, told)
            self._drop(user)

    # the users ----------------------------------------------------------------------------------------

    def _listen(self) -> None:
        for key, _ in self._selector.select(_TICK_SECONDS):
            if key.fileobj is self._listener:
                with contextlib.suppress(OSError):
                    connection, _ = self._listener.accept()
                    connection.setblocking(False)
                    user = _User(connection)
                    self.users.append(user)
                    self._selector.register(connection, selectors.EVENT_READ, user)
            else:
                self._read(key.data)

    def _read(self, user: _User) -> None:
        try:
            data = user.connection.recv(_MOST_LINE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        user.received += data
        if not data or len(user.received) > _MOST_LINE_BYTES:
            self._drop(user)
            return
        while b"\n" in user.received:
            line, _, user.received = user.received.partition(b"\n")
            if not self._obey(user, line):
                self._drop(user)
                return

    def _obey(self, user: _User, line: bytes) -> bool:
        """Whether the connection may stay."""
        try:
            said: Any = json.loads(line)
        except (ValueError, RecursionError):
            return False
        # Compared in a time that does not tell how much of it was right.
        if not isinstance(said, dict) or not _same(cast("Any", said).get("token"), self.order.token):
            return False
        said = cast("dict[str, Any]", said)
        user.known = self._was_asked = True
        what = said.get("do", "use")
        if what == "stop":
            self._stopping = True
        elif what == "keep":
            self._kept = True
            self._write_state()
        if what in ("use", "keep", "visit"):
            # A visitor belongs to a process that is a user: the server does not stay for it.
            user.counts = what == "use"
            user.pid = said.get("pid") or 0
            self._had_user = self._had_user or user.counts
        return self._tell(user, self._now())

    def _tell_progress(self) -> None:
        if self._phase == "starting" and time.monotonic() - self._told >= _TELL_EVERY_SECONDS:
            self._told = time.monotonic()
            told = self._now()
            for user in list(self.users):
                if user.known:
                    self._tell(user, told)

    def _now(self) -> dict[str, Any]:
        """The phase, and who uses the server."""
        told: dict[str, Any] = {"phase": self._phase, "seconds": round(self._seconds, 1), "kept": self._kept}
        told["users"] = sorted({user.pid for user in self.users if user.counts})
        return told | ({"said": self._said()} if self._phase == "starting" else {})

    def _tell(self, user: _User, what: dict[str, Any]) -> bool:
        """Whether it arrived, as far as one knows. A user that reads nothing must not hold up the others."""
        if not user.known:
            return True
        try:
            user.connection.sendall(json.dumps(what).encode() + b"\n")
        except OSError:
            self._drop(user)
            return False
        return True

    def _drop(self, user: _User) -> None:
        if user in self.users:
            self.users.remove(user)
            self._selector.unregister(user.connection)
            user.connection.close()

    # state --------------------------------------------------------------------------------------------

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _said(self) -> str:
        return last_line(Path(self.order.log_file))

    def _write_state(self) -> None:
        order, process = self.order, self._process
        state = {
            **order.about,
            "name": order.name,
            "phase": self._phase,
            "kept": self._kept,
            "port": order.port,
            "pid": None if process is None else process.pid,
            "pid_started": None if process is None else started_at(process.pid),
            "pid_began": self._process_began,
            "keeper_pid": os.getpid(),
            "control_port": self._listener.getsockname()[1],
            "token": order.token,
            "api_key": order.api_key,
            "log": order.log_file,
        }
        write_owners(Path(order.state_file), json.dumps(state))


def end_group(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the server and all that it has started, and SIGKILL to what is left. The process led a
    session of its own.
    """
    end_session(process.pid, process.poll)
    process.wait()


def end_session(leader: int, poll: Callable[[], object] = lambda: None) -> None:
    """End every process of a session: of its leader's group, and of groups that were made in it."""
    deadline = time.monotonic() + _STOP_SECONDS
    for number in (signal.SIGTERM, signal.SIGKILL):
        _signal(leader, number)
        while time.monotonic() < deadline:
            poll()  # Reaps the leader, which else stays a member.
            if not members(leader):
                return
            time.sleep(0.05)
        deadline = time.monotonic() + 5


def _signal(leader: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)
    for pid in members(leader):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def members(leader: int) -> list[int]:
    """Living processes of the session; where /proc does not tell, whether the leader's group has any."""
    proc = Path("/proc")
    if not (proc / "self" / "stat").exists():
        try:
            os.killpg(leader, 0)
        except (ProcessLookupError, PermissionError):
            return []
        return [leader]
    found: list[int] = []
    for entry in proc.iterdir():
        if entry.name.isdigit():
            fields = _stat(int(entry.name))
            if fields and fields[0] != "Z" and int(fields[3]) == leader:
                found.append(int(entry.name))
    return found


def started_at(pid: int) -> str | None:
    """When a process began, in the system's own count: tells it from a later one of the same number. None
    where it is gone or not told.
    """
    fields = _stat(pid)
    return fields[19] if fields and fields[0] != "Z" else None


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on: state, parent, group, session, …"""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def last_line(log: Path) -> str:
    """The last line of a log that says something, without colours, at most some hundred characters."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(size - _TAIL_BYTES, 0))
            text = file.read(_TAIL_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
    for line in reversed(text.replace("\r", "\n").split("\n")):
        shown = "".join(c for c in _without_colours(line) if c.isprintable()).strip()
        if any(c.isalnum() for c in shown):
            return shown[:_LONGEST_SAID]
    return ""


def _without_colours(line: str) -> str:
    head, *rest = line.split("\x1b[")
    return head + "".join(part.lstrip("0123456789;?")[1:] for part in rest)


def write_owners(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, at once: nobody ever reads half of it."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with contextlib.suppress(FileNotFoundError):
        new.unlink()
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    new.replace(path)


def _same(given: object, right: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())


def _is_healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PROBE_SECONDS)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _die_with(parent: int) -> Callable[[], None]:
    """For the server's process, before it runs its program: end when the keeper ends, also by kill -9
    (Linux).
    """
    libc = ctypes.CDLL(None, use_errno=True)

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # It ended in between.
            os._exit(1)

    return arm


def main() -> None:
    """Read the order, leave the process that gave it, and keep the server."""
    order = Order(**json.loads(sys.stdin.read()))
    # Whoever asked waits for this process, and must not have to reap the one that goes on.
    if os.fork():
        os._exit(0)
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    os.chdir(Path(order.log_file).parent)
    keeper = Keeper(order)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, keeper.ask_to_stop)
    keeper.run()


if __name__ == "__main__":
    main()
