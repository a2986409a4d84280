"""What is compared: the pipeline at its efforts and recipes, without one of its parts, and frames at even
distances.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from mrvideo.records import Effort, Recipe, Record


class System(Record):
    """One way of answering. Every system of a run asks the same models."""

    name: str
    kind: Literal["pipeline", "uniform"] = "pipeline"
    effort: Effort = "high"
    recipe: Recipe = "fused"
    cast: bool = Field(
        default=True, description="False: names stay those of each 2-minute shard, nobody is linked"
    )
    intention: bool = Field(
        default=True, description="False: the whole video is looked at, whatever is asked"
    )
    memory: bool = Field(default=True, description="False: all captions are read, of whatever length")
    frames: int = Field(default=32, ge=1, le=40, description="of the uniform baseline")


def plain(effort: Effort, recipe: Recipe) -> System:
    """The pipeline as the settings have it."""
    return System(name=_name(effort, recipe), effort=effort, recipe=recipe)


def ablations(effort: Effort, recipe: Recipe, *, frames: int = 32) -> tuple[System, ...]:
    """The table that the paper's ablations ask for: baselines, efforts, recipes, and the full system less one
    part.
    """
    full = plain(effort, recipe)
    other: Recipe = "paper" if recipe == "fused" else "fused"
    efforts: tuple[Effort, ...] = ("low", "medium", "high")
    return (
        System(name=f"uniform {frames} frames", kind="uniform", frames=frames),
        *(plain(each, recipe) for each in efforts if each != effort),
        full,
        plain(effort, other),
        full.model_copy(update={"name": f"{full.name}, no cast", "cast": False}),
        full.model_copy(update={"name": f"{full.name}, no intention", "intention": False}),
        full.model_copy(update={"name": f"{full.name}, no memory", "memory": False}),
    )


def _name(effort: Effort, recipe: Recipe) -> str:
    said = {"low": "low (captions only)", "medium": "medium", "high": "high", "exhaustive": "exhaustive"}[
        effort
    ]
    return f"mrvideo {said}" if recipe == "fused" else f"mrvideo {said}, recipe paper"
