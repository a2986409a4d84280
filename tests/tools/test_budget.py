"""A conversation, a toolbox and a server each have one bound: what their calls take is added up."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mrvideo.errors import BudgetReached
from mrvideo.models import Budget
from mrvideo.settings import load_settings
from mrvideo.tools.toolbox import Toolbox

pytestmark = pytest.mark.slow


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


async def test_the_bound_of_a_server_says_what_it_is_and_how_to_raise_it(
    settings: Any, chat_server: Any, tmp_path: Path
) -> None:
    """Clients took it for a bound on each call, and called again; operators did not know that a new start
    goes on.
    """
    mcp = pytest.importorskip("mcp")
    from mrvideo.mcp import make_server

    index = {"video": "grey.mp4"}
    question = {**index, "question": "What colour is it?", "options": ["grey", "red"], "effort": "low"}
    await Toolbox(settings, (tmp_path,)).call("index_video", index)

    async with mcp.Client(make_server(settings.updated(max_tokens=20), [tmp_path])) as client:
        assert (
            "All calls together take at most 20 tokens, for as long as this server runs"
            in client.instructions
        )
        before = chat_server.calls
        for _ in range(3):
            refused = await client.call_tool("ask_video", question)
            assert refused.is_error
            line = refused.content[0].text
            assert "max_tokens 20 would be passed" in line and "\n" not in line
            assert "starts it anew with a higher --max-cost or --max-tokens" in line
        assert chat_server.calls == before

    async with mcp.Client(make_server(settings.updated(max_tokens=10**6), [tmp_path])) as client:
        assert not (await client.call_tool("ask_video", question)).is_error
    async with mcp.Client(make_server(settings.updated(max_tokens=20), [tmp_path])) as client:
        assert not (await client.call_tool("ask_video", question)).is_error, "kept: it costs nothing"
    free = settings.model_copy(update={"max_tokens": None})
    async with mcp.Client(make_server(free, [tmp_path])) as client:
        assert "take at most" not in client.instructions


async def test_a_call_that_is_cancelled_counts(settings: Any, servers: Any, tmp_path: Path) -> None:
    """A client that asks and leaves, again and again, had the operator's money without end."""
    stalling = servers.ChatServer(fault_of=lambda index: servers.Fault.stall())
    with stalling as server:
        budget = Budget(max_tokens=60_000)
        box = Toolbox(
            settings.model_copy(update={"base_url": server.base_url, "concurrency": 1}), budget=budget
        )
        for _ in range(40):
            server.stalled.clear()
            asking = asyncio.create_task(box.call("index_video", {"video": str(tmp_path / "grey.mp4")}))
            stalled = asyncio.create_task(asyncio.to_thread(server.stalled.wait, 60))
            ended, _ = await asyncio.wait({asking, stalled}, return_when=asyncio.FIRST_COMPLETED)
            if asking in ended:
                server.stalled.set()
                await stalled
                break
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
        with pytest.raises(BudgetReached):
            await asking
