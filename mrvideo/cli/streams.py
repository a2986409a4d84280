"""Streams and exit codes: where results and messages go, and what a run's end is called.

Results go to stdout, progress and messages to stderr.
"""

from __future__ import annotations

import codecs
import io
import os
import sys
import unicodedata

from mrvideo.cli import signals
from mrvideo.wording import plain

DONE = 0
FAILURES = 1
"""Answered nothing, or finished with failures listed."""
BAD_INPUT = 2
UNEXPECTED = 70
"""A fault in mrvideo itself, as sysexits.h numbers it."""
CANNOT_WRITE = 74
"""As sysexits.h numbers it."""

_LONGEST_LINE = 4_000
"""Of a complaint: beyond it a name stands there that nobody reads. The way out is at the end."""

STAND_INS = "mrvideo-stand-ins"
"""The error handler that writes ASCII for what a stream's encoding lacks."""
_ASCII = {
    "–": "-",
    "—": "-",
    "−": "-",
    "‐": "-",
    "‑": "-",
    "…": "...",
    "“": '"',
    "”": '"',
    "„": '"',
    "«": '"',
    "»": '"',
    "‘": "'",
    "’": "'",
    "′": "'",
    "″": '"',
    "×": "x",
    "·": "*",
    "•": "*",
    "±": "+-",
    "→": "->",
    "←": "<-",
    "≤": "<=",
    "≥": ">=",
    "ß": "ss",
    "æ": "ae",
    "Æ": "AE",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "€": "EUR",
    "⁄": "/",
}


def settle() -> None:
    """Make both standard streams usable, and SIGTERM and Ctrl-C one exception each. Exits with 74 when stdout is
    closed.
    """
    # A closed stream is None here, and the libraries that print would take the other one for it.
    if sys.stderr is None:  # pyright: ignore[reportUnnecessaryComparison]
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stdout is None:  # pyright: ignore[reportUnnecessaryComparison]
        complain("stdout is closed: there is no place for the result")
        sys.exit(CANNOT_WRITE)
    register_stand_ins()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=STAND_INS)
    signals.settle()


def register_stand_ins() -> None:
    """Make `STAND_INS` known as a way to write what an encoding lacks."""
    codecs.register_error(STAND_INS, _stand_in)


def complain(message: str) -> None:
    """One line on stderr, under the program's name."""
    line = plain(message)
    if len(line) > _LONGEST_LINE:
        line = f"{line[: _LONGEST_LINE // 2]} … {line[-_LONGEST_LINE // 2 :]}"
    print(f"mrvideo: {line}", file=sys.stderr)  # noqa: T201


def drop_stdout() -> None:
    """Redirect stdout to nowhere. Otherwise its buffer would be flushed, and fail again, at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def takes(text: str) -> bool:
    """Whether stdout can write every character of the text as it is."""
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _stand_in(error: UnicodeError) -> tuple[str, int]:
    """ASCII for what a stream's encoding lacks: the same mark, else the letters without accents, else `?`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(_ascii_of(character) for character in lacking), error.end


def _ascii_of(character: str) -> str:
    if character in _ASCII:
        return _ASCII[character]
    letters = [c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)]
    return "".join(c if c.isascii() else _ASCII.get(c, "?") for c in letters)
