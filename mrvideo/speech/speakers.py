"""Who speaks: which entity a speaker's label goes with, and which names are said of whom.

Pure functions for captioning; nothing here decides, a model confirms with exemplar frames:

    label_entity_links(scenes, cues)          -> tuple[LabelLink, ...]      a label and the entity it goes with
    same_speaker(links)                       -> tuple[SameSpeaker, ...]    glue: two entities of one label
    name_candidates(cues, scenes, links=())   -> tuple[NameCandidate, ...]  a name, an entity, and the cues that say it

Scenes name their entities in `Scene.entity_names` (marks as `person_3`, or mention ids as `2/person_a`); any
string will do. Nothing is proposed on one co-occurrence alone.

Before the cast is made, entities are mentions that live in one shard. Say so by `group`, and mentions of
different shards do not compete for a label:

    links = label_entity_links(scenes, cues, group=lambda mention_id: mention_id.split("/")[0])
    for pair in same_speaker(links): ...      # pair.first, pair.second, pair.label
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from mrvideo.records import Cue, Evidence, Scene
from mrvideo.records.shown import shown_names
from mrvideo.speech.names import names_said, personal_name

MIN_TOGETHER = 2
"""A label or name goes with an entity only from this many scenes or cues on."""

MAX_EVIDENCE = 6


@dataclass(frozen=True, slots=True)
class LabelLink:
    """A speaker's label that goes with one entity: in which scenes, and how often the next best entity was
    there.
    """

    label: str
    entity_name: str
    scene_indexes: tuple[int, ...]
    runner_up: int
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class SameSpeaker:
    """Two entities that one label goes with: likely the same one."""

    label: str
    first: str
    second: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class NameCandidate:
    """A name that cues give an entity, with the cues as evidence: at least two. `rivals` have it as often."""

    name: str
    entity_name: str
    together: int
    rivals: tuple[str, ...]
    evidence: tuple[Evidence, ...]


def scene_of(cue: Cue, scenes: Sequence[Scene]) -> Scene | None:
    """The scene in which most of a cue is said; None where no scene is."""
    shared = [
        (part.duration_seconds, scene) for scene in scenes if (part := cue.span.intersection(scene.span))
    ]
    return max(shared, key=lambda item: item[0])[1] if shared else None


def label_entity_links(
    scenes: Sequence[Scene], cues: Sequence[Cue], *, group: Callable[[str], Hashable] = lambda name: None
) -> tuple[LabelLink, ...]:
    """Labels that share at least two scenes with one entity, and fewer with any other of its group."""
    said: dict[str, dict[int, Cue]] = defaultdict(dict)
    present: dict[int, frozenset[str]] = {}
    for cue, scene in _placed(cues, scenes):
        if cue.speaker:
            said[cue.speaker].setdefault(scene.index, cue)
            present[scene.index] = frozenset(shown_names(scene))
    links: list[LabelLink] = []
    for label, at in said.items():
        together = Counter(name for index in at for name in present[index])
        groups: dict[Hashable, list[tuple[int, str]]] = defaultdict(list)
        for name, count in together.items():
            groups[group(name)].append((count, name))
        for rivals in groups.values():
            rivals.sort(reverse=True)
            runner_up = rivals[1][0] if len(rivals) > 1 else 0
            count, name = rivals[0]
            if count >= MIN_TOGETHER and count > runner_up:
                indexes = tuple(sorted(index for index in at if name in present[index]))
                evidence = tuple(_evidence(at[index]) for index in indexes[:MAX_EVIDENCE])
                links.append(LabelLink(label, name, indexes, runner_up, evidence))
    return tuple(links)


def same_speaker(links: Sequence[LabelLink]) -> tuple[SameSpeaker, ...]:
    """Every two entities that go with the same label."""
    return tuple(
        SameSpeaker(
            first.label, first.entity_name, second.entity_name, (*first.evidence[:3], *second.evidence[:3])
        )
        for number, first in enumerate(links)
        for second in links[number + 1 :]
        if first.label == second.label and first.entity_name != second.entity_name
    )


def name_candidates(
    cues: Sequence[Cue], scenes: Sequence[Scene], *, links: Sequence[LabelLink] = ()
) -> tuple[NameCandidate, ...]:
    """Names that cues give to entities, each from at least two cues; the entity most often there comes first.

    "I'm Sarah" is said by who speaks: with `links`, that entity alone. "Thanks, Sarah" is said to somebody
    else: with `links`, never the speaker. A label that is itself a name ("SARAH:") counts as one more way of
    saying it. An entity gets a name only where no other has it more often; `rivals` have it as often.
    """
    entity_of = {link.label: link.entity_name for link in links}
    given: dict[str, dict[str, list[Cue]]] = defaultdict(lambda: defaultdict(list))
    for (cue, scene), names in zip(
        placed := _placed(cues, scenes), names_said([cue for cue, _ in placed]), strict=True
    ):
        speaker = entity_of.get(cue.speaker or "")
        for name, of_speaker in names:
            if of_speaker and speaker:
                possible = {speaker}
            else:
                possible = set(shown_names(scene)) - ({speaker} if speaker else set())
            for entity in possible:
                given[name][entity].append(cue)
        if speaker and (name := personal_name(cue.speaker or "")):
            given[name][speaker].append(cue)
    candidates: list[NameCandidate] = []
    for name, by_entity in given.items():
        most = max(len(found) for found in by_entity.values())
        if most < MIN_TOGETHER:
            continue
        best = sorted(entity for entity, found in by_entity.items() if len(found) == most)
        for entity in best:
            evidence = tuple(_evidence(cue) for cue in by_entity[entity][:MAX_EVIDENCE])
            rivals = tuple(other for other in best if other != entity)
            candidates.append(NameCandidate(name, entity, most, rivals, evidence))
    return tuple(sorted(candidates, key=lambda found: (-found.together, found.name, found.entity_name)))


def _placed(cues: Sequence[Cue], scenes: Sequence[Scene]) -> list[tuple[Cue, Scene]]:
    """Each cue beside its scene; both in order of time, so that a long video takes one pass."""
    ordered = sorted(scenes, key=lambda scene: scene.start_seconds)
    placed: list[tuple[Cue, Scene]] = []
    first = 0
    for cue in sorted(cues, key=lambda cue: cue.start_seconds):
        while first < len(ordered) - 1 and ordered[first].stop_seconds <= cue.start_seconds:
            first += 1
        last = first
        while last < len(ordered) and ordered[last].start_seconds <= cue.stop_seconds:
            last += 1
        scene = scene_of(cue, ordered[first:last])
        if scene is not None:
            placed.append((cue, scene))
    return placed


def _evidence(cue: Cue) -> Evidence:
    return Evidence(
        start_seconds=cue.start_seconds, stop_seconds=cue.stop_seconds, source="cue", quote=cue.text
    )
