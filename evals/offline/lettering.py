"""Letters on pictures: Pillow's own face, the same on every machine, with the accents it lacks drawn over it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageFont

Colour: TypeAlias = tuple[int, int, int]

INK: Colour = (34, 34, 40)
CREAM: Colour = (250, 244, 226)
WHITE: Colour = (252, 252, 252)
AMBER: Colour = (255, 190, 60)
NIGHT: Colour = (22, 26, 38)

_LARGER = 3
"""Letters are drawn this many times as large and scaled down, so that edges are smooth."""

_DRAWN = "\u0300\u0301\u0302\u0303\u0308\u030c\u0327"
_PLAIN = frozenset(map(chr, range(32, 127))) | frozenset("°·’“”«»")


@dataclass(frozen=True)
class Words:
    """Writing in a picture of 640 × 360: where its middle (or left end) lies, how it looks, and when it
    stands there.

    `\\n` parts lines. `when` is a half-open range in seconds of the shot (of the film for marks); None: all
    of it. `drift` is how many pixels it crawls to the right in a second.
    """

    text: str
    x: float
    y: float
    size: int = 22
    ink: Colour = INK
    plate: Colour | None = None
    frame: Colour | None = None
    bold: bool = False
    left: bool = False
    tilt: float = 0.0
    drift: float = 0.0
    when: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        missing = {c for c in self.text if c != "\n" and not _drawable(c)}
        if missing:
            raise ValueError(f"no letters for {''.join(sorted(missing))!r} in {self.text!r}")

    @property
    def said(self) -> str:
        """The text on one line, as it is read."""
        return " ".join(self.text.split())

    def stands_at(self, seconds: float) -> bool:
        """Whether it is in the picture then."""
        return self.when is None or self.when[0] - 1e-6 <= seconds < self.when[1] - 1e-6

    def put(self, picture: Image.Image, seconds: float) -> None:
        """Draw it as it stands at that time."""
        patch = _patch(
            self.text, self.size, self.ink, self.plate, self.frame, self.bold, self.left, self.tilt
        )
        picture.paste(patch, self.corner(seconds), patch)

    def corner(self, seconds: float) -> tuple[int, int]:
        """The upper left corner of what is drawn."""
        width, height = self.extent
        since = seconds - (self.when[0] if self.when else 0.0)
        left = self.x + self.drift * since - (0 if self.left else width / 2)
        return round(left), round(self.y - height / 2)

    @property
    def extent(self) -> tuple[int, int]:
        """Width and height of what is drawn, in pixels."""
        return _patch(
            self.text, self.size, self.ink, self.plate, self.frame, self.bold, self.left, self.tilt
        ).size


def _drawable(character: str) -> bool:
    base, *marks = unicodedata.normalize("NFD", character)
    return base in _PLAIN and all(mark in _DRAWN for mark in marks)


@lru_cache(maxsize=2048)
def _patch(
    text: str,
    size: int,
    ink: Colour,
    plate: Colour | None,
    frame: Colour | None,
    bold: bool,
    left: bool,
    tilt: float,
) -> Image.Image:
    points = size * _LARGER
    font = ImageFont.load_default(points)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise RuntimeError("this Pillow was built without FreeType")
    lines = text.split("\n")
    bases = ["".join(unicodedata.normalize("NFD", c)[0] for c in line) for line in lines]
    margin = round(points * (0.45 if plate or frame else 0.3))
    pitch = round(points * 1.25)
    wide = round(max(font.getlength(base) for base in bases)) + 2 * margin
    tall = pitch * len(lines) + 2 * round(margin * 0.6)
    sheet = Image.new("RGBA", (wide, tall), (*ink, 0))
    pen = ImageDraw.Draw(sheet)
    if plate or frame:
        pen.rounded_rectangle(
            (0, 0, wide - 1, tall - 1),
            points // 5,
            fill=plate,
            outline=frame,
            width=_LARGER * 2 if frame else 0,
        )
    stroke = max(round(points / 42), 1) if bold else 0
    for number, (line, base) in enumerate(zip(lines, bases, strict=True)):
        x = margin if left else (wide - font.getlength(base)) / 2
        y = round(margin * 0.6) + pitch * number + pitch * 0.78
        pen.text((x, y), base, font=font, fill=ink, anchor="ls", stroke_width=stroke, stroke_fill=ink)
        for place, character in enumerate(line):
            for mark in unicodedata.normalize("NFD", character)[1:]:
                box = font.getbbox(base[place], anchor="ls")
                before = font.getlength(base[: place + 1]) - font.getlength(base[place])
                _mark(pen, mark, x + before + (box[0] + box[2]) / 2, y, box[1], points, ink)
    if tilt:
        sheet = sheet.rotate(tilt, Image.Resampling.BICUBIC, expand=True)
    width, height = -(-sheet.width // _LARGER), -(-sheet.height // _LARGER)
    return sheet.resize((width, height), Image.Resampling.LANCZOS)


def _mark(
    pen: ImageDraw.ImageDraw, mark: str, x: float, line: float, top: float, points: int, ink: Colour
) -> None:
    """One accent over (a cedilla under) the letter whose middle is `x` and whose top is `top` above the base
    line.
    """
    thick = max(round(points * 0.085), 2)
    y, reach, rise = line + top - points * 0.07, points * 0.13, points * 0.12
    if mark == "\u0308":
        for side in (-reach, reach):
            pen.ellipse((x + side - thick * 0.6, y - thick * 1.3, x + side + thick * 0.6, y), fill=ink)
    elif mark == "\u0301":
        pen.line((x - reach * 0.4, y, x + reach * 0.8, y - rise), fill=ink, width=thick)
    elif mark == "\u0300":
        pen.line((x + reach * 0.4, y, x - reach * 0.8, y - rise), fill=ink, width=thick)
    elif mark in "\u0302\u030c":
        low, high = (y, y - rise) if mark == "\u0302" else (y - rise, y)
        pen.line((x - reach, low, x, high, x + reach, low), fill=ink, width=thick, joint="curve")
    elif mark == "\u0303":
        wave = [
            (x + reach * (step / 4 - 1) * 1.1, y - rise * (0.5 + 0.4 * (-1, 1, 1, 0, -1, -1, 0, 1, 1)[step]))
            for step in range(9)
        ]
        pen.line(wave, fill=ink, width=thick, joint="curve")
    else:
        pen.line((x, line, x + reach * 0.4, line + rise * 0.7), fill=ink, width=thick)
        pen.line(
            (x + reach * 0.4, line + rise * 0.7, x - reach * 0.6, line + rise * 1.5), fill=ink, width=thick
        )
