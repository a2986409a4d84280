"""`mrvideo tasks`: the requests of `--vision host`, handed out to a person or any program, and their replies
taken in. JSON in and out.
"""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from mrvideo.cli.output import print_json
from mrvideo.cli.streams import DONE, FAILURES
from mrvideo.errors import InputError
from mrvideo.files import not_written, write_whole
from mrvideo.settings import Settings

_LONGEST_REPLY = 4 * 2**20
_Video = Annotated[str | None, typer.Option(metavar="VIDEO", help="Tasks of this video alone.")]


def next_tasks(
    settings: Settings,
    video: _Video = None,
    limit: Annotated[int, typer.Option(min=1, max=100, metavar="N", help="Tasks at most.")] = 1,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where pictures are written.")] = Path("tasks"),
    knows: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="Kind whose instructions and reply schema need not be told again."),
    ] = None,
    lease: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="How long they are held for you.")
    ] = 600.0,
) -> int:
    """Take the next tasks: print each request as JSON, and write its pictures as labelled contact sheets.

    Exit code 1 when none waits.
    """
    from mrvideo.session import tasks

    handed = tasks.next_tasks(
        settings, digests=_digests(video, settings), limit=limit, knows=knows or (), lease_seconds=lease
    )
    print_json(
        {
            "tasks": [_written(one, out) for one in handed],
            "progress": asdict(tasks.task_progress(settings).total),
            "indexed_now": tasks.being_indexed(settings, digests=_digests(video, settings)),
        }
    )
    return DONE if handed else FAILURES


def submit(
    task: Annotated[str, typer.Argument(metavar="TASK", help="As `mrvideo tasks next` names it.")],
    settings: Settings,
    reply: Annotated[
        str, typer.Argument(metavar="FILE", help="File that holds the reply as JSON; - reads stdin.")
    ] = "-",
) -> int:
    """Answer a task. The reply is checked as any model's: accepted, or what is wrong is told, once.

    Exit code 1 when it is not accepted.
    """
    from mrvideo.session import tasks

    verdict = tasks.submit_reply(settings, task, _text(reply))
    print_json(asdict(verdict))
    return DONE if verdict.accepted else FAILURES


def progress(settings: Settings, video: _Video = None) -> int:
    """Show how many tasks are open, taken, answered and failed."""
    from mrvideo.session import tasks

    found = tasks.task_progress(settings, digests=_digests(video, settings))
    print_json({"total": asdict(found.total), "stages": [asdict(one) for one in found.stages]})
    return DONE


def _digests(video: str | None, settings: Settings) -> tuple[str, ...] | None:
    if video is None:
        return None
    from mrvideo.session.keeping import kept_video

    return (kept_video(video, settings).video.digest,)


def _text(file: str) -> str:
    try:
        if file == "-":
            data = sys.stdin.buffer.read(_LONGEST_REPLY + 1)
        else:
            with Path(file).open("rb") as opened:
                data = opened.read(_LONGEST_REPLY + 1)
        if len(data) > _LONGEST_REPLY:
            raise InputError(f"{file}: longer than any reply; give one JSON object")
        return data.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file}: the reply cannot be read ({error}); give a file of JSON, or -") from error


def _written(one: Any, folder: Path) -> dict[str, Any]:
    pictures: list[dict[str, Any]] = []
    try:
        if one.sheets:
            folder.mkdir(parents=True, exist_ok=True)
        for number, sheet in enumerate(one.sheets, start=1):
            file = folder / f"{one.task}-{number}.jpg"
            write_whole(file, sheet.jpeg)
            cells = [{"label": cell.label, "box": list(cell.box)} for cell in sheet.cells]
            pictures.append({"file": str(file), "width": sheet.width, "height": sheet.height, "cells": cells})
    except OSError as error:
        told = f"{folder}: pictures cannot be written here"
        raise not_written(told, error, way_out="name another --out") from error
    told = {
        "task": one.task,
        "kind": one.kind,
        "stage": one.stage,
        "video": one.video,
        "instructions": one.instructions,
        "reply_schema": one.reply_schema,
        "request": one.request,
        "pictures": pictures,
        "problem": one.problem,
    }
    return {name: value for name, value in told.items() if value is not None}
