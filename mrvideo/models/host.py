"""`host`: requests wait in the library until somebody answers them, such as the model of the agent that calls
our tools.

    run(request) ─► a task in the library ─► taken by whoever looks ─► reply checked, kept ─► run returns
                          ▲ stays when this process ends; the reply is found by the next run like any other

Nothing is sent anywhere. Whoever answers gets the request's words and pictures and nothing else;
`mrvideo.session.tasks` hands them out and takes the replies in.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, Protocol, TypeVar, runtime_checkable

from anyio import to_thread
from pydantic import BaseModel, ValidationError

from mrvideo.errors import ModelUnavailable, PromptError, ReplyInvalid
from mrvideo.models.base import Capabilities, Picture, Reply, Request, reply_key
from mrvideo.models.settings import HOST, ModelSettings
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Record, Span, Usage
from mrvideo.records.tasks import Task, TaskPicture, TaskState
from mrvideo.wording import stage_label

T = TypeVar("T", bound=BaseModel)

_SCHEMAS = ("shared", "captioning", "analysis", "memory", "exploring", "baseline")
"""Modules of `mrvideo.schemas` that hold the types of requests and replies."""

_CONTEXT_TOKENS = 32_000
"""What one request may hold: an agent carries many of them in one conversation."""

_OPEN_AT_ONCE = 32
"""Tasks of one run that wait at once: several takers find work, and their pictures take some ten megabytes.
"""

_SHORTEST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.02, 1.0
_SHARE_OF_WAIT = 0.05


@runtime_checkable
class TaskStore(Protocol):
    """Where tasks wait. Thread-safe, shared by processes."""

    def put_task(self, task: Task) -> None:
        """Let it wait, unless it does or was answered since its run began."""
        ...

    def task_state(self, key: str) -> tuple[TaskState, str | None] | None:
        """State and problem; None where it is gone."""
        ...

    def get_reply(self, key: str) -> str | None:
        """The reply's JSON, once it is answered."""
        ...


class TaskBody(Record):
    """What a request is made of again, so that another process can check its reply. `inputs` is their JSON."""

    fingerprint: str
    inputs_type: str
    inputs: str
    stage: str
    span: Span | None = None
    max_output_tokens: int
    names: tuple[str, ...] = ()


class HostModel:
    """Puts each request as a task, and waits until it is answered: minutes or days.

    When it was opened orders the tasks of several runs: those of the earliest are handed out first.
    """

    def __init__(
        self,
        settings: ModelSettings,
        store: object | None = None,
        *,
        video: str | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._store = store if isinstance(store, TaskStore) else None
        self._video = video
        self._began_at = clock()

    @property
    def name(self) -> str:
        """`host`."""
        return self._settings.name

    @property
    def fingerprint(self) -> str:
        """The settings': who answers is not known."""
        return self._settings.fingerprint

    @property
    def capabilities(self) -> Capabilities:
        """Of a model that sees, asked in moderate portions."""
        images = self._settings.max_images or 40
        return Capabilities(
            max_images=images,
            context_tokens=self._settings.context_tokens or _CONTEXT_TOKENS,
            long_side_pixels=self._settings.long_side_pixels or 512,
            look_images=min(32, images),
            concurrency=self._settings.concurrency or _OPEN_AT_ONCE,
        )

    async def run(self, request: Request[T]) -> Reply[T]:
        """The reply that somebody gave. Raises `ReplyInvalid` when it was outside its bounds twice, and
        `ModelUnavailable` without a library to wait in.
        """
        store = self._store
        if store is None:
            raise ModelUnavailable(
                f"{HOST} waits for replies in the library, and here is none that can be written; name one with --library"
            )
        task = task_of(request, fingerprint=self.fingerprint, video=self._video, begun_at=self._began_at)
        await to_thread.run_sync(store.put_task, task)
        began_seconds = time.monotonic()
        while True:
            found = await to_thread.run_sync(store.task_state, task.key)
            if found is None:
                raise ReplyInvalid(
                    f"{self.name}: its task ({stage_label(request.stage)}) was removed with its video"
                )
            state, problem = found
            if state == "failed":
                raise ReplyInvalid(
                    f"{self.name}: its reply ({stage_label(request.stage)}) is outside its bounds twice: {problem}"
                )
            if state == "answered":
                kept = await to_thread.run_sync(store.get_reply, task.key)
                if kept is not None:
                    return _accepted(request, kept)
            waited_seconds = time.monotonic() - began_seconds
            # Who waits for a day need not know within the tenth of a second.
            pause = max(waited_seconds * _SHARE_OF_WAIT, _SHORTEST_WAIT_SECONDS)
            await asyncio.sleep(min(pause, _LONGEST_WAIT_SECONDS))

    async def aclose(self) -> None:
        """Nothing to let go of: tasks that wait stay."""


def _accepted(request: Request[T], kept: str) -> Reply[T]:
    try:
        value = request.parse_json(kept)
    except ValidationError as error:
        raise ReplyInvalid(
            f"{HOST}: the reply that was kept ({stage_label(request.stage)}) does not fit what this version wants of it; "
            "run the same again to have it asked anew"
        ) from error
    return Reply(value=value, usage=usage_of(request))


def usage_of(request: Request[Any]) -> Usage:
    """One call with so many pictures; nobody counts the answerer's tokens."""
    return Usage(calls=1, images=len(request.pictures))


def task_of(request: Request[Any], *, fingerprint: str, video: str | None, begun_at: float) -> Task:
    """The request as a task, told by the same key as its reply."""
    body = TaskBody(
        fingerprint=fingerprint,
        inputs_type=type(request.inputs).__name__,
        inputs=request.inputs.model_dump_json(),
        stage=request.stage,
        span=request.span,
        max_output_tokens=request.max_output_tokens,
        names=request.names,
    )
    return Task(
        key=reply_key(fingerprint, request.digest),
        digest=video,
        stage=request.stage,
        prompt=request.prompt.name,
        body=body.model_dump_json(),
        begun_at=begun_at,
        pictures=tuple(TaskPicture(p.label, p.jpeg, p.time_seconds, p.crop) for p in request.pictures),
    )


def request_of(task: Task) -> Request[Any] | None:
    """The task's request again; None where this version would ask another one, or would check its reply
    otherwise.
    """
    types = _types()
    try:
        body = TaskBody.model_validate_json(task.body)
        prompt = load_prompt(task.prompt)
        inputs = types[body.inputs_type].model_validate_json(body.inputs)
        request = Request(
            prompt=prompt,
            inputs=inputs,
            reply_type=types[prompt.reply],
            stage=body.stage,
            pictures=tuple(Picture(p.label, p.jpeg, p.time_seconds, p.crop) for p in task.pictures),
            span=body.span,
            max_output_tokens=body.max_output_tokens,
            names=body.names,
        )
    except (ValidationError, ValueError, KeyError, PromptError):
        return None
    return request if reply_key(body.fingerprint, request.digest) == task.key else None


@cache
def _types() -> dict[str, type[BaseModel]]:
    """The types of requests and replies by name: what a task's row names is looked up here and nowhere else."""
    found: dict[str, type[BaseModel]] = {}
    for module in (import_module(f"mrvideo.schemas.{name}") for name in _SCHEMAS):
        for name, one in inspect.getmembers(module, inspect.isclass):
            if issubclass(one, BaseModel):
                found[name] = one
    return found
