"""The adapter for a server that mrvideo starts: joins it before the first call, then asks as any
OpenAI-compatible server is asked.
"""

from __future__ import annotations

import asyncio
import json
import threading
import urllib.error
import urllib.request
from typing import Any
from weakref import WeakKeyDictionary

from anyio import from_thread, to_thread
from pydantic import SecretStr

from mrvideo.errors import ModelError, ModelUnavailable
from mrvideo.models.base import Capabilities, Request
from mrvideo.models.chat_backend import Completion, Turn
from mrvideo.models.engines.programs import Plan, check_sees, further_arguments, installed, program_of
from mrvideo.models.engines.sharing import Lease, Tell, joined
from mrvideo.models.engines.wanted import Served, Wanted
from mrvideo.models.openai import OpenAIBackend
from mrvideo.models.settings import ModelSettings

_LIST_SECONDS = 2.0
_MOST_LIST_BYTES = 2**20


class EngineBackend:
    """One model at a server of this machine. Thread-safe. What is kept of it is found again whichever port it
    has.

    A server that already answers at the engine's usual port and has the model is used as it is; else one is
    joined that an earlier run has started, or one is started, at the first call.
    """

    def __init__(self, settings: ModelSettings, tell: Tell = lambda line: None) -> None:
        self._settings, self._tell = settings, tell
        # Until it is joined it stands for name, fingerprint and capabilities; nothing is sent through it.
        self._openai = OpenAIBackend(settings)
        self._joined = False
        self._joining: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
        self._lease: Lease | None = None

    @property
    def name(self) -> str:
        """As the user wrote it."""
        return self._settings.name

    @property
    def fingerprint(self) -> str:
        """That of the same model at the engine's usual address."""
        return OpenAIBackend(self._settings).fingerprint

    @property
    def capabilities(self) -> Capabilities:
        """The preset's, limited by the settings and by what the server has refused so far."""
        return self._openai.capabilities

    async def complete(
        self, request: Request[Any], turns: tuple[Turn, ...], *, max_output_tokens: int
    ) -> Completion:
        """One call. Raises as `OpenAIBackend` does; `ModelUnavailable` too for a server that cannot be
        started, or died.
        """
        if not self._joined:
            await self._join()
        try:
            return await self._openai.complete(request, turns, max_output_tokens=max_output_tokens)
        except ModelError as error:
            gone = await to_thread.run_sync(self._gone)
            if gone is not None:
                # No call can succeed any more: the run ends, and what is done is kept.
                raise ModelUnavailable(gone) from error
            raise

    async def aclose(self) -> None:
        """Close this loop's connections. The process stays a user of the server until it ends."""
        await self._openai.aclose()

    def _gone(self) -> str | None:
        lease = self._lease
        return None if lease is None else lease.ended

    async def _join(self) -> None:
        # One thread waits for the server, however many calls do.
        async with self._joining.setdefault(asyncio.get_running_loop(), asyncio.Lock()):
            if self._joined:
                return
            served, lease = await to_thread.run_sync(ready, self._settings, self._tell)
            self._openai = OpenAIBackend(at(self._settings, served))
            self._lease, self._joined = lease, True


def ready(settings: ModelSettings, tell: Tell) -> tuple[Served, Lease | None]:
    """The server of these settings, once it answers; without a lease where somebody else runs it at the usual
    port.

    Raises `ModelUnavailable`, `SettingsError`, and `Stopped` when the run is cancelled meanwhile.
    """
    there = already_there(settings)
    if there is not None:
        return there, None
    lease = joined(wanted_by(settings), tell=tell, given_up=_given_up)
    return lease.served, lease


def wanted_by(settings: ModelSettings, *, port: int | None = None) -> Wanted:
    """The server that a model's settings ask for."""
    return Wanted(
        scheme=settings.scheme,
        model=settings.model,
        context_tokens=settings.context_tokens,
        engine_args=settings.engine_args,
        start_seconds=settings.engine_seconds,
        visits=settings.in_worker,
        port=port,
    )


def at(settings: ModelSettings, served: Served) -> ModelSettings:
    """The same model at the address where it is."""
    return settings.model_copy(
        update={
            "base_url": served.base_url,
            "api_key": SecretStr(served.api_key) if served.api_key else None,
            "starts": False,
            # Pictures and key go from this machine to itself, whatever proxy the environment names.
            "direct": True,
        }
    )


def already_there(settings: ModelSettings) -> Served | None:
    """A server at the engine's usual port that lists the model under that name, such as one that you started
    yourself.
    """
    base_url = settings.base_url or ""
    key = settings.api_key.get_secret_value() if settings.api_key else ""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        # No proxy is between this machine and itself.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(f"{base_url}/models", headers=headers)  # noqa: S310 - the preset's
        with opener.open(request, timeout=_LIST_SECONDS) as answer:
            listed = json.loads(answer.read(_MOST_LIST_BYTES))
        names = {entry.get("id") for entry in listed["data"]}
    except urllib.error.HTTPError as error:
        error.close()
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return Served(base_url, key) if settings.model in names else None


def check_takes_pictures(settings: ModelSettings) -> None:
    """Check that the model would be started with what it needs to see, or that its server is there. Starts
    nothing.

    Raises `SettingsError`.
    """
    if already_there(settings) is None:
        check_sees(settings.scheme, settings.model)


def check_startable(settings: ModelSettings) -> None:
    """Check that the model's program is installed and its command can be written, or that its server is
    there. Starts nothing.

    Raises `ModelUnavailable`, `SettingsError`.
    """
    if already_there(settings) is not None:
        return
    further = further_arguments(settings.engine_args)
    try:
        begin = installed(settings.scheme)
    except ModelUnavailable as error:
        raise ModelUnavailable(f"{settings.name}: {error}") from None
    plan = Plan(settings.model, 0, "", settings.context_tokens, further=further)
    program_of(settings.scheme).launch(begin, plan)


def _given_up() -> bool:
    """Whether nobody waits any more: the program is ending, or the task that called this thread was
    cancelled.
    """
    if not threading.main_thread().is_alive():
        return True
    try:
        from_thread.check_cancelled()
    except RuntimeError:
        return False  # No thread of a task.
    return False
