"""Results on stdout: lines, tables and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from mrvideo.cli.streams import takes
from mrvideo.wording import json_line, printable, rounded

_NUMBER = re.compile(r"\$?[\d,:]+(\.\d+)?")


def print_lines(lines: Iterable[str]) -> None:
    """Print lines without wrapping, and without control characters and marks of direction."""
    out = _console()
    for line in lines:
        out.print(printable(line))


def print_heading(line: str) -> None:
    """Print one line, in bold where the terminal can."""
    _console().print(Text(printable(line), style="bold"))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, title: str | None = None) -> None:
    """Print a table at full width, numbers aligned right: a truncated price or path would be wrong."""
    rows = [[printable(cell) for cell in row] for row in rows]
    columns = list(zip(headings, *rows, strict=True))
    widths = [max(map(cell_len, column)) for column in columns]
    numbers = [place > 0 and all(map(_is_number, column[1:])) for place, column in enumerate(columns)]
    lines = [] if title is None else [title]
    for row in (headings, *rows):
        cells = [
            " " * (width - cell_len(cell)) + cell if number else cell + " " * (width - cell_len(cell))
            for cell, width, number in zip(row, widths, numbers, strict=True)
        ]
        lines.append("  ".join(cells).rstrip())
    print_lines(lines)


def print_json(value: Any) -> None:
    """JSON with times to the millisecond and money to the millionth of a dollar."""
    print_json_text(json_text(value))


def json_text(value: Any) -> str:
    """What `print_json` prints, ending in a line break."""
    return json_line(rounded(value), indent=2) + "\n"


def print_json_text(text: str) -> None:
    """Print JSON, escaping characters that stdout cannot encode: a replacement inside a string could end
    it.
    """
    if not takes(text):
        text = "".join(c if c.isascii() else json.dumps(c)[1:-1] for c in text)
    print_text(text)


def print_text(text: str) -> None:
    """Print text unchanged."""
    print(text, end="")  # noqa: T201


def _console() -> Console:
    return Console(highlight=False, markup=False, emoji=False, soft_wrap=True)


def _is_number(cell: str) -> bool:
    return not cell or cell == "unknown" or _NUMBER.fullmatch(cell) is not None
