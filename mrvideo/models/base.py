"""The model port: what a model is asked with, what it answers, and what it must be able to do."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Generic, Protocol, TypeVar, cast, runtime_checkable

from pydantic import BaseModel

from mrvideo.prompts.loader import Prompt, Rendered, names_of, strangers_in
from mrvideo.records import Box, Span, Usage

T = TypeVar("T", bound=BaseModel)

MAX_IMAGES = 40
"""Never more images than this in one request."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame as a model sees it: JPEG bytes and the label that stands before it, such as `12.50 s`.

    `time_seconds` is the frame's own time on the video's clock; `crop` the part of the source that it shows, where that is known.
    """

    label: str
    jpeg: bytes
    time_seconds: float
    crop: Box | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of label and bytes."""
        return hashlib.sha256(self.label.encode() + b"\0" + self.jpeg).hexdigest()


@dataclass(frozen=True)
class Request(Generic[T]):
    """One question to a model: a prompt, its typed inputs, pictures in order, and the type of the reply.

    `names` may stand in angle brackets in the inputs' texts, beside those of the entities and mentions that they list.
    `stage` names the ledger's row. A reply is validated with `{"inputs": inputs, "pictures": pictures}` as
    Pydantic's context, so that bounds can depend on what was shown.
    Raises `ValueError` above 40 pictures.
    """

    prompt: Prompt
    inputs: BaseModel
    reply_type: type[T]
    stage: str
    pictures: tuple[Picture, ...] = ()
    span: Span | None = None
    max_output_tokens: int = 4096
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.pictures) > MAX_IMAGES:
            raise ValueError(
                f"{self.prompt.name}: {len(self.pictures)} images in one request, at most {MAX_IMAGES}"
            )
        if self.prompt.reply != self.reply_type.__name__:
            raise ValueError(
                f"{self.prompt.name} replies with {self.prompt.reply}, not {self.reply_type.__name__}"
            )

    @property
    def allowed_names(self) -> frozenset[str]:
        """All that may stand in angle brackets in a text of this request."""
        return names_of(self.inputs) | set(self.names)

    def render(self) -> Rendered:
        """The prompt's two texts, with everything from the video fenced."""
        return self.prompt.render(self.inputs, self.names)

    def parse(self, data: object) -> T:
        """The reply from plain data. Raises Pydantic's `ValidationError` when a bound is broken."""
        return self.reply_type.model_validate(
            data, context={"inputs": self.inputs, "pictures": self.pictures}
        )

    def parse_json(self, text: str) -> T:
        """The reply from JSON text. Raises Pydantic's `ValidationError`."""
        return self.reply_type.model_validate_json(
            text, context={"inputs": self.inputs, "pictures": self.pictures}
        )

    @cached_property
    def digest(self) -> str:
        """Changes with what is sent and with how the reply is checked; not with what a class, a file or a docstring is called."""
        inputs = self.inputs.model_dump_json()
        parts = [
            self.prompt.digest,
            inputs,
            # Others are sent as other words; of those, and so of whose names they are, the texts alone tell nothing.
            *strangers_in(inputs, self.allowed_names),
            _shape(self.reply_type),
            str(self.max_output_tokens),
            *(picture.digest for picture in self.pictures),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def reply_key(fingerprint: str, request_digest: str) -> str:
    """Where a reply is kept: changes with the request, the model and its parameters."""
    return hashlib.sha256(f"{fingerprint}\n{request_digest}".encode()).hexdigest()


@cache
def _shape(reply_type: type[BaseModel]) -> str:
    """The type's JSON schema without the names of its classes and their docstrings: fields, bounds, descriptions of fields."""
    # Made once: it takes longer than all the rest of a request's digest.
    schema = reply_type.model_json_schema()
    definitions: dict[str, Any] = schema.pop("$defs", {})

    def plain(node: Any, inside: tuple[str, ...]) -> Any:
        if isinstance(node, list):
            return [plain(item, inside) for item in cast("list[Any]", node)]
        if not isinstance(node, dict):
            return node
        fields = cast("dict[str, Any]", node)
        name = str(fields.get("$ref", "")).removeprefix("#/$defs/")
        if name in inside:
            return {"$ref": len(inside) - inside.index(name)}
        if name in definitions:
            return plain(definitions[name], (*inside, name))
        is_class = "properties" in fields
        kept = {key: value for key, value in fields.items() if key != "title"}
        if is_class:
            kept.pop("description", None)
            properties = {key: plain(value, inside) for key, value in kept["properties"].items()}
            return {**kept, "properties": properties}
        return {key: plain(value, inside) for key, value in kept.items()}

    return json.dumps(plain(schema, ()), sort_keys=True)


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """A checked reply. `cached` is True when it came from the library and nothing was paid."""

    value: T
    usage: Usage = field(default_factory=lambda: Usage(calls=1))
    cached: bool = False


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a caller must know of a model before it plans requests.

    `long_side_pixels` is the frame size it reads best; `look_images` how many frames a re-look may send;
    `tools` whether it can call tools; `context_tokens` bounds one request, text and images together.
    `judges` whether it weighs what it is shown; one that does not only finds the words that a claim quotes.
    `index_fingerprint` names an index in the place of `fingerprint`, where answers may change without what is read.
    """

    max_images: int = MAX_IMAGES
    context_tokens: int = 100_000
    long_side_pixels: int = 512
    look_images: int = 32
    vision: bool = True
    tools: bool = False
    concurrency: int = 16
    judges: bool = True
    index_fingerprint: str | None = None


class Identified(Protocol):
    """A model, or the adapter of one, before it is asked. What keys are made of is known without a key, a server or the package
    that runs it."""

    @property
    def name(self) -> str:
        """As the user wrote it: `openai:gpt-5-mini`, `offline`."""
        ...

    @property
    def fingerprint(self) -> str:
        """Name plus every parameter that changes replies (base URL, temperature, …): part of cache keys; holds no secret."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What requests it can take."""
        ...

    async def aclose(self) -> None:
        """Let go of connections, processes, memory."""
        ...


@runtime_checkable
class Model(Identified, Protocol):
    """Anything that can answer a Request. Thread-safe; many requests may be in flight at once."""

    async def run(self, request: Request[T]) -> Reply[T]:
        """Answer one request. Raises a `ModelError`; any other exception is a bug in the adapter."""
        ...


M = TypeVar("M", bound=Identified)


class Wrapper(Generic[M]):
    """Has the name, the fingerprint and the capabilities of what it wraps, and closes it."""

    def __init__(self, wrapped: M) -> None:
        self._wrapped = wrapped

    @property
    def name(self) -> str:
        """The wrapped model's."""
        return self._wrapped.name

    @property
    def fingerprint(self) -> str:
        """The wrapped model's: what is passed on is asked as it is."""
        return self._wrapped.fingerprint

    @property
    def capabilities(self) -> Capabilities:
        """The wrapped model's."""
        return self._wrapped.capabilities

    async def aclose(self) -> None:
        """Close the wrapped model."""
        await self._wrapped.aclose()


class WrappedModel(Wrapper[Model]):
    """A `Model` that passes everything on to the one it holds. What differs is overridden."""

    async def run(self, request: Request[T]) -> Reply[T]:
        """The wrapped model's reply."""
        return await self._wrapped.run(request)


class ReplyStore(Protocol):
    """Keeps replies by content, so that none is paid twice. Thread-safe."""

    def get_reply(self, key: str) -> str | None:
        """The reply's JSON, or None."""
        ...

    def put_reply(self, key: str, reply_json: str, *, model: str, prompt: str, usage: Usage) -> None:
        """Keep it, durably, before returning."""
        ...
