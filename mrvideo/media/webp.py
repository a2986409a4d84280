"""Animated WebP, which the demuxers do not know, shown to them as a Matroska file of uncompressed pictures.

    file     RIFF VP8X ANIM  ANMF      ANMF   …
    shown    header          Cluster   Cluster …     all of one length: a picture is decoded when its bytes are asked for

So what is promised of all other files holds for these as well. Pictures are composed by Pillow.
"""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from mrvideo.errors import DecodeError, VideoError

if TYPE_CHECKING:
    from PIL.Image import Image

_ANIMATED = 2
_HEAD_BYTES = 30
_SHORTEST_MS = 10
_USUAL_MS = 100
"""Browsers show pictures that claim to last 10 ms or less for this long."""
_CHUNK_BYTES, _PICTURE_HEAD_BYTES = 8, 16
_CHANNELS = 4
_MILLISECONDS = 1_000_000


def is_animated(head: bytes) -> bool:
    """Whether these are the first bytes of an animated WebP file."""
    return (
        head[:4] == b"RIFF"
        and head[8:16] == b"WEBPVP8X"
        and len(head) >= _HEAD_BYTES
        and bool(head[20] & _ANIMATED)
    )


def is_animated_file(path: str) -> bool:
    """Whether it is an animated WebP file. Raises OSError."""
    with Path(path).open("rb") as file:
        return is_animated(file.read(_HEAD_BYTES))


class Animation(io.RawIOBase):
    """The file as Matroska, readable and seekable. Where a picture cannot be decoded, it ends.

    Raises the VideoError tree for pictures of more than `max_pixels`, and where there are none.
    """

    def __init__(self, path: str, *, max_pixels: int) -> None:
        with Path(path).open("rb") as file:
            head = file.read(_HEAD_BYTES)
            lengths_ms, self._whole_bytes = _pictures_in(file)
        self._width = 1 + int.from_bytes(head[24:27], "little")
        self._height = 1 + int.from_bytes(head[27:30], "little")
        if self._width * self._height > max_pixels:
            raise VideoError(
                f"{path} claims pictures of {self._width}×{self._height} pixels, more than can be decoded; "
                "if that is real, scale it down first"
            )
        if not lengths_ms:
            raise DecodeError(
                f"{path} holds no picture; it is damaged or incomplete, fetch or export it again"
            )
        self._path = path
        self._image: Image | None = None
        self._decoded: tuple[int, bytes] = (-1, b"")
        self._picture_bytes = self._width * self._height * _CHANNELS
        starts_ms = [0]
        for length in lengths_ms:
            starts_ms.append(starts_ms[-1] + length)
        self._clusters = [
            _cluster(start, length, self._picture_bytes)
            for start, length in zip(starts_ms, lengths_ms, strict=False)
        ]
        self._cluster_bytes = sum(map(len, self._clusters[0])) + self._picture_bytes
        self._head = _header(
            self._width, self._height, starts_ms[-1], self._cluster_bytes * len(self._clusters)
        )
        self._size = len(self._head) + self._cluster_bytes * len(self._clusters)
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._at = max(0, (0, self._at, self._size)[whence] + offset)
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        goal = self._size if size < 0 else min(self._size, self._at + size)
        found: list[bytes] = []
        while self._at < goal:
            start, data = self._around(self._at)
            piece = data[self._at - start : goal - start]
            if not piece:
                break
            found.append(piece)
            self._at += len(piece)
        return b"".join(found)

    def close(self) -> None:
        if self._image is not None:
            self._image.close()
            self._image = None
        super().close()

    def _around(self, place: int) -> tuple[int, bytes]:
        """A run of bytes that holds the place, and where it starts; none where a picture is damaged."""
        if place < len(self._head):
            return 0, self._head
        number, inside = divmod(place - len(self._head), self._cluster_bytes)
        start = place - inside
        before, behind = self._clusters[number]
        if inside < len(before):
            return start, before
        if inside >= len(before) + self._picture_bytes:
            return start + len(before) + self._picture_bytes, behind
        if self._decoded[0] != number:
            self._decoded = number, self._pixels(number)
        return start + len(before), self._decoded[1]

    def _pixels(self, number: int) -> bytes:
        from PIL import Image

        try:
            if self._image is None:
                self._image = Image.open(self._whole_chunks(), formats=["WEBP"])
            self._image.seek(number)
            pixels = self._image.convert("RGBA").tobytes()
        except (OSError, ValueError, EOFError, SyntaxError, Image.DecompressionBombError):
            return b""
        return pixels if len(pixels) == self._picture_bytes else b""

    def _whole_chunks(self) -> io.BytesIO:
        """The file without what a cut left of its last chunk: its decoder wants all or nothing."""
        data = bytearray(Path(self._path).read_bytes()[: self._whole_bytes])
        data[4:8] = (len(data) - _CHUNK_BYTES).to_bytes(4, "little")
        return io.BytesIO(data)


def _pictures_in(file: io.BufferedReader) -> tuple[list[int], int]:
    """How long each whole picture is shown, in milliseconds, and how many bytes hold whole chunks."""
    size = file.seek(0, 2)
    lengths_ms: list[int] = []
    place = 12
    while True:
        file.seek(place)
        header = file.read(_CHUNK_BYTES + _PICTURE_HEAD_BYTES)
        if len(header) < _CHUNK_BYTES:
            return lengths_ms, min(place, size)
        stop = place + _CHUNK_BYTES + int.from_bytes(header[4:8], "little")
        stop += stop % 2
        if stop > size:
            return lengths_ms, place
        if header[:4] == b"ANMF" and len(header) == _CHUNK_BYTES + _PICTURE_HEAD_BYTES:
            length = int.from_bytes(header[20:23], "little")
            lengths_ms.append(length if length > _SHORTEST_MS else _USUAL_MS)
        place = stop


# Matroska, as much of it as one track of pictures needs (RFC 9559)
# ------------------------------------------------


def _element(name: int, content: bytes, *, more_bytes: int = 0) -> bytes:
    """An element, `more_bytes` of whose content follow elsewhere."""
    size = len(content) + more_bytes
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + (1 << 56 | size).to_bytes(8, "big") + content


def _number(name: int, value: int) -> bytes:
    return _element(name, value.to_bytes(8, "big"))


def _header(width: int, height: int, duration_ms: int, clusters_bytes: int) -> bytes:
    video = _number(0xB0, width) + _number(0xBA, height) + _element(0x2EB524, b"RGBA")
    track = (
        _number(0xD7, 1)
        + _number(0x73C5, 1)
        + _number(0x83, 1)
        + _element(0x86, b"V_UNCOMPRESSED")
        + _element(0xE0, video)
    )
    info = _number(0x2AD7B1, _MILLISECONDS) + _element(0x4489, struct.pack(">d", duration_ms))
    inside = _element(0x1549A966, info) + _element(0x1654AE6B, _element(0xAE, track))
    document = _element(0x1A45DFA3, _element(0x4282, b"matroska") + _number(0x4287, 4) + _number(0x4285, 2))
    return document + _element(0x18538067, inside, more_bytes=clusters_bytes)


def _cluster(start_ms: int, length_ms: int, picture_bytes: int) -> tuple[bytes, bytes]:
    """What stands before and behind a picture's bytes."""
    behind = _number(0x9B, length_ms)
    block = _element(0xA1, b"\x81\0\0\0", more_bytes=picture_bytes)
    group = _element(0xA0, block, more_bytes=picture_bytes + len(behind))
    time = _number(0xE7, start_ms)
    return _element(0x1F43B675, time + group, more_bytes=picture_bytes + len(behind)), behind
