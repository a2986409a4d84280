"""How much of what is nearest signs find in a library, against every vector, for 20 queries each embedder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from mrvideo.library import Library
from mrvideo.retrieval.embedders.port import Vectors
from mrvideo.retrieval.pictures import RANDOM_TEXTS
from mrvideo.retrieval.vectors.port import Frames
from mrvideo.retrieval.vectors.recall import QUERIES, RECALL_LIMIT, Recall, measured, queries_of
from mrvideo.retrieval.vectors.registry import EXACT_UP_TO
from mrvideo.retrieval.vectors.signs import SignVectors
from mrvideo.session.embedding import embedder_of, rows_of
from mrvideo.settings import Settings


@dataclass(frozen=True)
class LibraryRecall:
    """Of one embedder's frames. `in_use` tells whether so many are searched by signs, or still one by one."""

    embedder: str
    queries: str
    measured: Recall
    in_use: bool

    @property
    def enough(self) -> bool:
        """Whether what is in use finds as much as is promised."""
        return not self.in_use or self.measured.recall >= RECALL_LIMIT


def recall_of(settings: Settings) -> Iterator[LibraryRecall]:
    """One for each embedder whose frames the library keeps. The queries are texts where `embed` names that
    embedder and it reads them, else vectors between two frames.

    Raises `LibraryError`, and `ModelUnavailable` where `embed` cannot be loaded.
    """
    if not settings.library.exists():
        return
    with closing(Library.open(settings.library, create=False)) as library:
        embedders = library.embedders()
        for fingerprint in sorted(embedders):
            times = library.embedding_times(fingerprint)
            first, own = next(iter(times.items()))
            blob = library.embeddings_at(fingerprint, [(first, own[0])])[first, own[0]]
            dimensions = len(blob) // np.dtype(np.float32).itemsize
            frames = Frames(list(times.items()))
            read = rows_of(settings.library, fingerprint, dimensions)
            index = SignVectors(frames, read, dimensions)
            texts = _texts(settings, fingerprint)
            yield LibraryRecall(
                embedder=fingerprint,
                queries="between two frames" if texts is None else "texts",
                measured=measured(index, frames, read, queries_of(index) if texts is None else texts),
                in_use=len(frames) > EXACT_UP_TO,
            )


def _texts(settings: Settings, fingerprint: str) -> Vectors | None:
    if settings.embed is None:
        return None
    embedder = embedder_of(settings.embed)
    if embedder.fingerprint != fingerprint or not embedder.takes_texts:
        return None
    return embedder.embed_texts(RANDOM_TEXTS[:QUERIES])
