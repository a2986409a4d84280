"""A request that waits for somebody to answer it: a person, a program, or the model of the agent that calls
our tools.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from mrvideo.records.media import Box

TaskState: TypeAlias = Literal["waiting", "answered", "failed"]


@dataclass(frozen=True, slots=True)
class TaskPicture:
    """A picture of a request, as it is kept: the label that precedes it, its time, and what it shows of the
    source.
    """

    label: str
    jpeg: bytes
    time_seconds: float
    crop: Box | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """One request. `key` is that of the reply it waits for, `digest` the video's, `body` what the request is
    made of again.

    `problem` tells what was wrong with the reply that was refused before, if one was. `begun_at` is when the
    run that asks it began (POSIX seconds).
    """

    key: str
    digest: str | None
    stage: str
    prompt: str
    body: str
    begun_at: float
    pictures: tuple[TaskPicture, ...] = ()
    state: TaskState = "waiting"
    problem: str | None = None
    refusals: int = 0


@dataclass(frozen=True, slots=True)
class TaskCounts:
    """Tasks of one stage: `open` wait for a taker, `taken` are leased, `answered` and `failed` are settled."""

    stage: str
    open: int = 0
    taken: int = 0
    answered: int = 0
    failed: int = 0
