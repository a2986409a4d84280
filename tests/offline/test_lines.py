"""Speech without a mark at its sentences' ends, as captions made by machine are, and what names a thing by its
place or by who tells it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from mrvideo.models.offline.forms import shows
from mrvideo.records import Answer, Cue, Index

LINES = (
    "welcome to our survey of garden tools we",
    "asked the members of four clubs what they",
    "keep in the shed and how long they have",
    "kept it for our first table we list the",
    "tools by weight and in the corner you find",
    "a picture of each to open a drawer you",
    "turn the brass key until the spring",
    "gives way which keeps the blades dry all",
    "winter we painted the handles so that you",
    "would find them in tall grass more quickly",
    "the second table lists the number of rakes",
    "that every club owns sorted from zero to",
    "forty and by rakes we mean anything that",
    "has more than six teeth and a long handle",
    "the final table breaks down the repairs it",
    "has two columns paid for and done at home",
)


@pytest.fixture
def rolling(make_index: Callable[..., Index]) -> Index:
    cues = [Cue(start_seconds=2.0 * n, stop_seconds=2.0 * n + 2, text=t) for n, t in enumerate(LINES)]
    return make_index((), cues, 40.0)


@pytest.mark.parametrize(
    ("question", "words", "start"),
    [
        ("What do you turn to open a drawer?", "brass key", 12.0),
        ("Why did they paint the handles?", "tall grass", 18.0),
        ("What are the two columns of the last table?", "paid for and done at home", 30.0),
        ("What does the second table list?", "number of rakes", 20.0),
    ],
)
async def test_lines_without_marks_are_quoted_from_where_the_words_are(
    asked: Callable[..., Awaitable[Answer]], rolling: Index, question: str, words: str, start: float
) -> None:
    """Four hundred letters were one sentence, wherever its words lay, and an answer was cut at its end."""
    answer = await asked(rolling, question)
    assert answer.answer is not None
    assert words in answer.answer
    assert max(map(len, answer.answer.split(" / "))) <= 250
    assert any(e.start_seconds <= start < e.stop_seconds for e in answer.evidence)
    assert answer.confidence <= 3


@pytest.mark.parametrize(
    ("question", "start"),
    [
        ("At what point do they start talking about the final table?", 28.0),
        ("When is the second table mentioned?", 20.0),
    ],
)
async def test_an_ordinal_that_is_said_with_its_thing_is_not_counted(
    asked: Callable[..., Awaitable[Answer]], rolling: Index, question: str, start: float
) -> None:
    answer = await asked(rolling, question)
    assert [piece.start_seconds for piece in answer.evidence][:1] == [start]


async def test_who_tells_it_is_no_part_of_what_is_told(
    asked: Callable[..., Awaitable[Answer]], rolling: Index
) -> None:
    told = await asked(rolling, "Does the narrator mention a survey?")
    assert (told.answer or "").startswith("Yes")
    assert (await asked(rolling, "Does the narrator mention a census?")).answer is None


async def test_when_a_thing_begins_is_when_it_is_spoken_of(
    asked: Callable[..., Awaitable[Answer]], make_index: Callable[..., Index]
) -> None:
    cues = [
        Cue(start_seconds=5, stop_seconds=8, text="We pack the tent."),
        Cue(start_seconds=30, stop_seconds=34, text="Now the steep climb."),
        Cue(start_seconds=50, stop_seconds=54, text="The soup starts to boil."),
    ]
    answer = await asked(make_index((), cues, 60.0), "When does the steep climb begin?")
    assert (answer.answer or "").startswith("0:30.0")


def test_a_shell_prompt_is_no_price() -> None:
    assert not shows("ada@mill:/srv$ tool install", "price")
    assert shows("Tickets: $ 12", "price")
    assert shows("12 € each", "price")


async def test_the_title_is_the_text_of_the_first_card_that_the_film_repeats(
    asked: Callable[..., Awaitable[Answer]], make_index: Callable[..., Index]
) -> None:
    """It was whatever was read first on that card, a page number or a logo."""
    texts = [("01", 0.0, 6.0), ("Prof. Ada Holt", 0.0, 6.0), ("garden tools", 0.0, 6.0)]
    cues = [Cue(start_seconds=8, stop_seconds=11, text="We asked who keeps garden tools, and which tools.")]
    answer = await asked(make_index(texts, cues, 30.0), "What is the title of the talk?")
    assert answer.answer == "garden tools"
