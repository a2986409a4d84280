"""The programs: how each is found, what it is told, and where its documentation says so.

Every argument that is given here stands in `DOCUMENTED`, with the version of the page that was read.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mrvideo.errors import ModelUnavailable, SettingsError
from mrvideo.models.engines.on_disk import config_of, context_of

HOST = "127.0.0.1"
MOST_IMAGES = 40
"""In one request: what settings allow. A server is shared, so it takes what any run may send."""
CONTEXT_TOKENS = 32_768
"""What one request may hold, where neither the settings nor a smaller model say otherwise: 20 frames take
some 4,000.
"""
LLAMA_SLOTS = 4
"""Requests that llama.cpp's server decodes side by side; each has its own context."""


@dataclass(frozen=True)
class Plan:
    """What a server is to be like. `context_tokens` None: as `CONTEXT_TOKENS` says. `further` are the user's
    own arguments.
    """

    model: str
    port: int
    api_key: str
    context_tokens: int | None = None
    gpus: int = 1
    further: tuple[str, ...] = ()
    key_file: Path | None = None


@dataclass(frozen=True)
class Launch:
    """A command, what its environment says besides, and what is to stand in its key file."""

    command: tuple[str, ...]
    environment: dict[str, str]
    key_text: str | None = None


@dataclass(frozen=True)
class Program:
    """One engine. `find` returns the words that its command begins with, or None where it is not installed."""

    scheme: str
    label: str
    find: Callable[[], tuple[str, ...] | None]
    launch: Callable[[tuple[str, ...], Plan], Launch]
    install: str
    several_gpus: str | None
    """The argument that takes the number of copies, one a GPU."""


def program_of(scheme: str) -> Program:
    """The program of a scheme: `vllm`, `sglang` or `llamacpp`."""
    return next(program for program in PROGRAMS if program.scheme == scheme)


def installed(scheme: str) -> tuple[str, ...]:
    """The words its command begins with. Raises `ModelUnavailable` where it is not installed."""
    program = program_of(scheme)
    found = program.find()
    if found is None:
        raise ModelUnavailable(f"{program.label} is not installed; {program.install}")
    return found


def _on_path(*names: str) -> Callable[[], tuple[str, ...] | None]:
    def find() -> tuple[str, ...] | None:
        # The folder of this Python too: a virtual environment need not be activated to have its programs
        # used.
        places = (None, str(Path(sys.executable).parent))
        found = next(
            (path for name in names for place in places if (path := shutil.which(name, path=place))), None
        )
        return None if found is None else (found,)

    return find


def _find_sglang() -> tuple[str, ...] | None:
    found = _on_path("sglang")()
    if found is not None:
        return (*found, "serve")
    if find_spec("sglang") is not None:
        return (sys.executable, "-m", "sglang.launch_server")
    return None


# what each is told ------------------------------------------------------------------------------------


def _launch_vllm(begin: tuple[str, ...], plan: Plan) -> Launch:
    model = _served(plan.model)
    command = [
        *begin, "serve", model,
        "--host", HOST,
        "--port", str(plan.port),
        "--served-model-name", plan.model,
        # Frames alone: memory that videos would take is left to the cache.
        "--limit-mm-per-prompt", json.dumps({"image": MOST_IMAGES, "video": 0}),
        # `auto`: as long as fits, where nothing is known of the model before it is there.
        "--max-model-len", _context(plan, model) or "auto",
        "--enable-prefix-caching",
        "--structured-outputs-config.backend", "auto",
    ]  # fmt: skip
    # The key is not told in the command, which everybody on the machine may read.
    return Launch(_completed(command, plan, "vllm"), {"VLLM_API_KEY": plan.api_key})


def _launch_sglang(begin: tuple[str, ...], plan: Plan) -> Launch:
    model = _served(plan.model)
    command = [
        *begin,
        "--model-path", model,
        "--host", HOST,
        "--port", str(plan.port),
        "--served-model-name", plan.model,
        "--limit-mm-data-per-request", json.dumps({"image": MOST_IMAGES, "video": 0}),
        "--grammar-backend", "xgrammar",
    ]  # fmt: skip
    # Its radix cache of prefixes is on unless it is told otherwise.
    context = _context(plan, model)
    if context is not None:
        command += ["--context-length", context]
    text = None
    if plan.key_file is not None:
        command += ["--config", str(plan.key_file)]
        text = f"api-key: {json.dumps(plan.api_key)}\n"
    return Launch(_completed(command, plan, "sglang"), {}, text)


def _launch_llamacpp(begin: tuple[str, ...], plan: Plan) -> Launch:
    context = plan.context_tokens or CONTEXT_TOKENS
    command = [
        *begin,
        *_gguf(plan.model),
        "--host", HOST,
        "--port", str(plan.port),
        "--alias", plan.model,
        # The context is shared out between the slots.
        "--parallel", str(LLAMA_SLOTS),
        "--ctx-size", str(LLAMA_SLOTS * context),
        "--cache-prompt",
        "--jinja",
        "--no-webui",
    ]  # fmt: skip
    return Launch(_completed(command, plan, "llamacpp"), {"LLAMA_API_KEY": plan.api_key})


def _completed(command: Sequence[str], plan: Plan, scheme: str) -> tuple[str, ...]:
    several = program_of(scheme).several_gpus
    parallel = ("parallel-size", "--dp-size", "--dp", "--tp-size", "--tp", "-tp", "-dp")
    own = any(word.split("=")[0].endswith(parallel) for word in plan.further)
    # A model that is larger than one GPU is split by the user's own arguments; then copies are theirs to
    # count, too.
    copies = [several, str(plan.gpus)] if several and plan.gpus > 1 and not own else []
    return (*command, *copies, *plan.further)


def _served(model: str) -> str:
    """The model as the program is told it: a folder with its whole path, since the server runs elsewhere."""
    if model.startswith("-"):
        raise SettingsError(f"no model is named {model!r}; name it as on Hugging Face, or its folder")
    folder = Path(model).expanduser()
    return str(folder.resolve()) if folder.is_dir() else model


def _context(plan: Plan, model: str) -> str | None:
    """The context length to ask for; None where only the model itself knows how much it can take."""
    if plan.context_tokens is not None:
        return str(plan.context_tokens)
    config = config_of(model)
    own = None if config is None else context_of(config)
    return None if own is None else str(min(own, CONTEXT_TOKENS))


def _gguf(model: str) -> list[str]:
    """How llama.cpp is told a model: a file, with its projector where one is beside it, a folder that holds
    both, or a repository.
    """
    path = _weights_of(model)
    if path is None:
        # The projector comes with it.
        return ["--hf-repo", model]
    projector = _projector_of(path)
    return ["--model", str(path.resolve()), *(["--mmproj", str(projector.resolve())] if projector else [])]


def _weights_of(model: str) -> Path | None:
    """The GGUF file that a name means; None for a repository. Raises `SettingsError`."""
    if model.startswith("-"):
        raise SettingsError(f"no model is named {model!r}; name a GGUF file, its folder, or USER/REPOSITORY")
    path = Path(model).expanduser()
    if path.is_dir():
        files = sorted(path.glob("*.gguf"))
        weights = [file for file in files if "mmproj" not in file.name.lower()]
        # Of a model in parts the first is named.
        first = [file for file in weights if "-of-" not in file.name or "-00001-of-" in file.name]
        if len(first) != 1:
            raise SettingsError(
                f"llamacpp:{model}: the folder holds {len(first)} models as GGUF; name one file"
            )
        path = first[0]
    elif not path.is_file():
        if path.suffix == ".gguf" or model.startswith(("/", "./", "../", "~")) or model.count("/") != 1:
            raise SettingsError(
                f"llamacpp:{model}: there is no such file; name a GGUF file, its folder, or USER/REPOSITORY on Hugging Face"
            )
        return None
    return path


def check_sees(scheme: str, model: str) -> None:
    """Check that the engine has all that its model needs to take pictures, as far as this disk tells: for
    llama.cpp the projector of a GGUF file. Raises `SettingsError`.
    """
    weights = _weights_of(model) if scheme == "llamacpp" else None
    if weights is not None and _projector_of(weights) is None:
        raise SettingsError(
            f"llamacpp:{weights}: no mmproj file beside it; a model that sees needs one: put the two into a folder of "
            "their own, or name this model with --text alone"
        )


def _projector_of(weights: Path) -> Path | None:
    """The mmproj file beside a GGUF model, None where there is none: a model that reads text alone. Raises
    `SettingsError` for several.
    """
    found = sorted(file for file in weights.parent.glob("*.gguf") if "mmproj" in file.name.lower())
    if len(found) > 1:
        named = [file for file in found if weights.name.lower().startswith(_model_in(file))]
        found = named if len(named) == 1 else found
    if len(found) > 1:
        raise SettingsError(
            f"llamacpp:{weights}: several mmproj files beside it; a model that sees needs one: put the two into a "
            "folder of their own"
        )
    return found[0] if found else None


def _model_in(projector: Path) -> str:
    """The model's name in `mmproj-NAME-f16.gguf`, `NAME-mmproj.gguf` and the like."""
    bare = projector.stem.lower().replace("mmproj", "")
    return re.sub(r"[-_.]+(model|bf16|f16|f32|q\d\w*)\b", "", bare).strip("-_.") or "?"


PROGRAMS = (
    Program(
        "vllm", "vLLM", _on_path("vllm"), _launch_vllm,
        "pip install vllm (https://docs.vllm.ai), or name a running server with --base-url", "--data-parallel-size",
    ),
    Program(
        "sglang", "SGLang", _find_sglang, _launch_sglang,
        "pip install sglang (https://docs.sglang.io), or name a running server with --base-url", "--data-parallel-size",
    ),
    Program(
        "llamacpp", "llama.cpp's server", _on_path("llama-server"), _launch_llamacpp,
        "get llama-server from https://github.com/ggml-org/llama.cpp, or name a running server with --base-url", None,
    ),
)  # fmt: skip


def further_arguments(text: str | None) -> tuple[str, ...]:
    """The user's own arguments, as a shell would take them apart. Raises `SettingsError`, also for what
    mrvideo sets itself.
    """
    try:
        words = tuple(shlex.split(text or ""))
    except ValueError as error:
        raise SettingsError(
            f"engine_args cannot be taken apart ({error}); close its quotation marks"
        ) from None
    fixed = ("--host", "--port", "--api-key", "--served-model-name", "--alias", "--config", "--uds")
    wrong = next((word for word in words if word.split("=")[0] in fixed), None)
    if wrong is not None:
        raise SettingsError(f"engine_args: {wrong.split('=')[0]} is set by mrvideo; leave it out")
    return words


@dataclass(frozen=True)
class Page:
    """A page of documentation, the version that was read, and the arguments on it that are used here."""

    url: str
    version: str
    arguments: frozenset[str]


DOCUMENTED: dict[str, tuple[Page, ...]] = {
    "vllm": (
        Page(
            "https://docs.vllm.ai/en/v0.18.0/cli/serve/",
            "0.18.0; the same in the package 0.33.0",
            frozenset(
                {
                    "--host",
                    "--port",
                    "--served-model-name",
                    "--limit-mm-per-prompt",
                    "--max-model-len",
                    "--enable-prefix-caching",
                }
            ),
        ),
        Page(
            "https://docs.vllm.ai/en/latest/features/structured_outputs/",
            "2026-11",
            frozenset({"--structured-outputs-config.backend"}),
        ),
        Page(
            "https://docs.vllm.ai/en/latest/serving/data_parallel_deployment/",
            "2026-11",
            frozenset({"--data-parallel-size"}),
        ),
    ),
    "sglang": (
        Page(
            "https://docs.sglang.io/docs/advanced_features/server_arguments",
            "2026-11; the same in the package 0.5.23",
            frozenset(
                {
                    "--model-path",
                    "--host",
                    "--port",
                    "--served-model-name",
                    "--limit-mm-data-per-request",
                    "--context-length",
                    "--grammar-backend",
                    "--config",
                    "--data-parallel-size",
                }
            ),
        ),
    ),
    "llamacpp": (
        Page(
            "https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md",
            "00dc8057",
            frozenset(
                {
                    "--model",
                    "--mmproj",
                    "--hf-repo",
                    "--host",
                    "--port",
                    "--alias",
                    "--parallel",
                    "--ctx-size",
                    "--cache-prompt",
                    "--jinja",
                    "--no-webui",
                }
            ),
        ),
    ),
}
"""Scheme → pages. Whoever adds an argument reads its page first."""
