"""A running timecode or a bare number is no title of a chapter and no sentence of a story."""

from __future__ import annotations

import pytest

from mrvideo.models.offline.chapters import chapter, is_counter, tell
from mrvideo.records import Span
from mrvideo.schemas.analysis import SceneLine, SightingLine
from mrvideo.schemas.memory import ChapterInputs, ChapterReply, NodeLine, TellInputs

COUNTER = "00:00:04.000 100"


def remembered(*texts: str) -> ChapterReply:
    """A chapter of one scene that shows these texts, each for four seconds."""
    shown = tuple(
        SightingLine(start_seconds=place * 5.0, stop_seconds=place * 5.0 + 4, text=text)
        for place, text in enumerate(texts)
    )
    stop = len(texts) * 5.0
    scene = SceneLine(index=0, start_seconds=0.0, stop_seconds=stop, caption="", screen_text=shown)
    return chapter(ChapterInputs(span=Span(0.0, stop), scenes=(scene,)))


@pytest.mark.parametrize("text", [COUNTER, "25", "“25”", "12/31", "1:02:03", "#100", "00042"])
def test_digits_and_marks_count(text: str) -> None:
    assert is_counter(text)


@pytest.mark.parametrize("text", ["1969", "“1969”", "Room 25", "25 EUR", "50%", "…"])
def test_words_amounts_and_years_tell_something(text: str) -> None:
    assert not is_counter(text)


def test_a_title_is_what_is_written_beside_the_counter() -> None:
    assert remembered(COUNTER, "Harbour").title == "Harbour"
    assert remembered(COUNTER).title == COUNTER, "there is nothing else"


def test_a_story_and_a_summary_leave_the_counter_out() -> None:
    made = remembered(COUNTER, "Harbour gate", "25.500")
    assert {fact.text for fact in made.facts} >= {f"“{COUNTER}”"}, "it is remembered all the same"
    assert [sentence.text for sentence in made.summary] == ["“Harbour gate”"]
    node = NodeLine(name="1.0", start_seconds=0.0, stop_seconds=15.0, title=made.title, facts=made.facts)
    told = tell(TellInputs(style="story", span=Span(0.0, 15.0), nodes=(node,), sentences=24))
    assert [sentence.text for sentence in told.sentences] == ["“Harbour gate”"]
