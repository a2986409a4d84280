"""The requests of the model `host`: handed out as tasks, and their replies taken in and checked."""

from __future__ import annotations

import json
from collections.abc import Collection, Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from mrvideo.errors import InputError, LibraryError
from mrvideo.library import Library
from mrvideo.media.labelled import Sheet, SheetCell, labelled_sheets
from mrvideo.models.base import Request
from mrvideo.models.chat_backend import Completion
from mrvideo.models.host import request_of, usage_of
from mrvideo.models.prices import picture_size
from mrvideo.models.repair import checked
from mrvideo.models.schema import strict_schema
from mrvideo.models.settings import HOST
from mrvideo.records import Usage
from mrvideo.records.tasks import Task, TaskCounts
from mrvideo.settings import Settings

LEASE_SECONDS = 600.0
"""How long a task is held for whoever took it; then the next one is given it."""

TRIES = 2
"""Replies to one task: as any model's, one that is outside its bounds may be repaired once."""

_DIGITS = 16
_SHEET = "sheet, "
_OTHER_VERSION = "it was asked by another version; run the same command again"


@dataclass(frozen=True)
class HandedTask:
    """A request as it is handed out. `task` names it; `kind` names its instructions and the schema of its
    reply, which are None where the taker has them. `sheets` show its pictures; `problem` tells what was wrong
    with the reply before.
    """

    task: str
    kind: str
    stage: str
    video: str | None
    instructions: str | None
    reply_schema: dict[str, Any] | None
    request: str
    sheets: tuple[Sheet, ...]
    problem: str | None = None


@dataclass(frozen=True)
class Verdict:
    """Whether a reply was accepted, and else what is wrong; `tries_left` for this task."""

    task: str
    accepted: bool
    problem: str | None = None
    tries_left: int = 0


@dataclass(frozen=True)
class Progress:
    """Tasks by stage, of one video or of all."""

    stages: tuple[TaskCounts, ...]

    @property
    def total(self) -> TaskCounts:
        """All stages together."""
        some = self.stages
        return TaskCounts(
            "total",
            open=sum(one.open for one in some),
            taken=sum(one.taken for one in some),
            answered=sum(one.answered for one in some),
            failed=sum(one.failed for one in some),
        )


def uses_host(settings: Settings) -> bool:
    """Whether a role's model is whoever takes tasks."""
    return HOST in (settings.vision_model, settings.text_model, settings.verify_model)


def next_tasks(
    settings: Settings,
    *,
    digests: Collection[str] | None = None,
    limit: int = 1,
    knows: Collection[str] = (),
    lease_seconds: float = LEASE_SECONDS,
) -> tuple[HandedTask, ...]:
    """The next tasks of these videos or of any, held for the caller as long as the lease lasts.

    Those of the run that began first come first. `knows` names the kinds whose instructions the caller has;
    each is told once. Raises a `LibraryError`.
    """
    handed: list[HandedTask] = []
    told = set(knows)
    with _library(settings) as library:
        while len(handed) < limit:
            taken = library.take_tasks(limit - len(handed), lease_seconds=lease_seconds, digests=digests)
            if not taken:
                break
            for task in taken:
                request = request_of(task)
                if request is None:
                    library.refuse_task(task.key, _OTHER_VERSION, lease_seconds=0.0, most=1)
                    continue
                handed.append(_handed(task, request, told))
                told.add(handed[-1].kind)
    return tuple(handed)


def submit_reply(
    settings: Settings,
    task: str,
    reply: object,
    *,
    digests: Collection[str] | None = None,
    lease_seconds: float = LEASE_SECONDS,
) -> Verdict:
    """Check a reply (JSON data, or text that holds it) as any model's, and keep it where it is accepted.

    A first one that is not may be repaired by the same caller; a second fails the task. Raises `InputError`
    for an unknown task, and for one of another video than `digests` names.
    """
    with _library(settings) as library:
        found = library.find_tasks(task.strip().lower())
        foreign = bool(found) and digests is not None and found[0].digest not in digests
        if not found or foreign or len(task.strip()) < _DIGITS:
            raise InputError(f"no task {task[:80]!r}; take one with next_task (mrvideo tasks next)")
        one = found[0]
        if one.state == "answered":
            return Verdict(task, accepted=False, problem="it is answered already; take the next one")
        request = request_of(one) if one.state == "waiting" else None
        if request is None:
            problem = one.problem or _OTHER_VERSION
            library.refuse_task(one.key, problem, lease_seconds=0.0, most=1)
            return Verdict(
                task, accepted=False, problem=f"it can take no reply any more ({problem}); take the next one"
            )
        text = reply if isinstance(reply, str) else json.dumps(reply)
        value, problem = checked(request, Completion(text, Usage()))
        if value is None:
            left = library.refuse_task(one.key, problem, lease_seconds=lease_seconds, most=TRIES)
            return Verdict(task, accepted=False, problem=problem, tries_left=left)
        kept = library.settle_task(
            one.key,
            value.model_dump_json(),
            model=HOST,
            prompt=request.prompt.name,
            usage=usage_of(request),
        )
        if not kept:
            return Verdict(task, accepted=False, problem="it is answered already; take the next one")
        return Verdict(task, accepted=True)


def task_progress(settings: Settings, *, digests: Collection[str] | None = None) -> Progress:
    """How many tasks are open, taken and settled. Raises a `LibraryError`."""
    with closing(Library.open(settings.library, create=False)) as library:
        return Progress(library.count_tasks(digests))


def being_indexed(settings: Settings, *, digests: Collection[str] | None = None) -> tuple[str, ...]:
    """Paths of the videos that some process indexes now: while it thinks of its next requests, no task waits.
    Raises a `LibraryError`.
    """
    with closing(Library.open(settings.library, create=False)) as library:
        return tuple(
            one.path
            for one in library.videos()
            if (digests is None or one.digest in digests) and library.is_claimed(one.digest)
        )


@contextmanager
def _library(settings: Settings) -> Generator[Library]:
    with closing(Library.open(settings.library, create=False)) as library:
        if not library.writable:
            raise LibraryError(
                f"{settings.library}: no library here that can be written; index a video with --vision host first"
            )
        yield library


def _handed(task: Task, request: Request[Any], told: Collection[str]) -> HandedTask:
    rendered = request.render()
    kind = f"{request.prompt.name}-{request.prompt.digest[:8]}"
    known = kind in told
    return HandedTask(
        task=task.key[:_DIGITS],
        kind=kind,
        stage=task.stage,
        video=task.digest,
        instructions=None if known else rendered.system,
        reply_schema=None if known else strict_schema(request.reply_type),
        request=rendered.user,
        sheets=sheets_of(request),
        problem=task.problem,
    )


def sheets_of(request: Request[Any]) -> tuple[Sheet, ...]:
    """The request's pictures in order, on labelled sheets; what is a sheet already stays as it is."""
    made: list[Sheet] = []
    loose: list[tuple[str, bytes]] = []
    for picture in request.pictures:
        if not picture.label.startswith(_SHEET):
            loose.append((picture.label, picture.jpeg))
            continue
        made.extend(labelled_sheets(loose))
        loose.clear()
        width, height = picture_size(picture)
        cell = SheetCell(picture.label, (0, 0, width, height))
        made.append(Sheet(picture.jpeg, width, height, (cell,)))
    return (*made, *labelled_sheets(loose))
