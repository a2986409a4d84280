"""A chat-completions server on loopback: real HTTP, requests checked as the real API would, faults on demand.

    with ChatServer(answer=lambda asked: {"same_scene": True}) as server:
        ModelSettings.parse("openai:test-vlm", base_url=server.base_url)

    server.faults.extend([Fault.status(429, retry_after="0"), None, Fault.drop()])   one per call, then none
    server.refusals    what was wrong with requests that were declined (400): empty when all were well formed
    server.asked       what was asked, in order; server.answered counts the replies that would have been paid

It runs on its own thread and loop. tests/models/conftest.py loads this file by its path; do the same
elsewhere.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import io
import json
import math
import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

KNOWN_FIELDS = {
    "model",
    "messages",
    "max_tokens",
    "max_completion_tokens",
    "temperature",
    "top_p",
    "n",
    "stop",
    "stream",
    "response_format",
    "seed",
    "tools",
    "tool_choice",
    "user",
    "reasoning_effort",
    "logprobs",
    "metadata",
    "store",
    "presence_penalty",
    "frequency_penalty",
}
KNOWN_KEYWORDS = {
    "type",
    "description",
    "enum",
    "items",
    "anyOf",
    "$ref",
    "$defs",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "properties",
    "required",
    "additionalProperties",
}
MAX_IMAGES = 40


@dataclass
class Fault:
    """What goes wrong with one call. `seconds` is for stalls."""

    kind: str
    code: int = 0
    retry_after: str | None = None
    text: str = ""

    @classmethod
    def status(cls, code: int, *, retry_after: str | None = None, text: str = "made to fail") -> Fault:
        return cls("status", code, retry_after, text)

    @classmethod
    def stall(cls) -> Fault:
        """The call is read and never answered."""
        return cls("stall")

    @classmethod
    def drop(cls) -> Fault:
        """The connection is closed without an answer."""
        return cls("drop")

    @classmethod
    def reply(cls, text: str) -> Fault:
        """A paid answer with this text in place of the right one."""
        return cls("reply", text=text)

    @classmethod
    def body(cls, text: str) -> Fault:
        """Status 200 and a body that is no completion."""
        return cls("body", text=text)


@dataclass
class Raw:
    """An answer in bytes, sent as it is, unless `pieces` go on for ever: then until nobody reads them."""

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    endless: bytes = b""

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> Raw:
        return cls(json.dumps(value).encode(), status, headers)

    async def write(self, writer: asyncio.StreamWriter) -> None:
        kept = {"content-type": "application/json", "content-length": str(len(self.body))} | self.headers
        if self.endless:
            kept = {name: value for name, value in kept.items() if name != "content-length"}
        lines = [f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in kept.items())]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + self.body)
        # No more than anybody could need to notice that it has no end.
        for _ in range(_ENDLESS_PIECES if self.endless else 0):
            writer.write(self.endless)
            await writer.drain()
        await writer.drain()


_ENDLESS_PIECES = 2000
"""Pieces of an endless answer that are sent at most: a reader that takes them all is found out, and the test
ends.
"""


@dataclass
class Asked:
    """One request that was in order, as the server understood it."""

    model: str
    system: str
    text: str
    pictures: list[tuple[str, bytes]]
    schema_name: str | None
    schema: dict[str, Any] | None
    body: dict[str, Any]
    headers: dict[str, str]
    turns: list[tuple[str, str]] = field(default_factory=list)

    def image(self, index: int) -> Image.Image:
        """A picture, decoded."""
        return Image.open(io.BytesIO(self.pictures[index][1])).convert("RGB")


class Declined(Exception):
    """What the API would say no to."""

    def __init__(self, message: str, *, code: int = 400, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class ChatServer:
    """See the module. `answer` returns plain data, a string to send as the reply's text, or a whole answer
    (`Raw`).
    """

    def __init__(
        self,
        answer: Callable[[Asked], Any] | None = None,
        *,
        models: tuple[str, ...] = ("test-vlm",),
        key: str | None = None,
        formats: tuple[str, ...] = ("json_schema", "json_object"),
        names_param: bool = True,
        refused_fields: tuple[str, ...] = (),
        latency_seconds: float = 0.0,
        max_concurrent: int | None = None,
        fault_of: Callable[[int], Fault | None] | None = None,
        finish_reason: str = "stop",
        port: int = 0,
    ) -> None:
        self.answer = answer or (lambda asked: example(asked.schema or {}, asked.schema or {}))
        self.models, self.key, self.formats, self.names_param = models, key, formats, names_param
        self.refused_fields = refused_fields
        self.latency_seconds, self.max_concurrent = latency_seconds, max_concurrent
        self.fault_of, self.finish_reason = fault_of, finish_reason
        self.faults: deque[Fault | None] = deque()
        self.asked: list[Asked] = []
        self.refusals: list[str] = []
        self.calls = 0
        self.answered = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.input_tokens = 0
        self.output_tokens = 0
        self.stalled = threading.Event()
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> ChatServer:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._port}/v1"

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._run())
        self._loop.close()

    async def _run(self) -> None:
        self._stop = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        slots = self.max_concurrent
        self._slots = asyncio.Semaphore(slots) if slots else None
        server = await asyncio.start_server(self._connected, "127.0.0.1", self._port, backlog=512)
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        line = (await reader.readline()).decode()
        if not line.strip():
            return False
        method, path, _ = line.split(" ", 2)
        headers: dict[str, str] = {}
        while (header := (await reader.readline()).decode().strip()) != "":
            name, _, value = header.partition(":")
            headers[name.lower()] = value.strip()
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self._respond(method, path, headers, raw, writer)
        finally:
            self.in_flight -= 1

    async def _respond(
        self, method: str, path: str, headers: dict[str, str], raw: bytes, writer: asyncio.StreamWriter
    ) -> bool:
        index = self.calls
        self.calls += 1
        fault = self.faults.popleft() if self.faults else self.fault_of(index) if self.fault_of else None
        if fault and fault.kind == "drop":
            writer.transport.abort()
            return False
        if fault and fault.kind == "stall":
            self.stalled.set()
            await self._stop.wait()
            return False
        if self._slots is not None:
            async with self._slots:
                await asyncio.sleep(self.latency_seconds)
        elif self.latency_seconds:
            await asyncio.sleep(self.latency_seconds)
        if fault and fault.kind == "status":
            extra = {"retry-after": fault.retry_after} if fault.retry_after is not None else {}
            await _write(writer, fault.code, _error(fault.text.format(**headers), None), extra)
            return True
        if fault and fault.kind == "body":
            await _write(writer, 200, fault.text.encode())
            return True
        try:
            asked = self._checked(method, path, headers, raw)
        except Declined as no:
            self.refusals.append(str(no))
            await _write(writer, no.code, _error(str(no), no.param if self.names_param else None))
            return True
        self.asked.append(asked)
        value = fault.text if fault else self.answer(asked)
        if isinstance(value, Raw):
            await value.write(writer)
            return not value.endless
        text = value if isinstance(value, str) else json.dumps(value)
        reply = json.dumps(self._completion(asked, text)).encode()
        # Before the bytes leave: who has read them may ask for this count at once.
        self.answered += 1
        await _write(writer, 200, reply)
        return True

    def _completion(self, asked: Asked, text: str) -> dict[str, Any]:
        words = asked.system + asked.text + "".join(label for label, _ in asked.pictures)
        if asked.body.get("response_format", {}).get("json_schema", {}).get("strict"):
            # OpenAI's models are shown the schema; elsewhere it only guides the decoding.
            words += json.dumps(asked.schema)
        words += "".join(turn for _, turn in asked.turns)
        counted_in = math.ceil(len(words) / 4) + sum(counted_image(jpeg) for _, jpeg in asked.pictures)
        counted_out = math.ceil(len(text) / 4)
        self.input_tokens += counted_in
        self.output_tokens += counted_out
        return {
            "id": f"chatcmpl-{self.calls}",
            "object": "chat.completion",
            "created": 0,
            "model": asked.model,
            "choices": [
                {
                    "index": 0,
                    "finish_reason": self.finish_reason,
                    "message": {"role": "assistant", "content": text},
                }
            ],
            "usage": {
                "prompt_tokens": counted_in,
                "completion_tokens": counted_out,
                "total_tokens": counted_in + counted_out,
                "prompt_tokens_details": {"cached_tokens": counted_in // 4},
            },
        }

    def _checked(self, method: str, path: str, headers: dict[str, str], raw: bytes) -> Asked:
        if self.key is not None and headers.get("authorization") != f"Bearer {self.key}":
            raise Declined(f"Incorrect API key provided: {headers.get('authorization')}", code=401)
        if (method, path) != ("POST", "/v1/chat/completions"):
            raise Declined(f"no such address: {method} {path}", code=404)
        body = json.loads(raw)
        if body["model"] not in self.models:
            raise Declined(f"The model {body['model']} does not exist", code=404)
        unknown = set(body) - KNOWN_FIELDS | set(body) & set(self.refused_fields)
        if unknown:
            name = sorted(unknown)[0]
            raise Declined(f"Unsupported parameter: {name}", param=name)
        if {"max_tokens", "max_completion_tokens"} <= set(body):
            raise Declined("max_tokens and max_completion_tokens exclude each other", param="max_tokens")
        asked = Asked(body["model"], "", "", [], None, None, body, headers)
        self._check_format(body.get("response_format"), asked)
        _check_messages(body["messages"], asked)
        return asked

    def _check_format(self, wanted: dict[str, Any] | None, asked: Asked) -> None:
        if wanted is None:
            return
        kind = wanted.get("type")
        if kind not in (*self.formats, "text"):
            raise Declined(f"response_format {kind} is not supported", param="response_format")
        if kind == "json_schema":
            schema = wanted["json_schema"]
            if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", schema["name"]):
                raise Declined("bad schema name", param="response_format")
            if schema["schema"].get("type") != "object":
                raise Declined("a schema's root must be an object", param="response_format")
            _check_schema(schema["schema"], schema["schema"], strict=bool(schema.get("strict")))
            asked.schema_name, asked.schema = schema["name"], schema["schema"]


def _check_messages(messages: list[dict[str, Any]], asked: Asked) -> None:
    if not messages:
        raise Declined("messages must not be empty", param="messages")
    texts: list[str] = []
    for position, message in enumerate(messages):
        role, content = message.get("role"), message.get("content")
        if role not in ("system", "developer", "user", "assistant"):
            raise Declined(f"no such role: {role}", param="messages")
        if not content or not isinstance(content, str | list):
            raise Declined(f"messages[{position}] has no content", param="messages")
        if isinstance(content, str):
            if role == "system":
                asked.system += content
            elif role == "user" and not asked.text and not texts:
                texts.append(content)
            else:
                asked.turns.append((role, content))
            continue
        if role != "user":
            raise Declined("only a user's message has parts", param="messages")
        label = ""
        for part in content:
            if part.get("type") == "text":
                label = part["text"]
                texts.append(label)
            elif part.get("type") == "image_url":
                asked.pictures.append((label, _jpeg(part["image_url"])))
                texts.pop()
            else:
                raise Declined(f"no such part: {part.get('type')}", param="messages")
    asked.text = "\n".join(texts)
    if len(asked.pictures) > MAX_IMAGES:
        raise Declined(f"{len(asked.pictures)} images, at most {MAX_IMAGES}", param="messages")


def _jpeg(image: dict[str, Any]) -> bytes:
    prefix = "data:image/jpeg;base64,"
    if not image["url"].startswith(prefix) or image.get("detail", "auto") not in ("auto", "low", "high"):
        raise Declined("an image must be a JPEG data URL with a known detail", param="messages")
    try:
        data = base64.b64decode(image["url"][len(prefix) :], validate=True)
        with Image.open(io.BytesIO(data)) as picture:
            if picture.format != "JPEG":
                raise Declined("an image that is no JPEG", param="messages")
            picture.load()
    except (binascii.Error, OSError) as error:
        raise Declined(f"an image that does not decode: {error}", param="messages") from error
    return data


def _check_schema(part: Any, root: dict[str, Any], *, strict: bool) -> None:
    if not isinstance(part, dict):
        raise Declined(f"a schema must be an object, got {part!r}", param="response_format")
    if strict and set(part) - KNOWN_KEYWORDS:
        raise Declined(f"keywords not permitted: {set(part) - KNOWN_KEYWORDS}", param="response_format")
    if "$ref" in part:
        if len(part) > 1 and strict:
            raise Declined("$ref cannot have siblings", param="response_format")
        _resolve(part["$ref"], root)
        return
    properties = part.get("properties", {})
    if strict and part.get("type") == "object":
        if part.get("additionalProperties") is not False:
            raise Declined("additionalProperties must be false", param="response_format")
        if set(part.get("required", ())) != set(properties):
            raise Declined("required must list every property", param="response_format")
    nested = [*properties.values(), *part.get("anyOf", ()), *part.get("$defs", {}).values()]
    for inner in nested + ([part["items"]] if "items" in part else []):
        _check_schema(inner, root, strict=strict)
    if strict and part.get("type") == "array" and "items" not in part:
        raise Declined("an array needs items", param="response_format")


def _resolve(reference: str, root: dict[str, Any]) -> dict[str, Any]:
    found: Any = root
    for step in reference.removeprefix("#/").split("/"):
        if step not in found:
            raise Declined(f"a reference to nothing: {reference}", param="response_format")
        found = found[step]
    return found


def example(part: dict[str, Any], root: dict[str, Any]) -> Any:
    """The plainest value that fits a schema."""
    if "$ref" in part:
        return example(_resolve(part["$ref"], root), root)
    if "enum" in part:
        return part["enum"][0]
    if "anyOf" in part:
        return example(part["anyOf"][0], root)
    kind = part.get("type")
    if kind == "object" or "properties" in part:
        return {name: example(value, root) for name, value in part.get("properties", {}).items()}
    if kind == "array":
        return [example(part["items"], root) for _ in range(part.get("minItems", 0))]
    plain: dict[Any, Any] = {"string": "something", "boolean": False, "null": None}
    return plain.get(kind, part.get("minimum", 0))


def counted_image(jpeg: bytes) -> int:
    """This server's images are billed by Qwen2.5-VL's rule: a token for each 28-px square, and two marks."""
    with Image.open(io.BytesIO(jpeg)) as picture:
        width, height = picture.size
    return max(round(width / 28) * round(height / 28), 4) + 2


def _error(message: str, param: str | None) -> bytes:
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": None}
    return json.dumps({"error": error}).encode()


async def _write(
    writer: asyncio.StreamWriter, code: int, body: bytes, extra: dict[str, str] | None = None
) -> None:
    lines = [f"HTTP/1.1 {code} X", "content-type: application/json", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (extra or {}).items()]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    await writer.drain()
