"""`mrvideo mcp`, asked by the official client: tools, progress, pictures, errors, cancellation, a clean
stdout.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mrvideo.library import Library
from mrvideo.mcp import make_server
from mrvideo.settings import load_settings
from mrvideo.tools.quick import QUICK_TOOLS
from mrvideo.tools.toolbox import TOOLS, Toolbox
from mrvideo.wording import rounded

pytestmark = pytest.mark.slow

mcp = pytest.importorskip("mcp")


def data_of(result: Any) -> dict[str, Any]:
    """The tool's output, which is the first part's text."""
    return json.loads(result.content[0].text)


def command(root: Path, *more: str) -> list[str]:
    return [
        "-m",
        "mrvideo",
        "mcp",
        "--root",
        str(root),
        "--library",
        str(root / ".mrvideo/library.db"),
        *more,
    ]


def over_stdio(root: Path, *more: str) -> Any:
    started = mcp.StdioServerParameters(
        command=sys.executable, args=command(root, *more), env={"HOME": os.environ["HOME"]}, cwd=root
    )
    return mcp.Client(started)


@asynccontextmanager
async def over_http(root: Path, *more: str) -> AsyncIterator[Any]:
    """A client of a server over HTTP."""
    async with http_server(root, *more) as url, mcp.Client(url) as client:
        yield client


@asynccontextmanager
async def http_server(root: Path, *more: str) -> AsyncIterator[str]:
    """The address of a server on a free port of loopback, which it names on stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *command(root, "--http", "--port", "0", *more),
        cwd=root,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        line = (await process.stderr.readline()).decode()
        assert line.startswith("serving at http://127.0.0.1:"), line
        yield line.removeprefix("serving at ").strip()
    finally:
        process.terminate()
        out, _ = await process.communicate()
    assert out == b""


async def everything(client: Any, film: str) -> None:
    """What an agent does with a server, whatever the transport."""
    listed = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert list(listed) == [tool.name for tool in (*TOOLS, *QUICK_TOOLS)]
    assert listed["look"].input_schema["required"] == ["video", "start_seconds", "stop_seconds", "question"]
    assert (
        listed["read_scenes"].annotations.read_only_hint
        and not listed["index_video"].annotations.read_only_hint
    )

    status = await client.call_tool("video_status", {"video": film})
    assert not status.is_error
    assert data_of(status)["scenes"] > 10
    assert data_of(status) == rounded(data_of(status))
    assert status.structured_content is None, "sent once"

    asked = await client.call_tool(
        "ask_video", {"video": film, "question": "What is written on the boat?", "effort": "low"}
    )
    assert set(data_of(asked)) >= {"answer", "evidence", "unseen", "searched"}

    looked = await client.call_tool(
        "look", {"video": film, "start_seconds": 8, "stop_seconds": 20, "question": "What is written there?"}
    )
    pictures = [part for part in looked.content if part.type == "image"]
    assert 1 <= len(pictures) == len(data_of(looked)["frame_times"]) <= 8
    assert all(p.mime_type == "image/jpeg" and base64.b64decode(p.data)[:2] == b"\xff\xd8" for p in pictures)

    for name, arguments, words in [
        ("video_status", {"video": "nothing.mp4"}, "not there"),
        ("read_scenes", {"video": film, "start_seconds": 9, "stop_seconds": 3}, "swap them"),
        ("look", {"video": film, "start_seconds": "soon"}, "start_seconds"),
        ("ask_video", {"video": film, "question": "  "}, "question is empty"),
        ("ask_video", {"video": film, "question": "Who?", "colour": "red"}, "colour"),
        ("play_video", {"video": film}, "no tool named"),
    ]:
        failed = await client.call_tool(name, arguments)
        assert failed.is_error, name
        assert words in failed.content[0].text
        assert "\n" not in failed.content[0].text


async def test_over_stdio(served: Any) -> None:
    async with over_stdio(served.root) as client:
        assert "no orders" in client.instructions
        await everything(client, "talk.mp4")


async def test_over_http(served: Any) -> None:
    async with over_http(served.root) as client:
        await everything(client, "talk.mp4")


async def test_what_nobody_foresaw_is_one_line_and_the_server_goes_on(
    served: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A fault in one call ended as a protocol error of many lines."""

    def fail(*_: object) -> None:
        raise RuntimeError("first line\nsecond line")

    server = make_server(served.settings, [served.root], log_file=tmp_path / "mcp.log")
    async with mcp.Client(server) as client:
        with monkeypatch.context() as patched:
            patched.setattr("mrvideo.tools.toolbox.load_index", fail)
            failed = await client.call_tool("video_status", {"video": "talk.mp4"})
        assert failed.is_error
        (part,) = failed.content
        assert part.text.startswith("unexpected RuntimeError: first line second line; ")
        assert str(tmp_path / "mcp.log") in part.text
        assert not (await client.call_tool("video_status", {"video": "talk.mp4"})).is_error
    text = (tmp_path / "mcp.log").read_text(encoding="utf-8")
    assert "mrvideo mcp, video_status" in text and "RuntimeError: first line" in text
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


async def test_results_round_times_and_money(served: Any) -> None:
    """Fifteen digits of a time cost an agent tokens, and tell it nothing."""
    box = Toolbox(served.settings, (served.root,))
    for name, arguments in (
        ("read_scenes", {"start_seconds": 0, "stop_seconds": 60}),
        ("video_status", {}),
        ("look", {"start_seconds": 8, "stop_seconds": 20, "question": "What is written there?"}),
    ):
        result = await box.call(name, {"video": "talk.mp4", **arguments})
        assert json.loads(result.text) == result.data == rounded(result.output.model_dump(mode="json"))


async def test_indexing_reports_progress_that_only_grows(tmp_path: Path, write_film: Any) -> None:
    write_film(tmp_path / "grey.mp4", seconds=30)
    reports: list[tuple[float, float | None]] = []

    async def report(progress: float, total: float | None, message: str | None) -> None:
        reports.append((progress, total))

    async with over_stdio(tmp_path) as client:
        indexed = await client.call_tool("index_video", {"video": "grey.mp4"}, progress_callback=report)
    assert data_of(indexed)["failures"] == []
    assert len(reports) >= 3
    assert [p for p, _ in reports] == sorted({p for p, _ in reports})
    assert reports[-1][0] == reports[-1][1]


@pytest.mark.parametrize("http", [False, True], ids=["stdio", "http"])
async def test_a_cancelled_call_stops_indexing(
    tmp_path: Path, write_film: Any, servers: Any, http: bool
) -> None:
    write_film(tmp_path / "grey.mp4", seconds=30)
    library = tmp_path / ".mrvideo" / "library.db"
    with servers.ChatServer(fault_of=lambda call: servers.Fault.stall()) as silent:
        model = ("--vision", "openai:test-vlm", "--base-url", silent.base_url)
        async with (over_http if http else over_stdio)(tmp_path, *model) as client:
            call = asyncio.create_task(client.call_tool("index_video", {"video": "grey.mp4"}))
            await asyncio.to_thread(silent.stalled.wait)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            # The server holds the video's claim while it works. It was asked to stop, so it lets go, still
            # running.
            with Library.open(library) as opened:
                digest = opened.videos()[0].digest
                await asyncio.to_thread(lambda: opened.claim(digest).__enter__())
            assert len((await client.list_tools()).tools) == len((*TOOLS, *QUICK_TOOLS))


def speaking(root: Path, *more: str) -> subprocess.Popen[str]:
    """The server as a plain process that has been greeted."""
    process = subprocess.Popen(
        [sys.executable, *command(root, *more)],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    hello = {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "a pipe", "version": "1"},
    }
    tell(process, {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello})
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["id"] == 1
    tell(process, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    return process


def tell(process: subprocess.Popen[str], message: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message) + "\n")
    process.stdin.flush()


def test_stdout_holds_the_protocol_and_nothing_else(served: Any) -> None:
    process = speaking(served.root)
    asked = {"name": "search_video", "arguments": {"words": "mackerel"}}
    tell(process, {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": asked})
    assert process.stdout is not None
    answer = json.loads(process.stdout.readline())
    rest, complaints = process.communicate()  # closes stdin: the client has left
    assert answer["id"] == 2 and json.loads(answer["result"]["content"][0]["text"])["hits"]
    assert rest == "" and process.returncode == 0, complaints


def test_a_client_that_leaves_takes_its_work_with_it(tmp_path: Path, write_film: Any, servers: Any) -> None:
    write_film(tmp_path / "grey.mp4", seconds=30)
    with servers.ChatServer(fault_of=lambda call: servers.Fault.stall()) as silent:
        process = speaking(tmp_path, "--vision", "openai:test-vlm", "--base-url", silent.base_url)
        asked = {"name": "index_video", "arguments": {"video": "grey.mp4"}}
        tell(process, {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": asked})
        silent.stalled.wait()
        process.communicate()  # the model would never answer: only stopping the work ends the process
    assert process.returncode == 0


def test_a_root_that_is_no_folder_is_said_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, *command(tmp_path / "nowhere")],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.count("\n") == 1 and "is not a folder" in done.stderr


async def test_the_server_serves_in_this_process_too(served: Any) -> None:
    server = make_server(load_settings(library=served.settings.library), [served.root])
    async with mcp.Client(server) as client:
        found = await client.call_tool("search_video", {"words": "mackerel"})
        assert data_of(found)["hits"][0]["source"] == "cue"


CLIENT = """
import asyncio, sys, mcp

async def call():
    async with mcp.Client(sys.argv[1], mode=sys.argv[2]) as client:
        await client.call_tool("index_video", {"video": "grey.mp4"})

asyncio.run(call())
"""


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_work_of_an_http_client_that_vanishes_ends(
    tmp_path: Path, write_film: Any, servers: Any, mode: str
) -> None:
    """Of protocol versions before 2026 a client that was killed left its indexing running, and paid for, to
    the end.
    """
    write_film(tmp_path / "grey.mp4", seconds=40)
    stall = servers.Fault.stall()
    with servers.ChatServer(fault_of=lambda call: stall if call >= 3 else None) as model:
        more = ("--vision", "openai:test-vlm", "--base-url", model.base_url)
        async with http_server(tmp_path, *more) as url:
            killed = await asyncio.create_subprocess_exec(sys.executable, "-c", CLIENT, url, mode)
            await asyncio.to_thread(model.stalled.wait)
            killed.kill()
            await killed.wait()
            # Calls that nobody answers hold the video's claim until they are stopped.
            with Library.open(tmp_path / ".mrvideo" / "library.db") as opened:
                digest = opened.videos()[0].digest
                claimed = asyncio.to_thread(lambda: opened.claim(digest).__enter__())
                await asyncio.wait_for(claimed, timeout=2)
                assert opened.latest_index(digest) is None
            calls = model.calls
            async with mcp.Client(url) as another:
                assert len((await another.list_tools()).tools) == len((*TOOLS, *QUICK_TOOLS))
            assert model.calls == calls
