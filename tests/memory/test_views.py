"""Summaries and chapters as people read them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from support.memory_films import film, honest

from mrvideo.errors import ModelRefused
from mrvideo.memory.build import build_memory
from mrvideo.memory.tell import tell
from mrvideo.memory.tree import Memory
from mrvideo.memory.views import MOST_LISTED, chapters_text, listed, summary, with_names
from mrvideo.models.base import Request
from mrvideo.models.offline.handlers import HANDLERS
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Cue, Failure, Index, Sighting, Span


def remembered(index: Index) -> Memory:
    return asyncio.run(build_memory(index, text=ScriptedModel(honest), on_event=lambda event: None))


def read(index: Index) -> Memory:
    """As the model that only reads builds it."""
    model = ScriptedModel(lambda request: HANDLERS[request.prompt.name](request).model_dump())
    return asyncio.run(build_memory(index, text=model, on_event=lambda event: None))


def test_each_length_cites_spans_and_says_no_sentence_twice() -> None:
    index = film(400, names=True)
    memory = remembered(index)
    counts: list[int] = []
    for length in ("short", "page", "long"):
        told = summary(index, memory, length)  # pyright: ignore[reportArgumentType]
        sentences = [one for section in told.sections for one in section.sentences]
        texts = [one.text for one in sentences]
        assert len(texts) == len(set(texts))
        assert all(one.spans for one in sentences)
        assert all("Mara" in text and "<person_1>" not in text for text in texts)
        counts.append(len(sentences))
    assert counts == sorted(counts) and counts[0] < counts[2]


def test_a_long_video_lists_parts_unless_every_chapter_is_asked_for() -> None:
    index = film(400)
    memory = remembered(index)
    assert len(memory.chapters) > MOST_LISTED
    assert listed(memory) == memory.levels[1]
    assert listed(memory, every=True) == memory.chapters
    assert listed(Memory(key="k")) == ()


def test_chapters_in_the_formats_that_others_read() -> None:
    index = film(40)
    nodes = remembered(index).chapters
    nodes = (nodes[0].model_copy(update={"title": "A = B; #1 \\ \x1b[31m", "start_seconds": 0.4}), *nodes[1:])
    youtube = chapters_text(index, nodes, "youtube").splitlines()
    assert youtube[0].startswith("0:00 A = B")
    assert youtube[1].startswith(
        f"{int(nodes[1].start_seconds) // 60}:{int(nodes[1].start_seconds) % 60:02d} "
    )
    metadata = chapters_text(index, nodes, "ffmetadata")
    assert metadata.startswith(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=400\n")
    assert "title=A \\= B\\; \\#1 \\\\ [31m\n" in metadata
    assert chapters_text(index, nodes, "vtt").startswith("WEBVTT")
    assert "\x1b" not in metadata + chapters_text(index, nodes, "text") + "".join(youtube)


def test_names_are_those_that_people_are_called_by() -> None:
    entities = film(1, names=True).entities
    assert with_names("<person_1> meets <red_car_2>.", entities) == "Mara meets red car 2."


def test_what_was_not_seen_is_said() -> None:
    index = film(20)
    lost = Failure.of(Span(40.0, 50.0), "decode", "broken bytes")
    index = index.model_copy(update={"failures": (lost,)})
    told = summary(index, remembered(index), "page")
    assert [(u.span, u.reason) for u in told.unseen] == [(Span(40.0, 50.0), "broken bytes")]
    assert "not seen: 0:40.0–0:50.0: broken bytes" in str(told)


def spoken(count: int) -> Index:
    """Texts and lines of speech, each its own, as a video has them that was only read."""
    topics = ("tide", "harbour", "engine", "weather")
    index = film(count)
    scenes = [
        s.model_copy(
            update={
                "detailed": "The picture is mostly blue. Nothing moves.",
                "brief": "still",
                "entity_names": (),
                "parts": (),
                "sightings": (
                    Sighting(
                        start_seconds=s.start_seconds,
                        stop_seconds=s.stop_seconds,
                        text=f"PAGE {s.index} OF THE LOG",
                    ),
                ),
            }
        )
        for s in index.scenes
    ]
    cues = [
        Cue(
            start_seconds=5.0 * n + 1,
            stop_seconds=5.0 * n + 4,
            text=f"We talk of the {topics[n // 10 % 4]} for the {n}th time.",
        )
        for n in range(count)
    ]
    return index.model_copy(update={"scenes": tuple(scenes), "cues": tuple(cues), "entities": ()})


def test_without_a_model_a_page_of_what_was_read_and_heard_by_chapter() -> None:
    index = spoken(60)
    memory = read(index)
    assert memory.dropped == 0 and not memory.failures
    facts = {fact.text for chapter in memory.chapters for fact in chapter.facts}
    assert {f"“PAGE {n} OF THE LOG”" for n in range(60)} <= facts
    assert {cue.text for cue in index.cues} <= facts
    told = summary(index, memory, "long")
    sentences = [one.text for section in told.sections for one in section.sentences]
    assert len(sentences) == len(set(sentences)) >= 2 * len(memory.chapters)
    assert not [s for s in sentences if "mostly blue" in s], "what was measured is not what it is about"
    for chapter in memory.chapters:
        middle = (chapter.first_scene + chapter.last_scene) // 2
        assert any(middle in fact.scenes for fact in chapter.facts)


def test_a_telling_about_something_keeps_to_it_and_drops_what_nothing_bears_out() -> None:
    index = film(200)

    def telling(request: Request[Any]) -> dict[str, Any]:
        if request.prompt.name != "tell":
            return honest(request)
        scenes = [s for node in request.inputs.nodes for f in node.facts for s in f.scenes]  # type: ignore[attr-defined]
        first, last = min(scenes), max(scenes)
        return {
            "sentences": [
                {"text": f"<person_1> does deed number {first}.", "scenes": [first]},
                {"text": f"<person_1> does deed number {last}.", "scenes": [last]},
                {"text": "Everyone applauds the mayor.", "scenes": [first]},
                {"text": "<person_1> does deed number 7.", "scenes": [12345]},
            ]
        }

    model = ScriptedModel(telling)
    memory = asyncio.run(build_memory(index, text=model, on_event=lambda event: None))
    told = asyncio.run(
        tell(index, memory, text=model, style="summary", within=Span(100, 200), on_event=lambda event: None)
    )
    assert told.dropped == 2
    spans = [span for section in told.sections for one in section.sentences for span in one.spans]
    assert spans and all(span.overlaps(Span(100, 200)) for span in spans), "facts outside were not shown"


def test_a_story_is_told_chapter_by_chapter_and_a_refused_one_is_said() -> None:
    index = film(400)

    def telling(request: Request[Any]) -> Any:
        if request.prompt.name != "tell":
            return honest(request)
        if request.span is not None and request.span.start_seconds > 0:
            raise ModelRefused("not this one")
        fact = request.inputs.nodes[0].facts[0]  # type: ignore[attr-defined]
        return {"sentences": [{"text": fact.text, "scenes": list(fact.scenes)}]}

    model = ScriptedModel(telling)
    memory = asyncio.run(build_memory(index, text=model, on_event=lambda event: None))
    told = asyncio.run(tell(index, memory, text=model, style="story", on_event=lambda event: None))
    assert len(told.sections) == 1 and told.unseen
    assert all("not this one" in one.reason for one in told.unseen)


@pytest.mark.parametrize("length", ["short", "page", "long"])
def test_nothing_known_is_said_plainly(length: Any) -> None:
    told = summary(film(0), remembered(film(0)), length)
    assert str(told) == "nothing of it was found in what was seen, read and heard"
