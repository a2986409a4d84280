"""What lies beside videos that were fetched from web pages: a note of where each came from.

downloads/media.example-3fa9c2d1b0aa/     a folder for each address
    page.json                             what the page says of each video
    A walk.mkv  A walk.en.vtt             the video, its subtitles
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from mrvideo.errors import InputError, VideoError
from mrvideo.files import make_owners_folder, not_written, owners_opener, read_small, replacing
from mrvideo.records import PageInfo, Record

NOTE = "page.json"
_MOST_BYTES = 4 << 20


class PageFile(Record):
    """One video of the address: the file's name, and what the page says of it."""

    file: str
    key: str
    """What its site calls it."""
    page: PageInfo


class PageNote(Record):
    """The note of a folder. `complete` once all videos of the address are there."""

    files: tuple[PageFile, ...] = ()
    complete: bool = False


def folder_of(url: str, downloads: Path) -> Path:
    """Where the videos of an address are kept: the same for the same address, and of no other."""
    host = re.sub(r"[^a-z0-9.-]", "", (urlsplit(url).hostname or "").lower())[:60].strip(".")
    return (
        downloads
        / f"{host or 'page'}-{hashlib.sha256(url.encode('utf-8', 'surrogatepass')).hexdigest()[:12]}"
    )


def read_note(folder: Path) -> PageNote | None:
    """The folder's note; None where there is none that can be read. A link is not followed: what it leads to
    is not of the folder.
    """
    path = folder / NOTE
    try:
        if path.is_symlink() or not path.is_file():
            return None
        return PageNote.model_validate_json(read_small(path, most_bytes=_MOST_BYTES, what="page note"))
    except (OSError, ValueError, InputError, ValidationError):
        return None


def write_note(folder: Path, note: PageNote) -> None:
    """Replace the folder's note. Raises `VideoError`, and `NotWritten` where the disk is full."""
    path = folder / NOTE
    try:
        make_owners_folder(folder)
        with replacing(path) as new, open(new, "w", encoding="utf-8", opener=owners_opener) as file:
            file.write(note.model_dump_json(indent=1))
    except OSError as error:
        told, way_out = f"{path} cannot be written", "name another --downloads"
        raise not_written(told, error, way_out=way_out, otherwise=VideoError) from error


def page_of(video: Path) -> PageInfo | None:
    """What is noted of this file, where it was fetched from a page."""
    note = read_note(video.parent)
    return next((one.page for one in note.files if one.file == video.name), None) if note else None


def files_of(folder: Path) -> tuple[Path, ...]:
    """The videos of an address that was fetched before; none unless all of them are there still."""
    note = read_note(folder)
    if note is None or not note.complete:
        return ()
    found = tuple(folder / one.file for one in note.files if _is_name(one.file))
    return found if len(found) == len(note.files) and all(path.is_file() for path in found) else ()


def remove_media(files: Sequence[Path]) -> None:
    """Remove videos and what was fetched with them. The notes stay: an address still leads to its index."""
    for path in files:
        with suppress(OSError):
            for beside in path.parent.glob("*"):
                if beside.name != NOTE and beside.name.startswith(path.stem + "."):
                    beside.unlink()


def _is_name(name: str) -> bool:
    return name == Path(name).name and name not in ("", ".", "..")
