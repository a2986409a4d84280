"""The skill: how an agent uses these tools, as a file in the layout that agents read, and as a prompt."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from mrvideo.files import not_written, write_text_whole

NAME = "mrvideo"


def skill_text() -> str:
    """SKILL.md: front matter, then when to use the tools, the loop, sub-agents, costs, examples."""
    return resources.files("mrvideo.tools").joinpath("skill.md").read_text(encoding="utf-8")


def skill_body() -> str:
    """The text without its front matter, as a prompt gives it."""
    return skill_text().split("---\n", 2)[2].strip()


def install_skill(folder: Path) -> Path:
    """Write `FOLDER/mrvideo/SKILL.md`, in place of an earlier one. Raises `InputError` when it cannot be
    written, `NotWritten` when the disk is full.
    """
    path = folder.expanduser() / NAME / "SKILL.md"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_text_whole(path, skill_text())
    except OSError as error:
        way_out = "name another folder with --install"
        raise not_written(f"{path} cannot be written", error, way_out=way_out) from error
    return path
