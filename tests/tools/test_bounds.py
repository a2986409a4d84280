"""What a tool says fits a context window, however much a film holds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.films import video_info

from mrvideo.records import Cue, Entity, Failure, Index, Scene, Sighting
from mrvideo.settings import Settings
from mrvideo.tools import toolbox
from mrvideo.tools.results import MAX_CHARACTERS, failed_spans, fitting
from mrvideo.tools.toolbox import Toolbox

LONG = ["x" * 50_000, "\x9b\u202e" * 20_000, '"\\' * 20_000, "語" * 20_000]
"""Controls take six characters each in JSON, quotation marks two."""


def _index(text: str) -> Index:
    info = video_info(1000.0, path=f"/{text}.mp4", frames_per_second=2.0)
    span = {"start_seconds": 0.0, "stop_seconds": 1000.0}
    scene = Scene(
        index=0, **span, brief=text, detailed=text,
        sightings=tuple(Sighting(start_seconds=n, stop_seconds=n + 1, text=text) for n in range(100)),
    )  # fmt: skip
    return Index(
        key="k",
        video=info,
        scenes=(scene,),
        entities=tuple(
            Entity(name=f"p_{n}", kind=text, description=text, display_name=text, exemplar_seconds=0.0)
            for n in range(300)
        ),
        cues=tuple(Cue(start_seconds=n, stop_seconds=n + 1, text=text) for n in range(300)),
        failures=tuple(
            Failure(start_seconds=n, stop_seconds=n + 1, stage="open", reason=text) for n in range(300)
        ),
        settings={},
    )


@pytest.fixture(params=LONG, ids=["letters", "controls", "quotes", "wide"])
def box(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toolbox:
    index = _index(request.param)
    monkeypatch.setattr(toolbox, "load_index", lambda video, settings: index)
    return Toolbox(Settings(library=tmp_path / "library.db"))


async def _called(box: Toolbox, name: str, **arguments: Any) -> dict[str, Any]:
    text = (await box.call(name, {"video": "v", **arguments})).text
    assert len(text) <= MAX_CHARACTERS
    assert text.isprintable(), "no control character and no mark of direction"
    return json.loads(text)


async def test_no_result_is_longer_than_told(box: Toolbox) -> None:
    """One scene reached 131,879 characters, a cast 53,131."""
    status = await _called(box, "video_status")
    assert status["failures_left_out"] == 300 - len(status["failures"]) > 0
    whole = await _called(box, "read_scenes", start_seconds=0, stop_seconds=1000)
    assert whole["scenes"][0]["left_out"] > 0


@pytest.mark.slow
async def test_what_was_left_out_can_be_had(box: Toolbox) -> None:
    listed: list[str] = []
    first: int | None = 0
    while first is not None:
        page = await _called(box, "list_entities", first=first)
        assert page["entities"]
        listed += [entity["name"] for entity in page["entities"]]
        first = page["next_first"]
    assert listed == [f"p_{n}" for n in range(300)]
    part = await _called(box, "read_scenes", start_seconds=50, stop_seconds=52)
    assert part["scenes"][0]["left_out"] == 0
    assert len(part["scenes"][0]["said"]) == len(part["scenes"][0]["on_screen"]) == 2


def test_one_line_is_listed_however_little_room_there_is() -> None:
    """A list that goes on where it ended would never end."""
    failures = [
        Failure(start_seconds=n, stop_seconds=n + 1, stage="open", reason="it is cut short") for n in range(3)
    ]
    lines = failed_spans(failures)
    assert [line.start_seconds for line in lines] == [0.0, 1.0, 2.0]
    assert fitting(lines, room=1) == lines[:1]
    assert fitting([], room=1) == []
