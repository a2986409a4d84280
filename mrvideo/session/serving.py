"""Servers of models that mrvideo starts, for `mrvideo serve`: started to stay, listed, stopped."""

from __future__ import annotations

from mrvideo.errors import InputError, SettingsError
from mrvideo.models.engines.backend import already_there, wanted_by
from mrvideo.models.engines.sharing import joined, running, stop
from mrvideo.models.engines.wanted import Running
from mrvideo.models.settings import ENGINES, ModelSettings
from mrvideo.records import EventSink, Notice
from mrvideo.session.models import model_settings
from mrvideo.settings import Settings


def start_server(settings: Settings, *, port: int | None = None, on_event: EventSink) -> Running:
    """Start the server of the vision model, or join it, wait until it answers, and let it stay without users.

    Raises `SettingsError` for a model that mrvideo starts no server for, `ModelUnavailable`.
    """
    own = model_settings(settings, "vision")
    if not own.starts:
        raise SettingsError(
            f"no server is started for {own.name}; name vllm:MODEL, sglang:MODEL or llamacpp:MODEL, and no --base-url"
        )
    if already_there(own) is not None:
        raise InputError(f"a server at {own.base_url} has {own.model} already, and is used as it is")
    lease = joined(
        wanted_by(own, port=port), tell=lambda line: on_event(Notice(text=line)), given_up=lambda: False
    )
    lease.keep()
    address = lease.served.base_url
    return next(one for one in running() if one.base_url == address)


def servers() -> list[Running]:
    """Those that run, started here by whichever command."""
    return running()


def stop_servers(name: str | None = None) -> list[str]:
    """Stop the server of a model, or all; returns their names. Runs that use one fail, and what they have
    done is kept.

    Raises `SettingsError` for a name that is no model with a server.
    """
    if name is not None:
        scheme = ModelSettings.parse(name).scheme
        if scheme not in ENGINES:
            raise SettingsError(f"no server is started for {name}; mrvideo serve status lists those that are")
    return stop(name)
