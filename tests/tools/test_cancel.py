"""Cancelling stops the work: nothing is asked any more, and what is done is kept."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

import mrvideo
from mrvideo.library import Library
from mrvideo.records import Event, StageAdvanced


async def test_cancelling_aindex_ends_calls_that_nobody_answers(
    tmp_path: Path, write_film: Any, servers: Any
) -> None:
    film = write_film(tmp_path / "grey.mp4", seconds=40)
    library = tmp_path / "library.db"
    # After the third call the server reads and never answers: only a real stop lets go of the video's claim.
    with servers.ChatServer(fault_of=lambda call: servers.Fault.stall() if call >= 3 else None) as server:
        task = asyncio.create_task(
            mrvideo.aindex(film, vision="openai:test-vlm", base_url=server.base_url, library=library)
        )
        await asyncio.to_thread(server.stalled.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with Library.open(library) as opened:
            digest = opened.videos()[0].digest
            await asyncio.to_thread(lambda: opened.claim(digest).__enter__())
            assert opened.latest_index(digest) is None


async def test_cancelling_stops_at_the_next_step_where_calls_are_instant(
    tmp_path: Path, write_film: Any
) -> None:
    film = write_film(tmp_path / "grey.mp4", seconds=30)
    seen: list[Event] = []
    task: asyncio.Task[Any]
    loop = asyncio.get_running_loop()

    def cancel_at_first_step(event: Event) -> None:
        seen.append(event)
        if isinstance(event, StageAdvanced) and event.done:
            asyncio.run_coroutine_threadsafe(_cancel(task), loop).result()

    task = asyncio.create_task(
        mrvideo.aindex(film, library=tmp_path / "library.db", on_event=cancel_at_first_step)
    )
    with pytest.raises(asyncio.CancelledError):
        await task
    with Library.open(tmp_path / "library.db") as library:
        digest = library.videos()[0].digest
        await asyncio.to_thread(lambda: library.claim(digest).__enter__())
        assert library.latest_index(digest) is None
    assert sum(isinstance(event, StageAdvanced) and event.done > 0 for event in seen) == 1


async def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    # Cancelling takes effect in the task's own turn.
    await asyncio.wait([task])
