"""What a library keeps of one video's frames, read the way that searching reads it."""

from __future__ import annotations

from mrvideo.library import Library


def kept_vectors(library: Library, digest: str, embedder: str) -> dict[float, bytes]:
    """Time → vector, in order of time."""
    times = library.embedding_times(embedder, [digest]).get(digest, [])
    found = library.embeddings_at(embedder, [(digest, time) for time in times])
    return {time: found[digest, time] for time in sorted(times)}
