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
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from mrvideo.errors import InputError
from mrvideo.files import read_small, read_toml
from mrvideo.models.base import Picture

SEE_PHOTO = "see the photo"
"""The description of whom nothing but a photo describes."""

_PHOTO_PIXELS = 768
_MOST_BYTES = 256 * 2**10
_MOST_PHOTO_BYTES = 64 * 2**20
_MOST_DECODED_PIXELS = 40_000_000
"""A camera's picture of 48 million is still read: JPEG is decoded at a part of its size."""

# Without those that run another program or hold drawings: EPS, PDF, WMF.
_PHOTO_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM", "TGA")


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=100)
    photo: Path | None = None
    description: str = Field(default="", max_length=2000)
    kind: str = Field(default="person", min_length=1, max_length=40)

    @field_validator("name")
    @classmethod
    def _fits_in_marks(cls, name: str) -> str:
        """Captions have names between < and >."""
        if not name.isprintable() or set(name) & set("<>"):
            raise ValueError("a name is words in one line, without < and >")
        return name


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cast: list[_Entry] = Field(min_length=1)


@dataclass(frozen=True)
class Given:
    """One member of the cast as the user knows it. `jpeg` is the photo, upright and scaled; None without one.

    Without a `name` it says who is one with whom, and not what they are called.
    """

    name: str | None
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
    twice = [name for name, count in Counter(entry.name for entry in entries).items() if count > 1]
    if twice:
        raise InputError(f"{path}: each name once, {twice[0]} comes more often")
    for entry in entries:
        if entry.photo is None and not entry.description.strip():
            raise InputError(f"{path}: {entry.name} needs a photo or a description to be recognised by")
    return tuple(
        Given(
            name=entry.name,
            kind=entry.kind,
            description=entry.description or SEE_PHOTO,
            jpeg=None if entry.photo is None else _photo(path.parent / entry.photo),
        )
        for entry in entries
    )


def given_digest(path: Path | None) -> str:
    """Changes with the file and with every photo in it; empty without a file."""
    if path is None:
        return ""
    digest = hashlib.sha256(_cast_bytes(path))
    for entry in _entries(path):
        if entry.photo is not None:
            digest.update(_photo_bytes(path.parent / entry.photo))
    return digest.hexdigest()[:32]


def _entries(path: Path) -> list[_Entry]:
    data = _cast_bytes(path)
    try:
        return _File.model_validate(read_toml(data)).cast
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))[:100]
        raise InputError(
            f"{path}: {where!r}: {first['msg']}; write [[cast]] with name, photo and/or description"
        ) from error
    except ValueError as error:
        # Not TOML, not UTF-8, or a number of thousands of digits.
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path} is not TOML: {reason}; write [[cast]] with name, photo …") from error


def _cast_bytes(path: Path) -> bytes:
    return read_small(path, most_bytes=_MOST_BYTES, what="cast file")


def _photo_bytes(path: Path) -> bytes:
    return read_small(path, most_bytes=_MOST_PHOTO_BYTES, what="photo")


def _photo(path: Path) -> bytes:
    return photo_jpeg(_photo_bytes(path), told=str(path))


def read_photo(path: Path) -> bytes:
    """A photo's file as `photo_jpeg` gives it. Raises `InputError`."""
    return _photo(path)


def photo_jpeg(data: bytes, *, told: str) -> bytes:
    """A picture's file upright, scaled, as JPEG. What it claims is looked at before anything is decoded.

    `told` names it in messages. Raises `InputError`.
    """
    from PIL import Image, ImageOps

    from mrvideo.media.images import encode_jpeg

    Image.init()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the bound below is lower
            image: Image.Image = Image.open(
                io.BytesIO(data), formats=[f for f in _PHOTO_FORMATS if f in Image.OPEN]
            )
        image.draft("RGB", (2 * _PHOTO_PIXELS, 2 * _PHOTO_PIXELS))
        if image.width * image.height <= _MOST_DECODED_PIXELS:
            upright = ImageOps.exif_transpose(image).convert("RGB")
            upright.thumbnail((_PHOTO_PIXELS, _PHOTO_PIXELS))
            return encode_jpeg(upright)
    except Image.DecompressionBombError:
        pass  # said below
    except Exception as error:
        raise InputError(f"{told} is not a picture that can be read; save it as JPEG or PNG") from error
    raise InputError(
        f"{told}: more than {_MOST_DECODED_PIXELS // 1_000_000} million pixels are not decoded; scale it down"
    )
