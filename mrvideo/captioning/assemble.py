"""Puts shards together: scenes that cover the video without gap, under the names of the cast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mrvideo.captioning.laying_out import joined_text, laid_out
from mrvideo.captioning.rename import marks_in, renamed
from mrvideo.captioning.shard_records import SceneDraft, ShardRecords
from mrvideo.captioning.sightings import join_sightings, overlapping
from mrvideo.records import CaptionPart, Entity, Failure, Scene, Shot, Sighting, Span
from mrvideo.records.timed import with_times_inside, without_times
from mrvideo.text import same_text

Run = tuple[SceneDraft, ...]
"""The drafts of one scene, in order."""


def entries_of(records: Sequence[ShardRecords], whole: Span) -> tuple[SceneDraft | Failure, ...]:
    """All drafts and the failures that hide pictures; together they are the whole video."""
    entries: list[SceneDraft | Failure] = []
    for shard in records:
        entries.extend(shard.pieces)
        entries.extend(failure for failure in shard.failures if failure.hides == "pictures")
    return laid_out(entries, whole)


def failures_of(entries: Sequence[SceneDraft | Failure], others: Sequence[Failure]) -> tuple[Failure, ...]:
    """The entries that are failures, neighbours of one cause as one, and the failures that hide nothing; by
    time.
    """
    found: list[Failure] = []
    for entry in entries:
        if not isinstance(entry, Failure):
            continue
        last = found[-1] if found else None
        touches = last is not None and last.stop_seconds == entry.start_seconds
        if last is not None and touches and (last.stage, last.reasons) == (entry.stage, entry.reasons):
            found[-1] = last.model_copy(update={"stop_seconds": entry.stop_seconds})
        else:
            found.append(entry)
    return tuple(
        sorted([*found, *others], key=lambda f: (f.start_seconds, f.stop_seconds, f.stage, f.reasons))
    )


def mention_scenes(runs: Sequence[Run]) -> tuple[Scene, ...]:
    """The scenes before there is a cast: mention ids stand for names. For what must be known to make one."""
    return tuple(
        Scene(
            index=index,
            start_seconds=run[0].start_seconds,
            stop_seconds=run[-1].stop_seconds,
            brief="",
            detailed="",
            entity_names=tuple(
                dict.fromkeys(f"{draft.shard_index}/{name}" for draft in run for name in draft.appearing)
            ),
        )
        for index, run in enumerate(runs)
    )


def watermarks_of(records: Sequence[ShardRecords]) -> tuple[Sighting, ...]:
    """The texts laid over the picture in several shots, each when it stands there, over borders of shards, too."""
    return join_sightings(mark for shard in records for mark in shard.watermarks)


def scenes_of(
    runs: Sequence[Run],
    names: Mapping[int, Mapping[str, str]],
    watermarks: Sequence[Sighting] = (),
) -> tuple[Scene, ...]:
    """The scenes, captions rewritten to the cast's names; each lists every text that stands on screen during
    it.

    A watermark is listed once, by the scene in which it comes up; what clips have reported of it is part of it.
    """
    texts = join_sightings(
        [*watermarks, *(sighting for run in runs for draft in run for sighting in draft.sightings)]
    )
    unlisted = [text for text in texts if any(_is_of(mark, text) for mark in watermarks)]
    waiting = [text for text in texts if text not in unlisted]
    scenes: list[Scene] = []
    everyone = frozenset(name for known in names.values() for name in known.values())
    for index, run in enumerate(runs):
        span = Span(run[0].start_seconds, run[-1].stop_seconds)
        waiting = [text for text in waiting if text.stop_seconds >= span.start_seconds]
        near: list[Sighting] = []
        for text in waiting:
            if text.start_seconds > span.stop_seconds:
                break
            near.append(text)
        marks = overlapping(unlisted, span)
        unlisted = [mark for mark in unlisted if mark not in marks]
        scenes.append(_scene(index, span, run, names, everyone, (*overlapping(near, span), *marks)))
    return tuple(scenes)


def _is_of(mark: Sighting, text: Sighting) -> bool:
    return mark.span.overlaps(text.span) and same_text(mark.text, text.text)


def _scene(
    index: int,
    span: Span,
    run: Run,
    names: Mapping[int, Mapping[str, str]],
    everyone: frozenset[str],
    sightings: tuple[Sighting, ...],
) -> Scene:
    own = [names.get(draft.shard_index, {}) for draft in run]
    brief = [renamed(draft.brief, known) for draft, known in zip(run, own, strict=True)]
    detailed = [renamed(draft.detailed, known) for draft, known in zip(run, own, strict=True)]
    shown = [
        known[name]
        for draft, known in zip(run, own, strict=True)
        for name in draft.appearing
        if name in known
    ]
    parts = _parts(run, brief, detailed)
    spoken = [name for text in (*brief, *detailed) for name in marks_in(text) if name in everyone]
    return Scene(
        start_seconds=span.start_seconds,
        stop_seconds=span.stop_seconds,
        index=index,
        brief=joined_text([part.brief for part in parts], " "),
        detailed=joined_text([part.text for part in parts], " "),
        entity_names=tuple(dict.fromkeys([*shown, *spoken])),
        sightings=sightings,
        parts=parts,
    )


def _parts(run: Run, brief: Sequence[str], detailed: Sequence[str]) -> tuple[CaptionPart, ...]:
    """The run's drafts as parts; one that repeats the words before it, or has none, lengthens the part before
    it.
    """
    parts: list[CaptionPart] = []
    for draft, short, text in zip(run, brief, detailed, strict=True):
        last = parts[-1] if parts else None
        timed = with_times_inside(text, draft.span)
        text = without_times(timed)
        if last is not None and text in ("", last.text):
            parts[-1] = last.model_copy(update={"stop_seconds": draft.stop_seconds})
        else:
            parts.append(
                CaptionPart(
                    start_seconds=draft.start_seconds,
                    stop_seconds=draft.stop_seconds,
                    text=text,
                    brief=without_times(short),
                    timed=timed if timed != text else "",
                )
            )
    return tuple(parts)


def with_scenes(entities: Sequence[Entity], scenes: Sequence[Scene]) -> tuple[Entity, ...]:
    """The entities, each with the scenes it is in."""
    where: dict[str, list[int]] = {}
    for scene in scenes:
        for name in scene.entity_names:
            where.setdefault(name, []).append(scene.index)
    return tuple(
        entity.model_copy(update={"scene_indexes": tuple(where.get(entity.name, ()))}) for entity in entities
    )


def shots_of(records: Sequence[ShardRecords]) -> tuple[Shot, ...]:
    """Shots of the whole video: one that a shard border merely cuts is one."""
    shots: list[Shot] = []
    for shot in (shot for shard in records for shot in shard.shots):
        if shots and shot.transition == "start":
            last = shots[-1]
            # What either half shows between its bars.
            crop = last.crop.union(shot.crop) if last.crop and shot.crop else None
            shots[-1] = last.model_copy(update={"stop_seconds": shot.stop_seconds, "crop": crop})
        else:
            shots.append(shot)
    return tuple(shots)
