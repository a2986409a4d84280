"""A football match cut short: the score and the minute stand above, names come and go below, a ticker crawls."""

from __future__ import annotations

from mrvideo.evals.offline.film import Film, Shot
from mrvideo.evals.offline.lettering import AMBER, CREAM, NIGHT, WHITE, Colour, Words
from mrvideo.evals.offline.scenery import box, over, pitch, plain, players, shaded

_BLUE: Colour = (22, 40, 84)
_SHADE: Colour = (18, 22, 34)


def _score(*scores: tuple[str, float, float]) -> tuple[Words, ...]:
    return tuple(Words(text, 110, 30, size=20, ink=WHITE, plate=_BLUE, when=(a, b)) for text, a, b in scores)


def _minute(*minutes: tuple[str, float, float]) -> tuple[Words, ...]:
    return tuple(Words(text, 230, 30, size=18, ink=NIGHT, plate=AMBER, when=(a, b)) for text, a, b in minutes)


def _below(text: str, start: float, stop: float) -> Words:
    return Words(text, 210, 300, size=20, ink=WHITE, plate=(150, 26, 40), when=(start, stop))


def _ticker(text: str, seconds: float) -> Words:
    return Words(
        text, 640, 344, size=14, ink=CREAM, plate=_SHADE, left=True, drift=-72.0, when=(0.0, seconds)
    )


FILM = Film(
    name="match",
    marks=(Words("SPORT7", 590, 26, size=15, ink=(220, 226, 240)),),
    shots=(
        Shot(
            12.0,
            shaded((18, 30, 66), (40, 70, 120)),
            (
                Words("WOMEN’S CUP", 320, 60, size=20, ink=AMBER),
                Words("RAVENSFORD - KELBY", 320, 140, size=40, ink=WHITE, bold=True),
                Words("Quarter-final", 320, 200, size=22, ink=CREAM),
                Words("Foundry Park", 320, 250, size=20, ink=CREAM),
                Words("Referee J. Castellan", 320, 300, size=16, ink=(180, 196, 226), when=(4.0, 12.0)),
            ),
        ),
        Shot(
            22.0,
            pitch(0),
            (
                *_score(("RAV 0-0 KEL", 0.0, 11.0), ("RAV 1-0 KEL", 11.0, 22.0)),
                *_minute(("11'", 0.0, 7.0), ("12'", 7.0, 16.0), ("13'", 16.0, 22.0)),
                _below("GOAL  Ida Brandt 12'", 12.0, 20.0),
            ),
            players(1),
        ),
        Shot(
            20.0,
            pitch(1),
            (
                *_score(("RAV 1-0 KEL", 0.0, 8.0), ("RAV 1-1 KEL", 8.0, 20.0)),
                *_minute(("34'", 0.0, 20.0)),
                _below("GOAL  Suna Okoye 34'", 9.0, 17.0),
                _ticker("WATER POLO TONIGHT 21:00", 20.0),
            ),
            players(2),
        ),
        Shot(
            12.0,
            pitch(0),
            (
                *_score(("RAV 1-1 KEL", 0.0, 12.0)),
                *_minute(("41'", 0.0, 12.0)),
                Words(
                    "YELLOW CARD  Mia Torv",
                    210,
                    300,
                    size=20,
                    ink=NIGHT,
                    plate=(250, 220, 60),
                    when=(3.0, 10.0),
                ),
            ),
            players(3),
        ),
        Shot(
            16.0,
            over(shaded((18, 30, 66), (40, 70, 120)), box(120, 60, 520, 310, (240, 242, 246), None)),
            (
                Words("HALF-TIME", 320, 92, size=28, bold=True),
                Words("RAV 1-1 KEL", 320, 150, size=32),
                Words("Shots  5-6", 320, 210, size=20),
                Words("Attendance 8,214", 320, 260, size=20),
            ),
        ),
        Shot(
            20.0,
            pitch(1),
            (
                *_score(("RAV 1-1 KEL", 0.0, 10.0), ("RAV 2-1 KEL", 10.0, 20.0)),
                *_minute(("58'", 0.0, 20.0)),
                _below("PENALTY  Ida Brandt 58'", 11.0, 19.0),
            ),
            players(4),
        ),
        Shot(
            14.0,
            pitch(0),
            (
                *_score(("RAV 2-1 KEL", 0.0, 14.0)),
                *_minute(("66'", 0.0, 14.0)),
                Words(
                    "OUT  9 Ines Falk", 190, 270, size=20, ink=WHITE, plate=(160, 40, 40), when=(2.0, 11.0)
                ),
                Words(
                    "IN  17 Petra Lind", 190, 310, size=20, ink=WHITE, plate=(30, 120, 60), when=(2.0, 11.0)
                ),
            ),
            players(5),
        ),
        Shot(
            18.0,
            pitch(1),
            (
                *_score(("RAV 2-1 KEL", 0.0, 6.0), ("RAV 2-2 KEL", 6.0, 18.0)),
                *_minute(("77'", 0.0, 18.0)),
                _below("GOAL  Suna Okoye 77'", 7.0, 15.0),
                _ticker("WATER POLO TONIGHT 21:00", 18.0),
            ),
            players(6),
        ),
        Shot(
            22.0,
            pitch(0),
            (
                *_score(("RAV 2-2 KEL", 0.0, 11.0), ("RAV 3-2 KEL", 11.0, 22.0)),
                *_minute(("90+2'", 0.0, 22.0)),
                _below("GOAL  Petra Lind 90+2'", 12.0, 21.0),
            ),
            players(7),
        ),
        Shot(
            18.0,
            over(shaded((18, 30, 66), (40, 70, 120)), box(100, 40, 540, 330, (240, 242, 246), None)),
            (
                Words("FULL TIME", 320, 74, size=28, bold=True),
                Words("RAV 3-2 KEL", 320, 126, size=32),
                Words("Possession  54-46", 320, 184, size=20),
                Words("Shots  13-9", 320, 222, size=20),
                Words("Corners  6-4", 320, 260, size=20),
                Words("Fouls  8-11", 320, 298, size=20),
            ),
        ),
        Shot(
            8.0,
            plain(NIGHT),
            (
                Words("SEMI-FINAL", 320, 130, size=28, ink=AMBER, bold=True),
                Words("Ravensford - Oxmoor", 320, 190, size=26, ink=WHITE),
                Words("Saturday 15:30", 320, 240, size=22, ink=CREAM),
            ),
        ),
    ),
    cues=(
        (1.0, 5.4, "Good afternoon from Foundry Park, where it has"),
        (5.5, 9.4, "not stopped raining since Thursday."),
        (12.6, 16.8, "Ravensford without their captain, who has the flu."),
        (17.2, 20.6, "Brandt turns, she looks up..."),
        (22.8, 25.0, "[crowd roars]"),
        (25.2, 29.6, "What a strike! From thirty metres, with her weaker foot."),
        (30.0, 33.6, "The keeper did not even move."),
        (35.0, 39.4, "Kelby answer at once. The goalkeeper drops it"),
        (39.5, 42.0, "like a wet bar of soap."),
        (42.4, 44.6, "[crowd roars]"),
        (45.0, 49.8, "Okoye says thank you. All square again."),
        (55.4, 57.0, "[whistle]"),
        (57.4, 62.8, "Torv complains, and that is never wise\nwith this referee."),
        (66.8, 72.4, "Half-time. The groundsman is out with a fork,"),
        (72.5, 77.0, "trying to get the water off the left wing."),
        (82.6, 86.4, "Was that a hand? The referee has no doubt."),
        (86.8, 90.4, "[crowd whistles]"),
        (92.4, 97.6, "Brandt again. She sends the keeper the wrong way."),
        (102.6, 108.0, "Falk limps off with a bruised knee.\nOn comes the youngest in the squad."),
        (108.4, 113.6, "Petra Lind is seventeen and still at school."),
        (117.0, 121.0, "A free kick, nobody picks up Okoye!"),
        (122.0, 124.0, "[crowd roars]"),
        (124.4, 129.8, "Two each, and if it stays like that we shall\nhave extra time."),
        (135.0, 140.6, "Two minutes into stoppage time. A long throw,"),
        (140.7, 144.4, "it bounces off the post and Lind is there!"),
        (146.0, 148.4, "[crowd roars]"),
        (148.8, 154.6, "Her mother is in tears in row three."),
        (157.0, 162.0, "Ravensford are through for the first time in nineteen years."),
        (162.6, 168.4, "Kelby's coach shakes every hand, which is\nmore than he did last season."),
        (174.6, 180.0, "Join us on Saturday for the semi-final against Oxmoor."),
    ),
)
