"""Open a model from its settings, wrapped in its limits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mrvideo.errors import SettingsError
from mrvideo.models.base import Identified, Model, ReplyStore
from mrvideo.models.budget import Budget
from mrvideo.models.chat_backend import ChatBackend
from mrvideo.models.ledger import Ledger
from mrvideo.models.limiter import Limiter
from mrvideo.models.limits import LimitedModel, Limits, check_budget
from mrvideo.models.presets import traits_of
from mrvideo.models.retry import Backoff
from mrvideo.models.settings import HOST, SCHEMES, ModelSettings
from mrvideo.models.way import check_key

if TYPE_CHECKING:
    from mrvideo.models.recorder import Recorder


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
    roles: tuple[str, ...] = ("vision",),
    recorder: Recorder | None = None,
    ready: Callable[[], Awaitable[None]] | None = None,
    video: str | None = None,
) -> Model:
    """The adapter that the name asks for, behind kept replies, budget, concurrency, retries and usage.

    Nothing is sent yet. `fresh` asks again for replies that are kept; what comes is kept in their place.
    `on_note` hears what the user should know of the server, from the loop's thread. Models of one `shared`,
    such as a library's path, that are opened with equal settings answer equal requests that come at once by
    one call. `roles` are those that it has in this run, the first of which a recording is asked for; with a
    `recorder` its replies are recorded. `ready` is awaited before the first call, which kept replies do
    without: it checks the key, which is else checked here. `video` is the digest of what it is asked about:
    tasks tell it. Raises `SettingsError`: no such scheme, no key where one is needed, a budget in money for
    an unknown price.
    """
    if ready is None:
        check_key(settings)
    if settings.scheme == "replay":
        from mrvideo.models.replay import ReplayModel

        # A recording needs no limits: it is the store of its replies, and nobody is paid or called.
        return _recording(ReplayModel(settings, roles[0], on_note=on_note), recorder, roles, fresh=fresh)
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
        ready=ready,
    )
    adapter = _adapter(settings, store, video, on_note)
    if settings.talks_to_server:
        model = LimitedModel(
            adapter,
            limits,
            detail=settings.detail or settings.server.detail,
            reasoning_tokens=traits_of(settings.model).reasoning_tokens,
        )
    else:
        model = LimitedModel(adapter, limits)
    return _recording(model, recorder, roles, fresh=fresh)


def identity_of(settings: ModelSettings, role: str = "vision") -> Identified:
    """The model's name, fingerprint and capabilities, as they name what is kept of it.

    Needs no key and none of the packages that run a model, and connects to nothing. A recording is read, for
    its digest. Raises `SettingsError`: no such scheme, a file that is no recording or no script.
    """
    if settings.scheme == "replay":
        from mrvideo.models.replay import ReplayModel

        return ReplayModel(settings, role)
    return _adapter(settings)


def _recording(model: Model, recorder: Recorder | None, roles: tuple[str, ...], *, fresh: bool) -> Model:
    """Wrap the recorder around the limits, so that a repaired reply is recorded once, as it was accepted."""
    if recorder is None:
        return model
    from mrvideo.models.recorder import RecordingModel

    return RecordingModel(model, recorder, roles=roles, fresh=fresh)


def _adapter(
    settings: ModelSettings,
    store: ReplyStore | None = None,
    video: str | None = None,
    on_note: Callable[[str], None] = lambda text: None,
) -> ChatBackend | Model:
    if settings.starts:
        from mrvideo.models.engines.backend import EngineBackend

        return EngineBackend(settings, on_note)
    if settings.talks_to_server:
        from mrvideo.models.openai import OpenAIBackend

        return OpenAIBackend(settings)
    if settings.name == "offline":
        from mrvideo.models.offline import OfflineModel

        return OfflineModel()
    if settings.name == HOST:
        from mrvideo.models.host import HostModel

        return HostModel(settings, store, video=video)
    if settings.scheme == "hf":
        from mrvideo.models.local import LocalBackend

        return LocalBackend(settings)
    if settings.scheme == "scripted":
        from mrvideo.models.scripted import from_file

        return from_file(Path(settings.model))
    raise SettingsError(
        f"no model {settings.name!r}; write offline, host, {', '.join(f'{s}:NAME' for s in SCHEMES)}"
    )
