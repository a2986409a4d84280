"""Start a keeper with its server: a free port, keys, a log, and the order that says it all."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from mrvideo.errors import ModelUnavailable
from mrvideo.models.engines import keeper
from mrvideo.models.engines.gpus import usable_gpus
from mrvideo.models.engines.programs import HOST, Plan, further_arguments, installed, program_of
from mrvideo.models.engines.state import read_state
from mrvideo.models.engines.wanted import Wanted
from mrvideo.settings import environment_with

_KEEPER_SECONDS = 30.0


def start_keeper(wanted: Wanted, place: Path) -> dict[str, Any]:
    """Start a keeper with its server, and wait until it says where it listens. The server is not ready then."""
    if os.name != "posix":
        raise ModelUnavailable(
            f"{wanted.name}: on Windows servers are not started; start it yourself, and name it with --base-url"
        )
    begin = installed(wanted.scheme)
    port = free_port(wanted.port, wanted.name)
    plan = Plan(
        model=wanted.model,
        port=port,
        # In digits and letters: a key that begins with a dash would be taken for an argument.
        api_key=secrets.token_hex(24),
        context_tokens=wanted.context_tokens,
        gpus=usable_gpus(),
        further=further_arguments(wanted.engine_args),
        key_file=place.with_suffix(".yaml"),
    )
    launch = program_of(wanted.scheme).launch(begin, plan)
    if launch.key_text is not None:
        keeper.write_owners(place.with_suffix(".yaml"), launch.key_text)
    state_file, log = place.with_suffix(".json"), place.with_suffix(".log")
    _new_log(log)
    order = {
        "name": wanted.name,
        "command": list(launch.command),
        "port": port,
        "token": secrets.token_urlsafe(32),
        "api_key": plan.api_key,
        "start_seconds": wanted.start_seconds,
        "state_file": str(state_file),
        "log_file": str(log),
        "kept": False,
        "about": {
            "scheme": wanted.scheme,
            "model": wanted.model,
            "start_seconds": wanted.start_seconds,
            "command": list(launch.command),
        },
    }
    # Alone with the standard library: what lies in the working folder is no part of it.
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(Path(keeper.__file__).resolve())],
        input=json.dumps(order).encode(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment_with(launch.environment),
        timeout=_KEEPER_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        why = " ".join(done.stderr.decode("utf-8", "replace").split())[-200:]
        raise ModelUnavailable(f"{wanted.name}: its server cannot be watched ({why}); report this")
    deadline = time.monotonic() + _KEEPER_SECONDS
    while time.monotonic() < deadline:
        state = read_state(state_file)
        if state is not None:
            return state
        time.sleep(0.02)
    raise ModelUnavailable(
        f"{wanted.name}: its server was not started within {_KEEPER_SECONDS:g} s; log: {log}"
    )


def _new_log(log: Path) -> None:
    """An empty log for its owner alone; the one of before stays beside it."""
    with contextlib.suppress(FileNotFoundError):
        log.replace(log.with_suffix(".log.before"))
    keeper.write_owners(log, "")


def free_port(wanted: int | None, name: str) -> int:
    """A port of loopback that nobody listens at. Raises `ModelUnavailable` for one that was named and is
    taken.
    """
    with socket.socket() as probe:
        # A port whose last connections are still fading is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted or 0))
        except OSError as error:
            raise ModelUnavailable(
                f"{name}: port {wanted} is taken by another program ({error.strerror}); leave out --port, and a free one is found"
            ) from error
        return int(probe.getsockname()[1])
