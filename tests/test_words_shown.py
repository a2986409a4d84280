"""What people and agents read names no stage by its id and no error by its class, also where everything goes
wrong.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from support import chat_server, seeing
from support.films import grey_film

import mrvideo
from mrvideo import errors, wording
from mrvideo.cli.app import run
from mrvideo.display.stages import event_text
from mrvideo.records import Event
from mrvideo.session.exporting import Format, export_index
from mrvideo.settings import Settings
from mrvideo.tools.toolbox import Toolbox

CLASSES = sorted(
    name for name, made in inspect.getmembers(errors, inspect.isclass) if issubclass(made, Exception)
)
STAGES = sorted(stage for stage in wording._STAGES if "_" in stage)
# `caption` is also a source of evidence. Labels that end in such a word (`describing characters: 1 of 1`) are
# words.
SHORT = sorted(
    stage for stage, label in wording._STAGES.items() if stage not in (label, "caption") and "_" not in stage
)
INTERNAL = re.compile(rf"\b(?:{'|'.join(CLASSES + STAGES)})\b|(?:^|[(;.:,\n]\s*)(?:{'|'.join(SHORT)}): ")
QUESTION = "How many walls are there?"


class Failing:
    """Answers by rule, but for one kind of reply, which is no JSON at all."""

    def __init__(self, *kinds: str) -> None:
        self.kinds = kinds

    def __call__(self, asked: Any) -> Any:
        return "no idea" if asked.schema_name in self.kinds else seeing.answer(asked)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return grey_film(tmp_path / "film.mp4")


def texts_of(value: Any, name: str = "") -> Iterator[str]:
    """All texts of JSON data but the fields that name a stage or settings for programs."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in ("stage", "settings"):
                yield from texts_of(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_of(inner, name)
    elif isinstance(value, str):
        yield value


def internal(*texts: str) -> list[str]:
    return [f"{found[0]!r} in {text!r}" for text in texts for found in INTERNAL.finditer(text)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "kinds",
    [
        ("CharactersReply", "LinkCastReply"),
        ("CaptionClipReply",),
        ("WholeIntentionReply",),
        ("GoalsReply",),
        ("LookReply", "VerifyReply"),
    ],
    ids=lambda kinds: kinds[0],
)
async def test_no_face_shows_a_stage_id_or_the_class_of_an_error(
    film: Path, tmp_path: Path, kinds: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """`ReplyInvalid: …`, `segment_intention` and `verify: 0/0` stood in answers."""
    events: list[Event] = []
    with chat_server.ChatServer(answer=Failing(*kinds)) as server:
        chosen: dict[str, Any] = {
            "vision": "openai:test-vlm",
            "base_url": server.base_url,
            "library": tmp_path / "library.db",
        }
        settings = Settings(**chosen)
        video = await mrvideo.aindex(film, settings=settings, on_event=events.append)
        answer = await video.aask(QUESTION, on_event=events.append)
        box = Toolbox(settings, (tmp_path,), events.append)
        tools = [
            (await box.call("ask_video", {"video": str(film), "question": QUESTION})).text,
            (await box.call("video_status", {"video": str(film)})).text,
        ]
        flags = ["--vision", "openai:test-vlm", "--base-url", server.base_url]
        library = ["--library", str(tmp_path / "library.db")]
        commands = [
            ["ask", str(film), QUESTION, *flags, *library],
            ["index", str(film), *flags, *library],
            ["show", str(film), *library],
        ]
        printed: list[str] = []
        for command in commands:
            capsys.readouterr()
            assert run(command) in (0, 1)
            printed += [*capsys.readouterr()]
            assert run([*command, "--json"]) in (0, 1)
            out, err = capsys.readouterr()
            printed += [err, *texts_of(json.loads(out))]

    shown = [str(answer), *texts_of(answer.model_dump(mode="json"))]
    shown += [event_text(event) for event in events]
    shown += [answer._repr_html_(), video._repr_html_()]
    shown += [export_index(video.index, name) for name in get_args(Format) if not name.startswith("json")]
    shown += [text for tool in tools for text in texts_of(json.loads(tool))]
    assert "outside its bounds" in "".join(shown), "nothing failed"
    assert internal(*shown, *printed) == []


def test_the_check_itself_finds_what_stood_there() -> None:
    assert (
        len(internal("ReplyInvalid: no", "in segment_intention", "verify: 0/0", "all is well: 3 of 4")) == 3
    )
