"""How players turn the pictures of an MP4 file: the matrix in its first track's header (ISO/IEC 14496-12,
8.3.2).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from mrvideo.media.mp4.boxes import Box, NotPlainError, boxes_in

_TURNS = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}
_MATRIX_AT = (40, 52)
"""In a box of version 0, and of version 1, whose times are longer."""


def turn(path: Path, degrees: int) -> None:
    """Have players turn the first track counter-clockwise. Raises ValueError for what is no quarter turn,
    NotPlainError.
    """
    if degrees % 90:
        raise ValueError(f"only quarter turns can be written, got {degrees}°")
    cosine, sine = _TURNS[degrees % 360]
    with path.open("r+b") as file:
        size = path.stat().st_size
        movie = _first(boxes_in(file, 0, size), b"moov")
        track = _first(boxes_in(file, movie.body, movie.stop), b"trak")
        header = _first(boxes_in(file, track.body, track.stop), b"tkhd")
        version = header.read_part(file, 0, 1)[0]
        file.seek(header.body + _MATRIX_AT[min(version, 1)])
        file.write(struct.pack(">5i", cosine << 16, -sine << 16, 0, sine << 16, cosine << 16))


def _first(boxes: Iterator[Box], kind: bytes) -> Box:
    for box in boxes:
        if box.kind == kind:
            return box
    raise NotPlainError(f"no {kind.decode()} box")
