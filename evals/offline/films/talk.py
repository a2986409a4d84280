"""A lecture with slides: sentences that run over several cues, a logo all the time, questions at the end."""

from __future__ import annotations

from mrvideo.evals.offline.film import Film, Shot
from mrvideo.evals.offline.lettering import AMBER, CREAM, INK, NIGHT, WHITE, Colour, Words
from mrvideo.evals.offline.scenery import bars, box, over, plain, shaded, slide, street, talker, vehicle

_PAPER: Colour = (246, 247, 250)
_BLUE: Colour = (32, 74, 128)
_COAT: Colour = (120, 54, 84)


def _head(text: str) -> Words:
    return Words(text, 40, 44, size=26, ink=_BLUE, bold=True, left=True)


def _lines(*texts: str, first: float = 100, pitch: float = 46, size: int = 21) -> tuple[Words, ...]:
    return tuple(Words(text, 44, first + pitch * n, size=size, left=True) for n, text in enumerate(texts))


_SLIDE = slide(_PAPER, _BLUE)

FILM = Film(
    name="talk",
    marks=(Words("OPEN LECTURES", 560, 22, size=12, ink=(150, 156, 170)),),
    shots=(
        Shot(
            14.0,
            shaded((26, 40, 74), (60, 84, 130)),
            (
                Words("WHAT NIGHT BUSES\nTEACH US", 320, 120, size=40, ink=WHITE, bold=True),
                Words("Dr. Lena Okafor", 320, 220, size=26, ink=CREAM),
                Words("Tarn Valley Transport Forum", 320, 276, size=18, ink=(190, 204, 228)),
            ),
        ),
        Shot(
            18.0,
            over(plain((58, 44, 52)), box(60, 50, 360, 230, (236, 238, 242), (30, 30, 34))),
            (
                Words("Tarn Valley", 210, 140, size=22, ink=_BLUE),
                Words("HALL 2", 560, 96, size=20, ink=WHITE, plate=(80, 30, 40)),
            ),
            talker(_COAT, x=470, foot=350, tall=220),
        ),
        Shot(
            26.0,
            over(_SLIDE, bars((40, 124, 36, 53), (120, 164, 206), left=300, foot=320)),
            (
                _head("Who rides after midnight?"),
                *_lines("Nurses 12 %", "Students 40 %", "Bakers 11 %", "Everyone else 37 %", pitch=42),
            ),
        ),
        Shot(
            22.0,
            _SLIDE,
            (
                _head("Route N7"),
                *_lines("Mill Gate", "Hospital", "Old Dock", "Airport", first=112, pitch=48),
                Words("every 20 minutes", 470, 130, size=22, ink=WHITE, plate=_BLUE, when=(6.0, 22.0)),
                Words("41 stops", 470, 200, size=22, ink=_BLUE, plate=CREAM, frame=_BLUE, when=(12.0, 22.0)),
            ),
        ),
        Shot(
            12.0,
            street((34, 42, 70), ((70, 62, 74), (58, 66, 84), (84, 70, 66), (60, 58, 70))),
            (
                Words("N7 AIRPORT", 300, 206, size=26, ink=AMBER, plate=NIGHT),
                Words("STOP 114", 560, 130, size=18, ink=WHITE, plate=(20, 96, 60)),
            ),
            vehicle((170, 50, 50), start=150, speed=0, long=330, foot=330),
            hand_held=True,
        ),
        Shot(
            24.0,
            _SLIDE,
            (
                _head("What it cost"),
                *_lines(
                    "2016    1.2 million",
                    "2017    1.5 million",
                    "2018    0.9 million",
                    first=120,
                    pitch=54,
                    size=26,
                ),
                Words("Source: city council", 470, 318, size=14, ink=(110, 110, 120)),
            ),
        ),
        Shot(
            28.0,
            _SLIDE,
            (
                _head("Three mistakes"),
                Words("1  Timetables nobody could read", 44, 116, size=22, left=True),
                Words("2  Stops without light", 44, 176, size=22, left=True, when=(8.0, 28.0)),
                Words("3  No way to pay by card", 44, 236, size=22, left=True, when=(17.0, 28.0)),
            ),
        ),
        Shot(
            16.0,
            shaded((70, 50, 60), (30, 24, 34)),
            (
                Words("“A city is judged\nby its last bus.”", 320, 150, size=32, ink=CREAM),
                Words("Amara Diallo, mayor", 320, 250, size=18, ink=AMBER),
            ),
        ),
        Shot(
            30.0,
            over(plain((58, 44, 52)), box(60, 50, 360, 230, (236, 238, 242), (30, 30, 34))),
            (
                Words("Q & A", 210, 140, size=40, ink=_BLUE, bold=True),
                Words("HALL 2", 560, 96, size=20, ink=WHITE, plate=(80, 30, 40)),
                Words("Tom Reyes, bus driver", 190, 318, size=18, ink=INK, plate=CREAM, when=(5.0, 14.0)),
            ),
            talker(_COAT, x=470, foot=350, tall=220),
        ),
        Shot(
            10.0,
            _SLIDE,
            (
                Words("THANK YOU", 320, 120, size=46, ink=_BLUE, bold=True),
                Words("tarnvalley.example/night", 320, 200, size=22),
                Words("Filmed by Studio Heron", 320, 290, size=16, ink=(110, 110, 120)),
            ),
        ),
    ),
    cues=(
        (1.0, 4.6, "HOST: Please welcome our last speaker tonight,\nDr. Lena Okafor."),
        (4.8, 7.0, "[applause]"),
        (7.4, 11.0, "DR. OKAFOR: Thank you. I have never learned to drive,"),
        (11.2, 15.4, "so for nineteen years I have gone home\non the night bus."),
        (16.0, 20.4, "And what I saw there changed the way\nI think about timetables."),
        (20.8, 24.6, "My grandmother used to say: whoever wants"),
        (24.7, 28.0, "to know a town should watch who is awake in it."),
        (28.4, 31.6, "(laughter)"),
        (32.4, 36.8, "So let us begin with the passengers. We asked two thousand"),
        (36.9, 41.0, "people in one cold week of February."),
        (42.0, 47.2, "The largest group, and I did not expect this,\nare students."),
        (48.0, 53.4, "Twelve in a hundred are nurses on their way\nto the early shift."),
        (53.8, 57.4, "And the bakers, who never smile before six."),
        (58.6, 63.0, "Our longest line is the N7. It starts at Mill Gate"),
        (63.1, 67.6, "and ends at the airport, by way of the hospital\nand the Old Dock."),
        (68.6, 72.6, "A full trip takes fifty-two minutes."),
        (73.2, 77.8, "For a long time the drivers had no toilet\nanywhere along the way."),
        (80.6, 85.0, "This is the stop where I broke my ankle."),
        (85.4, 90.0, "Nobody had swept the ice in three days."),
        (92.8, 97.6, "Now to the money. In 2017 we spent more than ever,"),
        (97.7, 102.4, "because the old engines kept catching fire."),
        (
            103.0,
            108.8,
            "A year later we bought twelve electric buses\nfrom a factory in Gdansk, and the costs fell.",
        ),
        (109.4, 114.8, "The council wanted to close the line altogether.\nThe nurses wrote letters."),
        (116.8, 121.2, "We made three mistakes, and I made two of them myself."),
        (121.8, 126.0, "First, the timetable was printed in grey on yellow."),
        (126.8, 132.0, "Second, half of our stops had no lamp,\nand people were afraid to wait there."),
        (133.4, 138.8, "The third one is almost funny: we accepted coins only,"),
        (138.9, 143.4, "in a town where hardly anybody carries them."),
        (145.0, 150.2, "I like to end with a sentence of our mayor."),
        (150.8, 157.0, "She said it on the evening when the strike was over."),
        (160.8, 164.6, "HOST: There is time for one or two questions. Yes, please."),
        (
            165.2,
            171.0,
            "TOM REYES: I have driven the N7 since spring. Why is there\nstill no heating at the depot?",
        ),
        (171.4, 177.2, "DR. OKAFOR: Because I forgot to ask for it.\nYou will have it by November."),
        (177.6, 179.4, "- Promise?\n- Promise."),
        (180.0, 182.0, "[laughter]"),
        (182.6, 188.4, "HOST: And the coffee? DR. OKAFOR: The coffee\nis beyond my power."),
        (191.0, 195.6, "HOST: Thank you all, and get home safely."),
        (196.0, 198.6, "♪ piano ♪"),
    ),
)
