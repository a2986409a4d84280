"""Sentence encoders (MiniLM, E5, BGE, GTE and the like), run by sentence-transformers in this process. Extra
`meaning`.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any, TypeVar

import numpy as np
from anyio import to_thread
from pydantic import BaseModel

from mrvideo.errors import ModelUnavailable
from mrvideo.models.base import Capabilities, Reply, Request
from mrvideo.models.settings import ModelSettings
from mrvideo.records import Usage
from mrvideo.retrieval.embedders.port import Vectors
from mrvideo.retrieval.embedders.texts import Embedded, TextInputs

T = TypeVar("T", bound=BaseModel)

_READ_BYTES = 2**20
_WEIGHTS = (".safetensors", ".bin")


class SentenceEncoder:
    """One model, loaded at the first call; on a GPU where there is one. One batch runs at a time.

    Queries and the texts that are searched get the prompts that the model was trained with, as its folder says.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._running = Lock()

    @property
    def name(self) -> str:
        """As the user wrote it."""
        return self._settings.name

    @property
    def fingerprint(self) -> str:
        """The name; of a folder also what it holds: another model may lie there tomorrow."""
        return self._fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        folder = Path(self._settings.model).expanduser()
        if not folder.is_dir():
            return self.name
        digest = hashlib.sha256()
        for path in sorted(path for path in folder.rglob("*") if path.suffix in (".json", *_WEIGHTS)):
            with path.open("rb") as file:
                digest.update(f"{path.relative_to(folder).as_posix()} {path.stat().st_size} ".encode())
                digest.update(file.read(_READ_BYTES))
        return f"hf {digest.hexdigest()[:16]}"

    @property
    def capabilities(self) -> Capabilities:
        """Texts only, one call at a time."""
        return Capabilities(vision=False, concurrency=1)

    def most(self, request: Request[Any]) -> Usage:
        """Nothing is paid for."""
        return Usage(calls=1, cost=0.0)

    async def run(self, request: Request[T]) -> Reply[T]:
        """One batch. Raises `ModelUnavailable` where the model cannot be loaded."""
        inputs = request.inputs
        assert isinstance(inputs, TextInputs)
        vectors = await to_thread.run_sync(self._encoded, list(inputs.texts), inputs.query)
        return Reply(value=request.parse(Embedded.fields_of(vectors)), usage=self.most(request))

    async def aclose(self) -> None:
        """Nothing is open."""

    def _encoded(self, texts: list[str], query: bool) -> Vectors:
        with self._running:
            encode = self._model.encode_query if query else self._model.encode_document
            return np.asarray(encode(texts, show_progress_bar=False, convert_to_numpy=True), np.float32)

    @cached_property
    def _model(self) -> Any:
        where = self._settings.model
        folder = Path(where).expanduser()
        try:
            library: Any = import_module("sentence_transformers")
            logging: Any = import_module("transformers.utils.logging")
            shows = logging.is_progress_bar_enabled()
            logging.disable_progress_bar()
            try:
                return library.SentenceTransformer(str(folder) if folder.is_dir() else where)
            finally:
                if shows:
                    logging.enable_progress_bar()
        except (OSError, ValueError, KeyError, ImportError) as error:
            first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ModelUnavailable(f"the embedder {self.name} cannot be loaded: {first}") from error
