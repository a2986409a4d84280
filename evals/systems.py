"""What is compared: the pipeline at its efforts and recipes, without one of its parts, `find`, and frames at
even distances.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from mrvideo.errors import InputError, SettingsError
from mrvideo.evals.items import Question
from mrvideo.records import Effort, Recipe, Record


class System(Record):
    """One way of answering. Every system of a run asks the same models."""

    name: str
    kind: Literal["pipeline", "uniform", "find"] = "pipeline"
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
    confirm: bool = Field(default=False, description="of find: the vision model looks at what was found")


NAMES = ("ask", "find", "find-confirm", "uniform", "no-cast", "no-intention", "no-memory")
"""What `--systems` takes."""


def plain(effort: Effort, recipe: Recipe) -> System:
    """The pipeline as the settings have it."""
    return System(name=_name(effort, recipe), effort=effort, recipe=recipe)


def ablations(effort: Effort, recipe: Recipe, *, frames: int = 32) -> tuple[System, ...]:
    """The table that the paper's ablations ask for: baselines, efforts, recipes, and the full system less one
    part.
    """
    other: Recipe = "paper" if recipe == "fused" else "fused"
    efforts: tuple[Effort, ...] = ("low", "medium", "high")
    uniform, full, *less = named(
        ("uniform", "ask", "no-cast", "no-intention", "no-memory"), effort, recipe, frames=frames
    )
    return (
        uniform,
        *(plain(each, recipe) for each in efforts if each != effort),
        full,
        plain(effort, other),
        *less,
    )


def named(names: Sequence[str], effort: Effort, recipe: Recipe, *, frames: int = 32) -> tuple[System, ...]:
    """The systems of these names, in their order, each once. Raises `InputError` naming those there are."""
    full = plain(effort, recipe)
    known = {
        "ask": full,
        "find": System(name="find", kind="find", effort=effort, recipe=recipe),
        "find-confirm": System(
            name="find, confirmed", kind="find", effort=effort, recipe=recipe, confirm=True
        ),
        "uniform": System(name=f"uniform {frames} frames", kind="uniform", frames=frames),
        "no-cast": full.model_copy(update={"name": f"{full.name}, no cast", "cast": False}),
        "no-intention": full.model_copy(update={"name": f"{full.name}, no intention", "intention": False}),
        "no-memory": full.model_copy(update={"name": f"{full.name}, no memory", "memory": False}),
    }
    if unknown := next((name for name in names if name not in known), None):
        raise InputError(f"no system {unknown!r}; there are {', '.join(NAMES)}")
    if not names:
        raise InputError(f"no system is named; there are {', '.join(NAMES)}")
    return tuple(known[name] for name in dict.fromkeys(names))


def check_fit(systems: Sequence[System], questions: Sequence[Question], *, sees: bool) -> None:
    """Raises `InputError` for a system that cannot answer these questions, `SettingsError` for
    find-confirm without a model that sees.
    """
    kinds = {question.kind for question in questions}
    finding = [system for system in systems if system.kind == "find"]
    if finding and kinds - {"moments"}:
        raise InputError(
            f"{finding[0].name} answers with moments, which these questions do not ask for; use --systems ask"
        )
    if "salience" in kinds and any(system != systems[0] or system.kind != "pipeline" for system in systems):
        raise InputError("salience comes from the memory alone; leave out --systems and --ablate")
    if any(system.confirm for system in finding) and not sees:
        raise SettingsError("find-confirm needs a model that sees; name one with --vision")


def _name(effort: Effort, recipe: Recipe) -> str:
    said = {"low": "low (captions only)", "medium": "medium", "high": "high", "exhaustive": "exhaustive"}[
        effort
    ]
    return f"mrvideo {said}" if recipe == "fused" else f"mrvideo {said}, recipe paper"
