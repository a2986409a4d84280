"""The boxes that MP4 and MOV files consist of (ISO/IEC 14496-12): finding them, wrapping new ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

_MOST_BOXES = 10_000


class NotPlainError(Exception):
    """The file is built in a way that is left to the decoder library."""


@dataclass(frozen=True, slots=True)
class Box:
    """Where a box lies in its file, in bytes: header at `start`, content from `body` to `stop`."""

    kind: bytes
    start: int
    body: int
    stop: int
    open_ended: bool

    def read(self, file: BinaryIO) -> bytes:
        """The whole box."""
        return _read(file, self.start, self.stop)

    def read_part(self, file: BinaryIO, offset: int, size: int) -> bytes:
        """Some of its content. Raises NotPlainError where the box ends before."""
        if self.body + offset + size > self.stop:
            raise NotPlainError("a table longer than its box")
        return _read(file, self.body + offset, self.body + offset + size)

    def read_body(self, file: BinaryIO) -> bytes:
        """Its content."""
        return _read(file, self.body, self.stop)


class Header(NamedTuple):
    """What a box says of itself: its kind, the bytes of this header, and of the whole box."""

    kind: bytes
    size: int
    length: int

    @property
    def open_ended(self) -> bool:
        """Whether it reaches to the end of what holds it."""
        return self.length == 0


def header_of(data: bytes) -> Header | None:
    """The header that these (up to 16) bytes begin with; None where they hold none that makes sense."""
    length, kind, size = int.from_bytes(data[:4], "big"), data[4:8], 8
    if length == 1:
        length, size = int.from_bytes(data[8:16], "big"), 16
    return Header(kind, size, length) if len(data) >= size and (length == 0 or length >= size) else None


def boxes_in(file: BinaryIO, start: int, stop: int) -> Iterator[Box]:
    """The boxes that fill [start, stop). Raises NotPlainError when they do not."""
    for _ in range(_MOST_BOXES):
        if stop - start < 8:
            # Four zero bytes may close a list in MOV files.
            if start < stop and any(_read(file, start, stop)):
                raise NotPlainError("loose bytes")
            return
        header = header_of(_read(file, start, min(stop, start + 16)))
        end = stop if header is None or header.open_ended else start + header.length
        if header is None or end > stop:
            raise NotPlainError("a box longer than what holds it, or shorter than its own header")
        yield Box(header.kind, start, start + header.size, end, header.open_ended)
        start = end
    raise NotPlainError("too many boxes")


def wrap(kind: bytes, body: bytes) -> bytes:
    """A box of that content. Raises NotPlainError from 4 GiB on."""
    if len(body) + 8 >= 1 << 32:
        raise NotPlainError("too long")
    return (len(body) + 8).to_bytes(4, "big") + kind + body


def full_box(kind: bytes, body: bytes, *, version: int = 0) -> bytes:
    """A box that begins with a version and no flags."""
    return wrap(kind, bytes([version, 0, 0, 0]) + body)


def _read(file: BinaryIO, start: int, stop: int) -> bytes:
    file.seek(start)
    data = file.read(stop - start)
    if len(data) != stop - start:
        raise NotPlainError("the file ends early")
    return data
