"""Questions as strangers word them: forms of text, keys and values, boards, counts, and what must not be
found.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from mrvideo.agents.ask.run import ask
from mrvideo.models.offline import OfflineModel
from mrvideo.records import Answer, Cue, Index

TEXTS = (
    *((f"{n:05d}", 2.0 * n, 2.0 * n + 2.0) for n in range(1, 40)),
    ("BERGEN", 5.0, 7.0),
    ("OSLO", 12.5, 14.5),
    ("TROMSO", 22.5, 24.5),
    ("Code 7421", 33.0, 35.0),
    ("Revenue: $4.2 million", 100.0, 110.0),
    ("Costs: $3.1 million", 102.0, 110.0),
    ("Agenda", 120.0, 130.0),
    ("1. Opening remarks", 120.0, 130.0),
    ("2. Review of the year", 120.0, 130.0),
    ("Contact: info@acme.example", 140.0, 150.0),
    ("Phone: 555-0199", 140.0, 150.0),
    ("STOP", 160.0, 162.0),
    ("STOP", 180.0, 182.0),
    ("Joe's Bakery", 200.0, 203.0),
    ("OPEN 9:00 - 17:30", 200.0, 203.0),
    ("Sale ends 14 March 2025", 210.0, 213.0),
    ("Flight BA117 to London", 220.0, 224.0),
    ("14:35 Gate B22", 220.0, 224.0),
    ("Dr. Ken Adams Geologist", 230.0, 233.0),
    ("Step 2: Boil 500 ml of water", 240.0, 243.0),
    ("Step 3: Add salt", 250.0, 253.0),
    ("Order number: QX-88120", 260.0, 263.0),
    ("Password: bluebird", 270.0, 273.0),
    ("BREAKING NEWS", 280.0, 295.0),
    ("Maria Lopez", 283.0, 287.0),
    ("www.riverwatch.org", 297.0, 299.0),
)


def cue(start: float, stop: float, text: str) -> Cue:
    return Cue(start_seconds=start, stop_seconds=stop, text=text)


CUES = (
    cue(1, 4, "Good morning, I'm Peter Hall."),
    cue(6, 9, "Today we bake a carrot cake with two hundred grams of sugar."),
    cue(11, 13, "The oven must be at 180 degrees."),
    cue(15, 18, "Ken: A landslide blocked the valley."),
    cue(20, 24, "About three hundred people left their homes."),
    cue(26, 29, "The museum opens at ten on Sundays."),
)


@pytest.fixture
def index(make_index: Callable[..., Index]) -> Index:
    return make_index(TEXTS, CUES, 300.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "words", "start"),
    [
        ("When is the code shown?", "0:33.0–0:35.0", 33.0),
        ("What is the code?", "Code 7421", 33.0),
        ("What city name appears right after BERGEN?", "OSLO", 12.5),
        ("Which city comes before TROMSO?", "OSLO", 12.5),
        ("What city comes two after BERGEN?", "TROMSO", 22.5),
        ("What was the revenue?", "$4.2 million", 100.0),
        ("How much were the costs?", "$3.1 million", 102.0),
        ("What is the e-mail address?", "info@acme.example", 140.0),
        ("What phone number is shown?", "555-0199", 140.0),
        ("Is there a phone number?", "Yes", 140.0),
        ("Which URL is displayed?", "www.riverwatch.org", 297.0),
        ("What is the second item on the agenda?", "Review of the year", 120.0),
        ("What is step 2?", "Boil 500 ml of water", 240.0),
        ("How many times does the STOP sign appear?", "2", 160.0),
        ("What is the name of the bakery?", "Joe's Bakery", 200.0),
        ("When is the bakery open?", "9:00", 200.0),
        ("When does the sale end?", "14 March 2025", 210.0),
        ("What time does the flight leave?", "14:35", 220.0),
        ("From which gate does BA117 leave?", "B22", 220.0),
        ("What is Ken Adams's profession?", "Geologist", 230.0),
        ("What's the password?", "bluebird", 270.0),
        ("What text comes right before the password?", "QX-88120", 260.0),
        ("What word is shown right after BREAKING NEWS disappears?", "www.riverwatch.org", 297.0),
        ("What kind of cake is baked?", "carrot", 6.0),
        ("What temperature should the oven be?", "180", 11.0),
        ("Who says that a landslide blocked the valley?", "Ken", 15.0),
        ("What temperature is mentioned?", "180", 11.0),
        ("What is the departure time of the flight to London?", "14:35", 220.0),
        ("Who is speaking?", "Peter Hall", 1.0),
        ("What is mentioned first, the museum or the oven?", "oven", 11.0),
        ("Does OSLO appear before or after TROMSO?", "before", 12.5),
    ],
)
async def test_it_is_found_however_it_is_asked(
    asked: Callable[..., Awaitable[Answer]], index: Index, question: str, words: str, start: float
) -> None:
    answer = await asked(index, question)
    assert answer.answer is not None
    assert words in answer.answer
    assert start in [piece.start_seconds for piece in answer.evidence]


@pytest.mark.parametrize(
    ("question", "options", "choice"),
    [
        ("How many people left their homes?", ["A. 30", "B. 100", "C. 300"], 2),
        ("What is the order number?", ["QX-88210", "QX-88120"], 1),
        ("What is the code?", ["7412", "4721", "None of the above"], 2),
        ("What is the code?", ["7412", "7421", "None of the above"], 1),
        ("Which gate does flight BA117 leave from?", ["B12", "B22"], 1),
        ("Which person appears first?", ["Maria Lopez", "Ken Adams"], 1),
    ],
)
async def test_the_option_is_chosen(
    asked: Callable[..., Awaitable[Answer]], index: Index, question: str, options: list[str], choice: int
) -> None:
    answer = await asked(index, question, options)
    assert answer.choice == choice
    assert answer.evidence


@pytest.mark.slow
@pytest.mark.parametrize(
    "question",
    [
        "What was the revenue in 2023?",
        "What is the price of the ticket?",
        "What is the fourth item on the agenda?",
        "What is step 4?",
        "How much salt is added?",
        "How many carrots are needed?",
        "How long must the cake bake?",
        "When is the library open?",
        "When does flight LH400 leave?",
        "What is the name of the hotel?",
        "What is the username?",
        "Which is larger, revenue or costs?",
        "What is the pin code?",
        "How old is Peter?",
        "How many slides are there?",
        "How many steps are shown?",
        "What is the bakery's phone number?",
    ],
)
async def test_what_only_looks_alike_is_not_found(
    asked: Callable[..., Awaitable[Answer]], index: Index, question: str
) -> None:
    answer = await asked(index, question)
    assert answer.answer is None
    assert not answer.evidence


@pytest.mark.parametrize("question", ["What is the password?", "What city appears after TROMSO?"])
async def test_a_bare_number_is_neither_a_password_nor_a_city(
    asked: Callable[..., Awaitable[Answer]], make_index: Callable[..., Index], question: str
) -> None:
    index = make_index([("TROMSO", 4.0, 6.0), ("00042", 8.0, 10.0), ("00043", 12.0, 14.0)], (), 60.0)
    assert (await asked(index, question)).answer is None


async def test_the_length_cites_a_frame_of_the_end(
    make_index: Callable[..., Index], make_film: Callable[..., Any]
) -> None:
    model = OfflineModel()
    answer = await ask(
        "How long is the video?",
        options=(),
        index=make_index((), (), 60.0),
        frames=make_film(60.0),
        vision=model,
        text=model,
        effort="high",
    )
    [evidence] = answer.evidence
    assert answer.answer is not None
    assert answer.answer.startswith("1:00.0")
    assert evidence.source == "frame"
    assert evidence.start_seconds >= 58.9
    assert answer.verified
