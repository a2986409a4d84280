"""The pencil box of the demo film: skies, seas, houses, boats, people, all drawn with Pillow on a 1280 × 720
sheet.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1280, 720

Colour = tuple[int, int, int]

INK: Colour = (40, 44, 60)
CREAM: Colour = (250, 243, 224)
SKIN: Colour = (244, 203, 170)


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """Pillow's own typeface, so that every machine draws the same letters."""
    face = ImageFont.load_default(size)
    assert isinstance(face, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return face


def gradient(top: Colour, bottom: Colour, height: int = HEIGHT) -> Image.Image:
    """A sheet that runs from one colour to another, downwards."""
    mix = np.linspace(0.0, 1.0, height)[:, None, None]
    rows = np.array(top) * (1 - mix) + np.array(bottom) * mix
    return Image.fromarray(np.repeat(rows, WIDTH, axis=1).astype(np.uint8))


def letters(
    draw: ImageDraw.ImageDraw, centre: tuple[float, float], text: str, size: int, colour: Colour = INK
) -> None:
    """Text with its middle at `centre`, a little bolder than the typeface."""
    draw.text(centre, text, font=font(size), fill=colour, anchor="mm", stroke_width=max(size // 40, 0))


def board(
    draw: ImageDraw.ImageDraw,
    box: tuple[int, int, int, int],
    lines: list[str],
    size: int,
    paper: Colour = CREAM,
    ink: Colour = INK,
    frame: Colour = (120, 80, 50),
) -> None:
    """A painted sign with its lines in the middle."""
    draw.rounded_rectangle(box, 14, fill=paper, outline=frame, width=8)
    left, top, right, bottom = box
    step = size * 1.35
    first = (top + bottom) / 2 - step * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        letters(draw, ((left + right) / 2, first + number * step), line, size, ink)


def sun(sheet: Image.Image, centre: tuple[int, int], radius: int, colour: Colour) -> None:
    """A disc with a soft glow."""
    x, y = centre
    glow = Image.new("L", sheet.size, 0)
    pen = ImageDraw.Draw(glow)
    for ring in range(6, 0, -1):
        reach = radius * (1 + ring * 0.35)
        pen.ellipse((x - reach, y - reach, x + reach, y + reach), fill=18 * (7 - ring))
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
    sheet.paste(Image.new("RGB", sheet.size, colour), (0, 0), glow)


def clouds(draw: ImageDraw.ImageDraw, offset: float, y: int, colour: Colour) -> None:
    """Three clouds that drift with `offset`."""
    for number in range(3):
        x = (number * 520 + 80 + offset) % (WIDTH + 400) - 200
        for dx, dy, r in ((0, 0, 46), (52, -18, 56), (110, 2, 42), (52, 14, 50)):
            draw.ellipse((x + dx - r, y + dy - r * 0.62, x + dx + r, y + dy + r * 0.62), fill=colour)


def waves(
    draw: ImageDraw.ImageDraw, top: int, time_seconds: float, light: Colour, bottom: int = HEIGHT
) -> None:
    """Short strokes that run along the water."""
    for row, y in enumerate(range(top + 14, bottom, 30)):
        reach = 18 + row * 7
        for number in range(8):
            x = (number * 190 + row * 83 + time_seconds * (14 + row * 5)) % (WIDTH + 200) - 100
            y_now = y + 3 * math.sin(time_seconds * 1.7 + number + row)
            draw.line((x, y_now, x + reach, y_now), fill=light, width=4)


def gull(draw: ImageDraw.ImageDraw, x: float, y: float, size: float, beat: float) -> None:
    """Two wings that beat."""
    lift = size * (0.35 + 0.3 * math.sin(beat))
    for side in (-1, 1):
        points = [(x, y), (x + side * size * 0.5, y - lift), (x + side * size, y - lift * 0.3)]
        draw.line(points, fill=(250, 250, 250), width=max(int(size / 7), 3), joint="curve")


def house(draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], wall: Colour, roof: Colour) -> None:
    """A gabled front with four windows and a door."""
    left, top, right, bottom = box
    middle = (left + right) / 2
    draw.rectangle(box, fill=wall)
    draw.polygon([(left - 14, top), (middle, top - (right - left) * 0.42), (right + 14, top)], fill=roof)
    width = (right - left) / 6
    for row in range(2):
        y = top + 34 + row * 118
        for x in (left + width, right - 2 * width):
            draw.rectangle((x, y, x + width, y + 70), fill=(255, 236, 170), outline=CREAM, width=6)
    draw.rounded_rectangle((middle - width * 0.7, bottom - 118, middle + width * 0.7, bottom), 8, fill=roof)


def lighthouse(draw: ImageDraw.ImageDraw, x: int, foot: int, height: int) -> None:
    """Red and white, with a lamp room."""
    for band in range(6):
        high, low = height * (1 - band / 6), height * (1 - (band + 1) / 6)
        wide_high, wide_low = 44 + 46 * band / 6, 44 + 46 * (band + 1) / 6
        draw.polygon(
            [
                (x - wide_high, foot - high),
                (x + wide_high, foot - high),
                (x + wide_low, foot - low),
                (x - wide_low, foot - low),
            ],
            fill=(206, 62, 54) if band % 2 == 0 else (248, 246, 240),
        )
    top = foot - height
    draw.rectangle((x - 62, top - 12, x + 62, top + 4), fill=INK)
    draw.rectangle((x - 34, top - 78, x + 34, top - 12), fill=(255, 226, 130), outline=INK, width=6)
    draw.polygon([(x - 50, top - 78), (x, top - 126), (x + 50, top - 78)], fill=(206, 62, 54))


def boat(draw: ImageDraw.ImageDraw, x: float, y: float, name: str, hull: Colour = (34, 104, 120)) -> None:
    """A small trawler, its name on the bow. (x, y) is the middle of the waterline."""
    draw.line((x + 40, y - 120, x + 40, y - 330), fill=(110, 78, 52), width=12)
    draw.polygon([(x + 48, y - 320), (x + 190, y - 130), (x + 48, y - 130)], fill=(240, 228, 200))
    draw.rectangle((x - 130, y - 200, x + 10, y - 90), fill=(247, 240, 222), outline=INK, width=5)
    for dx in (-108, -50):
        draw.rectangle((x + dx, y - 178, x + dx + 40, y - 138), fill=(150, 200, 220), outline=INK, width=4)
    draw.polygon([(x - 280, y - 104), (x + 300, y - 104), (x + 220, y + 20), (x - 220, y + 20)], fill=hull)
    draw.polygon([(x - 280, y - 104), (x + 300, y - 104), (x + 292, y - 84), (x - 272, y - 84)], fill=CREAM)
    letters(draw, (x, y - 42), name, 54, CREAM)


@dataclass(frozen=True)
class Look:
    """How someone is dressed, so that the viewer knows them again."""

    coat: Colour
    trousers: Colour
    hair: Colour
    hat: Colour | None = None
    apron: Colour | None = None
    beard: bool = False
    skirt: bool = False


MARA = Look(coat=(200, 52, 48), trousers=(44, 62, 98), hair=(92, 52, 32), hat=(244, 200, 60))
BEN = Look(
    coat=(96, 140, 190), trousers=(84, 84, 92), hair=(150, 150, 150), apron=(250, 248, 240), beard=True
)
IRIS = Look(coat=(58, 138, 84), trousers=(58, 138, 84), hair=(30, 28, 34), skirt=True)


def person(
    draw: ImageDraw.ImageDraw,
    x: float,
    feet: float,
    height: float,
    look: Look,
    *,
    stride: float = 0.0,
    facing: int = 1,
    arm: float = 0.2,
) -> None:
    """Someone standing at (x, feet). `stride` is the phase of a step; `arm` lifts the front hand, 0 to 1."""
    u = height / 10
    swing = math.sin(stride) * u * 0.9
    hips, neck = feet - u * 4, feet - u * 7.4
    for side in (-1, 1):
        foot = x + side * swing
        draw.line((x + side * u * 0.4, hips, foot, feet - u * 0.25), fill=look.trousers, width=int(u * 0.85))
        draw.ellipse((foot - u * 0.6, feet - u * 0.6, foot + u * 0.6 + facing * u * 0.4, feet), fill=INK)
    back = (x - facing * (u * 1.3 + swing * 0.5), hips + u * 0.1)
    draw.line((x - facing * u * 0.8, neck + u * 0.7, *back), fill=look.coat, width=int(u * 0.7))
    body = (x - u * 1.25, neck, x + u * 1.25, hips + u * 0.5)
    if look.skirt:
        draw.polygon(
            [
                (x - u, hips - u),
                (x + u, hips - u),
                (x + u * 1.9, feet - u * 1.5),
                (x - u * 1.9, feet - u * 1.5),
            ],
            fill=look.coat,
        )
    draw.rounded_rectangle(body, int(u * 0.8), fill=look.coat)
    if look.apron:
        draw.rounded_rectangle(
            (x - u * 0.8, neck + u * 1.1, x + u * 0.8, hips + u * 1.4), int(u * 0.3), fill=look.apron
        )
    hand = (x + facing * u * (1.5 + arm * 0.9), hips - arm * u * 3.4)
    draw.line((x + facing * u * 0.8, neck + u * 0.7, *hand), fill=look.coat, width=int(u * 0.7))
    draw.ellipse((hand[0] - u * 0.4, hand[1] - u * 0.4, hand[0] + u * 0.4, hand[1] + u * 0.4), fill=SKIN)
    _head(draw, x, neck - u * 1.25, u, look, facing)


def _head(draw: ImageDraw.ImageDraw, x: float, y: float, u: float, look: Look, facing: int) -> None:
    r = u * 1.25
    draw.ellipse((x - r - u * 0.12, y - r - u * 0.15, x + r + u * 0.12, y + r * 0.75), fill=look.hair)
    if look.skirt:
        draw.rounded_rectangle(
            (x - r * 1.12, y - u * 0.4, x + r * 1.12, y + r * 1.5), int(u * 0.5), fill=look.hair
        )
    draw.ellipse(
        (x - r * 0.88 + facing * u * 0.12, y - r * 0.72, x + r * 0.88 + facing * u * 0.12, y + r), fill=SKIN
    )
    if look.beard:
        draw.chord(
            (x - r * 0.8 + facing * u * 0.12, y - r * 0.4, x + r * 0.8 + facing * u * 0.12, y + r * 1.1),
            10,
            170,
            fill=look.hair,
        )
    for side in (-1, 1):
        ex = x + facing * u * 0.3 + side * u * 0.42
        draw.ellipse((ex - u * 0.12, y - u * 0.06, ex + u * 0.12, y + u * 0.22), fill=INK)
    mouth = x + facing * u * 0.3
    draw.arc(
        (mouth - u * 0.4, y + u * 0.2, mouth + u * 0.4, y + u * 0.75),
        20,
        160,
        fill=(150, 60, 60),
        width=max(int(u * 0.13), 2),
    )
    if look.hat:
        draw.chord((x - r * 1.05, y - r * 1.35, x + r * 1.05, y + r * 0.45), 180, 360, fill=look.hat)
        draw.rounded_rectangle(
            (x - r * 1.35, y - r * 0.52, x + r * 1.35, y - r * 0.3), int(u * 0.15), fill=look.hat
        )


def dog(
    draw: ImageDraw.ImageDraw, x: float, feet: float, size: float, *, stride: float = 0.0, facing: int = 1
) -> None:
    """A brown dog with a white chest that runs with `stride`."""
    coat, dark = (166, 112, 62), (112, 72, 40)
    for leg, shift in ((-0.8, 0.0), (-0.5, 1.6), (0.5, 0.8), (0.8, 2.4)):
        reach = math.sin(stride + shift) * size * 0.35
        draw.line(
            (x + leg * size, feet - size * 0.7, x + leg * size + reach, feet),
            fill=dark,
            width=int(size * 0.2),
        )
    draw.rounded_rectangle(
        (x - size, feet - size * 1.35, x + size, feet - size * 0.55), int(size * 0.35), fill=coat
    )
    tail = x - facing * size
    draw.line(
        (
            tail,
            feet - size * 1.1,
            tail - facing * size * 0.55,
            feet - size * (1.7 + 0.15 * math.sin(stride * 2)),
        ),
        fill=coat,
        width=int(size * 0.2),
    )
    hx = x + facing * size * 1.15
    draw.ellipse((hx - size * 0.5, feet - size * 2.0, hx + size * 0.5, feet - size * 1.05), fill=coat)
    draw.ellipse(
        (
            hx + facing * size * 0.1 - size * 0.3,
            feet - size * 1.6,
            hx + facing * size * 0.5 + size * 0.3,
            feet - size * 1.15,
        ),
        fill=(245, 235, 220),
    )
    draw.ellipse(
        (
            hx - facing * size * 0.42 - size * 0.18,
            feet - size * 2.0,
            hx - facing * size * 0.42 + size * 0.18,
            feet - size * 1.2,
        ),
        fill=dark,
    )
    draw.ellipse(
        (hx + facing * size * 0.2 - 4, feet - size * 1.72, hx + facing * size * 0.2 + 4, feet - size * 1.62),
        fill=INK,
    )
    draw.ellipse(
        (hx + facing * size * 0.72 - 6, feet - size * 1.5, hx + facing * size * 0.72 + 6, feet - size * 1.38),
        fill=INK,
    )
