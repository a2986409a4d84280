"""`/embeddings` of any OpenAI-compatible server: texts become vectors of one space.

A call to it is a model request whose input is texts, so it has the limiter, retries, budget, ledger and kept
replies of any other. Vectors come back as float32 of length one, a row each, in the order of the texts.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio
import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mrvideo.errors import ModelRefused, SettingsError
from mrvideo.models.base import Capabilities, Model, Reply, ReplyStore, Request
from mrvideo.models.budget import Budget
from mrvideo.models.completions import Instead
from mrvideo.models.counts import checked_usage
from mrvideo.models.json_values import NotJson, parse
from mrvideo.models.learnt import learnt_of
from mrvideo.models.ledger import Ledger
from mrvideo.models.limiter import Limiter
from mrvideo.models.limits import LimitedModel, Limits, check_budget
from mrvideo.models.openai_errors import failure_of, failure_of_answer, failure_of_instead
from mrvideo.models.prices import cost, text_tokens
from mrvideo.models.retry import Backoff
from mrvideo.models.server_words import Words, decoded, error_words, words_of
from mrvideo.models.settings import SERVERS, ModelSettings
from mrvideo.models.way import BodyError, Clients
from mrvideo.prompts.loader import Prompt
from mrvideo.records import Usage
from mrvideo.retrieval.embedders.port import Vectors, unit

if TYPE_CHECKING:
    pass

T = TypeVar("T", bound=BaseModel)

STAGE = "embed_text"
MOST_TEXTS = 64
"""In one call: some 2 MB of an answer at 1,536 numbers each."""
MOST_TOKENS = 16_000
"""In one call, by our own count; OpenAI takes many times that, a server on a desk often less."""
LONGEST_CHARACTERS = 6000
"""Of one text; what is longer is cut. Models read 512 to 8,192 tokens."""

_MOST_DIMENSIONS = 65_536
_LARGEST = 1e15
"""Squares of what is beyond are no float32."""
_CONCURRENCY = 8
"""Calls at once, where settings say nothing: each answer is megabytes."""


class TextInputs(BaseModel):
    """The texts of one call."""

    model_config = ConfigDict(frozen=True)

    texts: tuple[str, ...]


class Embedded(BaseModel):
    """The vectors of some texts: float32, little-endian, row by row, in base64."""

    model_config = ConfigDict(frozen=True)

    dimensions: int = Field(ge=1, le=_MOST_DIMENSIONS)
    packed: str

    @property
    def rows(self) -> Vectors:
        """A row for each text."""
        flat: Vectors = np.frombuffer(base64.b64decode(self.packed), "<f4").astype(np.float32)
        return np.reshape(flat, (-1, self.dimensions))


PROMPT = Prompt.wordless("embed_text", Embedded.__name__, digest="1")


def text_embedder_settings(name: str, **fields: Any) -> ModelSettings:
    """Settings for `openai:MODEL`, `ollama:MODEL` and the like; fields as in `ModelSettings`. Raises
    `SettingsError`.
    """
    scheme, _, rest = name.partition(":")
    if scheme not in SERVERS or not rest:
        raise SettingsError(
            f"no model {name!r} that embeds texts; write {', '.join(f'{s}:NAME' for s in SERVERS)}, "
            "such as openai:text-embedding-3-small"
        )
    return ModelSettings.parse(name, **fields)


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
        packed = base64.b64encode(vectors.astype("<f4").tobytes()).decode()
        value = {"dimensions": vectors.shape[1], "packed": packed}
        return Reply(value=request.parse(value), usage=usage)

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
        if len(sizes) != 1 or not 1 <= sizes[0] <= _MOST_DIMENSIONS or None in rows:
            what = f"of {' and '.join(map(str, sizes))} numbers" if len(sizes) > 1 else "that are no numbers"
            raise ModelRefused(
                f"{where} sent vectors {what}; name a model that embeds texts with --embed-text"
            )
        return unit(np.array(rows, np.float32))


@dataclass(frozen=True)
class TextEmbedder:
    """A server's model behind its limits.

    `kept` looks for its reply among those that are kept, `anew` replaces such a reply, and the reply of
    `asked` is kept by whoever asks.
    """

    kept: Model
    anew: Model
    asked: Model

    @property
    def name(self) -> str:
        """As the user wrote it."""
        return self.asked.name

    def key(self, dimensions: int) -> str:
        """What names its vectors: model, address and dimensions."""
        return f"{self.asked.fingerprint} {dimensions}"

    async def aclose(self) -> None:
        """Close connections; on the event loop of its calls."""
        await self.asked.aclose()


def open_text_embedder(
    settings: ModelSettings,
    *,
    ledger: Ledger,
    store: ReplyStore | None = None,
    fresh: bool = False,
    budget: Budget | None = None,
) -> TextEmbedder:
    """The model that the name asks for, behind kept replies, budget, concurrency, retries and usage. Nothing
    is sent yet, and the key is asked for by the first call.

    Raises `SettingsError`: a budget in money for an unknown price.
    """
    kept_to = budget or Budget()
    check_budget(settings.name, kept_to)
    adapter = ServerEmbedder(settings)
    limiter = Limiter(adapter.capabilities.concurrency)

    def limited(store: ReplyStore | None, *, fresh: bool = False) -> Model:
        limits = Limits(
            ledger=ledger,
            store=store,
            fresh=fresh,
            budget=kept_to,
            limiter=limiter,
            backoff=Backoff(attempts=settings.max_attempts),
        )
        return LimitedModel(adapter, limits, most=adapter.most)

    return TextEmbedder(
        kept=limited(store, fresh=fresh), anew=limited(store, fresh=True), asked=limited(None)
    )


def text_request(texts: Sequence[str]) -> Request[Embedded]:
    """The request for some texts, each cut to what models read."""
    cut = tuple(text[:LONGEST_CHARACTERS] for text in texts)
    return Request(prompt=PROMPT, inputs=TextInputs(texts=cut), reply_type=Embedded, stage=STAGE)


def tokens_of(texts: Sequence[str], model: str) -> Usage:
    """What a call with these texts takes, by our own count; `cost` is None where the price is unknown."""
    usage = Usage(calls=1, input_tokens=sum(text_tokens(text, model) + 2 for text in texts))
    return usage.model_copy(update={"cost": cost(model, usage)})


def batches_of(texts: Sequence[str], model: str) -> list[list[str]]:
    """The texts in order, as many in a batch as one call takes."""
    batches: list[list[str]] = []
    room = 0
    for text in texts:
        tokens = text_tokens(text[:LONGEST_CHARACTERS], model)
        if not batches or tokens > room or len(batches[-1]) == MOST_TEXTS:
            batches.append([])
            room = MOST_TOKENS
        batches[-1].append(text)
        room -= tokens
    return batches


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
