"""A conversation that lies in a folder from a stranger is words, and runs nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mrvideo.agents.chat import ChatContext, ChatState, take_kept_turn
from mrvideo.errors import SettingsError
from mrvideo.models.scripted import ScriptedModel
from mrvideo.schemas.exploring import ExploreReply

pytest.importorskip("langgraph.checkpoint.sqlite")
ormsgpack = pytest.importorskip("ormsgpack")


async def no_tool(name: str, arguments: dict[str, Any]) -> str:
    pytest.fail(f"called {name}")


async def talk(file: Path, *, name: str = "chat") -> tuple[ChatState, ScriptedModel]:
    model = ScriptedModel([ExploreReply(answer="Yes.")])
    context = ChatContext(model=model, call_tool=no_tool, tools=(), videos=("talk.mp4",), max_steps=2)
    return await take_kept_turn("Is it so?", context, file, name=name), model


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """One turn, kept."""
    path = tmp_path / "chats.db"
    await talk(path)
    return path


def rewrite(file: Path, kind: str, body: bytes, table: str = "checkpoints") -> None:
    column = "checkpoint" if table == "checkpoints" else "value"
    with sqlite3.connect(file) as database:
        # Of the last step, which is the one that is read.
        database.execute(
            "UPDATE OR REPLACE writes SET checkpoint_id = (SELECT max(checkpoint_id) FROM checkpoints)"
        )
        assert database.execute(f"UPDATE {table} SET type = ?, {column} = ?", (kind, body)).rowcount > 0
    database.close()


def kept_as(values: dict[str, Any]) -> dict[str, Any]:
    return {
        "v": 4,
        "id": "1efd1f4a-7a6b-6e0c-8001-000000000001",
        "ts": "2026-01-01T00:00:00+00:00",
        "channel_values": values,
        "channel_versions": {},
        "versions_seen": {},
        "updated_channels": None,
    }


def ordering(owned: Path) -> dict[str, Callable[[], tuple[str, bytes]]]:
    """Ways to say: make an object, and run this on the way."""
    call = ormsgpack.packb(("os", "system", f"touch {owned}"))
    several = ormsgpack.packb(("os", "system", (f"touch {owned}",)))
    lc = {"lc": 2, "type": "constructor", "id": ["os", "system"], "args": [f"touch {owned}"]}
    return {
        "one argument": lambda: ("msgpack", ormsgpack.packb(kept_as({"conversation": ormsgpack.Ext(0, call)}))),
        "arguments": lambda: ("msgpack", ormsgpack.packb(kept_as({"conversation": ormsgpack.Ext(1, several)}))),
        "whole": lambda: ("msgpack", ormsgpack.packb(ormsgpack.Ext(0, call))),
        "json": lambda: ("json", json.dumps(kept_as({"conversation": [lc]})).encode()),
        "pickle": lambda: ("pickle", b"cos\nsystem\n(S'touch " + str(owned).encode() + b"'\ntR."),
    }  # fmt: skip


@pytest.mark.parametrize("way", ordering(Path()))
@pytest.mark.parametrize("table", ["checkpoints", "writes"])
async def test_a_kept_conversation_runs_nothing(file: Path, tmp_path: Path, way: str, table: str) -> None:
    """`mrvideo chat` in a cloned repository ran whatever its chats.db named."""
    owned = tmp_path / "owned"
    rewrite(file, *ordering(owned)[way](), table=table)
    if (table, way) == ("writes", "json"):
        await talk(file)  # Data like any other, of a step that is over.
    else:
        with pytest.raises(SettingsError, match="move it away") as refused:
            await talk(file)
        assert "\n" not in str(refused.value)
    assert not owned.exists()


@pytest.mark.parametrize(
    "values",
    [
        {"conversation": "words"},
        {"conversation": [{"who": "user"}]},
        {"conversation": [{"who": "user", "text": 7}]},
        {"conversation": {"who": "user", "text": "x"}},
        [],
        None,
        7,
        ...,
    ],
    ids=repr,
)
async def test_what_is_no_conversation_is_one_line(file: Path, values: Any) -> None:
    whole = kept_as({"conversation": []}) | {"id": "1"} if values is ... else kept_as(values)
    rewrite(file, "json", json.dumps(whole).encode())
    with pytest.raises(SettingsError, match=r"chats\.db holds no conversation") as refused:
        await talk(file)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b"\xff", b"", b"null", b"[]"], ids=lambda body: repr(body[:5])
)
async def test_what_is_no_checkpoint_is_one_line(file: Path, body: bytes) -> None:
    for kind in ("json", "msgpack", "other"):
        rewrite(file, kind, body)
        with pytest.raises(SettingsError, match="holds no conversation"):
            await talk(file)


@pytest.mark.parametrize(
    "make", [lambda path: path.mkdir(), lambda path: path.write_bytes(b"no database" * 999)]
)
async def test_what_is_no_database_is_one_line(tmp_path: Path, make: Callable[[Path], Any]) -> None:
    path = tmp_path / "chats.db"
    make(path)
    with pytest.raises(SettingsError, match="holds no conversation"):
        await talk(path)


async def test_a_conversation_that_an_earlier_version_kept_is_taken_up(file: Path) -> None:
    earlier = [{"who": "user", "text": "Who is there?"}, {"who": "you", "text": "Ann."}]
    rewrite(file, "msgpack", ormsgpack.packb(kept_as({"conversation": earlier})))
    state, model = await talk(file)
    assert [line["text"] for line in state["conversation"]] == ["Who is there?", "Ann.", "Is it so?", "Yes."]
    assert [line.text for line in model.requests[-1].inputs.conversation][:2] == ["Who is there?", "Ann."]
