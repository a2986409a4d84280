"""This machine, for `mrvideo doctor`: what could see here, and the one command that fits. The advice is kept
for the next run.
"""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mrvideo.files import make_owners_folder
from mrvideo.settings import state_folder

if TYPE_CHECKING:
    from mrvideo.models.engines.advice import Advice, Machine

_FILE = "advice.json"
_MOST_BYTES = 16 * 1024
_LONGEST = 400
_KEPT_SECONDS = 30 * 86_400.0
"""Advice that is older says little of the machine as it is."""
ASK_DOCTOR = "mrvideo doctor tells which model fits this machine"


@dataclass(frozen=True)
class Look:
    """A machine as it was found, and the advice for it."""

    machine: Machine
    advice: Advice


def look_around() -> Look:
    """Look at GPUs, programs, models on disk and servers that run here, and keep the advice for
    `kept_advice`.
    """
    # Here, so that a run that only repeats the advice loads none of it.
    from mrvideo.models.engines.advice import (
        Machine,
        advise,
        has_local,
        has_ollama,
        installed_engines,
    )
    from mrvideo.models.engines.gpus import found_gpus
    from mrvideo.models.engines.keeper import write_owners
    from mrvideo.models.engines.on_disk import models_on_disk
    from mrvideo.models.engines.running import running_servers

    machine = Machine(
        gpus=found_gpus(),
        engines=installed_engines(),
        local=has_local(),
        ollama=has_ollama(),
        servers=running_servers(),
        models=tuple(models_on_disk()),
    )
    advice = advise(machine)
    # Where nothing can be kept, the next run says so in other words.
    with contextlib.suppress(OSError, RuntimeError):
        make_owners_folder(state_folder())
        text = json.dumps({"command": advice.command, "at": time.time()})
        write_owners(state_folder() / _FILE, text)
    return Look(machine, advice)


def kept_advice() -> str:
    """What `mrvideo doctor` proposed here last, within a month; else that it can be asked. Reads one small
    file.
    """
    try:
        with (state_folder() / _FILE).open("rb") as file:
            said = json.loads(file.read(_MOST_BYTES))
        command, at = said["command"], float(said["at"])
    except (OSError, RuntimeError, ValueError, KeyError, TypeError):
        return ASK_DOCTOR
    usable = isinstance(command, str) and command.isprintable() and len(command) <= _LONGEST
    if not usable or not 0 <= time.time() - at <= _KEPT_SECONDS:
        return ASK_DOCTOR
    return f"mrvideo doctor proposed: {command}"
