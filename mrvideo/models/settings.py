"""Settings of one model: a frozen value that can be sent to worker processes."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from typing_extensions import Self

from mrvideo.errors import SettingsError
from mrvideo.models.presets import PRESETS, Detail, Preset, ReplyFormat, preset_for, preset_named, traits_of

SERVERS = ("openai", *(preset.name for preset in PRESETS if preset.name not in ("openai", "generic")))
"""Schemes that mean: an OpenAI-compatible server."""
ENGINES = ("vllm", "sglang", "llamacpp")
"""Schemes of servers that mrvideo starts where no address is given."""
SCHEMES = (*SERVERS, "hf", "replay", "scripted")
HOST = "host"
"""The model of whoever takes tasks and answers them."""
_WHOLE_NAMES = ("offline", HOST)


class ModelSettings(BaseModel):
    """A model, its address and its parameters. Make it with `ModelSettings.parse`, which checks the name.

    None means the default of the preset or of the model's family.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str = Field(
        description="as the user wrote it: openai:gpt-5-mini, hf:PATH, replay:FILE, scripted:FILE, host, offline"
    )
    base_url: str | None = None
    api_key: SecretStr | None = None
    preset: str | None = None
    concurrency: int | None = Field(default=None, ge=1)
    timeout_seconds: float = Field(default=120.0, gt=0)
    temperature: float | None = Field(default=None, ge=0, le=2)
    max_output_tokens: int | None = Field(default=None, ge=1, description="above what a request asks for")
    max_attempts: int = Field(default=8, ge=1, description="tries of one call before it counts as failed")
    reply_format: ReplyFormat | None = None
    detail: Detail | None = None
    max_images: int | None = Field(default=None, ge=1, le=40)
    context_tokens: int | None = Field(default=None, ge=1024)
    long_side_pixels: int | None = Field(default=None, ge=64)
    extra_body: dict[str, Any] = Field(default_factory=dict, description="sent to the server as it is")
    device: str | None = Field(default=None, description="hf: cuda:0, cpu; None: the best there is")
    batch_size: int | None = Field(
        default=None, ge=1, description="hf: requests decoded at once, at most; by default what memory allows"
    )
    starts: bool = Field(default=False, description="no address was given: its server is started, or joined")
    in_worker: bool = Field(
        default=False, description="used by a worker process of a run, besides the run's own"
    )
    direct: bool = Field(default=False, description="of this machine: no proxy is asked on the way to it")
    engine_args: str | None = Field(
        default=None, description="further arguments of the server that is started"
    )
    engine_seconds: float = Field(default=900.0, gt=0, description="until the server that is started answers")
    recorded: bool = Field(
        default=False, description="whether replies are recorded: a worker must hand them back"
    )

    @classmethod
    def parse(cls, name: str, **fields: Any) -> Self:
        """Settings for a model's name, checked. Raises `SettingsError`, saying which names there are.

        `gemini:MODEL`, `ollama:MODEL` and the like are short for that preset and its usual base URL.
        """
        scheme, _, rest = name.partition(":")
        if name not in _WHOLE_NAMES and (scheme not in SCHEMES or not rest):
            raise SettingsError(
                f"no model {name!r}; write offline, host, {', '.join(f'{s}:NAME' for s in SCHEMES)}"
            )
        try:
            settings = cls(name=name, **fields)
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            raise SettingsError(f"model {name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        if settings.talks_to_server:
            url = (settings.base_url or "").strip()
            if url:
                _check_url(name, url)
            # Without an address of its own the usual one stands for it: what is kept of a model is found
            # again by that,
            # whichever port its server has this time.
            return settings.model_copy(
                update={
                    "base_url": (url or settings.server.base_url).rstrip("/"),
                    "starts": not url and settings.scheme in ENGINES,
                }
            )
        return settings

    @property
    def identity(self) -> str:
        """Equal for settings that open the same model with the same key. Holds the key's digest, not the key."""
        key = "" if self.api_key is None else self.api_key.get_secret_value()
        own = hashlib.sha256(key.encode()).hexdigest()
        return f"{self.model_dump_json(exclude={'api_key'})}\n{own}"

    @property
    def scheme(self) -> str:
        """`openai`, `hf`, `offline`, …"""
        return self.name.partition(":")[0]

    @property
    def model(self) -> str:
        """The name as the server or the loader knows it."""
        return self.name.partition(":")[2]

    @property
    def talks_to_server(self) -> bool:
        """Whether requests leave this process."""
        return self.scheme in SERVERS

    @property
    def server(self) -> Preset:
        """The preset: by name, by the model name's scheme, or by the base URL."""
        if self.preset is not None:
            return preset_named(self.preset)
        if self.scheme in SERVERS and self.scheme != "openai":
            return preset_named(self.scheme)
        return preset_for(self.base_url)

    @property
    def sent_temperature(self) -> float | None:
        """The temperature to send, or None where the model refuses one."""
        if traits_of(self.model).refuses_temperature:
            return None
        return self.temperature if self.temperature is not None else self.server.temperature

    @property
    def fingerprint(self) -> str:
        """Name and every parameter that changes replies. Holds no secret: `extra_body` is digested."""
        parts = {
            "name": self.name,
            "base_url": self.base_url,
            "temperature": self.sent_temperature if self.talks_to_server else self.temperature,
            "max_output_tokens": self.max_output_tokens,
            "reply_format": self.reply_format or (self.server.reply_format if self.talks_to_server else None),
            "detail": self.detail or (self.server.detail if self.talks_to_server else None),
            "extra": hashlib.sha256(json.dumps(self.extra_body, sort_keys=True).encode()).hexdigest()[:16],
        }
        kept = {name: value for name, value in parts.items() if value is not None}
        return json.dumps(kept, sort_keys=True)


def _check_url(name: str, url: str) -> None:
    # The address is not repeated: what was pasted here by mistake may be a key.
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        host.encode("idna")
    except ValueError as error:
        what = "its port is none" if "ort" in str(error) else "its host is none"
        raise SettingsError(
            f"model {name}: base_url is no address, {what}; write it like http://localhost:8000/v1"
        ) from None
    if (
        parts.scheme not in ("http", "https")
        or not host
        or port == 0
        or re.search(r"[\s\x00-\x1f<>\\^`{|}]", url)
    ):
        raise SettingsError(
            f"model {name}: base_url is no http address; write it like http://localhost:8000/v1"
        )
    if parts.username or parts.password or parts.query:
        raise SettingsError(
            f"model {name}: a base_url holds no key, password or query; give the key by api_key or key_file"
        )
