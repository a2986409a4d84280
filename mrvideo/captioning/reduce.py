"""Reduces a video's shards to its index: scenes over borders, one cast, its names, and the captions rewritten
to them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone

from mrvideo.captioning.assemble import (
    entries_of,
    failures_of,
    mention_scenes,
    scenes_of,
    shots_of,
    watermarks_of,
    with_scenes,
)
from mrvideo.captioning.borders import join_shards
from mrvideo.captioning.called import named_by_clips
from mrvideo.captioning.calls import Calls
from mrvideo.captioning.cards import views_of
from mrvideo.captioning.cast import Cast, co_occurring
from mrvideo.captioning.cast_file import Given
from mrvideo.captioning.exemplars import Exemplars
from mrvideo.captioning.laying_out import merged
from mrvideo.captioning.names import Descriptions, entities_of, learn_names, local_names
from mrvideo.captioning.options import CaptioningOptions
from mrvideo.captioning.overlaps import known_of
from mrvideo.captioning.shard_records import ShardRecords
from mrvideo.models.base import Model
from mrvideo.records import Cue, Index, Span, Usage, VideoInfo
from mrvideo.speech.speakers import label_entity_links


async def reduce_shards(
    records: Sequence[ShardRecords],
    *,
    info: VideoInfo,
    cues: tuple[Cue, ...],
    options: CaptioningOptions,
    vision: Model,
    exemplars: Exemplars,
    given: Sequence[Given],
) -> Index:
    """The index of all shards' records, in order, but for its key and settings. Runs on the event-loop
    thread.

    `usage` is all the work behind the index, that of kept shards included.
    """
    calls = Calls(vision)
    failures = [failure for shard in records for failure in shard.failures if failure.hides != "pictures"]
    entries = entries_of(records, Span(0.0, info.duration_seconds))
    if options.recipe == "paper":
        entries, lost = await join_shards(
            entries, calls, exemplars, step_seconds=1 / options.frames_per_second
        )
        failures += lost
    runs = merged(entries, longest_seconds=options.longest_scene_seconds)
    mentions = tuple(mention for shard in records for mention in shard.described)
    speakers: dict[str, tuple[str, ...]] = {}
    for link in label_entity_links(mention_scenes(runs), cues, group=_shard_of):
        speakers[link.entity_name] = (*speakers.get(link.entity_name, ()), link.label)
    drafts = tuple(draft for run in runs for draft in run)
    shots = shots_of(records)
    known = known_of(records)
    vetoes = co_occurring(drafts) | known.apart
    views = views_of(mentions, drafts, shots)
    cast = Cast(calls, exemplars, vetoes, views, known.same)
    members = await cast.link(mentions, speakers, given)
    entities = entities_of(members, views, Descriptions.of(records, cues))
    scenes = scenes_of(runs, local_names(entities), watermarks_of(records))
    entities = with_scenes(entities, scenes)
    failures += cast.failures
    if options.learn_names:
        entities = named_by_clips(entities, records, label_entity_links(scenes, cues))
    if options.learn_names and cues:
        entities, unnamed = await learn_names(entities, scenes, cues, calls=calls, exemplars=exemplars)
        failures += unnamed
    usage = Usage(calls=0)
    for used in (*(one for shard in records for one in shard.usage.values()), *calls.usage.values()):
        usage += used
    return Index(
        key="",
        video=info,
        scenes=scenes,
        entities=entities,
        mentions=mentions,
        cues=cues,
        shots=shots,
        failures=failures_of(entries, failures),
        usage=usage,
        created_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def _shard_of(mention_id: str) -> str:
    return mention_id.split("/", 1)[0]
