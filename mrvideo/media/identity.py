"""Who a video is: the digest of its content, and what its container says."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from mrvideo.errors import VideoError
from mrvideo.media import sources
from mrvideo.media.options import ReadOptions
from mrvideo.media.registry import open_video
from mrvideo.records import VideoInfo

_BLOCK_BYTES = 1 << 20


def digest_of(path: str | Path, *, allow_url: bool = False) -> str:
    """SHA-256 of the whole content, hexadecimal. Read once per process as long as the file's size and time stay."""
    name = str(path)
    if sources.is_url(name):
        from mrvideo.media import remote

        return remote.digest_of(name, allow_url=allow_url)
    sources.check_file(name)
    try:
        stat = Path(name).stat()
        return _digest_of_file(name, stat.st_size, stat.st_mtime_ns, stat.st_ino)
    except OSError as error:
        raise VideoError(
            f"{name} cannot be read: {error.strerror or error}; check its permissions"
        ) from error


@lru_cache(maxsize=64)
def _digest_of_file(path: str, size: int, modified_ns: int, inode: int) -> str:
    with Path(path).open("rb") as file:
        digest = hashlib.sha256()
        while block := file.read(_BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def probe(path: str | Path, options: ReadOptions | None = None) -> VideoInfo:
    """What the container says, with the digest. Decodes one picture as proof; raises the VideoError tree."""
    options = options or ReadOptions()
    # What a file is does not depend on how its frames are sampled: not each reader has a key frame mode.
    with open_video(path, replace(options, keyframes_only=False)) as video:
        info = video.info
    return info.model_copy(update={"digest": digest_of(path, allow_url=options.allow_url)})
