"""The backend for OpenAI-compatible servers: one call, with the fields that the server accepts.

What a server refuses (a schema, a temperature, a field, so many images) is found out by its first refusal and
remembered while the process lives. Keys travel in the client's headers alone: no message, log or exception
here repeats what might hold one.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import pybase64

from mrvideo.errors import ModelError, ModelRefused, ModelUnavailable, RequestTooLarge
from mrvideo.models.base import Capabilities, Picture, Request
from mrvideo.models.chat_backend import Completion, Turn
from mrvideo.models.completions import Instead, Said, read_completion
from mrvideo.models.counts import UNBOUNDED_OUTPUT, checked_usage
from mrvideo.models.image_tokens import image_tokens
from mrvideo.models.learnt import FORMATS, learnt_of
from mrvideo.models.openai_errors import failure_of, failure_of_answer, failure_of_instead, quoted
from mrvideo.models.presets import ReplyFormat, traits_of
from mrvideo.models.prices import estimate, picture_size
from mrvideo.models.refusals import (
    FewerImages,
    Fields,
    Filtered,
    Format,
    NoEyes,
    NoSystem,
    Sent,
    ShorterOutput,
    SmallerContext,
    meaning_of,
)
from mrvideo.models.schema import schema_text, strict_schema
from mrvideo.models.server_words import Words, decoded, masked_reply, one_line, words_of
from mrvideo.models.settings import ModelSettings
from mrvideo.models.tokens import text_tokens
from mrvideo.models.way import BodyError, Clients
from mrvideo.prompts.loader import load_prompt
from mrvideo.records import Usage
from mrvideo.schemas.captioning import ReplyFormatInputs
from mrvideo.wording import stage_label

if TYPE_CHECKING:
    pass

_RENAMED = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_PICTURE = secrets.token_hex(16)
"""Stands for a picture's data while the rest of a request becomes JSON. No text can hold it by design."""

_MOST_REFUSALS = 16
"""Of one request, each for another reason; none is paid."""

_DECLINED = (400, 422)
_WORDS_TOKENS = 3000
"""Instructions, schema, cast and cues of a request with frames."""

_LEAST_OUTPUT = 256


@dataclass(frozen=True)
class _Answer:
    """A response of any status, not parsed yet."""

    status: int
    body: bytes
    retry_after: str | None = None


class OpenAIBackend:
    """One model at one server. Thread-safe; opens one client per event loop.

    Nothing is opened before the first call, which raises `SettingsError` for a key that is missing or cannot
    be sent.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._preset = settings.server
        self._traits = traits_of(settings.model)
        self._learnt = learnt_of(settings)
        self._clients = Clients(settings)

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
        """The preset's, limited by the settings and by what the server has refused so far."""
        settings, preset, learnt = self._settings, self._preset, self._learnt
        images = min(settings.max_images or preset.max_images, learnt.max_images or preset.max_images)
        side = settings.long_side_pixels or preset.long_side_pixels
        context = self._known_context
        if context is not None:
            images = min(images, self._images_within(context, side))
        return Capabilities(
            max_images=images,
            context_tokens=context or self._traits.context_tokens or preset.context_tokens,
            long_side_pixels=side,
            look_images=min(32, images),
            tools=preset.tools,
            concurrency=settings.concurrency or preset.concurrency,
        )

    @property
    def _known_context(self) -> int | None:
        """What the settings or the server say; a preset's is a guess, and on the low side."""
        said = [n for n in (self._settings.context_tokens, self._learnt.context_tokens) if n is not None]
        return min(said, default=None)

    def _images_within(self, context: int, side: int) -> int:
        """How many frames of that long side a context holds beside the reply (a quarter) and the words (up to
        a third).
        """
        words = min(_WORDS_TOKENS, context // 3)
        each = image_tokens(side, side * 9 // 16, self.name, self._settings.detail or self._preset.detail)
        return max((context - context // 4 - words) // max(each, 1), 1)

    async def complete(
        self, request: Request[Any], turns: tuple[Turn, ...], *, max_output_tokens: int
    ) -> Completion:
        """One call; further ones only where the server refused a field, which nobody pays for."""
        reply_format = self._format
        first_failure: ModelError | None = None
        for _ in range(_MOST_REFUSALS):
            bound, detail = self._bound(max_output_tokens), self._detail
            body = self._body(request, turns, bound, reply_format)
            words, content = _encoded(body, request.pictures)
            answer = await self._send(content)
            self._learnt.reached = True
            found = read_completion(answer.body) if answer.status < 300 else None
            if isinstance(found, Said):
                self._learnt.reply_format = reply_format
                return self._completed(found, request, turns, words=words, bound=self._sent_bound(body))
            failure, said, status = self._failure(answer, found)
            first_failure = first_failure or failure
            sent = _sent(body, request, bound, detail)
            next_format = self._lesson(said, status, sent, reply_format, max_output_tokens)
            if next_format is None:
                # After weaker formats the first words say more: the rest was a guess.
                raise first_failure if status in _DECLINED else failure
            reply_format = next_format
        raise first_failure or AssertionError("a loop that ends has been declined")

    async def aclose(self) -> None:
        """Close this loop's connections."""
        await self._clients.aclose()

    # what is sent --------------------------------------------------------------------------------

    @property
    def _format(self) -> ReplyFormat:
        """The settings' or the preset's, or the weaker one that the server was found to take."""
        wanted = self._settings.reply_format or self._preset.reply_format
        found = self._learnt.reply_format or wanted
        return FORMATS[max(FORMATS.index(wanted), FORMATS.index(found))]

    @property
    def _tokens_parameter(self) -> str | None:
        """The name of the bound on a reply that this server takes."""
        first = self._preset.tokens_parameter
        names = [name for name in (first, _RENAMED[first]) if name not in self._learnt.left_out]
        return names[0] if names else None

    def _bound(self, max_output_tokens: int) -> int:
        """Tokens that a reply may take: what was asked for, with room for thoughts, within what the server
        takes.
        """
        context = self._known_context
        bounds = [
            max_output_tokens + self._traits.reasoning_tokens,
            self._settings.max_output_tokens,
            self._learnt.max_output_tokens,
            None if context is None else max(context // 4, _LEAST_OUTPUT),
        ]
        return min(bound for bound in bounds if bound is not None)

    def _sent_bound(self, body: dict[str, Any]) -> int:
        bounds = [body[name] for name in _RENAMED if isinstance(body.get(name), int)]
        return min(bounds, default=UNBOUNDED_OUTPUT)

    async def _send(self, content: bytes) -> _Answer:
        import openai

        try:
            with anyio.fail_after(self._settings.timeout_seconds):
                body = await self._clients.here().post(
                    "/chat/completions",
                    content=content,
                    cast_to=bytes,
                    options={"headers": {"Content-Type": "application/json"}},
                )
        except openai.APIStatusError as error:
            # Not chained further on: a server may repeat the key in its error.
            response = error.response
            return _Answer(error.status_code, response.content, response.headers.get("retry-after"))
        except (openai.APIError, TimeoutError, BodyError) as error:
            raise failure_of(error, self._settings, reached=self._learnt.reached) from error
        return _Answer(200, body)

    def _body(
        self, request: Request[Any], turns: tuple[Turn, ...], bound: int, reply_format: ReplyFormat
    ) -> dict[str, Any]:
        settings, traits = self._settings, self._traits
        body: dict[str, Any] = {
            "model": settings.model,
            "messages": self._messages(request, turns, reply_format),
            **dict(traits.extra if self._preset.name == "openai" else ()),
        }
        if self._tokens_parameter is not None:
            body[self._tokens_parameter] = bound
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
        body = {name: value for name, value in body.items() if name not in self._learnt.left_out}
        return body | settings.extra_body

    def _messages(
        self, request: Request[Any], turns: tuple[Turn, ...], reply_format: ReplyFormat
    ) -> list[dict[str, Any]]:
        rendered = request.render()
        words = rendered.user
        if reply_format != "json_schema" or not self._preset.shows_schema:
            schema = ReplyFormatInputs(reply_schema=schema_text(request.reply_type))
            words = f"{words}\n\n{load_prompt('reply_format').render(schema).user}"
        messages: list[dict[str, Any]] = []
        if rendered.system and self._learnt.without_system:
            words = f"{rendered.system}\n\n{words}"
        elif rendered.system:
            messages.append({"role": "system", "content": rendered.system})
        content: list[dict[str, Any]] = []
        detail = self._detail
        for picture in request.pictures:
            image = {"url": f"data:image/jpeg;base64,{_PICTURE}"} | ({"detail": detail} if detail else {})
            content.append({"type": "text", "text": picture.label})
            content.append({"type": "image_url", "image_url": image})
        content.append({"type": "text", "text": words})
        messages.append({"role": "user", "content": content if request.pictures else words})
        # An empty turn is refused by some servers, and an empty reply is one that needs repair.
        messages.extend({"role": turn.role, "content": turn.text or "(nothing)"} for turn in turns)
        return messages

    @property
    def _detail(self) -> str | None:
        if "detail" in self._learnt.left_out:
            return None
        return self._settings.detail or self._preset.detail

    # what came ---------------------------------------------------------------------------------------

    def _completed(
        self, said: Said, request: Request[Any], turns: tuple[Turn, ...], *, words: int, bound: int
    ) -> Completion:
        if said.text or said.thoughts:
            self._learnt.answered = True
            self._learnt.sees = self._learnt.sees or bool(request.pictures)
        key = self._settings.api_key.get_secret_value() if self._settings.api_key else ""
        text, thoughts = masked_reply(said.text, key), masked_reply(said.thoughts, key)
        declined = None
        if said.refusal is not None:
            why = one_line(said.refusal, key)
            declined = f"{self.name} declined ({stage_label(request.stage)}): {why}"
        return Completion(
            text=text,
            usage=self._usage(said.usage, request, turns, f"{text}{thoughts}", words=words, bound=bound),
            cut_off=said.cut_off,
            thoughts=thoughts,
            declined=declined,
        )

    def _usage(
        self,
        counted: object,
        request: Request[Any],
        turns: tuple[Turn, ...],
        reply: str,
        *,
        words: int,
        bound: int,
    ) -> Usage:
        def own() -> Usage:
            return estimate(
                request,
                self.name,
                further="\n".join(turn.text for turn in turns),
                detail=self._detail,
                output_tokens=text_tokens(reply, self.name),
            )

        # One frame's size stands for all: the bounds are wide.
        first = request.pictures[0] if request.pictures else None
        each = image_tokens(*picture_size(first), self.name, self._detail) if first else 0
        return checked_usage(
            counted,
            own,
            sent_characters=words,
            image_tokens=each * len(request.pictures),
            reply_characters=len(reply),
            most_output=bound,
        ).model_copy(update={"images": len(request.pictures)})

    def _failure(self, answer: _Answer, found: Instead | None) -> tuple[ModelError, Words, int]:
        """What to raise if nothing can be changed; the server's words, and the status that they amount to."""
        if found is not None:
            failure = failure_of_instead(found, self._settings, self._learnt)
            # Only an error can be about the request; a page or a stream is about the address.
            words = found.words if found.kind == "error" else Words("")
            return failure, words, found.words.status or answer.status
        words = words_of(decoded(answer.body))
        failure = failure_of_answer(words, answer.status, self._settings, retry_after=answer.retry_after)
        return failure, words, answer.status

    def _lesson(
        self, said: Words, status: int, sent: Sent, reply_format: ReplyFormat, max_output_tokens: int
    ) -> ReplyFormat | None:
        """Learn from a refusal. Returns the format to ask again in, or None when asking again is of no use.

        Raises `RequestTooLarge` when a smaller request may pass, `ModelUnavailable` when none with images
        can.
        """
        learnt = self._learnt
        weaker = FORMATS[FORMATS.index(reply_format) + 1 :]
        meaning = meaning_of(said, status, sent)
        match meaning:
            case NoEyes():
                raise self._no_eyes(said)
            case FewerImages(most=most):
                learnt.fewer_images(most)
                raise self._too_large(f"takes at most {most} image{'s' * (most != 1)} in one request", said)
            case SmallerContext():
                self._shrink(meaning, said, sent, max_output_tokens)
                return reply_format
            case ShorterOutput(most=most):
                learnt.shorter_output(most)
                return reply_format if self._bound(max_output_tokens) < sent.output_tokens else None
            case NoSystem():
                learnt.without_system = True
                return reply_format
            case Fields(names=names):
                learnt.left_out |= names
                # What the settings' own extra_body says stays, and would be declined again.
                return None if names & self._settings.extra_body.keys() else reply_format
            case Format():
                return weaker[0] if weaker else None
            case Filtered():
                return None
            case None:
                untold = status in _DECLINED and not learnt.answered
                return weaker[0] if untold and weaker else None

    def _shrink(self, meaning: SmallerContext, said: Words, sent: Sent, max_output_tokens: int) -> None:
        """Returns when the same request may pass with less room for its reply. Raises `RequestTooLarge` when
        not.
        """
        learnt, limit, asked = self._learnt, meaning.tokens, meaning.asked
        if limit is not None:
            learnt.smaller_context(limit)
        if self._bound(max_output_tokens) < sent.output_tokens:
            return
        if sent.pictures > 1:
            ratio = limit / asked if limit and asked and asked > limit else 0.5
            learnt.fewer_images(max(min(int(sent.pictures * ratio), sent.pictures - 1), 1))
        raise self._too_large("does not take so long a request", said)

    def _too_large(self, what: str, said: Words) -> RequestTooLarge:
        return RequestTooLarge(
            f"{self.name}: {self._settings.base_url} {what}{quoted(said, self._settings)}; "
            "set max_images or context_tokens to what it takes"
        )

    def _no_eyes(self, said: Words) -> ModelError:
        where = f"{self.name}: {self._settings.base_url}"
        words = quoted(said, self._settings)
        if self._learnt.sees:
            return ModelRefused(f"{where} declined this request's images{words}")
        return ModelUnavailable(
            f"{where} takes no images with this model{words}; name a model that sees with --vision, or start this one "
            "with its vision part"
        )


def _sent(body: dict[str, Any], request: Request[Any], bound: int, detail: str | None) -> Sent:
    fields = set(body)
    if any(message["role"] == "system" for message in body["messages"]):
        fields.add("system")
    if request.pictures and detail:
        fields.add("detail")
    return Sent(fields=fields, pictures=len(request.pictures), output_tokens=bound)


def _encoded(body: dict[str, Any], pictures: Sequence[Picture]) -> tuple[int, bytes]:
    """The request as JSON, the pictures in their places, and how long it is without them.

    The client's own encoder scans megabytes of base64 for characters to escape, which blocks decoding
    threads.
    """
    words = json.dumps(body, separators=(",", ":"), allow_nan=False).encode()
    before, *others = words.split(_PICTURE.encode())
    filled = [before]
    # As many places as pictures, unless the settings' extra_body says all itself.
    for picture, after in zip(pictures, others, strict=False):
        filled += [pybase64.b64encode(picture.jpeg), after]
    return len(words), b"".join(filled)
