"""What faults of perception cost stage A: entity F1 and captions that still name the right one, on a world of
known truth.

    python benchmarks/naming.py [--seeds 3] [--minutes 5] [--recipes fused paper] [--kinds …] [--without views
    review]

The perceiver reads only the pixels and prompts it is sent (tests/support). No model, no network. Prints a
Markdown table. `--without` switches off what repairs the cast: `views`, the frames of other scenes beside an
exemplar; `review`, the second comparison of each stretch with the whole cast.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from itertools import combinations
from pathlib import Path
from typing import Any

import mrvideo.captioning.cast as cast_room
import mrvideo.captioning.reduce as reduce_room
from mrvideo.captioning.index import CaptioningOptions, build_index
from mrvideo.library import Library
from mrvideo.media.identity import probe
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Index

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from support import perceiver as eyes
from support import world as worlds


def faces(index: Index, world: Any) -> dict[str, int]:
    """Mention id → whose face its exemplar really shows."""
    found: dict[str, int] = {}
    for mention in index.mentions:
        slot = next(n for n, word in enumerate(worlds.ORDINALS) if f"{word} from" in mention.description)
        poses = world.scene_at(mention.exemplar_seconds).poses
        found[mention.mention_id] = next(p.character.face for p in poses if p.slot == slot)
    return found


def entity_f1(index: Index, truth: dict[str, int]) -> float:
    """Pairwise F1 of mentions put under one name."""
    entity = {mention: e.name for e in index.entities for mention in e.mention_ids}
    same = {(a, b) for a, b in combinations(sorted(truth), 2) if truth[a] == truth[b]}
    said = {(a, b) for a, b in combinations(sorted(truth), 2) if entity[a] == entity[b]}
    return 2 * len(same & said) / max(1, len(same) + len(said))


def facts_kept(index: Index, world: Any, truth: dict[str, int]) -> float:
    """Share of true facts (who, in a scene, does what with what) that a caption states under the one's main
    name.
    """
    votes: dict[int, dict[str, int]] = {}
    for entity in index.entities:
        for mention in entity.mention_ids:
            count = votes.setdefault(truth[mention], {})
            count[entity.name] = count.get(entity.name, 0) + 1
    name_of = {face: max(sorted(count), key=lambda name: count[name]) for face, count in votes.items()}
    kept = total = 0
    for true in world.scenes:
        middle = (true.start_seconds + true.stop_seconds) / 2
        scene = next((s for s in index.scenes if s.span.contains(middle)), None)
        said = eyes.parse_sentences(scene.detailed) if scene else []
        for pose in true.poses:
            who = name_of.get(pose.character.face)
            wanted = eyes.Fact(who, worlds.ACTIONS[pose.action], worlds.PROPS[pose.prop])
            total += 1
            kept += wanted in said
    return kept / total


def measure(seed: int, minutes: float, recipe: str, **rates: float) -> tuple[float, float]:
    """(entity F1, facts kept) for one world and one fault."""
    world = worlds.make_world(seed=seed, minutes=minutes, characters=10)
    twins: dict[int, int] = {}
    for one, other in zip(world.characters[::2], world.characters[1::2], strict=True):
        twins |= {one.face: other.face, other.face: one.face}
    model = ScriptedModel(eyes.Perceiver(eyes.Faults(**rates, seed=seed), look_alikes=twins))
    with tempfile.TemporaryDirectory() as folder, Library.open(Path(folder) / "library.db") as library:
        info = probe(world.render(Path(folder) / "world.mp4"))
        options = CaptioningOptions(recipe=recipe)  # pyright: ignore[reportArgumentType]
        index = build_index(
            info, (), options=options, vision=model, library=library, on_event=lambda event: None
        )
    truth = faces(index, world)
    return entity_f1(index, truth), facts_kept(index, world, truth)


async def unreviewed(members: Any, *_: Any, **__: Any) -> Any:
    """The cast as the tree left it."""
    return tuple(members)


def spread(values: list[float]) -> str:
    """The mean and its standard error over worlds."""
    error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return f"{statistics.mean(values):.2f} ± {error:.2f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--recipes", nargs="+", default=["fused", "paper"])
    parser.add_argument(
        "--kinds",
        nargs="+",
        default=["misses_character", "confuses_look_alikes", "wrong_split", "vague_caption"],
    )
    parser.add_argument("--rates", type=float, nargs="+", default=[0.1, 0.3])
    parser.add_argument("--without", nargs="+", default=[], choices=["views", "review"])
    arguments = parser.parse_args()
    if "views" in arguments.without:
        reduce_room.views_of = lambda mentions, pieces: {}
    if "review" in arguments.without:
        cast_room.reviewed = unreviewed
    print("| recipe | fault | rate | entity F1 | facts kept |\n|---|---|---|---|---|")
    cases: list[tuple[str, dict[str, float]]] = [("none", {})]
    for name in arguments.kinds:
        cases += [(name, {name: rate}) for rate in arguments.rates]
    for recipe in arguments.recipes:
        for name, rates in cases:
            found = [measure(seed, arguments.minutes, recipe, **rates) for seed in range(arguments.seeds)]
            f1, kept = spread([one for one, _ in found]), spread([share for _, share in found])
            rate = next(iter(rates.values()), 0.0)
            print(f"| {recipe} | {name} | {rate:.1f} | {f1} | {kept} |", flush=True)


if __name__ == "__main__":
    main()
