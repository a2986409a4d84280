"""State files of servers: read, and swept where the keeper of one is gone."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import psutil

from mrvideo.errors import ModelUnavailable
from mrvideo.files import make_owners_folder
from mrvideo.models.engines import keeper
from mrvideo.models.engines.shapes import fields
from mrvideo.settings import state_folder

_SAME_SECONDS = 5.0
_STATE_BYTES = 256 * 1024


def engines_folder() -> Path:
    """Where state and logs lie, made for its owner alone. Raises `ModelUnavailable` where it cannot be."""
    try:
        folder = state_folder() / "engines"
        make_owners_folder(folder)
    except (OSError, RuntimeError) as error:
        raise ModelUnavailable(
            f"there is no place for the state of servers ({error}); set XDG_STATE_HOME"
        ) from error
    return folder


def read_state(path: Path) -> dict[str, Any] | None:
    """A state file; None where there is none, or what is no state."""
    try:
        with path.open("rb") as file:
            said = fields(json.loads(file.read(_STATE_BYTES)))
    except (OSError, ValueError):
        return None
    return said if {"name", "port", "token", "control_port", "log"} <= said.keys() else None


def is_keeper(state: dict[str, Any]) -> bool:
    """Whether the keeper's process is there, as far as its number tells."""
    try:
        return psutil.Process(state.get("keeper_pid") or 0).status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, TypeError, ValueError):
        return False


def sweep(state_file: Path, state: dict[str, Any]) -> None:
    """End the server whose keeper is gone, if that very process still runs, and forget it."""
    pid = state.get("pid")
    # The leader may be gone and the processes that hold the GPU's memory still there, in its session.
    if isinstance(pid, int) and pid > 1 and (_is_same(pid, state) or _left_behind(pid)):
        keeper.end_session(pid)
    with contextlib.suppress(FileNotFoundError):
        state_file.unlink()


def _is_same(pid: int, state: dict[str, Any]) -> bool:
    """Whether a process is the one that was started, and no later one of the same number."""
    told = state.get("pid_started")
    if told is not None:
        return keeper.started_at(pid) == told
    try:
        began = psutil.Process(pid).create_time()
    except psutil.Error:
        return False
    said = state.get("pid_began")
    return isinstance(said, int | float) and abs(began - said) < _SAME_SECONDS


def _left_behind(pid: int) -> bool:
    return not psutil.pid_exists(pid) and bool(keeper.members(pid))
