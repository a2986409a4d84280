"""Which rule counts the image tokens of a model in a folder: by its config.json and its processor's files.

A type that is not listed, or a number that its files do not have, leaves the rule of the model's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from mrvideo.models.engines.on_disk import json_in
from mrvideo.models.image_rule import ImageRule

_SOURCE = "the folder's config.json and preprocessor_config.json"


@dataclass(frozen=True)
class _Files:
    """What a folder says: `config` of the model, `images` of the part that prepares pictures, `processor` of
    the whole.
    """

    config: Mapping[str, Any]
    images: Mapping[str, Any]
    processor: Mapping[str, Any]

    @property
    def tower(self) -> Mapping[str, Any]:
        """The vision tower's config."""
        return cast("Mapping[str, Any]", self.config.get("vision_config") or {})


def folder_rule(folder: Path) -> ImageRule | None:
    """The rule of the model in `folder`, its images not cut into tiles; None where there is no such folder,
    or no rule for it.
    """
    try:
        changed_ns = (folder / "config.json").stat().st_mtime_ns
    except OSError:
        return None
    return _read(folder, changed_ns)


@lru_cache(maxsize=64)
def _read(folder: Path, changed_ns: int) -> ImageRule | None:
    config, processor = (json_in(folder / name) or {} for name in ("config.json", "processor_config.json"))
    images = processor.get("image_processor") or json_in(folder / "preprocessor_config.json") or {}
    make = _RULES.get(str(config.get("model_type")))
    if make is None:
        return None
    try:
        return make(_Files(config, images, processor))
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None


def _side(value: Any) -> int:
    """A side in pixels, which files write as a number, a pair, or `height` and `width`."""
    if isinstance(value, Mapping):
        return int(cast("Mapping[str, Any]", value)["height"])
    return int(cast("list[int]", value)[0] if isinstance(value, list) else value)


def _squares(files: _Files) -> ImageRule:
    """Qwen2-VL and all after it."""
    size: Mapping[str, Any] = files.images.get("size") or {}
    patch = _side(files.images.get("patch_size") or files.tower["patch_size"])
    merge = int(files.images.get("merge_size") or files.tower["spatial_merge_size"])
    least = files.images.get("min_pixels") or size.get("shortest_edge") or 0
    most = files.images.get("max_pixels") or size.get("longest_edge") or 0
    return ImageRule(
        (), "grid", base=2, unit_pixels=patch * merge, least_pixels=least, most_pixels=most, source=_SOURCE
    )


def _squares_of_two_frames(files: _Files) -> ImageRule:
    """GLM-V: the bounds are of a picture taken twice, as the tower sees it."""
    rule = _squares(files)
    frames = int(files.images.get("temporal_patch_size") or 2)
    return ImageRule(
        (), "grid", base=rule.base, unit_pixels=rule.unit_pixels, source=_SOURCE,
        least_pixels=rule.least_pixels // frames, most_pixels=rule.most_pixels // frames,
    )  # fmt: skip


def _idefics(files: _Files) -> ImageRule:
    tokens = files.processor.get("image_seq_len")
    if tokens is None:
        cells = _side(files.tower["image_size"]) // _side(files.tower["patch_size"])
        tokens = cells**2 // int(files.config["scale_factor"]) ** 2
    side = int(files.images["max_image_size"]["longest_edge"])
    longest = int(files.images["size"]["longest_edge"])
    return ImageRule(
        (), "split", base=3, per_unit=tokens, unit_pixels=side, long_side_pixels=longest, most_units=1, source=_SOURCE
    )  # fmt: skip


def _internvl(files: _Files) -> ImageRule:
    tokens = files.processor.get("image_seq_length") or files.config["image_seq_length"]
    # The template ends each picture with a line break.
    return ImageRule(
        (), "crops", base=3, per_unit=tokens, unit_pixels=_side(files.tower["image_size"]), most_units=1, source=_SOURCE
    )  # fmt: skip


def _gemma(files: _Files) -> ImageRule:
    tokens = files.processor.get("image_seq_length") or files.config["mm_tokens_per_image"]
    return ImageRule((), "fixed", base=int(tokens) + 4, source=_SOURCE)


def _onevision(files: _Files) -> ImageRule:
    """One of several pictures, as they nearly always come; one alone is cut into tiles."""
    tokens = files.processor.get("num_image_tokens")
    if tokens is None:
        tokens = (_side(files.tower["image_size"]) // _side(files.tower["patch_size"])) ** 2
    return ImageRule((), "fixed", base=int(tokens) + 1, source=_SOURCE)


def _mistral(files: _Files) -> ImageRule:
    patch = _side(files.processor.get("patch_size") or files.tower["patch_size"])
    merge = int(files.processor.get("spatial_merge_size") or files.config.get("spatial_merge_size") or 1)
    longest = files.images.get("size") or {"longest_edge": _side(files.tower["image_size"])}
    return ImageRule(
        (), "rows", unit_pixels=patch * merge, long_side_pixels=int(longest["longest_edge"]), source=_SOURCE
    )


def _llava(files: _Files) -> ImageRule:
    """LLaVA 1.5, or Pixtral, which is a LLaVA by its type and has another tower."""
    if files.tower.get("model_type") == "pixtral":
        return _mistral(files)
    cells = _side(files.tower["image_size"]) // _side(files.tower["patch_size"])
    return ImageRule((), "fixed", base=cells**2, source=_SOURCE)


def _phi(files: _Files) -> ImageRule:
    crops = int(files.images.get("dynamic_hd") or 36)
    return ImageRule((), "hd", base=273, unit_pixels=448, most_units=crops, source=_SOURCE)


_RULES: dict[str, Callable[[_Files], ImageRule]] = {
    "qwen2_vl": _squares,
    "qwen2_5_vl": _squares,
    "qwen3_vl": _squares,
    "qwen3_vl_moe": _squares,
    "qwen3_5": _squares,
    "qwen3_5_moe": _squares,
    "glm4v": _squares_of_two_frames,
    "glm4v_moe": _squares_of_two_frames,
    "idefics3": _idefics,
    "smolvlm": _idefics,
    "internvl": _internvl,
    "gemma3": _gemma,
    "llava_onevision": _onevision,
    "mistral3": _mistral,
    "llava": _llava,
    "phi4_multimodal": _phi,
}
