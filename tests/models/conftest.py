"""A loopback chat server, requests to put to it, and stores that count."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterator
from types import ModuleType
from typing import Any

import pytest
from PIL import Image
from support import chat_server
from support import tiny_models as tiny

from mrvideo.models.base import Picture, Request
from mrvideo.prompts.loader import Prompt, parse_prompt
from mrvideo.records import Usage
from mrvideo.schemas.captioning import MergeBorderInputs, MergeBorderReply


@pytest.fixture(scope="session")
def chat() -> ModuleType:
    """The module tests/support/chat_server.py: `chat.ChatServer`, `chat.Fault`, `chat.Asked`."""
    return chat_server


@pytest.fixture(scope="session")
def tiny_models() -> ModuleType:
    """The module tests/support/tiny_models.py: `save_idefics3(folder)`, `save_llava(folder)`."""
    return tiny


@pytest.fixture
def serve(chat: ModuleType) -> Iterator[Callable[..., Any]]:
    """Starts servers that stop at the end of the test: `server = serve(answer=…)`."""
    servers: list[Any] = []

    def start(*args: Any, **options: Any) -> Any:
        server = chat.ChatServer(*args, **options).__enter__()
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.__exit__()


def jpeg(colour: str = "red", size: tuple[int, int] = (64, 48)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, colour).save(stream, "JPEG")
    return stream.getvalue()


@pytest.fixture(scope="session")
def make_jpeg() -> Callable[..., bytes]:
    return jpeg


@pytest.fixture(scope="session")
def border_prompt() -> Prompt:
    return parse_prompt(
        "merge_border",
        "+++\nversion = 1\nrole = 'vision'\ninputs = ['border_seconds', 'before', 'after']\n"
        "reply = 'MergeBorderReply'\n+++\nSay whether the two are one event.\n<!-- inputs -->\n"
        "Border at {{ border_seconds }} s. Before: {{ before | fence }}. After: {{ after | fence }}.\n",
    )


@pytest.fixture(scope="session")
def ask_border(border_prompt: Prompt) -> Callable[..., Request[MergeBorderReply]]:
    """`ask_border(3, colours=["red", "blue"])`: one request about one border, told apart by its number."""

    def make(number: float = 0, *, colours: tuple[str, ...] = (), max_output_tokens: int = 64) -> Any:
        pictures = tuple(
            Picture(f"{index}.00 s", jpeg(colour), float(index)) for index, colour in enumerate(colours)
        )
        inputs = MergeBorderInputs(border_seconds=number, before="a door", after="a room")
        return Request(
            prompt=border_prompt,
            inputs=inputs,
            reply_type=MergeBorderReply,
            stage="scenes",
            pictures=pictures,
            max_output_tokens=max_output_tokens,
        )

    return make


class MemoryStore:
    """A `ReplyStore` in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get_reply(self, key: str) -> str | None:
        return self.kept.get(key)

    def put_reply(self, key: str, reply_json: str, *, model: str, prompt: str, usage: Usage) -> None:
        self.kept[key] = reply_json


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def connect() -> AsyncIterator[Callable[..., Any]]:
    """`connect(server)`: an adapter for that server behind limits whose waits last no time; `.ledger` has its
    usage.
    """
    from mrvideo.models import Budget, Ledger, ModelSettings
    from mrvideo.models.limiter import Limiter
    from mrvideo.models.limits import LimitedModel, Limits
    from mrvideo.models.openai import OpenAIBackend
    from mrvideo.models.retry import Backoff

    opened: list[LimitedModel] = []

    def make(
        server: Any,
        *,
        name: str = "openai:test-vlm",
        store: Any = None,
        fresh: bool = False,
        budget: Budget | None = None,
        limiter: Limiter | None = None,
        attempts: int = 8,
        **settings: Any,
    ) -> LimitedModel:
        url = server if isinstance(server, str) else server.base_url
        speaker = OpenAIBackend(ModelSettings.parse(name, **{"base_url": url, **settings}))
        ledger = Ledger()
        limits = Limits(
            ledger=ledger,
            store=store,
            fresh=fresh,
            budget=budget or Budget(),
            limiter=limiter,
            backoff=Backoff(attempts=attempts, draw=lambda: 0.0),
        )
        model = LimitedModel(speaker, limits)
        model.ledger = ledger  # type: ignore[attr-defined]
        opened.append(model)
        return model

    yield make
    for model in opened:
        await model.aclose()
