"""Every skill answers its own examples, and says nothing where they say so."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from mrvideo.models.offline import stages
from mrvideo.models.offline.skills import SKILLS
from mrvideo.records import Answer, Cue, Index, Shot
from mrvideo.text import tomllib

FILMS = tomllib.loads(Path(__file__).with_name("examples.toml").read_text("utf-8"))
OF_DIALOGUE = ("who", "keyed")
EXAMPLES = [(skill, *example) for skill, asked in FILMS["examples"].items() for example in asked.items()]


def test_every_skill_has_examples() -> None:
    assert {skill.__module__.rpartition(".")[2] for skill in SKILLS} == set(FILMS["examples"])


def film(make_index: Callable[..., Index], skill: str) -> Index:
    told: dict[str, Any] = FILMS["dialogue"] if skill in OF_DIALOGUE else FILMS
    cues = [
        Cue(start_seconds=c[0], stop_seconds=c[1], text=c[2], speaker=c[3] if len(c) > 3 else None)
        for c in told["cues"]
    ]
    index = make_index([tuple(t) for t in told["texts"]], cues, told["duration_seconds"])
    shots = tuple(
        Shot(start_seconds=20.0 * n, stop_seconds=20.0 * n + 20) for n in range(told.get("shots", 0))
    )
    if skill == "measure":
        cues = [
            cue.model_copy(update={"speaker": name}) for cue, name in zip(index.cues, "ABABAB", strict=True)
        ]
        return index.model_copy(update={"shots": shots, "cues": tuple(cues)})
    return index.model_copy(update={"shots": shots})


@pytest.mark.slow
@pytest.mark.parametrize(("skill", "question", "words"), EXAMPLES)
async def test_a_skill_answers_its_examples(
    asked: Callable[..., Awaitable[Answer]],
    make_index: Callable[..., Index],
    skill: str,
    question: str,
    words: str | Literal[False],
) -> None:
    answer = await asked(film(make_index, skill), question)
    if not words:
        assert answer.answer is None
        assert not answer.evidence
    else:
        assert answer.answer is not None
        assert words in answer.answer
        assert answer.evidence


@pytest.mark.slow
@pytest.mark.parametrize(("skill", "question", "words"), [each for each in EXAMPLES if each[2]])
async def test_an_example_is_answered_by_its_own_skill_alone(
    asked: Callable[..., Awaitable[Answer]],
    make_index: Callable[..., Index],
    monkeypatch: pytest.MonkeyPatch,
    skill: str,
    question: str,
    words: str,
) -> None:
    """Or else an example would show what another skill can."""
    monkeypatch.setattr(stages, "SKILLS", [s for s in SKILLS if s.__module__.endswith(f".{skill}")])
    monkeypatch.setattr(stages, "retrieve", lambda question, timeline: None)
    assert words in ((await asked(film(make_index, skill), question)).answer or "")
