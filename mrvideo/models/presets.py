"""What differs between OpenAI-compatible servers, and between their models: two tables.

A preset is chosen by name (`--preset`, or as the scheme of a model name: `ollama:qwen2.5vl`), else by the
base URL's host, else by its port where a program has one of its own. An unknown server gets `generic`, which
assumes the least: a schema is asked for, and given up for JSON mode, then plain text, when the server refuses
it. Frames go as images everywhere, also to servers that take video: only so does each keep the time that
labels it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import urlsplit

from mrvideo.errors import SettingsError

ReplyFormat: TypeAlias = Literal["json_schema", "json_object", "text"]
Detail: TypeAlias = Literal["auto", "low", "high"]


@dataclass(frozen=True)
class Preset:
    """One server family. `key_variable` is the environment variable that its users know.

    `shows_schema`: the model reads the schema that is sent beside the prompt. Elsewhere it only masks tokens,
    or is ignored without a word, and the prompt must hold it too.
    """

    name: str
    base_url: str
    hosts: tuple[str, ...] = ()
    port: int | None = None
    key_variable: str | None = None
    needs_key: bool = False
    reply_format: ReplyFormat = "json_schema"
    strict: bool = False
    shows_schema: bool = False
    tokens_parameter: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    temperature: float | None = 0.0
    detail: Detail | None = None
    tools: bool = False
    max_images: int = 40
    context_tokens: int = 32_000
    long_side_pixels: int = 512
    concurrency: int = 16


GENERIC = Preset(name="generic", base_url="")

PRESETS: tuple[Preset, ...] = (
    Preset(
        name="openai",
        base_url="https://api.openai.com/v1",
        hosts=("api.openai.com",),
        key_variable="OPENAI_API_KEY",
        needs_key=True,
        strict=True,
        shows_schema=True,
        tokens_parameter="max_completion_tokens",
        detail="auto",
        tools=True,
        context_tokens=128_000,
        concurrency=32,
    ),
    Preset(
        name="gemini",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        hosts=("generativelanguage.googleapis.com",),
        key_variable="GEMINI_API_KEY",
        needs_key=True,
        shows_schema=True,
        tools=True,
        context_tokens=1_000_000,
    ),
    # vLLM and SGLang batch what is in flight: many calls at once cost them nothing and feed the GPU.
    Preset(name="vllm", base_url="http://localhost:8000/v1", port=8000, tools=True, concurrency=64),
    Preset(name="sglang", base_url="http://localhost:30000/v1", port=30000, tools=True, concurrency=64),
    # llama.cpp's server decodes as many at once as it has slots, and queues the rest.
    Preset(name="llamacpp", base_url="http://localhost:8080/v1", port=8080, tools=True, concurrency=4),
    # Ollama serves OLLAMA_NUM_PARALLEL calls (1 to 4 by default) and queues the rest.
    Preset(name="ollama", base_url="http://localhost:11434/v1", port=11434, tools=True, concurrency=4),
    Preset(name="lmstudio", base_url="http://localhost:1234/v1", port=1234, tools=True, concurrency=4),
    # `transformers serve` holds no reply to a schema, and refuses fields it does not know.
    Preset(name="transformers", base_url="http://localhost:8000/v1", reply_format="text", concurrency=8),
    GENERIC,
)


@dataclass(frozen=True)
class ModelTraits:
    """What a family of models does differently, wherever it is served.

    `reasoning_tokens` is added to the output bound, because hidden reasoning counts towards it.
    """

    prefixes: tuple[str, ...]
    refuses_temperature: bool = False
    reasoning_tokens: int = 0
    extra: tuple[tuple[str, Any], ...] = ()
    context_tokens: int | None = None


TRAITS: tuple[ModelTraits, ...] = (
    # The first row that fits wins.
    ModelTraits(prefixes=("gpt-5-chat",)),
    ModelTraits(
        prefixes=("gpt-5", "gpt-6"),
        refuses_temperature=True,
        reasoning_tokens=8192,
        extra=(("reasoning_effort", "low"),),
        context_tokens=272_000,
    ),
    ModelTraits(
        prefixes=("o1", "o3", "o4"),
        refuses_temperature=True,
        reasoning_tokens=8192,
        extra=(("reasoning_effort", "low"),),
        context_tokens=200_000,
    ),
    ModelTraits(prefixes=("gpt-4.1",), context_tokens=1_000_000),
    ModelTraits(prefixes=("gemini-2.5", "gemini-3"), reasoning_tokens=8192),
    ModelTraits(prefixes=("qwen3", "glm-4", "deepseek-r"), reasoning_tokens=4096),
)
_PLAIN = ModelTraits(prefixes=())


def preset_named(name: str) -> Preset:
    """The preset of that name. Raises `SettingsError`, listing those there are."""
    for preset in PRESETS:
        if preset.name == name:
            return preset
    raise SettingsError(f"no preset named {name!r}; there are {', '.join(preset.name for preset in PRESETS)}")


def preset_for(base_url: str | None) -> Preset:
    """The preset that fits a base URL; OpenAI's own when there is none."""
    if not base_url:
        return preset_named("openai")
    parts = urlsplit(base_url)
    host = (parts.hostname or "").lower()
    for preset in PRESETS:
        if host in preset.hosts:
            return preset
    for preset in PRESETS:
        if preset.port is not None and parts.port == preset.port:
            return preset
    return GENERIC


def traits_of(model: str) -> ModelTraits:
    """The traits of a model's family, by its name without the maker's folder: `openai/gpt-5-mini` is
    `gpt-5-mini`.
    """
    short = model.rsplit("/", 1)[-1].lower()
    return next((traits for traits in TRAITS if short.startswith(traits.prefixes)), _PLAIN)
