"""`mrvideo doctor`: what is installed, whether it works, and which model would be used and why."""

from __future__ import annotations

import os
import platform
import shlex
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict
from importlib import metadata, util
from pathlib import Path
from typing import Annotated, Any

import typer

from mrvideo.cli.options import JsonFlag
from mrvideo.cli.output import print_json, print_lines
from mrvideo.cli.streams import DONE, FAILURES
from mrvideo.errors import MrVideoError
from mrvideo.files import open_to_others
from mrvideo.settings import OFFLINE, Settings, state_folder
from mrvideo.wording import plain

SETTINGS = (
    "vision",
    "text",
    "verify_model",
    "speech",
    "base_url",
    "preset",
    "reader",
    "library",
    "embed",
    "embed_text",
)

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
    "ytdlp": ("yt_dlp",),
    "tools": ("mcp", "langchain_core"),
    "chat": ("langgraph.checkpoint.sqlite",),
    "evals": ("matplotlib", "pyarrow", "h5py"),
}
_DISTRIBUTIONS = {
    "faster_whisper": "faster-whisper",
    "yt_dlp": "yt-dlp",
    "langgraph.checkpoint.sqlite": "langgraph-checkpoint-sqlite",
}


_SHOWN = "READ 7351"
_MOST_NAMES = 8


def doctor(
    settings: Settings,
    origins: dict[str, str],
    untrusted: str | None,
    recall: Annotated[
        bool,
        typer.Option(
            "--recall",
            help="Also compare the search by signs, for more than 100,000 frames, with every vector: 20 queries.",
        ),
    ] = False,
    as_json: JsonFlag = False,
) -> int:
    """Check this installation, say which model would be used and why, and which command fits this machine.

    Opens a small film, reads a text in it, and opens the library. Looks for GPUs, engines, models on disk and
    servers at their usual ports on this machine. Sends nothing to a model. Exit code 1 when something that is
    needed does not work.
    """
    from mrvideo import __version__
    from mrvideo.session.machine import look_around

    extra = {"verify": settings.verify_model, "speech": settings.speech, "embed_text": settings.embed_text}
    roles = ("vision", "text", *(role for role, name in extra.items() if name is not None))
    checks = {
        "opens a video": _attempt(lambda: _opens_a_video(settings)),
        "reads text in it": _attempt(_reads_a_text),
        "opens the library": _attempt(lambda: _opens_the_library(settings.library)),
    }
    around = look_around()
    report: dict[str, Any] = {
        "mrvideo": __version__,
        "python": platform.python_version(),
        "core": {name: _version(name) for name in _CORE},
        "extras": {extra: {name: _version(name) for name in names} for extra, names in _EXTRAS.items()},
        "torchvision": _torchvision(),
        "models": {role: _model(role, settings, origins) for role in roles},
        "library": {
            "path": str(settings.library),
            "from": origins["library"],
            "exists": settings.library.exists(),
            "open_to_others": [str(file) for file in _files_of(settings.library) if open_to_others(file)],
        },
        "folders": _folders(),
        "key": {"set": settings.key() is not None, "from": origins["api_key"]},
        "checks": {name: problem or "ok" for name, problem in checks.items()},
        "machine": asdict(around.machine),
        "advice": asdict(around.advice),
    }
    report["problems"] = [*filter(None, (untrusted, *checks.values())), *_problems(report, settings)]
    if recall:
        report["recall"] = _recall(settings, report["problems"])
    if as_json:
        print_json(report)
    else:
        print_lines(_lines(report))
    return FAILURES if report["problems"] else DONE


def _attempt(check: Callable[[], None]) -> str | None:
    """What went wrong, in one line; None when nothing did."""
    try:
        check()
    except MrVideoError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with an installation is what this command is for
        return f"{type(error).__name__}: {' '.join(str(error).split())}"
    return None


def _opens_a_video(settings: Settings) -> None:
    from mrvideo.media.selfcheck import film_of, frame_of
    from mrvideo.session.options import read_options

    frame_of(film_of(_SHOWN), read_options(settings))


def _reads_a_text() -> None:
    from mrvideo.media.options import ReadOptions
    from mrvideo.media.selfcheck import film_of, frame_of
    from mrvideo.models.offline.reading.engine import read_picture

    lines = [line.text for line in read_picture(frame_of(film_of(_SHOWN), ReadOptions()).jpeg)]
    if "".join(lines).replace(" ", "") != _SHOWN.replace(" ", ""):
        raise MrVideoError(f"{_SHOWN!r} was read as {' '.join(lines)!r}; reinstall rapidocr and onnxruntime")


def _opens_the_library(path: Path) -> None:
    """Open the library in use; where there is none yet, one in a temporary folder, and check that its place
    is writable.
    """
    from mrvideo.library import Library

    if path.exists():
        with Library.open(path, create=False) as library:
            library.search(_SHOWN)
            library.kept()
        return
    with (
        tempfile.TemporaryDirectory(prefix="mrvideo-") as folder,
        Library.open(Path(folder) / "library.db") as new,
    ):
        new.search(_SHOWN)
    there = next(parent for parent in path.absolute().parents if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise MrVideoError(f"{path}: no right to make this library; name another with --library")


def _recall(settings: Settings, problems: list[str]) -> list[dict[str, Any]]:
    """A row for each embedder whose frames are kept; what finds too little, or cannot be measured, joins the
    problems.
    """
    from mrvideo.retrieval.vectors.recall import RECALL_LIMIT
    from mrvideo.session.recall import recall_of

    rows: list[dict[str, Any]] = []
    try:
        for found in recall_of(settings):
            row = asdict(found)
            rows.append(row | row.pop("measured"))
            if not found.enough:
                problems.append(
                    f"recall of {plain(found.embedder)}: {found.measured.recall:.2f} of the nearest frames are "
                    f"found, less than {RECALL_LIMIT}; report it"
                )
    except MrVideoError as error:
        problems.append(f"recall: {error}")
    return rows


def _recall_line(row: dict[str, Any]) -> str:
    used = "in use" if row["in_use"] else "not in use: so few are compared one by one"
    return (
        f"recall of {plain(row['embedder'])}, {row['frames']:,} frames: {row['recall']:.3f} of the 20 nearest by "
        f"signs, {row['least']:.2f} at the worst of {row['queries_asked']} queries ({plain(row['queries'])}); p95 "
        f"{row['p95_milliseconds']:.1f} ms, every vector {row['exact_p95_milliseconds']:.1f} ms; {used}"
    )


def _files_of(library: Path) -> list[Path]:
    """The library, what SQLite lays beside it, its locks and conversations."""
    beside = [library.with_name(library.name + end) for end in ("", "-wal", "-shm", "-claims")]
    return [*beside, library.parent / "chats.db"]


def _folders() -> dict[str, str | None]:
    """The folders of logs and downloaded models."""
    try:
        logs = str(state_folder())
    except RuntimeError:
        logs = None  # No home folder.
    from mrvideo.speech.download import cache_folder

    return {"logs": logs, "downloaded speech models": cache_folder()}


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


def _torchvision() -> str | None:
    """Why a torchvision that is installed is not used; None where it is, or where there is none or no torch."""
    if _version("torch") is None or _version("torchvision") is None:
        return None
    from mrvideo.models.torchvision_check import torchvision_problem

    return torchvision_problem()


def _told(role: str) -> str:
    return role.replace("_", "-")


def _model(role: str, settings: Settings, origins: dict[str, str]) -> dict[str, Any]:
    from mrvideo.session.models import check_opens, model_settings

    name = {
        "vision": settings.vision_model,
        "text": settings.text_model,
        "verify": settings.verify_model or "",
        "speech": settings.speech or "",
        "embed_text": settings.embed_text or "",
    }[role]
    origin = origins["verify_model" if role == "verify" else role]
    if name == OFFLINE and origin == "default":
        why = "no model is configured; it reads text, cuts, colours and cues, and does not see people"
    elif role == "text" and settings.text is None:
        why = f"the vision model (from {origins['vision']}), since no text model is configured"
    else:
        why = f"from {origin}"
    report: dict[str, Any] = {"name": name, "why": why, "base_url": None, "problem": None}
    try:
        own = model_settings(settings, role)
        report["base_url"] = own.base_url if own.talks_to_server else None
        check_opens(own, role)
    except MrVideoError as error:
        report["problem"] = str(error)
    except ModuleNotFoundError as error:
        report["problem"] = f"{name} needs {error.name}: pip install 'mrvideo[local]'"
    return report


def _problems(report: dict[str, Any], settings: Settings) -> list[str]:
    problems = [
        f"{name} is missing; reinstall mrvideo" for name, version in report["core"].items() if not version
    ]
    local = report["extras"]["local"]
    for role, model in report["models"].items():
        if model["problem"]:
            problems.append(f"{_told(role)} model: {model['problem']}")
        elif model["name"].startswith("hf:") and not all(local.values()):
            problems.append(f"{_told(role)} model {model['name']} needs: pip install 'mrvideo[local]'")
    if settings.reader == "decord" and not report["extras"]["decord"]["decord"]:
        problems.append("reader decord needs: pip install 'mrvideo[decord]'")
    return problems


def _lines(report: dict[str, Any]) -> list[str]:
    core = ", ".join(f"{name} {version or 'MISSING'}" for name, version in report["core"].items())
    lines = [f"mrvideo {report['mrvideo']}, Python {report['python']}", f"core: {core}"]
    for extra, modules in report["extras"].items():
        missing = [name for name, version in modules.items() if version is None]
        shown = ", ".join(f"{name} {version}" for name, version in modules.items() if version is not None)
        state = f"pip install 'mrvideo[{extra}]'" if missing else "installed"
        lines.append(f"extra {extra}: {state}{f' ({shown})' if shown else ''}")
    if report["torchvision"]:
        lines.append(
            f"torchvision: {report['torchvision']}; pictures for hf: models are prepared with Pillow"
        )
    for role, model in report["models"].items():
        url = f" at {model['base_url']}" if model["base_url"] else ""
        lines.append(f"{_told(role)} model: {model['name']}{url} ({model['why']})")
    library = report["library"]
    there = "exists" if library["exists"] else "not made yet"
    lines.append(f"library: {library['path']} ({there}, from {library['from']})")
    if library["open_to_others"]:
        files = " ".join(map(shlex.quote, library["open_to_others"]))
        lines.append(
            f"others on this machine may read what the library keeps; to keep it to yourself: chmod go= {files}"
        )
    lines += [f"{name}: {folder}" for name, folder in report["folders"].items() if folder]
    lines += _machine_lines(report["machine"])
    lines += [f"{name}: {'ok' if found == 'ok' else 'FAILED'}" for name, found in report["checks"].items()]
    if "recall" in report:
        told = [_recall_line(row) for row in report["recall"]]
        lines += told or ["recall: no frames are kept as vectors; mrvideo index --embed siglip2 keeps them"]
    lines += [f"problem: {problem}" for problem in report["problems"]]
    advice = report["advice"]
    return [*lines, f"for this machine: {plain(advice['command'])}  ({plain(advice['why'])})"]


def _machine_lines(machine: dict[str, Any]) -> list[str]:
    gpus = [gpu["name"] + _gibibytes(gpu["memory_bytes"]) for gpu in machine["gpus"]]
    engines = [name for name, there in (("ollama", machine["ollama"]), ("hf", machine["local"])) if there]
    lines = [
        f"GPUs: {plain(', '.join(gpus)) or 'none found'}",
        f"engines installed: {', '.join([*machine['engines'], *engines]) or 'none'}",
    ]
    for server in machine["servers"]:
        told = (
            "it lists its models for its key alone"
            if server["wants_key"]
            else _few(map(_served, server["models"]))
        )
        lines.append(f"{server['label']} runs at port {server['port']}: {told or 'no models'}")
    seeing = [model["name"] for model in machine["models"] if model["sees"]]
    lines.append(f"models on disk that take pictures: {_few(map(plain, seeing)) or 'none found'}")
    return lines


def _gibibytes(memory_bytes: int | None) -> str:
    return "" if memory_bytes is None else f" ({memory_bytes / 2**30:.0f} GiB)"


def _served(model: dict[str, Any]) -> str:
    sees = {True: "takes pictures", False: "text alone", None: "pictures: not told"}[model["sees"]]
    return f"{plain(model['name'])} ({sees})"


def _few(names: Iterable[str]) -> str:
    shown = list(names)
    more = len(shown) - _MOST_NAMES
    return ", ".join(shown[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
