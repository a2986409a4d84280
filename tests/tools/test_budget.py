"""A conversation, a toolbox and a server each have one bound: what their calls take is added up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mrvideo.errors import BudgetReached
from mrvideo.models import Budget
from mrvideo.settings import load_settings
from mrvideo.tools.toolbox import Toolbox


@pytest.fixture
def settings(tmp_path: Path, write_film: Any, chat_server: Any) -> Any:
    write_film(tmp_path / "grey.mp4", seconds=20)
    return load_settings(
        vision="openai:test-vlm",
        base_url=chat_server.base_url,
        library=tmp_path / "library.db",
        max_tokens=10**6,
    )


async def test_tool_calls_share_one_bound(settings: Any, chat_server: Any, tmp_path: Path) -> None:
    film = str(tmp_path / "grey.mp4")
    question = {"video": film, "question": "What colour is it?", "options": ["grey", "red"], "effort": "low"}
    free = Toolbox(settings, budget=Budget())
    await free.call("index_video", {"video": film})
    before = chat_server.input_tokens + chat_server.output_tokens
    await free.call("ask_video", question)
    one_answer = chat_server.input_tokens + chat_server.output_tokens - before

    fresh = settings.model_copy(update={"fresh": True})
    bound = 40 * one_answer
    box = Toolbox(fresh, budget=Budget(max_tokens=bound))
    before = chat_server.input_tokens + chat_server.output_tokens
    with pytest.raises(BudgetReached):
        for _ in range(80):
            await box.call("ask_video", question)
    spent = chat_server.input_tokens + chat_server.output_tokens - before
    assert 10 * one_answer < spent <= bound, "several answers fit the bound, and their sum keeps to it"
