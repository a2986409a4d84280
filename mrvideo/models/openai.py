"""Any OpenAI-compatible server: one call, in the words and fields that this server takes.

What a server refuses (a schema, a temperature, a field) is found out by its first refusal and remembered.
Keys travel in the client's headers alone: no message, log or exception here repeats what might hold one.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import anyio
import pybase64

from mrvideo.errors import ModelRefused, SettingsError
from mrvideo.models.base import Capabilities, Picture, Request
from mrvideo.models.chat_backend import Completion, Transient, Turn
from mrvideo.models.openai_errors import failure_of, refused_fields
from mrvideo.models.presets import ReplyFormat, traits_of
from mrvideo.models.prices import estimate
from mrvideo.models.schema import schema_text, strict_schema
from mrvideo.models.settings import ModelSettings
from mrvideo.models.tokens import text_tokens
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Usage
from mrvideo.schemas.captioning import ReplyFormatInputs

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types.chat import ChatCompletion

_FORMATS: tuple[ReplyFormat, ...] = ("json_schema", "json_object", "text")
_RENAMED = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_OPTIONAL = {"temperature", "reasoning_effort", "detail", *_RENAMED}
_PICTURE = secrets.token_hex(16)
"""Stands for a picture's data while the rest of a request becomes JSON. No text can hold it by design."""


class OpenAIBackend:
    """A server, a model, and what was learnt of both. Thread-safe; one client for each event loop that asks."""

    def __init__(self, settings: ModelSettings) -> None:
        preset = settings.server
        if preset.needs_key and settings.api_key is None:
            raise SettingsError(
                f"{settings.name}: {preset.name} wants a key; set {preset.key_variable} (or MRVIDEO_API_KEY) "
                "in the environment, or name a key_file"
            )
        self._settings = settings
        self._preset = preset
        self._traits = traits_of(settings.model)
        self._format: ReplyFormat = settings.reply_format or preset.reply_format
        self._format_proven = False
        self._reached = False
        self._left_out: set[str] = set()
        self._tokens_parameter: str = preset.tokens_parameter
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncOpenAI] = WeakKeyDictionary()

    @property
    def name(self) -> str:
        """As the user wrote it."""
        return self._settings.name

    @property
    def fingerprint(self) -> str:
        """The settings', and the two prompts that this adapter may add."""
        own = "".join(load_prompt(name).digest for name in ("repair", "reply_format"))
        return f"{self._settings.fingerprint}\n{own}"

    @property
    def capabilities(self) -> Capabilities:
        """The preset's, under what the settings say."""
        settings, preset = self._settings, self._preset
        images = settings.max_images or preset.max_images
        return Capabilities(
            max_images=images,
            context_tokens=settings.context_tokens or self._traits.context_tokens or preset.context_tokens,
            long_side_pixels=settings.long_side_pixels or preset.long_side_pixels,
            look_images=min(32, images),
            tools=preset.tools,
            concurrency=settings.concurrency or preset.concurrency,
        )

    async def complete(
        self, request: Request[Any], turns: tuple[Turn, ...], *, max_output_tokens: int
    ) -> Completion:
        """One call; further ones only where the server refused a field, which nobody pays for."""
        import openai

        reply_format = self._format
        first_refusal: openai.APIStatusError | None = None
        while True:
            body = self._body(request, turns, max_output_tokens, reply_format)
            content = _encoded(body, request.pictures)
            try:
                completion = await self._send(content)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                self._reached = True
                first_refusal = first_refusal or error
                fields = refused_fields(error)
                if self._leave_out(fields & body.keys()):
                    continue
                weaker = _FORMATS[_FORMATS.index(reply_format) + 1 :]
                if weaker and ("response_format" in fields or not self._format_proven):
                    reply_format = weaker[0]
                    continue
                raise self._failure(first_refusal) from None
            except openai.APIStatusError as error:
                self._reached = True
                # Not chained: a server may repeat the key in its error.
                raise self._failure(error) from None
            except (openai.APIError, TimeoutError) as error:
                raise self._failure(error) from error
            except ValueError as error:
                raise Transient(f"{self.name}: the server's answer is not JSON") from error
            self._reached = True
            self._format, self._format_proven = reply_format, True
            return self._said(completion, request)

    async def aclose(self) -> None:
        """Close this loop's connections."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()

    def _failure(self, error: Exception) -> Exception:
        return failure_of(error, self._settings, reached=self._reached)

    def _leave_out(self, fields: set[str]) -> bool:
        """Remember fields that the server refuses by name; False when there is nothing (new) to leave out."""
        new = (fields & _OPTIONAL) - self._left_out
        for field in new:
            if field == self._tokens_parameter and _RENAMED[field] not in self._left_out:
                self._tokens_parameter = _RENAMED[field]
        self._left_out |= new
        return bool(new)

    async def _send(self, content: bytes) -> ChatCompletion:
        from openai.types.chat import ChatCompletion

        with anyio.fail_after(self._settings.timeout_seconds):
            return await self._client().post(
                "/chat/completions",
                content=content,
                cast_to=ChatCompletion,
                options={"headers": {"Content-Type": "application/json"}},
            )

    def _client(self) -> AsyncOpenAI:
        import openai

        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            key = self._settings.api_key
            seconds = self._settings.timeout_seconds
            self._clients[loop] = openai.AsyncOpenAI(
                # Servers without keys want the header all the same; an empty one makes the client look for its own.
                api_key=key.get_secret_value() if key else "none",
                base_url=self._settings.base_url,
                max_retries=0,
                timeout=openai.Timeout(seconds, connect=min(10.0, seconds)),
            )
        return self._clients[loop]

    def _body(
        self,
        request: Request[Any],
        turns: tuple[Turn, ...],
        max_output_tokens: int,
        reply_format: ReplyFormat,
    ) -> dict[str, Any]:
        settings, traits = self._settings, self._traits
        bound = max_output_tokens + traits.reasoning_tokens
        if settings.max_output_tokens is not None:
            bound = min(bound, settings.max_output_tokens)
        body: dict[str, Any] = {
            "model": settings.model,
            "messages": self._messages(request, turns, reply_format),
            self._tokens_parameter: bound,
            **dict(traits.extra if self._preset.name == "openai" else ()),
        }
        if settings.sent_temperature is not None:
            body["temperature"] = settings.sent_temperature
        if reply_format == "json_object":
            body["response_format"] = {"type": "json_object"}
        elif reply_format == "json_schema":
            body["response_format"] = {
                "type": "json_schema",
                "json_schema": {
                    "name": request.reply_type.__name__,
                    "schema": strict_schema(request.reply_type),
                    "strict": self._preset.strict,
                },
            }
        body = {name: value for name, value in body.items() if name not in self._left_out}
        return body | settings.extra_body

    def _messages(
        self, request: Request[Any], turns: tuple[Turn, ...], reply_format: ReplyFormat
    ) -> list[dict[str, Any]]:
        rendered = request.prompt.render(request.inputs)
        words = rendered.user
        if reply_format != "json_schema" or not self._preset.shows_schema:
            schema = ReplyFormatInputs(reply_schema=schema_text(request.reply_type))
            words = f"{words}\n\n{load_prompt('reply_format').render(schema).user}"
        content: list[dict[str, Any]] = []
        detail = self._settings.detail or self._preset.detail
        for picture in request.pictures:
            image = {"url": f"data:image/jpeg;base64,{_PICTURE}"} | ({"detail": detail} if detail else {})
            content.append({"type": "text", "text": picture.label})
            content.append({"type": "image_url", "image_url": image})
        messages: list[dict[str, Any]] = []
        if rendered.system:
            messages.append({"role": "system", "content": rendered.system})
        content.append({"type": "text", "text": words})
        messages.append({"role": "user", "content": content if request.pictures else words})
        # An empty turn is refused by some servers, and an empty reply is one that needs repair.
        messages.extend({"role": turn.role, "content": turn.text or "(nothing)"} for turn in turns)
        return messages

    def _said(self, completion: ChatCompletion, request: Request[Any]) -> Completion:
        # A server that is not OpenAI's may leave out what the types promise.
        choices = getattr(completion, "choices", None)
        if not choices:
            raise Transient(f"{self.name}: the server's answer holds no choices")
        choice = choices[0]
        message = getattr(choice, "message", None)
        refusal = getattr(message, "refusal", None)
        if choice.finish_reason == "content_filter" or refusal:
            raise ModelRefused(f"{self.name} declined {request.prompt.name}: {refusal or 'content filter'}")
        text = getattr(message, "content", None) or ""
        usage = self._usage(completion, request, text)
        return Completion(text=text, usage=usage, cut_off=choice.finish_reason == "length")

    def _usage(self, completion: ChatCompletion, request: Request[Any], text: str) -> Usage:
        counted = completion.usage
        if counted is None or not isinstance(getattr(counted, "prompt_tokens", None), int):
            # Nothing counted: our own estimate is nearer the truth than zero.
            output_tokens = text_tokens(text, self.name)
            return estimate(request, self.name, output_tokens=output_tokens).model_copy(update={"cost": 0.0})
        details = counted.prompt_tokens_details
        return Usage(
            calls=1,
            input_tokens=counted.prompt_tokens,
            cached_tokens=(details.cached_tokens or 0) if details else 0,
            output_tokens=counted.completion_tokens or 0,
            images=len(request.pictures),
        )


def _encoded(body: dict[str, Any], pictures: Sequence[Picture]) -> bytes:
    """The request as JSON, the pictures in their places.

    The client's own way looks through a megabyte of base64 for characters to escape, and holds up the threads that decode.
    """
    words = json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    before, *others = words.split(_PICTURE.encode())
    filled = [before]
    # As many places as pictures, unless the settings' extra_body says all itself.
    for picture, after in zip(pictures, others, strict=False):
        filled += [pybase64.b64encode(picture.jpeg), after]
    return b"".join(filled)
