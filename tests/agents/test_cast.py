"""Whom a request tells of: those whom its texts name. A claim about a dog came with seventeen cast lines."""

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image

from mrvideo.agents.ask.cast import cast_of, shown_in
from mrvideo.agents.ask.exemplars import portraits
from mrvideo.models.base import Capabilities
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Box, CaptionPart, Entity, Frame, Mention, Scene, Span
from mrvideo.records.shown import showing_spans


def entity(name: str, **fields: Any) -> Entity:
    return Entity(
        name=name,
        kind=name.rpartition("_")[0],
        description=f"look of {name}",
        **{"exemplar_seconds": 1.0, **fields},
    )


def parked(film: SimpleNamespace) -> Any:
    """A car park: one scene of half a minute, whose parts name a car each; then an empty street."""
    texts = [
        "<car_1> drives up.",
        "<car_2> drives down. <person_1> asks where <car_3> is.",
        "<car_3> turns. Empty.",
    ]
    parts = tuple(
        CaptionPart(start_seconds=n * 10, stop_seconds=n * 10 + 10, text=text) for n, text in enumerate(texts)
    )
    names = ("car_1", "car_2", "car_3", "person_1")
    index = film.index(["x", "x", "x", "A street."], entities=[entity(name) for name in names])
    scene = Scene(
        index=0, start_seconds=0, stop_seconds=30, brief="x", detailed=" ".join(texts), parts=parts,
        entity_names=names,
    )  # fmt: skip
    return index.model_copy(update={"scenes": (scene, index.scenes[3].model_copy(update={"index": 1}))})


def sent(asked: Any, prompt: str) -> list[Any]:
    return [r for r in asked.mind.requests if r.prompt.name == prompt]


def names_of(request: Any) -> list[str]:
    return [line.name for line in request.inputs.entities]


async def test_each_request_tells_of_those_whom_it_names_and_of_nobody_else(
    film: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More than one segment: what is read in one call is planned in it.
    monkeypatch.setattr("mrvideo.agents.ask.segments.SCENES_PER_SEGMENT", 1)
    mind = film.mind(words=("<car_2> drives down",), capabilities=Capabilities(look_images=8))
    found = {
        "start_seconds": 10.0,
        "stop_seconds": 20.0,
        "source": "caption",
        "quote": "<car_2> drives down.",
    }
    nothing = {"findings": [], "reasoning": "Nothing.", "confidence": 4}
    mind.handlers["segment_intention"] = lambda i, r: nothing if i.segment_index else {
        "findings": [found], "reasoning": "Like robot_1, which is in no scene.", "confidence": 4,
        "spans": [{"start_seconds": 12.0, "stop_seconds": 18.0}],
    }  # fmt: skip
    index = parked(film)
    index = index.model_copy(update={"entities": (*index.entities, entity("robot_1"), entity("dog_1"))})
    asked = await film.run(mind, index, "Which car drives down?", max_rounds=1)
    assert names_of(sent(asked, "segment_intention")[0]) == ["car_1", "car_2", "car_3", "person_1"]
    assert names_of(sent(asked, "global_intention")[0]) == ["car_2", "robot_1"], "also who is in no span"
    assert names_of(sent(asked, "look_local")[0]) == ["car_2", "person_1"], "those whom this part shows"
    assert names_of(sent(asked, "verify")[0]) == ["car_2"]
    assert names_of(sent(asked, "answer")[0]) == ["car_2", "robot_1"], (
        "readings are told, where there are several"
    )
    listed = ("segment_intention", "global_intention", "look_local", "verify")
    times = {p: {line.seen for line in sent(asked, p)[0].inputs.entities} for p in listed}
    assert times["global_intention"] == {"10–20 s", ""}
    assert times["segment_intention"] == times["look_local"] == times["verify"] == {""}


async def test_a_look_across_for_a_dog_tells_of_no_cars(film: SimpleNamespace) -> None:
    mind = film.mind(handlers={"answer": lambda i, r: {"found": False, "confidence": 3, "basis": "absent"}})
    asked = await film.run(mind, parked(film), "Is a dog ever seen?")
    (look,) = sent(asked, "look_global")
    assert names_of(look) == []


def test_times_are_those_of_the_parts_that_show_somebody(film: SimpleNamespace) -> None:
    """Four cars were each 'seen 210–240 s', and there for three seconds."""
    context = film.context(parked(film))
    seen = {line.name: line.seen for line in cast_of(context, names=("car_1", "car_3"), times=True)}
    assert seen == {"car_1": "0–10 s", "car_3": "20–30 s"}, "and not where one is only asked for"
    assert shown_in(context, [Span(12.0, 18.0)]) == {"car_2", "person_1"}
    assert shown_in(context, [Span(31.0, 35.0)]) == set()


def test_of_many_times_the_first_and_the_last_are_told(film: SimpleNamespace) -> None:
    index = film.index(["<car_1>." if n % 2 else "x" for n in range(20)], entities=[entity("car_1")])
    scenes = tuple(
        s.model_copy(update={"entity_names": ("car_1",) if "car" in s.detailed else ()}) for s in index.scenes
    )
    (line,) = cast_of(film.context(index.model_copy(update={"scenes": scenes})), names=("car_1",), times=True)
    assert line.seen == "10–20, 30–40, 50–60 s, 6 times more, last 190–200 s"


def test_a_scene_without_parts_that_name_somebody_shows_them_throughout(film: SimpleNamespace) -> None:
    index = parked(film)
    assert showing_spans(index.scenes[0], "bus_1") == [Span(0.0, 30.0)]


class Grey:
    def at(self, times_seconds: list[float]) -> list[Frame]:
        picture = io.BytesIO()
        Image.new("RGB", (64, 36), "grey").save(picture, "JPEG")
        return [Frame(t, picture.getvalue(), 64, 36) for t in times_seconds]


@pytest.mark.parametrize(
    ("shown", "views"),
    [((), {5.0, 25.0, 35.0}), ((0.0, 10.0), {25.0, 35.0}), ((0.0, 40.0), {5.0})],
)
async def test_an_exemplar_of_what_is_shown_anyway_gives_way_to_one_from_elsewhere(
    film: SimpleNamespace, shown: tuple[float, ...], views: set[float]
) -> None:
    """It was taken from the very seconds that were checked, and said to come from elsewhere."""
    box = Box(0.1, 0.1, 0.5, 0.9)
    mentions = tuple(
        Mention(
            start_seconds=time, stop_seconds=time + 1, shard_index=n, name="car_a", kind="car",
            description="red", exemplar_seconds=time, box=box,
        )
        for n, time in enumerate((5.0, 25.0, 35.0))
    )  # fmt: skip
    one = entity("car_1", exemplar_seconds=5.0, box=box, mention_ids=tuple(m.mention_id for m in mentions))
    index = film.index(["x"] * 4, entities=[one]).model_copy(update={"mentions": mentions})
    context = film.context(index)
    context = type(context)(**{**vars(context), "frames": Grey(), "vision": ScriptedModel([])})
    _, known = await portraits(context, named=["<car_1>"], images=8, shown=[Span(*shown)] if shown else [])
    assert known == ("car_1",)
    assert {view.time_seconds for view in context.portraits} == views
