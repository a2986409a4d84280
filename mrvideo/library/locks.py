"""Locks on keys, across processes. The operating system releases them when a process dies."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mrvideo.library.errors import in_library_words

_POLL_SECONDS = 0.1


@contextmanager
def claimed(library: Path, key: str, on_wait: Callable[[], None] | None) -> Generator[None]:
    """Hold the lock on `key` in this library; waits without a timeout.

    `on_wait` is called once, before waiting.
    """
    from filelock import FileLock, Timeout

    place = _place(library, key)
    with in_library_words(library):
        rights = library.stat().st_mode & 0o777
        # Whoever may write the library takes part: its own rights are those of its locks.
        place.parent.mkdir(mode=rights | (rights & 0o444) >> 2, exist_ok=True)
    # A lock of the system, not a row with a heartbeat: a killed process leaves nothing to wait for.
    # The empty file stays: to delete it would let two hold it at once.
    lock: Any = FileLock(place, mode=rights, thread_local=False)
    with in_library_words(library):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            if on_wait is not None:
                on_wait()
            lock.acquire(poll_interval=_POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()


def is_claimed(library: Path, key: str) -> bool:
    """Whether somebody, this process included, holds the lock on `key` now. What was never claimed costs no
    lock.
    """
    from filelock import FileLock, Timeout

    place = _place(library, key)
    if not place.exists():
        return False
    lock: Any = FileLock(place, thread_local=False)
    with in_library_words(library):
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return True
        lock.release()
    return False


def _place(library: Path, key: str) -> Path:
    name = f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.lock"
    return library.with_name(library.name + "-claims") / name
