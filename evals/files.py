"""The user's copy of a data set on disk: its annotation files, its videos wherever they lie, its subtitles."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path, PurePosixPath
from typing import Any, cast

from mrvideo.errors import InputError
from mrvideo.media.sources import VIDEO_SUFFIXES
from mrvideo.records import Span

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CLOCK = r"\d+(?::\d{1,2}){0,2}(?:\.\d+)?"
_CLOCK_SPAN = re.compile(rf"({_CLOCK})\s*(?:-|–|—|to|~)\s*({_CLOCK})")


def check_folder(data: Path) -> None:
    """Raises `InputError` where a benchmark's folder is none."""
    if not data.is_dir():
        raise InputError(f"{data} is not a folder; --data names the folder of your copy of the benchmark")


def find_file(data: Path, *patterns: str) -> Path:
    """The first file in or below `data` that fits a pattern; earlier patterns and shallower files win.

    Raises `InputError`, naming the patterns, when there is none.
    """
    check_folder(data)
    for pattern in patterns:
        found = sorted(data.rglob(pattern), key=lambda path: (len(path.parts), str(path)))
        if found:
            return found[0]
    raise InputError(f"{data} holds none of {', '.join(patterns)}; is it this benchmark's folder?")


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The records of a .json (a list), .jsonl or .parquet file. Raises `InputError` when it is none of these
    inside.
    """
    try:
        if path.suffix == ".parquet":
            return _read_parquet(path)
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".jsonl":
            rows: Any = [json.loads(line) for line in text.split("\n") if line.strip()]
        else:
            rows = json.loads(text)
    except (ValueError, OSError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in cast("list[object]", rows)):
        raise InputError(f"{path} should hold a list of objects")
    return cast("list[dict[str, Any]]", rows)


def _read_parquet(path: Path) -> list[dict[str, Any]]:
    try:
        arrow: Any = import_module("pyarrow")
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError as error:
        raise InputError(f"{path} needs pyarrow: pip install 'mrvideo[evals]'") from error
    try:
        return cast("list[dict[str, Any]]", parquet.read_table(path).to_pylist())
    except arrow.ArrowInvalid as error:
        raise InputError(f"{path} cannot be read: {error}") from error


def read_tables(path: Path, needed: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The groups of an HDF5 file: group → table → its values. Raises `InputError` where one lacks a table.

    Features are left out: they are by far the most of such files, and nothing here needs them.
    """
    try:
        hdf5: Any = import_module("h5py")
    except ImportError as error:
        raise InputError(f"{path} needs h5py: pip install 'mrvideo[evals]'") from error
    try:
        with hdf5.File(path, "r") as file:
            held: dict[str, dict[str, Any]] = {
                str(group): {
                    str(name): table[()] for name, table in file[group].items() if name != "features"
                }
                for group in file
            }
    except (OSError, AttributeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    for group, tables in held.items():
        if missing := next((name for name in needed if name not in tables), None):
            raise InputError(f"{path}: {group} has no {missing!r}")
    return held


def need(row: dict[str, Any], field: str, path: Path) -> Any:
    """A field that an item cannot do without. Raises `InputError` naming file and row."""
    if row.get(field) is None:
        shown = json.dumps(row, default=str, ensure_ascii=False)[:120]
        raise InputError(f"{path}: an item has no {field!r}: {shown}")
    return row[field]


class VideoFolder:
    """Every video below a folder, found by the name a benchmark uses: a path, a file name, or a bare id."""

    def __init__(self, data: Path) -> None:
        self._by_stem: dict[str, list[Path]] = defaultdict(list)
        for path in sorted(data.rglob("*")):
            if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file():
                self._by_stem[path.stem].append(path)

    def find(self, *names: str) -> str | None:
        """The path of the first name that is there, or None.

        Of several files with one stem, the one that shares most trailing folders with the name is taken.
        """
        for name in names:
            wanted = PurePosixPath(name.replace("\\", "/"))
            stem = wanted.stem if wanted.suffix.lower() in VIDEO_SUFFIXES else wanted.name
            held = self._by_stem.get(stem)
            if held:
                return str(max(held, key=lambda path: _shared_tail(path, wanted)))
        return None


def _shared_tail(path: Path, wanted: PurePosixPath) -> int:
    shared = 0
    for ours, theirs in zip(reversed(path.parts), reversed(wanted.parts), strict=False):
        if ours != theirs:
            break
        shared += 1
    return shared


def seconds_of(clock: str) -> float:
    """`1:02:03.5` → 3723.5."""
    total = 0.0
    for part in clock.split(":"):
        total = total * 60 + float(part)
    return total


def clock_spans(text: str) -> tuple[Span, ...]:
    """All `00:15-00:19` ranges of a text, in order; reversed ones are left out. A lone time is an instant."""
    pairs = [(seconds_of(a), seconds_of(b)) for a, b in _CLOCK_SPAN.findall(text)]
    if not pairs and re.fullmatch(rf"\s*{_CLOCK}\s*", text) and ":" in text:
        pairs = [(seconds_of(text.strip()),) * 2]
    return tuple(Span(start, stop) for start, stop in pairs if start <= stop)


def strip_label(option: str) -> str:
    """`B. a dog`, `(B) a dog`, `B: a dog` → `a dog`."""
    return re.sub(r"^\s*(?:\([A-Z]\)|[A-Z][.:)])\s*", "", option).strip() or option.strip()


def letter(choice: int | None) -> str:
    """0 → A; nothing chosen → the empty string."""
    return "" if choice is None else LETTERS[choice]


def place_of(letter: str, options: Sequence[str], path: Path) -> int | None:
    """`B` → 1; None where no answer is given. Raises `InputError` when no option has the letter."""
    if not letter:
        return None
    place = LETTERS.find(letter)
    if not 0 <= place < len(options):
        raise InputError(f"{path}: the answer {letter!r} is none of {len(options)} options")
    return place


def spans_of(pairs: Sequence[Sequence[float]]) -> tuple[Span, ...]:
    """`[[s, e], …]` as spans; a pair the wrong way round is turned."""
    return tuple(Span(max(min(pair), 0.0), max(*pair, 0.0)) for pair in pairs if len(pair) == 2)
