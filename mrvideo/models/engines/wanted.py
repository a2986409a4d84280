"""The server that a model's settings ask for, what is told of one, and what went wrong with it, in one line."""

from __future__ import annotations

import hashlib
import re
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrvideo.models.engines.programs import HOST

_NAME_CHARACTERS = 48


@dataclass(frozen=True)
class Wanted:
    """The server that a model's settings ask for. Equal ones are shared; `port` None: any that is free."""

    scheme: str
    model: str
    context_tokens: int | None = None
    engine_args: str | None = None
    start_seconds: float = 900.0
    port: int | None = None
    visits: bool = False
    """Whether another process of the run is its user: a worker process, which may outlive that one for
    minutes.
    """

    @property
    def name(self) -> str:
        """As the user writes it: `vllm:MODEL`."""
        return f"{self.scheme}:{self.model}"


@dataclass(frozen=True)
class Served:
    """A server that answers: its address, and its key."""

    base_url: str
    api_key: str


@dataclass(frozen=True)
class Running:
    """What `mrvideo serve status` tells of one. `users` are numbers of processes; `kept` says that it stays
    without any.
    """

    name: str
    phase: str
    base_url: str
    pid: int | None
    users: tuple[int, ...]
    kept: bool
    seconds: float
    log: str


def file_name(wanted: Wanted) -> str:
    """One for each server that is shared: what a run asks for is part of it only where another server is
    needed for that.
    """
    model = Path(wanted.model).expanduser()
    said = str(model.resolve()) if model.exists() else wanted.model
    digest = hashlib.sha256("\n".join((wanted.scheme, said, wanted.engine_args or "")).encode()).hexdigest()[
        :10
    ]
    shown = re.sub(r"[^A-Za-z0-9_]+", "-", wanted.model)[-_NAME_CHARACTERS:].strip("-")
    return f"{wanted.scheme}-{shown}-{digest}"


def base_url_at(port: int) -> str:
    """Where OpenAI's interface begins at a port of this machine."""
    return f"http://{HOST}:{port}/v1"


def why(wanted: Wanted, told: dict[str, Any], state: dict[str, Any]) -> str:
    """What went wrong, where, and the way out, in one line."""
    said = f": {told['said']}" if told.get("said") else ""
    log = f"log: {state['log']}"
    code = told.get("code")
    ended = f" (exit code {code})" if isinstance(code, int) and code >= 0 else _by_signal(code)
    match told.get("why"):
        case "slow":
            return (
                f"{wanted.name}: its server was not ready within {float(state.get('start_seconds', wanted.start_seconds)):g} s{said}; "
                f"give it longer with --engine-seconds or MRVIDEO_ENGINE_SECONDS; {log}"
            )
        case "start" | "failed":
            taken = "address already in use" in str(told.get("said", "")).lower()
            hint = f"; its port {state['port']} was taken meanwhile, try again" if taken else ""
            return f"{wanted.name}: its server died while starting{ended}{said}{hint}; {log}"
        case "stopped" | "unused":
            return f"{wanted.name}: its server was stopped; run the same command again to go on"
        case "gone":
            return f"{wanted.name}: its server was killed together with its keeper; run the same command again to go on; {log}"
        case _:
            return f"{wanted.name}: its server died while serving{ended}{said}; run the same command again to go on; {log}"


def _by_signal(code: object) -> str:
    if not isinstance(code, int):
        return ""
    try:
        return f" ({signal.Signals(-code).name})"
    except ValueError:
        return f" (signal {-code})"
