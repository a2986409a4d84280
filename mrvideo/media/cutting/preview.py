"""Parts of a film as a browser plays them, one after another, whatever the film's own format is.

film    |...............................................|   MPEG-4 in AVI, HEVC, MPEG-2 …, of any length
parts   |  0  |  1  |  2  |  3  | …                         ten seconds each, encoded anew when somebody watches them

All parts have one kind of pictures and of sound, so that a browser's MediaSource joins them without a gap.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from mrvideo.errors import InputError
from mrvideo.media import sources
from mrvideo.media.cutting.clip import encode_spans, told_as
from mrvideo.media.cutting.sound import Hearing
from mrvideo.media.cutting.source import Film, source_spans
from mrvideo.media.cutting.turning import turn
from mrvideo.media.cutting.writer import Writer
from mrvideo.media.options import ReadOptions
from mrvideo.records import Span

PREVIEW_SECONDS = 10.0
PREVIEW_PIXELS = 960
"""The longer side of a part's pictures, at most."""

_PICTURES_TYPE, _SOUND_TYPE = "avc1.4d4028", "mp4a.40.2"
_SHORTEST_SECONDS = 0.5
"""A shorter rest belongs to the part before it."""


@dataclass(frozen=True)
class Preview:
    """What all parts of one film are. `sound`: samples a second and the channels; None for a silent film."""

    duration_seconds: float
    sound: tuple[int, str] | None

    @property
    def media_type(self) -> str:
        """As `MediaSource.isTypeSupported` takes it."""
        codecs = _PICTURES_TYPE if self.sound is None else f"{_PICTURES_TYPE},{_SOUND_TYPE}"
        return f'video/mp4; codecs="{codecs}"'

    @property
    def parts(self) -> int:
        """How many there are."""
        return max(1, math.ceil((self.duration_seconds - _SHORTEST_SECONDS) / PREVIEW_SECONDS))

    def span(self, part: int) -> Span:
        """When a part is on screen. Raises `InputError` for one that there is not."""
        if not 0 <= part < self.parts:
            raise InputError(f"there is no part {part}; the film has {self.parts}, counted from 0")
        last = part == self.parts - 1
        start = part * PREVIEW_SECONDS
        return Span(start, self.duration_seconds if last else start + PREVIEW_SECONDS)


def preview_kind(path: str, duration_seconds: float, reading: ReadOptions) -> Preview:
    """What the parts of a film will be. Raises the VideoError tree."""
    path = sources.named(path)
    # All recordings of a joined file are encoded as the first one is: a browser's player takes one kind.
    first = source_spans(path, Span(0.0, duration_seconds), reading)[0]
    with closing(Film(path, first, reading)) as film:
        found = Hearing.kind_of(film)
    if found is None:
        return Preview(duration_seconds, None)
    rate, layout = found
    return Preview(duration_seconds, (rate, "mono" if layout == "mono" else "stereo"))


def preview_part(
    path: str, preview: Preview, part: int, reading: ReadOptions, *, go_on: Callable[[], None]
) -> bytes:
    """One part as a fragmented MP4 file whose times begin at 0.

    `go_on` is called before each picture, and stops the work by what it raises. Raises `InputError` for a
    part that there is not, `DecodeError` where some of it cannot be decoded.
    """
    path, span = sources.named(path), preview.span(part)
    with tempfile.TemporaryDirectory(prefix="mrvideo-preview-") as folder:
        made = Path(folder) / "part.mp4"
        with told_as(f"{path}: a preview of {span} cannot be made"):
            recordings = source_spans(path, span, reading)
            with closing(Writer(made, preview.sound, long_side_pixels=PREVIEW_PIXELS)) as writer:
                turned = encode_spans(path, recordings, writer, preview.sound, reading, go_on)
            turn(made, turned)
            return made.read_bytes()
