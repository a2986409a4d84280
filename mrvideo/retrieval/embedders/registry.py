"""Which embedder a name means."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mrvideo.errors import ModelUnavailable, SettingsError
from mrvideo.models.base import Model, ReplyStore
from mrvideo.models.budget import Budget
from mrvideo.models.ledger import Ledger
from mrvideo.models.limiter import Limiter
from mrvideo.models.limits import LimitedModel, Limits, check_budget
from mrvideo.models.retry import Backoff
from mrvideo.models.settings import SERVERS, ModelSettings
from mrvideo.retrieval.embedders.offline import LooksEmbedder
from mrvideo.retrieval.embedders.port import Embedder
from mrvideo.retrieval.embedders.texts import TextEmbedder

if TYPE_CHECKING:
    from mrvideo.retrieval.embedders.sentence import SentenceEncoder
    from mrvideo.retrieval.embedders.server import ServerEmbedder

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


def text_embedder_settings(name: str, **fields: Any) -> ModelSettings:
    """Settings for `openai:MODEL`, `ollama:MODEL` and the like, or `hf:FOLDER` and `hf:NAME`; fields as in
    `ModelSettings`. Raises `SettingsError`.
    """
    schemes = (*SERVERS, "hf")
    scheme, _, rest = name.partition(":")
    if scheme not in schemes or not rest:
        raise SettingsError(
            f"no model {name!r} that embeds texts; write {', '.join(f'{s}:NAME' for s in schemes)}, "
            "such as openai:text-embedding-3-small or hf:sentence-transformers/all-MiniLM-L6-v2"
        )
    return ModelSettings.parse(name, **fields)


def check_encodes(settings: ModelSettings) -> None:
    """Check that what runs the model is installed, where it runs in this process. Raises `ModelUnavailable`."""
    if settings.scheme == "hf" and find_spec("sentence_transformers") is None:
        raise ModelUnavailable(
            f'the embedder {settings.name} needs sentence-transformers; pip install "mrvideo[meaning]"'
        )


def open_text_embedder(
    settings: ModelSettings,
    *,
    ledger: Ledger,
    store: ReplyStore | None = None,
    fresh: bool = False,
    budget: Budget | None = None,
    on_note: Callable[[str], None] = lambda text: None,
) -> TextEmbedder:
    """The model that the name asks for, behind kept replies, budget, concurrency, retries and usage. Nothing
    is sent yet, and the key is asked for by the first call. `on_note` hears what the user should know of the
    server.

    Raises `SettingsError`: a budget in money for an unknown price.
    """
    kept_to = budget or Budget()
    check_budget(settings.name, kept_to)
    adapter = _text_adapter(settings)
    limiter = Limiter(adapter.capabilities.concurrency)

    def limited(store: ReplyStore | None, *, fresh: bool = False) -> Model:
        limits = Limits(
            ledger=ledger,
            store=store,
            fresh=fresh,
            budget=kept_to,
            limiter=limiter,
            backoff=Backoff(attempts=settings.max_attempts),
            on_note=on_note,
        )
        return LimitedModel(adapter, limits, most=adapter.most)

    return TextEmbedder(
        kept=limited(store, fresh=fresh), anew=limited(store, fresh=True), asked=limited(None)
    )


def _text_adapter(settings: ModelSettings) -> SentenceEncoder | ServerEmbedder:
    if settings.scheme == "hf":
        from mrvideo.retrieval.embedders.sentence import SentenceEncoder

        return SentenceEncoder(settings)
    from mrvideo.retrieval.embedders.server import ServerEmbedder

    return ServerEmbedder(settings)
