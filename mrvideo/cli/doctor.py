"""What is installed here, and which model would be used and why."""

from __future__ import annotations

import json
import platform
from importlib import metadata, util
from typing import Any

from rich.console import Console

from mrvideo import __version__
from mrvideo.errors import LibraryError, MrVideoError, SettingsError
from mrvideo.library import Library
from mrvideo.mapreduce import portal
from mrvideo.models import Ledger, open_model
from mrvideo.session.models import check_there, model_settings
from mrvideo.settings import OFFLINE, Settings

_CORE = (
    "av",
    "simplejpeg",
    "openai",
    "pybase64",
    "langgraph",
    "joblib",
    "psutil",
    "rapidocr",
    "onnxruntime",
    "sqlalchemy",
    "tiktoken",
)
_EXTRAS = {
    "local": ("torch", "transformers", "accelerate"),
    "decord": ("decord",),
    "cluster": ("dask", "ray"),
    "asr": ("faster_whisper",),
    "url": ("fsspec", "aiohttp", "s3fs"),
    "tools": ("mcp", "langchain_core"),
    "chat": ("langgraph.checkpoint.sqlite",),
    "evals": ("matplotlib", "pyarrow"),
}
_DISTRIBUTIONS = {
    "faster_whisper": "faster-whisper",
    "langgraph.checkpoint.sqlite": "langgraph-checkpoint-sqlite",
}


def examine(settings: Settings, origins: dict[str, str], *, as_json: bool) -> int:
    """Print the findings; 0 when the chosen models can be opened here, 1 when something they need is missing."""
    report: dict[str, Any] = {
        "mrvideo": __version__,
        "python": platform.python_version(),
        "core": {name: _version(name) for name in _CORE},
        "extras": {extra: {name: _version(name) for name in names} for extra, names in _EXTRAS.items()},
        "models": {
            "vision": _model(settings.vision_model, "vision", settings, origins),
            "text": _model(settings.text_model, "text", settings, origins),
        },
        "library": {
            "path": str(settings.library),
            "from": origins["library"],
            "exists": settings.library.exists(),
        },
        "key": {"set": settings.key() is not None, "from": origins["api_key"]},
    }
    report["problems"] = _problems(report, settings)
    if as_json:
        print(json.dumps(report, indent=2))  # noqa: T201
    else:
        _print(report)
    return 1 if report["problems"] else 0


def _version(module: str) -> str | None:
    try:
        found = util.find_spec(module)
    except ModuleNotFoundError:
        return None
    if found is None:
        return None
    try:
        return metadata.version(_DISTRIBUTIONS.get(module, module))
    except metadata.PackageNotFoundError:
        return "unknown version"


def _model(name: str, role: str, settings: Settings, origins: dict[str, str]) -> dict[str, Any]:
    if name == OFFLINE and origins[role] == "default":
        why = "no model is configured; it reads text, cuts, colours and cues, and does not see people"
    elif role == "text" and settings.text is None:
        why = f"the vision model (from {origins['vision']}), since no text model is configured"
    else:
        why = f"from {origins[role]}"
    try:
        own = model_settings(settings, role)
    except SettingsError as error:
        return {"name": name, "why": why, "base_url": None, "problem": str(error)}
    problem = None
    try:
        portal().call(open_model(own, ledger=Ledger()).aclose)
        check_there(own)
    except MrVideoError as error:
        problem = str(error)
    except ModuleNotFoundError as error:
        problem = f"{name} needs {error.name}: pip install 'mrvideo[local]'"
    url = own.base_url if own.talks_to_server else None
    return {"name": name, "why": why, "base_url": url, "problem": problem}


def _problems(report: dict[str, Any], settings: Settings) -> list[str]:
    problems = [
        f"{name} is missing; reinstall mrvideo" for name, version in report["core"].items() if not version
    ]
    local = report["extras"]["local"]
    for role, model in report["models"].items():
        if model["problem"]:
            problems.append(f"{role} model: {model['problem']}")
        elif model["name"].startswith("hf:") and not all(local.values()):
            problems.append(f"{role} model {model['name']} needs: pip install 'mrvideo[local]'")
    if settings.reader == "decord" and not report["extras"]["decord"]["decord"]:
        problems.append("reader decord needs: pip install 'mrvideo[decord]'")
    if settings.library.exists():
        try:
            Library.open(settings.library, create=False).close()
        except LibraryError as error:
            problems.append(str(error))
    return problems


def _print(report: dict[str, Any]) -> None:
    out = Console(highlight=False, markup=False, soft_wrap=True)
    out.print(f"mrvideo {report['mrvideo']}, Python {report['python']}")
    out.print(
        "core: " + ", ".join(f"{name} {version or 'MISSING'}" for name, version in report["core"].items())
    )
    for extra, modules in report["extras"].items():
        missing = [name for name, version in modules.items() if version is None]
        shown = ", ".join(f"{name} {version}" for name, version in modules.items() if version is not None)
        state = f"pip install 'mrvideo[{extra}]'" if missing else "installed"
        out.print(f"extra {extra}: {state}{f' ({shown})' if shown else ''}")
    for role, model in report["models"].items():
        url = f" at {model['base_url']}" if model["base_url"] else ""
        out.print(f"{role} model: {model['name']}{url} ({model['why']})")
    library = report["library"]
    out.print(
        f"library: {library['path']} ({'exists' if library['exists'] else 'not there yet'}, from {library['from']})"
    )
    for problem in report["problems"]:
        out.print(f"problem: {problem}")
