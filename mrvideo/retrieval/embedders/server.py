"""`/embeddings` of any OpenAI-compatible server: texts become vectors of one space."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, TypeVar, cast

import anyio
import numpy as np
from pydantic import BaseModel

from mrvideo.errors import ModelRefused
from mrvideo.models.base import Capabilities, Reply, Request
from mrvideo.models.completions import Instead
from mrvideo.models.counts import checked_usage
from mrvideo.models.json_values import NotJson, parse
from mrvideo.models.learnt import learnt_of
from mrvideo.models.openai_errors import failure_of, failure_of_answer, failure_of_instead
from mrvideo.models.server_words import Words, decoded, error_words, words_of
from mrvideo.models.settings import ModelSettings
from mrvideo.models.way import BodyError, Clients
from mrvideo.records import Usage
from mrvideo.retrieval.embedders.port import Vectors
from mrvideo.retrieval.embedders.texts import MOST_DIMENSIONS, Embedded, TextInputs, tokens_of

T = TypeVar("T", bound=BaseModel)

_LARGEST = 1e15
"""Squares of what is beyond are no float32."""
_CONCURRENCY = 8
"""Calls at once, where settings say nothing: each answer is megabytes."""


class ServerEmbedder:
    """One model at one server. Thread-safe; opens one client per event loop.

    Nothing is opened before the first call, which raises `SettingsError` for a key that is missing or cannot
    be sent.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._learnt = learnt_of(settings)
        self._clients = Clients(settings)

    @property
    def name(self) -> str:
        """As the user wrote it."""
        return self._settings.name

    @property
    def fingerprint(self) -> str:
        """The name and the address: the same name elsewhere may be another model."""
        return f"{self._settings.name} {self._settings.base_url}"

    @property
    def capabilities(self) -> Capabilities:
        """Texts only."""
        most = self._settings.concurrency or min(_CONCURRENCY, self._settings.server.concurrency)
        return Capabilities(vision=False, concurrency=most)

    def most(self, request: Request[Any]) -> Usage:
        """What one call takes, by our own count."""
        inputs = request.inputs
        assert isinstance(inputs, TextInputs)
        return tokens_of(inputs.texts, self.name)

    async def run(self, request: Request[T]) -> Reply[T]:
        """One call. Raises a `ModelError`; `ModelRefused` where the vectors do not fit the texts."""
        inputs = request.inputs
        assert isinstance(inputs, TextInputs)
        content = json.dumps(
            {"model": self._settings.model, "input": list(inputs.texts), **self._settings.extra_body}
        ).encode()
        status, body, retry_after = await self._send(content)
        learnt = self._learnt
        learnt.reached = True
        if status >= 300:
            words = words_of(decoded(body))
            raise failure_of_answer(words, status, self._settings, retry_after=retry_after)
        found = _fields(body)
        if isinstance(found, Instead):
            raise failure_of_instead(found, self._settings, learnt)
        vectors = self._vectors(found, len(inputs.texts))
        learnt.answered = True
        usage = checked_usage(
            found.get("usage"),
            lambda: self.most(request),
            sent_characters=sum(map(len, inputs.texts)),
            image_tokens=0,
            reply_characters=0,
            most_output=0,
        )
        return Reply(value=request.parse(Embedded.fields_of(vectors)), usage=usage)

    async def aclose(self) -> None:
        """Close this loop's connections."""
        await self._clients.aclose()

    async def _send(self, content: bytes) -> tuple[int, bytes, str | None]:
        """Status, body and Retry-After of one answer."""
        import openai

        try:
            with anyio.fail_after(self._settings.timeout_seconds):
                body = await self._clients.here().post(
                    "/embeddings",
                    content=content,
                    cast_to=bytes,
                    options={"headers": {"Content-Type": "application/json"}},
                )
        except openai.APIStatusError as error:
            response = error.response
            return error.status_code, response.content, response.headers.get("retry-after")
        except (openai.APIError, TimeoutError, BodyError) as error:
            raise failure_of(error, self._settings, reached=self._learnt.reached) from error
        return 200, body, None

    def _vectors(self, fields: Mapping[str, object], count: int) -> Vectors:
        where = f"{self.name}: {self._settings.base_url}"
        data = fields.get("data")
        items = cast("list[object]", data) if isinstance(data, list) else []
        entries = [cast("Mapping[str, object]", item) for item in items if isinstance(item, Mapping)]
        if len(entries) != count or len(items) != count:
            raise ModelRefused(
                f"{where} sent {len(items)} vectors for {count} texts; name a model that embeds texts with "
                "--embed-text"
            )
        order = [entry.get("index") for entry in entries]
        if sorted(map(str, order)) == sorted(map(str, range(count))):
            entries.sort(key=lambda entry: int(str(entry.get("index"))))
        rows = [_numbers(entry.get("embedding")) for entry in entries]
        sizes = sorted({len(row) for row in rows if row is not None})
        if len(sizes) != 1 or not 1 <= sizes[0] <= MOST_DIMENSIONS or None in rows:
            what = f"of {' and '.join(map(str, sizes))} numbers" if len(sizes) > 1 else "that are no numbers"
            raise ModelRefused(
                f"{where} sent vectors {what}; name a model that embeds texts with --embed-text"
            )
        return np.array(rows, np.float32)


def _fields(body: bytes) -> Mapping[str, object] | Instead:
    text = decoded(body)
    start = text.lstrip()
    if start.startswith("<"):
        return Instead("page", words_of(text))
    try:
        value = parse(text)
    except NotJson:
        return Instead("other", Words(f"it is no JSON: {text[:200]}" if start else "it is empty"))
    if isinstance(value, dict) and "data" in value:
        return cast("dict[str, object]", value)
    error = error_words(cast("object", value))
    return (
        Instead("other", Words(f"it holds no data: {text[:200]}"))
        if error is None
        else Instead("error", error)
    )


def _numbers(value: object) -> list[float] | None:
    """An embedding as a list of numbers, or as float32 in base64; None for anything else."""
    if isinstance(value, str):
        try:
            packed = base64.b64decode(value, validate=True)
            numbers = np.frombuffer(packed, "<f4").tolist()
        except (binascii.Error, ValueError):
            return None
        return numbers if all(abs(number) <= _LARGEST for number in numbers) else None
    if not isinstance(value, list):
        return None
    numbers = cast("list[object]", value)
    if not all(isinstance(number, int | float) and not isinstance(number, bool) for number in numbers):
        return None
    if any(abs(cast("float", number)) > _LARGEST for number in numbers):
        return None
    return cast("list[float]", numbers)
