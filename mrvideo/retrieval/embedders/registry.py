"""Which embedder a name means."""

from __future__ import annotations

from mrvideo.retrieval.embedders.offline import LooksEmbedder
from mrvideo.retrieval.embedders.port import Embedder

OFFLINE = "offline"

ALIASES = {"siglip2": "google/siglip2-base-patch16-224"}
"""Short names for what most want; others are a folder or a name on the hub."""


def open_embedder(name: str) -> Embedder:
    """`offline`, a short name, a folder, or a name on the hub. Raises `ModelUnavailable` where it cannot be
    loaded.
    """
    if name == OFFLINE:
        return LooksEmbedder()
    from mrvideo.retrieval.embedders.dual import DualEncoder

    return DualEncoder(ALIASES.get(name, name))
