"""A recipe: some steps bear numbers, some do not; a voice that says first, then, finally; a channel's mark."""

from __future__ import annotations

from mrvideo.evals.offline.film import Film, Shot
from mrvideo.evals.offline.lettering import CREAM, INK, NIGHT, WHITE, Colour, Words
from mrvideo.evals.offline.scenery import box, over, plain, room, shaded, stirring, talker, together, worktop

_TOP = worktop((206, 190, 168))
_GREEN: Colour = (48, 96, 66)
_COAT: Colour = (214, 206, 190)


def _step(text: str, stop: float) -> Words:
    return Words(text, 150, 60, size=26, ink=WHITE, plate=_GREEN, bold=True, when=(0.0, stop))


def _note(text: str, start: float, stop: float) -> Words:
    return Words(text, 190, 300, size=18, plate=CREAM, when=(start, stop))


FILM = Film(
    name="bread",
    marks=(Words("HANNA BAKES", 580, 346, size=12, ink=(120, 112, 100)),),
    shots=(
        Shot(
            10.0,
            shaded((232, 216, 186), (196, 164, 120)),
            (
                Words("RYE BREAD IN ONE BOWL", 320, 130, size=38, ink=(84, 52, 34), bold=True),
                Words("no machine, no hurry", 320, 200, size=22, ink=(120, 84, 60)),
            ),
        ),
        Shot(
            20.0,
            over(plain((214, 202, 182)), box(130, 20, 510, 340, (254, 250, 240), None)),
            (
                Words("YOU NEED", 320, 56, size=26, bold=True),
                *(
                    Words(text, 190, 104 + 42 * n, size=21, left=True)
                    for n, text in enumerate(
                        (
                            "500 g rye flour",
                            "380 ml warm water",
                            "20 g honey",
                            "9 g salt",
                            "3 spoons sunflower seeds",
                        )
                    )
                ),
            ),
        ),
        Shot(
            22.0,
            _TOP,
            (_step("STEP 1  MIX", 22.0), _note("stir for 4 minutes", 8.0, 20.0)),
            stirring(),
        ),
        Shot(
            18.0,
            over(_TOP, box(390, 130, 590, 320, (236, 232, 224), (180, 176, 170))),
            (
                _step("STEP 2  REST", 18.0),
                Words("45:00", 490, 60, size=24, ink=(255, 90, 70), plate=NIGHT, when=(6.0, 18.0)),
            ),
        ),
        Shot(
            20.0,
            _TOP,
            (_step("STEP 3  FOLD", 20.0), _note("six times, with wet hands", 7.0, 18.0)),
            stirring(reach=24),
        ),
        Shot(
            14.0,
            worktop((180, 150, 118)),
            (Words("SHAPE IT", 150, 60, size=26, ink=WHITE, plate=_GREEN, bold=True),),
            stirring(reach=10),
        ),
        Shot(
            24.0,
            over(room((196, 200, 190), (120, 112, 104)), box(300, 90, 600, 340, (56, 58, 62), (30, 30, 32))),
            (
                Words("BAKE IT", 150, 60, size=26, ink=WHITE, plate=_GREEN, bold=True),
                Words("230°C", 450, 130, size=26, ink=(255, 120, 60), plate=NIGHT, when=(0.0, 12.0)),
                Words("200°C", 450, 130, size=26, ink=(255, 120, 60), plate=NIGHT, when=(12.0, 24.0)),
                _note("after 15 minutes", 12.0, 22.0),
            ),
            talker(_COAT, x=210, foot=356, tall=190),
        ),
        Shot(
            18.0,
            over(_TOP, box(390, 150, 590, 300, (150, 96, 54), (110, 68, 36))),
            (
                Words("LET IT COOL", 150, 60, size=26, ink=WHITE, plate=_GREEN, bold=True),
                _note("one hour, no less", 6.0, 16.0),
            ),
        ),
        Shot(
            16.0,
            room((222, 206, 176), (150, 118, 90), table=(116, 80, 56)),
            (Words("KEEPS FOR A WEEK", 460, 120, size=18, ink=INK, plate=CREAM, when=(5.0, 16.0)),),
            together(talker(_COAT, x=220, foot=350, tall=220)),
        ),
        Shot(
            8.0,
            plain(_GREEN),
            (
                Words("NEXT WEEK", 320, 130, size=24, ink=CREAM),
                Words("Plum cake with almonds", 320, 190, size=28, ink=WHITE),
            ),
        ),
    ),
    cues=(
        (1.0, 5.0, "Hello, I'm Hanna, and today we bake the easiest bread I know."),
        (5.6, 9.4, "I learned it from a lighthouse keeper's widow."),
        (11.0, 15.6, "You only need five things, and one of them is salt."),
        (16.0, 21.0, "Please weigh the flour. Cups are for tea."),
        (22.0, 28.6, "The honey is there to feed the yeast that lives\nin the flour anyway."),
        (30.6, 35.4, "First, put everything except the seeds into one big bowl."),
        (36.0, 40.0, "[spoon scraping]"),
        (40.6, 45.8, "Then stir until no dry flour is left at the bottom."),
        (46.2, 51.4, "It should look like wet concrete. That is normal."),
        (53.0, 57.6, "Now cover the bowl with a damp cloth and walk away."),
        (58.4, 63.0, "Don't put it near the radiator, or it turns sour."),
        (63.6, 66.0, "[clock ticking]"),
        (66.6, 69.4, "[timer beeps]"),
        (70.8, 75.4, "After the rest you fold it over itself, from the edge"),
        (75.5, 78.8, "to the middle, and turn the bowl a little each time."),
        (80.0, 85.4, "If the dough sticks to your fingers, wet them again,"),
        (85.5, 88.6, "and never add more flour."),
        (90.8, 95.6, "Roll it in the sunflower seeds and lay it in the tin."),
        (96.2, 101.4, "My tin belonged to my uncle, so it has a dent."),
        (104.6, 109.8, "Slide it into a very hot oven with a cup of water below."),
        (110.4, 114.6, "The steam gives you the crust."),
        (116.4, 121.6, "When a quarter of an hour has gone, turn it down"),
        (121.7, 126.4, "and give it another thirty-five minutes."),
        (129.2, 134.0, "Knock on the bottom. It must sound hollow."),
        (134.6, 139.8, "Finally the hardest part: don't cut it while it's hot."),
        (140.4, 144.6, "A warm rye loaf gums up the knife."),
        (147.2, 152.0, "My daughter eats it with butter and radishes."),
        (152.6, 158.4, "In a linen bag it stays fresh longer than in plastic."),
        (159.0, 161.6, "[dog barks]"),
        (162.6, 168.0, "Next time we need plums. See you, and keep your hands wet."),
    ),
)
