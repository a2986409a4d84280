"""Translate SQLite's errors into `LibraryError`s of one line: what, where, and the way out."""

from __future__ import annotations

import errno
import shutil
import sqlite3
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

from mrvideo.errors import (
    LibraryDamaged,
    LibraryError,
    LibraryFull,
    LibraryLocked,
    LibraryReadOnly,
)

_BUSY, _LOCKED, _READONLY, _IOERR, _CORRUPT, _FULL, _CANTOPEN, _NOTADB = 5, 6, 8, 10, 11, 13, 14, 26

# Python 3.10 keeps SQLite's code to itself; these texts are fixed in SQLite.
_CODES = {
    "database is locked": _BUSY,
    "database table is locked": _LOCKED,
    "attempt to write a readonly database": _READONLY,
    "disk I/O error": _IOERR,
    "database disk image is malformed": _CORRUPT,
    "database or disk is full": _FULL,
    "unable to open database file": _CANTOPEN,
    "file is not a database": _NOTADB,
}

_NEARLY_FULL_BYTES = 1 << 20


@contextmanager
def in_library_words(path: Path) -> Generator[None]:
    """Raise errors of SQLite, of the file system and of unreadable records as a `LibraryError` about
    `path`.
    """
    try:
        yield
    except DBAPIError as error:
        raise _from_sqlite(error.orig, path) from error
    except sqlite3.Error as error:
        raise _from_sqlite(error, path) from error
    except ValidationError as error:
        raise LibraryDamaged(
            f"{path}: it holds a record that cannot be read ({error.title}); nothing was changed: "
            "set it aside and use another library"
        ) from error
    except OSError as error:
        raise _from_system(error, path) from error


def read_only(path: Path) -> LibraryReadOnly:
    """No right to write it."""
    return LibraryReadOnly(
        f"{path}: no right to write this library; allow it (chmod), or name another with --library"
    )


def is_held(error: BaseException | None) -> bool:
    """Whether SQLite says that somebody else holds a lock."""
    return _code(error) in (_BUSY, _LOCKED)


def _code(error: BaseException | None) -> int:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return _CODES.get(str(error), 0) if code is None else code & 0xFF


def _from_sqlite(error: BaseException | None, path: Path) -> LibraryError:
    if is_held(error):
        return LibraryLocked(f"{path}: another process holds this library; wait for it, or stop it")
    code = _code(error)
    if code == _READONLY:
        return read_only(path)
    if code == _FULL or (code == _IOERR and _nearly_full(path)):
        return _full(path)
    if code == _NOTADB:
        return LibraryDamaged(
            f"{path}: not a library, nor any SQLite file; it was left alone: name another with --library"
        )
    if code == _CORRUPT:
        return LibraryDamaged(
            f"{path}: damaged ({error}); nothing was changed: try `sqlite3 {path.name} .recover`, "
            "or set it aside and index again"
        )
    if code == _CANTOPEN:
        return LibraryError(f"{path}: cannot be opened; check the folder and the right to read it")
    return LibraryError(f"{path}: {error}")


def _from_system(error: OSError, path: Path) -> LibraryError:
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return read_only(path)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full(path)
    if error.errno in (errno.EEXIST, errno.ENOTDIR):
        return LibraryError(
            f"{path}: its folder cannot be made, a file stands in the way; name another with --library"
        )
    return LibraryError(f"{path}: {error.strerror or error}")


def _full(path: Path) -> LibraryFull:
    return LibraryFull(f"{path}: no space left on its disk; free some and run again, what is done is kept")


def _nearly_full(path: Path) -> bool:
    # A failed write to SQLite's side files is reported as an I/O error, whatever its cause.
    return shutil.disk_usage(path.parent).free < _NEARLY_FULL_BYTES
