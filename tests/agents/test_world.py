"""The whole pipeline in a world whose truth is known, by a model that sees only pixels and the prompts' text.

Perfect eyes make every answer right: whatever is lost, the pipeline lost. With faulty eyes, looking again and
verifying win part of it back. `benchmarks/faults.py` draws the whole curve.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from support.chat_server import ChatServer

from mrvideo.media.subtitles.write import write_srt
from mrvideo.records import Answer, Effort
from mrvideo.session.estimating import estimate_index
from mrvideo.settings import Settings

# One process renders and indexes the world for all of them.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("world")]

PRICED = "gpt-5-mini"


@pytest.fixture(scope="module")
def place(asking: Any, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Six minutes of a world as a video, indexed by perfect eyes, and its questions."""
    folder = tmp_path_factory.mktemp("world")
    made = asking.world.make_world(seed=5, minutes=6, characters=8, named=8)
    cues = sorted((*made.cues(), *asking.cause_cues(made, 1)), key=lambda cue: cue.start_seconds)
    path: Path = made.render(folder / "world.mp4")
    # The estimate reads a video's own subtitles.
    path.with_suffix(".srt").write_text(
        write_srt([(c.start_seconds, c.stop_seconds, c.text) for c in cues]), encoding="utf-8"
    )
    eyes = asking.teach(asking.perceiver.Perceiver())
    model = asking.perceiving(eyes)
    return SimpleNamespace(
        made=made,
        cues=cues,
        path=path,
        folder=folder,
        model=model,
        index=asking.index_of(path, model, cues, folder),
        questions=asking.make_questions(made, seed=1, count=210, cues=cues),
        frames=asking.KeptFrames(path),
    )


def put_all(
    asking: Any, place: Any, questions: Any, effort: Effort, *, index: Any = None, model: Any = None
) -> Any:
    async def every() -> list[Answer]:
        return [
            await asking.put(q, index or place.index, place.frames, model or place.model, effort)
            for q in questions
        ]

    return list(zip(questions, asyncio.run(every()), strict=True))


def wrong(asking: Any, answered: Any) -> list[str]:
    return [f"{q.text} {q.truth!r}, not {a.answer!r}" for q, a in answered if not asking.is_right(q, a)]


def test_the_world_is_asked_in_every_way(asking: Any, place: Any) -> None:
    assert len(place.questions) >= 200
    kinds = Counter(question.kind for question in place.questions)
    assert set(kinds) == set(asking.KINDS)
    assert min(kinds.values()) >= 3


def test_perfect_eyes_make_every_answer_right_verified_and_rightly_cited(asking: Any, place: Any) -> None:
    # Ten of a kind differ in all that its questions can differ in.
    answered = put_all(asking, place, list(asking.of_each_kind(place.questions, 10)), "high")
    assert {question.kind for question, _ in answered} == set(asking.KINDS)
    assert wrong(asking, answered) == []
    for question, answer in answered:
        found = question.truth is not None
        # What only words tell is on no frame.
        assert answer.checked_by == (
            () if not found else ("quote",) if question.kind == "why" else answer.checked_by
        )
        assert answer.verified == (found and question.kind != "why"), question.text
        assert all(claim.holds for claim in answer.claims), question.text
        assert answer.rounds == (1 if question.truth is not None else 2), (
            "what is not found is searched again"
        )
        assert answer.removed_citations == 0
        assert answer.unseen == ()
        if question.truth is not None:
            assert asking.evidence_is_right(question, answer), (question.text, answer.evidence)


@pytest.mark.parametrize("effort", ["low", "medium"])
def test_lower_efforts_are_right_too_where_captions_hold_everything(
    asking: Any, place: Any, effort: Effort
) -> None:
    answered = put_all(asking, place, place.questions[::6], effort)
    assert wrong(asking, answered) == []
    assert not any(answer.verified for _, answer in answered)


def with_faults(
    asking: Any, place: Any, folder: Path, eyes: Any, efforts: tuple[Effort, ...]
) -> dict[Effort, Any]:
    """The first questions, answered at each effort over an index that these eyes made."""
    model = asking.perceiving(asking.teach(eyes))
    index = asking.index_of(place.path, model, place.cues, folder)
    return {
        effort: put_all(asking, place, place.questions[:44], effort, index=index, model=model)
        for effort in efforts
    }


def test_what_captions_leave_vague_is_won_back_by_looking_again(
    asking: Any, place: Any, tmp_path: Path
) -> None:
    eyes = asking.perceiver.Perceiver(asking.perceiver.Faults(vague_caption=0.3, seed=5))
    answered = with_faults(asking, place, tmp_path, eyes, ("low", "medium", "high"))
    right = {effort: len(some) - len(wrong(asking, some)) for effort, some in answered.items()}
    verified = [(q, a) for q, a in answered["high"] if a.verified]
    assert len(verified) > 22
    missed = [q for q, a in verified if not asking.is_right(q, a)]
    assert all(q.kind in asking.BROAD for q in missed) and len(missed) <= 1, (
        "what is called verified is right; only a count or a summary may still lack something"
    )
    assert right["low"] + 3 <= min(right["medium"], right["high"]), right


def test_what_confused_eyes_lose_is_won_back_by_more_looks_and_checks(
    asking: Any, place: Any, tmp_path: Path
) -> None:
    """Low reads captions alone; high looks, checks, and goes a second round. One throw of the dice says
    little: three.
    """
    twins = {
        one.face: other.face
        for one in place.made.characters
        for other in place.made.characters
        if one.face != other.face and one.look == other.look
    }
    right: Counter[str] = Counter()
    verified = verified_wrong = 0
    for seed in range(5, 8):
        faults = asking.perceiver.Faults(confuses_look_alikes=0.1, seed=seed)
        eyes = asking.perceiver.Perceiver(faults, look_alikes=twins)
        answered = with_faults(asking, place, tmp_path / str(seed), eyes, ("low", "high"))
        right.update({effort: len(some) - len(wrong(asking, some)) for effort, some in answered.items()})
        sure = [(q, a) for q, a in answered["high"] if a.verified]
        verified += len(sure)
        verified_wrong += len(wrong(asking, sure))
    assert verified > 66
    assert verified_wrong <= verified / 10, "what is called verified is nearly always right"
    assert right["low"] + 5 <= right["high"], right


@pytest.mark.parametrize("effort", ["medium", "high"])
def test_a_question_of_each_kind_takes_what_the_estimate_says(
    asking: Any, place: Any, effort: Effort
) -> None:
    estimate = estimate_index(str(place.path), Settings(vision=f"openai:{PRICED}"))
    least, most = estimate.question[effort], estimate.question_most[effort]
    for kind in asking.KINDS:
        question = next(q for q in place.questions if q.kind == kind)
        place.model.requests.clear()
        put_all(asking, place, [question], effort)
        sent = place.model.requests
        assert least.calls <= len(sent) <= most.calls, kind
        assert least.images <= sum(len(r.pictures) for r in sent) <= most.images, kind
        tokens = sum(asking.tokens_of(r, PRICED) for r in sent)
        assert least.input_tokens <= tokens <= most.input_tokens, kind


@pytest.mark.parametrize("effort", ["medium", "high"])
def test_why_is_told_by_cues_without_a_picture(asking: Any, place: Any, effort: Effort) -> None:
    questions = [q for q in place.questions if q.kind == "why"]
    place.model.requests.clear()
    assert wrong(asking, put_all(asking, place, questions, effort)) == []
    assert questions and sum(len(r.pictures) for r in place.model.requests) == 0


def test_over_http_the_answers_are_the_same(asking: Any, place: Any, tmp_path: Path) -> None:
    from mrvideo.models import ModelSettings, open_model
    from mrvideo.models.ledger import Ledger

    eyes = asking.teach(asking.perceiver.Perceiver())
    questions = [next(q for q in place.questions if q.kind == kind) for kind in asking.KINDS]
    with ChatServer(answer=eyes.over_http) as server:
        settings = ModelSettings.parse("openai:test-vlm", base_url=server.base_url)

        async def every() -> list[Answer]:
            model = open_model(settings, ledger=Ledger())
            try:
                return [await asking.put(q, place.index, place.frames, model, "high") for q in questions]
            finally:
                await model.aclose()

        answers = asyncio.run(every())
        assert server.refusals == []
    assert wrong(asking, list(zip(questions, answers, strict=True))) == []
    told = [q.truth is not None for q in questions]
    assert [bool(a.claims) and all(c.holds for c in a.claims) for a in answers] == told
    assert [a.verified for a in answers] == [
        t and q.kind != "why" for q, t in zip(questions, told, strict=True)
    ]
