"""The one command that fits this machine: from what runs, what is installed, what lies on the disk, and the
GPUs.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from mrvideo.models.engines.gpus import Gpu
from mrvideo.models.engines.on_disk import ModelOnDisk
from mrvideo.models.engines.programs import PROGRAMS
from mrvideo.models.engines.running import Server
from mrvideo.models.presets import preset_named

_GIBIBYTE = 2**30
_ROOM = 1.3
"""A model in a GPU's memory with the cache of its requests, against its weights alone."""
_LOCAL = ("torch", "transformers", "accelerate")
_LARGE = ("Qwen/Qwen3-VL-8B-Instruct", 24 * _GIBIBYTE)
_SMALL = ("Qwen/Qwen2.5-VL-3B-Instruct", 10 * _GIBIBYTE)


@dataclass(frozen=True)
class Machine:
    """What was found. `engines` are schemes whose program is installed; `local` says that the extra `local`
    is.
    """

    gpus: tuple[Gpu, ...]
    engines: tuple[str, ...]
    local: bool
    ollama: bool
    servers: tuple[Server, ...]
    models: tuple[ModelOnDisk, ...]


@dataclass(frozen=True)
class Advice:
    """A command, and why it is this one."""

    command: str
    why: str


def installed_engines() -> tuple[str, ...]:
    """Schemes whose program is installed."""
    return tuple(program.scheme for program in PROGRAMS if program.find() is not None)


def has_local() -> bool:
    """Whether models can run in this process: the extra `local`."""
    return all(find_spec(name) is not None for name in _LOCAL)


def has_ollama() -> bool:
    """Whether the program is installed, running or not."""
    return shutil.which("ollama") is not None


def advise(machine: Machine) -> Advice:
    """The first way that fits, the one with the least to do before it: what runs, what is there, what is to
    be fetched.
    """
    for way in _WAYS:
        found = way(machine)
        if found is not None:
            return found
    return Advice(
        "ollama pull qwen2.5vl:3b && mrvideo index VIDEO --vision ollama:qwen2.5vl:3b",
        "there is neither a server nor a GPU; Ollama from https://ollama.com runs a model on the processor, slowly",
    )


def _index(model: str, base_url: str | None = None) -> str:
    words = ["mrvideo", "index", "VIDEO", "--vision", model, *(["--base-url", base_url] if base_url else [])]
    return shlex.join(words)


def _running(machine: Machine) -> Advice | None:
    for server in machine.servers:
        model = next((model for model in server.models if model.sees), None)
        if model is not None:
            # One that mrvideo would else start is asked where it is: it has another name for its model,
            # maybe.
            usual = preset_named(server.scheme).port == server.port
            engine = any(program.scheme == server.scheme for program in PROGRAMS)
            address = None if usual and not engine else server.base_url
            return Advice(
                _index(f"{server.scheme}:{model.name}", address),
                f"{server.label} runs at port {server.port} with {model.name}, which takes pictures",
            )
    return None


def _seeing(machine: Machine, *, gguf: bool) -> list[ModelOnDisk]:
    """Models on disk that see, the largest that fits into one GPU first."""
    room = max((gpu.memory_bytes or 0 for gpu in machine.gpus), default=0)
    fitting = [
        model
        for model in machine.models
        if model.sees and model.gguf == gguf and (gguf or room == 0 or model.size_bytes * _ROOM <= room)
    ]
    return sorted(fitting, key=lambda model: (-model.size_bytes, model.name))


def _engine_with_model(machine: Machine) -> Advice | None:
    scheme = next((one for one in ("vllm", "sglang") if one in machine.engines), None)
    found = _seeing(machine, gguf=False)
    if not machine.gpus or scheme is None or not found:
        return None
    return Advice(
        _index(f"{scheme}:{found[0].name}"),
        f"{_label(scheme)} is installed, and {found[0].name} is on this disk; mrvideo starts and stops the server",
    )


def _local_with_model(machine: Machine) -> Advice | None:
    found = _seeing(machine, gguf=False)
    if not machine.gpus or not machine.local or not found:
        return None
    return Advice(
        _index(f"hf:{found[0].name}"), f"{found[0].name} is on this disk, and runs in mrvideo's process"
    )


def _llama_with_model(machine: Machine) -> Advice | None:
    found = _seeing(machine, gguf=True)
    if "llamacpp" not in machine.engines or not found:
        return None
    return Advice(
        _index(f"llamacpp:{found[0].name}"),
        f"{_label('llamacpp')} is installed, and the model is on this disk with its projector; mrvideo starts and stops it",
    )


def _engine_to_fetch(machine: Machine) -> Advice | None:
    scheme = next((one for one in ("vllm", "sglang") if one in machine.engines), None)
    model = _fetched(machine.gpus)
    if scheme is None or model is None:
        return None
    return Advice(
        _index(f"{scheme}:{model}"),
        f"{_label(scheme)} is installed; it downloads {model}, which fits the GPU",
    )


def _local_to_fetch(machine: Machine) -> Advice | None:
    model = _fetched(machine.gpus)
    if not machine.local or model is None:
        return None
    return Advice(
        _index(f"hf:{model}"), f"a GPU is here; {model} is downloaded and runs in mrvideo's process"
    )


def _llama_to_fetch(machine: Machine) -> Advice | None:
    if "llamacpp" not in machine.engines:
        return None
    return Advice(
        _index("llamacpp:ggml-org/Qwen2.5-VL-3B-Instruct-GGUF"),
        f"{_label('llamacpp')} is installed; it downloads the model",
    )


def _ollama_to_fetch(machine: Machine) -> Advice | None:
    if not machine.ollama and not any(server.scheme == "ollama" for server in machine.servers):
        return None
    size = "7b" if _fetched(machine.gpus) == _LARGE[0] else "3b"
    return Advice(
        f"ollama pull qwen2.5vl:{size} && {_index(f'ollama:qwen2.5vl:{size}')}", "Ollama is installed"
    )


def _gpu_alone(machine: Machine) -> Advice | None:
    model = _fetched(machine.gpus)
    if model is None:
        return None
    return Advice(
        f"pip install 'mrvideo[local]' && {_index(f'hf:{model}')}",
        "a GPU is here, and nothing that runs a model on it",
    )


def _fetched(gpus: Sequence[Gpu]) -> str | None:
    """A model to download that fits into the largest GPU; None without one, or where its memory is too small
    or not told.
    """
    room = max((gpu.memory_bytes or 0 for gpu in gpus), default=0)
    return next((name for name, needed in (_LARGE, _SMALL) if room >= needed * 0.95), None)


def _label(scheme: str) -> str:
    return next(program.label for program in PROGRAMS if program.scheme == scheme)


_WAYS: tuple[Callable[[Machine], Advice | None], ...] = (
    _running,
    _engine_with_model,
    _local_with_model,
    _llama_with_model,
    _engine_to_fetch,
    _local_to_fetch,
    _ollama_to_fetch,
    _llama_to_fetch,
    _gpu_alone,
)
