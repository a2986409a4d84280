"""Evidence of the film it names: reading that holds a path to the content it had.

stamp as known ──────────────► the same content, no byte read for it
another stamp ──► digest same ─► touched, copied or moved: allowed
                  digest other ► VideoChanged
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeVar

from mrvideo.errors import VideoChanged, VideoError
from mrvideo.files import lies_in
from mrvideo.media import sources
from mrvideo.media.local import file_of
from mrvideo.records import VideoInfo

R = TypeVar("R")

_BLOCK_BYTES = 1 << 20
_KNOWN = 256
_ATTEMPTS = 3
_SETTLED_NS = 2_000_000_000
"""File systems state times in steps of up to 2 s: what was written last within one may be written again
unseen.
"""

_lock = threading.Lock()
_digests: OrderedDict[tuple[str, Stamp], str] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a file system says of a file. The time of change (`changed_ns`) is its own: no program can set it
    back.
    """

    size_bytes: int
    modified_ns: int
    changed_ns: int
    inode: int

    @classmethod
    def of(cls, stat: os.stat_result) -> Stamp:
        """The stamp in a `stat` result."""
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino)


@dataclass(frozen=True, slots=True)
class Content:
    """What a path must hold: the digest, and the stamp under which it was computed, where that is known.

    Of an address, `address` is the whole of it, with whatever secrets it holds: a path that is shown or kept
    has none.
    """

    digest: str
    stamp: Stamp | None = None
    address: str | None = field(default=None, repr=False)

    def check(self, path: str, *, allow_url: bool = False, allow_private: bool = False) -> Stamp:
        """The file's stamp, once it is sure that it holds this content.

        Raises `VideoChanged` where it holds another one, and the VideoError tree where it cannot be read.
        """
        place = self.address or path if sources.is_url(path) else path
        file = file_of(place, allow_url=allow_url, allow_private=allow_private)
        stamp = stamp_of(file)
        if stamp == self.stamp:
            return stamp
        found, stamp = digest_of_file(file)
        if found != self.digest:
            raise VideoChanged(
                f"{sources.named(path)} holds another video than the one that was indexed ({self.digest[:12]}, now "
                f"{found[:12]}); put that one back, or run mrvideo index on this one and ask again"
            )
        return stamp


def stamp_of(path: str) -> Stamp:
    """The stamp of a file as it stands. Raises VideoError."""
    try:
        return Stamp.of(Path(path).stat())
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def digest_of_file(path: str, *, folders: Sequence[Path] | None = None) -> tuple[str, Stamp]:
    """SHA-256 of the whole content, hexadecimal, with the stamp it holds for. Read once per process and
    stamp.

    Raises VideoError, also where the file is written to meanwhile and where, once open, it lies in none of
    the `folders`.
    """
    try:
        for _ in range(_ATTEMPTS):
            with Path(path).open("rb") as file:
                if folders is not None and not lies_in(file.fileno(), Path(path), folders):
                    raise VideoError(f"{path} leads outside the served folders; remove or replace it")
                stamp = Stamp.of(os.fstat(file.fileno()))
                with _lock:
                    known = _digests.get((path, stamp))
                if known is not None:
                    return known, stamp
                begun_ns = time.time_ns()
                digest = _digest(file)
                if Stamp.of(os.fstat(file.fileno())) != stamp:
                    continue
            if settled(stamp, begun_ns):
                with _lock:
                    _digests[path, stamp] = digest
                    while len(_digests) > _KNOWN:
                        _digests.popitem(last=False)
            return digest, stamp
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    raise VideoChanged(f"{path} is being written to; wait until it is complete, and ask again")


def check_lies_in(info: VideoInfo, folders: Sequence[Path]) -> None:
    """Raises VideoError unless the video is the content of a file that lies in one of the folders, as it was
    opened.
    """
    found, _ = digest_of_file(info.path, folders=folders)
    if found != info.digest:
        raise VideoChanged(f"{info.path} was replaced while it was opened; ask again when it is left alone")


def settled(stamp: Stamp, at_ns: int | None = None) -> bool:
    """Whether another write, from then on (now), would surely change the stamp."""
    return (time.time_ns() if at_ns is None else at_ns) - max(
        stamp.modified_ns, stamp.changed_ns
    ) > _SETTLED_NS


def _digest(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := file.read(_BLOCK_BYTES):
        digest.update(block)
    return digest.hexdigest()


def steadily(
    path: str,
    content: Content | None,
    read: Callable[[], R],
    *,
    allow_url: bool = False,
    allow_private: bool = False,
) -> R:
    """What `read` makes of the path, which held the content from before it until after it. Read again where
    only the stamp has changed meanwhile. Raises `VideoChanged`; without `content` nothing is held to
    anything.
    """
    if content is None:
        return read()
    before = content.check(path, allow_url=allow_url, allow_private=allow_private)
    for _ in range(_ATTEMPTS):
        try:
            found = read()
        except (VideoError, OSError):
            # Half of one film and half of another need not be readable: then that is what is wrong.
            content.check(path, allow_url=allow_url, allow_private=allow_private)
            raise
        after = content.check(path, allow_url=allow_url, allow_private=allow_private)
        if after == before:
            return found
        before = after
    raise VideoChanged(f"{path} keeps changing while it is read; wait until it is left alone, and ask again")


def _unreadable(path: str, error: Exception) -> VideoError:
    reason = getattr(error, "strerror", None) or error
    return VideoError(f"{path} cannot be read: {reason}; check its permissions")
