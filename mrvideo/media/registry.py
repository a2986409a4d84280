"""Opens a video with the reader that the options name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mrvideo.media import sources
from mrvideo.media.options import ReadOptions

if TYPE_CHECKING:
    from mrvideo.media.reader import Reader


def open_video(path: str | Path, options: ReadOptions | None = None) -> Reader:
    """An open Reader; close it, or use it as a context manager. Raises the VideoError tree."""
    options = options or ReadOptions()
    path = sources.named(str(path))
    if options.reader == "decord":
        from mrvideo.media.decord import DecordReader

        return DecordReader(path, options)
    from mrvideo.media import joined
    from mrvideo.media.pyav import PyAVReader

    if parts := joined.parts_of(path, allow_url=options.allow_url, allow_private=options.allow_private):
        return joined.JoinedReader(path, parts, options)
    return PyAVReader(path, options)
