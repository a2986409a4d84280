"""The model port: what a model is asked with, what it answers, and what it must be able to do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Container, Set
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any, Generic, Protocol, TypeVar, cast, runtime_checkable

from pydantic import BaseModel

from mrvideo.prompts.loader import Prompt, Rendered, names_of, strangers_in
from mrvideo.records import Box, Frame, Span, Usage

T = TypeVar("T", bound=BaseModel)

MAX_IMAGES = 40
"""Never more images than this in one request."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a request: JPEG bytes and the label that precedes it, such as `12.50 s`.

    `time_seconds` is the frame's presentation time; `crop` the part of the source that it shows, where known.
    """

    label: str
    jpeg: bytes
    time_seconds: float
    crop: Box | None = None

    @classmethod
    def of(cls, frame: Frame, *, prefix: str = "") -> Picture:
        """A frame, labelled with its time, after the prefix."""
        return cls(f"{prefix}{frame.time_seconds:.2f} s", frame.jpeg, frame.time_seconds, frame.crop)

    @property
    def digest(self) -> str:
        """SHA-256 of label and bytes."""
        return hashlib.sha256(self.label.encode() + b"\0" + self.jpeg).hexdigest()


@dataclass(frozen=True)
class Request(Generic[T]):
    """One question to a model: a prompt, its typed inputs, pictures in order, and the type of the reply.

    `names` may stand in angle brackets in the inputs' texts, beside those of the entities and mentions that
    they list. `stage` names the ledger's row. A reply is validated with `{"inputs": inputs, "pictures":
    pictures}` as Pydantic's context, so that bounds can depend on what was shown. Raises `ValueError` above
    40 pictures.
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
        """All names that may stand in angle brackets in the texts of this request."""
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
        """Changes with what is sent and with how the reply is checked; not with what a class, a file or a
        docstring is called.
        """
        inputs = self.inputs.model_dump_json()
        parts = [
            self.prompt.digest,
            inputs,
            # Others are sent as other words; of those, and so of whose names they are, the texts alone tell
            # nothing.
            *strangers_in(inputs, self.allowed_names),
            _shape(self.reply_type),
            str(self.max_output_tokens),
            *(picture.digest for picture in self.pictures),
        ]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def reply_key(fingerprint: str, request_digest: str) -> str:
    """The key of a stored reply: a digest of the request, the model and its parameters."""
    return hashlib.sha256(f"{fingerprint}\n{request_digest}".encode()).hexdigest()


@cache
def _shape(reply_type: type[BaseModel]) -> str:
    """The type's JSON schema without the names of its classes and their docstrings: fields, bounds,
    descriptions of fields.
    """
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
    """What a model can take: read before requests are planned.

    `long_side_pixels` is the frame size it reads best; `look_images` how many frames a re-look may send;
    `tools` whether it can call tools; `context_tokens` bounds one request, text and images together.
    `judges`: whether it can weigh evidence; a model that cannot only finds the words that a claim quotes.
    `index_fingerprint` replaces `fingerprint` in the keys of indexes, for a model whose answers may change
    while its captions stay the same. `picks`, of a recording: the times of the frames that each recorded
    request shows, to the hundredth of a second; where frames are chosen by what they show, another decoder may
    choose others by a hair.
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
    picks: frozenset[tuple[float, ...]] = field(default=frozenset(), compare=False, repr=False)


def nearest_pick(
    picks: Set[tuple[float, ...]], own: Collection[float], there: Container[float]
) -> tuple[float, ...] | None:
    """Of recorded picks the one that takes the place of `own` times: all of its times `there`, and no more of them
    others, lacking or added, than there are. None where there is none, or it is the same.
    """
    mine = set(own)
    like = [pick for pick in picks if all(time in there for time in pick)]
    best = min(like, key=lambda pick: (len(mine.symmetric_difference(pick)), pick), default=())
    return best if 0 < len(mine.symmetric_difference(best)) <= len(mine) and best else None


class Identified(Protocol):
    """Name, fingerprint and capabilities of a model or adapter.

    Reading them needs no API key, no server and no package that runs the model.
    """

    @property
    def name(self) -> str:
        """As the user wrote it: `openai:gpt-5-mini`, `offline`."""
        ...

    @property
    def fingerprint(self) -> str:
        """Name plus every parameter that changes replies (base URL, temperature, …): part of cache keys;
        holds no secret.
        """
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What requests it can take."""
        ...

    async def aclose(self) -> None:
        """Close connections and processes, free memory."""
        ...


@runtime_checkable
class Model(Identified, Protocol):
    """Anything that can answer a Request. Thread-safe; many requests may be in flight at once."""

    async def run(self, request: Request[T]) -> Reply[T]:
        """Answer one request. Raises a `ModelError`; any other exception is a bug in the adapter."""
        ...


M = TypeVar("M", bound=Identified)


class Wrapper(Generic[M]):
    """Forwards name, fingerprint, capabilities and `aclose` to the wrapped model."""

    def __init__(self, wrapped: M) -> None:
        self._wrapped = wrapped

    @property
    def name(self) -> str:
        """The wrapped model's."""
        return self._wrapped.name

    @property
    def fingerprint(self) -> str:
        """The wrapped model's: requests are forwarded unchanged."""
        return self._wrapped.fingerprint

    @property
    def capabilities(self) -> Capabilities:
        """The wrapped model's."""
        return self._wrapped.capabilities

    async def aclose(self) -> None:
        """Close the wrapped model."""
        await self._wrapped.aclose()


class WrappedModel(Wrapper[Model]):
    """A `Model` that forwards everything to another one. Subclasses override what differs."""

    async def run(self, request: Request[T]) -> Reply[T]:
        """The wrapped model's reply."""
        return await self._wrapped.run(request)


class ReplyStore(Protocol):
    """Keeps replies by content, so that none is paid twice. Thread-safe."""

    def get_reply(self, key: str) -> str | None:
        """The reply's JSON, or None."""
        ...

    def put_reply(self, key: str, reply_json: str, *, model: str, prompt: str, usage: Usage) -> None:
        """Store it durably before returning."""
        ...
