"""Films whose camera changes are known, by two generators that share no code of drawing: one to tune on, one
to judge by.

What both draw: cuts, dissolves, fades through black, flashes, pans and swings, titles that fade in, large
things that move or leave, static views with noise, bars around the picture. Each film is 40 shots.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT, RATE = 320, 180, 25
SHOTS = 40
Change = tuple[float, str]
Picture = np.ndarray


class Film:
    """An encoder that counts, and the changes so far."""

    def __init__(self, path: Path, dice: np.random.Generator, noise: int) -> None:
        self._output: Any = av.open(str(path), "w")
        self._stream: Any = self._output.add_stream(
            "libx264", rate=RATE, options={"preset": "veryfast", "crf": "26", "bf": "3"}
        )
        self._stream.width, self._stream.height, self._stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        self._dice, self._noise = dice, noise
        self.count = 0
        self.changes: list[Change] = []

    @property
    def seconds(self) -> float:
        return self.count / RATE

    def put(self, picture: Picture) -> None:
        noisy = picture + self._dice.integers(-self._noise, self._noise + 1, picture.shape)
        frame: Any = av.VideoFrame.from_ndarray(np.clip(noisy, 0, 255).astype(np.uint8), format="rgb24")
        frame.pts, frame.time_base = self.count, Fraction(1, RATE)
        self._output.mux(self._stream.encode(frame))
        self.count += 1

    def close(self) -> None:
        self._output.mux(self._stream.encode(None))
        self._output.close()


# --- textures: to tune on ---


class Texture:
    """A sheet of noise of several sizes that a camera pans over, drifts over, or looks at; an object that
    moves across.
    """

    def __init__(self, dice: np.random.Generator) -> None:
        sheet = np.zeros((HEIGHT * 2, WIDTH * 2, 3), np.float32)
        for cell in (4, 10, 22, 45):
            rows, columns = HEIGHT * 2 // cell + 2, WIDTH * 2 // cell + 2
            coarse = dice.random((rows, columns, 3)) * 255 / (1 + (45 / cell) ** 0.5)
            sheet += np.kron(coarse, np.ones((cell, cell, 1)))[: HEIGHT * 2, : WIDTH * 2]
        self._sheet = sheet / sheet.max() * dice.uniform(60, 230)
        self._camera = dice.choice(["pan", "drift", "still", "swing"])
        self._object = dice.random(3) * 255
        self._size = int(dice.choice([40, 40, 110]))
        self._title = dice.random() < 0.25
        self._bars = int(dice.choice([0, 0, 0, 70]))
        self.flash = int(dice.integers(15, 25)) if dice.random() < 0.3 else -1

    def view(self, index: int) -> Picture:
        """Its index-th picture."""
        swing = WIDTH * (1 / (1 + np.exp(-(index - 30) / 2.5)))
        left, top = {
            "pan": (index * 3, 0),
            "drift": (index // 2, index // 3),
            "still": (50, 50),
            "swing": (int(swing), 20),
        }[str(self._camera)]
        left, top = min(left, WIDTH - 1), min(top, HEIGHT - 1)
        picture = self._sheet[top : top + HEIGHT, left : left + WIDTH].copy()
        across = (25 + index * 2) % (WIDTH - self._size)
        picture[60 : 60 + self._size // 2, across : across + self._size] = self._object
        if self._title and index > 20:
            share = min(1.0, (index - 20) / 20)
            for place in range(40, 280, 12):
                strokes = picture[70:100, place : place + 6]
                picture[70:100, place : place + 6] = strokes + share * (240 - strokes)
        if self._bars:
            picture[:, : self._bars] = picture[:, WIDTH - self._bars :] = 0
        return np.full_like(picture, 255.0) if index == self.flash else picture


# --- drawings: to judge by ---


class Drawing:
    """Hills under a sky or a room with furniture, blurred a little, with figures that wave, flap, drive off;
    a hand-held camera.
    """

    def __init__(self, dice: np.random.Generator) -> None:
        self._dice = dice
        self._ground = self._painted(dice)
        self._what = str(dice.choice(["wave", "flap", "leave", "none", "zoom", "tilt", "whip"]))
        self._colour = tuple(int(c) for c in dice.integers(20, 240, 3))
        self._place = int(dice.integers(60, 200))
        self._shake = dice.normal(0, 0.4, (400, 2)).cumsum(axis=0) * (dice.random() < 0.5)
        self._words = (
            "".join(chr(65 + int(c)) for c in dice.integers(0, 26, 14)) if dice.random() < 0.25 else ""
        )
        self._letterbox = int(dice.choice([0, 0, 0, 24]))
        self.flash = int(dice.integers(20, 30)) if dice.random() < 0.2 else -1
        self._dim = float(dice.choice([1.0, 1.0, 0.35]))

    @staticmethod
    def _painted(dice: np.random.Generator) -> Image.Image:
        wide, high = WIDTH * 2, HEIGHT * 2
        top, low = dice.integers(30, 250, 3), dice.integers(10, 200, 3)
        share = np.linspace(0, 1, high)[:, None, None]
        picture = Image.fromarray(
            np.broadcast_to((1 - share) * top + share * low, (high, wide, 3)).astype(np.uint8)
        )
        draw = ImageDraw.Draw(picture)
        for _ in range(int(dice.integers(6, 22))):
            colour = tuple(int(c) for c in dice.integers(0, 255, 3))
            x, y = int(dice.integers(-40, wide)), int(dice.integers(high // 4, high))
            w, h = int(dice.integers(15, 170)), int(dice.integers(15, 150))
            kind = dice.integers(0, 3)
            if kind == 0:
                draw.ellipse((x, y, x + w, y + h), fill=colour)
            elif kind == 1:
                draw.rectangle((x, y, x + w, y + h), fill=colour)
            else:
                draw.polygon([(x, y + h), (x + w // 2, y), (x + w, y + h)], fill=colour)
        return picture.filter(ImageFilter.GaussianBlur(1.2))

    def view(self, index: int) -> Picture:
        """Its index-th picture."""
        x, y = 160 + self._shake[index % 400, 0], 90 + self._shake[index % 400, 1]
        wide, high = WIDTH, HEIGHT
        if self._what == "zoom":
            wide, high = (round(size / (1 + index / 120)) for size in (WIDTH, HEIGHT))
        elif self._what == "tilt":
            y = min(170.0, y - 60 + index * 1.3)
        elif self._what == "whip":
            x = 20 + 280 / (1 + np.exp(-(index - 35) / 1.8))
        x, y = min(max(x, 0), WIDTH * 2 - wide), min(max(y, 0), HEIGHT * 2 - high)
        picture = self._ground.crop((int(x), int(y), int(x) + wide, int(y) + high)).resize((WIDTH, HEIGHT))
        draw = ImageDraw.Draw(picture)
        at = self._place
        if self._what == "wave":
            angle = np.sin(index / 3)
            draw.rectangle((at, 70, at + 30, 180), fill=self._colour)
            draw.line((at + 15, 80, at + 15 + 60 * angle, 30), fill=self._colour, width=12)
        elif self._what == "flap" and index % 50 > 40:
            spread = 100 if index % 4 < 2 else 25
            draw.ellipse((at - spread, 40, at + spread, 110), fill=self._colour)
        elif self._what == "leave":
            left = at - 150 if index < 25 else at - 150 + (index - 25) ** 2 * 0.6
            draw.rectangle((left, 50, left + 260, 165), fill=self._colour)
        if self._words and index > 15:
            ink = Image.new("L", picture.size, 0)
            ImageDraw.Draw(ink).text((30, 70), self._words, fill=min(255, (index - 15) * 12), font_size=32)
            picture.paste((245, 245, 235), (0, 0), ink)
        made = np.asarray(picture, np.float32) * self._dim
        if self._letterbox:
            made[: self._letterbox] = made[HEIGHT - self._letterbox :] = 0
        return made * 0 + 250 if index == self.flash else made


def make(path: Path, seed: int, kind: Callable[[np.random.Generator], Any]) -> list[Change]:
    """Encodes a film of this kind of scene; its changes."""
    dice = np.random.default_rng(seed)
    film = Film(path, dice, noise=int(dice.choice([1, 3, 6])))
    before: tuple[Any, int] | None = None
    for _ in range(SHOTS):
        scene, first = kind(dice), 0
        length = int(dice.integers(30, 100))
        how = dice.random()
        if before is not None and how < 0.2:
            first = int(dice.choice([12, 25, 40]))
            film.changes.append((film.seconds + first / 2 / RATE, "dissolve"))
            for step in range(first):
                share = (step + 1) / (first + 1)
                film.put((1 - share) * before[0].view(before[1] + step) + share * scene.view(step))
        elif before is not None and how < 0.3:
            first = _fade(film, before, scene, dice)
        elif before is not None:
            film.changes.append((film.seconds, "cut"))
        for index in range(first, first + length):
            film.put(scene.view(index))
        before = (scene, first + length)
    film.close()
    return film.changes


def _fade(film: Film, before: tuple[Any, int], scene: Any, dice: np.random.Generator) -> int:
    """Out to black, and in: one change, anywhere in the black."""
    out, black, into = (int(dice.integers(*limits)) for limits in ((12, 25), (3, 12), (12, 25)))
    for step in range(out):
        film.put(before[0].view(before[1] + step) * (1 - (step + 1) / out))
    film.changes.append((film.seconds + black / 2 / RATE, "dissolve"))
    for _ in range(black):
        film.put(np.zeros((HEIGHT, WIDTH, 3)))
    for step in range(into):
        film.put(scene.view(step) * (step + 1) / into)
    return into


GENERATORS: dict[str, Callable[[np.random.Generator], Any]] = {"textures": Texture, "drawings": Drawing}


def made(folder: Path, name: str, seeds: range) -> Iterator[tuple[str, Path, list[Change]]]:
    """Films of a generator, one a seed."""
    for seed in seeds:
        path = folder / f"{name}-{seed}.mp4"
        yield f"{name} {seed}", path, make(path, seed, GENERATORS[name])
