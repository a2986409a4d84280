"""What strangers ask and a film tells: who holds a role, how many steps, what costs so much, when a thing is
done, where.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from mrvideo.records import Answer, Cue, Index

TEXTS = (
    ("THE ROAD TO HOLM", 0.0, 5.0),
    ("Varde", 6.0, 10.0),
    ("Skive", 12.0, 16.0),
    ("Holm", 18.0, 22.0),
    ("Bread 2.40 Bun 1.10 Pie 6.80", 30.0, 36.0),
    ("Ida Bruun Mayor of Holm", 40.0, 45.0),
    ("Step 1: Mix the flour", 50.0, 54.0),
    ("Step 2: Add the yeast", 56.0, 60.0),
    ("Step 3: Wait", 62.0, 66.0),
    ("Otto Lang, Head Baker", 70.0, 75.0),
    ("CAPTAIN", 78.0, 82.0),
    ("Mona Riis", 78.0, 82.0),
    ("Sold for 310 euros", 85.0, 88.0),
    ("Lesson 2 Kneading", 90.0, 94.0),
    ("The silent city is Lima", 100.0, 104.0),
    ("Camera: Jon Falk Music: The Grey Geese Directed by Pia Holt", 140.0, 150.0),
)


def cue(start: float, stop: float, text: str) -> Cue:
    return Cue(start_seconds=start, stop_seconds=stop, text=text)


CUES = (
    cue(41, 44, "The dairy opened in 1962."),
    cue(71, 74, "I learnt this from my uncle Karl."),
    cue(110, 113, "The fire was in the old attic."),
    cue(115, 118, "Our conductor, Lea Winther, has the keys."),
    cue(120, 123, "The mayor's husband came too."),
)


@pytest.fixture
def index(make_index: Callable[..., Index]) -> Index:
    return make_index(TEXTS, CUES, 160.0)


@pytest.mark.parametrize(
    ("question", "words", "start"),
    [
        ("What is the mayor's name?", "Ida Bruun", 40.0),
        ("Who is the mayor of Holm?", "Ida Bruun", 40.0),
        ("What is the name of the head baker?", "Otto Lang", 70.0),
        ("Who is the captain?", "Mona Riis", 78.0),
        ("Who is the director?", "Pia Holt", 140.0),
        ("Who directed the film?", "Pia Holt", 140.0),
        ("Who did the music?", "The Grey Geese", 140.0),
        ("Who is the conductor?", "Lea Winther", 115.0),
        ("What costs 1.10?", "Bun", 30.0),
        ("How much is the pie?", "Pie 6.80", 30.0),
        ("What is the last step?", "Step 3: Wait", 62.0),
    ],
)
async def test_a_role_a_deed_or_a_price_is_answered_by_what_stands_beside_it(
    asked: Callable[..., Awaitable[Answer]], index: Index, question: str, words: str, start: float
) -> None:
    answer = await asked(index, question)
    assert answer.answer is not None
    assert words in answer.answer
    assert start in [piece.start_seconds for piece in answer.evidence]


async def test_steps_are_counted_by_their_numbers(
    asked: Callable[..., Awaitable[Answer]], index: Index
) -> None:
    answer = await asked(index, "How many steps are there?")
    assert answer.answer is not None
    assert answer.answer.startswith("3: ")
    assert [piece.start_seconds for piece in answer.evidence] == [50.0, 56.0, 62.0]


async def test_a_deed_without_a_told_time_is_answered_by_when_it_is_shown(
    asked: Callable[..., Awaitable[Answer]], index: Index
) -> None:
    answer = await asked(index, "When is the yeast added?")
    assert answer.answer is not None
    assert answer.answer.startswith("0:56.0–1:00.0")


async def test_towns_are_put_in_the_order_of_their_own_captions_not_of_the_title(
    asked: Callable[..., Awaitable[Answer]], index: Index
) -> None:
    answer = await asked(index, "In what order do the towns Holm, Varde and Skive appear?")
    assert answer.answer == "Varde, Skive, Holm"


async def test_who_speaks_of_himself_is_who_is_named_on_screen(
    asked: Callable[..., Awaitable[Answer]], index: Index
) -> None:
    answer = await asked(index, "Who did Otto learn from?")
    assert answer.answer == "I learnt this from my uncle Karl."


async def test_where_a_thing_happened_is_told_without_the_word_happened(
    asked: Callable[..., Awaitable[Answer]], index: Index
) -> None:
    answer = await asked(index, "Where did the fire happen?")
    assert answer.answer == "The fire was in the old attic."


async def test_without_a_look_the_length_is_claimed_as_the_end_of_the_last_scene(
    asked: Callable[..., Awaitable[Answer]], index: Index
) -> None:
    """It used to claim that the picture was dark blue."""
    answer = await asked(index, "How long is the video?")
    assert [claim.text for claim in answer.claims] == ["The last scene ends at 2:40.0 (160.0 s)."]


@pytest.mark.parametrize(
    "question",
    [
        "What is the doctor's name?",
        "Who is the producer?",
        "What is the name of the mayor's husband?",
        "What is the mayor's dog called?",
        "What costs 4.75?",
        "How much is the coffee?",
        "What was sold for 900 euros?",
        "How many lessons are there?",
        "How many chapters are there?",
        "Which city comes after Holm?",
        "When is the pepper added?",
        "Where did the flood happen?",
        "What is the final city?",
        "What is step 7?",
    ],
)
async def test_what_is_not_told_is_not_found(
    asked: Callable[..., Awaitable[Answer]], index: Index, question: str
) -> None:
    assert (await asked(index, question)).answer is None


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What is the chosen instrument?", None),
        ("What is the secret fruit?", None),
        ("What is the chosen fruit?", "Kiwi"),
    ],
)
async def test_a_label_names_nothing_but_what_it_says(
    asked: Callable[..., Awaitable[Answer]],
    make_index: Callable[..., Index],
    question: str,
    words: str | None,
) -> None:
    """What many labels repeat counted as what the film is about, which no single text has to hold."""
    labels = (
        "secret instrument is Harp",
        "secret instrument is Organ",
        "chosen city is Lima",
        "chosen fruit is Kiwi",
    )
    texts = [(f"The {label}", 10.0 * n, 10.0 * n + 5) for n, label in enumerate(labels)]
    assert (await asked(make_index(texts, (), 60.0), question)).answer == words


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("How many leeks do you need?", "3 leeks: 500 g potatoes 3 leeks 200 ml cream"),
        ("What is the third item of the outline?", "Dreams"),
        ("How many items does the outline have?", "4: Why we sleep, Stages, Dreams, Advice"),
        ("Why did the goalkeeper slip?", "The goalkeeper slipped on the wet grass."),
        ("Why did Edwin come?", "I came here because I wanted quiet."),
        ("Why did Sheila come?", None),
        ("What is the talk about?", "Sleep and Memory"),
        ("Wie viel haben die Nachbarn gespendet?", "Die Nachbarn haben achttausend Euro gespendet."),
        ("Was kostet der Eintritt?", "Eintritt frei"),
    ],
)
async def test_what_films_of_several_kinds_tell(
    asked: Callable[..., Awaitable[Answer]],
    make_index: Callable[..., Index],
    question: str,
    words: str | None,
) -> None:
    """A count, an item of a list, a reason without "because", a name that stood on screen right before, a topic,
    numbers written together, a price without a number.
    """
    texts = [
        ("Sleep and Memory", 0.0, 4.0),
        ("Outline 1. Why we sleep 2. Stages 3. Dreams 4. Advice", 10.0, 16.0),
        ("500 g potatoes 3 leeks 200 ml cream", 20.0, 26.0),
        ("Edwin Marsh Keeper", 41.0, 46.0),
        ("Eintritt frei", 70.0, 76.0),
        ("Sheila Marsh Teacher", 90.0, 96.0),
    ]
    cues = [
        cue(30, 34, "The goalkeeper slipped on the wet grass."),
        cue(47, 51, "I came here because I wanted quiet."),
        cue(60, 64, "Die Nachbarn haben achttausend Euro gespendet."),
    ]
    assert (await asked(make_index(texts, cues, 110.0), question)).answer == words


async def test_what_is_written_is_told_without_what_is_said_of_it(
    asked: Callable[..., Awaitable[Answer]], make_index: Callable[..., Index]
) -> None:
    index = make_index(
        [("FERRY 09:40", 12.0, 18.0)],
        [cue(13, 17, "The ferry leaves in five minutes and blocks the quay.")],
        40.0,
    )
    assert (await asked(index, "What is written on the ferry?")).answer == "FERRY 09:40"
