"""`/audio/transcriptions` of any OpenAI-compatible server: one call, in the form that this server and model give.

verbose_json      segments or words with times           whisper-1, faster-whisper, vLLM, whisper.cpp, …
diarized_json     segments with times and speakers       gpt-4o-transcribe-diarize
json, text        words alone                            gpt-4o-transcribe; whoever refuses the others
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast
from weakref import WeakKeyDictionary

import anyio
from pydantic import BaseModel

from mrvideo.errors import SettingsError
from mrvideo.models.base import Capabilities, Reply, Request
from mrvideo.models.chat_backend import Transient
from mrvideo.models.openai_errors import failure_of
from mrvideo.models.settings import ModelSettings
from mrvideo.models.tokens import text_tokens
from mrvideo.records import Usage
from mrvideo.speech.port import SoundInputs
from mrvideo.speech.replies import transcription_of

if TYPE_CHECKING:
    from openai import AsyncOpenAI

T = TypeVar("T", bound=BaseModel)

COST_PER_MINUTE = {
    "whisper-1": 0.006,
    "gpt-4o-transcribe": 0.006,
    "gpt-4o-transcribe-diarize": 0.006,
    "gpt-4o-mini-transcribe": 0.003,
}
"""US dollars, as the maker lists them; only for its own server."""

TOKENS_PER_SECOND = 10.0
"""Of sound, where a server counts it (OpenAI: one for each 100 ms); and more words than anybody says in that second."""


class OpenAITranscriber:
    """A server and a model. Thread-safe; one client for each event loop that asks."""

    def __init__(self, settings: ModelSettings) -> None:
        preset = settings.server
        if preset.needs_key and settings.api_key is None:
            raise SettingsError(
                f"{settings.name}: {preset.name} wants a key; set {preset.key_variable} (or MRVIDEO_API_KEY) "
                "in the environment, or name a key_file"
            )
        self._settings = settings
        self._formats = list(_formats_of(settings.model))
        self._reached = False
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncOpenAI] = WeakKeyDictionary()

    @property
    def name(self) -> str:
        """As the user wrote it."""
        return self._settings.name

    @property
    def fingerprint(self) -> str:
        """The settings'."""
        return self._settings.fingerprint

    @property
    def capabilities(self) -> Capabilities:
        """Sound only; as many calls at once as settings or preset say, yet few by default: each is megabytes."""
        return Capabilities(
            vision=False, concurrency=self._settings.concurrency or min(8, self._settings.server.concurrency)
        )

    @property
    def longest_seconds(self) -> float:
        """What one call should hold: much where times come back, little where a piece's own span is all there is."""
        return {"verbose_json": 300.0, "diarized_json": 1200.0}.get(self._formats[0], 30.0)

    @property
    def cost_per_minute(self) -> float | None:
        """None when the price is not known."""
        return COST_PER_MINUTE.get(self._settings.model) if self._settings.server.name == "openai" else None

    def most(self, request: Request[Any]) -> Usage:
        """What one call may take: the price of its sound, and its tokens as if this server counted any."""
        inputs = request.inputs
        assert isinstance(inputs, SoundInputs)
        tokens = math.ceil(inputs.duration_seconds * TOKENS_PER_SECOND)
        return Usage(
            calls=1,
            input_tokens=tokens + text_tokens(inputs.hint, self.name),
            output_tokens=tokens,
            cost=self._cost(inputs),
        )

    def _cost(self, inputs: SoundInputs) -> float | None:
        per_minute = self.cost_per_minute
        return None if per_minute is None else per_minute * inputs.duration_seconds / 60

    async def run(self, request: Request[T]) -> Reply[T]:
        """One call; further ones only where the server refused a reply format, which nobody pays for."""
        import openai

        inputs = request.inputs
        assert isinstance(inputs, SoundInputs)
        while True:
            reply_format = self._formats[0]
            try:
                body = await self._send(inputs, reply_format)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                if len(self._formats) > 1 and not self._reached:
                    if self._formats[0] == reply_format:
                        self._formats.pop(0)
                    continue
                raise failure_of(error, self._settings, reached=True) from None
            except openai.APIStatusError as error:
                raise failure_of(error, self._settings, reached=True) from None
            except (openai.APIError, TimeoutError) as error:
                raise failure_of(error, self._settings, reached=self._reached) from error
            self._reached = True
            return self._reply(request, inputs, body)

    async def aclose(self) -> None:
        """Close this loop's connections."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    async def _send(self, inputs: SoundInputs, reply_format: str) -> str:
        # A server slower than the sound itself counts as dead.
        with anyio.fail_after(max(self._settings.timeout_seconds, inputs.duration_seconds)):
            client: Any = self._client()
            fields: dict[str, Any] = {"model": self._settings.model, "response_format": reply_format}
            if reply_format == "verbose_json":
                fields["timestamp_granularities"] = ["segment"]
            if reply_format == "diarized_json":
                fields["chunking_strategy"] = "auto"
            elif inputs.hint:
                fields["prompt"] = inputs.hint
            if inputs.language:
                fields["language"] = inputs.language
            if self._settings.temperature is not None:
                fields["temperature"] = self._settings.temperature
            if self._settings.extra_body:
                fields["extra_body"] = self._settings.extra_body
            file = ("sound.flac", inputs.audio, "audio/flac")
            raw = await client.audio.transcriptions.with_raw_response.create(file=file, **fields)
            return cast("str", raw.http_response.text)

    def _client(self) -> AsyncOpenAI:
        import openai

        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            key = self._settings.api_key
            seconds = max(self._settings.timeout_seconds, self.longest_seconds)
            self._clients[loop] = openai.AsyncOpenAI(
                api_key=key.get_secret_value() if key else "none",
                base_url=self._settings.base_url,
                max_retries=0,
                timeout=openai.Timeout(seconds, connect=min(10.0, self._settings.timeout_seconds)),
            )
        return self._clients[loop]

    def _reply(self, request: Request[T], inputs: SoundInputs, body: str) -> Reply[T]:
        try:
            data: object = json.loads(body)
        except ValueError:
            data = {"text": body}
        if isinstance(data, str):
            data = {"text": data}
        transcription = transcription_of(data, inputs.duration_seconds)
        if transcription is None:
            raise Transient(f"{self.name}: {self._settings.base_url} sent an answer without words")
        counted = cast("Mapping[str, object]", data).get("usage")
        usage = Usage(
            calls=1,
            input_tokens=_count(counted, "input_tokens"),
            output_tokens=_count(counted, "output_tokens"),
            cost=self._cost(inputs),
        )
        return Reply(value=request.parse(transcription.model_dump()), usage=usage)


def _formats_of(model: str) -> tuple[str, ...]:
    if "diarize" in model:
        return ("diarized_json", "json")
    if model.startswith("gpt-") and "transcribe" in model:
        return ("json", "text")
    return ("verbose_json", "json", "text")


def _count(counted: object, name: str) -> int:
    value = cast("Mapping[str, object]", counted).get(name) if isinstance(counted, Mapping) else None
    return value if isinstance(value, int) else 0
