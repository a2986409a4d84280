"""The kinds of question that can be answered by reading and listening."""

from __future__ import annotations

from typing import Literal, TypeAlias

Kind: TypeAlias = Literal[
    "video_length", "count_different", "count_times", "order", "after", "before", "between", "during", "at_time", "when",
    "how_long", "colour", "who", "nth", "exists", "precedes", "read", "open",
]  # fmt: skip
Where: TypeAlias = Literal["screen", "speech", "any"]
