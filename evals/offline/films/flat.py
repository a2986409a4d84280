"""A short drama with four people: names before what they say, two speakers in one cue, sounds in brackets."""

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

_NADIA: Colour = (56, 110, 150)
_FRANK: Colour = (90, 96, 60)
_VANCE: Colour = (150, 90, 150)

_STAIRS = over(plain((196, 190, 178)), box(250, 70, 400, 350, (104, 70, 52), (70, 46, 36)))
_KITCHEN = room((226, 214, 186), (150, 120, 96), table=(120, 84, 60))

FILM = Film(
    name="flat",
    shots=(
        Shot(
            8.0,
            shaded((30, 34, 48), (62, 66, 84)),
            (
                Words("THE LEAK", 320, 150, size=52, ink=CREAM, bold=True),
                Words("a film by Ruth Adeyemi", 320, 230, size=20, ink=(180, 190, 210)),
            ),
        ),
        Shot(
            12.0,
            _STAIRS,
            (Words("14B", 325, 130, size=30, ink=INK, plate=(214, 186, 110)),),
            walker(_NADIA, start=60, speed=24, foot=350, tall=190),
            hand_held=True,
        ),
        Shot(
            24.0,
            _KITCHEN,
            (
                Words("19:45", 250, 80, size=26, ink=(120, 240, 140), plate=NIGHT),
                Words("RENT DUE FRIDAY", 500, 120, size=15, plate=(250, 236, 120), tilt=4),
            ),
            talker(_NADIA, x=220, foot=350, tall=220),
        ),
        Shot(
            10.0,
            over(plain((60, 60, 70)), box(200, 20, 440, 350, (236, 238, 244), (20, 20, 22))),
            (
                Words("Frank", 320, 60, size=24, bold=True),
                Words("On my way.\nTen minutes.", 320, 160, size=24, plate=(196, 230, 196)),
                Words("19:52", 320, 320, size=16, ink=(90, 90, 100)),
            ),
        ),
        Shot(
            14.0,
            _STAIRS,
            (
                Words("15B", 325, 130, size=30, ink=INK, plate=(214, 186, 110)),
                Words("VANCE", 325, 180, size=18, ink=INK, plate=CREAM),
            ),
            talker(_VANCE, x=470, foot=350, tall=200),
            hand_held=True,
        ),
        Shot(
            10.0,
            street((170, 190, 204), ((150, 110, 96), (176, 160, 140), (120, 124, 140), (160, 130, 110))),
            (
                Words("FRANK’S PIPES", 300, 250, size=24, ink=WHITE, bold=True, plate=(30, 84, 130)),
                Words("0142 555 017", 300, 292, size=18, ink=NIGHT, plate=WHITE),
                Words("LIME STREET", 560, 60, size=18, ink=WHITE, plate=(40, 70, 50)),
            ),
            vehicle((238, 238, 236), start=140, speed=0, long=320, foot=334),
        ),
        Shot(
            30.0,
            _KITCHEN,
            (
                Words("20:10", 250, 80, size=26, ink=(120, 240, 140), plate=NIGHT),
                Words("RENT DUE FRIDAY", 500, 120, size=15, plate=(250, 236, 120), tilt=4),
            ),
            together(talker(_NADIA, x=190, foot=350, tall=220), talker(_FRANK, x=420, foot=350, tall=230)),
        ),
        Shot(
            14.0,
            room((150, 176, 180), (104, 116, 120)),
            (Words("HOT", 500, 140, size=18, ink=WHITE, plate=(180, 40, 40)),),
            together(talker(_VANCE, x=260, foot=350, tall=200), talker(_FRANK, x=420, foot=350, tall=230)),
        ),
        Shot(
            10.0,
            over(plain((96, 84, 76)), box(150, 16, 490, 346, (250, 248, 240), None)),
            (
                Words("INVOICE No. 2207", 320, 56, size=24, bold=True),
                Words("New valve 31.50\nLabour 55.00", 320, 150, size=22),
                Words("TOTAL 86.50", 320, 250, size=28, bold=True),
            ),
        ),
        Shot(
            12.0,
            _KITCHEN,
            (
                Words("20:55", 250, 80, size=26, ink=(120, 240, 140), plate=NIGHT),
                Words("RENT PAID", 500, 120, size=15, plate=(250, 236, 120), tilt=4),
            ),
            together(talker(_NADIA, x=220, foot=350, tall=220), talker(_VANCE, x=440, foot=350, tall=200)),
        ),
        Shot(6.0, plain(NIGHT), (Words("FINE", 320, 170, size=48, ink=AMBER),)),
    ),
    cues=(
        (2.0, 6.0, "♪ slow guitar ♪"),
        (9.0, 11.0, "[door slams]"),
        (11.4, 14.8, "NADIA: Hello? Is anybody there?"),
        (16.0, 19.4, "[water dripping]"),
        (20.6, 24.4, "NADIA: Oh no. Not the ceiling again."),
        (25.0, 27.0, "[phone rings]"),
        (27.4, 31.4, "<i>FRANK: Pipes and drains, this is Frank.</i>"),
        (31.8, 37.2, "NADIA: It comes through right above the stove.\nI have put the soup pot under it."),
        (37.6, 39.8, "<i>- Is it warm?</i>\n- Is what warm?"),
        (40.0, 43.4, "<i>FRANK: The water. If it is warm, do not touch the switch.</i>"),
        (54.6, 57.0, "[knocking]"),
        (57.4, 60.8, "NADIA: Mrs. Vance, are you running a bath?"),
        (
            61.2,
            66.6,
            "MRS. VANCE: At my age, dear, one does not bathe\nafter six. I was feeding the tortoise.",
        ),
        (69.2, 72.0, "[engine stops]"),
        (72.6, 76.4, "FRANK: Lime Street fourteen. Never a lift\nwhen you need one."),
        (79.0, 82.0, "FRANK: Good evening. Where does it hurt?"),
        (82.4, 86.8, "NADIA: There. It began at a quarter to eight"),
        (86.9, 90.2, "and it has been getting worse ever since."),
        (90.8, 95.8, "FRANK: My father built this kitchen. He hid the main tap\nbehind the flour."),
        (96.2, 98.4, "- Behind the flour?\n- Behind the flour."),
        (99.0, 104.8, "NADIA: In eleven months nobody told me. I would have\ngiven up bread."),
        (105.2, 107.6, "FRANK: Hold the torch, please."),
        (109.0, 114.4, "MRS. VANCE: I may have left one tap open. Just a little.\nFor Winston."),
        (114.8, 116.8, "FRANK: Who is Winston?"),
        (117.2, 121.4, "MRS. VANCE: The tortoise. He likes the sound of rain."),
        (123.4, 129.0, "FRANK: The valve I must charge. The advice about\ntortoises is free."),
        (133.0, 136.8, "MRS. VANCE: I shall pay half. And I brought a lemon cake."),
        (137.2, 139.0, "NADIA: Stay for supper."),
        (139.4, 143.0, "MRS. VANCE: Only if the pot is empty by now. NADIA: It is."),
        (145.0, 149.4, "♪ slow guitar ♪"),
    ),
)
