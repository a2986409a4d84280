"""The lines of pictures that follow each other: only what changed since it was last read is searched again.

+-----------------------+
| KITTIWAKE             |   as before: known
|        +------------+ |
|        | 77 STEPS U | |   changed, with a margin: read again
|        +------------+ |
+-----------------------+
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mrvideo.models.offline.reading.engine import Line, glance, read_part, read_picture
from mrvideo.models.offline.reading.pictures import SHRINK, Box, Picture, changed_box

MOST_SHARE = 0.75
"""From this share of the picture on, a part costs as much as the whole."""

GLANCED_SHARE = 0.5
"""A part whose longer side is at least this share of the picture's is glanced at before it is searched."""

MARGIN_PIXELS = 24
"""A line is told from a texture by what surrounds it."""

BORDER_PIXELS = 3
DOUBTFUL_LETTERS = 3


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
        area = _with_lines(box.padded(MARGIN_PIXELS, picture.frame), self._lines, picture.frame)
        if area.area >= MOST_SHARE * picture.frame.area:
            return self._read_all(picture)
        part = area.of(picture.pixels)
        share = max(part.shape[:2]) / max(picture.pixels.shape[:2])
        found = self._read_part(picture, area) if share < GLANCED_SHARE or glance(part, share) else []
        if found is None or any(self._doubtful(line) for line in found):
            return self._read_all(picture)
        kept = [line for line in self._lines if not area.touches(line)]
        self._lines = tuple(sorted((*kept, *found), key=lambda line: (line.top, line.left)))
        # Only what was read is known anew: what fades in slowly is one day seen to have changed.
        here = (
            slice(-int(-area.top // SHRINK), int(area.bottom // SHRINK)),
            slice(-int(-area.left // SHRINK), int(area.right // SHRINK)),
        )
        self._known[here] = picture.small[here]
        return self._lines

    def _doubtful(self, line: Line) -> bool:
        """Out of its surroundings a texture is soon a letter or two."""
        known = (known.text for known in self._lines)
        return 0 < len(line.text) <= DOUBTFUL_LETTERS and line.text not in known

    def _read_all(self, picture: Picture) -> tuple[Line, ...]:
        """By a glance first: most pictures of a film hold no text at all, or only in one place."""
        self._known, self._lines = np.array(picture.small), ()
        if hint := glance(picture.pixels):
            area = hint.padded(MARGIN_PIXELS, picture.frame)
            whole = area.area >= MOST_SHARE * picture.frame.area
            lines = None if whole else self._read_part(picture, area)
            self._lines = read_picture(picture.jpeg) if lines is None else tuple(lines)
        return self._lines

    def _read_part(self, picture: Picture, area: Box) -> list[Line] | None:
        """The lines inside; None where a line reaches a border that is none of the picture's."""
        frame = picture.frame
        read = read_part(
            area.of(picture.pixels), of_pixels=max(frame.right, frame.bottom), of_height=frame.bottom
        )
        lines = [line.moved(area.left, area.top) for line in read]
        return None if any(_is_cut(line, area, frame) for line in lines) else lines


def _is_cut(line: Line, area: Box, frame: Box) -> bool:
    return (
        (line.left <= area.left + BORDER_PIXELS and area.left > 0)
        or (line.top <= area.top + BORDER_PIXELS and area.top > 0)
        or (line.right >= area.right - BORDER_PIXELS and area.right < frame.right)
        or (line.bottom >= area.bottom - BORDER_PIXELS and area.bottom < frame.bottom)
    )


def _with_lines(area: Box, lines: tuple[Line, ...], frame: Box) -> Box:
    """Wide enough that none of the lines is cut through."""
    wide = area
    for line in (line for line in lines if area.touches(line)):
        wide = Box(
            min(wide.left, line.left),
            min(wide.top, line.top),
            max(wide.right, line.right),
            max(wide.bottom, line.bottom),
        ).padded(0, frame)
    return area if wide == area else _with_lines(wide, lines, frame)
