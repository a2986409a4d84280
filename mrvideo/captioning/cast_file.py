"""People's own names: the cast file, a TOML list of names with a photo, a description, or both.

[[cast]]
name = "Sarah Okafor"
photo = "sarah.jpg"            # beside this file, or an absolute path
description = "tall, grey hair, round glasses"
kind = "person"                # the default
"""

from __future__ import annotations

import hashlib
import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mrvideo.errors import InputError
from mrvideo.models.base import Picture

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PHOTO_PIXELS = 768


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    photo: Path | None = None
    description: str = ""
    kind: str = "person"


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cast: list[_Entry] = Field(min_length=1)


@dataclass(frozen=True)
class Given:
    """One member of the cast as the user knows it. `jpeg` is the photo, upright and scaled; None without one."""

    name: str
    kind: str
    description: str
    jpeg: bytes | None

    def picture(self, label: str) -> Picture | None:
        """The photo for a request. Its time says nothing."""
        return None if self.jpeg is None else Picture(label, self.jpeg, 0.0)


def load_given(path: Path | None) -> tuple[Given, ...]:
    """The cast file's entries. Raises `InputError` naming the file, the entry and what is wrong with it."""
    if path is None:
        return ()
    entries = _entries(path)
    names = [entry.name for entry in entries]
    if len(set(names)) != len(names):
        raise InputError(f"{path}: each name once, got {', '.join(names)}")
    for entry in entries:
        if entry.photo is None and not entry.description.strip():
            raise InputError(f"{path}: {entry.name} needs a photo or a description to be recognised by")
    return tuple(
        Given(
            name=entry.name,
            kind=entry.kind,
            description=entry.description or "see the photo",
            jpeg=None if entry.photo is None else _photo(path.parent / entry.photo),
        )
        for entry in entries
    )


def given_digest(path: Path | None) -> str:
    """Changes with the file and with every photo in it; empty without a file."""
    if path is None:
        return ""
    digest = hashlib.sha256(_bytes(path))
    for entry in _entries(path):
        if entry.photo is not None:
            digest.update(_bytes(path.parent / entry.photo))
    return digest.hexdigest()[:32]


def _entries(path: Path) -> list[_Entry]:
    try:
        data: dict[str, Any] = tomllib.loads(_bytes(path).decode("utf-8"))
        return _File.model_validate(data).cast
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InputError(
            f"{path}: {where}: {first['msg']}; write [[cast]] with name, photo and/or description"
        ) from error


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error


def _photo(path: Path) -> bytes:
    from PIL import Image, ImageOps, UnidentifiedImageError

    from mrvideo.media.images import encode_jpeg

    try:
        image: Image.Image = Image.open(io.BytesIO(_bytes(path)))
        upright = ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise InputError(f"{path} is not a picture that can be read; save it as JPEG or PNG") from error
    upright.thumbnail((_PHOTO_PIXELS, _PHOTO_PIXELS))
    return encode_jpeg(upright)
