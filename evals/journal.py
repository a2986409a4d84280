"""What a run has finished, one JSON line each, so that a kill loses only what was in flight."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mrvideo.errors import InputError
from mrvideo.evals.items import Captioned, Outcome

ITEMS = "items.jsonl"
SETTINGS = "run.json"


class Journal:
    """A run's folder. Later lines of one item replace earlier ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outcomes: dict[tuple[str, str], Outcome] = {}
        self.captioned: dict[tuple[str, str], Captioned] = {}
        path = folder / ITEMS
        if path.exists():
            self._read(path)

    def finished(self, system: str, item: str) -> bool:
        """Whether the item need not be asked again: it was answered, whatever it was answered with."""
        outcome = self.outcomes.get((system, item))
        return outcome is not None and outcome.status in ("answered", "not_found", "unparsed")

    def add(self, row: Outcome | Captioned) -> None:
        """Keep one finished item, durably, before returning."""
        self._take(row)
        kind = "outcome" if isinstance(row, Outcome) else "captioned"
        line = json.dumps({"kind": kind, **row.model_dump(mode="json")}, ensure_ascii=False)
        with (self.folder / ITEMS).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _take(self, row: Outcome | Captioned) -> None:
        if isinstance(row, Outcome):
            self.outcomes[row.system, row.id] = row
        else:
            self.captioned[row.system, row.video] = row

    def _read(self, path: Path) -> None:
        text = path.read_text(encoding="utf-8")
        whole, _, cut = text.rpartition("\n")
        if cut:
            # The last line was being written when the run was killed: it is asked again.
            path.write_text(whole + "\n" if whole else "", encoding="utf-8")
        # Not splitlines: an answer may hold characters that it takes for the end of a line.
        for number, line in enumerate(whole.split("\n") if whole else [], start=1):
            try:
                row: dict[str, Any] = json.loads(line)
                kind = row.pop("kind")
                self._take(Outcome(**row) if kind == "outcome" else Captioned(**row))
            except (ValueError, KeyError, ValidationError) as error:
                raise InputError(
                    f"{path}, line {number} is damaged ({error}); remove it to resume"
                ) from error


def open_folder(base: Path, name: str, settings: dict[str, Any], *, resume: bool) -> Path:
    """The folder of a run. With `resume` the newest one with the same settings, else one that is not there
    yet.

    Raises `InputError` when there is nothing to resume.
    """
    number, newest = 1, None
    while (folder := base / (name if number == 1 else f"{name}-{number}")).exists():
        newest = folder
        number += 1
    if not resume:
        folder.mkdir(parents=True)
        write_json(folder / SETTINGS, settings)
        return folder
    if newest is None:
        raise InputError(
            f"no run to resume at {base / name}: these settings were not run yet; leave out --resume"
        )
    return newest


def write_json(path: Path, value: object) -> None:
    """Whole or not at all."""
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)
