"""A bound of six cents, and a server that says whatever it likes of what its calls took."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import SecretStr

import mrvideo
from mrvideo.errors import BudgetReached
from mrvideo.models.image_tokens import image_tokens
from mrvideo.models.prices import price_of
from mrvideo.models.tokens import text_tokens
from mrvideo.records import StageAdvanced
from mrvideo.settings import Settings

BOUND = 0.06
MODEL = "openai:gpt-4.1"
WORDS = "Grey, and then a little less grey. " * 60


def _late(number: int) -> Any:
    """Honest at first, so that nothing is expected of it, and then out of all bounds while many calls are in
    flight.
    """
    big = {"prompt_tokens": 10**12, "completion_tokens": 10**12}
    return {"prompt_tokens": 900, "completion_tokens": 500} if number < 6 else big


CLAIMS: dict[str, Callable[[int], Any]] = {
    "nothing": lambda number: None,
    "an empty object": lambda number: {},
    "zero": lambda number: {"prompt_tokens": 0, "completion_tokens": 0},
    "less than zero": lambda number: {"prompt_tokens": -(10**9), "completion_tokens": -1},
    "one": lambda number: {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    "words": lambda number: {"prompt_tokens": "many", "completion_tokens": [7]},
    "more cached than sent": lambda number: {
        "prompt_tokens": 50,
        "completion_tokens": 1,
        "prompt_tokens_details": {"cached_tokens": 10**9},
    },
    "absurd": lambda number: {"prompt_tokens": 10**14, "completion_tokens": 10**14},
    "not finite": lambda number: {"prompt_tokens": 1e308, "completion_tokens": "inf"},
    "absurd after a while": _late,
}


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, film_maker: Callable[[Path, int], None]) -> Path:
    path = tmp_path_factory.mktemp("cents") / "film.mp4"
    film_maker(path, 80)
    return path


_CASES = [(claim, None) for claim in CLAIMS] + [("nothing", 2)]


@pytest.mark.slow
@pytest.mark.parametrize(("claim", "workers"), _CASES)
def test_six_cents_are_six_cents(
    film: Path, chat: ModuleType, seeing: ModuleType, tmp_path: Path, claim: str, workers: int | None
) -> None:
    sent: list[float] = []
    price = price_of(MODEL)
    assert price is not None

    def answer(asked: Any) -> Any:
        reply = seeing.answer(asked)
        if asked.schema_name == "CaptionClipReply":
            reply["scenes"][0]["detailed"] += WORDS
        text = json.dumps(reply)
        shown = sum(image_tokens(*asked.image(n).size, MODEL, "auto") for n in range(len(asked.pictures)))
        tokens_in, tokens_out = text_tokens(asked.text, MODEL) + shown, text_tokens(text, MODEL)
        sent.append((tokens_in * price.input + tokens_out * price.output) / 1e6)
        body = {"choices": [{"finish_reason": "stop", "message": {"content": text}}]}
        return chat.Raw.json(body | {"usage": CLAIMS[claim](len(sent))})

    told: list[float] = []

    def on_event(event: Any) -> None:
        if isinstance(event, StageAdvanced) and event.usage is not None and event.usage.cost is not None:
            told.append(event.usage.cost)

    with chat.ChatServer(answer=answer, models=("gpt-4.1",), latency_seconds=0.02) as server:
        settings = Settings(
            vision=MODEL,
            base_url=server.base_url,
            preset="openai",
            api_key=SecretStr("sk-one-0123456789"),
            library=tmp_path / "library.db",
            clip_seconds=2,
            shard_seconds=20,
            max_cost=BOUND,
            workers=workers,
        )
        with pytest.raises(BudgetReached, match=r"max_cost \$0.0600 would be passed"):
            mrvideo.index(film, settings=settings, on_event=on_event)
    assert sent
    assert BOUND / 3 < sum(told) <= BOUND, (
        "what is told: a bound that stopped everything at once would hold, too"
    )
    # By a count of what really went over the wire. What was sent in vain to a server that counts too much is
    # the less.
    assert sum(sent) <= BOUND
