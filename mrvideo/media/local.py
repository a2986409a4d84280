"""The file that a video is read from: the path itself, or the copy of what an address holds."""

from __future__ import annotations

from mrvideo.media import sources


def file_of(path: str, *, allow_url: bool = False, allow_private: bool = False) -> str:
    """Of an address, which is downloaded once for each process. Raises VideoError where it may not or cannot
    be fetched.
    """
    if not sources.is_url(path):
        return path
    from mrvideo.media import remote

    return str(remote.copy_of(path, allow_url=allow_url, allow_private=allow_private))
