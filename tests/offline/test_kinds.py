"""One question of each kind that quotes must answer, and its look-alike that nothing answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from mrvideo.records import Answer, Cue, Index

TEXTS = (
    ("10:05 Turin Platform 2", 0.0, 20.0),
    ("10:30 Basel cancelled", 0.0, 20.0),
    ("10:40 Lyon Platform 4", 0.0, 20.0),
    ("Question 2: Largest planet?", 24.0, 28.0),
    ("Answer: Jupiter", 28.0, 32.0),
    ("Employees: 48", 40.0, 48.0),
    ("Hut: 1,850 m", 60.0, 68.0),
    ("GATE NORTH", 90.0, 99.0),
)
SAID = (
    (34.0, "Hi, I'm Tilda, and this is my mother's bakery."),
    (40.0, "My brother Anton eats three pies."),
    (46.0, "She learned to bake in a hotel in Vienna."),
    (52.0, "The bus to town runs every twenty minutes."),
    (58.0, "It weighs up to fifty kilograms."),
    (70.0, "The police have arrested the baker, a man of fifty-two."),
    (77.0, "An octopus called Inky escaped from the tank."),
    (92.0, "Here the cat sleeps."),
    (101.0, "Der Kater heißt Moritz und schläft seit dreißig Minuten."),
    (108.0, "Il forno fu costruito da Ugo."),
    (115.0, "茶园在杭州。"),
)


@pytest.fixture
def index(make_index: Callable[..., Index]) -> Index:
    cues = [Cue(start_seconds=start, stop_seconds=start + 5, text=text) for start, text in SAID]
    return make_index(TEXTS, cues, 130.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "words"),
    [
        pytest.param("When does the train to Lyon leave?", "10:40", id="a word that the board leaves out"),
        pytest.param("Where does the 10:05 train go?", "Turin", id="a time that is no time of the video"),
        pytest.param("What is the largest planet?", "Jupiter", id="a question on screen"),
        pytest.param("What is the name of Tilda's brother?", "Anton", id="of who introduces herself"),
        pytest.param("How often does the bus run?", "twenty minutes", id="a frequency"),
        pytest.param("How heavy can it be?", "fifty kilograms", id="a weight"),
        pytest.param("What is the altitude of the hut?", "1,850 m", id="a height"),
        pytest.param("How old is the baker?", "fifty-two", id="an age"),
        pytest.param("What is the name of the octopus?", "Inky", id="a name beside its noun"),
        pytest.param("At which gate is the cat?", "NORTH", id="what is said, and the sign beside it"),
        pytest.param("Wie heißt der Kater?", "Moritz", id="German name"),
        pytest.param("Wie lange schläft der Kater?", "dreißig", id="German numbers"),
        pytest.param("Chi ha costruito il forno?", "Ugo", id="Italian"),
        pytest.param("茶园在哪里？", "杭州", id="Chinese place"),
    ],
)
async def test_a_kind_of_question_is_answered(
    asked: Callable[..., Awaitable[Answer]], index: Index, question: str, words: str
) -> None:
    answer = await asked(index, question)
    assert answer.answer is not None
    assert words in answer.answer
    assert answer.confidence <= 3


@pytest.mark.slow
@pytest.mark.parametrize(
    "question",
    [
        "From which platform does the train to Basel leave?",
        "When does the train to Milan leave?",
        "What is the answer to question 3?",
        "What is the name of the hotel?",
        "What is the name of Tilda's mother?",
        "How heavy is Anton?",
        "How old is Anton?",
        "When was Anton born?",
        "How high is the bakery?",
        "Wie alt ist der Kater?",
        "Quanto costa il forno?",
    ],
)
async def test_its_look_alike_is_not_found(
    asked: Callable[..., Awaitable[Answer]], index: Index, question: str
) -> None:
    answer = await asked(index, question)
    assert answer.answer is None
    assert answer.nearest
