"""Pixel to record on a world whose truth is known: with perfect perception nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mrvideo.captioning.index import CaptioningOptions
from mrvideo.mapreduce import portal
from mrvideo.media.identity import probe
from mrvideo.models import Ledger, ModelSettings, open_model
from mrvideo.models.base import Request
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Index, Span, VideoInfo

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world(worlds: ModuleType) -> Any:
    return worlds.make_world(seed=7, minutes=4.2, characters=10, named=3)


@pytest.fixture(scope="module")
def video(world: Any, tmp_path_factory: pytest.TempPathFactory) -> VideoInfo:
    return probe(world.render(tmp_path_factory.mktemp("world") / "world.mp4"))


def faces(index: Index, world: Any, worlds: ModuleType) -> dict[str, int]:
    """Mention id → whose face the exemplar really shows."""
    found: dict[str, int] = {}
    for mention in index.mentions:
        assert mention.box is not None
        slot = worlds.slot_of(mention.box)
        poses = world.scene_at(mention.exemplar_seconds).poses
        found[mention.mention_id] = next(p.character.face for p in poses if p.slot == slot)
    return found


def pairwise_f1(index: Index, truth: dict[str, int]) -> float:
    entity = {mention: e.name for e in index.entities for mention in e.mention_ids}
    same = {(a, b) for a, b in combinations(sorted(truth), 2) if truth[a] == truth[b]}
    said = {(a, b) for a, b in combinations(sorted(truth), 2) if entity[a] == entity[b]}
    return 2 * len(same & said) / (len(same) + len(said))


@pytest.mark.parametrize("recipe", ["fused", "paper"])
def test_perfect_perception_loses_nothing(
    world: Any,
    video: VideoInfo,
    worlds: ModuleType,
    perceivers: ModuleType,
    build: Callable[..., Index],
    recipe: str,
) -> None:
    model = ScriptedModel(perceivers.Perceiver())
    index = build(video, model, CaptioningOptions(recipe=recipe), cues=world.cues())  # type: ignore[arg-type]

    assert not index.failures
    assert all(len(request.pictures) <= 40 for request in model.requests)
    truth = faces(index, world, worlds)
    assert pairwise_f1(index, truth) == 1.0
    assert len(index.scenes) == len(world.scenes)
    who = {mention: e.name for e in index.entities for mention in e.mention_ids}
    name_of = {face: who[mention] for mention, face in truth.items()}
    for scene, true in zip(index.scenes, world.scenes, strict=True):
        # A frame is looked at every half second; a camera cut, where seen, gives the exact border.
        assert 0 <= scene.start_seconds - true.start_seconds < 0.5
        assert perceivers.parse_place(scene.detailed) == worlds.PLACES[true.place]
        # Nobody is left without a name, however short the shot: the characters' frames cover every shot.
        said = {fact.who: fact for fact in perceivers.parse_sentences(scene.detailed)}
        for pose in true.poses:
            fact = said[name_of[pose.character.face]]
            assert fact.action == worlds.ACTIONS[pose.action] and fact.prop == worlds.PROPS[pose.prop]
        assert set(scene.entity_names) == {name_of[pose.character.face] for pose in true.poses}
        sign = worlds.SIGNS[true.sign]
        assert (not sign) or any(text.text == sign for text in scene.sightings)
    # Only local names that were replaced: none is left in a caption.
    assert not any(f"<{m.name}>" in s.detailed + s.brief for m in index.mentions for s in index.scenes)


@pytest.mark.parametrize("recipe", ["fused", "paper"])
def test_a_watermark_is_told_where_it_stands_and_nowhere_else(
    world: Any, perceivers: ModuleType, build: Callable[..., Index], tmp_path: Path, recipe: str
) -> None:
    """It was told of all of its shard, and to the captions of clips that do not show it."""
    # Over the border of two shards, at 120 s.
    first = next(place for place, scene in enumerate(world.scenes) if scene.start_seconds > 60)
    last = next(place for place, scene in enumerate(world.scenes) if scene.start_seconds > 150)
    start, stop = world.scenes[first].start_seconds, world.scenes[last].stop_seconds
    video = probe(world.marked(1, first, last).render(tmp_path / "marked.mp4"))
    model = ScriptedModel(perceivers.Perceiver())
    index = build(video, model, CaptioningOptions(recipe=recipe))  # type: ignore[arg-type]

    listed = {
        scene.index: text for scene in index.scenes for text in scene.sightings if text.text == "LAKE TV"
    }
    assert list(listed) == [first]
    assert listed[first].start_seconds == pytest.approx(start, abs=0.1)
    assert listed[first].stop_seconds == pytest.approx(stop, abs=0.1)
    for request in (one for one in model.requests if one.stage == "caption"):
        assert request.span is not None
        told = "LAKE TV" in request.prompt.render(request.inputs, request.names).user
        inside = request.span.intersection(Span(start, stop))
        assert told == (inside is not None and inside.duration_seconds > 0.1), request.span


def test_names_that_cues_give_once_are_learnt_with_evidence(
    world: Any, video: VideoInfo, worlds: ModuleType, perceivers: ModuleType, build: Callable[..., Index]
) -> None:
    """Of four people named in a film's cues two stayed without a name: each was named once."""
    cues = tuple({cue.text: cue for cue in world.cues()}.values())
    index = build(video, ScriptedModel(perceivers.Perceiver()), cues=cues)
    truth = faces(index, world, worlds)
    called = {c.face: c.name for c in world.characters if c.face in world.named}
    told = {name for name in called.values() if any(name in cue.text for cue in cues)}
    assert len(told) == len(cues) > 1
    for entity in index.entities:
        face = truth[entity.mention_ids[0]]
        if entity.display_name is not None:
            assert entity.display_name == called[face]
            assert entity.display_name in entity.name_evidence[0].quote
    assert {entity.display_name for entity in index.entities if entity.display_name} == told


def test_names_that_cues_give_twice_are_learnt_where_no_clip_tells_them(
    world: Any, video: VideoInfo, worlds: ModuleType, perceivers: ModuleType, build: Callable[..., Index]
) -> None:
    eyes = perceivers.Perceiver()
    cues = world.cues()

    def silent(request: Request[Any]) -> Any:
        reply = eyes(request)
        return {**reply, "names": []} if "names" in reply else reply

    index = build(video, ScriptedModel(silent), cues=cues)
    truth = faces(index, world, worlds)
    called = {c.face: c.name for c in world.characters if c.face in world.named}
    learnt = 0
    for entity in index.entities:
        face = truth[entity.mention_ids[0]]
        if entity.display_name is not None:
            learnt += 1
            assert entity.display_name == called[face]
            assert entity.display_name in entity.name_evidence[0].quote
        elif face in called:
            assert sum(called[face] in cue.text for cue in cues) < 2
    assert learnt >= 1


def test_confused_look_alikes_cost_the_cast_and_only_them(
    world: Any, video: VideoInfo, worlds: ModuleType, perceivers: ModuleType, build: Callable[..., Index]
) -> None:
    twins: dict[int, int] = {}
    for one, other in zip(world.characters[::2], world.characters[1::2], strict=True):
        twins |= {one.face: other.face, other.face: one.face}
    eyes = perceivers.Perceiver(perceivers.Faults(confuses_look_alikes=0.5), look_alikes=twins)
    index = build(video, ScriptedModel(eyes))
    truth = faces(index, world, worlds)
    assert pairwise_f1(index, truth) < 1.0
    for entity in index.entities:
        seen = {truth[mention] for mention in entity.mention_ids}
        assert len(seen) == 1 or seen == {min(seen), twins[min(seen)]}


@pytest.fixture
def server(chat: ModuleType, perceivers: ModuleType) -> Iterator[Any]:
    with chat.ChatServer(answer=perceivers.Perceiver().over_http) as running:
        yield running


def test_over_http_the_same_eyes_see_the_same(
    server: Any, worlds: ModuleType, perceivers: ModuleType, build: Callable[..., Index], tmp_path: Path
) -> None:
    small = worlds.make_world(seed=3, minutes=2.3, characters=5)
    video = probe(small.render(tmp_path / "small.mp4"))
    settings = ModelSettings.parse("openai:test-vlm", base_url=server.base_url)
    ledger = Ledger()
    model = open_model(settings, ledger=ledger)
    try:
        over_http = build(video, model)
    finally:
        portal().call(model.aclose)
    in_process = build(video, ScriptedModel(perceivers.Perceiver()))

    assert not server.refusals
    assert over_http.scenes == in_process.scenes
    assert over_http.entities == in_process.entities
    assert ledger.total().calls == over_http.usage.calls == len(server.asked)
