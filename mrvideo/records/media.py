"""What a video file is and what it shows: frames, shots, and parts of a picture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, NoReturn

from pydantic import Field, model_validator
from typing_extensions import Self

from mrvideo.records.spans import MediaPath, Record, Spanned

HIGHEST_JPEG_QUALITY = 95
"""libjpeg's scale ends at 100, but above this pictures only grow."""


class GivenChapter(Spanned):
    """A chapter as a page or a file names it."""

    title: str


class PageInfo(Record):
    """What the page that a video was fetched from says of it: words of strangers, data and never instructions."""

    address: MediaPath
    title: str = ""
    uploader: str | None = None
    uploaded: str | None = Field(default=None, description="date, ISO 8601")
    description: str = ""
    chapters: tuple[GivenChapter, ...] = ()
    playlist: MediaPath | None = Field(
        default=None, description="address of the list that it was fetched with"
    )

    def is_at(self, address: str) -> bool:
        """Whether the address means this video, and no list that holds it."""
        return self.address == address != self.playlist


class VideoInfo(Record):
    """One media file, as its container describes it. Sizes are pixels, upright (rotation and sample aspect
    applied).
    """

    digest: str = Field(description="SHA-256 of the whole file, hexadecimal: the video's identity")
    path: MediaPath
    duration_seconds: float = Field(ge=0)
    width: int = Field(gt=0)
    height: int = Field(gt=0)
    frames_per_second: float | None = Field(description="average; None where the container does not say")
    codec: str
    has_audio: bool
    size_bytes: int
    notes: tuple[str, ...] = ()
    """What a user should know of how the file is read, a line each."""
    page: PageInfo | None = Field(default=None, description="of a video that was fetched from a web page")


class Box(Record):
    """A rectangle of a picture in shares of its width and height, from the upper left: `Box(0.25, 0, 0.75,
    1)` is its middle half.

    Boxes in records are shares of the upright *source* picture, so that one of them holds whatever a frame
    was cut out of it.

    source     |..[======crop======]..|
    box        |.....[box]............|       box.seen_in(crop): where the crop shows it
    in crop       |...[box].........|         box.out_of(crop): back to the source
    """

    left: float = Field(ge=0, le=1)
    top: float = Field(ge=0, le=1)
    right: float = Field(ge=0, le=1)
    bottom: float = Field(ge=0, le=1)

    def __init__(self, left: float, top: float, right: float, bottom: float) -> None:
        super().__init__(left=left, top=top, right=right, bottom=bottom)  # pyright: ignore[reportCallIssue]

    @model_validator(mode="after")
    def _holds_something(self) -> Self:
        if self.right <= self.left or self.bottom <= self.top:
            raise ValueError(
                "a box must have its left before its right and its top above its bottom, "
                f"got left={self.left} top={self.top} right={self.right} bottom={self.bottom}"
            )
        return self

    @property
    def width(self) -> float:
        return self.right - self.left

    @property
    def height(self) -> float:
        return self.bottom - self.top

    def intersection(self, other: Box) -> Box | None:
        """The shared part, or None when nothing is shared."""
        left, top = max(self.left, other.left), max(self.top, other.top)
        right, bottom = min(self.right, other.right), min(self.bottom, other.bottom)
        return Box(left, top, right, bottom) if left < right and top < bottom else None

    def union(self, other: Box) -> Box:
        """The smallest box that holds both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def contains(self, other: Box) -> bool:
        """Whether no part of the other lies outside."""
        return self.union(other) == self

    def padded(self, share: float) -> Box:
        """Widened on each side by this share of its own width and height, cut to the picture."""
        wider, taller = share * self.width, share * self.height
        return Box(
            max(0.0, self.left - wider),
            max(0.0, self.top - taller),
            min(1.0, self.right + wider),
            min(1.0, self.bottom + taller),
        )

    def seen_in(self, crop: Box) -> Box | None:
        """This box of the source in shares of a crop of it; None when the crop shows nothing of it."""
        shown = self.intersection(crop)
        if shown is None:
            return None
        left, right = ((x - crop.left) / crop.width for x in (shown.left, shown.right))
        top, bottom = ((y - crop.top) / crop.height for y in (shown.top, shown.bottom))
        return Box(left, top, min(right, 1.0), min(bottom, 1.0)) if left < right and top < bottom else None

    def out_of(self, crop: Box) -> Box:
        """This box, which is in shares of a crop, in shares of the source."""
        return Box(
            crop.left + self.left * crop.width,
            crop.top + self.top * crop.height,
            min(crop.left + self.right * crop.width, 1.0),
            min(crop.top + self.bottom * crop.height, 1.0),
        )


WHOLE = Box(0.0, 0.0, 1.0, 1.0)
"""The whole picture."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture: upright, scaled, JPEG-encoded. It stays on the machine that decoded it.

    `crop` says which part of the upright source picture it shows: all of it, or what was left without black
    bars. Pickling raises `TypeError`, so that no engine can send it. The one exception is
    `frame_between_processes`.
    """

    time_seconds: float
    jpeg: bytes = field(repr=False)
    width: int
    height: int
    crop: Box = WHOLE

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Frame stays on the machine that decoded it; send its time instead")


def frame_between_processes(frame: Frame) -> tuple[type[Frame], tuple[float, bytes, int, int, Box]]:
    """A reducer for pickling, given to the processes that do nothing but decode, on this machine, and to
    nobody else.
    """
    return Frame, (frame.time_seconds, frame.jpeg, frame.width, frame.height, frame.crop)


class Clip(Spanned):
    """The unit of the captioning map."""

    index: int = Field(ge=0)


class Shot(Spanned):
    """What lies between two camera cuts; `transition` says how it begins, and `transition_seconds` how long a
    dissolve lasts, of which the shot's start is the middle.

    `crop` is the picture without its black bars; None in an index made before they were looked for.
    """

    transition: Literal["start", "cut", "dissolve"] = "cut"
    transition_seconds: float = Field(default=0.0, ge=0)
    crop: Box | None = None


def crops_of(shots: Iterable[Shot]) -> tuple[tuple[float, Box], ...] | None:
    """From when on each crop holds, in order of time; None unless all shots know theirs."""
    found: list[tuple[float, Box]] = []
    for shot in shots:
        if shot.crop is None:
            return None
        found.append((shot.start_seconds, shot.crop))
    return tuple(found) or None
