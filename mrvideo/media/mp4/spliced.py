"""A file that is put together from byte ranges of another one and from other bytes, without being copied."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import BinaryIO, TypeAlias

Part: TypeAlias = "tuple[int, int] | bytes"
"""From where to where in the file, in bytes; or bytes as they are."""


class Spliced(io.RawIOBase):
    """Its parts in a row, readable and seekable. Closes the file with itself."""

    def __init__(self, file: BinaryIO, parts: Sequence[Part]) -> None:
        self._file = file
        self._parts: list[tuple[int, int, Part]] = []
        self._size = self._at = 0
        for part in parts:
            start = self._size
            self._size += len(part) if isinstance(part, bytes) else part[1] - part[0]
            self._parts.append((start, self._size, part))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        goal = self._size if size < 0 else min(self._size, self._at + size)
        found: list[bytes] = []
        for start, stop, part in self._parts:
            low, high = max(start, self._at), min(stop, goal)
            if low >= high:
                continue
            if isinstance(part, bytes):
                found.append(part[low - start : high - start])
            else:
                self._file.seek(part[0] + low - start)
                found.append(self._file.read(high - low))
        data = b"".join(found)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = 0, /) -> int:
        self._at = max(0, (0, self._at, self._size)[whence] + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self._file.close()
        super().close()
