"""How a video is opened and its frames are made: one value, from the settings down to the decoder."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from mrvideo.errors import SettingsError
from mrvideo.media.content import Content
from mrvideo.records import HIGHEST_JPEG_QUALITY, WHOLE, Box

ReaderName: TypeAlias = Literal["pyav", "decord"]

DEFAULT_LONG_SIDE_PIXELS = 512
_SAME_SECONDS = 1e-6


@dataclass(frozen=True)
class ReadOptions:
    """What decides which frames a reader returns, and how they are encoded. Raises `SettingsError` out of
    bounds.

    `long_side_pixels` None leaves the size to whoever knows the model (`sized`); readers take 512 then.
    `keyframes_only` returns the last key frame shown at or before a time, not the frame shown then: fast and
    coarse. `allow_url` lets a path be an http, https or s3 address, `allow_private` also one of this machine
    or its network. With `content` the path must hold that one and no other.

    `crop_bars` leaves black bars out, before scaling, so that the picture between them gets all the pixels.
    `crops` says where it lies, as (from when, which part) in order of time; None: it is looked for in each
    frame. `part` asks for one part of the source picture instead, wherever the bars are. A frame's own `crop`
    tells what it shows.
    """

    reader: ReaderName = "pyav"
    long_side_pixels: int | None = None
    jpeg_quality: int = 85
    keyframes_only: bool = False
    allow_url: bool = False
    allow_private: bool = False
    content: Content | None = None
    crop_bars: bool = False
    crops: tuple[tuple[float, Box], ...] | None = None
    part: Box | None = None

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

    def crop_at(self, time_seconds: float) -> Box | None:
        """The part to show of a frame that comes on screen at this time; None: to be looked for, where bars
        are left out.
        """
        if self.part is not None:
            return self.part
        if not self.crop_bars:
            return WHOLE
        if self.crops is None:
            return None
        # The first holds for what is before it, too.
        place = max(1, bisect_right(self.crops, time_seconds + _SAME_SECONDS, key=lambda one: one[0]))
        return self.crops[place - 1][1] if self.crops else WHOLE

    @property
    def pixels(self) -> int:
        """Long side of the frames, in pixels."""
        return self.long_side_pixels or DEFAULT_LONG_SIDE_PIXELS

    def sized(self, pixels: int) -> ReadOptions:
        """The same, with this long side where none was asked for."""
        return self if self.long_side_pixels is not None else replace(self, long_side_pixels=pixels)
