"""What stands behind the writing: slides, streets, rooms, pitches; and the people and vehicles that move
there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from mrvideo.evals.offline.film import SIZE, Backdrop, Moves, Pen
from mrvideo.evals.offline.lettering import Colour

WIDTH, HEIGHT = SIZE


def plain(colour: Colour) -> Backdrop:
    """One colour all over."""

    def draw(pen: Pen) -> None:
        pen.rectangle((0, 0, WIDTH, HEIGHT), fill=colour)

    return draw


def shaded(top: Colour, bottom: Colour) -> Backdrop:
    """One colour above that turns into another below."""

    def draw(pen: Pen) -> None:
        for y in range(HEIGHT):
            share = y / HEIGHT
            row = tuple(round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True))
            pen.line((0, y, WIDTH, y), fill=row)

    return draw


def slide(paper: Colour, bar: Colour) -> Backdrop:
    """A presentation's page: a bar above, a thin line below."""

    def draw(pen: Pen) -> None:
        pen.rectangle((0, 0, WIDTH, HEIGHT), fill=paper)
        pen.rectangle((0, 0, WIDTH, 8), fill=bar)
        pen.line((28, 338, WIDTH - 28, 338), fill=bar, width=2)

    return draw


def rows(count: int, *, top: float, pitch: float, odd: Colour, even: Colour) -> Backdrop:
    """A table's striped rows."""

    def draw(pen: Pen) -> None:
        for number in range(count):
            y = top + number * pitch
            pen.rectangle((24, y, WIDTH - 24, y + pitch - 2), fill=odd if number % 2 else even)

    return draw


def street(sky: Colour, houses: Sequence[Colour], ground: Colour = (128, 124, 122)) -> Backdrop:
    """Fronts of houses in a row, with windows, over a pavement."""

    def draw(pen: Pen) -> None:
        pen.rectangle((0, 0, WIDTH, HEIGHT), fill=sky)
        wide = WIDTH / len(houses)
        for number, colour in enumerate(houses):
            left, top = number * wide, 50 + 34 * ((number * 5) % 3)
            pen.rectangle((left, top, left + wide - 3, 290), fill=colour)
            for row in range(2):
                for column in range(3):
                    x, y = left + wide * (0.14 + 0.28 * column), top + 16 + row * 44
                    pen.rectangle((x, y, x + wide * 0.15, y + 26), fill=(222, 228, 214))
        pen.rectangle((0, 290, WIDTH, HEIGHT), fill=ground)

    return draw


def room(wall: Colour, floor: Colour, *, table: Colour | None = None) -> Backdrop:
    """A wall with a window, a floor, perhaps a table."""

    def draw(pen: Pen) -> None:
        pen.rectangle((0, 0, WIDTH, HEIGHT), fill=wall)
        pen.rectangle((0, 280, WIDTH, HEIGHT), fill=floor)
        pen.rectangle((40, 50, 150, 170), fill=(186, 206, 222), outline=(240, 238, 230), width=6)
        pen.line((95, 50, 95, 170), fill=(240, 238, 230), width=4)
        if table is not None:
            pen.rectangle((330, 240, 600, 256), fill=table)
            for x in (345, 575):
                pen.rectangle((x, 256, x + 12, 330), fill=table)

    return draw


def pitch(seconds_of_grass: int = 0) -> Backdrop:
    """A playing field from above the stands, its stripes shifted."""

    def draw(pen: Pen) -> None:
        pen.rectangle((0, 0, WIDTH, 90), fill=(70, 72, 88))
        for seat in range(0, WIDTH, 9):
            for row in range(5):
                tone = 90 + (seat * 7 + row * 31) % 90
                pen.ellipse((seat, 16 + row * 15, seat + 5, 22 + row * 15), fill=(tone, tone - 20, tone + 10))
        for stripe in range(9):
            tone = 120 if (stripe + seconds_of_grass) % 2 else 132
            pen.rectangle((stripe * 72 - 4, 90, stripe * 72 + 68, HEIGHT), fill=(52, tone, 60))
        pen.line((320, 90, 320, HEIGHT), fill=(226, 236, 226), width=3)
        pen.ellipse((250, 170, 390, 290), outline=(226, 236, 226), width=3)

    return draw


def worktop(tone: Colour) -> Backdrop:
    """A kitchen's worktop seen from above, with a bowl."""

    def draw(pen: Pen) -> None:
        pen.rectangle((0, 0, WIDTH, HEIGHT), fill=tone)
        for x in range(0, WIDTH, 80):
            pen.line((x, 0, x + 30, HEIGHT), fill=tuple(max(c - 8, 0) for c in tone), width=2)
        pen.ellipse((380, 120, 600, 330), fill=(226, 226, 220), outline=(150, 150, 146), width=5)
        pen.ellipse((404, 146, 576, 306), fill=(198, 164, 116))

    return draw


def over(*parts: Backdrop) -> Backdrop:
    """One upon the other."""

    def draw(pen: Pen) -> None:
        for part in parts:
            part(pen)

    return draw


def box(left: float, top: float, right: float, bottom: float, fill: Colour, edge: Colour | None) -> Backdrop:
    """A board, screen, sheet or door."""

    def draw(pen: Pen) -> None:
        pen.rounded_rectangle((left, top, right, bottom), 6, fill=fill, outline=edge, width=4 if edge else 0)

    return draw


def bars(heights: Sequence[float], colour: Colour, *, left: float = 60, foot: float = 300) -> Backdrop:
    """A chart of columns."""

    def draw(pen: Pen) -> None:
        for number, height in enumerate(heights):
            x = left + number * 84
            pen.rectangle((x, foot - height, x + 52, foot), fill=colour)

    return draw


def person(pen: Pen, x: float, foot: float, tall: float, coat: Colour, *, stride: float = 0.0) -> None:
    """Somebody standing at `x`, or walking."""
    head, swing = tall * 0.12, math.sin(stride) * tall * 0.12
    for side in (-1, 1):
        pen.line((x, foot - tall * 0.4, x + side * swing, foot), fill=(48, 50, 66), width=round(tall * 0.1))
    pen.rounded_rectangle(
        (x - tall * 0.14, foot - tall * 0.78, x + tall * 0.14, foot - tall * 0.36), 6, fill=coat
    )
    pen.line(
        (x, foot - tall * 0.68, x + swing, foot - tall * 0.42),
        fill=tuple(max(c - 30, 0) for c in coat),
        width=round(tall * 0.07),
    )
    pen.ellipse((x - head, foot - tall, x + head, foot - tall + head * 2.1), fill=(226, 184, 152))
    pen.pieslice((x - head, foot - tall, x + head, foot - tall + head * 2.1), 180, 360, fill=(70, 52, 42))


def walker(coat: Colour, *, start: float, speed: float, foot: float = 338, tall: float = 120) -> Moves:
    """Somebody who walks through the picture, `speed` pixels a second."""
    return lambda pen, s: person(pen, start + speed * s, foot, tall, coat, stride=s * 4)


def talker(coat: Colour, *, x: float, foot: float = 338, tall: float = 190) -> Moves:
    """Somebody who stands and moves a little while speaking."""
    return lambda pen, s: person(pen, x + 5 * math.sin(s), foot, tall, coat, stride=0.4 * math.sin(s * 2.2))


def vehicle(colour: Colour, *, start: float, speed: float, long: float = 220, foot: float = 320) -> Moves:
    """A bus, van or railway carriage that passes."""

    def draw(pen: Pen, s: float) -> None:
        x = start + speed * s
        pen.rounded_rectangle((x, foot - 96, x + long, foot - 8), 10, fill=colour)
        for number in range(round(long / 44)):
            pen.rectangle(
                (x + 12 + number * 44, foot - 84, x + 42 + number * 44, foot - 54), fill=(206, 222, 232)
            )
        for wheel in (x + long * 0.18, x + long * 0.82):
            pen.ellipse((wheel - 14, foot - 22, wheel + 14, foot + 6), fill=(26, 26, 28))

    return draw


def players(seed: int) -> Moves:
    """Two teams and a ball."""

    def draw(pen: Pen, s: float) -> None:
        for number in range(10):
            phase = seed * 1.7 + number * 2.1
            x = (60 + number * 57 + 26 * math.sin(s * 0.9 + phase)) % WIDTH
            y = 190 + 90 * math.sin(number * 1.3 + seed) + 12 * math.sin(s * 1.3 + phase)
            person(pen, x, y + 24, 46, (196, 52, 52) if number % 2 else (240, 240, 244), stride=s * 6 + phase)
        ball = 320 + 200 * math.sin(s * 0.7 + seed), 230 + 40 * math.sin(s * 1.6)
        pen.ellipse((ball[0] - 5, ball[1] - 5, ball[0] + 5, ball[1] + 5), fill=(250, 250, 250))

    return draw


def stirring(x: float = 490, y: float = 226, reach: float = 54) -> Moves:
    """A spoon that goes round in a bowl."""

    def draw(pen: Pen, s: float) -> None:
        tip = x + reach * math.cos(s * 3), y + reach * math.sin(s * 3)
        pen.line((*tip, tip[0] + 60, tip[1] - 120), fill=(120, 84, 50), width=9)
        pen.ellipse((tip[0] - 12, tip[1] - 9, tip[0] + 12, tip[1] + 9), fill=(140, 98, 60))

    return draw


def together(*parts: Moves) -> Moves:
    """All of these at once."""

    def draw(pen: Pen, s: float) -> None:
        for part in parts:
            part(pen, s)

    return draw
