"""The lines of pictures that follow each other: only what changed since it was last read is searched again.

+-----------------------+
| KITTIWAKE             |   as before: known
|        +------------+ |
|        | 77 STEPS U | |   changed, with a margin: read again
|        +------------+ |
+-----------------------+
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mrvideo.models.offline.reading.engine import Line, glance, read_part, read_picture
from mrvideo.models.offline.reading.pictures import SHRINK, Picture, changed_box

MOST_SHARE = 0.75
"""From this share of the picture on, a part costs as much as the whole."""

GLANCED_SHARE = 0.5
"""A part whose longer side is at least this share of the picture's is glanced at before it is searched."""

MARGIN_PIXELS = 24
"""A line is told from a texture by what surrounds it."""

BORDER_PIXELS = 3
DOUBTFUL_LETTERS = 3


@dataclass(frozen=True)
class _Area:
    """A part of a picture, in pixels; `right` and `bottom` lie outside."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def around(cls, box: Line, width: int, height: int) -> _Area:
        """A box with a margin, inside the picture."""
        return cls(
            max(int(box.left) - MARGIN_PIXELS, 0),
            max(int(box.top) - MARGIN_PIXELS, 0),
            min(math.ceil(box.right) + MARGIN_PIXELS, width),
            min(math.ceil(box.bottom) + MARGIN_PIXELS, height),
        )

    def is_most_of(self, width: int, height: int) -> bool:
        """Whether it costs as much as the whole picture."""
        return (self.right - self.left) * (self.bottom - self.top) >= MOST_SHARE * width * height

    def touches(self, line: Line) -> bool:
        return (
            line.left < self.right
            and line.right > self.left
            and line.top < self.bottom
            and line.bottom > self.top
        )

    def with_lines(self, lines: tuple[Line, ...]) -> _Area:
        """Wide enough that none of the lines is cut through."""
        area = self
        for line in (line for line in lines if self.touches(line)):
            area = _Area(
                min(area.left, int(line.left)),
                min(area.top, int(line.top)),
                max(area.right, math.ceil(line.right)),
                max(area.bottom, math.ceil(line.bottom)),
            )
        return area if area == self else area.with_lines(lines)

    def cuts(self, line: Line, width: int, height: int) -> bool:
        """Whether a line found inside reaches a border that is none of the picture."""
        return (
            (line.left <= self.left + BORDER_PIXELS and self.left > 0)
            or (line.top <= self.top + BORDER_PIXELS and self.top > 0)
            or (line.right >= self.right - BORDER_PIXELS and self.right < width)
            or (line.bottom >= self.bottom - BORDER_PIXELS and self.bottom < height)
        )


class Sheet:
    """What is known of the pictures of one clip, given in order of time. Not thread-safe."""

    def __init__(self) -> None:
        self._known: NDArray[np.int16] | None = None
        self._lines: tuple[Line, ...] = ()

    def read(self, picture: Picture) -> tuple[Line, ...]:
        """All lines of the next picture, from top to bottom. Blocks."""
        if self._known is None or self._known.shape != picture.small.shape:
            return self._read_all(picture)
        box = changed_box(self._known, picture.small)
        if box is None:
            return self._lines
        height, width = picture.pixels.shape[:2]
        left, top, right, bottom = box
        area = _Area.around(Line("", 0.0, left, top, right, bottom), width, height).with_lines(self._lines)
        if area.is_most_of(width, height):
            return self._read_all(picture)
        part = picture.pixels[area.top : area.bottom, area.left : area.right]
        share = max(part.shape[:2]) / max(width, height)
        found = self._read_part(picture, area) if share < GLANCED_SHARE or glance(part, share) else []
        if any(area.cuts(line, width, height) or self._doubtful(line) for line in found):
            return self._read_all(picture)
        kept = [line for line in self._lines if not area.touches(line)]
        self._lines = tuple(sorted((*kept, *found), key=lambda line: (line.top, line.left)))
        # Only what was read is known anew: what fades in slowly is one day seen to have changed.
        here = (
            slice(-(-area.top // SHRINK), area.bottom // SHRINK),
            slice(-(-area.left // SHRINK), area.right // SHRINK),
        )
        self._known[here] = picture.small[here]
        return self._lines

    def _doubtful(self, line: Line) -> bool:
        """Out of its surroundings a texture is soon a letter or two."""
        return 0 < len(line.text) <= DOUBTFUL_LETTERS and all(
            line.text != known.text for known in self._lines
        )

    def _read_all(self, picture: Picture) -> tuple[Line, ...]:
        """By a glance first: most pictures of a film hold no text at all, or only in one place."""
        self._known, self._lines = np.array(picture.small), ()
        height, width = picture.pixels.shape[:2]
        if hint := glance(picture.pixels):
            area = _Area.around(hint, width, height)
            whole = area.is_most_of(width, height)
            lines = [] if whole else self._read_part(picture, area)
            whole = whole or any(area.cuts(line, width, height) for line in lines)
            self._lines = read_picture(picture.jpeg) if whole else tuple(lines)
        return self._lines

    def _read_part(self, picture: Picture, area: _Area) -> list[Line]:
        height, width = picture.pixels.shape[:2]
        part = picture.pixels[area.top : area.bottom, area.left : area.right]
        lines = read_part(part, of_pixels=max(width, height), of_height=height)
        return [line.moved(area.left, area.top) for line in lines]
