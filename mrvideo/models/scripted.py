"""A model that answers from a list or a function, for tests.

model = ScriptedModel([{"same_scene": True}, {"same_scene": False}])
model = ScriptedModel(lambda request: {"same_scene": len(request.pictures) > 2})
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias, TypeVar, cast

from pydantic import BaseModel, ValidationError

from mrvideo.errors import ReplyInvalid, SettingsError
from mrvideo.models.base import Capabilities, Reply, Request
from mrvideo.models.repair import one_line
from mrvideo.records import Usage
from mrvideo.wording import stage_label

T = TypeVar("T", bound=BaseModel)
Scripted: TypeAlias = BaseModel | Mapping[str, Any] | Exception
"""One reply: a message, its plain data, or an error to raise instead."""


class ScriptedModel:
    """Replies in order, or by function. `requests` keeps what was asked, in order. A list that runs out
    raises `ReplyInvalid`.
    """

    def __init__(
        self,
        replies: Sequence[Scripted] | Callable[[Request[Any]], Scripted],
        *,
        name: str = "scripted",
        capabilities: Capabilities | None = None,
    ) -> None:
        self.requests: list[Request[Any]] = []
        self._replies = replies
        self._name = name
        self._abilities = capabilities or Capabilities()
        self._lock = Lock()

    @property
    def name(self) -> str:
        """As given."""
        return self._name

    @property
    def fingerprint(self) -> str:
        """The name: a script has no parameters."""
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        """As given."""
        return self._abilities

    async def run(self, request: Request[T]) -> Reply[T]:
        """The next reply, checked like any other. Raises `ReplyInvalid` when it breaks the reply's bounds."""
        with self._lock:
            self.requests.append(request)
            position = len(self.requests) - 1
        if callable(self._replies):
            scripted = self._replies(request)
        elif position < len(self._replies):
            scripted = self._replies[position]
        else:
            raise ReplyInvalid(f"{self._name}: the script holds {len(self._replies)} replies, all used")
        if isinstance(scripted, Exception):
            raise scripted
        data = scripted.model_dump() if isinstance(scripted, BaseModel) else dict(scripted)
        try:
            value = request.parse(data)
        except ValidationError as error:
            raise ReplyInvalid(
                f"{self._name}: its reply ({stage_label(request.stage)}) is outside its bounds: {one_line(error)}"
            ) from error
        return Reply(value=value, usage=Usage(calls=1, images=len(request.pictures)))

    async def aclose(self) -> None:
        """Nothing to let go of."""


def from_file(path: Path) -> ScriptedModel:
    """A script from a JSON file: prompt name → one reply for every request, or a list of replies in order.

    Raises `SettingsError` when it cannot be read.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise SettingsError(f"script {path} does not exist; check the path") from error
    except OSError as error:
        raise SettingsError(f"script {path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise SettingsError(f"script {path}: {error}") from error
    if not isinstance(table, dict):
        raise SettingsError(f"script {path}: it must hold one JSON object, prompt name → reply")
    script = cast("dict[str, Any]", table)
    used: dict[str, int] = {}

    def answer(request: Request[Any]) -> Scripted:
        name = request.prompt.name
        entry = script.get(name)
        if isinstance(entry, list):
            replies = cast("list[Scripted]", entry)
            used[name] = used.get(name, 0) + 1
            entry = replies[used[name] - 1] if used[name] <= len(replies) else None
        if entry is None:
            raise ReplyInvalid(f"script {path}: no (further) reply to {name}")
        return cast("Scripted", entry)

    return ScriptedModel(answer, name=f"scripted:{path}")
