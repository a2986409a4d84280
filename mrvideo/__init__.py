"""Ask questions of long videos, and get answers that cite what was really looked at.

    import mrvideo

    video = mrvideo.index("talk.mp4")
    answer = video.ask("What is the speaker's first example?")
    print(answer.answer, answer.evidence)

Importing is cheap: decoders, models and databases load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mrvideo.errors import MrVideoError

if TYPE_CHECKING:
    from mrvideo.api import Video, aindex, aload, find, index, load, search
    from mrvideo.records import (
        Answer,
        Claim,
        Cue,
        Entity,
        Evidence,
        Found,
        Moment,
        Scene,
        Shot,
        Span,
        Unseen,
        Usage,
    )
    from mrvideo.settings import Settings, load_settings

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Claim",
    "Cue",
    "Entity",
    "Evidence",
    "Found",
    "Moment",
    "MrVideoError",
    "Scene",
    "Settings",
    "Shot",
    "Span",
    "Unseen",
    "Usage",
    "Video",
    "__version__",
    "aindex",
    "aload",
    "find",
    "index",
    "load",
    "load_settings",
    "search",
]

_HOMES = {
    **dict.fromkeys(("Video", "aindex", "aload", "find", "index", "load", "search"), "mrvideo.api"),
    **dict.fromkeys(("Settings", "load_settings"), "mrvideo.settings"),
    **dict.fromkeys(
        (
            "Answer",
            "Claim",
            "Cue",
            "Entity",
            "Evidence",
            "Found",
            "Moment",
            "Scene",
            "Shot",
            "Span",
            "Unseen",
            "Usage",
        ),
        "mrvideo.records",
    ),
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'mrvideo' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
