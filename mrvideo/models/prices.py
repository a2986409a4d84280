"""Money: what a model's tokens cost, and what a request will take before it is sent."""

from __future__ import annotations

import io
import re
import sys
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, cast

from mrvideo.errors import SettingsError
from mrvideo.models.base import Picture, Request
from mrvideo.models.image_tokens import image_tokens
from mrvideo.models.tokens import text_tokens
from mrvideo.records import Usage

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["Price", "cost", "estimate", "image_tokens", "load_prices", "price_of", "text_tokens"]

USER_FILE = Path("~/.config/mrvideo/prices.toml")
FREE = ("offline", "host", "hf", "replay", "scripted", "faster-whisper")
"""Schemes that run in this process, or that the caller answers: nobody sends us a bill."""

MESSAGE_TOKENS = 8
"""Around each request: roles and separators, as OpenAI counts them."""
_DATED = re.compile(r"-\d{4}-\d{2}-\d{2}$|-\d{8}$")


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens. `cached`: input that the server found in its prompt cache."""

    input: float
    cached: float
    output: float


@cache
def load_prices(user_file: Path | None = None) -> dict[str, Price]:
    """The shipped table with the user's laid over it, entry by entry. Raises `SettingsError` on a file that
    does not fit.

    `user_file` None means `~/.config/mrvideo/prices.toml`, where there is one.
    """
    shipped = resources.files("mrvideo.models").joinpath("prices.toml").read_text(encoding="utf-8")
    prices = _parse(shipped, "prices.toml")
    file = user_file or USER_FILE.expanduser()
    if user_file is not None or file.is_file():
        try:
            prices |= _parse(file.read_text(encoding="utf-8"), str(file))
        except OSError as error:
            raise SettingsError(f"price file {file}: {error.strerror}") from error
    return prices


def _parse(text: str, where: str) -> dict[str, Price]:
    try:
        table = tomllib.load(io.BytesIO(text.encode()))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"price file {where}: not TOML: {error}") from error
    prices: dict[str, Price] = {}
    for model, raw in cast("dict[str, Any]", table.get("models", {})).items():
        entry = cast("dict[str, Any]", raw) if isinstance(raw, dict) else {}
        numbers = [entry.get(name) for name in ("input", "output")] + [
            entry.get("cached", entry.get("input"))
        ]
        if not all(isinstance(n, int | float) and not isinstance(n, bool) and n >= 0 for n in numbers):
            raise SettingsError(
                f'price file {where}: write "{model}" = {{ input = 0.25, cached = 0.025, output = 2.00 }}'
            )
        price_in, price_out, price_cached = (float(cast("float", n)) for n in numbers)
        prices[model.lower()] = Price(input=price_in, cached=price_cached, output=price_out)
    return prices


def price_of(model: str, user_file: Path | None = None) -> Price | None:
    """A model's price by its full name (`openai:gpt-5-mini`) or its own; None when the table does not hold
    it.
    """
    scheme, _, rest = model.partition(":")
    if scheme in FREE:
        return Price(0.0, 0.0, 0.0)
    prices = load_prices(user_file)
    for name in (model, rest):
        for key in (name.lower(), _DATED.sub("", name.lower())):
            if key in prices:
                return prices[key]
    return None


def cost(model: str, usage: Usage, user_file: Path | None = None) -> float | None:
    """US dollars for that usage, or None when the model's price is unknown."""
    price = price_of(model, user_file)
    if price is None:
        return None
    fresh = max(usage.input_tokens - usage.cached_tokens, 0)
    total = fresh * price.input + usage.cached_tokens * price.cached + usage.output_tokens * price.output
    return total / 1_000_000


def estimate(
    request: Request[Any],
    model: str,
    *,
    further: str = "",
    detail: str | None = None,
    output_tokens: int | None = None,
    user_file: Path | None = None,
) -> Usage:
    """What one request will take, before it is sent; `output_tokens` defaults to the request's bound.

    `further` is text that follows the request, such as a reply that is to be repaired. Counts the rendered
    prompt, each picture's label and each picture by its size. Servers that are sent the reply's schema count
    it too.
    """
    rendered = request.render()
    text = MESSAGE_TOKENS + text_tokens(rendered.system, model) + text_tokens(rendered.user, model)
    text += schema_tokens(request.reply_type, model) + (text_tokens(further, model) if further else 0)
    images = 0
    for picture in request.pictures:
        text += text_tokens(picture.label, model) + 1
        images += image_tokens(*picture_size(picture), model, detail)
    usage = Usage(
        calls=1,
        input_tokens=text + images,
        output_tokens=request.max_output_tokens if output_tokens is None else output_tokens,
        images=len(request.pictures),
    )
    return usage.model_copy(update={"cost": cost(model, usage, user_file)})


@cache
def schema_tokens(reply_type: type[Any], model: str) -> int:
    """Tokens of a reply type's JSON schema, as it is sent."""
    from mrvideo.models.schema import schema_text

    return text_tokens(schema_text(reply_type), model)


def picture_size(picture: Picture) -> tuple[int, int]:
    """Width and height in pixels, from the JPEG's header."""
    from PIL import Image

    size: tuple[int, int] = Image.open(io.BytesIO(picture.jpeg)).size  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    return size
