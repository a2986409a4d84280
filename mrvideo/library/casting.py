"""Corrections of a video's cast, the indexes as they were captioned, and the answers that no longer hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TypeAlias

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from mrvideo.library import schema
from mrvideo.records import Answer, Correction, Index

Stale: TypeAlias = Callable[[Answer], str | None]
"""Why an answer may no longer hold; None where nothing that it rests on has changed."""


def kept_corrections(connection: Connection, digest: str) -> tuple[Correction, ...]:
    """A video's corrections in the order they were made."""
    table = schema.corrections
    rows = connection.execute(
        select(table.c.id, table.c.body, table.c.created_at)
        .where(table.c.digest == digest)
        .order_by(table.c.id)
    )
    return tuple(
        Correction.model_validate(json.loads(row.body) | {"id": row.id, "created_at": row.created_at})
        for row in rows.all()
    )


def add_correction(connection: Connection, digest: str, correction: Correction) -> Correction:
    """The correction as it is kept: with its id, and when that was."""
    made = datetime.now(timezone.utc).isoformat()
    body = correction.model_dump_json(exclude={"id", "created_at"})
    added = connection.execute(insert(schema.corrections).values(digest=digest, body=body, created_at=made))
    (number,) = added.inserted_primary_key or (0,)
    return correction.model_copy(update={"id": number, "created_at": made})


def remove_correction(connection: Connection, digest: str, correction: Correction) -> None:
    """Forget a correction, and its photo where no other one has it."""
    connection.execute(delete(schema.corrections).where(schema.corrections.c.id == correction.id))
    left = {one.photo for one in kept_corrections(connection, digest)}
    if correction.photo is not None and correction.photo not in left:
        table = schema.photos
        connection.execute(delete(table).where(table.c.digest == digest, table.c.photo == correction.photo))


def put_photo(connection: Connection, digest: str, photo: str, jpeg: bytes) -> None:
    """Keep a photo of somebody in a video, once."""
    statement = upsert(schema.photos).values(digest=digest, photo=photo, jpeg=jpeg)
    connection.execute(statement.on_conflict_do_nothing(index_elements=["digest", "photo"]))


def put_uncorrected(connection: Connection, index: Index, captioned: Index | None) -> None:
    """Keep the index as captioned beside the one of its key; None: that one is as captioned itself."""
    table = schema.uncorrected
    if captioned is None:
        connection.execute(
            delete(table).where(table.c.digest == index.video.digest, table.c.key == index.key)
        )
        return
    body = captioned.model_dump_json()
    statement = upsert(table).values(digest=index.video.digest, key=index.key, body=body)
    connection.execute(statement.on_conflict_do_update(index_elements=["digest", "key"], set_={"body": body}))


def mark_stale(
    connection: Connection, digest: str, stale: Stale, *, by: int | None, since: Correction | None = None
) -> None:
    """Mark the answers that rest on what has changed.

    With `since`, a correction that is gone: answers that it made stale hold again, and only those given after
    it can be stale by that.
    """
    table = schema.answers
    if since is not None:
        freed = update(table).where(table.c.digest == digest, table.c.stale_by == since.id)
        connection.execute(freed.values(stale=None, stale_by=None))
    found = select(table.c.id, table.c.body, table.c.created_at).where(
        table.c.digest == digest, table.c.stale.is_(None)
    )
    for row in connection.execute(found).all():
        if since is not None and row.created_at < since.created_at:
            continue
        reason = stale(Answer.model_validate_json(row.body))
        if reason is not None:
            connection.execute(update(table).where(table.c.id == row.id).values(stale=reason, stale_by=by))
