"""Counts of what the library holds per video, and removal of a video."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Table, delete, func, select

from mrvideo.library import schema
from mrvideo.records import Record, VideoInfo


class KeptVideo(Record):
    """A video and how much is kept of it. `scenes`, `entities` and `failures` are those of its latest index.

    `indexed_at` is None where indexing was begun and not finished.
    """

    video: VideoInfo
    added_at: str
    indexed_at: str | None
    indexes: int
    scenes: int
    entities: int
    cues: int
    failures: int
    answers: int
    parts: int


def kept_videos(connection: Connection) -> tuple[KeptVideo, ...]:
    """All videos, in the order they came. Counts rows; no record of an index is parsed."""
    videos = schema.videos
    rows = connection.execute(
        select(videos.c.digest, videos.c.body, videos.c.added_at).order_by(videos.c.added_at)
    )
    return tuple(
        _kept(connection, row.digest, VideoInfo.model_validate_json(row.body), row.added_at)
        for row in rows.all()
    )


def remove_video(connection: Connection, digest: str) -> None:
    """Delete everything stored under a video's digest.

    Model replies are stored by request, not by video, and stay.
    """
    # Texts first, by name: their trigger keeps the search index in step.
    for table in (schema.texts, schema.parts, schema.tasks, schema.videos):
        connection.execute(delete(table).where(table.c.digest == digest))


def _kept(connection: Connection, digest: str, video: VideoInfo, added_at: str) -> KeptVideo:
    indexes = schema.indexes
    latest = connection.execute(
        select(indexes.c.id, func.json_extract(indexes.c.body, "$.created_at").label("created_at"))
        .where(indexes.c.digest == digest)
        .order_by(indexes.c.turn.desc())
        .limit(1)
    ).one_or_none()

    def of_video(table: Table) -> int:
        return _count(connection, table, table.c.digest == digest)

    def of_index(table: Table) -> int:
        return 0 if latest is None else _count(connection, table, table.c.index_id == latest.id)

    return KeptVideo(
        video=video,
        added_at=added_at,
        indexed_at=None if latest is None else latest.created_at,
        indexes=of_video(indexes),
        scenes=of_index(schema.scenes),
        entities=of_index(schema.entities),
        cues=of_video(schema.cues),
        failures=of_index(schema.failures),
        answers=of_video(schema.answers),
        parts=of_video(schema.parts),
    )


def _count(connection: Connection, table: Table, where: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(table).where(where)) or 0
