"""A new file that is there whole or not at all: a name that is taken is refused."""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from mrvideo.errors import InputError
from mrvideo.files import not_written, replacing


def check_new(target: Path, *, overwrite: bool = False) -> None:
    """Raises `InputError` where a file stands at the target already and may not be replaced."""
    if target.is_dir() or (not overwrite and os.path.lexists(target)):
        raise InputError(f"{target} exists already; name another folder, remove it, or say --force")


@contextmanager
def new_file(target: Path, *, overwrite: bool = False) -> Generator[Path]:
    """The name to write under. What an error, or Ctrl-C, leaves half written is removed.

    Raises `InputError` for a name that is taken or cannot be written, `NotWritten` for a disk that is full or
    fails.
    """
    check_new(target, overwrite=overwrite)
    try:
        with replacing(target) as made:
            yield made
            check_new(target, overwrite=overwrite)
    except OSError as error:
        raise not_written(f"{target} cannot be written", error, way_out="name another folder") from error
