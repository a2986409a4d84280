"""The skill tells of the tools that there are, installs where agents read it, and is the MCP server's prompt."""

from __future__ import annotations

import base64
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mrvideo.cli.app import run
from mrvideo.tools.mcp import make_server
from mrvideo.tools.quick import QUICK_TOOLS
from mrvideo.tools.skill import skill_body, skill_text
from mrvideo.tools.tasks import TASK_TOOLS
from mrvideo.tools.toolbox import TOOLS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

mcp = pytest.importorskip("mcp")


def test_it_has_the_front_matter_that_agents_read() -> None:
    _, head, body = skill_text().split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in head.strip().split("\n"))
    assert set(fields) == {"name", "description"}
    assert re.fullmatch(r"[a-z0-9-]{1,64}", fields["name"]) and 50 < len(fields["description"]) <= 1024
    assert skill_text().count("\n") < 500 and body.strip() == skill_body()


def test_it_names_each_tool_and_no_other() -> None:
    tools = {tool.name for tool in (*TOOLS, *QUICK_TOOLS, *TASK_TOOLS)}
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)*)`", skill_text()))
    words = {"detail", "knows", "limit", "unseen", "start_seconds", "stop_seconds"}
    assert tools <= named
    assert named - tools == words


def test_it_is_printed_and_installed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["skill"]) == 0
    assert capsys.readouterr().out == skill_text()
    assert run(["skill", "--install", str(tmp_path / "skills")]) == 0
    assert (tmp_path / "skills" / "mrvideo" / "SKILL.md").read_text(encoding="utf-8") == skill_text()
    (tmp_path / "file").write_text("")
    assert run(["skill", "--install", str(tmp_path / "file")]) == 2
    assert "name another folder" in capsys.readouterr().err


async def test_it_is_a_prompt_and_indexed_videos_are_resources(served: Any, tmp_path: Path) -> None:
    async with mcp.Client(make_server(served.settings, [served.root])) as client:
        (prompt,) = (await client.list_prompts()).prompts
        assert prompt.name == "mrvideo"
        (message,) = (await client.get_prompt("mrvideo")).messages
        assert message.content.text == skill_body()
        video, sheets = (await client.list_resources()).resources
        assert video.name.endswith("talk.mp4") and sheets.name.endswith("talk.mp4, contact sheet")
        (page,) = (await client.read_resource(video.uri)).contents
        told = json.loads(page.text)
        assert len(page.text) <= 16_000 and told["scenes"][0]["start_seconds"] == 0
        shown = [base64.b64decode(one.blob) for one in (await client.read_resource(sheets.uri)).contents]
        assert 1 <= len(shown) <= 5 and {one.mime_type for one in [sheets]} == {"image/jpeg"}
        for jpeg in shown:
            image = Image.open(io.BytesIO(jpeg))
            assert max(image.size) <= 1568 and len(jpeg) <= 1_000_000
            # Pictures of the film, not one grey field.
            assert len(set(image.convert("L").resize((16, 16)).tobytes())) > 10
        # To be shown a sheet as a resource is not to be shown pictures: they cannot be cited.
        claim = {"text": "A boat.", "start_seconds": 2, "stop_seconds": 3}
        cited = {"video": "talk.mp4", "question": "What?", "answer": "A boat.", "claims": [claim]}
        refused = await client.call_tool("answer", {**cited, "conversation": "of sheets"})
        assert json.loads(refused.content[0].text)["accepted"] is False
    async with mcp.Client(make_server(served.settings, [served.outside])) as client:
        assert (await client.list_resources()).resources == []
        with pytest.raises(mcp.MCPError, match="no resource"):
            await client.read_resource(video.uri)
        with pytest.raises(mcp.MCPError, match="no resource"):
            await client.read_resource(sheets.uri)
        with pytest.raises(mcp.MCPError, match="no prompt named 'other'; there is mrvideo"):
            await client.get_prompt("other")


def test_the_clients_lines_in_the_docs_can_be_read(repository: Path) -> None:
    page = (repository / "docs" / "agents.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(json|toml)\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 3
    for kind, text in blocks:
        data = json.loads(text) if kind == "json" else tomllib.loads(text)
        (servers,) = data.values()
        assert servers["mrvideo"]["command"] == "mrvideo"
        assert servers["mrvideo"]["args"] == ["mcp", "--vision", "host", "--root", "/videos"]
