"""How many tokens an image counts as: one table of the makers' published rules, and what a model's own folder
says.
"""

from __future__ import annotations

from pathlib import Path

from mrvideo.models.image_folder import folder_rule
from mrvideo.models.image_rule import ImageRule

_OPENAI = "developers.openai.com/api/docs/guides/images-vision, 2026-11"
_GOOGLE = "ai.google.dev/gemini-api/docs/tokens, 2026-11"
_QWEN = "huggingface.co/Qwen/Qwen2.5-VL-7B-Instruct and Qwen3-VL model cards, 2026-11"
# Held to the processors' own counts by tests/models/test_zoo.py.
_SMOL = "SmolVLM2's preprocessor_config.json as published, 2026-11"
_HF = "the family's processor and config classes in transformers 5.24, 2026-11"

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
    ImageRule(("qwen3",), "grid", base=2, unit_pixels=32, least_pixels=4096, source=_QWEN),
    ImageRule(("qwen",), "grid", base=2, unit_pixels=28, least_pixels=3136, source=_QWEN),
    ImageRule(("internvl",), "crops", base=3, per_unit=256, unit_pixels=448, most_units=12, source=_HF),
    ImageRule(("gemma-3", "gemma3"), "fixed", base=260, source=_HF),
    # One of several images; one alone is cut into tiles.
    ImageRule(("llava-onevision",), "fixed", base=730, source=_HF),
    ImageRule(
        ("glm-4.1v", "glm-4.5v", "glm-4v"), "grid", base=2, unit_pixels=28, least_pixels=6272, source=_HF
    ),
    ImageRule(
        ("smolvlm2-2.2b",), "split", base=3, per_unit=81, unit_pixels=384, long_side_pixels=1536, source=_SMOL
    ),
    ImageRule(
        ("smolvlm",), "split", base=3, per_unit=64, unit_pixels=512, long_side_pixels=2048, source=_SMOL
    ),
    ImageRule(
        ("idefics3",), "split", base=3, per_unit=169, unit_pixels=364, long_side_pixels=1456, source=_HF
    ),
    ImageRule(("pixtral",), "rows", unit_pixels=16, long_side_pixels=1024, source=_HF),
    ImageRule(
        ("mistral-small-3",),
        "rows",
        unit_pixels=28,
        long_side_pixels=1540,
        source=_HF,
    ),
    ImageRule(("phi-4-multimodal",), "hd", base=273, unit_pixels=448, most_units=36, source=_HF),
    ImageRule(("claude",), "pixels", unit_pixels=750, source="platform.claude.com/docs, vision, 2026-11"),
)
GENERIC_RULE = ImageRule(
    (),
    "grid",
    base=2,
    unit_pixels=28,
    least_pixels=3136,
    source="Qwen2.5-VL's rule, for want of a better one",
)


def image_rule(model: str) -> ImageRule:
    """The rule of a model: by its folder (`hf:FOLDER`), else of its family, by its name without the scheme
    and the maker's folder.
    """
    local = model.startswith("hf:")
    if local and (found := folder_rule(Path(model.partition(":")[2]))) is not None:
        return found
    short = model.rpartition(":")[2] if "/" not in model else model.rsplit("/", 1)[-1]
    # `ollama:qwen2.5vl:7b` keeps its tag; the family is what comes first.
    names = {short.lower(), model.partition(":")[2].rsplit("/", 1)[-1].lower(), model.lower()}
    for rule in IMAGE_RULES:
        if any(name.startswith(rule.prefixes) for name in names):
            return rule.whole() if local else rule
    return GENERIC_RULE


def image_tokens(width: int, height: int, model: str, detail: str | None = None) -> int:
    """Tokens of one image of that size, in pixels. `detail="low"` matters for rules by tiles only."""
    return image_rule(model).tokens(width, height, low_detail=detail == "low")
