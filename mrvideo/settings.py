"""Settings: defaults, a TOML file, the environment and arguments become one frozen value.

Later wins:  default  <  mrvideo.toml  <  MRVIDEO_* environment  <  argument (or command-line flag)

`mrvideo.toml` is looked for in the working folder, then in `~/.config/mrvideo/`; `MRVIDEO_CONFIG` names another.
This is the only room that reads `os.environ`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from typing_extensions import Self

from mrvideo.errors import SettingsError
from mrvideo.records import HIGHEST_JPEG_QUALITY, Effort, Recipe

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

OFFLINE = "offline"

_TELEMETRY_OFF = {
    "ORT_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}


def silence_telemetry() -> None:
    """Tell the libraries that report their use to their makers not to; worker processes inherit it.

    Call it before one of them is imported. What the user has set for one of them stays.
    """
    for name, value in _TELEMETRY_OFF.items():
        os.environ.setdefault(name, value)


def state_folder() -> Path:
    """Where logs are kept: `mrvideo` in XDG_STATE_HOME, on Windows in LOCALAPPDATA, else in `~/.local/state`.

    Raises `RuntimeError` where the user has no home folder. The folder need not exist yet.
    """
    named = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_STATE_HOME", "")
    # A relative path there is to be ignored, says the XDG specification.
    base = Path(named) if Path(named).is_absolute() else Path.home() / ".local" / "state"
    return base / "mrvideo"


class Settings(BaseModel):
    """Every knob, typed. Unknown names and values out of bounds raise `SettingsError` through `load_settings`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    vision: str | None = Field(
        default=None, description="model that sees frames: openai:MODEL, hf:PATH, offline"
    )
    text: str | None = Field(
        default=None, description="model that reads text; the vision model when not given"
    )
    speech: str | None = Field(
        default=None, description="model that transcribes: openai:MODEL, faster-whisper:SIZE"
    )
    base_url: str | None = Field(default=None, description="OpenAI-compatible server, for all roles")
    vision_base_url: str | None = Field(default=None, description="server for the vision role alone")
    text_base_url: str | None = Field(default=None, description="server for the text role alone")
    speech_base_url: str | None = Field(default=None, description="server for the speech role alone")
    preset: str | None = Field(
        default=None, description="server family; found from the base URL when not given"
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
        default=None, ge=1024, description="what one request may hold, reply and images with it"
    )
    max_output_tokens: int | None = Field(default=None, ge=64, description="bound on any one reply")
    recipe: Recipe = "fused"
    effort: Effort = "high"
    max_rounds: int = Field(default=2, ge=1, le=10, description="answer-and-verify rounds at effort high")
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
    workers: int | None = Field(default=None, ge=1, description="processes; None: threads in this process")
    cluster: str | None = Field(
        default=None, description="dask://HOST:PORT, ray://HOST:PORT or auto (local Ray)"
    )
    cast: Path | None = Field(default=None, description="TOML file of people's own names")
    language: str | None = Field(default=None, description="preferred subtitle language, such as en")
    max_cost: float | None = Field(
        default=None, ge=0, description="US dollars; the run stops before passing it"
    )
    max_tokens: int | None = Field(
        default=None, ge=0, description="tokens in and out; the run stops before passing it"
    )
    fresh: bool = Field(default=False, description="call models again instead of using kept replies")
    allow_url: bool = Field(default=False, description="read http(s) and s3 addresses")

    @model_validator(mode="after")
    def _shards_hold_whole_clips(self) -> Self:
        clips = self.shard_seconds / self.clip_seconds
        if abs(clips - round(clips)) > 1e-9:
            raise ValueError(
                f"shard_seconds must be a multiple of clip_seconds, got {self.shard_seconds} and {self.clip_seconds}"
            )
        return self

    def updated(self, **changes: Any) -> Self:
        """The same settings with these fields changed, checked; None means "not given". The environment is not read again.

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

    def key(self, variable: str | None = None) -> SecretStr | None:
        """The API key: from the key file, else from `variable` (a server family's own, such as GEMINI_API_KEY), else `api_key`.

        Raises `SettingsError` when the file cannot be read.
        """
        if self.key_file is None:
            from_openai = self.api_key is not None and (
                self.api_key.get_secret_value() == os.environ.get("OPENAI_API_KEY", "").strip()
            )
            if variable in (None, "OPENAI_API_KEY") or (self.api_key is not None and not from_openai):
                return self.api_key
            # A key for OpenAI is not shown to another maker's server.
            own = os.environ.get(variable or "", "").strip()
            return SecretStr(own) if own else None
        try:
            return SecretStr(self.key_file.read_text(encoding="utf-8").strip())
        except OSError as error:
            raise SettingsError(
                f"key_file {self.key_file}: {error.strerror}; name a readable file"
            ) from error


def load_settings(**arguments: Any) -> Settings:
    """Settings from all sources; an argument of None means "not given". Raises `SettingsError`, naming the source."""
    return explain_settings(**arguments)[0]


def explain_settings(**arguments: Any) -> tuple[Settings, dict[str, str]]:
    """Settings and, per name, where its value came from: `default`, a file's path, a variable's name, or `argument`."""
    file_path = _file()
    layers: list[tuple[str, Mapping[str, Any]]] = []
    if file_path is not None:
        layers.append((str(file_path), _read_file(file_path)))
    layers.append(("environment", _environment()))
    layers.append(("argument", {name: value for name, value in arguments.items() if value is not None}))

    values: dict[str, Any] = {}
    origins = dict.fromkeys(Settings.model_fields, "default")
    for origin, layer in layers:
        _check_names(origin, layer)
        for name, value in layer.items():
            values[name] = value
            origins[name] = _variable(name) if origin == "environment" else origin
    try:
        return Settings(**values), origins
    except ValidationError as error:
        raise _explained(error, origins) from None


def _check_names(origin: str, layer: Mapping[str, Any]) -> None:
    for name in layer:
        if name not in Settings.model_fields:
            known = ", ".join(sorted(Settings.model_fields))
            raise SettingsError(f"{origin}: no setting named {name!r}; there are {known}")


def _explained(error: ValidationError, origins: Mapping[str, str]) -> SettingsError:
    first = error.errors()[0]
    if not first["loc"]:
        return SettingsError(first["msg"].removeprefix("Value error, "))
    name = str(first["loc"][0])
    shown = "" if name == "api_key" else f", got {first['input']!r}"
    return SettingsError(f"{name} (from {origins.get(name, 'settings')}): {first['msg']}{shown}")


def _variable(name: str) -> str:
    if name == "api_key" and "MRVIDEO_API_KEY" not in os.environ:
        return "OPENAI_API_KEY"
    return f"MRVIDEO_{name.upper()}"


def _environment() -> dict[str, Any]:
    known = {f"MRVIDEO_{name.upper()}" for name in Settings.model_fields} | {"MRVIDEO_CONFIG"}
    for name in os.environ:
        if name.startswith("MRVIDEO_") and name not in known and not name.startswith("MRVIDEO_TEST_"):
            raise SettingsError(f"environment: no setting for {name}; mrvideo config show lists the names")
    found: dict[str, Any] = {}
    for name in Settings.model_fields:
        value = os.environ.get(_variable(name), "").strip()
        if value:
            found[name] = value
    return found


def _file() -> Path | None:
    named = os.environ.get("MRVIDEO_CONFIG")
    if named:
        return Path(named)
    for candidate in (Path("mrvideo.toml"), Path.home() / ".config" / "mrvideo" / "mrvideo.toml"):
        if candidate.is_file():
            return candidate
    return None


def _read_file(path: Path) -> dict[str, Any]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}; name a readable file in MRVIDEO_CONFIG") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error
    if "api_key" in data:
        raise SettingsError(f"{path}: api_key does not belong in this file; use key_file or OPENAI_API_KEY")
    return {name: _from_folder(path, name, value) for name, value in data.items()}


def _from_folder(file: Path, name: str, value: Any) -> Any:
    """Paths in a settings file are relative to that file."""
    if name in ("library", "cast", "key_file") and isinstance(value, str):
        return (file.parent / value).expanduser()
    return value
