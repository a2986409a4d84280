"""Opening a video with the reader of one's choice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from mrvideo.errors import SettingsError
from mrvideo.records import HIGHEST_JPEG_QUALITY

if TYPE_CHECKING:
    from mrvideo.media.reader import Reader

ReaderName: TypeAlias = Literal["pyav", "decord"]


def open_video(
    path: str | Path,
    *,
    reader: ReaderName = "pyav",
    long_side_pixels: int = 512,
    jpeg_quality: int = 85,
    keyframes_only: bool = False,
    allow_url: bool = False,
) -> Reader:
    """An open Reader; close it, or use it as a context manager. Raises the VideoError tree.

    `keyframes_only` is a fast mode that returns the last key frame shown at or before a time, not the frame shown
    then. `allow_url` lets `path` be an http, https or s3 address.
    """
    if long_side_pixels < 16:
        raise SettingsError(
            f"long_side_pixels must be at least 16, got {long_side_pixels}; 512 is the default"
        )
    if not 1 <= jpeg_quality <= HIGHEST_JPEG_QUALITY:
        raise SettingsError(
            f"jpeg_quality must lie in 1–{HIGHEST_JPEG_QUALITY}, got {jpeg_quality}; 85 is the default"
        )
    if reader == "pyav":
        from mrvideo.media.pyav import PyAVReader as Chosen
    elif reader == "decord":
        from mrvideo.media.decord import DecordReader as Chosen
    else:
        raise SettingsError(f"no reader is called {reader!r}; use 'pyav' or 'decord'")
    return Chosen(
        str(path),
        long_side_pixels=long_side_pixels,
        jpeg_quality=jpeg_quality,
        keyframes_only=keyframes_only,
        allow_url=allow_url,
    )
