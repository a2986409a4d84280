"""Settings files of folders that the user trusts: each by its place and the digest of what it says.

~/.config/mrvideo/trusted/
    3f0c….json      {"file": "/home/ann/talks/mrvideo.toml", "sha256": "9b1d…"}

One record a file, so that two commands at once do not undo each other. A file that says something else is
trusted no more.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mrvideo.errors import InputError, SettingsError
from mrvideo.files import make_owners_folder, not_written, owners_opener, read_small, replacing

_MOST_RECORD_BYTES = 64 * 2**10


@dataclass(frozen=True)
class Trusted:
    """A settings file that was trusted, and whether it still says the same."""

    file: Path
    sha256: str
    unchanged: bool


def is_trusted(file: Path, data: bytes) -> bool:
    """Whether this file, saying just this, was trusted."""
    return _kept(file) == (str(place_of(file)), _digest(data))


def was_trusted(file: Path) -> bool:
    """Whether this file was trusted, whatever it says now."""
    return _kept(file) is not None


def trust(file: Path, data: bytes) -> None:
    """Trust this file for as long as it says just this. Raises `SettingsError` when that cannot be kept."""
    record = _record_of(file)
    text = json.dumps({"file": str(place_of(file)), "sha256": _digest(data)})
    try:
        make_owners_folder(record.parent)
        with replacing(record) as new, open(new, "w", encoding="utf-8", opener=owners_opener) as out:
            out.write(text)
    except OSError as error:
        told, way_out = f"{record.parent}: trust in {file} cannot be kept there", "allow writing to it"
        raise not_written(told, error, way_out=way_out, otherwise=SettingsError) from error


def forget(file: Path) -> bool:
    """Trust this file no longer, which may be gone. Returns whether it was trusted. Raises `SettingsError`."""
    record = _record_of(file)
    try:
        record.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise SettingsError(f"{record} cannot be removed ({error.strerror}); remove it yourself") from error
    return True


def trusted_files(most_bytes: int) -> list[Trusted]:
    """All that was trusted, by place. Files of more than `most_bytes` count as changed."""
    folder = _folder()
    found: list[Trusted] = []
    for record in folder.glob("*.json") if folder.is_dir() else ():
        kept = _read(record)
        if kept is None:
            continue
        file = Path(kept[0])
        try:
            now = _digest(read_small(file, most_bytes=most_bytes, what="settings file"))
        except InputError:
            now = ""
        found.append(Trusted(file=file, sha256=kept[1], unchanged=now == kept[1]))
    return sorted(found, key=lambda one: str(one.file))


def place_of(file: Path) -> Path:
    """Where a file is: its folder's real path. A link to a trusted file elsewhere is another file."""
    return file.parent.resolve() / file.name


def _folder() -> Path:
    try:
        return Path.home() / ".config" / "mrvideo" / "trusted"
    except RuntimeError as error:
        raise SettingsError(
            "you have no home folder to keep trusted folders in; name the settings file in MRVIDEO_CONFIG"
        ) from error


def _kept(file: Path) -> tuple[str, str] | None:
    try:
        return _read(_record_of(file))
    except SettingsError:
        return None  # Without a home folder nothing was ever kept.


def _record_of(file: Path) -> Path:
    return _folder() / f"{_digest(os.fsencode(place_of(file)))[:32]}.json"


def _read(record: Path) -> tuple[str, str] | None:
    """File and digest; None for a record that is missing or is none, which trusts nothing."""
    try:
        kept: Any = json.loads(read_small(record, most_bytes=_MOST_RECORD_BYTES, what="record of trust"))
        return str(kept["file"]), str(kept["sha256"])
    except (InputError, ValueError, KeyError, TypeError):
        return None


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
