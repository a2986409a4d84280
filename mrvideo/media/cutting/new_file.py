"""A file that is there whole or not at all: written under another name beside it, and renamed once it is
complete.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from mrvideo.errors import InputError


def check_new(target: Path, *, overwrite: bool = False) -> None:
    """Raises `InputError` where a file stands at the target already and may not be replaced."""
    if target.is_dir() or (not overwrite and os.path.lexists(target)):
        raise InputError(f"{target} exists already; name another folder, remove it, or say --force")


@contextmanager
def new_file(target: Path, *, overwrite: bool = False) -> Generator[Path]:
    """The name to write under. What an error, or Ctrl-C, leaves half written is removed. Raises `InputError`."""
    check_new(target, overwrite=overwrite)
    made = target.with_name(f".{target.stem}.{os.getpid()}.part{target.suffix}")
    try:
        yield made
        check_new(target, overwrite=overwrite)
        try:
            made.replace(target)
        except OSError as error:
            raise InputError(f"{target} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(FileNotFoundError):
            made.unlink()
