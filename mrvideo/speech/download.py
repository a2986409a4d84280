"""Downloads of Whisper models from Hugging Face, with their size, their progress and the folder they go to."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from fnmatch import fnmatch
from importlib import import_module
from pathlib import Path
from typing import Any

from mrvideo.errors import ModelUnavailable
from mrvideo.records import EventSink, Notice, StageAdvanced, StageFinished, StageStarted

STAGE = "download"
FILES = ("config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*")
"""What faster-whisper loads; a repository may hold the same weights in other formats besides."""

_MEGABYTE = 1_000_000
_LOOK_EVERY_SECONDS = 0.5


def cache_folder() -> str | None:
    """Where downloads are kept (HF_HOME and HF_HUB_CACHE move it); None without huggingface_hub."""
    try:
        constants = import_module("huggingface_hub.constants")
    except ModuleNotFoundError:
        return None
    return str(constants.HF_HUB_CACHE)


def fetch(name: str, repository: str, on_event: EventSink) -> None:
    """Download the model that is not on this disk yet. `name` is as the user wrote it, for messages.

    One unit of the stage `download` is a megabyte. Raises `ModelUnavailable`.
    """
    hub: Any = import_module("huggingface_hub")
    if _is_here(hub, repository):
        return
    folder = Path(cache_folder() or "") / f"models--{repository.replace('/', '--')}"
    try:
        files = hub.model_info(repository, files_metadata=True).siblings
        total_bytes = sum(file.size or 0 for file in files if _is_wanted(file.rfilename))
        megabytes = round(total_bytes / _MEGABYTE)
        on_event(
            Notice(text=f"{name}: downloading {megabytes:,} MB from {repository} on Hugging Face to {folder}")
        )
        on_event(StageStarted(stage=STAGE, total=megabytes))
        with _without_bars(), _watched(folder, megabytes, on_event):
            hub.snapshot_download(repository, allow_patterns=list(FILES))
    except _failures() as error:
        why = " ".join(str(error).split())[:200]
        raise ModelUnavailable(
            f"{name}: {repository} cannot be downloaded from Hugging Face ({why}); "
            "check the connection, or name a folder that holds the model: faster-whisper:FOLDER"
        ) from error
    on_event(StageFinished(stage=STAGE))


def _is_here(hub: Any, repository: str) -> bool:
    try:
        found = hub.snapshot_download(repository, allow_patterns=list(FILES), local_files_only=True)
    except (OSError, ValueError):
        return False
    # A download that was broken off leaves its folder behind.
    return (Path(found) / "model.bin").exists()


def _is_wanted(file: str) -> bool:
    return any(fnmatch(file, pattern) for pattern in FILES)


def _failures() -> tuple[type[Exception], ...]:
    """What the client raises: its own errors are OSErrors or ValueErrors, those of a lost connection are
    HTTPX's.
    """
    httpx = import_module("httpx")
    return (OSError, ValueError, httpx.HTTPError)


@contextmanager
def _without_bars() -> Generator[None]:
    """Suppress the client's own progress bars, which would overwrite ours."""
    utils: Any = import_module("huggingface_hub.utils")
    were_off = utils.are_progress_bars_disabled()
    utils.disable_progress_bars()
    try:
        yield
    finally:
        if not were_off:
            utils.enable_progress_bars()


@contextmanager
def _watched(folder: Path, megabytes: int, on_event: EventSink) -> Generator[None]:
    """Report progress by the size of the folder: the client's hooks differ between versions."""
    before = _size_of(folder.rglob("*"))
    over = threading.Event()

    def watch() -> None:
        told = 0
        while not over.wait(_LOOK_EVERY_SECONDS):
            arrived = min(round((_size_of(folder.rglob("*")) - before) / _MEGABYTE), megabytes)
            if arrived > told:
                on_event(StageAdvanced(stage=STAGE, done=arrived - told))
                told = arrived
        if complete:
            on_event(StageAdvanced(stage=STAGE, done=megabytes - told))

    complete = False
    watcher = threading.Thread(target=watch, name="mrvideo-download", daemon=True)
    watcher.start()
    try:
        yield
        complete = True
    finally:
        over.set()
        watcher.join()


def _size_of(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        try:
            # Links lead to the same bytes again.
            total += 0 if path.is_symlink() or not path.is_file() else path.stat().st_size
        except OSError:
            continue  # Renamed or removed in between.
    return total
