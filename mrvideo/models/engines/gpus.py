"""GPUs of this machine, as `nvidia-smi` tells them, else PyTorch."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mrvideo.settings import visible_gpus

_SMI_SECONDS = 10
_MEBIBYTE = 2**20


@dataclass(frozen=True)
class Gpu:
    """One GPU and its memory in bytes; None where that is shared with the processor, or not told."""

    name: str
    memory_bytes: int | None


def usable_gpus() -> int:
    """How many a server may use: those there are, less what CUDA_VISIBLE_DEVICES hides. NVIDIA's alone are
    counted.
    """
    there, seen = len(_told_by_smi()), visible_gpus()
    return there if seen is None else min(there, seen)


def found_gpus() -> tuple[Gpu, ...]:
    """All GPUs. PyTorch is asked where there is no `nvidia-smi`, and where there can be a GPU at all: it
    takes seconds to load.
    """
    told = _told_by_smi()
    if told or not _may_have_another():
        return told
    return _told_by_torch()


@cache
def _told_by_smi() -> tuple[Gpu, ...]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return ()
    try:
        done = subprocess.run(
            [program, "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SMI_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(_gpu(line) for line in done.stdout.decode("utf-8", "replace").splitlines() if line.strip())


def _gpu(line: str) -> Gpu:
    name, _, memory = line.rpartition(",")
    memory = memory.strip()
    return Gpu(" ".join(name.split()) or line.strip(), int(memory) * _MEBIBYTE if memory.isdigit() else None)


def _may_have_another() -> bool:
    return Path("/dev/kfd").exists() or Path("/System/Library/Frameworks/Metal.framework").exists()


def _told_by_torch() -> tuple[Gpu, ...]:
    if find_spec("torch") is None:
        return ()
    torch: Any = import_module("torch")
    if torch.cuda.is_available():
        each = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
        return tuple(Gpu(str(one.name), int(one.total_memory)) for one in each)
    metal = getattr(torch.backends, "mps", None)
    return (Gpu("Apple GPU", None),) if metal is not None and metal.is_available() else ()
