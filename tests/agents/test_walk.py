"""Walking the memory of a long video: what is opened, what is read on, and what an answer says it has not
read.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from support import perceiver, world_memory
from support import world_questions as asking

from mrvideo.agents.ask.run import ask
from mrvideo.memory.build import build_memory
from mrvideo.models.base import Request
from mrvideo.records import Answer, Effort, Moment, Reason, Scene

pytestmark = pytest.mark.slow

PRICED = "gpt-5-mini"


@pytest.fixture(scope="module")
def hour() -> SimpleNamespace:
    """An hour as perfect eyes captioned it, remembered by the same mind; its frames are drawn on demand."""
    long = world_memory.make_long_world(1.0, questions=44)
    model = world_memory.model_of(world_memory.remembering(perceiver.Perceiver()))
    memory = asyncio.run(build_memory(long.index, text=model, on_event=lambda event: None))
    frames = world_memory.DrawnFrames(long.made)
    return SimpleNamespace(long=long, model=model, memory=memory, frames=frames)


def put(
    hour: Any, question: asking.Question, effort: Effort, **arguments: Any
) -> tuple[Answer, list[Request[Any]]]:
    hour.model.requests.clear()
    arguments = {"memory": hour.memory, **arguments}
    answer = asyncio.run(
        ask(
            question.text, options=question.options, index=hour.long.index, frames=hour.frames,
            vision=hour.model, text=hour.model, effort=effort, **arguments,
        )
    )  # fmt: skip
    return answer, list(hour.model.requests)


def read_in(requests: list[Request[Any]]) -> set[int]:
    return {s.index for r in requests if r.stage == "segment_intention" for s in r.inputs.scenes}  # type: ignore[attr-defined]


def longest_chain(requests: list[Request[Any]]) -> int:
    """Calls in a row: those of one map are beside each other."""
    beside = {
        "segment_intention",
        "whole_intention",
        "read_facts",
        "look_local",
        "look_global",
        "verify",
        "reduce_intentions",
    }
    counts = Counter(r.prompt.name for r in requests)
    return sum(1 if name in beside else count for name, count in counts.items() if name != "goals")


@pytest.mark.parametrize("effort", ["low", "medium", "high"])
def test_an_hour_is_answered_rightly_by_what_its_memory_points_to(hour: Any, effort: Effort) -> None:
    kinds: set[str] = set()
    for question in asking.of_each_kind(hour.long.questions, 2 if effort == "medium" else 1):
        answer, requests = put(hour, question, effort)
        assert asking.is_right(question, answer), (question.text, question.truth, answer.answer)
        read = read_in(requests)
        deciding = [
            s.index for s in hour.long.index.scenes if any(s.span.overlaps(d) for d in question.spans)
        ]
        assert read.issuperset(deciding), question.text
        assert len(read) < len(hour.long.index.scenes) / 2
        assert answer.unread, "most of it was not read, and the answer says so"
        assert not any(
            s.span.overlaps(u) for u in answer.unread for s in hour.long.index.scenes if s.index in read
        )
        if answer.rounds == 1:
            assert longest_chain(requests) <= 8, question.text
        if question.kind not in asking.BROAD and question.truth is not None:
            assert sum(asking.tokens_of(r, PRICED) for r in requests) < 60_000
        kinds.add(question.kind)
    assert kinds == set(asking.KINDS)


def absent(hour: Any) -> asking.Question:
    return next(q for q in hour.long.questions if q.truth is None)


@pytest.mark.parametrize("effort", ["low", "high"])
def test_what_a_part_does_not_hold_is_looked_for_in_the_facts_of_all(hour: Any, effort: Effort) -> None:
    answer, requests = put(hour, absent(hour), effort)
    names = [r.prompt.name for r in requests]
    assert answer.answer is None and answer.rounds == 2
    assert names.index("walk") < names.index("read_facts")
    told = {n.name for r in requests if r.prompt.name == "read_facts" for n in r.inputs.nodes}  # type: ignore[attr-defined]
    assert told == {chapter.name for chapter in hour.memory.chapters}
    assert "not found in what was read of the video" in str(answer) and "not read:" in str(answer)
    assert answer.confidence <= 3


def test_without_a_further_round_absence_says_what_was_not_read(hour: Any) -> None:
    answer, requests = put(hour, absent(hour), "high", max_rounds=1)
    assert answer.answer is None and "read_facts" not in [r.prompt.name for r in requests]
    assert sum(span.duration_seconds for span in answer.unread) > hour.long.made.duration_seconds / 2


def test_exhaustive_reads_every_scene(hour: Any) -> None:
    answer, requests = put(hour, absent(hour), "exhaustive", max_rounds=1)
    assert read_in(requests) == {scene.index for scene in hour.long.index.scenes}
    assert answer.unread == () and answer.effort == "exhaustive"
    assert "not found in the video" in str(answer)
    assert not [r for r in requests if r.prompt.name in ("walk", "read_facts")]


def test_a_moment_that_only_its_pictures_tell_of_is_opened_and_looked_at(hour: Any) -> None:
    """Captions miss a third of what happens in worlds with faults; what no caption tells was found by nobody."""
    question = next(q for q in hour.long.questions if q.kind == "where")
    (span,) = question.spans
    index = hour.long.index

    def untold(scene: Scene) -> Scene:
        first = scene.detailed.split(". ")[0].rstrip(".") + "."
        told = {"brief": first, "detailed": first, "entity_names": ()}
        return scene.model_copy(update=told) if scene.span.overlaps(span) else scene

    faulty = index.model_copy(update={"scenes": tuple(map(untold, index.scenes))})
    memory = asyncio.run(build_memory(faulty, text=hour.model, on_event=lambda event: None))
    missed = SimpleNamespace(
        long=SimpleNamespace(index=faulty), model=hour.model, memory=memory, frames=hour.frames
    )
    times = {"start_seconds": span.start_seconds, "stop_seconds": span.stop_seconds}
    seen = Reason(**times, source="picture", quote="the frame at 11:02")
    pointed = [Moment(**times, video_digest="0" * 64, video="world.mp4", score=1.0, why=(seen,))]
    before, _ = put(missed, question, "high")
    assert not asking.is_right(question, before)
    after, requests = put(missed, question, "high", pointed=pointed)
    assert asking.is_right(question, after), after.answer
    assert {s.index for s in index.scenes if s.span.overlaps(span)} <= read_in(requests)
    told = [
        moment.model_copy(update={"why": (seen.model_copy(update={"source": "caption"}),)})
        for moment in pointed
    ]
    read, _ = put(missed, question, "high", pointed=told)
    assert not asking.is_right(question, read), "what words have found is read, not looked at"


def test_a_question_about_everything_opens_where_those_it_names_were_seen(hour: Any) -> None:
    """A caption that missed somebody leaves no fact behind; the cast still tells where that one was seen."""
    faulty = world_memory.lossy(hour.long.index, 0.3)
    memory = asyncio.run(build_memory(faulty, text=hour.model, on_event=lambda event: None))
    missed = SimpleNamespace(
        long=SimpleNamespace(index=faulty), model=hour.model, memory=memory, frames=hour.frames
    )
    broad = [q for q in hour.long.questions if q.kind in ("visits", "order")][:8]
    for question in broad:
        _, requests = put(missed, question, "low")
        deciding = {
            s.index for s in hour.long.index.scenes if any(s.span.overlaps(one) for one in question.spans)
        }
        assert deciding <= read_in(requests), question.text
        assert len(read_in(requests)) < len(faulty.scenes) / 2


def test_a_question_about_everything_does_not_open_where_those_it_names_are_spoken_of(hour: Any) -> None:
    index = hour.long.index
    question = next(q for q in hour.long.questions if q.kind == "visits")
    who = next(e for e in index.entities if e.display_name and e.display_name in question.text)
    shown = {s.index for s in index.scenes if f"<{who.name}>" in s.detailed}

    def heard(scene: Scene) -> Scene:
        if scene.index in shown:
            return scene
        told = f"{scene.detailed} Somebody asks where <{who.name}> is."
        names = (*scene.entity_names, who.name)
        return scene.model_copy(
            update={"brief": scene.brief, "detailed": told, "parts": (), "entity_names": names}
        )

    scenes = tuple(map(heard, index.scenes))
    spoken = index.model_copy(
        update={
            "scenes": scenes,
            "entities": tuple(
                e.model_copy(update={"scene_indexes": tuple(s.index for s in scenes)}) if e == who else e
                for e in index.entities
            ),
        }
    )
    asked = SimpleNamespace(
        long=SimpleNamespace(index=spoken), model=hour.model, memory=hour.memory, frames=hour.frames
    )
    _, requests = put(asked, question, "low")
    (_, before) = put(hour, question, "low")
    assert shown <= read_in(requests)
    assert len(read_in(requests)) <= len(read_in(before)) + 8, "asked about is not seen"


def test_opened_chapters_are_bounded(hour: Any) -> None:
    question = next(q for q in hour.long.questions if q.kind == "where")
    _, requests = put(hour, question, "low", max_opened=2)
    opened = {hour.memory.chapter_of_scene[scene] for scene in read_in(requests)}
    assert len(opened) == 2
