"""Servers that already run on this machine, at the usual ports of the usual programs, and which of their
models take pictures.

Only lists of models are asked for, of 127.0.0.1 alone, past any proxy, without a key, and for a moment each.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, cast
from urllib.error import HTTPError

from mrvideo.models.engines.on_disk import config_of, takes_pictures
from mrvideo.models.engines.shapes import entries, fields
from mrvideo.models.json_values import parse

_SECONDS = 0.75
_MOST_BYTES = 2**21
_MOST_MODELS = 40
"""Of one server that are looked at."""
_LONGEST_NAME = 200


@dataclass(frozen=True)
class ServedModel:
    """A model that a server has. `sees` is None where the server does not tell."""

    name: str
    sees: bool | None


@dataclass(frozen=True)
class Server:
    """A server that answered. `scheme` is how its models are named here; `wants_key` says that it told
    nothing without one.
    """

    scheme: str
    label: str
    port: int
    models: tuple[ServedModel, ...] = ()
    wants_key: bool = False

    @property
    def base_url(self) -> str:
        """Where OpenAI's interface begins."""
        return f"http://127.0.0.1:{self.port}/v1"


Get = Callable[[str, dict[str, Any] | None], Any]
"""Path → parsed JSON; with a body it is sent. None where there is no such thing."""


@dataclass(frozen=True)
class Usual:
    """A program, its usual port, and how its models are listed."""

    scheme: str
    label: str
    port: int
    listed: Callable[[Get], Iterable[ServedModel] | None]


def running_servers(usual: tuple[Usual, ...] | None = None) -> tuple[Server, ...]:
    """Those that answer, in the order of the table; all are asked at once."""
    table = USUAL if usual is None else usual
    with ThreadPoolExecutor(max_workers=len(table)) as threads:
        return tuple(found for found in threads.map(_asked, table) if found is not None)


def _asked(usual: Usual) -> Server | None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())

    def get(path: str, body: dict[str, Any] | None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{usual.port}{path}", data=data, headers={"Content-Type": "application/json"}
        )
        try:
            with opener.open(request, timeout=_SECONDS) as answer:
                return parse(answer.read(_MOST_BYTES).decode("utf-8", "replace"))
        except HTTPError as error:
            error.close()
            if error.code in (401, 403):
                raise _WantsKeyError from error
            return None
        except (OSError, ValueError, HTTPException):
            return None

    try:
        listed = usual.listed(get)
        models = None if listed is None else tuple(listed)[:_MOST_MODELS]
    except _WantsKeyError:
        return Server(usual.scheme, usual.label, usual.port, wants_key=True)
    return None if models is None else Server(usual.scheme, usual.label, usual.port, models)


class _WantsKeyError(Exception):
    """The server lists nothing without a key."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """What a server of this machine names elsewhere is not asked."""
        return


# how each lists its models ----------------------------------------------------------------------------


def _named(said: Any, key: str, name: str) -> list[dict[str, Any]] | None:
    """The entries of a list under `key` that have a usable name; None where it is no such list."""
    found: Any = fields(said).get(key)
    if not isinstance(found, list):
        return None
    return [entry for entry in map(fields, entries(cast("Any", found))) if _is_name(entry.get(name))]


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable()


def _openai(get: Get) -> list[dict[str, Any]] | None:
    return _named(get("/v1/models", None), "data", "id")


def _ollama(get: Get) -> Iterable[ServedModel] | None:
    listed = _named(get("/api/tags", None), "models", "name")
    if listed is None:
        return None
    return [ServedModel(entry["name"], _ollama_sees(entry, get)) for entry in listed[:_MOST_MODELS]]


def _ollama_sees(entry: dict[str, Any], get: Get) -> bool | None:
    able: Any = entry.get("capabilities")
    if not isinstance(able, list):
        able = fields(get("/api/show", {"model": entry["name"]})).get("capabilities")
    return "vision" in entries(cast("Any", able)) if isinstance(able, list) else None


def _lmstudio(get: Get) -> Iterable[ServedModel] | None:
    # 0.4 and later; before, the type alone said it.
    listed = _named(get("/api/v1/models", None), "models", "key")
    if listed is not None:
        return [
            ServedModel(entry["key"], _truth(entry.get("capabilities"), "vision"))
            for entry in listed
            if entry.get("type") != "embedding"
        ]
    listed = _named(get("/api/v0/models", None), "data", "id")
    if listed is not None:
        known = {"vlm": True, "llm": False}
        return [
            ServedModel(entry["id"], known.get(str(entry.get("type"))))
            for entry in listed
            if entry.get("type") != "embeddings"
        ]
    listed = _openai(get)
    return None if listed is None else [ServedModel(entry["id"], None) for entry in listed]


def _truth(said: object, name: str) -> bool | None:
    found = fields(said).get(name)
    return found if isinstance(found, bool) else None


def _llamacpp(get: Get) -> Iterable[ServedModel] | None:
    said = get("/v1/models", None)
    listed = _named(said, "data", "id")
    if listed is None:
        return None
    able = [entry.get("capabilities") for entry in _named(said, "models", "name") or []]
    told = next(("multimodal" in one or "vision" in one for one in able if isinstance(one, list)), None)
    if len(listed) == 1:
        # With a projector for sound alone it is multimodal too: the modalities say more.
        seen = _truth(fields(get("/props", None)).get("modalities"), "vision")
        told = told if seen is None else seen
    return [ServedModel(entry["id"], told) for entry in listed]


def _by_config(get: Get) -> Iterable[ServedModel] | None:
    """vLLM does not say what a model takes; where its files lie on this disk, they do."""
    listed = _openai(get)
    if listed is None:
        return None
    return [ServedModel(entry["id"], _config_sees(entry)) for entry in listed]


def _config_sees(entry: dict[str, Any]) -> bool | None:
    root = entry.get("root")
    config = config_of(root if isinstance(root, str) else entry["id"])
    return None if config is None else takes_pictures(config)


USUAL = (
    Usual("ollama", "Ollama", 11434, _ollama),
    Usual("lmstudio", "LM Studio", 1234, _lmstudio),
    Usual("vllm", "vLLM", 8000, _by_config),
    Usual("sglang", "SGLang", 30000, _by_config),
    Usual("llamacpp", "llama.cpp", 8080, _llamacpp),
    # Its default since autumn 2026.
    Usual("llamacpp", "llama.cpp", 9931, _llamacpp),
)
