"""Small files that somebody else wrote (subtitles, a cast, captions, photos): read whole, or refused unread."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from mrvideo.errors import InputError

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def read_small(path: Path, *, most_bytes: int, what: str, error: type[InputError] = InputError) -> bytes:
    """The file's bytes. Raises `error` for a file above `most_bytes` before it is read, for a pipe or device before
    anything is waited for, and for one that is missing or may not be read. `what` names its kind: "subtitle file".
    """
    try:
        # Opened first and looked at afterwards: what was checked is what is read. A pipe opens without waiting.
        with open(path, "rb", opener=_at_once) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                kind = next((word for of_kind, word in _KINDS if of_kind(found.st_mode)), "no file")
                raise error(f"{path} cannot be read: it is {kind}; give a {what}")
            if found.st_size > most_bytes:
                raise error(_too_big(path, found.st_size, most_bytes, what))
            data = file.read(most_bytes + 1)
    except FileNotFoundError as missing:
        raise error(f"cannot read {path}: there is no such {what}") from missing
    except IsADirectoryError as folder:
        raise error(f"{path} cannot be read: it is a folder; give a {what}") from folder
    except (OSError, ValueError) as failed:
        reason = failed.strerror if isinstance(failed, OSError) and failed.strerror else str(failed)
        raise error(f"cannot read {path} ({reason}); check the path and its permissions") from failed
    if len(data) > most_bytes:  # it grew meanwhile, or its size is not told
        raise error(_too_big(path, len(data), most_bytes, what))
    return data


def _at_once(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _too_big(path: Path, size_bytes: int, most_bytes: int, what: str) -> str:
    return f"{path}: {_size(size_bytes)} is too big for a {what}, at most {_size(most_bytes)}; is it the right file?"


def _size(size_bytes: int) -> str:
    return f"{size_bytes >> 20} MB" if size_bytes >= 1 << 20 else f"{-(-size_bytes // 1024)} KB"
