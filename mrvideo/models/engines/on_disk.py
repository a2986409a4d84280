"""Models on this disk: the Hugging Face hub's cache, and GGUF files in the usual folders; which of them take
pictures.

Nothing is downloaded and no library asked: names are those of folders, the rest is in each model's
config.json.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrvideo.files import is_file, is_folder
from mrvideo.models.engines.shapes import entries, fields
from mrvideo.settings import hub_cache_folder

_MOST_CONFIG_BYTES = 4 * 2**20
_MOST_FOLDERS = 2000
"""Of one cache that are looked at."""


@dataclass(frozen=True)
class ModelOnDisk:
    """A model that can be loaded without a download. `name` is what hf:, vllm: and sglang: take, or llamacpp:
    for GGUF.
    """

    name: str
    sees: bool
    size_bytes: int
    gguf: bool = False


def models_on_disk(
    *, cache: Path | None = None, gguf_folders: tuple[Path, ...] | None = None
) -> list[ModelOnDisk]:
    """All that are whole, by name. Without arguments: in the user's own caches."""
    cache = cache or hub_cache_folder()
    found = {model.name: model for model in _in_hub_cache(cache)}
    for folder in _gguf_folders() if gguf_folders is None else gguf_folders:
        found |= {model.name: model for model in _gguf_in(folder)}
    return [found[name] for name in sorted(found)]


def config_of(model: str, *, cache: Path | None = None) -> Mapping[str, Any] | None:
    """What a model's config.json says: of a folder, or of a hub name that is in the cache; None where neither
    is.
    """
    folder = Path(model).expanduser()
    if is_folder(folder):
        return _config_in(folder)
    snapshot = _snapshot(cache or hub_cache_folder(), model)
    return None if snapshot is None else _config_in(snapshot)


def takes_pictures(config: Mapping[str, Any]) -> bool:
    """Whether a model with that config.json reads pictures and writes text: not one that only embeds
    pictures.
    """
    architectures = [name for name in entries(config.get("architectures")) if isinstance(name, str)]
    writes = any(
        name.endswith(("ForConditionalGeneration", "ForCausalLM", "ForImageTextToText", "ChatModel"))
        for name in architectures
    )
    eyes = (
        "vision_config",
        "vision_tower",
        "mm_vision_tower",
        "visual",
        "image_token_id",
        "image_token_index",
        "img_processor",
    )
    return writes and any(config.get(name) is not None for name in eyes)


def context_of(config: Mapping[str, Any]) -> int | None:
    """How many tokens the model was made for; None where its config does not say."""
    for part in (fields(config.get("text_config")), fields(config.get("llm_config")), config):
        length = part.get("max_position_embeddings")
        if isinstance(length, int) and not isinstance(length, bool) and length > 0:
            return length
    return None


def _in_hub_cache(cache: Path) -> Iterator[ModelOnDisk]:
    for folder in _folders(cache):
        if not folder.name.startswith("models--"):
            continue
        name = folder.name.removeprefix("models--").replace("--", "/")
        snapshot = _snapshot(cache, name)
        if snapshot is None:
            continue
        yield from _gguf_in(snapshot)
        weights = [*snapshot.glob("*.safetensors"), *snapshot.glob("pytorch_model*.bin")]
        config = _config_in(snapshot)
        # A download that broke off leaves links that lead nowhere, or parts that are missing.
        if config is None or not weights or not all(map(is_file, weights)) or not _whole(snapshot):
            continue
        yield ModelOnDisk(name, takes_pictures(config), sum(file.stat().st_size for file in weights))


def _whole(snapshot: Path) -> bool:
    """Whether all parts that the index of the weights names are there."""
    index = snapshot / "model.safetensors.index.json"
    if not is_file(index):
        return True
    named = fields((json_in(index) or {}).get("weight_map"))
    return bool(named) and all(is_file(snapshot / str(part)) for part in set(named.values()))


def _snapshot(cache: Path, model: str) -> Path | None:
    """The folder of a model's files in the cache: of its branch `main`, else the only one."""
    if model.count("/") > 1 or "\0" in model or ".." in model:
        return None
    folder = cache / f"models--{model.replace('/', '--')}"
    try:
        main = (folder / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        main = ""
    if main and is_folder(folder / "snapshots" / main):
        return folder / "snapshots" / main
    others = _folders(folder / "snapshots")
    return others[0] if len(others) == 1 else None


def _gguf_folders() -> tuple[Path, ...]:
    try:
        home = Path.home()
    except RuntimeError:
        return ()
    return (
        home / ".cache" / "llama.cpp",
        home / ".lmstudio" / "models",
        home / ".cache" / "lm-studio" / "models",
    )


def _gguf_in(folder: Path) -> Iterator[ModelOnDisk]:
    """GGUF models of a folder and the two below it; those see that have one projector beside them."""
    deeper = [one for below in _folders(folder) for one in (below, *_folders(below))]
    for place in (folder, *deeper)[:_MOST_FOLDERS]:
        try:
            files = [file for file in sorted(place.glob("*.gguf")) if is_file(file)]
        except OSError:
            continue
        projectors = [file for file in files if "mmproj" in file.name.lower()]
        for file in files:
            if file in projectors or ("-of-" in file.name and "-00001-of-" not in file.name):
                continue
            size = file.stat().st_size
            yield ModelOnDisk(str(file), len(projectors) == 1, size, gguf=True)


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if is_folder(entry))[:_MOST_FOLDERS]
    except OSError:
        return []


def _config_in(folder: Path) -> Mapping[str, Any] | None:
    return json_in(folder / "config.json")


def json_in(path: Path) -> dict[str, Any] | None:
    """The object that a model's JSON file holds; None where it cannot be read, or holds none."""
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_CONFIG_BYTES)
        said = json.loads(data)
    except (OSError, ValueError, RecursionError):
        return None
    return fields(said) or None
