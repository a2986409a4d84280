"""Long worlds without a film: an index as perfect eyes would make it, frames drawn on demand, and a mind that
walks a memory.

    hours   |ask|fill|fill|ask|fill|fill|ask| …   blocks of six minutes
             each with a cast of its own; only those of the `ask` blocks have faces that nobody else has

Faces are six bits, so ten blocks of six people can be told from pixels: questions are of these, spread from
first to last.
"""

from __future__ import annotations

import itertools
import random
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from mrvideo.media.images import frame_of
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import WHOLE, Cue, Entity, Frame, Index, Scene, Shot, Sighting, VideoInfo
from support import perceiver, world
from support import world_questions as asking

BLOCK_MINUTES = 6.0
CAST = 6
ASKED_BLOCKS = 8
"""48 faces; those of the blocks between are taken from the 14 that are left."""


@dataclass(frozen=True)
class LongWorld:
    """The truth of many blocks, as one world; `questions` are about the cast of single blocks."""

    made: world.World
    index: Index
    questions: tuple[asking.Question, ...]


def make_long_world(hours: float, *, seed: int = 5, questions: int = 44) -> LongWorld:
    """Blocks in a row, their people renamed so that no two blocks share any, and questions about some of the
    blocks.
    """
    count = max(round(hours * 60 / BLOCK_MINUTES), 1)
    asked = {round(i * (count - 1) / max(ASKED_BLOCKS - 1, 1)) for i in range(min(ASKED_BLOCKS, count))}
    faces = itertools.count(1)
    scenes: list[world.WorldScene] = []
    cues: list[Cue] = []
    people: list[tuple[str, int]] = []
    pools: list[list[asking.Question]] = []
    for block in range(count):
        start = scenes[-1].stop_seconds if scenes else 0.0
        made = world.make_world(seed=seed * 1000 + block, minutes=BLOCK_MINUTES, characters=CAST, named=CAST)
        crew = {
            one.face: world.Character(
                next(faces) if block in asked else 49 + (block * CAST + n) % 14,
                one.look,
                f"{one.name}{block}",
            )
            for n, one in enumerate(made.characters)
        }
        own = tuple(
            replace(
                scene,
                start_seconds=round(start + scene.start_seconds, 2),
                stop_seconds=round(start + scene.stop_seconds, 2),
                serial=(len(scenes) + n) % 256,
                poses=tuple(replace(pose, character=crew[pose.character.face]) for pose in scene.poses),
            )
            for n, scene in enumerate(made.scenes)
        )
        part = world.World(own, tuple(crew.values()), named=tuple(one.face for one in crew.values()))
        said = [*part.cues(), *asking.cause_cues(part, seed + block)]
        scenes += own
        cues += said
        people += [(one.name, one.face) for one in crew.values()]
        if block in asked:
            pools.append(asking.make_questions(part, seed=seed, count=200, cues=said))
    whole = world.World(tuple(scenes), ())
    # Kinds in turn within a block; of each block another kind first.
    turns = itertools.chain.from_iterable(
        itertools.zip_longest(*(pool[n % len(asking.KINDS) :] for n, pool in enumerate(pools)))
    )
    chosen = [question for question in turns if question is not None][:questions]
    return LongWorld(whole, _index(whole, people, sorted(cues, key=lambda c: c.start_seconds)), tuple(chosen))


def _index(made: world.World, people: Sequence[tuple[str, int]], cues: Sequence[Cue]) -> Index:
    number = {name: f"person_{n}" for n, (name, _) in enumerate(people, start=1)}
    seen: dict[str, tuple[int, float, world.Pose]] = {}
    shown: dict[str, list[int]] = {}
    scenes: list[Scene] = []
    for place, one in enumerate(made.scenes):
        for pose in one.poses:
            name = pose.character.name
            found = (len(one.poses), one.span.middle_seconds, pose)
            if name not in seen or found[0] < seen[name][0]:
                seen[name] = found
            shown.setdefault(name, []).append(place)
        told = [perceiver.sentence(f"<{number[p.character.name]}>", p.action, p.prop) for p in one.poses]
        text = " ".join([perceiver.place_sentence(one.place), *told])
        scenes.append(
            Scene(
                start_seconds=one.start_seconds,
                stop_seconds=one.stop_seconds,
                index=place,
                brief=text,
                detailed=text,
                entity_names=tuple(number[p.character.name] for p in one.poses),
                sightings=(
                    Sighting(
                        start_seconds=one.start_seconds,
                        stop_seconds=one.stop_seconds,
                        text=world.SIGNS[one.sign],
                    ),
                )
                if one.sign
                else (),
            )
        )
    entities = tuple(
        Entity(
            name=number[name],
            kind=world.kind(seen[name][2].character.look),
            description=f"{world.looks(seen[name][2].character.look)}, {world.ORDINALS[seen[name][2].slot]} from the left",
            display_name=name,
            exemplar_seconds=seen[name][1],
            box=world.sprite_box(seen[name][2].slot),  # pyright: ignore[reportArgumentType]
            scene_indexes=tuple(shown[name]),
        )
        for name, _ in people
        if name in seen
    )
    return Index(
        key=f"world {made.duration_seconds}",
        video=VideoInfo(
            digest="0" * 64,
            path="world.mp4",
            duration_seconds=made.duration_seconds,
            width=world.COLUMNS * world.CELL,
            height=world.ROWS * world.CELL,
            frames_per_second=10.0,
            codec="h264",
            has_audio=True,
            size_bytes=1,
        ),
        scenes=tuple(scenes),
        entities=entities,
        cues=tuple(cues),
        shots=tuple(
            Shot(start_seconds=s.start_seconds, stop_seconds=s.stop_seconds, crop=WHOLE) for s in made.scenes
        ),
    )


class DrawnFrames:
    """The frame at any time, drawn when it is asked for."""

    def __init__(self, made: world.World) -> None:
        self._scenes = made.scenes
        self._starts = [scene.start_seconds for scene in made.scenes]

    def at(self, times_seconds: list[float]) -> list[Frame]:
        """A frame each."""
        return [self._drawn(time) for time in times_seconds]

    def _drawn(self, time: float) -> Frame:
        scene = self._scenes[max(bisect_right(self._starts, time) - 1, 0)]
        return frame_of(Image.fromarray(np.asarray(world.picture(scene, time))), time)


# --- the mind
# --------------------------------------------------------------------------------------------------


def remembering(eyes: Any) -> Any:
    """A perceiver, taught to answer questions, that also writes chapters and walks them."""
    asking.teach(eyes)
    eyes.handlers.update(chapter=_chapter, join_chapters=_join_chapters, walk=_walk, read_facts=_read_facts)
    return eyes


def model_of(eyes: Any) -> ScriptedModel:
    """A model that is nothing but this perceiver."""
    return ScriptedModel(eyes, name="perceiver")


def _scenes(task: Any) -> list[tuple[int, float, float, str, list[str]]]:
    """Number, times, caption and texts on screen."""
    found: list[tuple[int, float, float, str, list[str]]] = []
    for line in task.block("scenes"):
        scene = re.match(r"scene (\d+) \(([\d.]+), ([\d.]+)\): ?(.*)", line)
        sign = re.match(r"\s*on screen \([\d.]+, [\d.]+\): (.*)", line)
        if scene:
            found.append((int(scene[1]), float(scene[2]), float(scene[3]), scene[4], []))
        elif sign:
            found[-1][4].append(sign[1])
    return found


def _chapter(eyes: Any, task: Any) -> dict[str, Any]:
    """Every scene's caption is a fact, and every text and line; the summary tells of three scenes."""
    scenes = _scenes(task)
    facts = [{"text": text, "kind": "event", "scenes": [number]} for number, _, _, text, _ in scenes]
    facts += [
        {"text": f'On screen: "{sign}"', "kind": "text", "scenes": [number]}
        for number, *_, signs in scenes
        for sign in signs
    ]
    for line in task.block("cues"):
        cue = re.match(r"\(([\d.]+), ([\d.]+)\)[^:]*: (.*)", line)
        assert cue, line
        owner = next((n for n, start, stop, *_ in scenes if start <= float(cue[1]) < stop), scenes[0][0])
        facts.append({"text": cue[3], "kind": "speech", "scenes": [owner]})
    facts.sort(key=lambda fact: fact["scenes"][0])
    told = [scenes[0], scenes[len(scenes) // 2], scenes[-1]]
    return {
        "facts": facts,
        "summary": [{"text": text, "scenes": [number]} for number, _, _, text, _ in told],
        "title": f"Scenes {scenes[0][0]} to {scenes[-1][0]}",
    }


def _parts(task: Any) -> list[tuple[str, str, list[tuple[str, list[int]]]]]:
    """Name, all of its text, and its facts with their scenes."""
    found: list[tuple[str, str, list[tuple[str, list[int]]]]] = []
    for line in task.block("parts"):
        head = re.match(r"part ([\d.]+) \([\d.]+, [\d.]+\): (.*)", line)
        if head:
            found.append((head[1], head[2], []))
            continue
        name, text, facts = found[-1]
        fact = re.match(r"\s*(?:- )?(?:\w+: )?(.*?)(?: \[([\d, ]+)\])?$", line)
        assert fact, line
        scenes = [int(n) for n in (fact[2] or "").split(", ") if n]
        found[-1] = (name, f"{text} {fact[1]}", [*facts, (fact[1], scenes)])
    return found


def _join_chapters(eyes: Any, task: Any) -> dict[str, Any]:
    parts = _parts(task)
    facts = [
        {"text": text, "kind": "event", "scenes": scenes}
        for _, _, own in parts
        for text, scenes in own
        if scenes
    ]
    firsts = [own[0] for _, _, own in parts if own]
    return {
        "facts": facts[:40],
        "summary": [{"text": text, "scenes": scenes} for text, scenes in firsts[:8]],
        "title": f"Parts {parts[0][0]} to {parts[-1][0]}",
    }


def _wanted(task: Any) -> tuple[Any, str | None]:
    asked = asking._asked(task)
    entity = next((e for e, (known, _) in asking._cast(task).items() if known == asked.name), None)
    return asked, entity


def _walk(eyes: Any, task: Any) -> dict[str, Any]:
    asked, entity = _wanted(task)

    def score(text: str) -> int:
        here = [entity and f"<{entity}>" in text, asked.action and asked.action in text]
        return sum(map(bool, [*here, asked.place and asked.place in text]))

    parts = sorted(_parts(task), key=lambda part: -score(part[1]))
    return {
        "reasoning": f"{asked.name} is {entity}.",
        "open": [name for name, text, _ in parts if score(text)][:8],
        "scope": "everything" if asked.want in asking.BROAD else "parts",
    }


def _read_facts(eyes: Any, task: Any) -> dict[str, Any]:
    asked, entity = _wanted(task)
    scenes = [
        scene
        for _, _, facts in _parts(task)
        for text, own in facts
        if (entity and f"<{entity}>" in text) or asked.name in text
        for scene in own
    ]
    return {"reasoning": f"{asked.name} is {entity}.", "scenes": list(dict.fromkeys(scenes))[:256]}


def lossy(index: Index, rate: float) -> Index:
    """The index without some of its captions' sentences about people."""
    chance = random.Random(7)

    def lost(scene: Scene) -> Scene:
        place, *told = [line.rstrip(".") + "." for line in scene.detailed.split(". ")]
        text = " ".join([place, *(line for line in told if chance.random() >= rate)])
        names = tuple(name for name in scene.entity_names if f"<{name}>" in text)
        return scene.model_copy(update={"brief": text, "detailed": text, "entity_names": names})

    return index.model_copy(update={"scenes": tuple(map(lost, index.scenes))})
