"""`/audio/transcriptions` of any OpenAI-compatible server: one call, in the form that this server and model
give.

verbose_json      segments or words with times           whisper-1, faster-whisper, vLLM, whisper.cpp, …
diarized_json     segments with times and speakers       gpt-4o-transcribe-diarize
json, text        words alone                            gpt-4o-transcribe; whoever refuses the others
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio
from pydantic import BaseModel

from mrvideo.errors import ModelRefused
from mrvideo.models.base import Capabilities, Reply, Request
from mrvideo.models.completions import Instead
from mrvideo.models.counts import count_of
from mrvideo.models.json_values import NotJson, parse
from mrvideo.models.learnt import learnt_of
from mrvideo.models.openai_errors import failure_of, failure_of_answer, failure_of_instead
from mrvideo.models.server_words import (
    Words,
    decoded,
    error_words,
    first_words,
    masked_reply,
    words_of,
)
from mrvideo.models.settings import ModelSettings
from mrvideo.models.tokens import text_tokens
from mrvideo.models.way import BodyError, Clients
from mrvideo.records import Usage
from mrvideo.speech.port import SoundInputs, Transcription
from mrvideo.speech.replies import transcription_of

if TYPE_CHECKING:
    pass

T = TypeVar("T", bound=BaseModel)

COST_PER_MINUTE = {
    "whisper-1": 0.006,
    "gpt-4o-transcribe": 0.006,
    "gpt-4o-transcribe-diarize": 0.006,
    "gpt-4o-mini-transcribe": 0.003,
}
"""US dollars, as the maker lists them; only for its own server."""

_MOST_REFUSALS = 8
_COUNT_FACTOR = 4
_MOST_COUNT = 1000
"""Beyond so much and four times our own count no server's is believed."""

TOKENS_PER_SECOND = 10.0
"""Of sound, where a server counts it (OpenAI: one for each 100 ms); and more words than anybody says in that
second.
"""


class OpenAITranscriber:
    """A server and a model. Thread-safe; one client for each event loop that asks.

    Nothing is opened before the first call, which raises `SettingsError` for a key that is missing or cannot
    be sent.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._formats = list(_formats_of(settings.model))
        self._learnt = learnt_of(settings)
        self._clients = Clients(settings)

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
        """What one call should hold: much where times come back, little where a chunk's own span is all there
        is.
        """
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
        """One call; further ones only where the server refused a form or a field, which nobody pays for."""
        inputs = request.inputs
        assert isinstance(inputs, SoundInputs)
        learnt = self._learnt
        for _ in range(_MOST_REFUSALS):
            reply_format, fields = self._formats[0], self._fields(inputs)
            status, body, retry_after = await self._send(inputs, reply_format, fields)
            found = _heard(body) if status < 300 else None
            learnt.reached = True
            if isinstance(found, Mapping):
                learnt.answered = True
                return self._reply(request, inputs, found)
            if found is not None:
                raise failure_of_instead(found, self._settings, learnt)
            words = words_of(decoded(body))
            declined = status in (400, 422)
            named = (words.fields or _named(words.text, fields)) & fields.keys()
            if declined and named:
                learnt.left_out |= named
            elif declined and len(self._formats) > 1 and not learnt.answered:
                if self._formats[0] == reply_format:
                    self._formats.pop(0)
            else:
                raise failure_of_answer(words, status, self._settings, retry_after=retry_after)
        raise ModelRefused(f"{self.name}: {self._settings.base_url} declines every form of the request")

    async def aclose(self) -> None:
        """Close this loop's connections."""
        await self._clients.aclose()

    def _fields(self, inputs: SoundInputs) -> dict[str, Any]:
        """What the request says beyond the sound, the model and the form of the reply."""
        reply_format = self._formats[0]
        fields: dict[str, Any] = {}
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
        return {name: value for name, value in fields.items() if name not in self._learnt.left_out}

    async def _send(
        self, inputs: SoundInputs, reply_format: str, fields: dict[str, Any]
    ) -> tuple[int, bytes, str | None]:
        """Status, body and Retry-After of one answer."""
        import openai

        file = ("sound.flac", inputs.audio, "audio/flac")
        try:
            # A server slower than the sound itself counts as dead.
            with anyio.fail_after(max(self._settings.timeout_seconds, inputs.duration_seconds)):
                client: Any = self._clients.here(
                    read_seconds=max(self._settings.timeout_seconds, self.longest_seconds)
                )
                raw = await client.audio.transcriptions.with_raw_response.create(
                    file=file,
                    model=self._settings.model,
                    response_format=reply_format,
                    extra_body=self._settings.extra_body or None,
                    **fields,
                )
        except openai.APIStatusError as error:
            response = error.response
            return error.status_code, response.content, response.headers.get("retry-after")
        except (openai.APIError, TimeoutError, BodyError) as error:
            raise failure_of(error, self._settings, reached=self._learnt.reached) from error
        return 200, raw.http_response.content, None

    def _reply(self, request: Request[T], inputs: SoundInputs, heard: Mapping[str, object]) -> Reply[T]:
        key = self._settings.api_key.get_secret_value() if self._settings.api_key else ""
        transcription = transcription_of(heard, inputs.duration_seconds)
        if transcription is None:
            raise ModelRefused(
                f"{self.name}: {self._settings.base_url} sent an answer without words: {first_words(dict(heard), key)}"
            )
        transcription = _without_key(transcription, key)
        words = f"{transcription.text} {' '.join(one.text for one in transcription.segments)}"
        own, counted = self.most(request), heard.get("usage")
        usage = Usage(
            calls=1,
            input_tokens=_count(counted, "input_tokens", own.input_tokens),
            # Many servers count nothing; a bound on tokens must hold for them, too.
            output_tokens=_count(counted, "output_tokens", text_tokens(words, self.name)),
            cost=self._cost(inputs),
        )
        return Reply(value=request.parse(transcription.model_dump()), usage=usage)


def _without_key(said: Transcription, key: str) -> Transcription:
    """A server may repeat the key in what it says was said."""

    def clean(text: str | None) -> str | None:
        return None if text is None else masked_reply(text, key)

    segments = tuple(
        one.model_copy(update={"text": clean(one.text), "speaker": clean(one.speaker)})
        for one in said.segments
    )
    own = {"segments": segments, "text": clean(said.text), "language": clean(said.language)}
    return said.model_copy(update=own)


def _heard(body: bytes) -> Mapping[str, object] | Instead:
    """An answer with status 200 as one object: a server's JSON, or the words alone."""
    text = decoded(body)
    start = text.lstrip()
    if start[:15].lower().startswith(("<!doctype", "<html", "<?xml")):
        return Instead("page", words_of(text))
    try:
        value = parse(text)
    except NotJson:
        if start.startswith(("data:", "event:", "{", "[")):
            return Instead("stream" if start[0] in "de" else "other", Words(f"it is no JSON: {text[:200]}"))
        return {"text": text}
    if isinstance(value, list):
        items = cast("list[object]", value)
        return {"segments": items} if all(isinstance(item, Mapping) for item in items) else {"list": items}
    if not isinstance(value, dict):
        return {"text": value if isinstance(value, str) else text}
    fields = cast("dict[str, object]", value)
    error = None if fields.keys() & {"text", "segments", "words"} else error_words(fields)
    return fields if error is None else Instead("error", error)


def _named(words: str, fields: Mapping[str, Any]) -> frozenset[str]:
    """Fields of ours that a refusal names in its words; the ordinary ones among them in quotes alone."""
    return frozenset(
        name
        for name in fields
        if re.search(rf"\b{name}\b" if "_" in name else rf"['\"`]{name}['\"`]", words, re.IGNORECASE)
    )


def _formats_of(model: str) -> tuple[str, ...]:
    if "diarize" in model:
        return ("diarized_json", "json")
    if model.startswith("gpt-") and "transcribe" in model:
        return ("json", "text")
    return ("verbose_json", "json", "text")


def _count(counted: object, name: str, own: int) -> int:
    """What the server counted, where that can be, else our own count."""
    said = count_of(cast("Mapping[str, object]", counted).get(name)) if isinstance(counted, Mapping) else None
    return own if said is None else min(said, _MOST_COUNT + _COUNT_FACTOR * own)
