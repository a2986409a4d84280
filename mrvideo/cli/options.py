"""The options that several commands share; those in `SETTING_OPTIONS` become the settings of the same name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_args

import typer

from mrvideo.records import Effort, Recipe

MODELS = "Models"
READING = "Reading the video"
LIMITS = "Limits and workers"
KEEPING = "Library and output"

FETCHING = (
    "allow_url",
    "allow_private",
    "max_download",
    "max_download_seconds",
    "downloads",
    "keep_downloads",
    "cookies",
)
"""Settings of commands that read addresses."""

_SCHEMES = (
    "offline",
    "host",
    "openai:",
    "gemini:",
    "ollama:",
    "vllm:",
    "sglang:",
    "llamacpp:",
    "lmstudio:",
    "hf:",
    "replay:",
)
_PRESETS = ("openai", "gemini", "vllm", "sglang", "llamacpp", "ollama", "lmstudio", "transformers", "generic")
_annotated: Any = Annotated

VideoArgument = Annotated[
    str,
    typer.Argument(metavar="VIDEO", help="A video file, or 8 or more digits of an indexed video's digest."),
]
SubtitlesOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Subtitle file. Default: one beside or inside the video.",
        rich_help_panel=READING,
    ),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.", rich_help_panel=KEEPING)]


def completing(*words: str) -> Callable[[str], list[str]]:
    """What a shell may complete an option's value to."""

    def complete(incomplete: str) -> list[str]:
        return [word for word in words if word.startswith(incomplete)]

    return complete


def _option(
    kind: Any,
    panel: str,
    metavar: str,
    text: str,
    *,
    names: tuple[str, ...] = (),
    words: tuple[str, ...] = (),
) -> Any:
    """An option that may be left out: its value is then None, and the settings file or the environment
    decides.
    """
    declared = typer.Option(
        *names,
        metavar=None if kind is bool else metavar,
        help=text,
        rich_help_panel=panel,
        show_default=False,
        autocompletion=completing(*words) if words else None,
    )
    return _annotated[kind | None, declared]


def _choice(panel: str, words: tuple[str, ...], text: str) -> Any:
    return _option(str, panel, "|".join(words), text, words=words)


def _switch(panel: str, names: str, text: str) -> Any:
    return _option(bool, panel, "", text, names=(names,))


SETTING_OPTIONS: dict[str, Any] = {
    "vision": _option(
        str,
        MODELS,
        "MODEL",
        "Model that sees frames: openai:NAME, ollama:NAME, vllm:NAME, hf:FOLDER, replay:FILE, offline, or host: whoever takes the tasks.",
        words=_SCHEMES,
    ),
    "text": _option(
        str, MODELS, "MODEL", "Model that reads text. Default: the vision model.", words=_SCHEMES
    ),
    "verify_model": _option(
        str,
        MODELS,
        "MODEL",
        "Second model that checks the claims. Default: the vision model.",
        words=_SCHEMES,
    ),
    "speech": _option(
        str,
        MODELS,
        "MODEL",
        "Model that transcribes videos without subtitles: openai:NAME or faster-whisper:SIZE.",
        words=("openai:whisper-1", "faster-whisper:small", "faster-whisper:large-v3"),
    ),
    "embed": _option(
        str,
        MODELS,
        "MODEL",
        "Model that compares pictures: siglip2, a folder, a name on the hub, or offline (colours and textures). Default: none.",
        words=("siglip2", "offline"),
    ),
    "embed_text": _option(
        str,
        MODELS,
        "MODEL",
        "Model that compares texts by meaning: openai:text-embedding-3-small, ollama:NAME; they are sent to its server. hf:FOLDER and hf:NAME run here. Default: none.",
        words=("openai:text-embedding-3-small", "openai:text-embedding-3-large", "ollama:", "vllm:", "hf:"),
    ),
    "base_url": _option(str, MODELS, "URL", "OpenAI-compatible server, such as http://localhost:8000/v1."),
    "engine_args": _option(
        str, MODELS, "TEXT", "Further arguments of the server that vllm:, sglang: or llamacpp: starts."
    ),
    "engine_seconds": _option(
        float, MODELS, "SECONDS", "How long that server may take until it answers. Default: 900."
    ),
    "preset": _option(
        str,
        MODELS,
        "NAME",
        "Server family, where the URL does not tell: openai, vllm, ollama, …",
        words=_PRESETS,
    ),
    "recipe": _choice(MODELS, get_args(Recipe), "How clips are captioned. Default: fused."),
    "detail": _choice(
        MODELS,
        ("full", "glance"),
        "glance: a picture or two of each shot, at most 60 calls an hour. Default: full.",
    ),
    "effort": _choice(
        MODELS,
        get_args(Effort),
        "low reads captions, medium also looks at frames again, high also checks each claim; of a long video, exhaustive reads all. Default: high.",
    ),
    "max_opened": _option(
        int, MODELS, "N", "Chapters of a long video that a question opens at most. Default: 8."
    ),
    "reader": _choice(READING, ("pyav", "decord"), "Library that decodes the video. Default: pyav."),
    "keyframes_only": _switch(
        READING,
        "--keyframes-only/--no-keyframes-only",
        "Index key frames alone: fast, but a frame may be seconds older than its time.",
    ),
    "language": _option(str, READING, "CODE", "Preferred language of subtitles and speech, such as en."),
    "cast": _option(Path, READING, "FILE", "TOML file with the names of people in the video."),
    "allow_url": _switch(
        READING, "--allow-url/--no-allow-url", "Read http, https and s3 addresses: media files and web pages."
    ),
    "allow_private": _switch(
        READING,
        "--allow-private/--no-allow-private",
        "With --allow-url, also addresses of this machine and its network.",
    ),
    "max_download": _option(
        int, READING, "MB", "Megabytes that are fetched of one address at most. Default: 16384."
    ),
    "max_download_seconds": _option(
        float, READING, "SECONDS", "Length of a page's video that is fetched at most. Default: 43200."
    ),
    "cookies": _option(Path, READING, "FILE", "Cookie file (Netscape) for sites of pages."),
    "downloads": _option(
        Path, KEEPING, "FOLDER", "Where videos of web pages are kept. Default: downloads beside the library."
    ),
    "keep_downloads": _switch(
        KEEPING,
        "--keep-downloads/--no-keep-downloads",
        "Keep videos of web pages, or remove them when the command ends.",
    ),
    "max_cost": _option(
        float, LIMITS, "DOLLARS", "Stop before more is spent; the same command continues later."
    ),
    "max_tokens": _option(int, LIMITS, "N", "Stop before more tokens are used."),
    "concurrency": _option(int, LIMITS, "N", "Model calls in flight at once."),
    "max_images": _option(int, LIMITS, "N", "Images in one request."),
    "context_tokens": _option(
        int, LIMITS, "N", "Tokens that one request may hold, with its reply and images."
    ),
    "max_output_tokens": _option(int, LIMITS, "N", "Tokens of one reply."),
    "workers": _option(int, LIMITS, "N", "Worker processes. Default: threads in this process."),
    "cluster": _option(
        str, LIMITS, "URL", "Work on a cluster: dask://HOST:PORT, ray://HOST:PORT, or auto for a local Ray."
    ),
    "library": _option(Path, KEEPING, "FILE", "The library file. Default: .mrvideo/library.db."),
    "record": _option(
        Path, KEEPING, "FILE", "Append requests and replies to this file, for --vision replay:FILE."
    ),
    "fresh": _switch(KEEPING, "--no-cache/--cache", "Call models again, although their replies are kept."),
}
"""Setting → its option."""
