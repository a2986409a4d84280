"""What embedders of texts share, whether a server runs them or this process.

A call is a model request whose input is texts, so it has the limiter, retries, budget, ledger and kept replies
of any other. Vectors come back as float32 of length one, a row each, in the order of the texts.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mrvideo.models.base import Model, Request
from mrvideo.models.prices import cost, text_tokens
from mrvideo.prompts.loader import Prompt
from mrvideo.records import Usage
from mrvideo.retrieval.embedders.port import Vectors, unit

STAGE = "embed_text"
MOST_TEXTS = 64
"""In one call: some 2 MB of an answer at 1,536 numbers each."""
MOST_TOKENS = 16_000
"""In one call, by our own count; OpenAI takes many times that, a server on a desk often less."""
LONGEST_CHARACTERS = 6000
"""Of one text; what is longer is cut. Models read 512 to 8,192 tokens."""

MOST_DIMENSIONS = 65_536


class TextInputs(BaseModel):
    """The texts of one call."""

    model_config = ConfigDict(frozen=True)

    texts: tuple[str, ...]
    query: bool = False
    """What is searched for, not what is searched: some models encode the two in different ways."""


class Embedded(BaseModel):
    """The vectors of some texts: float32, little-endian, row by row, in base64."""

    model_config = ConfigDict(frozen=True)

    dimensions: int = Field(ge=1, le=MOST_DIMENSIONS)
    packed: str

    @property
    def rows(self) -> Vectors:
        """A row for each text."""
        flat: Vectors = np.frombuffer(base64.b64decode(self.packed), "<f4").astype(np.float32)
        return np.reshape(flat, (-1, self.dimensions))

    @staticmethod
    def fields_of(vectors: Vectors) -> dict[str, object]:
        """The fields that hold these rows, each scaled to length one."""
        rows = unit(vectors)
        packed = base64.b64encode(rows.astype("<f4").tobytes()).decode()
        return {"dimensions": rows.shape[1], "packed": packed}


PROMPT = Prompt.wordless("embed_text", Embedded.__name__, digest="1")


@dataclass(frozen=True)
class TextEmbedder:
    """A model behind its limits.

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


def text_request(texts: Sequence[str], *, query: bool = False) -> Request[Embedded]:
    """The request for some texts, each cut to what models read; `query` for texts that are searched for."""
    cut = tuple(text[:LONGEST_CHARACTERS] for text in texts)
    return Request(prompt=PROMPT, inputs=TextInputs(texts=cut, query=query), reply_type=Embedded, stage=STAGE)


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
