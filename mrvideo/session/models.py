"""The models of one run: opened from settings, behind one budget and one ledger."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from anyio import to_thread

from mrvideo.errors import ModelUnavailable, MrVideoError
from mrvideo.library import Library
from mrvideo.mapreduce import portal
from mrvideo.models import Budget, Ledger, ModelSettings, open_model
from mrvideo.models.base import Capabilities, Identified, Model
from mrvideo.models.budget import WAY_OUT
from mrvideo.models.presets import preset_named
from mrvideo.models.recorder import FileRecorder
from mrvideo.models.recording import existing_recording, load_recording
from mrvideo.models.registry import identity_of
from mrvideo.models.replay import about
from mrvideo.models.way import check_key, shown_proxy, usable_proxy
from mrvideo.records import EventSink, Notice, StageAdvanced, Usage
from mrvideo.retrieval.embedders.registry import check_encodes, open_text_embedder, text_embedder_settings
from mrvideo.retrieval.embedders.texts import TextEmbedder
from mrvideo.settings import Settings
from mrvideo.speech import open_transcriber, transcriber_settings

_ROLES = ("vision", "text")
_BOUNDS = ("max_images", "context_tokens", "max_output_tokens")


@dataclass(frozen=True)
class Models:
    """The models of one run by role, with one ledger.

    `verify` is the model that checks claims, when it is another one than `vision`; `meaning` the one that
    compares texts, where `embed_text` names any and the run compares.
    """

    vision: Model
    text: Model
    ledger: Ledger
    verify: Model | None = None
    meaning: TextEmbedder | None = None

    @property
    def names(self) -> dict[str, str]:
        """Role → name, as an answer reports it."""
        own = {"vision": self.vision.name, "text": self.text.name}
        return own if self.verify is None else {**own, "verify": self.verify.name}

    async def aclose(self) -> None:
        """Close all of them."""
        await self.vision.aclose()
        if self.text is not self.vision:
            await self.text.aclose()
        if self.verify is not None:
            await self.verify.aclose()
        if self.meaning is not None:
            await self.meaning.aclose()


def model_settings(settings: Settings, role: str) -> ModelSettings:
    """The `ModelSettings` of a role: `vision`, `text`, `verify`, `speech` or `embed_text`. Raises
    `SettingsError`.
    """
    name = {
        "vision": settings.vision_model,
        "text": settings.text_model,
        "verify": settings.verify_model or settings.vision_model,
        "speech": settings.speech or "",
        "embed_text": settings.embed_text or "",
    }[role]
    own_url = {
        "vision": settings.vision_base_url,
        # A text role that is the vision model by default is reached where that is reached.
        "text": settings.text_base_url or (settings.vision_base_url if settings.text is None else None),
        "verify": settings.verify_base_url
        or (settings.vision_base_url if settings.verify_model is None else None),
        "speech": settings.speech_base_url,
        "embed_text": settings.embed_text_base_url,
    }[role]
    if settings.preset is not None:
        preset_named(settings.preset)  # Also where nothing is sent: a misspelling is a mistake in any case.
    parse = {"speech": transcriber_settings, "embed_text": text_embedder_settings}.get(
        role, ModelSettings.parse
    )
    # What one request may hold says nothing of sound, nor of texts that become vectors.
    chats = role not in ("speech", "embed_text")
    bounds = {name: getattr(settings, name) for name in _BOUNDS} if chats else {}
    if chats and settings.record is not None:
        bounds["recorded"] = True
    if chats:
        bounds |= {"engine_args": settings.engine_args, "engine_seconds": settings.engine_seconds}
    own = parse(
        name,
        base_url=own_url or settings.base_url,
        preset=settings.preset,
        concurrency=settings.concurrency,
        timeout_seconds=settings.timeout_seconds,
        temperature=settings.temperature,
        **bounds,
    )
    if not own.talks_to_server:
        return own
    if not chats:
        # Their server is never started: it is asked where it is.
        own = own.model_copy(update={"starts": False})
    pointed = bool((own_url or settings.base_url or "").strip())
    return own.model_copy(update={"api_key": settings.key(own.server.key_variable, pointed=pointed)})


def budget_of(settings: Settings, *, way_out: str = WAY_OUT) -> Budget:
    """The budget of one run, shared by all its steps; `way_out` ends the message of `BudgetReached`."""
    return Budget(max_cost=settings.max_cost, max_tokens=settings.max_tokens, way_out=way_out)


def open_models(
    settings: Settings,
    library: Library | None,
    on_event: EventSink,
    budget: Budget | None = None,
    *,
    video: str | None = None,
    checking: bool = False,
    comparing: bool = False,
    at_first_call: bool = False,
) -> Models:
    """The roles' models for one run, with `checking` the one that checks claims, with `comparing` the one that
    compares texts; the caller closes them.

    `budget` is the run's, where these calls are not all of it. `at_first_call` leaves keys and servers
    unchecked until a reply is wanted that is not kept; then `check_reachable` comes before that call.

    `video` is the digest of what they are asked about: recordings tell pictures by it.

    Raises `SettingsError`, `ModelUnavailable`.
    """

    def advanced(stage: str, usage: Usage) -> None:
        on_event(StageAdvanced(stage=stage, done=0, usage=usage))

    def noted(text: str) -> None:
        on_event(Notice(text=text))

    ledger = Ledger(on_usage=advanced)
    budget = budget or budget_of(settings)
    roles = model_settings(settings, "vision"), model_settings(settings, "text")
    opened = partial(
        open_model,
        ledger=ledger,
        store=library,
        fresh=settings.fresh,
        budget=budget,
        on_note=noted,
        shared=None if library is None else str(library.place),
        recorder=None if settings.record is None else FileRecorder(settings.record),
        ready=_Once(partial(check_reachable, settings, noted, checking=checking)) if at_first_call else None,
        video=video,
    )
    # Two models may have been recorded in one file, one for each role.
    if roles[1] == roles[0] and roles[0].scheme != "replay":
        vision = text = _about(opened(roles[0], roles=_ROLES), video)
    else:
        vision, text = (
            _about(opened(own, roles=(role,)), video) for own, role in zip(roles, _ROLES, strict=True)
        )
    own = model_settings(settings, "verify")
    # The same model is no second one.
    second = checking and settings.verify_model is not None and own != roles[0]
    checker = _about(opened(own, roles=("verify",)), video) if second else None
    meaning = open_meaning(settings, library, ledger, budget, on_event) if comparing else None
    return Models(vision=vision, text=text, ledger=ledger, verify=checker, meaning=meaning)


def open_meaning(
    settings: Settings, library: Library | None, ledger: Ledger, budget: Budget, on_event: EventSink
) -> TextEmbedder | None:
    """The model that compares texts, which keeps its replies to queries in the library; None where none is
    set.

    Nothing is sent, and the key is asked for by the first call. Raises `SettingsError`.
    """
    if settings.embed_text is None:
        return None
    return open_text_embedder(
        model_settings(settings, "embed_text"),
        ledger=ledger,
        store=library if library is not None and library.writable else None,
        fresh=settings.fresh,
        budget=budget,
        on_note=lambda text: on_event(Notice(text=text)),
    )


class _Once:
    """Runs a check once, before the first call of any of a run's models. Later calls raise the same error."""

    def __init__(self, check: Callable[[], None]) -> None:
        self._check, self._lock = check, asyncio.Lock()
        self._passed = False
        self._failed: MrVideoError | None = None

    async def __call__(self) -> None:
        async with self._lock:
            if self._failed is not None:
                raise self._failed
            if self._passed:
                return
            try:
                await to_thread.run_sync(self._check)
            except MrVideoError as error:
                self._failed = error
                raise
            self._passed = True


def _about(model: Model, video: str | None) -> Model:
    return model if video is None else about(model, video)


@contextmanager
def opened_models(
    settings: Settings,
    library: Library | None,
    on_event: EventSink,
    budget: Budget | None = None,
    *,
    video: str | None = None,
) -> Generator[Models, None, None]:
    """`open_models`, closed at the end; for code outside the event-loop thread."""
    models = open_models(settings, library, on_event, budget, video=video)
    try:
        yield models
    finally:
        portal().call(models.aclose)


@asynccontextmanager
async def models_at_hand(
    settings: Settings, budget: Budget | None, on_event: EventSink, *, video: str | None = None
) -> AsyncGenerator[Models]:
    """`open_models` on the event-loop thread, with the library as their reply store where it can be written;
    keys and servers are checked before a call. All is closed at the end.
    """
    library = await to_thread.run_sync(partial(Library.open, settings.library, create=False))
    try:
        kept_in = library if library.writable else None
        models = open_models(settings, kept_in, on_event, budget, video=video, at_first_call=True)
        try:
            yield models
        finally:
            await models.aclose()
    finally:
        library.close()


def check_reachable(
    settings: Settings, tell: Callable[[str], None] = lambda line: None, *, checking: bool = False
) -> None:
    """Check keys, servers, model folders and recordings of all roles, before anything is written.

    A server that mrvideo starts (`vllm:MODEL`) is started or joined, and waited for; `tell` hears how far it
    is. Raises `ModelUnavailable`, `SettingsError`, and `Stopped` when the run is cancelled while a server
    starts.
    """
    check_recording(settings)
    roles = (*_ROLES, "verify") if checking else _ROLES
    asked: list[ModelSettings] = []
    for role in roles:
        own = model_settings(settings, role)
        if own not in asked:
            check_there(own, tell, sees=role != "text")
            asked.append(own)


def check_recording(settings: Settings) -> None:
    """Check the file that replies are recorded in, if any.

    Raises `SettingsError` when it cannot be read or created.
    """
    if settings.record is not None:
        existing_recording(settings.record)


def check_there(own: ModelSettings, tell: Callable[[str], None] | None = None, *, sees: bool = False) -> None:
    """Check the key, and that the server accepts a connection or the model's folder exists; sends nothing.

    With `tell`, a server that mrvideo starts is started or joined; without, it is checked that it could be.
    `sees`: the model is to take pictures. Raises `SettingsError` or `ModelUnavailable`.
    """
    check_key(own)
    if own.starts:
        from mrvideo.models.engines.backend import check_startable, check_takes_pictures, ready

        if sees:
            check_takes_pictures(own)
        if tell is None:
            check_startable(own)
        else:
            ready(own, tell)
        return
    if own.scheme == "hf" and own.model.startswith(("/", "./", "../", "~")) and not Path(own.model).is_dir():
        raise ModelUnavailable(
            f"{own.name}: there is no folder {own.model}; name one that holds a saved model"
        )
    if own.scheme == "replay":
        load_recording(Path(own.model))
    if not own.talks_to_server or own.base_url is None:
        return
    proxy = usable_proxy(own.name, own.base_url)
    parts = urlsplit(proxy or own.base_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), timeout=10).close()
    except OSError as error:
        if proxy is not None:
            raise ModelUnavailable(
                f"the proxy that the environment names for {own.base_url}, {shown_proxy(proxy)}, does not answer "
                f"({error}); correct or unset it, or name {urlsplit(own.base_url).hostname} in NO_PROXY"
            ) from error
        raise ModelUnavailable(
            f"no server answers at {own.base_url} ({error}); start it, or correct --base-url"
        ) from error


def check_embeds_texts(own: ModelSettings) -> None:
    """Check the key and server, or the folder and package, of the model that compares texts; sends and loads
    nothing.

    Raises `SettingsError` or `ModelUnavailable`.
    """
    check_there(own)
    check_encodes(own)


def check_opens(own: ModelSettings, role: str) -> None:
    """Open and close the model of a role; sends nothing.

    Raises `SettingsError` or `ModelUnavailable` when it cannot be opened or reached.
    """
    opened = (open_transcriber if role == "speech" else open_model)(own, ledger=Ledger())
    portal().call(opened.aclose)
    check_there(own, sees=role in ("vision", "verify"))
    if role == "embed_text":
        check_encodes(own)


def capabilities_of(settings: Settings) -> Capabilities:
    """The capabilities of the vision model. Needs no key."""
    return seeing_identity(settings).capabilities


def seeing_identity(settings: Settings) -> Identified:
    """The vision model's name, fingerprint and capabilities, which are part of an index's key.

    Needs neither its key nor its package. Raises `SettingsError` for an unknown vision or text model.
    """
    model_settings(settings, "text")
    return identity_of(model_settings(settings, "vision"))
