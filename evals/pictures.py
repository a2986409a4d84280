"""What generated haystacks show: moving scenes, needles of text, needles of pictures."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from PIL import Image, ImageDraw, ImageFont

Picture: TypeAlias = Image.Image
Draw: TypeAlias = Callable[[Picture], Picture]
"""From the frame of the haystack to the frame with its needle; may draw on the frame it gets."""

COLOURS = {
    "red": (214, 40, 40),
    "blue": (38, 84, 214),
    "green": (30, 140, 60),
    "yellow": (245, 205, 40),
    "purple": (130, 50, 170),
    "orange": (245, 130, 20),
    "black": (20, 20, 20),
    "pink": (245, 130, 180),
}
SHAPES = ("circle", "square", "triangle", "star", "heart", "cross", "ring", "diamond")
_SIGNS = ("MARKET", "STATION", "BAKERY", "HARBOUR", "LIBRARY", "GARAGE")


def subtitle(text: str) -> Draw:
    """White letters with a dark rim at the bottom, as a burned-in subtitle."""

    def draw(frame: Picture) -> Picture:
        pen = ImageDraw.Draw(frame)
        font = _font(pen, text, size=round(frame.height / 12), width=frame.width * 0.92)
        place = (frame.width / 2, frame.height * 0.955)
        pen.text(place, text, font=font, anchor="ms", fill="white", stroke_width=2, stroke_fill="black")
        return frame

    return draw


def title_card(text: str) -> Draw:
    """The whole screen dark, with the words in the middle."""

    def draw(frame: Picture) -> Picture:
        card = Image.new("RGB", frame.size, (24, 28, 40))
        pen = ImageDraw.Draw(card)
        font = _font(pen, text, size=round(frame.height / 9), width=frame.width * 0.86)
        pen.text((frame.width / 2, frame.height / 2), text, font=font, anchor="mm", fill=(245, 240, 225))
        return card

    return draw


def full_screen(colour: str, shape: str) -> Draw:
    """The whole screen white, with one big shape."""

    def draw(frame: Picture) -> Picture:
        card = Image.new("RGB", frame.size, "white")
        draw_shape(card, colour, shape, (frame.width / 2, frame.height / 2), frame.height * 0.38)
        return card

    return draw


def sticker(colour: str, shape: str) -> Draw:
    """A small shape on a white disc in the upper right corner."""

    def draw(frame: Picture) -> Picture:
        radius = frame.height * 0.11
        middle = (frame.width - radius * 1.5, radius * 1.5)
        pen = ImageDraw.Draw(frame)
        pen.ellipse(_box(middle, radius * 1.25), fill="white", outline="black", width=2)
        draw_shape(frame, colour, shape, middle, radius * 0.85)
        return frame

    return draw


def _font(pen: ImageDraw.ImageDraw, text: str, *, size: int, width: float) -> ImageFont.FreeTypeFont:
    # Pillow's own font: the same letters on every machine, with no font installed.
    for points in range(size, 7, -1):
        font = ImageFont.load_default(points)
        if not isinstance(font, ImageFont.FreeTypeFont):
            raise RuntimeError("this Pillow was built without FreeType")
        if pen.textlength(text, font=font) <= width:
            return font
    raise ValueError(f"too long to be read on one line: {text!r}")


def draw_shape(frame: Picture, colour: str, shape: str, middle: tuple[float, float], radius: float) -> None:
    """One of `SHAPES` in one of `COLOURS`, on the frame."""
    pen, fill = ImageDraw.Draw(frame), COLOURS[colour]
    x, y = middle
    if shape == "circle":
        pen.ellipse(_box(middle, radius), fill=fill)
    elif shape == "ring":
        pen.ellipse(_box(middle, radius), outline=fill, width=max(round(radius / 3), 2))
    elif shape == "square":
        pen.rectangle(_box(middle, radius * 0.85), fill=fill)
    elif shape == "cross":
        arm = radius / 3
        pen.rectangle((x - arm, y - radius, x + arm, y + radius), fill=fill)
        pen.rectangle((x - radius, y - arm, x + radius, y + arm), fill=fill)
    elif shape == "heart":
        lobe = radius * 0.5
        for side in (-lobe, lobe):
            pen.ellipse(_box((x + side, y - radius * 0.35), lobe * 1.08), fill=fill)
        pen.polygon(
            [(x - radius, y - radius * 0.15), (x + radius, y - radius * 0.15), (x, y + radius)], fill=fill
        )
    else:
        corners, inner = {"triangle": (3, 0.5), "diamond": (4, 0.7071), "star": (5, 0.42)}[shape]
        points: list[tuple[float, float]] = []
        for step in range(corners * 2):
            reach = radius if step % 2 == 0 else radius * inner
            angle = math.pi * step / corners - math.pi / 2
            points.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
        pen.polygon(points, fill=fill)


def _box(middle: tuple[float, float], radius: float) -> tuple[float, float, float, float]:
    return (middle[0] - radius, middle[1] - radius, middle[0] + radius, middle[1] + radius)


@dataclass(frozen=True)
class Scenery:
    """One generated scene: sky, hills that scroll, things that pass, now and then a sign. Drawn from a seed
    and a time.
    """

    seed: int
    width: int
    height: int

    def at(self, time_seconds: float) -> Picture:
        """The picture at a time within the scene."""
        rng = random.Random(self.seed)  # noqa: S311
        w, h = self.width, self.height
        sky = [rng.randint(90, 235) for _ in range(3)]
        frame = Image.linear_gradient("L").resize((w, h))
        low = tuple(channel // 2 for channel in sky)
        frame = Image.merge("RGB", [frame.point(_ramp(a, b)) for a, b in zip(sky, low, strict=True)])
        pen = ImageDraw.Draw(frame)
        pan = rng.uniform(-30, 30) * time_seconds
        for layer in (1, 2):
            shade = tuple(rng.randint(30, 150) for _ in range(3))
            base, swell, pitch = h * (0.4 + 0.17 * layer), rng.uniform(10, 30), rng.uniform(60, 160)
            ridge = [(x, base + swell * math.sin((x + pan * layer) / pitch)) for x in range(0, w + 16, 16)]
            pen.polygon([(0, h), *ridge, (w, h)], fill=shade)
        if rng.random() < 0.25:
            self._sign(pen, rng.choice(_SIGNS), x=w * rng.uniform(0.1, 0.6) - pan / 3)
        for _ in range(rng.randint(2, 4)):
            self._passer(pen, rng, time_seconds)
        return frame

    def _sign(self, pen: ImageDraw.ImageDraw, word: str, *, x: float) -> None:
        font = ImageFont.load_default(round(self.height / 14))
        y = self.height * 0.3
        pen.rectangle(
            (x, y, x + pen.textlength(word, font=font) + 16, y + self.height / 10), fill=(250, 246, 230)
        )
        pen.text((x + 8, y + 3), word, font=font, fill=(40, 30, 30))

    def _passer(self, pen: ImageDraw.ImageDraw, rng: random.Random, time_seconds: float) -> None:
        fill = tuple(rng.randint(0, 255) for _ in range(3))
        tall, ground = rng.uniform(20, 60), self.height * rng.uniform(0.62, 0.86)
        reach = self.width + 120
        x = (rng.uniform(0, reach) + rng.uniform(-70, 70) * time_seconds) % reach - 60
        if rng.random() < 0.5:
            pen.ellipse(_box((x, ground - tall), tall / 5), fill=(225, 180, 150))
            pen.rectangle((x - tall / 5, ground - tall * 0.8, x + tall / 5, ground), fill=fill)
        else:
            pen.rounded_rectangle((x - tall, ground - tall / 2, x + tall, ground), radius=8, fill=fill)
            for side in (-tall / 2, tall / 2):
                pen.ellipse(_box((x + side, ground), tall / 5), fill=(20, 20, 20))


def _ramp(top: int, bottom: int) -> list[int]:
    return [round(top + (bottom - top) * level / 255) for level in range(256)]
