"""Rows of tasks: put, taken under a lease, settled once.

    put ──► waiting ──take──► leased until T ──settle──► answered        its reply is kept in the same transaction
               ▲                  │     │
               └──── T is over ───┘     └─refuse, twice─► failed ──put──► waiting

Each function works inside the caller's transaction. Writers take the file's lock first, so that no two take
the same task.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, Row, case, delete, func, insert, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from mrvideo.library import schema
from mrvideo.records import Box
from mrvideo.records.tasks import Task, TaskCounts, TaskPicture, TaskState

_tasks, _pictures = schema.tasks, schema.task_pictures


def put_task(connection: Connection, task: Task) -> None:
    """Let it wait, unless it does; one that was settled waits anew.

    A reply that came since the asking run began counts for it: no request of one run is answered twice.
    """
    found = connection.execute(select(_tasks).where(_tasks.c.key == task.key)).one_or_none()
    if found is not None:
        since = found.settled_at is not None and found.settled_at >= task.begun_at
        if found.state == "waiting" or (found.state == "answered" and since):
            return
    values = {
        "key": task.key,
        "digest": task.digest,
        "stage": task.stage,
        "prompt": task.prompt,
        "body": task.body,
        "state": "waiting",
        "problem": None,
        "refusals": 0,
        "begun_at": task.begun_at,
        "leased_until": 0.0,
        "settled_at": None,
    }
    changed = {name: value for name, value in values.items() if name != "key"}
    statement = upsert(_tasks).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=changed))
    task_id = connection.scalar(select(_tasks.c.id).where(_tasks.c.key == task.key))
    connection.execute(delete(_pictures).where(_pictures.c.task_id == task_id))
    rows = [
        {
            "task_id": task_id,
            "position": position,
            "label": picture.label,
            "time_seconds": picture.time_seconds,
            "crop": None if picture.crop is None else picture.crop.model_dump_json(),
            "jpeg": picture.jpeg,
        }
        for position, picture in enumerate(task.pictures)
    ]
    if rows:
        connection.execute(insert(_pictures), rows)


def state_of(connection: Connection, key: str) -> tuple[TaskState, str | None] | None:
    """State, and the problem of a refused reply; None where there is no such task."""
    found = connection.execute(
        select(_tasks.c.state, _tasks.c.problem).where(_tasks.c.key == key)
    ).one_or_none()
    return None if found is None else (found.state, found.problem)


def take_tasks(
    connection: Connection, *, limit: int, digests: Collection[str] | None, now: float, leased_until: float
) -> tuple[Task, ...]:
    """The first tasks (of these videos) that nobody holds, leased: those of the run that began first, in the
    order they were asked.
    """
    where = [_tasks.c.state == "waiting", _tasks.c.leased_until <= now]
    if digests is not None:
        where.append(_tasks.c.digest.in_(list(digests)))
    order = (_tasks.c.begun_at, _tasks.c.id)
    found = connection.execute(select(_tasks).where(*where).order_by(*order).limit(limit)).all()
    taken = [row.id for row in found]
    connection.execute(update(_tasks).where(_tasks.c.id.in_(taken)).values(leased_until=leased_until))
    return tuple(_task(connection, row) for row in found)


def find_tasks(connection: Connection, beginning: str) -> tuple[Task, ...]:
    """The tasks whose key begins so; two at most."""
    if not beginning or not all(c in "0123456789abcdef" for c in beginning):
        return ()
    where = _tasks.c.key.between(beginning, beginning + "g")
    found = connection.execute(select(_tasks).where(where).limit(2)).all()
    return tuple(_task(connection, row) for row in found)


def settle_task(connection: Connection, key: str, *, now: float) -> bool:
    """Mark it answered and forget its pictures; False where it did not wait any more."""
    values = {"state": "answered", "problem": None, "body": "", "leased_until": 0.0, "settled_at": now}
    return _settled(connection, key, values)


def refuse_task(connection: Connection, key: str, problem: str, *, leased_until: float, most: int) -> int:
    """Note what was wrong with a reply; at the `most`-th refusal the task fails. Returns the tries that are
    left.
    """
    waits = (_tasks.c.key == key, _tasks.c.state == "waiting")
    refusals = connection.scalar(select(_tasks.c.refusals).where(*waits))
    if refusals is None:
        return 0
    left = most - int(refusals) - 1
    values = {"refusals": int(refusals) + 1, "problem": problem, "leased_until": leased_until}
    if left <= 0:
        _settled(connection, key, {**values, "state": "failed", "body": "", "leased_until": 0.0})
        return 0
    connection.execute(update(_tasks).where(*waits).values(values))
    return left


def count_tasks(
    connection: Connection, *, digests: Collection[str] | None, now: float
) -> tuple[TaskCounts, ...]:
    """One row for each stage, in the order in which they were first asked."""
    waiting, held = _tasks.c.state == "waiting", _tasks.c.leased_until > now
    counted = [
        func.sum(case((condition, 1), else_=0))
        for condition in (
            waiting & ~held,
            waiting & held,
            _tasks.c.state == "answered",
            _tasks.c.state == "failed",
        )
    ]
    statement = select(_tasks.c.stage, *counted).group_by(_tasks.c.stage).order_by(func.min(_tasks.c.id))
    if digests is not None:
        statement = statement.where(_tasks.c.digest.in_(list(digests)))
    return tuple(TaskCounts(*row) for row in connection.execute(statement).all())


def _settled(connection: Connection, key: str, values: Mapping[str, object]) -> bool:
    where = (_tasks.c.key == key, _tasks.c.state == "waiting")
    task_id = connection.scalar(select(_tasks.c.id).where(*where))
    if task_id is None:
        return False
    connection.execute(update(_tasks).where(_tasks.c.id == task_id).values(dict(values)))
    connection.execute(delete(_pictures).where(_pictures.c.task_id == task_id))
    return True


def _task(connection: Connection, row: Row[tuple[object, ...]]) -> Task:
    own = _pictures.c
    shown = connection.execute(
        select(own.label, own.jpeg, own.time_seconds, own.crop)
        .where(own.task_id == row.id)
        .order_by(own.position)
    ).all()
    return Task(
        key=row.key,
        digest=row.digest,
        stage=row.stage,
        prompt=row.prompt,
        body=row.body,
        begun_at=row.begun_at,
        pictures=tuple(
            TaskPicture(label, jpeg, seconds, None if crop is None else Box.model_validate_json(crop))
            for label, jpeg, seconds, crop in shown
        ),
        state=row.state,
        problem=row.problem,
        refusals=row.refusals,
    )
