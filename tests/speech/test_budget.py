"""One bound for all that a run pays, judged by what two servers counted: the ears' and the eyes'."""

from __future__ import annotations

import re
from typing import Any

import pytest
from support.chat_server import ChatServer

import mrvideo
from mrvideo.errors import BudgetReached
from mrvideo.models.prices import cost
from mrvideo.records import Usage

SECONDS = 40.0
SOUND_COST = SECONDS * 0.006 / 60


def _captions(asked: Any) -> dict[str, Any]:
    if asked.schema_name != "CaptionClipReply":
        return {"characters": []}
    labels = [re.fullmatch(r"(\d+\.\d+) s", label) for label, _ in asked.pictures]
    times = [float(label[1]) for label in labels if label]
    scene = {
        "start_seconds": times[0],
        "stop_seconds": times[-1],
        "brief": "grey",
        "detailed": "Grey. " * 2000,
    }
    return {"continues_previous": False, "scenes": [scene | {"appearing": [], "screen_text": []}]}


@pytest.fixture
def eyes() -> Any:
    """A chat server whose model has a price."""
    with ChatServer(answer=_captions, models=("gpt-4.1-nano",)) as running:
        yield running


@pytest.fixture
def indexed(make_video, bursts, server, eyes, tmp_path, monkeypatch):
    """Index a film that is heard and seen, under a bound in dollars."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    film = make_video(seconds=SECONDS, sound=bursts(SECONDS, (0.1, SECONDS - 0.2, 440)))

    def index(max_cost: float | None, **overrides: Any) -> mrvideo.Video:
        return mrvideo.index(
            film,
            library=tmp_path / "library.db",
            vision="openai:gpt-4.1-nano",
            speech="openai:whisper-1",
            vision_base_url=eyes.base_url,
            speech_base_url=server.url,
            preset="openai",
            max_cost=max_cost,
            **overrides,
        )

    return index


def _paid(server: Any, eyes: Any) -> float:
    tokens = Usage(
        input_tokens=eyes.input_tokens, cached_tokens=eyes.input_tokens // 4, output_tokens=eyes.output_tokens
    )
    seen = cost("openai:gpt-4.1-nano", tokens)
    assert seen is not None
    return seen + sum(server.seconds) * 0.006 / 60


@pytest.mark.slow
def test_hearing_and_seeing_share_one_bound(indexed, server, eyes):
    """With a bound each, a run could cost twice what its owner allowed."""
    bound = 0.0068
    with pytest.raises(BudgetReached, match="max_cost"):
        indexed(bound)
    assert server.seconds == pytest.approx([SECONDS], abs=0.5)
    assert 0 < eyes.answered < 5
    assert SOUND_COST < _paid(server, eyes) <= bound

    done = indexed(None)
    assert not done.failures
    assert done.cues
    assert server.seconds == pytest.approx([SECONDS], abs=0.5), "what was heard is kept"
    assert eyes.answered == 5
    assert _paid(server, eyes) > bound, "either alone stays below it, so only their sum could pass"
    assert max(SOUND_COST, _paid(server, eyes) - SOUND_COST) < bound


def test_worker_processes_are_held_to_what_hearing_left(indexed, server, eyes):
    """Workers are told of no bound: what was heard must be counted before the first of them starts."""
    with pytest.raises(BudgetReached, match="max_cost"):
        indexed(SOUND_COST, workers=1)
    assert eyes.answered == 0
    assert _paid(server, eyes) <= SOUND_COST * 1.01
