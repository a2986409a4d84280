"""Questions asked of an index whose texts and cues are known, through the whole of stage B."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from mrvideo.models.offline.stages import answer
from mrvideo.records import Answer, Cue, Index
from mrvideo.schemas.analysis import AnswerInputs, EvidenceLine, GlobalIntentionReply

TEXTS = (
    ("The secret word is Mango", 14.0, 16.0),
    ("The secret word is Cherry", 77.0, 79.0),
    ("The final animal is Otter", 123.0, 125.0),
    ("APPLE", 200.0, 202.0),
    ("RIVER", 240.0, 242.0),
    ("APPLE", 300.0, 302.0),
    ("Room 101", 350.0, 352.0),
    ("The secret word is Plum", 420.0, 422.0),
    ("BREAD & BUNS", 500.0, 502.0),
    ("The lucky fruit is Kiwi", 555.0, 557.0),
)


def cue(start: float, stop: float, text: str, speaker: str) -> Cue:
    return Cue(start_seconds=start, stop_seconds=stop, text=text, speaker=speaker)


CUES = (
    cue(2, 4, "Good morning, everybody.", "Anna"),
    cue(15, 18, "The train to Bergen leaves at nine.", "Tom"),
    cue(40, 43, "I lost my umbrella in the library.", "Anna"),
    cue(62, 65, "We should buy seven apples.", "Tom"),
    cue(201, 203, "Why are you sad, Anna?", "Tom"),
    cue(204, 206, "Because my umbrella is gone.", "Anna"),
)


@pytest.fixture
def index(make_index: Callable[..., Index]) -> Index:
    return make_index(TEXTS, CUES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("What is the final animal?", "Otter"),
        ("What is the lucky fruit?", "Kiwi"),
        ("What room number is shown?", "Room 101"),
        ("What comes right after RIVER?", "APPLE"),
        ("After the word RIVER, what is the next word to appear?", "APPLE"),
        ("What word precedes RIVER?", "APPLE"),
        ('What was the text right before the text "Room 101"?', "APPLE"),
        ("Which secret word comes right after Cherry?", "The secret word is Plum"),
        ("What is shown between RIVER and Room 101?", "APPLE"),
        ("What text appears at 5:00?", "APPLE"),
        ("What word can be seen at 301 seconds?", "APPLE"),
        ("What is the first word that appears on screen?", "The secret word is Mango"),
        ("What is the last text shown on screen?", "The lucky fruit is Kiwi"),
        ("In what order do Room 101, APPLE and RIVER first appear?", "APPLE, RIVER, Room 101"),
        ("Name the secret words in order of appearance.", "The secret word is Mango, The secret word is Cherry, The secret word is Plum"),
        ("What text is on screen when Tom asks why Anna is sad?", "APPLE"),
        ("What does Anna say after Tom talks about Bergen?", "I lost my umbrella in the library."),
        ("Who says good morning?", "Anna"),
        ("Why is Anna sad?", "Anna: Because my umbrella is gone."),
        ("What did Anna lose?", "Anna: I lost my umbrella in the library."),
        ("When does the train leave?", "Tom: The train to Bergen leaves at nine."),
        ("What colour is the background when APPLE is shown?", "dark blue"),
    ],
)  # fmt: skip
async def test_open_questions(
    asked: Callable[..., Awaitable[Answer]], index: Index, question: str, wanted: str
) -> None:
    answer = await asked(index, question)
    assert answer.answer == wanted
    assert answer.evidence
    assert answer.removed_citations == 0


@pytest.mark.parametrize(
    ("question", "start", "stop"),
    [
        ("When does the word RIVER appear?", 240.0, 242.0),
        ("At which second is 'Room 101' shown?", 350.0, 352.0),
        ("What is the lucky fruit?", 555.0, 557.0),
        ("Does the text BREAD AND BUNS appear?", 500.0, 502.0),
        ("Is Bergen mentioned?", 15.0, 18.0),
    ],
)
async def test_evidence_spans_are_the_texts_own(
    asked: Callable[..., Awaitable[Answer]], index: Index, question: str, start: float, stop: float
) -> None:
    [evidence] = (await asked(index, question)).evidence
    assert (evidence.start_seconds, evidence.stop_seconds) == (start, stop)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "options", "choice"),
    [
        ("Which sign can be seen?", ["FISH AND CHIPS", "BREAD AND BUNS"], 1),
        ("What is the final animal?", ["Tiger", "Otter", "Zebra"], 1),
        ("Which word appears first?", ["RIVER", "APPLE", "Room 101"], 1),
        ("Which word appears last?", ["RIVER", "APPLE", "Room 101"], 2),
        (
            "In which order are the words for the secret word shown?",
            ["Plum, Mango, Cherry", "Mango, Cherry, Plum"],
            1,
        ),
        ("What is the right order?", ["APPLE -> RIVER -> Room 101", "RIVER -> APPLE -> Room 101"], 0),
        ("How many different words for the secret word are shown on screen?", ["2", "3", "4"], 1),
        ('How many times is the text "APPLE" shown?', ["once", "twice", "three times"], 1),
        ("When does the word RIVER appear?", ["at 1:00", "at 4:00", "at 6:00"], 1),
        ("Which of the following does not appear in the video?", ["Mango", "Banana", "Cherry", "Plum"], 1),
        ("Is the word RIVER shown?", ["No", "Yes"], 1),
        ("Does Room 101 appear before RIVER?", ["Yes", "No"], 1),
        ("What did Anna lose?", ["her keys", "her umbrella", "her phone"], 1),
        ("How many apples should they buy?", ["five", "seven", "nine"], 1),
        ("Which word is shown?", ["(A) Durian", "(B) Kiwi", "(C) Lychee"], 1),
    ],
)
async def test_options(
    asked: Callable[..., Awaitable[Answer]], index: Index, question: str, options: list[str], choice: int
) -> None:
    answer = await asked(index, question, options)
    assert answer.choice == choice
    assert not answer.guessed
    assert answer.evidence


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "options"),
    [
        ("What is the hidden fruit?", ()),
        ("What is the hidden fruit?", ("Durian", "Lychee")),
        ("What is the secret number?", ("Banana", "Papaya")),
        ("What is the secret name?", ()),
        ("Does the word ZEBRA appear?", ()),
        ("Does the word ZEBRA appear?", ("Yes", "No")),
        ("What comes right after ZEBRA?", ()),
        ("When is the word ZEBRA shown?", ()),
        ("How many times is ZEBRA shown?", ("1", "2")),
        ("In which order do ZEBRA and RIVER appear?", ()),
        ("What is the man doing?", ()),
        ("What is Tom wearing?", ()),
        ("How many people are in the room?", ()),
        ("What is the dog's name?", ()),
        ("Why is Tom sad?", ()),
        ("What did Tom lose?", ()),
        ("Is Oslo mentioned?", ()),
        ("What colour is the car?", ()),
        ("What is on screen at 1:40?", ()),
        ("What is the capital of France?", ()),
        ("What happens at the end?", ()),
    ],
)
async def test_what_is_not_there_is_not_found(
    asked: Callable[..., Awaitable[Answer]], index: Index, question: str, options: tuple[str, ...]
) -> None:
    answer = await asked(index, question, options)
    assert answer.answer is None
    assert answer.choice is None
    assert not answer.evidence
    assert answer.searched


async def test_a_demanded_choice_without_support_is_marked_as_a_guess(
    asked: Callable[..., Awaitable[Answer]], index: Index
) -> None:
    answer = await asked(index, "What is the hidden fruit?", ["Durian", "Lychee"], must_choose=True)
    assert answer.choice in (0, 1)
    assert answer.guessed
    assert answer.answer is None


async def test_how_often_names_every_time(asked: Callable[..., Awaitable[Answer]], index: Index) -> None:
    answer = await asked(index, "How many times does APPLE appear?")
    assert answer.answer is not None
    assert answer.answer.startswith("2")
    assert [e.start_seconds for e in answer.evidence] == [200.0, 300.0]


async def test_an_empty_video_answers_nothing(
    asked: Callable[..., Awaitable[Answer]], make_index: Callable[..., Index]
) -> None:
    answer = await asked(make_index(()), "What text is shown?")
    assert answer.answer is None


async def test_segments_do_not_hide_neighbours(
    asked: Callable[..., Awaitable[Answer]], make_index: Callable[..., Index]
) -> None:
    # 32 scenes of 10 s are one segment: the two texts lie in different calls, far apart.
    index = make_index((("ALPHA", 300.0, 302.0), ("OMEGA", 900.0, 902.0)), (), 1200.0)
    assert (await asked(index, "What comes right after ALPHA?")).answer == "OMEGA"
    assert (await asked(index, "What comes right before OMEGA?")).answer == "ALPHA"


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What was the revenue?", True),
        ("What city name appears right after OSLO?", False),
        ("How many times does OSLO appear?", False),
        ("In what order do OSLO and BERGEN appear?", False),
    ],
)
def test_a_few_fresh_frames_tell_what_is_shown_but_not_what_stands_beside_it(
    question: str, found: bool
) -> None:
    """Between two frames that were looked at there may be anything."""
    seen = (("OSLO", 10.0), ("BERGEN", 20.0), ("Revenue: $4.2 million", 30.0))
    evidence = tuple(
        EvidenceLine(
            id=f"e{place}", start_seconds=at, stop_seconds=at + 1, source="frame", quote=f"the text “{text}”"
        )
        for place, (text, at) in enumerate(seen, start=1)
    )
    plan = GlobalIntentionReply(reasoning="Look.", combine="select", scope="local", spans=())
    reply = answer(AnswerInputs(question=question, plan=plan, evidence=evidence))
    assert reply.found == found
