"""Open the library's file: create it where allowed, migrate it to the newest schema, never overwrite it."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from mrvideo.errors import LibraryDamaged, LibraryError, LibraryTooNew
from mrvideo.files import kind_of, make_owners_file, make_owners_folder
from mrvideo.library.errors import in_library_words, is_held, read_only
from mrvideo.library.schema import APPLICATION_ID, SCHEMA_VERSION

# Alembic's operations go to whichever migration of this process began last: two at once would build into each
# other's file.
_migrating = threading.Lock()

_AGAIN_SECONDS = 0.02


def open_engine(path: Path, *, create: bool, busy_seconds: float) -> tuple[Engine, bool] | None:
    """The engine, and whether the library may be written; None when there is no file and none may be made.

    Raises a `LibraryError`. A library that may only be read opens, so long as it has the newest schema.
    """
    with in_library_words(path):
        # Side files and rights are those of the file itself, wherever a link to it lies.
        real = _real(path)
        if real.is_dir():
            raise LibraryError(f"{path} is a folder; name the file: {path / 'library.db'}")
        if (kind := kind_of(real)) is not None:
            raise LibraryError(f"{path} is {kind}, no library; name another file with --library")
        # SQLite alone opens the file. Whoever else closes a descriptor of it takes from this process all locks
        # that it holds there: another process then removes the write-ahead log under it.
        if not real.exists():
            if not create:
                return None
            make_owners_folder(real.parent)
        writable = os.access(real.parent, os.W_OK) and (not real.exists() or os.access(real, os.W_OK))
        if not real.exists() and not writable:
            raise read_only(path)
        if writable:
            # SQLite gives its side files the rights that the file has.
            make_owners_file(real)
        engine = _engine(real, writable=writable, busy_seconds=busy_seconds)
        try:
            _bring_up_to_date(engine, path, writable=writable, busy_seconds=busy_seconds)
        except BaseException:
            engine.dispose()
            raise
        return engine, writable


def _real(path: Path) -> Path:
    try:
        return path.resolve()
    except (RuntimeError, ValueError) as error:
        raise LibraryError(
            f"{path}: no place for a library, a loop of links or no name; name another"
        ) from error


def _engine(path: Path, *, writable: bool, busy_seconds: float) -> Engine:
    query = "mode=rwc" if writable else "mode=ro"
    if not writable and not path.with_name(path.name + "-wal").exists():
        # Without the right to make its side files, SQLite reads a WAL file only when told that nobody writes
        # it.
        query += "&immutable=1"
    uri = f"{path.absolute().as_uri()}?{query}"

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(
            uri, uri=True, timeout=busy_seconds, check_same_thread=False, isolation_level=None
        )
        # NORMAL in WAL mode: a commit outlives a kill of this process; a power cut may take the last ones,
        # never the file's soundness. FULL would wait for the disk at every reply.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    engine = create_engine("sqlite://", creator=connect, poolclass=QueuePool, pool_size=4, max_overflow=-1)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction]
        # Python's own BEGIN comes late and skips DDL. A writer takes its lock at once: upgrading a read lock
        # fails without waiting when another process wrote in between.
        options: Any = connection.get_execution_options()
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")

    return engine


def _bring_up_to_date(engine: Engine, path: Path, *, writable: bool, busy_seconds: float) -> None:
    with engine.connect() as connection:
        version = _version(connection, path)
    if version == SCHEMA_VERSION:
        return
    if not writable:
        raise read_only(path)
    # Only now that the file is known to be ours: the mode is written into it.
    _log_ahead(engine, busy_seconds=busy_seconds)
    with engine.execution_options(writes=True).begin() as connection:
        # Asked again under the lock: another process may have done it meanwhile.
        if _version(connection, path) != SCHEMA_VERSION:
            _migrate(connection)


def _log_ahead(engine: Engine, *, busy_seconds: float) -> None:
    """Set the file to a write-ahead log, outside any transaction.

    SQLite does not wait here for another that is about to write, as whoever sets the same mode at this moment is:
    it fails at once, whatever its time limit.
    """
    until = time.monotonic() + busy_seconds
    while True:
        raw = engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if not is_held(error) or time.monotonic() >= until:
                raise
        finally:
            raw.close()
        time.sleep(_AGAIN_SECONDS)


def _version(connection: Connection, path: Path) -> int:
    version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    owner = int(connection.exec_driver_sql("PRAGMA application_id").scalar_one())
    if owner != APPLICATION_ID:
        tables = connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one()
        if owner or version or tables:
            raise LibraryDamaged(
                f"{path}: an SQLite file of another program; it was left alone: name another with --library"
            )
    if version > SCHEMA_VERSION:
        raise LibraryTooNew(
            f"{path}: written by a newer mrvideo (schema {version}, this one reads {SCHEMA_VERSION}); "
            "upgrade mrvideo, or name another with --library"
        )
    return version


def _migrate(connection: Connection) -> None:
    # Alembic is imported here alone: a library of the newest schema opens without it.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "mrvideo.library:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    with _migrating:
        command.upgrade(config, "head")
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")
