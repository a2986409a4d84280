"""What an offline answer may claim: quotes are no proof, what is not found comes with what is closest, a page
tells all once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from mrvideo.agents.ask.run import ask
from mrvideo.models.offline import OfflineModel
from mrvideo.models.offline.page import page
from mrvideo.models.offline.question import parse
from mrvideo.models.offline.reading.colours import without_bars
from mrvideo.models.offline.timeline import items_of, timeline_of
from mrvideo.models.offline.wording import (
    check_of,
    claim_of_colour,
    claim_of_end,
    claim_on_screen,
    claim_said,
    last_frame,
    line_seen,
    lines_seen,
    main_colour,
    picture_sentence,
)
from mrvideo.records import Answer, Cue, Index, Span
from mrvideo.text import language_of, languages, times_in


def cue(start: float, stop: float, text: str, speaker: str | None = None) -> Cue:
    return Cue(start_seconds=start, stop_seconds=stop, text=text, speaker=speaker)


def heard(*cues: tuple[float, float, str]) -> list[tuple[str | None, str]]:
    """Who says what, of cues."""
    items = [item for start, stop, text in cues for item in items_of(start, stop, "cue", text)]
    return [(i.speaker, i.text) for i in timeline_of(items, languages()["en"]).speech]


def test_cues_are_joined_to_sentences() -> None:
    """ "Which telescope is it?" was not found, for its name ended the cue before."""
    assert heard((0, 4, "This is the segment of the Webb"), (4, 8, "space telescope."), (8, 9, "Good.")) == [
        (None, "This is the segment of the Webb space telescope."),
        (None, "Good."),
    ]


def test_a_pause_ends_a_sentence() -> None:
    assert len(heard((0, 2, "and so we went"), (9, 11, "to the sea"))) == 2


def test_several_who_speak_in_one_cue_are_told_apart() -> None:
    assert heard((0, 4, "JOHN: Where is it? MARY: Here.")) == [("JOHN", "Where is it?"), ("MARY", "Here.")]
    assert heard((0, 4, "- Where is it? - Here.")) == [(None, "Where is it?"), (None, "Here.")]


async def test_a_sound_is_no_speech(
    asked: Callable[..., Awaitable[Answer]], make_index: Callable[..., Index]
) -> None:
    index = make_index((), [cue(1, 3, "Good morning."), cue(5, 7, "[door slams]")], 20.0)
    assert (await asked(index, "What is the last sentence said?")).answer == "Good morning."


async def test_what_is_not_found_comes_with_what_is_closest(
    asked: Callable[..., Awaitable[Answer]], make_index: Callable[..., Index]
) -> None:
    index = make_index(
        [("BAKERY", 20.0, 25.0)], [cue(1, 3, "The baker sings."), cue(50, 53, "It rains.")], 60.0
    )
    answer = await asked(index, "When was the bakery built?")
    assert answer.answer is None
    assert answer.nearest[0].quote == "BAKERY"
    assert len(answer.nearest) == 3
    assert (await asked(index, "What is said at 0:40?")).nearest[0].start_seconds == 50.0


@pytest.mark.slow
@pytest.mark.parametrize("background", ["#204060"])
async def test_a_quote_is_no_check_on_pixels(
    make_index: Callable[..., Index], make_film: Callable[..., Any], background: str
) -> None:
    """`verified` used to be true for whatever a cue says, which nobody had looked at again."""
    index = make_index([("KITTIWAKE", 10.0, 20.0)], [cue(30, 33, "The ferry leaves at nine.")], 60.0)
    film, model = make_film(60.0, background).text("KITTIWAKE", 10.0, 20.0), OfflineModel()

    async def of(question: str) -> Answer:
        return await ask(question, index=index, frames=film, vision=model, text=model, effort="high")

    said, shown = await of("When does the ferry leave?"), await of("When is KITTIWAKE shown?")
    assert (said.checked_by, said.verified) == (("quote",), False)
    assert (shown.checked_by, shown.verified) == (("pixels", "quote"), True)
    assert (await of("Who is the captain?")).checked_by == ()


def test_a_page_tells_each_text_and_sentence_once(make_index: Callable[..., Index]) -> None:
    texts = [("HARBOUR", 0.0, 9.9), ("HARBOUR", 30.0, 35.0), ("NEWS", 0.0, 60.0)]
    index = make_index(texts, [cue(8, 12, "It rains"), cue(12, 15, "in Bergen.")], 60.0)
    shots = tuple({"start_seconds": 10.0 * n, "stop_seconds": 10.0 * n + 10} for n in range(6))
    lines = page(Index.model_validate({**index.model_dump(), "shots": shots}))
    text = "\n".join(lines)
    assert text.count("HARBOUR") == text.count("NEWS") == 1
    assert "It rains in Bergen." in text
    assert lines.index("On screen while the pictures change (a watermark or a logo):") + 1 == lines.index(
        "  0:00.0–1:00.0  “NEWS”"
    )


def test_sound_without_cues_says_how_to_hear_it(make_index: Callable[..., Index]) -> None:
    index = make_index((), (), 20.0)
    loud = index.model_copy(update={"video": index.video.model_copy(update={"has_audio": True})})
    assert any('pip install "mrvideo[asr]"' in line for line in page(loud))
    assert not any("asr" in line for line in page(index))


def test_bars_are_not_colour() -> None:
    film = np.zeros((90, 160, 3), np.uint8)
    film[20:70] = (200, 40, 40)
    assert without_bars(film).shape == (50, 160, 3)
    dark = np.zeros((90, 160, 3), np.uint8)
    assert without_bars(dark) is dark


def test_what_is_written_is_read_again_as_it_was_meant() -> None:
    span = Span(1.0, 2.0)
    assert main_colour(picture_sentence(["dark blue", "white", "red"])) == "dark blue"
    assert lines_seen(line_seen("NO SWIMMING")) == ["NO SWIMMING"]
    assert check_of(claim_on_screen("Room 101", span)[1]) == ("screen", ("Room 101",))
    assert check_of(claim_said("I lost it.", "Anna", span)[1]) == ("speech", ("I lost it.",))
    assert check_of(claim_of_colour("dark blue", span)[1]) == ("colour", ("dark blue",))
    assert check_of(last_frame(59.25)) == ("end", ("59.25",))
    assert check_of(claim_of_end(60.0)[1]) == ("other", ())


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("Wann steht STOP GOLF auf dem Bildschirm?", "de"),
        ("Combien de temps dure la vidéo ?", "fr"),
        ("¿Qué dice el capitán?", "es"),
        ("O que diz o capitão?", "pt"),
        ("Che cosa dice il capitano?", "it"),
        ("Wat zegt de kapitein?", "nl"),
        ("船长说了什么？", "zh"),
        ("船長は何と言いましたか？", "ja"),
        ("ماذا قال القبطان؟", "ar"),
        ("What does the captain say?", "en"),
    ],
)
def test_the_language_of_a_question_is_told_by_its_words(question: str, code: str) -> None:
    assert language_of(question).code == code


def test_every_table_has_what_skills_answer_with() -> None:
    for table in languages().values():
        assert {"yes", "no", "shown", "said", "before", "after"} <= set(table.answers), table.code
        concepts = {concept for found in table.phrases.values() for concept in found}
        assert {"when", "who", "what", "says", "shows", "before", "after", "last", "not", "or"} <= concepts, (
            table.code
        )


def test_times_are_read_in_the_question_own_language() -> None:
    assert times_in("nach 2 Minuten 5 Sekunden", languages()["de"]) == [125.0]
    assert times_in("at second 95", languages()["en"]) == [95.0]


def test_a_quotation_is_one_word_however_it_reads() -> None:
    question = parse('Who says "after the last first"?')
    assert question.relation is None
    assert question.ordinal == 0
    assert [run.text for run in question.runs()] == ["after the last first"]


async def test_the_background_of_a_film_that_has_one_colour_is_told(
    asked: Callable[..., Awaitable[Answer]], make_index: Callable[..., Index]
) -> None:
    """It was told only of a moment that the question named."""
    index = make_index((), (), 30.0)
    assert (await asked(index, "What colour is the background?")).answer == "dark blue"
    assert (await asked(index, "What colour is the car?")).answer is None
    first, *others = index.scenes
    red = first.model_copy(update={"detailed": first.detailed.replace("dark blue", "red")})
    changing = index.model_copy(update={"scenes": (red, *others)})
    assert (await asked(changing, "What colour is the background?")).answer is None


def test_a_page_counts_one_shot_and_one_scene(make_index: Callable[..., Index]) -> None:
    index = make_index((), (), 10.0)
    one = Index.model_validate(
        {**index.model_dump(), "shots": ({"start_seconds": 0.0, "stop_seconds": 10.0},)}
    )
    assert page(one)[0] == "0:10.0 long, 1 shot, 1 scene"
    assert page(make_index((), (), 20.0))[0] == "0:20.0 long, 0 shots, 2 scenes"
