"""A small index with a cast of three, in six scenes."""

from __future__ import annotations

from mrvideo.records import CaptionPart, Entity, Index, Mention, Scene
from support.films import video_info

DIGEST = "ab" * 32

# Who is told of in which scene, of 10 s each. Shards are of three scenes.
TOLD = (
    "<person_1> waves.",
    "<person_1> meets <person_2>.",
    "<person_2> sleeps.",
    "<person_1> digs.",
    "<person_3> sings.",
    "<person_1> and <person_3> leave.",
)
MENTIONS = {
    "person_1": ("0/person_a", "1/person_a"),
    "person_2": ("0/person_b",),
    "person_3": ("1/person_b",),
}


def _marks(text: str) -> tuple[str, ...]:
    return tuple(name for name in MENTIONS if f"<{name}>" in text)


def cast_index(key: str = "k1") -> Index:
    """Six scenes in two shards, as a model may have captioned them."""
    scenes = tuple(
        Scene(
            index=n,
            start_seconds=10.0 * n,
            stop_seconds=10.0 * (n + 1),
            brief=text,
            detailed=text,
            entity_names=_marks(text),
            parts=(CaptionPart(start_seconds=10.0 * n, stop_seconds=10.0 * (n + 1), text=text, brief=text),),
        )
        for n, text in enumerate(TOLD)
    )
    mentions: list[Mention] = []
    entities: list[Entity] = []
    for name, ids in MENTIONS.items():
        for one in ids:
            shard, _, local = one.partition("/")
            seen = [s for s in scenes[3 * int(shard) : 3 * int(shard) + 3] if name in s.entity_names]
            mentions.append(
                Mention(
                    start_seconds=seen[0].start_seconds,
                    stop_seconds=seen[-1].stop_seconds,
                    shard_index=int(shard),
                    name=local,
                    kind="person",
                    description=f"somebody like {one}",
                    exemplar_seconds=seen[0].start_seconds + 5,
                    seen_seconds=tuple(s.start_seconds + 5 for s in seen),
                )
            )
        first = next(m for m in mentions if m.mention_id == ids[0])
        entities.append(
            Entity(
                name=name,
                kind="person",
                description=first.description,
                exemplar_seconds=first.exemplar_seconds,
                mention_ids=ids,
                scene_indexes=tuple(s.index for s in scenes if name in s.entity_names),
            )
        )
    info = video_info(60.0, digest=DIGEST, path="/videos/film.mp4")
    return Index(
        key=key, video=info, scenes=scenes, entities=tuple(entities), mentions=tuple(mentions), created_at="t"
    )
