"""The tools by which the calling agent's own model answers our requests: `next_task`, `submit_reply`,
`progress`.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from mrvideo.errors import InputError
from mrvideo.library import Library
from mrvideo.session.keeping import kept_video
from mrvideo.session.tasks import HandedTask, being_indexed, next_tasks, submit_reply, task_progress
from mrvideo.tools.results import MAX_CHARACTERS, PATH_CHARACTERS, compact_json, cut
from mrvideo.tools.toolbox import Tool, Toolbox, ToolResult
from mrvideo.tools.types import ToolInput, ToolOutput
from mrvideo.wording import is_url

MOST_TASKS = 4
"""Handed out by one call."""

MOST_SHEETS = 8
"""Pictures of one call; a task has four at most."""

_WAIT_SECONDS = 20.0
_LULL_SECONDS = 1.0
"""A run that another process serves makes its next requests within this time, usually."""

_POLL_SECONDS = 0.1

HOST_INSTRUCTIONS = (
    " No model is configured: you are its eyes. index_video, ask_video and look return at once and leave tasks. Call next_task, look at its "
    "pictures, and submit_reply with JSON that fits the kind's reply schema; say only what that task's pictures and words show. Go on until "
    "next_task says that nothing waits, then make the first call again for its result. Tasks can be spread over sub-agents: each takes its own."
)


class NextTaskInput(ToolInput):
    video: str | None = Field(default=None, description="Tasks of this video alone; null: of any.")
    limit: int = Field(default=1, ge=1, le=MOST_TASKS, description="Tasks at most.")
    knows: list[str] = Field(
        default=[],
        description="Kinds whose instructions and reply schema you have read; they are not sent again.",
    )


class SubmitReplyInput(ToolInput):
    task: str = Field(description="As next_task names it.")
    reply: dict[str, Any] | str = Field(
        description="One JSON object that fits the reply schema of the task's kind."
    )


class ProgressInput(ToolInput):
    video: str | None = Field(default=None, description="Tasks of this video alone; null: of all.")


class TaskLine(ToolOutput):
    task: str
    kind: str = Field(description="Names its instructions and reply schema; list it in knows from now on.")
    stage: str
    pictures: int = Field(description="Pictures on its sheets.")
    sheets: int
    problem: str | None = Field(description="What was wrong with the reply that was given before.")


class Counts(ToolOutput):
    open: int
    taken: int
    answered: int
    failed: int


class WorkLine(ToolOutput):
    call: str
    state: str = Field(description="running; done: the same call again returns its result")


class NextTaskOutput(ToolOutput):
    tasks: list[TaskLine]
    state: Literal["answer these", "ask again soon", "nothing waits"]
    counts: Counts
    work: list[WorkLine]
    elsewhere: list[str] = Field(
        description="Videos that another process indexes now: its next tasks come here too, so ask again in some seconds."
    )


class SubmitReplyOutput(ToolOutput):
    accepted: bool
    problem: str | None
    tries_left: int
    open: int = Field(description="Tasks that wait for a taker.")


class StageCounts(Counts):
    stage: str


class ProgressOutput(ToolOutput):
    total: Counts
    stages: list[StageCounts]
    work: list[WorkLine]


async def open_tasks_wait(box: Toolbox) -> bool:
    """Whether there is a task that nobody has taken."""
    digests = await asyncio.to_thread(allowed_videos, box)
    return (await asyncio.to_thread(task_progress, box.settings, digests=digests)).total.open > 0


async def _next_task(box: Toolbox, given: NextTaskInput) -> ToolResult:
    digests = await asyncio.to_thread(_digests, box, given.video)
    seconds, handed = _WAIT_SECONDS, list[HandedTask]()
    elsewhere = await _elsewhere(box, digests)
    while True:
        handed = await asyncio.to_thread(_taken, box, digests, given.limit, given.knows)
        counts = await _counts(box, digests)
        work = _work(box)
        going = (
            counts.open + counts.taken > 0 or bool(elsewhere) or any(line.state == "running" for line in work)
        )
        finished = any(line.state == "done" for line in work)
        patience = seconds if going else seconds - (_WAIT_SECONDS - _LULL_SECONDS)
        if elsewhere and not handed and patience <= 0:
            # It may have ended meanwhile; then nothing more comes of it.
            elsewhere = await _elsewhere(box, digests)
            going = counts.open + counts.taken > 0 or bool(elsewhere)
        if handed or finished or patience <= 0:
            break
        # What comes next is still being made of what was answered last.
        await asyncio.sleep(_POLL_SECONDS)
        seconds -= _POLL_SECONDS
    told = NextTaskOutput(
        tasks=[
            TaskLine(
                task=one.task,
                kind=one.kind,
                stage=one.stage,
                pictures=sum(len(sheet.cells) for sheet in one.sheets),
                sheets=len(one.sheets),
                problem=None if one.problem is None else cut(one.problem),
            )
            for one in handed
        ],
        state="answer these" if handed else "ask again soon" if going else "nothing waits",
        counts=counts,
        work=work,
        elsewhere=[cut(path, PATH_CHARACTERS) for path in elsewhere[:MOST_TASKS]],
    )
    return ToolResult(told, parts=tuple(part for one in handed for part in _parts(one)))


async def _elsewhere(box: Toolbox, digests: frozenset[str] | None) -> tuple[str, ...]:
    """Videos that other processes index; none while this one works itself, which its calls tell of."""
    if any(line.state == "running" for line in _work(box)):
        return ()
    return await asyncio.to_thread(being_indexed, box.settings, digests=digests)


def _taken(box: Toolbox, digests: frozenset[str] | None, limit: int, knows: list[str]) -> list[HandedTask]:
    handed: list[HandedTask] = []
    known = set(knows)
    while len(handed) < limit and sum(len(one.sheets) for one in handed) <= MOST_SHEETS - 4:
        some = next_tasks(box.settings, digests=digests, knows=known)
        if not some:
            break
        handed += some
        known |= {one.kind for one in some}
    return handed


def _parts(one: HandedTask) -> list[str | bytes]:
    """The task's texts and pictures, each text short enough for one part of a result."""
    parts: list[str | bytes] = []
    if one.instructions is not None:
        parts += _pages(f"kind {one.kind}, instructions:\n{one.instructions}")
        parts += _pages(f"kind {one.kind}, reply schema:\n{compact_json(one.reply_schema)}")
    parts += _pages(f"task {one.task}, request:\n{one.request}")
    for number, sheet in enumerate(one.sheets, start=1):
        labels = " | ".join(cell.label for cell in sheet.cells)
        parts += [
            *_pages(f"task {one.task}, pictures, sheet {number} of {len(one.sheets)}: {labels}"),
            sheet.jpeg,
        ]
    return parts


def _pages(text: str) -> list[str]:
    return [text[at : at + MAX_CHARACTERS] for at in range(0, len(text), MAX_CHARACTERS)]


async def _submit_reply(box: Toolbox, given: SubmitReplyInput) -> ToolResult:
    digests = await asyncio.to_thread(allowed_videos, box)
    verdict = await asyncio.to_thread(submit_reply, box.settings, given.task, given.reply, digests=digests)
    counts = await _counts(box, digests)
    return ToolResult(
        SubmitReplyOutput(
            accepted=verdict.accepted,
            problem=None if verdict.problem is None else cut(verdict.problem, 1_000),
            tries_left=verdict.tries_left,
            open=counts.open,
        )
    )


async def _progress(box: Toolbox, given: ProgressInput) -> ToolResult:
    digests = await asyncio.to_thread(_digests, box, given.video)
    found = await asyncio.to_thread(task_progress, box.settings, digests=digests)
    return ToolResult(
        ProgressOutput(
            total=_of(found.total),
            stages=[StageCounts(stage=one.stage, **_of(one).model_dump()) for one in found.stages],
            work=_work(box),
        )
    )


async def _counts(box: Toolbox, digests: frozenset[str] | None) -> Counts:
    return _of((await asyncio.to_thread(task_progress, box.settings, digests=digests)).total)


def _of(one: Any) -> Counts:
    return Counts(open=one.open, taken=one.taken, answered=one.answered, failed=one.failed)


def _work(box: Toolbox) -> list[WorkLine]:
    states = {} if box.jobs is None else box.jobs.states
    return [WorkLine(call=cut(call), state=state) for call, state in states.items()]


def allowed_videos(box: Toolbox) -> frozenset[str] | None:
    """Digests of the videos that may be told of; None for any."""
    if box.roots is None:
        return None
    with closing(Library.open(box.settings.library, create=False)) as library:
        videos = library.videos()
    urls = box.settings.allow_url
    return frozenset(v.digest for v in videos if (is_url(v.path) and urls) or box.shows(str(Path(v.path))))


def _digests(box: Toolbox, video: str | None) -> frozenset[str] | None:
    allowed = allowed_videos(box)
    if video is None:
        return allowed
    digest = kept_video(box.known(video), box.settings).video.digest
    if allowed is not None and digest not in allowed:
        raise InputError(f"{video} was indexed from outside the served folders")
    return frozenset({digest})


TASK_TOOLS: tuple[Tool, ...] = (
    Tool(
        "next_task",
        "Take the next requests that wait for you: each kind's instructions and reply schema once, the request's text, and its pictures as "
        "contact sheets whose cells bear their labels. They are yours for ten minutes. Answer each with submit_reply from what its own "
        "pictures and words show.",
        NextTaskInput,
        NextTaskOutput,
        _next_task,
    ),
    Tool(
        "submit_reply",
        "Answer a task. The reply is checked: accepted, or problem says what is wrong and you may mend it once. Then call next_task.",
        SubmitReplyInput,
        SubmitReplyOutput,
        _submit_reply,
        writes=True,
    ),
    Tool(
        "progress",
        "Say how many tasks are open, taken, answered and failed, and which calls go on or are done. Costs nothing.",
        ProgressInput,
        ProgressOutput,
        _progress,
    ),
)
