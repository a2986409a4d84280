"""`mrvideo tasks`: the requests of `--vision host` as JSON, pictures as files, replies checked."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from mrvideo.library import Library
from mrvideo.models.base import Picture, Request
from mrvideo.models.host import task_of
from mrvideo.prompts.loader import load_prompt
from mrvideo.schemas.captioning import MergeBorderInputs, MergeBorderReply


def asked(library: Path, count: int) -> None:
    """Tasks of a run that has ended."""
    stream = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(stream, "JPEG")
    with Library.open(library) as opened:
        for number in range(count):
            inputs = MergeBorderInputs(border_seconds=float(number), before="a door", after="a room")
            shown = tuple(Picture(f"{t}.00 s", stream.getvalue(), float(t)) for t in range(3))
            request = Request(load_prompt("merge_border"), inputs, MergeBorderReply, "captions", shown)
            opened.put_task(task_of(request, fingerprint="host", video="ab" * 32, begun_at=1.0))


def test_tasks_are_taken_answered_and_counted(mrvideo: Callable[..., Any]) -> None:
    library = mrvideo.folder / "kept.db"
    asked(library, 2)
    taken = mrvideo("tasks", "next", "--library", library, "--limit", "2", "--out", "seen")
    assert taken.returncode == 0
    told = json.loads(taken.stdout)
    first, second = told["tasks"]
    assert "instructions" in first and "instructions" not in second, "told once"
    assert told["progress"]["taken"] == 2
    (sheet,) = first["pictures"]
    with Image.open(mrvideo.folder / sheet["file"]) as image:
        assert image.size == (sheet["width"], sheet["height"])
    assert [cell["label"] for cell in sheet["cells"]] == ["0.00 s", "1.00 s", "2.00 s"]

    (mrvideo.folder / "reply.json").write_text('{"seen": "a door", "same_scene": true}')
    accepted = mrvideo("tasks", "submit", first["task"], "reply.json", "--library", library)
    assert (accepted.returncode, json.loads(accepted.stdout)["accepted"]) == (0, True)
    twice = mrvideo("tasks", "submit", first["task"], "reply.json", "--library", library)
    assert twice.returncode == 1 and "answered already" in json.loads(twice.stdout)["problem"]
    (mrvideo.folder / "reply.json").write_text("{}")
    wrong = mrvideo("tasks", "submit", second["task"], "reply.json", "--library", library)
    assert wrong.returncode == 1 and "same_scene" in json.loads(wrong.stdout)["problem"]

    none = mrvideo("tasks", "next", "--library", library)
    assert none.returncode == 1 and json.loads(none.stdout)["tasks"] == []
    counted = json.loads(mrvideo("tasks", "progress", "--library", library).stdout)
    assert counted["total"] == {"stage": "total", "open": 0, "taken": 1, "answered": 1, "failed": 0}
    assert [one["stage"] for one in counted["stages"]] == ["captions"]


def test_what_cannot_be_read_or_written_is_one_line(mrvideo: Callable[..., Any]) -> None:
    library = mrvideo.folder / "kept.db"
    asked(library, 1)
    (mrvideo.folder / "file").write_text("")
    for arguments, words in [
        (("next", "--out", "file"), "name another --out"),
        (("submit", "0123456789abcdef", "nothing.json"), "cannot be read"),
        (("submit", "0123456789abcdef", "file"), "no task"),
        (("next", "--video", "nothing.mp4"), "is not in"),
    ]:
        failed = mrvideo("tasks", *arguments, "--library", library)
        assert failed.returncode == 2 and words in failed.stderr, failed
        assert failed.stderr.count("\n") == 1
