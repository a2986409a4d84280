"""The calling agent's own model is the eyes: a client of the MCP server that sees only what its tools return.

Its "model" reads the pixels of the synthetic world. No model is configured, and every question must come out
right.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image
from support import perceiver, world, world_questions

from mrvideo.errors import MrVideoError
from mrvideo.library import Library
from mrvideo.media.identity import probe
from mrvideo.media.subtitles.write import write_srt
from mrvideo.settings import Settings, load_settings
from mrvideo.tools.jobs import Jobs
from mrvideo.tools.mcp import make_server
from mrvideo.tools.quick import QUICK_TOOLS
from mrvideo.tools.results import MAX_CHARACTERS
from mrvideo.tools.tasks import TASK_TOOLS
from mrvideo.tools.toolbox import TOOLS

pytestmark = pytest.mark.slow

mcp = pytest.importorskip("mcp")

FRAME = (world.WIDTH, world.HEIGHT)
_HEAD = re.compile(
    r"(?:task (?P<task>\w+), (?:request|pictures, sheet \d+ of \d+)|kind (?P<kind>[\w-]+), [a-z ]+):\s?"
)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Two minutes of a world as a video with subtitles, and its questions, one of each kind."""
    folder = tmp_path_factory.mktemp("world")
    made = world.make_world(seed=5, minutes=2, characters=4, named=4)
    cues = sorted((*made.cues(), *world_questions.cause_cues(made, 1)), key=lambda cue: cue.start_seconds)
    path = made.render(folder / "world.mp4")
    path.with_suffix(".srt").write_text(
        write_srt([(cue.start_seconds, cue.stop_seconds, cue.text) for cue in cues]), encoding="utf-8"
    )
    every = world_questions.make_questions(made, seed=1, count=60, cues=cues)
    kinds = dict.fromkeys(question.kind for question in every)
    return SimpleNamespace(
        folder=folder,
        path=path,
        questions=[next(q for q in every if q.kind == kind) for kind in kinds],
    )


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Half a minute and five events of one, alone in its folder."""
    made = world.make_world(seed=5, minutes=0.5, characters=4)
    path = made.render(tmp_path_factory.mktemp("short") / "world.mp4")
    return SimpleNamespace(folder=path.parent)


def settings_of(folder: Path, **more: Any) -> Settings:
    return load_settings(library=folder / "library.db", vision="host", **more)


@asynccontextmanager
async def http_server(root: Path, *more: str) -> AsyncIterator[str]:
    """The address of a server on a free port of loopback."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "mrvideo", "mcp", "--root", str(root), "--http", "--port", "0", *more),
        cwd=root,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        line = (await process.stderr.readline()).decode()
        yield line.removeprefix("serving at ").strip()
    finally:
        process.terminate()
        await process.communicate()


class Agent:
    """What an agent's model gets from the tools and says to them. `told` counts the kinds whose instructions
    came.
    """

    def __init__(self, client: Any, eyes: Any = None) -> None:
        self.client = client
        self.eyes = eyes or world_questions.teach(perceiver.Perceiver())
        self.knows: list[str] = []
        self.told: Counter[str] = Counter()
        self.answered: list[str] = []

    async def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        """The result of a call, however many tasks it leaves."""
        while True:
            result = await self.client.call_tool(name, arguments)
            assert not result.is_error, result.content[0].text
            data = json.loads(result.content[0].text)
            if data.get("state") != "waiting for you":
                return data
            while await self.work():
                pass

    async def work(self, limit: int = 4) -> bool:
        """Take tasks and answer them; False when nothing waits, or the result is there."""
        told, tasks = await self.take(limit)
        for task in tasks:
            result = await self.client.call_tool(
                "submit_reply", {"task": task.name, "reply": self.eyes.answer(task.seen)}
            )
            verdict = json.loads(result.content[0].text)
            assert verdict["accepted"] or "answered already" in verdict["problem"], verdict
            if verdict["accepted"]:
                self.answered.append(task.name)
        done = any(line["state"] == "done" for line in told["work"])
        return bool(tasks) or (told["state"] == "ask again soon" and not done)

    async def take(self, limit: int = 4) -> tuple[dict[str, Any], list[SimpleNamespace]]:
        result = await self.client.call_tool("next_task", {"limit": limit, "knows": self.knows})
        told = json.loads(result.content[0].text)
        texts: dict[str, str] = {line["task"]: "" for line in told["tasks"]}
        pictures: dict[str, list[tuple[str, bytes]]] = {name: [] for name in texts}
        labels, name = "", ""
        for part in result.content[1:]:
            if part.type == "image":
                jpeg = base64.b64decode(part.data)
                assert len(jpeg) <= 1_000_000
                pictures[name] += cells(labels, jpeg)
                continue
            assert len(part.text) <= MAX_CHARACTERS
            head = _HEAD.match(part.text)
            if head is None:
                texts[name] += part.text
            elif head["kind"]:
                self.told[head["kind"]] += 1
            elif "request" in head[0]:
                name = head["task"]
                texts[name] += part.text[head.end() :]
            else:
                labels = part.text[head.end() :]
        self.knows += [line["kind"] for line in told["tasks"] if line["kind"] not in self.knows]
        for line in told["tasks"]:
            assert len(pictures[line["task"]]) == line["pictures"]
        return told, [
            SimpleNamespace(
                name=line["task"],
                seen=perceiver.Task(
                    line["kind"].rpartition("-")[0], texts[line["task"]], tuple(pictures[line["task"]])
                ),
            )
            for line in told["tasks"]
        ]


def cells(labels: str, jpeg: bytes) -> list[tuple[str, bytes]]:
    """The pictures of a sheet, as its labels name them; exemplars stand on sheets of their own."""
    if labels.startswith("sheet, "):
        return [(labels, jpeg)]
    names = labels.split(" | ")
    image = Image.open(io.BytesIO(jpeg))
    columns = min(len(names), image.width // FRAME[0])
    found: list[tuple[str, bytes]] = []
    for place, name in enumerate(names):
        left, top = place % columns * FRAME[0], place // columns * (FRAME[1] + 20) + 20
        stream = io.BytesIO()
        # The frame before a clip is half as large as the clip's own.
        share = 2 if name == "before" else 1
        size = (FRAME[0] // share, FRAME[1] // share)
        image.crop((left, top, left + size[0], top + size[1])).save(stream, "JPEG", quality=95)
        found.append((name, stream.getvalue()))
    return found


def wrong(question: Any, data: dict[str, Any]) -> str | None:
    answer = SimpleNamespace(answer=data["answer"])
    right = world_questions.is_right(question, answer)  # type: ignore[arg-type]
    return None if right else f"{question.text} {question.truth!r}, not {data['answer']!r}"


async def test_every_question_is_answered_right_by_the_callers_own_eyes(place: Any, tmp_path: Path) -> None:
    server = make_server(settings_of(tmp_path), [place.folder])
    async with mcp.Client(server) as client:
        assert "you are its eyes" in client.instructions
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names == [tool.name for tool in (*TOOLS, *QUICK_TOOLS, *TASK_TOOLS)]
        agent = Agent(client)
        indexed = await agent.call("index_video", video="world.mp4")
        assert indexed["failures"] == [] and indexed["scenes"] > 5
        assert len(agent.answered) == indexed["usage"]["calls"] > 5
        missed = []
        for question in place.questions:
            data = await agent.call("ask_video", video="world.mp4", question=question.text)
            missed.append(wrong(question, data))
            # What was said is quoted, and nothing is looked at.
            seen = question.truth is not None and question.kind != "why"
            assert data["verified"] == seen and data["unseen"] == [], question.text
        assert [one for one in missed if one] == []
        assert len(place.questions) >= 8
        assert len(set(agent.answered)) == len(agent.answered), "no task is answered twice"
        # Instructions and schema: each kind's once.
        assert set(agent.told.values()) == {2}
        progress = json.loads((await client.call_tool("progress", {"video": "world.mp4"})).content[0].text)
        assert progress["total"] == {
            "open": 0, "taken": 0, "answered": len(agent.answered), "failed": 0,
        }  # fmt: skip
        # All of it is kept: with the same settings nothing is asked again.
        again = Agent(client)
        data = await again.call("ask_video", video="world.mp4", question=place.questions[0].text)
        assert wrong(place.questions[0], data) is None and again.answered == []


async def test_two_clients_work_on_one_video_and_none_does_the_others_work(
    short: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_of(tmp_path)
    # The one that is left over waits as long for what the other might yet leave to it.
    monkeypatch.setattr("mrvideo.tools.tasks._WAIT_SECONDS", 1.0)
    async with (
        mcp.Client(make_server(settings, [short.folder])) as one,
        mcp.Client(make_server(settings, [short.folder])) as other,
    ):
        first, second = Agent(one), Agent(other)
        begun = await one.call_tool("index_video", {"video": "world.mp4"})
        assert json.loads(begun.content[0].text)["state"] == "waiting for you"

        assert await second.work(limit=1) and await first.work(limit=1)
        done = asyncio.Event()

        async def lead() -> None:
            while await first.work(limit=1):
                pass
            done.set()

        async def help_out() -> None:
            while not done.is_set():
                await second.work(limit=1)

        await asyncio.wait_for(asyncio.gather(lead(), help_out()), 90)
        indexed = await first.call("index_video", video="world.mp4")
        assert indexed["failures"] == []
        assert not set(first.answered) & set(second.answered)
        assert len(first.answered) + len(second.answered) == indexed["usage"]["calls"]
        assert first.answered and second.answered
        status = json.loads((await other.call_tool("video_status", {"video": "world.mp4"})).content[0].text)
        assert status["scenes"] == indexed["scenes"]


async def test_a_client_that_dies_costs_its_leases_alone(place: Any, tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    async with mcp.Client(make_server(settings, [place.folder])) as client:
        await client.call_tool("index_video", {"video": "world.mp4"})
        _, taken = await Agent(client).take(2)
        assert taken
    with Library.open(settings.library) as library:
        (counts,) = [one for one in library.count_tasks() if one.taken]
        assert counts.taken == len(taken)
        # Its time is over, ten minutes on.
        now = time.time() + 600
        assert len(library.take_tasks(100, lease_seconds=-600, now=now)) >= len(taken)
    async with mcp.Client(make_server(settings, [place.folder])) as client:
        agent = Agent(client)
        indexed = await agent.call("index_video", video="world.mp4")
        assert indexed["failures"] == []
        assert {task.name for task in taken} <= set(agent.answered)


async def test_what_is_wrong_with_a_reply_is_told(place: Any, tmp_path: Path) -> None:
    async with mcp.Client(make_server(settings_of(tmp_path), [place.folder])) as client:
        await client.call_tool("index_video", {"video": "world.mp4"})
        _, (task, *_) = await Agent(client).take(1)
        result = await client.call_tool("submit_reply", {"task": task.name, "reply": {"characters": "none"}})
        verdict = json.loads(result.content[0].text)
        assert not verdict["accepted"] and verdict["tries_left"] == 1 and verdict["problem"]
        unknown = await client.call_tool("submit_reply", {"task": "0" * 16, "reply": {}})
        assert unknown.is_error and "no task" in unknown.content[0].text


async def test_tasks_of_videos_outside_the_roots_are_not_told_of(place: Any, tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    async with mcp.Client(make_server(settings, [place.folder])) as client:
        await client.call_tool("index_video", {"video": "world.mp4"})
        _, (task, *_) = await Agent(client).take(1)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    async with mcp.Client(make_server(settings, [elsewhere])) as client:
        told, tasks = await Agent(client).take(1)
        assert (told["state"], tasks) == ("nothing waits", [])
        refused = await client.call_tool("submit_reply", {"task": task.name, "reply": {}})
        assert refused.is_error and "no task" in refused.content[0].text


async def test_a_second_server_says_that_another_process_is_at_work(
    place: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two of its requests no task waits: whoever reads "nothing waits" goes, and the index stands still."""
    settings = settings_of(tmp_path)
    monkeypatch.setattr("mrvideo.tools.tasks._WAIT_SECONDS", 0.3)
    monkeypatch.setattr("mrvideo.tools.tasks._LULL_SECONDS", 0.1)
    info = probe(str(place.path))
    with Library.open(settings.library) as library:
        library.put_video(info)
        async with mcp.Client(make_server(settings, [place.folder])) as client:
            with library.claim(info.digest):
                told, tasks = await Agent(client).take(1)
                assert (told["state"], tasks, told["elsewhere"]) == ("ask again soon", [], [info.path])
            told, tasks = await Agent(client).take(1)
            assert (told["state"], tasks, told["elsewhere"]) == ("nothing waits", [], [])
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with Library.open(settings.library) as library, library.claim(info.digest):
        async with mcp.Client(make_server(settings, [elsewhere])) as client:
            told, _ = await Agent(client).take(1)
            assert told["elsewhere"] == [], "of videos outside the roots nothing is told"


async def test_with_a_model_of_its_own_the_server_has_no_tasks(tmp_path: Path) -> None:
    async with mcp.Client(make_server(load_settings(library=tmp_path / "library.db"), [tmp_path])) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names == [tool.name for tool in (*TOOLS, *QUICK_TOOLS)]
        assert "eyes" not in client.instructions


@pytest.mark.parametrize("mode", ["auto", "legacy"])
@pytest.mark.parametrize("http", [False, True], ids=["stdio", "http"])
async def test_over_both_transports_with_and_without_the_handshake(
    short: Any, tmp_path: Path, http: bool, mode: Any
) -> None:
    more = ("--vision", "host", "--library", str(tmp_path / "library.db"))
    async with AsyncExitStack() as opened:
        if http:
            server = await opened.enter_async_context(http_server(short.folder, *more))
        else:
            arguments = ["-m", "mrvideo", "mcp", "--root", str(short.folder), *more]
            server = mcp.StdioServerParameters(
                command=sys.executable, args=arguments, env=dict(os.environ), cwd=short.folder
            )
        agent = Agent(await opened.enter_async_context(mcp.Client(server, mode=mode)))
        indexed = await agent.call("index_video", video="world.mp4")
        assert indexed["failures"] == [] and indexed["scenes"] >= 5


async def test_work_is_fetched_by_the_same_call_and_stopped_with_the_one_that_waits() -> None:
    ready, begun, stopped = asyncio.Event(), asyncio.Event(), asyncio.Event()
    wait = True

    async def waits() -> bool:
        return wait

    async def work() -> str:
        begun.set()
        try:
            await ready.wait()
        except asyncio.CancelledError:
            stopped.set()
            raise
        return "made"

    async def fail() -> str:
        raise MrVideoError("broken")

    jobs = Jobs(waits)
    assert await jobs.run("a", work) is None
    assert jobs.states == {"a": "running"}
    ready.set()
    assert await jobs.run("a", work) == "made"
    assert jobs.states == {}
    with pytest.raises(MrVideoError, match="broken"):
        await jobs.run("b", fail)
    ready.clear()
    begun.clear()
    wait = False
    call = asyncio.create_task(jobs.run("c", work))
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await asyncio.wait_for(stopped.wait(), 2)
    wait = True
    stopped.clear()
    assert await jobs.run("d", work) is None
    await jobs.close()
    assert stopped.is_set() and jobs.states == {}
