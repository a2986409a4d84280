"""Detail `glance`: an hour in at most sixty calls, each shot shown where there is room."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.films import film_of, video_info

from mrvideo.captioning.estimate import estimate_calls
from mrvideo.captioning.frames import Shown
from mrvideo.captioning.options import CaptioningOptions
from mrvideo.captioning.shard_view import of_shots
from mrvideo.errors import SettingsError
from mrvideo.media.identity import probe
from mrvideo.models.base import Capabilities, Request
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Frame, Shot
from mrvideo.session.estimating import estimate_index
from mrvideo.session.options import captioning_options
from mrvideo.settings import Settings

GLANCE = captioning_options(Settings(detail="glance"))


def shown(count: int) -> list[Shown]:
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG")
    return [Shown(Frame(n / 2, stream.getvalue(), 8, 8), n / 2) for n in range(count)]


def shots(*starts: float, stop: float) -> list[Shot]:
    stops = [*starts[1:], stop]
    return [
        Shot(start_seconds=a, stop_seconds=b, transition="cut" if a else "start")
        for a, b in zip(starts, stops, strict=True)
    ]


def test_each_shot_is_shown_and_long_ones_more() -> None:
    every = shown(200)
    cut = shots(0.0, 3.0, 5.0, 60.0, 61.0, stop=100.0)
    few = of_shots(every, cut, 20)
    assert len(few) == 20 and few[0] is every[0]
    times = [one.time_seconds for one in few]
    assert times == sorted(times)
    held = [sum(shot.span.contains(time) for time in times) for shot in cut]
    assert min(held) >= 1 and held[2] > held[4] > held[1]


def test_of_more_shots_than_pictures_the_longest_are_shown() -> None:
    every = shown(60)
    starts = [float(n) for n in range(20)]
    few = of_shots(every, shots(*starts, stop=30.0), 6)
    assert len(few) == 6 and few[-1].time_seconds >= 19.0
    assert of_shots(every[:6], [], 6) == tuple(every[:6])
    assert len(of_shots(every, [], 6)) == 6


def test_an_hour_is_estimated_at_sixty_calls_at_most() -> None:
    hour = video_info(3600.0, path="hour.mp4", width=1280, height=720, has_audio=True)
    rows = estimate_calls(hour, GLANCE, capabilities=Capabilities())
    assert sum(row.calls for row in rows) == 53
    assert sum(row.calls for row in estimate_calls(hour, CaptioningOptions())) == 449
    for row in rows:
        assert row.images <= row.calls * (20 + 2), row.stage


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An hour whose grey changes with a cut every 12 s."""

    def picture(number: int) -> np.ndarray:
        pixels = np.full((48, 64, 3), 40 + number // 24 % 3 * 80, np.uint8)
        pixels[20:28, number % 8 * 7 : number % 8 * 7 + 6] = 10
        return pixels

    path = tmp_path_factory.mktemp("hour") / "hour.mp4"
    return film_of(path, map(picture, range(7200)), rate=2, group=24)


def reply(request: Request[Any]) -> dict[str, Any]:
    """One scene a clip; the same four people everywhere."""
    name, span = request.prompt.name, request.span
    if name == "characters":
        time = request.inputs.frame_times[0]  # type: ignore[attr-defined]
        people = [f"person_{letter}" for letter in "abcd"]
        return {
            "characters": [
                {"name": one, "kind": "person", "description": one, "exemplar_seconds": time}
                for one in people
            ]
        }
    if name == "caption_clip":
        assert span is not None
        scene = {"start_seconds": span.start_seconds, "stop_seconds": span.stop_seconds}
        return {"continues_previous": False, "scenes": [{**scene, "brief": "b", "detailed": "d"}]}
    if name == "possible_cast":
        cards = [c.card_id for s in request.inputs.stretches for c in s.cards]  # type: ignore[attr-defined]
        return {"groups": [{"card_ids": cards}]}
    assert name == "link_cast"
    return {"pairs": [{"left_id": f"L{n}", "right_id": f"R{n}", "better": "left"} for n in (1, 2, 3, 4)]}


@pytest.mark.slow
def test_an_hour_takes_sixty_calls_and_nothing_of_it_is_left_out(hour: Path, build: Any) -> None:
    model = ScriptedModel(reply)
    index = build(probe(str(hour)), model, GLANCE)
    assert not index.failures
    assert 40 <= len(model.requests) <= 60
    assert index.scenes[0].start_seconds == 0.0 and index.scenes[-1].stop_seconds == pytest.approx(
        3600, abs=1
    )
    captions = [request for request in model.requests if request.stage == "caption"]
    for request in captions:
        own = request.inputs.frame_times  # type: ignore[attr-defined]
        assert 1 <= len(own) <= 20
        # Pictures that were left out are not said to show the same.
        assert request.inputs.still_gap_seconds is None  # type: ignore[attr-defined]
    shown_times = [t for request in captions for t in request.inputs.frame_times]  # type: ignore[attr-defined]
    missed = [cut for cut in index.shots if not any(cut.span.contains(time) for time in shown_times)]
    assert len(index.shots) >= 250 and missed == []


def test_the_plan_tells_tasks_pictures_and_minutes(hour: Path) -> None:
    found = estimate_index(str(hour), Settings(detail="glance", vision="host"))
    calls = found.recipes["fused"]["total"].calls
    assert set(found.recipes) == {"fused"} and calls <= 60
    assert f"{calls} tasks" in found.note and f"{-(-calls // 2)} minutes" in found.note


def test_glance_has_one_recipe() -> None:
    with pytest.raises(SettingsError, match="recipe fused alone"):
        captioning_options(Settings(detail="glance", recipe="paper"))


def test_the_keys_of_full_detail_are_as_before() -> None:
    model = ScriptedModel([])
    assert "cells_per_clip" not in CaptioningOptions().shaping(model)
    assert GLANCE.shaping(model)["cells_per_clip"] == 20


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds: two shots in which a bar wanders, then one in which nothing moves."""

    def picture(number: int) -> np.ndarray:
        shot = 0 if number < 12 else 1 if number < 20 else 2
        pixels = np.full((48, 64, 3), (40, 120, 200)[shot], np.uint8)
        place = number % 12 * 4 if shot < 2 else 20
        pixels[8:40, place : place + 8] = 10
        return pixels

    path = tmp_path_factory.mktemp("short") / "short.mp4"
    return film_of(path, map(picture, range(32)), rate=4, group=4)


def test_a_short_film_is_looked_at_by_shot_and_without_near_duplicates(short: Path, build: Any) -> None:
    """Three shots were one picture in the first look, and sixteen in the caption's."""
    model = ScriptedModel(reply)
    index = build(probe(str(short)), model, GLANCE)
    shown_by = {r.stage: r.inputs.frame_times for r in model.requests}  # type: ignore[attr-defined]
    assert len(index.shots) == 3
    for stage, most in (("characters", 3), ("caption", 6)):
        held = [sum(shot.span.contains(t) for t in shown_by[stage]) for shot in index.shots]
        assert min(held) >= 1 and sum(held) <= most, (stage, held)
    assert sum(index.shots[2].span.contains(t) for t in shown_by["caption"]) == 1, "nothing changes there"
