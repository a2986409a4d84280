"""A regional news programme: captions in the American way (>> NAME:), lower thirds, a clock, a weather map, a
ticker.
"""

from __future__ import annotations

from mrvideo.evals.offline.film import Film, Shot
from mrvideo.evals.offline.lettering import AMBER, CREAM, INK, NIGHT, WHITE, Colour, Words
from mrvideo.evals.offline.scenery import (
    box,
    over,
    plain,
    room,
    shaded,
    street,
    talker,
    together,
    vehicle,
    walker,
)

_NAVY: Colour = (20, 36, 80)
_STUDIO = over(shaded((24, 50, 110), (10, 20, 50)), box(40, 40, 300, 220, (60, 110, 170), (20, 30, 60)))
_TICKER = "SWIMMING POOL REOPENS MONDAY  ·  LIBRARY STRIKE OVER"


def _name(name: str, role: str, start: float, stop: float) -> tuple[Words, ...]:
    return (
        Words(name, 40, 270, size=20, ink=WHITE, plate=_NAVY, left=True, when=(start, stop)),
        Words(role, 40, 302, size=15, ink=INK, plate=CREAM, left=True, when=(start, stop)),
    )


FILM = Film(
    name="news",
    marks=(
        Words("REGION TODAY", 566, 20, size=13, ink=(210, 220, 240)),
        Words("18:30", 60, 20, size=15, ink=WHITE, plate=_NAVY, when=(0.0, 48.0)),
        Words("18:31", 60, 20, size=15, ink=WHITE, plate=_NAVY, when=(48.0, 108.0)),
        Words("18:32", 60, 20, size=15, ink=WHITE, plate=_NAVY, when=(108.0, 154.0)),
        Words(_TICKER, 640, 346, size=13, ink=AMBER, plate=NIGHT, left=True, drift=-60.0, when=(12.0, 30.0)),
        Words(_TICKER, 640, 346, size=13, ink=AMBER, plate=NIGHT, left=True, drift=-60.0, when=(96.0, 114.0)),
    ),
    shots=(
        Shot(
            8.0,
            shaded((16, 40, 100), (80, 130, 200)),
            (Words("REGION TODAY", 320, 170, size=48, ink=WHITE, bold=True),),
        ),
        Shot(
            20.0,
            _STUDIO,
            (
                *_name("Miriam Castell", "in the studio", 2.0, 8.0),
                Words("BRIDGE CLOSED", 170, 130, size=24, ink=WHITE, when=(4.0, 20.0)),
            ),
            talker((150, 40, 60), x=450, foot=356, tall=230),
        ),
        Shot(
            28.0,
            street((176, 190, 200), ((140, 120, 110), (160, 150, 136), (130, 120, 124))),
            (
                Words("ROAD CLOSED", 320, 250, size=24, ink=WHITE, plate=(190, 40, 30)),
                Words("Weight limit 7.5 t", 540, 200, size=16, plate=CREAM, frame=(180, 30, 30)),
                *_name("Paul Ferreira", "at Saint Mark's Bridge", 2.0, 10.0),
            ),
            talker((60, 80, 60), x=180, foot=350, tall=190),
            hand_held=True,
        ),
        Shot(
            20.0,
            room((210, 206, 198), (130, 110, 96)),
            _name("Clara Whitfield", "Mayor of Northby", 1.0, 9.0),
            talker((40, 50, 90), x=380, foot=356, tall=230),
        ),
        Shot(
            20.0,
            street((190, 206, 216), ((170, 140, 110), (150, 150, 160))),
            (
                *_name("Joe Adler", "fishmonger", 1.0, 9.0),
                Words("ADLER’S FISH", 330, 120, size=22, ink=WHITE, plate=(30, 90, 120)),
                Words("Herring 6.80", 500, 220, size=18, plate=CREAM),
            ),
            together(
                talker((230, 230, 226), x=300, foot=350, tall=190),
                walker((120, 70, 70), start=640, speed=-40),
            ),
            hand_held=True,
        ),
        Shot(
            24.0,
            over(shaded((90, 150, 180), (60, 110, 140)), box(60, 50, 580, 310, (120, 170, 110), None)),
            (
                Words("WEATHER", 320, 74, size=24, ink=WHITE, bold=True),
                Words("Northby 14°", 180, 120, size=20, plate=WHITE),
                Words("Southam 19°", 440, 270, size=20, plate=WHITE),
                Words("Coast 12°", 500, 170, size=20, plate=WHITE),
                Words("Hills 9°", 200, 220, size=20, plate=WHITE),
                Words("Tomorrow: rain after 16:00", 320, 334, size=16, ink=WHITE, when=(10.0, 24.0)),
            ),
        ),
        Shot(
            18.0,
            over(plain((170, 190, 160)), box(80, 70, 560, 230, (120, 96, 70), None)),
            (
                Words("POSTBOX 44", 320, 100, size=18, ink=CREAM, when=(0.0, 18.0)),
                Words("FOUND AFTER 31 YEARS", 320, 300, size=20, ink=WHITE, plate=_NAVY, when=(4.0, 16.0)),
            ),
            vehicle((240, 200, 40), start=-240, speed=22, long=180, foot=350),
        ),
        Shot(
            16.0,
            _STUDIO,
            (Words("THANKS FOR WATCHING", 170, 130, size=17, ink=WHITE, when=(8.0, 16.0)),),
            talker((150, 40, 60), x=450, foot=356, tall=230),
        ),
    ),
    cues=(
        (1.0, 6.0, "[theme music]"),
        (8.6, 12.0, ">> MIRIAM CASTELL: Good evening. Our top story:"),
        (12.1, 16.4, "Saint Mark's Bridge is closed from tonight,\nand it may stay so until spring."),
        (17.0, 21.8, "Engineers have found cracks in two of its pillars."),
        (22.4, 27.4, "Paul Ferreira is there. Paul, how bad is it?"),
        (28.4, 33.8, ">> PAUL FERREIRA: Bad enough, Miriam. Nobody heavier\nthan a cyclist may cross."),
        (34.4, 40.0, "The bus takes the detour by the brickworks,\nwhich costs about twenty-five minutes."),
        (40.6, 46.2, "A driver told me he turned back here three times today"),
        (46.3, 49.8, "because his navigation would not believe it."),
        (50.4, 55.0, "The repair is said to cost four million."),
        (56.6, 62.0, ">> CLARA WHITFIELD: I would rather be blamed for a closed bridge"),
        (62.1, 65.8, "than for a fallen one."),
        (66.4, 71.0, "From Monday a small ferry will run, free of charge."),
        (71.6, 75.4, ">> REPORTER: And who pays for it?\n>> CLARA WHITFIELD: The lottery."),
        (76.8, 82.4, ">> JOE ADLER: My customers live on the other side.\nSince noon I sold four herrings."),
        (83.0, 88.6, "My grandfather rowed across with the fish.\nPerhaps I shall do that too."),
        (89.2, 94.6, ">> PAUL FERREIRA: Would you? >> JOE ADLER: Have you seen my back?"),
        (96.6, 101.8, ">> MIRIAM CASTELL: And now the weather. It stays mild in the south."),
        (102.4, 107.8, "On the coast the wind freshens during the night,"),
        (108.0, 113.4, "and in the hills there may be the first frost on Sunday."),
        (114.0, 119.0, "Take an umbrella tomorrow if you work late."),
        (
            120.6,
            126.0,
            "And finally: when workers emptied an old letter box,\nthey found a card posted in 1994.",
        ),
        (126.6, 131.8, "It was meant for a Miss Edith Lowe, and it will be"),
        (131.9, 136.0, "delivered to her tomorrow. She is ninety-one."),
        (138.8, 143.4, "That's all from us. The late edition follows at eleven."),
        (144.0, 147.4, ">> MIRIAM CASTELL: Good night."),
        (148.0, 152.0, "[theme music]"),
    ),
)
