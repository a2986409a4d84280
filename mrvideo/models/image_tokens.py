"""How many tokens an image counts as: one table of the makers' published rules.

tiles     OpenAI, older models: a base, plus so much for each 512-px tile after scaling to 2048 × 768
patches   OpenAI, newer and small models: 32-px patches, at most 1536, times a factor
gemini    258 up to 384 × 384, else 258 for each 768-px tile
grid      Qwen-VL and kin: one token for each 28-px (Qwen3: 32-px) square, two marks around them
pixels    Claude: width × height ÷ 750
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class ImageRule:
    """One family's rule. `base` and `per_unit` are tokens; what a unit is depends on the kind."""

    prefixes: tuple[str, ...]
    kind: Literal["tiles", "patches", "gemini", "grid", "pixels", "fixed"]
    base: float = 0
    per_unit: float = 1
    unit_pixels: int = 0
    most_units: int = 0
    source: str = ""


_OPENAI = "developers.openai.com/api/docs/guides/images-vision, 2026-11"
_GOOGLE = "ai.google.dev/gemini-api/docs/tokens, 2026-11"
_QWEN = "huggingface.co/Qwen/Qwen2.5-VL-7B-Instruct and Qwen3-VL model cards, 2026-11"

IMAGE_RULES: tuple[ImageRule, ...] = (
    # The first row that fits wins. Where the API was measured to bill less than its guide says, the guide's
    # higher factor stays: an estimate should not be too low.
    ImageRule(("gpt-4o-mini",), "tiles", base=2833, per_unit=5667, source=_OPENAI),
    ImageRule(("gpt-4.1-mini",), "patches", per_unit=1.62, unit_pixels=32, most_units=1536, source=_OPENAI),
    ImageRule(("gpt-4.1-nano",), "patches", per_unit=2.46, unit_pixels=32, most_units=1536, source=_OPENAI),
    ImageRule(("o4-mini",), "patches", per_unit=1.72, unit_pixels=32, most_units=1536, source=_OPENAI),
    ImageRule(("gpt-4o", "gpt-4.1"), "tiles", base=85, per_unit=170, source=_OPENAI),
    ImageRule(("o1", "o3"), "tiles", base=75, per_unit=150, source=_OPENAI),
    ImageRule(
        ("gpt-5-mini", "gpt-5.4-mini"),
        "patches",
        per_unit=1.62,
        unit_pixels=32,
        most_units=1536,
        source=_OPENAI,
    ),
    ImageRule(
        ("gpt-5-nano", "gpt-5.4-nano"),
        "patches",
        per_unit=2.46,
        unit_pixels=32,
        most_units=1536,
        source=_OPENAI,
    ),
    ImageRule(("gpt-5.", "gpt-6"), "patches", per_unit=1.2, unit_pixels=32, most_units=2500, source=_OPENAI),
    ImageRule(("gpt-5",), "tiles", base=70, per_unit=140, source=_OPENAI),
    # Gemini 3 counts by `media_resolution`; its default for an image is 1120.
    ImageRule(
        ("gemini-3",), "fixed", base=1120, source="ai.google.dev/gemini-api/docs/media-resolution, 2026-11"
    ),
    ImageRule(("gemini",), "gemini", per_unit=258, unit_pixels=768, source=_GOOGLE),
    ImageRule(("qwen3",), "grid", base=2, unit_pixels=32, source=_QWEN),
    ImageRule(("qwen",), "grid", base=2, unit_pixels=28, source=_QWEN),
    ImageRule(("claude",), "pixels", unit_pixels=750, source="platform.claude.com/docs, vision, 2026-11"),
)
GENERIC_RULE = ImageRule(
    (), "grid", base=2, unit_pixels=28, source="Qwen2.5-VL's rule, for want of a better one"
)


def image_rule(model: str) -> ImageRule:
    """The rule of a model's family, by its name without the scheme and the maker's folder."""
    short = model.rpartition(":")[2] if "/" not in model else model.rsplit("/", 1)[-1]
    # `ollama:qwen2.5vl:7b` keeps its tag; the family is what comes first.
    names = {short.lower(), model.partition(":")[2].rsplit("/", 1)[-1].lower(), model.lower()}
    for rule in IMAGE_RULES:
        if any(name.startswith(rule.prefixes) for name in names):
            return rule
    return GENERIC_RULE


def image_tokens(width: int, height: int, model: str, detail: str | None = None) -> int:
    """Tokens of one image of that size, in pixels. `detail="low"` matters for rules by tiles only."""
    rule = image_rule(model)
    if rule.kind == "fixed":
        return round(rule.base)
    if rule.kind == "tiles":
        if detail == "low":
            return round(rule.base)
        shrink = min(1.0, 2048 / max(width, height))
        shrink *= min(1.0, 768 / (min(width, height) * shrink))
        tiles = math.ceil(width * shrink / 512) * math.ceil(height * shrink / 512)
        return round(rule.base + rule.per_unit * tiles)
    if rule.kind == "patches":
        patches = math.ceil(width / rule.unit_pixels) * math.ceil(height / rule.unit_pixels)
        return math.ceil(min(patches, rule.most_units) * rule.per_unit)
    if rule.kind == "gemini":
        if max(width, height) <= 384:
            return round(rule.per_unit)
        return round(
            math.ceil(width / rule.unit_pixels) * math.ceil(height / rule.unit_pixels) * rule.per_unit
        )
    if rule.kind == "pixels":
        return math.ceil(width * height / rule.unit_pixels)
    squares = max(round(width / rule.unit_pixels), 1) * max(round(height / rule.unit_pixels), 1)
    return round(max(squares, 4) + rule.base)
