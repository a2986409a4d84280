"""An error that nobody foresaw, as one line: its traceback goes to a log file, which the line names."""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterator
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path

from mrvideo.files import make_owners_folder, owners_opener
from mrvideo.settings import state_folder

_LONGEST_CHARACTERS = 300
_FULL_BYTES = 1 << 20
"""A log of this size is begun anew: it holds the last hundred tracebacks or so."""


def in_one_line(error: BaseException, *, log_file: Path | None = None, doing: str = "") -> str:
    """What happened and where its traceback was written: to `log_file`, else to `errors.log` in the state
    folder.

    Where neither can be written the temporary folder is tried, and at last the traceback goes to stderr.
    """
    said = " ".join(str(error).split())[:_LONGEST_CHARACTERS]
    what = f"unexpected {type(error).__name__}" + (f": {said}" if said else "")
    text = _report(error, doing)
    for path in _places(log_file):
        if _append(path, text, begin_anew=path != log_file):
            return (
                f"{what}; this is a fault in mrvideo, please report it with {path}, which holds the traceback"
            )
    print(text, file=sys.stderr)  # noqa: T201
    return f"{what}; this is a fault in mrvideo, please report it with the traceback above"


def _places(log_file: Path | None) -> Iterator[Path]:
    if log_file is not None:
        yield log_file.absolute()
    # Without a home folder the next place does.
    with contextlib.suppress(RuntimeError):
        yield state_folder() / "errors.log"
    # A name that nobody could foresee: others may have laid a link there.
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(prefix="mrvideo-errors-", suffix=".log")
        os.close(handle)
        yield Path(name)


def _append(path: Path, text: str, *, begin_anew: bool) -> bool:
    try:
        make_owners_folder(path.parent)
        full = begin_anew and path.exists() and path.stat().st_size > _FULL_BYTES
        with open(
            path,
            "w" if full else "a",
            encoding="utf-8",
            errors="backslashreplace",
            opener=owners_opener,
        ) as file:
            file.write(text)
    except OSError:
        return False
    return True


def _report(error: BaseException, doing: str) -> str:
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    try:
        version = metadata.version("mrvideo")
    except metadata.PackageNotFoundError:
        version = "(not installed)"
    head = f"{now} mrvideo {version}, Python {platform.python_version()}, {platform.platform()}"
    return f"{head}{f', {doing}' if doing else ''}\n{''.join(traceback.format_exception(error))}\n"
