"""A railway station: a board whose rows change, prices on a machine, signs. Sound, but nobody speaks: no
cues.
"""

from __future__ import annotations

from mrvideo.evals.offline.film import Film, Shot
from mrvideo.evals.offline.lettering import AMBER, CREAM, NIGHT, WHITE, Colour, Words
from mrvideo.evals.offline.scenery import (
    box,
    over,
    plain,
    room,
    rows,
    shaded,
    street,
    together,
    vehicle,
    walker,
)

_BOARD = over(plain((12, 14, 20)), rows(5, top=96, pitch=48, odd=(20, 24, 34), even=(28, 33, 46)))
_RED: Colour = (255, 110, 90)
_HEADS = tuple(
    Words(text, x, 78, size=14, ink=(150, 160, 180), left=True)
    for text, x in (("TIME", 30), ("TO", 140), ("PLATFORM", 330), ("REMARKS", 450))
)


def _board(clock: str, *lines: tuple[str, str, str, str]) -> tuple[Words, ...]:
    found = [
        Words("DEPARTURES", 40, 34, size=28, ink=WHITE, bold=True, left=True),
        Words(clock, 570, 34, size=26, ink=AMBER),
        *_HEADS,
    ]
    for number, (time, place, platform, remark) in enumerate(lines):
        y = 118 + 48 * number
        bad = not remark.startswith("On time")
        found += [
            Words(time, 30, y, size=21, ink=AMBER, left=True),
            Words(place, 140, y, size=21, ink=WHITE, left=True),
            Words(platform, 370, y, size=21, ink=WHITE),
            Words(remark, 450, y, size=18, ink=_RED if bad else (140, 220, 150), left=True),
        ]
    return tuple(found)


def _price(y: float, place: str, single: str, both: str) -> tuple[Words, ...]:
    return (
        Words(place, 90, y, size=22, left=True),
        Words(single, 340, y, size=22),
        Words(both, 480, y, size=22),
    )


FILM = Film(
    name="departures",
    hum=True,
    marks=(Words("STATION CAM 2", 62, 346, size=11, ink=(150, 150, 156)),),
    shots=(
        Shot(
            10.0,
            over(
                street((150, 190, 220), ((190, 170, 150), (200, 184, 160))),
                box(170, 60, 470, 130, (60, 70, 90), None),
            ),
            (Words("HOLLINGER STATION", 320, 95, size=26, ink=WHITE),),
            together(walker((60, 90, 140), start=-20, speed=50), walker((150, 70, 60), start=660, speed=-42)),
        ),
        Shot(
            24.0,
            _BOARD,
            _board(
                "14:02",
                ("14:05", "Aldmoor", "3", "On time"),
                ("14:11", "Brightsea", "1", "On time"),
                ("14:18", "Corrow", "5", "12 min late"),
                ("14:26", "Dunmere", "2", "On time"),
                ("14:40", "Eastling", "6", "On time"),
            ),
        ),
        Shot(
            12.0,
            over(plain((60, 58, 66)), box(40, 40, 600, 300, (250, 246, 236), None)),
            (
                Words("STATION CAFE", 320, 80, size=30, bold=True),
                Words("Coffee 2.50", 320, 140, size=24),
                Words("Tea 1.90", 320, 185, size=24),
                Words("Cheese roll 3.75", 320, 230, size=24),
                Words("CLOSES AT 20:00", 320, 276, size=16, ink=(150, 40, 40)),
            ),
            walker((40, 40, 60), start=-40, speed=60, foot=356, tall=110),
        ),
        Shot(
            22.0,
            _BOARD,
            _board(
                "14:09",
                ("14:11", "Brightsea", "4", "Platform change"),
                ("14:18", "Corrow", "5", "20 min late"),
                ("14:26", "Dunmere", "2", "On time"),
                ("14:40", "Eastling", "6", "On time"),
                ("14:52", "Farleigh", "3", "On time"),
            ),
        ),
        Shot(
            14.0,
            shaded((120, 130, 140), (84, 84, 90)),
            (
                Words("4", 120, 90, size=60, ink=WHITE, bold=True, plate=(30, 60, 130)),
                Words("BRIGHTSEA", 430, 150, size=26, ink=AMBER, plate=NIGHT),
                Words("Coaches A-F", 430, 205, size=18, ink=WHITE, plate=(40, 40, 50)),
                Words("MIND THE GAP", 320, 334, size=18, ink=NIGHT, plate=(240, 210, 60)),
            ),
            vehicle((40, 96, 110), start=-500, speed=45, long=560, foot=310),
        ),
        Shot(
            22.0,
            over(plain((70, 76, 90)), box(60, 16, 580, 330, (242, 244, 246), (30, 34, 44))),
            (
                Words("BUY YOUR TICKET", 320, 46, size=24, bold=True),
                Words("Single", 340, 92, size=18, ink=(90, 90, 100)),
                Words("Return", 480, 92, size=18, ink=(90, 90, 100)),
                *_price(134, "Aldmoor", "4.20", "7.60"),
                *_price(174, "Brightsea", "8.40", "14.20"),
                *_price(214, "Corrow", "6.10", "10.50"),
                *_price(254, "Dunmere", "11.90", "19.00"),
                Words("Children under 6 travel free", 320, 302, size=16, ink=(30, 90, 60)),
            ),
        ),
        Shot(
            20.0,
            _BOARD,
            _board(
                "14:24",
                ("14:18", "Corrow", "5", "Cancelled"),
                ("14:26", "Dunmere", "2", "On time"),
                ("14:40", "Eastling", "7", "Platform change"),
                ("14:52", "Farleigh", "3", "On time"),
                ("15:05", "Aldmoor", "3", "On time"),
            ),
        ),
        Shot(
            10.0,
            room((200, 204, 206), (130, 130, 134)),
            (
                Words("LOST PROPERTY", 400, 110, size=26, ink=WHITE, plate=(120, 30, 50)),
                Words("Mon-Fri 9:00-17:30", 400, 160, size=18, plate=CREAM),
                Words("OUT OF ORDER", 230, 230, size=16, ink=(170, 30, 30), plate=WHITE, tilt=-5),
            ),
            walker((90, 110, 80), start=700, speed=-55, foot=350, tall=150),
            hand_held=True,
        ),
        Shot(
            8.0,
            over(plain((60, 58, 66)), box(40, 40, 600, 300, (250, 246, 236), None)),
            (
                Words("STATION CAFE", 320, 80, size=30, bold=True),
                Words("CLOSED", 320, 190, size=44, ink=(160, 30, 30), bold=True),
            ),
        ),
        Shot(
            8.0,
            plain(NIGHT),
            (Words("Recorded by Anders Weil", 320, 180, size=22, ink=(220, 220, 226)),),
        ),
    ),
)
