"""What stage A is run with, and the keys that name everything its results depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from pydantic import Field

from mrvideo.mapreduce import Backend
from mrvideo.media.clips import border_reach
from mrvideo.media.options import ReadOptions
from mrvideo.models.base import Capabilities, Identified
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Cue, Recipe, Record, Span, VideoInfo

# Name in the keys of kept results → prompt file. The names stay as they are when a file is renamed.
_SHARD_PROMPTS: dict[Recipe, dict[str, str]] = {
    "fused": {"characters": "characters", "caption_clip": "caption_clip"},
    "paper": {
        "characters": "characters",
        "split_clip": "split_clip",
        "merge_border": "merge_border",
        "caption_scene": "caption_scene",
    },
}
_CAST_PROMPTS = {"possible_cast": "possible_cast", "link_cast": "link_cast", "confirm_name": "confirm_name"}

# What the user decides of an index. The rest of its settings is ours: prompts and format, which change
# between versions.
_CHOICES = (
    "recipe",
    "clip_seconds",
    "shard_seconds",
    "frames_per_second",
    "characters_per_second",
    "long_side_pixels",
    "jpeg_quality",
    "reader",
    "keyframes_only",
    "thin_stills",
    "longest_scene_seconds",
    "learn_names",
    "cues",
    "cast",
)

# Raised when code (not a prompt) changes what a shard's records or an index hold.
# 4: captions have times inside a part.
# 3: the first looks of neighbouring shards share frames.
# 2: clips end on camera cuts, pictures have no black bars, static views with noise are thinned.
_FORMAT = 4


# Raised as `_FORMAT` is, for detail `glance` alone.
# 2: a picture of each shot in the first look, fewer that show the same.
_GLANCE = 2


class CaptioningOptions(Record):
    """How stage A works. The first block changes results and is part of every key; the second only says how
    it runs.

    `longest_scene_seconds` bounds a scene that
    nothing interrupts (an hour of one talking head), so that its caption still fits a call of stage B.
    `thin_stills`: where no pixel moves, send one frame every two seconds instead of all.
    """

    recipe: Recipe = "fused"
    clip_seconds: float = Field(default=10.0, ge=1)
    shard_seconds: float = Field(default=120.0, ge=1)
    frames_per_second: float = Field(default=2.0, gt=0)
    characters_per_second: float = Field(default=0.25, gt=0)
    reading: ReadOptions = ReadOptions()
    longest_scene_seconds: float = Field(default=60.0, gt=0)
    thin_stills: bool = True
    cells_per_clip: int | None = Field(
        default=None, ge=1, description="pictures of one clip, chosen by shot; None: all that fit"
    )
    cast: Path | None = Field(default=None, description="TOML file of people's own names")
    learn_names: bool = True

    workers: int | None = Field(
        default=None,
        ge=1,
        description="shards at once; None: one a core, in this process two a core, 4 to 32",
    )
    backend: Backend = "threading"
    cluster: str | None = None
    fresh: bool = Field(default=False, description="caption again what the library already holds")

    def reading_for(self, capabilities: Capabilities) -> ReadOptions:
        """How frames are read for a model: without black bars, of the size that it reads best, unless another
        was asked for.
        """
        return replace(self.reading.sized(capabilities.long_side_pixels), crop_bars=True)

    @property
    def reach_seconds(self) -> float:
        """How far beyond its span a shard may begin or end, to do so on a camera cut."""
        return border_reach(self.clip_seconds)

    def shaping(self, vision: Identified) -> dict[str, Any]:
        """What changes a shard's records, spelt out."""
        reading = self.reading_for(vision.capabilities)
        # No part of keys without it: what was kept before it was known is found as before.
        cells = (
            {} if self.cells_per_clip is None else {"cells_per_clip": self.cells_per_clip, "glance": _GLANCE}
        )
        return {
            **cells,
            "format": _FORMAT,
            "recipe": self.recipe,
            "clip_seconds": self.clip_seconds,
            "shard_seconds": self.shard_seconds,
            "frames_per_second": self.frames_per_second,
            "characters_per_second": self.characters_per_second,
            "long_side_pixels": reading.pixels,
            "jpeg_quality": reading.jpeg_quality,
            "reader": reading.reader,
            "keyframes_only": reading.keyframes_only,
            "thin_stills": self.thin_stills,
            "vision": vision.capabilities.index_fingerprint or vision.fingerprint,
            "prompts": _digests(_SHARD_PROMPTS[self.recipe]),
        }


def part_key(
    info: VideoInfo, span: Span, cues: Sequence[Cue], *, options: CaptioningOptions, vision: Identified
) -> str:
    """Names one shard's records by everything that changes them. `cues` are those of the shard."""
    return _digest(
        {
            "video": info.digest,
            "span": [span.start_seconds, span.stop_seconds],
            "cues": cues_digest(cues),
            **options.shaping(vision),
        }
    )


def index_key(info: VideoInfo, cues: Sequence[Cue], *, options: CaptioningOptions, vision: Identified) -> str:
    """Names an index by everything that changes it. Raises `InputError` when the cast file cannot be read."""
    return _digest(index_settings(info, cues, options=options, vision=vision))


def index_settings(
    info: VideoInfo, cues: Sequence[Cue], *, options: CaptioningOptions, vision: Identified
) -> dict[str, Any]:
    """What the key is made of, in words: kept beside the index. Stage A asks no text model, so none is part
    of it.
    """
    from mrvideo.captioning.cast_file import given_digest

    return {
        "video": info.digest,
        **options.shaping(vision),
        "longest_scene_seconds": options.longest_scene_seconds,
        "learn_names": options.learn_names,
        "cues": cues_digest(cues),
        "cast": given_digest(options.cast),
        "cast_prompts": _digests(_CAST_PROMPTS),
    }


def made_alike(older: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether an index with the settings `older` was made by the same choices, by this version or an earlier
    one.

    A choice that the earlier version did not have is no difference.
    """
    same = all(older[name] == wanted[name] for name in _CHOICES if name in older)
    return same and _same_model(str(older.get("vision")), str(wanted.get("vision")))


def _same_model(older: str, wanted: str) -> bool:
    """Of two fingerprints: the same model, asked with the same parameters, whatever version of ours asked it."""
    first, second = _parameters(older), _parameters(wanted)
    return all(first[name] == second[name] for name in first.keys() & second.keys())


def _parameters(fingerprint: str) -> dict[str, Any]:
    head = fingerprint.partition("\n")[0]
    if head.startswith("{"):
        return cast("dict[str, Any]", json.loads(head))
    # "offline/7": a model of this package and its version.
    return {"name": head.partition("/")[0]}


def _digests(prompts: Mapping[str, str]) -> dict[str, str]:
    return {name: load_prompt(file).digest for name, file in prompts.items()}


def cues_digest(cues: Sequence[Cue]) -> str:
    """Changes with any cue's words, times or speaker; empty without cues."""
    return _digest([cue.model_dump(mode="json") for cue in cues]) if cues else ""


def cues_of(cues: Sequence[Cue], span: Span) -> tuple[Cue, ...]:
    """The cues heard during a span, in order. Over spans that cover the video without gap none is missed; a cue on a
    border belongs to both sides.
    """
    return tuple(cue for cue in cues if cue.span.overlaps(span))


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]
