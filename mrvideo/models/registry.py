"""From a model's settings to a model behind its limits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mrvideo.errors import SettingsError
from mrvideo.models.base import Model, ReplyStore
from mrvideo.models.budget import Budget
from mrvideo.models.chat_backend import ChatBackend
from mrvideo.models.ledger import Ledger
from mrvideo.models.limiter import Limiter
from mrvideo.models.limits import LimitedModel, Limits, check_budget
from mrvideo.models.presets import traits_of
from mrvideo.models.retry import Backoff
from mrvideo.models.settings import SCHEMES, ModelSettings


def open_model(
    settings: ModelSettings,
    *,
    ledger: Ledger,
    store: ReplyStore | None = None,
    fresh: bool = False,
    budget: Budget | None = None,
    limiter: Limiter | None = None,
    on_note: Callable[[str], None] = lambda text: None,
    shared: str | None = None,
) -> Model:
    """The adapter that the name asks for, behind kept replies, budget, concurrency, retries and usage.

    Nothing is sent yet. `fresh` asks again for replies that are kept; what comes is kept in their place. `on_note` hears
    what the user should know of the server, from the loop's thread. Models of one `shared`, such as a library's path, that are
    opened with equal settings answer equal requests that come at once by one call.
    Raises `SettingsError`: no such scheme, no key where one is needed, a budget in money for an unknown price.
    """
    kept_to = budget or Budget()
    check_budget(settings.name, kept_to)
    limits = Limits(
        ledger=ledger,
        store=store,
        fresh=fresh,
        budget=kept_to,
        limiter=limiter,
        backoff=Backoff(attempts=settings.max_attempts),
        on_note=on_note,
        # With another key, or asked to be fresh, a reply is another.
        shared=None if shared is None else f"{shared}\n{fresh}\n{settings.identity}",
    )
    adapter = _adapter(settings)
    if settings.talks_to_server:
        return LimitedModel(
            adapter,
            limits,
            detail=settings.detail or settings.server.detail,
            reasoning_tokens=traits_of(settings.model).reasoning_tokens,
        )
    return LimitedModel(adapter, limits)


def _adapter(settings: ModelSettings) -> ChatBackend | Model:
    if settings.talks_to_server:
        from mrvideo.models.openai import OpenAIBackend

        return OpenAIBackend(settings)
    if settings.name == "offline":
        from mrvideo.models.offline import OfflineModel

        return OfflineModel()
    if settings.scheme == "hf":
        from mrvideo.models.local import LocalBackend

        return LocalBackend(settings)
    if settings.scheme == "scripted":
        from mrvideo.models.scripted import from_file

        return from_file(Path(settings.model))
    raise SettingsError(
        f"no model {settings.name!r}; write offline, {', '.join(f'{s}:NAME' for s in SCHEMES)}"
    )
