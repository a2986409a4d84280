"""The film's scenes, in order: each paints its still background once and then moves a few things over it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from drawing import (
    BEN,
    CREAM,
    HEIGHT,
    INK,
    IRIS,
    MARA,
    WIDTH,
    board,
    boat,
    clouds,
    dog,
    gradient,
    gull,
    house,
    letters,
    lighthouse,
    person,
    sun,
    waves,
)
from PIL import Image, ImageDraw

Pen = ImageDraw.ImageDraw


@dataclass(frozen=True)
class FilmScene:
    """`still` paints the background; `moving` draws over a copy of it, `seconds` into the scene."""

    name: str
    duration_seconds: float
    still: Callable[[], Image.Image]
    moving: Callable[[Pen, float], None]
    dissolve_seconds: float = 0.0


def _sea(
    top: tuple[int, int, int], bottom: tuple[int, int, int], horizon: int, water: tuple[int, int, int]
) -> Image.Image:
    sheet = gradient(top, bottom)
    ImageDraw.Draw(sheet).rectangle((0, horizon, WIDTH, HEIGHT), fill=water)
    return sheet


def _quay() -> Image.Image:
    sheet = _sea((132, 190, 224), (224, 238, 240), 330, (58, 128, 150))
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((0, 560, WIDTH, HEIGHT), fill=(168, 150, 128))
    for x in range(-60, WIDTH, 160):
        pen.line((x, 640, x + 60, 560), fill=(140, 122, 104), width=4)
        pen.rounded_rectangle((x + 80, 530, x + 112, 574), 8, fill=(70, 66, 70))
    return sheet


def _street(sky: tuple[int, int, int] = (150, 204, 230)) -> Image.Image:
    sheet = gradient(sky, (232, 240, 236))
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((0, 590, WIDTH, HEIGHT), fill=(176, 168, 158))
    for x in range(0, WIDTH, 96):
        pen.line((x, 660, x + 40, 660), fill=(150, 142, 134), width=4)
    return sheet


def _bakery() -> Image.Image:
    sheet = _street()
    pen = ImageDraw.Draw(sheet)
    house(pen, (40, 250, 330, 590), (216, 150, 120), (120, 66, 54))
    pen.rectangle((400, 190, 1180, 590), fill=(238, 214, 176))
    pen.polygon([(370, 190), (440, 90), (1140, 90), (1210, 190)], fill=(150, 74, 60))
    board(pen, (470, 208, 1110, 300), ["BREAD & BUNS"], 62, paper=(96, 56, 44), ink=CREAM, frame=(70, 40, 32))
    pen.rectangle((470, 340, 820, 520), fill=(255, 240, 196), outline=(96, 56, 44), width=10)
    for shelf, y in enumerate((420, 500)):
        for number in range(5):
            x = 500 + number * 62 + shelf * 14
            pen.ellipse((x, y - 34, x + 52, y), fill=(204, 142, 74))
    pen.rectangle((900, 350, 1060, 590), fill=(120, 70, 56))
    board(pen, (1080, 360, 1172, 450), ["OPEN", "7-12"], 28)
    return sheet


def _stall(pen: Pen) -> None:
    pen.rectangle((130, 470, 810, 620), fill=(146, 102, 66))
    for left, colour in ((150, (200, 54, 50)), (470, (108, 62, 128))):
        for row in range(2):
            for number in range(7):
                x = left + number * 42 + row * 18
                pen.ellipse((x, 430 - row * 30, x + 40, 470 - row * 30), fill=colour)
    board(pen, (180, 510, 420, 590), ["APPLES 3"], 44)
    board(pen, (520, 510, 760, 590), ["PLUMS 5"], 44)


def _market() -> Image.Image:
    sheet = _street((172, 212, 226))
    pen = ImageDraw.Draw(sheet)
    house(pen, (930, 240, 1230, 590), (150, 170, 200), (70, 84, 120))
    for number in range(10):
        colour = (220, 84, 66) if number % 2 else CREAM
        pen.polygon(
            [
                (120 + number * 70, 180),
                (190 + number * 70, 180),
                (190 + number * 70, 256),
                (155 + number * 70, 276),
                (120 + number * 70, 256),
            ],
            fill=colour,
        )
    return sheet


def _beach() -> Image.Image:
    sheet = _sea((140, 200, 232), (226, 240, 244), 300, (70, 150, 170))
    pen = ImageDraw.Draw(sheet)
    pen.polygon([(0, 520), (WIDTH, 440), (WIDTH, HEIGHT), (0, HEIGHT)], fill=(232, 210, 160))
    pen.rectangle((1010, 330, 1030, 600), fill=(120, 84, 54))
    board(
        pen,
        (860, 250, 1190, 360),
        ["NO SWIMMING"],
        44,
        paper=(246, 246, 246),
        ink=(190, 40, 40),
        frame=(190, 40, 40),
    )
    return sheet


def _rock() -> Image.Image:
    return _sea((110, 170, 214), (214, 232, 240), 430, (52, 118, 146))


def _rock_shape(pen: Pen) -> None:
    pen.polygon(
        [(60, HEIGHT), (320, 640), (520, 560), (760, 520), (1010, 560), (1180, HEIGHT)], fill=(98, 96, 104)
    )
    lighthouse(pen, 780, 560, 390)


def _stairs() -> Image.Image:
    sheet = gradient((88, 70, 62), (58, 46, 44))
    pen = ImageDraw.Draw(sheet)
    for number in range(9):
        left, top = 120 + number * 118, 640 - number * 62
        pen.rectangle(
            (left, top, left + 130, HEIGHT), fill=(150 - number * 5, 124 - number * 4, 104 - number * 4)
        )
        pen.line((left, top, left + 130, top), fill=(196, 168, 140), width=6)
    pen.ellipse((900, 70, 1060, 230), fill=(196, 224, 236), outline=(40, 32, 30), width=14)
    board(pen, (150, 90, 560, 200), ["77 STEPS UP"], 54)
    return sheet


def _top() -> Image.Image:
    sheet = _sea((150, 206, 236), (236, 244, 244), 380, (66, 142, 168))
    pen = ImageDraw.Draw(sheet)
    pen.polygon([(0, 392), (220, 350), (430, 384), (430, 400), (0, 410)], fill=(110, 140, 100))
    pen.rectangle((0, 610, WIDTH, HEIGHT), fill=(80, 76, 84))
    for x in range(20, WIDTH, 90):
        pen.rectangle((x, 470, x + 12, 610), fill=(60, 58, 66))
    pen.rectangle((0, 456, WIDTH, 474), fill=(60, 58, 66))
    pen.ellipse((830, 540, 1130, 640), fill=(150, 116, 70))
    pen.ellipse((870, 548, 1090, 606), fill=(104, 78, 46))
    return sheet


def _nest() -> Image.Image:
    sheet = gradient((196, 172, 126), (150, 118, 72))
    pen = ImageDraw.Draw(sheet)
    for ring in range(16):
        tone = 96 + ring * 5
        pen.arc(
            (110 + ring * 9, 60 + ring * 7, 1170 - ring * 9, 700 - ring * 7),
            ring * 37,
            ring * 37 + 290,
            fill=(tone, tone - 28, tone - 62),
            width=9,
        )
    for x, y in ((360, 300), (880, 400)):
        pen.ellipse((x, y, x + 130, y + 170), fill=(206, 216, 206))
    pen.ellipse((520, 250, 640, 370), outline=(216, 170, 60), width=24)
    pen.line((580, 364, 580, 560), fill=(216, 170, 60), width=24)
    pen.line((580, 500, 640, 500), fill=(216, 170, 60), width=20)
    pen.line((580, 548, 650, 548), fill=(216, 170, 60), width=20)
    board(pen, (660, 230, 870, 330), ["K-38"], 60)
    return sheet


def _note() -> Image.Image:
    sheet = gradient((122, 86, 60), (92, 64, 46))
    pen = ImageDraw.Draw(sheet)
    pen.polygon([(240, 120), (1050, 90), (1080, 600), (220, 630)], fill=(246, 238, 214))
    pen.line((240, 120, 650, 360, 1050, 90), fill=(220, 208, 178), width=5)
    letters(pen, (650, 420), "Look where", 72)
    letters(pen, (650, 520), "the gulls sleep", 72)
    return sheet


def _clock() -> Image.Image:
    sheet = _street((160, 208, 232))
    pen = ImageDraw.Draw(sheet)
    house(pen, (30, 260, 300, 590), (200, 186, 140), (110, 90, 60))
    house(pen, (980, 250, 1260, 590), (176, 130, 140), (100, 54, 66))
    pen.rectangle((500, 150, 760, 590), fill=(190, 186, 180))
    pen.polygon([(480, 150), (630, 20), (780, 150)], fill=(84, 92, 110))
    pen.rounded_rectangle((520, 200, 740, 300), 12, fill=(26, 30, 34))
    letters(pen, (630, 250), "09:35", 64, (120, 240, 140))
    board(
        pen, (330, 430, 480, 560), ["FERRY", "09:40"], 36, paper=(40, 70, 110), ink=CREAM, frame=(24, 40, 70)
    )
    return sheet


def _radio() -> Image.Image:
    sheet = gradient((56, 66, 78), (36, 42, 52))
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((0, 560, WIDTH, HEIGHT), fill=(104, 76, 54))
    pen.rounded_rectangle((620, 130, 1180, 470), 20, fill=(24, 28, 34), outline=(90, 96, 104), width=12)
    letters(pen, (900, 240), "STORM WARNING", 58, (255, 196, 70))
    letters(pen, (900, 340), "TODAY 18:00", 58, (255, 196, 70))
    for number in range(6):
        pen.ellipse(
            (640 + number * 90, 500, 690 + number * 90, 550), fill=(180, 180, 176), outline=INK, width=4
        )
    return sheet


def _title() -> Image.Image:
    sheet = _sea((250, 190, 140), (254, 232, 200), 440, (90, 120, 150))
    sun(sheet, (640, 430), 90, (255, 240, 190))
    ImageDraw.Draw(sheet).rectangle((0, 440, WIDTH, HEIGHT), fill=(90, 120, 150))
    letters(ImageDraw.Draw(sheet), (640, 170), "A DAY IN SALTWICK", 96, (90, 44, 52))
    return sheet


def _evening() -> Image.Image:
    sheet = _sea((70, 52, 104), (246, 150, 110), 420, (58, 62, 108))
    sun(sheet, (900, 400), 80, (255, 214, 150))
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((0, 420, WIDTH, HEIGHT), fill=(58, 62, 108))
    pen.rectangle((0, 600, WIDTH, HEIGHT), fill=(70, 60, 74))
    return sheet


def _end() -> Image.Image:
    sheet = gradient((24, 26, 52), (48, 44, 84))
    pen = ImageDraw.Draw(sheet)
    for number in range(70):
        x, y = (number * 397) % WIDTH, (number * 211) % 460
        pen.ellipse((x, y, x + 4, y + 4), fill=(250, 246, 220))
    letters(pen, (640, 330), "THE END", 120, (250, 236, 200))
    return sheet


def _title_moves(pen: Pen, s: float) -> None:
    waves(pen, 440, s, (160, 170, 186))
    for number in range(3):
        gull(pen, 200 + number * 150 + s * 26, 330 - number * 30, 34, s * 6 + number)


def _quay_moves(pen: Pen, s: float) -> None:
    clouds(pen, s * 8, 110, (246, 250, 252))
    waves(pen, 330, s, (110, 170, 186), 520)
    boat(pen, 860, 500 + 5 * math.sin(s * 1.6), "KITTIWAKE")
    person(pen, 140 + s * 44, 690, 300, MARA, stride=s * 6)


def _bakery_moves(pen: Pen, s: float) -> None:
    person(pen, 980, 640, 290, BEN, facing=-1, arm=0.3 + 0.2 * math.sin(s * 2))
    walked = min(s, 3.2)
    person(pen, 240 + walked * 140, 690, 300, MARA, stride=walked * 6, arm=0.15)


def _market_moves(pen: Pen, s: float) -> None:
    clouds(pen, s * 9, 90, (250, 252, 252))
    person(pen, 460, 590, 300, IRIS, facing=1, arm=0.4 + 0.3 * math.sin(s * 1.8))
    _stall(pen)
    person(pen, 960 - min(s, 2.0) * 40, 690, 300, MARA, facing=-1, stride=min(s, 2.0) * 6)


def _note_moves(pen: Pen, s: float) -> None:
    lift = 6 * math.sin(s * 1.5)
    pen.ellipse((180, 480 + lift, 300, 600 + lift), fill=(244, 203, 170))
    pen.ellipse((1010, 470 + lift, 1130, 590 + lift), fill=(244, 203, 170))


def _beach_moves(pen: Pen, s: float) -> None:
    waves(pen, 300, s, (150, 206, 214), 450)
    dog(pen, 140 + s * 110, 640, 56, stride=s * 14)
    person(pen, -40 + s * 90, 700, 290, MARA, stride=s * 8)


def _rock_moves(pen: Pen, s: float) -> None:
    clouds(pen, s * 10, 100, (240, 246, 250))
    waves(pen, 430, s, (120, 176, 196))
    _rock_shape(pen)
    for number in range(5):
        angle = s * 0.9 + number * 1.25
        gull(pen, 780 + 250 * math.cos(angle), 170 + 80 * math.sin(angle), 36, s * 7 + number)
    person(pen, 200 + s * 42, 700, 210, MARA, stride=s * 7)
    dog(pen, 340 + s * 42, 700, 36, stride=s * 12)


def _stairs_moves(pen: Pen, s: float) -> None:
    x = 190 + s * 92
    person(pen, x, 640 - (x - 120) * 62 / 118, 240, MARA, stride=s * 8, arm=0.5)


def _top_moves(pen: Pen, s: float) -> None:
    clouds(pen, s * 12, 120, (250, 252, 252))
    waves(pen, 380, s, (140, 190, 206), 460)
    gull(pen, 980, 520 - min(s, 3.0) * 60, 60, s * 8)
    person(pen, 360 + min(s, 3.6) * 90, 690, 300, MARA, stride=min(s, 3.6) * 6, arm=0.3)


def _nest_moves(pen: Pen, s: float) -> None:
    reach = 260 - min(s, 2.4) * 90
    pen.line((1280, 720, 760 + reach, 560 + reach * 0.4), fill=MARA.coat, width=110)
    pen.ellipse((690 + reach, 500 + reach * 0.4, 820 + reach, 630 + reach * 0.4), fill=(244, 203, 170))


def _clock_moves(pen: Pen, s: float) -> None:
    person(pen, 60 + s * 150, 690, 290, MARA, stride=s * 11, arm=0.6)
    dog(pen, 220 + s * 150, 700, 44, stride=s * 16)


def _bun_moves(pen: Pen, s: float) -> None:
    person(pen, 980, 640, 290, BEN, facing=-1, arm=0.9)
    pen.ellipse((880, 430, 940, 470), fill=(204, 142, 74))
    person(pen, 640, 690, 300, MARA, facing=1, arm=0.5 + 0.2 * math.sin(s * 3))
    dog(pen, 500, 700, 40, stride=s * 6)


def _sail_moves(pen: Pen, s: float) -> None:
    clouds(pen, s * 8, 100, (246, 250, 252))
    waves(pen, 330, s, (110, 170, 186), 530)
    x = 520 + s * 30
    person(pen, x - 200, 420, 200, MARA, arm=0.9)
    boat(pen, x, 500 + 6 * math.sin(s * 2), "KITTIWAKE")
    person(pen, 120, 690, 290, IRIS, arm=0.7 + 0.3 * math.sin(s * 6))


def _radio_moves(pen: Pen, s: float) -> None:
    person(pen, 330, 700, 420, MARA, facing=1, arm=0.35)
    pen.line((940, 500, 990 + 40 * math.sin(s * 2), 445), fill=(255, 90, 70), width=6)


def _evening_moves(pen: Pen, s: float) -> None:
    waves(pen, 420, s, (150, 120, 150), 590)
    boat(pen, 900, 560 + 4 * math.sin(s * 1.4), "KITTIWAKE", hull=(30, 66, 88))
    person(pen, 300, 700, 300, MARA, arm=0.2)
    person(pen, 440, 700, 290, BEN, facing=-1, arm=0.3)
    person(pen, 160, 700, 285, IRIS, arm=0.3)
    dog(pen, 560, 704, 44, stride=s * 3, facing=-1)


def _end_moves(pen: Pen, s: float) -> None:
    sweep = s * 0.5
    pen.polygon(
        [
            (640, 720),
            (640 + 900 * math.cos(sweep - 2.2), 720 + 900 * math.sin(sweep - 2.2)),
            (640 + 900 * math.cos(sweep - 2.1), 720 + 900 * math.sin(sweep - 2.1)),
        ],
        fill=(70, 68, 104),
    )
    waves(pen, 610, s, (70, 72, 116))


FILM = (
    FilmScene("title", 7.4, _title, _title_moves),
    FilmScene("quay", 13.8, _quay, _quay_moves),
    FilmScene("bakery", 14.6, _bakery, _bakery_moves),
    FilmScene("market", 13.2, _market, _market_moves),
    FilmScene("note", 7.6, _note, _note_moves),
    FilmScene("beach", 11.4, _beach, _beach_moves),
    FilmScene("rock", 12.2, _rock, _rock_moves),
    FilmScene("stairs", 9.6, _stairs, _stairs_moves),
    FilmScene("top", 9.0, _top, _top_moves, dissolve_seconds=1.2),
    FilmScene("nest", 8.4, _nest, _nest_moves),
    FilmScene("clock", 6.8, _clock, _clock_moves),
    FilmScene("bun", 11.0, _bakery, _bun_moves),
    FilmScene("sail", 13.4, _quay, _sail_moves),
    FilmScene("radio", 10.6, _radio, _radio_moves),
    FilmScene("evening", 13.2, _evening, _evening_moves),
    FilmScene("end", 5.8, _end, _end_moves),
)
