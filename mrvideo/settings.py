"""Settings: defaults, a TOML file, the environment and arguments become one frozen value.

Later wins:  default  <  your mrvideo.toml  <  the working folder's  <  MRVIDEO_* environment  <  argument (or flag)

Yours is `~/.config/mrvideo/mrvideo.toml`; `MRVIDEO_CONFIG` names a file to be read in place of both. The
working folder's may come from a stranger, with a repository or an archive: until it is trusted (`mrvideo
config trust`) it sets how videos are read, in `HARMLESS`, and never where anything goes or comes from. This
is the only room that reads `os.environ`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from typing_extensions import Self

from mrvideo.errors import SettingsError
from mrvideo.files import read_small, read_toml
from mrvideo.records import HIGHEST_JPEG_QUALITY, Effort, Recipe
from mrvideo.trust import is_trusted, was_trusted

OFFLINE = "offline"
FILE_NAME = "mrvideo.toml"
MOST_FILE_BYTES = 256 * 2**10
"""Of a settings file."""

HARMLESS = frozenset(
    {
        "temperature",
        "timeout_seconds",
        "concurrency",
        "max_images",
        "context_tokens",
        "max_output_tokens",
        "recipe",
        "detail",
        "effort",
        "max_rounds",
        "max_opened",
        "reader",
        "keyframes_only",
        "clip_seconds",
        "shard_seconds",
        "frames_per_second",
        "long_side_pixels",
        "jpeg_quality",
        "language",
    }
)
"""What the file of a folder that is not trusted may set: nothing that names a server, a model, a key, a file
or a program.

Besides, `offline` as a model, a library inside the folder, and bounds on money and tokens below those of your
own file.
"""
TOKEN_VARIABLE = "MRVIDEO_MCP_TOKEN"  # noqa: S105 - the name, not the token
"""Holds what clients of `mrvideo mcp --http` must send."""
_SHORTEST_TOKEN = 16
MOST_NUMBER = 10**12
"""Of tokens: beyond it nothing is counted, and sums with money lose their digits."""
_MOST_KEY_BYTES = 64 * 2**10
_LONGEST_SHOWN = 200

_TELEMETRY_OFF = {
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "VLLM_NO_USAGE_STATS": "1",
}

_KEYS = ("OPENAI_API_KEY", "GEMINI_API_KEY", "MRVIDEO_API_KEY", TOKEN_VARIABLE)


def silence_telemetry() -> None:
    """Tell the libraries that report their use to their makers not to; worker processes inherit it.

    Call it before one of them is imported. What the user has set for one of them stays.
    """
    for name, value in _TELEMETRY_OFF.items():
        os.environ.setdefault(name, value)


def grow_gpu_segments(torch_version: str) -> None:
    """Ask PyTorch's allocator of GPU memory to grow its segments instead of keeping one for each size: prefills are
    all of unlike sizes.

    Call it before a GPU is used. What the user has set for the allocator stays.
    """
    newer = tuple(int(part) for part in torch_version.split(".")[:2]) >= (2, 9)
    names = ("PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF")
    if not any(name in os.environ for name in names):
        os.environ[names[0] if newer else names[1]] = "expandable_segments:True"


def state_folder() -> Path:
    """Where logs are kept: `mrvideo` in XDG_STATE_HOME, on Windows in LOCALAPPDATA, else in `~/.local/state`.

    Raises `RuntimeError` where the user has no home folder. The folder need not exist yet.
    """
    named = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_STATE_HOME", "")
    # A relative path there is to be ignored, says the XDG specification.
    base = Path(named) if Path(named).is_absolute() else Path.home() / ".local" / "state"
    return base / "mrvideo"


def hub_cache_folder() -> Path:
    """Where the Hugging Face hub keeps models: HF_HUB_CACHE, else `hub` in HF_HOME, else
    `~/.cache/huggingface/hub`.

    The folder need not exist, and without a home folder it does not.
    """
    named = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if named:
        return Path(named)
    home = os.environ.get("HF_HOME")
    if home:
        return Path(home) / "hub"
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111 - never raises
    return Path(caches) / "huggingface" / "hub"


def environment_with(additions: Mapping[str, str]) -> dict[str, str]:
    """What a program is started with: this process's environment, these, and the word to it not to report its
    use.

    Keys of the user's other servers are not handed on.
    """
    own = {name: value for name, value in os.environ.items() if name not in _KEYS}
    return {**_TELEMETRY_OFF, **own, **additions}


def visible_gpus() -> int | None:
    """How many GPUs CUDA_VISIBLE_DEVICES leaves to programs; None where it is not set: all of them."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return None
    entries = [entry.strip() for entry in named.split(",")]
    # What stands after a number below zero is not seen either.
    wanted = entries[: entries.index("-1")] if "-1" in entries else entries
    return sum(bool(entry) for entry in wanted)


class Settings(BaseModel):
    """Every knob, typed. Unknown names and values out of bounds raise `SettingsError` through
    `load_settings`.
    """

    # What is not finite bounds nothing, and is no JSON.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    vision: str | None = Field(
        default=None, description="model that sees frames: openai:MODEL, hf:PATH, replay:FILE, host, offline"
    )
    text: str | None = Field(
        default=None, description="model that reads text; the vision model when not given"
    )
    verify_model: str | None = Field(
        default=None, description="model that checks claims; the one that sees frames when not given"
    )
    speech: str | None = Field(
        default=None, description="model that transcribes: openai:MODEL, faster-whisper:SIZE"
    )
    base_url: str | None = Field(default=None, description="OpenAI-compatible server, for all roles")
    vision_base_url: str | None = Field(default=None, description="server for the vision role alone")
    text_base_url: str | None = Field(default=None, description="server for the text role alone")
    verify_base_url: str | None = Field(default=None, description="server for the checking role alone")
    speech_base_url: str | None = Field(default=None, description="server for the speech role alone")
    embed_text_base_url: str | None = Field(
        default=None, description="server for the model of embed_text alone"
    )
    preset: str | None = Field(
        default=None, description="server family; found from the base URL when not given"
    )
    engine_args: str | None = Field(
        default=None, description="further arguments for the server that vllm:, sglang: or llamacpp: starts"
    )
    engine_seconds: float = Field(
        default=900.0,
        gt=0,
        le=86_400,
        description="how long a server that is started may take until it answers",
    )
    api_key: SecretStr | None = Field(default=None, description="from the environment or key_file only")
    key_file: Path | None = Field(default=None, description="file that holds the API key alone")
    temperature: float | None = Field(default=None, ge=0, le=2)
    timeout_seconds: float = Field(default=120.0, gt=0, description="for one call")
    concurrency: int | None = Field(
        default=None,
        ge=1,
        le=4096,
        description="calls in flight at once; what suits the server when not given",
    )
    max_images: int | None = Field(
        default=None, ge=1, le=40, description="images in one request; what the server takes when not given"
    )
    context_tokens: int | None = Field(
        default=None,
        ge=1024,
        le=MOST_NUMBER,
        description="what one request may hold, reply and images with it",
    )
    max_output_tokens: int | None = Field(
        default=None, ge=64, le=MOST_NUMBER, description="bound on any one reply"
    )
    embed: str | None = Field(
        default=None,
        description="model that compares pictures: siglip2, a folder, a name on the hub, or offline (colours and textures)",
    )
    embed_text: str | None = Field(
        default=None,
        description="model that compares texts by meaning: openai:text-embedding-3-small, ollama:NAME; they are sent to its server; hf:FOLDER and hf:NAME run here",
    )
    recipe: Recipe = "fused"
    detail: Literal["full", "glance"] = Field(
        default="full",
        description="full: clips of clip_seconds; glance: a picture or two of each shot, at most 60 calls an hour",
    )
    effort: Effort = "high"
    max_rounds: int = Field(default=2, ge=1, le=10, description="answer-and-verify rounds at effort high")
    max_opened: int = Field(
        default=8, ge=1, le=1000, description="chapters of a long video that a question opens"
    )
    library: Path = Field(
        default=Path(".mrvideo/library.db"), description="the SQLite file that keeps everything"
    )
    reader: Literal["pyav", "decord"] = "pyav"
    keyframes_only: bool = Field(
        default=False,
        description="index by key frames alone: fast and coarse, a frame may be seconds older than its time",
    )
    clip_seconds: float = Field(default=10.0, gt=0.5, le=15)
    shard_seconds: float = Field(default=120.0, ge=10, le=600)
    frames_per_second: float = Field(default=2.0, gt=0, le=4)
    long_side_pixels: int | None = Field(
        default=None, ge=64, le=4096, description="None: what the model reads best"
    )
    jpeg_quality: int = Field(default=85, ge=1, le=HIGHEST_JPEG_QUALITY)
    workers: int | None = Field(
        default=None, ge=1, le=4096, description="processes; None: threads in this process"
    )
    cluster: str | None = Field(
        default=None, description="dask://HOST:PORT, ray://HOST:PORT or auto (local Ray)"
    )
    cast: Path | None = Field(default=None, description="TOML file of people's own names")
    language: str | None = Field(default=None, description="preferred subtitle language, such as en")
    max_cost: float | None = Field(
        default=None, ge=0, description="US dollars; the run stops before passing it"
    )
    max_tokens: int | None = Field(
        default=None, ge=0, le=MOST_NUMBER, description="tokens in and out; the run stops before passing it"
    )
    fresh: bool = Field(default=False, description="call models again instead of using kept replies")
    record: Path | None = Field(
        default=None, description="append requests and replies to this file, for replay:FILE"
    )
    allow_url: bool = Field(default=False, description="read http(s) and s3 addresses")
    allow_private: bool = Field(
        default=False, description="with allow_url, also addresses of this machine and its network"
    )
    max_download: int = Field(
        default=16_384,
        ge=1,
        le=MOST_NUMBER,
        description="megabytes (2**20 bytes) that are fetched of one address, a list's videos together",
    )
    max_download_seconds: float = Field(
        default=43_200.0, gt=0, description="length of a page's video, beyond which it is not fetched"
    )
    downloads: Path | None = Field(
        default=None, description="folder for videos of pages; downloads beside the library when not given"
    )
    keep_downloads: bool = Field(
        default=True,
        description="keep videos of pages; else each is removed as the process that fetched it ends",
    )
    cookies: Path | None = Field(
        default=None, description="cookie file (Netscape) that is sent to the sites of pages; never written"
    )

    @model_validator(mode="after")
    def _shards_hold_whole_clips(self) -> Self:
        clips = self.shard_seconds / self.clip_seconds
        if abs(clips - round(clips)) > 1e-9:
            raise ValueError(
                f"shard_seconds must be a multiple of clip_seconds, got {self.shard_seconds} and {self.clip_seconds}"
            )
        return self

    def updated(self, **changes: Any) -> Self:
        """The same settings with these fields changed, checked; None means "not given". The environment is
        not read again.

        Raises `SettingsError`.
        """
        given = {name: value for name, value in changes.items() if value is not None}
        _check_names("argument", given)
        values = {name: getattr(self, name) for name in type(self).model_fields}
        try:
            return type(self)(**{**values, **given})
        except ValidationError as error:
            raise _explained(error, dict.fromkeys(given, "argument")) from None

    @property
    def vision_model(self) -> str:
        """The model of the vision role, after defaults."""
        return self.vision or OFFLINE

    @property
    def text_model(self) -> str:
        """The model of the text role: its own, else the vision role's, else offline."""
        return self.text or self.vision or OFFLINE

    def key(self, variable: str | None = None, *, pointed: bool = True) -> SecretStr | None:
        """The API key: from the key file, else from `variable` (a server family's own, such as
        GEMINI_API_KEY), else `api_key`.

        `pointed` says whether the server's address was given. OPENAI_API_KEY goes to OpenAI, or where it was
        pointed; not to whatever listens at a local server's usual port. Raises `SettingsError` when the file
        cannot be read.
        """
        if self.key_file is None:
            from_openai = self.api_key is not None and (
                self.api_key.get_secret_value() == os.environ.get("OPENAI_API_KEY", "").strip()
            )
            if self.api_key is not None and not from_openai:
                return self.api_key
            if variable == "OPENAI_API_KEY" or (variable is None and pointed):
                return self.api_key
            # A key for OpenAI is not shown to another maker's server.
            own = os.environ.get(variable or "", "").strip()
            return SecretStr(own) if own else None
        return SecretStr(_only_text(self.key_file, what="key_file", holds="key"))


@dataclass(frozen=True)
class FoundSettings:
    """Settings, and per name where the value came from: `default`, a file's path, a variable's name, or
    `argument`.

    `untrusted` is the line that says what the working folder's file was not allowed to set; None where there
    is nothing.
    """

    settings: Settings
    origins: dict[str, str]
    untrusted: str | None = None


@dataclass(frozen=True)
class SettingsFile:
    """What a settings file says, read once. `beyond` names what it sets that is only taken from a trusted
    one.
    """

    path: Path
    data: bytes
    values: Mapping[str, Any]
    beyond: tuple[str, ...] = ()


def served_token(file: Path | None = None) -> SecretStr | None:
    """What clients of the MCP server must send: from the file, else from MRVIDEO_MCP_TOKEN; None where
    neither is given.

    Raises `SettingsError` for a file that cannot be read, and for a token that could be guessed or fits no
    header.
    """
    if file is None:
        origin, text = TOKEN_VARIABLE, os.environ.get(TOKEN_VARIABLE, "").strip()
        if not text:
            return None
    else:
        origin, text = f"token file {file}", _only_text(file, what="token file", holds="token")
    if len(text) < _SHORTEST_TOKEN or not text.isascii() or not text.isprintable() or " " in text:
        raise SettingsError(
            f"{origin}: a token has {_SHORTEST_TOKEN} characters or more, of ASCII and without spaces; "
            "python -c 'import secrets; print(secrets.token_urlsafe())' makes one"
        )
    return SecretStr(text)


def _only_text(file: Path, *, what: str, holds: str) -> str:
    data = read_small(file, most_bytes=_MOST_KEY_BYTES, what=what, error=SettingsError)
    try:
        return data.decode("utf-8").strip()
    except UnicodeDecodeError:
        # Not chained: the error holds the bytes.
        raise SettingsError(f"{what} {file} is not text; name a file that holds the {holds} alone") from None


def load_settings(**arguments: Any) -> Settings:
    """Settings from all sources; an argument of None means "not given". Raises `SettingsError`, naming the
    source.
    """
    return explain_settings(**arguments)[0]


def choose_settings(settings: Settings | None, overrides: Mapping[str, Any]) -> Settings:
    """A `Settings` that is given is final but for the overrides; without one, all sources are read. Raises
    `SettingsError`.
    """
    return load_settings(**overrides) if settings is None else settings.updated(**overrides)


def explain_settings(**arguments: Any) -> tuple[Settings, dict[str, str]]:
    """Settings and, per name, where its value came from: `default`, a file's path, a variable's name, or
    `argument`.

    Raises `SettingsError`, also where the working folder's file sets what is only taken from a trusted one
    and neither the environment nor an argument does: to go on without would be another run than the one that
    was asked for.
    """
    found = find_settings(arguments)
    return found.settings, found.origins


def find_settings(arguments: Mapping[str, Any], *, needed: Collection[str] | None = None) -> FoundSettings:
    """`explain_settings` for a caller that needs these settings alone (None: all): others may be refused to
    the folder's file.

    Raises `SettingsError`.
    """
    layers: list[tuple[str, Mapping[str, Any]]] = []
    refused: tuple[str, ...] = ()
    folder = None
    if named := os.environ.get("MRVIDEO_CONFIG"):
        layers.append((named, _read_file(Path(named)).values))
    else:
        own, folder = _own_file(), folder_file()
        below: Mapping[str, Any] = {} if own is None else own.values
        if own is not None:
            layers.append((str(own.path), below))
        if folder is not None:
            taken = folder.values
            if not is_trusted(folder.path, folder.data):
                refused = folder.beyond
                taken = {
                    name: value
                    for name, value in taken.items()
                    if name not in refused and not _loosens(name, value, below)
                }
            layers.append((str(folder.path), taken))
    layers.append(("environment", _environment()))
    layers.append(("argument", {name: value for name, value in arguments.items() if value is not None}))

    values: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.model_fields, "default")
    for origin, layer in layers:
        _check_names(origin, layer)
        for name, value in layer.items():
            values[name] = value
            origins[name] = _variable(name) if origin == "environment" else origin
    said = layers[-1][1].keys() | layers[-2][1].keys()
    missing = tuple(name for name in refused if name not in said)
    untrusted = _untrusted(folder.path, missing) if folder is not None and missing else None
    if untrusted is not None and (needed is None or not set(missing).isdisjoint(needed)):
        raise SettingsError(untrusted)
    try:
        return FoundSettings(Settings(**values), origins, untrusted)
    except ValidationError as error:
        raise _explained(error, origins) from None


def folder_file(folder: Path | None = None) -> SettingsFile | None:
    """The settings file of a folder, the working folder by default; None where there is none or where it is
    your own.

    Raises `SettingsError` for one that cannot be read, or names settings that there are not.
    """
    path = Path(FILE_NAME) if folder is None else folder / FILE_NAME
    own = _own_path()
    if not os.path.lexists(path) or (own is not None and path.parent.resolve() == own.parent.resolve()):
        return None
    found = _read_file(path)
    _check_names(str(path), found.values)
    return found


def _own_file() -> SettingsFile | None:
    path = _own_path()
    return _read_file(path) if path is not None and path.is_file() else None


def _own_path() -> Path | None:
    try:
        return Path.home() / ".config" / "mrvideo" / FILE_NAME
    except RuntimeError:
        return None  # No home folder.


def _needs_trust(file: Path, name: str, value: Any) -> bool:
    if name in ("vision", "text", "speech"):
        return value != OFFLINE
    if name == "library":
        return not (isinstance(value, Path) and _lies_beside(file, value))
    return name not in HARMLESS and name not in _BOUNDS


def _lies_beside(file: Path, value: Path) -> bool:
    """Whether a path really leads into the file's folder, links followed."""
    try:
        return value.resolve().is_relative_to(file.parent.resolve())
    except (OSError, ValueError, RuntimeError):
        return False  # A loop of links, a name too long, a zero byte.


_BOUNDS = ("max_cost", "max_tokens")


def _loosens(name: str, value: Any, below: Mapping[str, Any]) -> bool:
    """Whether a folder's bound would lift one that the user's own file sets."""
    own = below.get(name)
    return name in _BOUNDS and own is not None and not (isinstance(value, int | float) and value <= own)


def _untrusted(file: Path, names: tuple[str, ...]) -> str:
    what = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    what += " is" if len(names) == 1 else " are"
    changed = "has changed since you trusted it" if was_trusted(file) else "is not one that you trust"
    return (
        f"{file}: {what} not taken from this file, which {changed}; read it, then `mrvideo config trust` "
        f"in its folder ({file.parent.resolve()}), or give the same by options or in your own ~/.config/mrvideo/{FILE_NAME}"
    )


def _check_names(origin: str, layer: Mapping[str, Any]) -> None:
    for name in layer:
        if name not in Settings.model_fields:
            known = ", ".join(sorted(Settings.model_fields))
            raise SettingsError(f"{origin}: no setting named {name[:_LONGEST_SHOWN]!r}; there are {known}")


def _explained(error: ValidationError, origins: Mapping[str, str]) -> SettingsError:
    first = error.errors()[0]
    if not first["loc"]:
        return SettingsError(first["msg"].removeprefix("Value error, "))
    name = str(first["loc"][0])
    shown = "" if name == "api_key" else f", got {repr(first['input'])[:_LONGEST_SHOWN]}"
    return SettingsError(f"{name} (from {origins.get(name, 'settings')}): {first['msg']}{shown}")


def _variable(name: str) -> str:
    if name == "api_key" and "MRVIDEO_API_KEY" not in os.environ:
        return "OPENAI_API_KEY"
    return f"MRVIDEO_{name.upper()}"


def _environment() -> dict[str, Any]:
    known = {f"MRVIDEO_{name.upper()}" for name in Settings.model_fields} | {"MRVIDEO_CONFIG", TOKEN_VARIABLE}
    for name in os.environ:
        if name.startswith("MRVIDEO_") and name not in known and not name.startswith("MRVIDEO_TEST_"):
            raise SettingsError(f"environment: no setting for {name}; mrvideo config show lists the names")
    found: dict[str, Any] = {}
    for name in Settings.model_fields:
        value = os.environ.get(_variable(name), "").strip()
        if value:
            found[name] = value
    return found


def _read_file(path: Path) -> SettingsFile:
    data = read_small(path, most_bytes=MOST_FILE_BYTES, what="settings file", error=SettingsError)
    try:
        said = read_toml(data)
    except ValueError as error:
        raise SettingsError(f"{path} is not TOML: {' '.join(str(error).split())[:_LONGEST_SHOWN]}") from error
    if "api_key" in said:
        raise SettingsError(f"{path}: api_key does not belong in this file; use key_file or OPENAI_API_KEY")
    values = {name: _from_folder(path, name, value) for name, value in said.items()}
    beyond = tuple(name for name, value in values.items() if _needs_trust(path, name, value))
    return SettingsFile(path=path, data=data, values=values, beyond=beyond)


def _from_folder(file: Path, name: str, value: Any) -> Any:
    """Paths in a settings file are relative to that file."""
    if name in ("library", "cast", "key_file", "record", "downloads", "cookies") and isinstance(value, str):
        return (file.parent / value).expanduser()
    return value
