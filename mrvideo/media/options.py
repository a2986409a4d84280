"""How a video is opened and its frames are made: one value, from the settings down to the decoder."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from mrvideo.errors import SettingsError
from mrvideo.media.content import Content
from mrvideo.records import HIGHEST_JPEG_QUALITY

ReaderName: TypeAlias = Literal["pyav", "decord"]

DEFAULT_LONG_SIDE_PIXELS = 512


@dataclass(frozen=True)
class ReadOptions:
    """What decides which frames a reader returns, and how they are encoded. Raises `SettingsError` out of bounds.

    `long_side_pixels` None leaves the size to whoever knows the model (`sized`); readers take 512 then.
    `keyframes_only` returns the last key frame shown at or before a time, not the frame shown then: fast and coarse.
    `allow_url` lets a path be an http, https or s3 address, `allow_private` also one of this machine or its network.
    With `content` the path must hold that one and no other.
    """

    reader: ReaderName = "pyav"
    long_side_pixels: int | None = None
    jpeg_quality: int = 85
    keyframes_only: bool = False
    allow_url: bool = False
    allow_private: bool = False
    content: Content | None = None

    def __post_init__(self) -> None:
        if self.long_side_pixels is not None and self.long_side_pixels < 16:
            raise SettingsError(
                f"long_side_pixels must be at least 16, got {self.long_side_pixels}; "
                f"{DEFAULT_LONG_SIDE_PIXELS} is the default"
            )
        if not 1 <= self.jpeg_quality <= HIGHEST_JPEG_QUALITY:
            raise SettingsError(
                f"jpeg_quality must lie in 1–{HIGHEST_JPEG_QUALITY}, got {self.jpeg_quality}; 85 is the default"
            )
        if self.reader not in ("pyav", "decord"):
            raise SettingsError(f"no reader is called {self.reader!r}; use 'pyav' or 'decord'")

    @property
    def pixels(self) -> int:
        """Long side of the frames, in pixels."""
        return self.long_side_pixels or DEFAULT_LONG_SIDE_PIXELS

    def sized(self, pixels: int) -> ReadOptions:
        """The same, with this long side where none was asked for."""
        return self if self.long_side_pixels is not None else replace(self, long_side_pixels=pixels)
