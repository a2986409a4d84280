"""Open a transcriber from its settings, wrapped in its limits."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from mrvideo.errors import SettingsError
from mrvideo.models.base import ReplyStore, Request
from mrvideo.models.budget import Budget
from mrvideo.models.ledger import Ledger
from mrvideo.models.limiter import Limiter
from mrvideo.models.limits import LimitedModel, Limits
from mrvideo.models.retry import Backoff
from mrvideo.models.settings import SERVERS, ModelSettings
from mrvideo.models.way import check_key
from mrvideo.records import Usage
from mrvideo.speech.port import Transcriber

if TYPE_CHECKING:
    from mrvideo.speech.openai_audio import OpenAITranscriber
    from mrvideo.speech.whisper import FasterWhisper

LOCAL = "faster-whisper"


def transcriber_settings(name: str, **fields: Any) -> ModelSettings:
    """Settings for `openai:MODEL` (any OpenAI-compatible server) or `faster-whisper:SIZE`; fields as in
    `ModelSettings`.

    Raises `SettingsError`.
    """
    scheme, _, rest = name.partition(":")
    if scheme in SERVERS and rest:
        return ModelSettings.parse(name, **fields)
    if scheme == LOCAL and rest:
        try:
            return ModelSettings(
                name=name, **{key: value for key, value in fields.items() if key != "base_url"}
            )
        except ValidationError as error:
            first = error.errors(include_input=False)[0]
            raise SettingsError(f"model {name}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    raise SettingsError(
        f"no transcriber {name!r}; write openai:MODEL (such as openai:whisper-1) or {LOCAL}:SIZE"
    )


def open_transcriber(
    settings: ModelSettings,
    *,
    ledger: Ledger,
    store: ReplyStore | None = None,
    fresh: bool = False,
    budget: Budget | None = None,
    limiter: Limiter | None = None,
    on_note: Callable[[str], None] = lambda text: None,
) -> Transcriber:
    """The adapter that the name asks for, behind kept replies, budget, concurrency, retries and usage.
    Nothing is sent yet. `on_note` hears what the user should know of the server.

    Raises `SettingsError`: no such scheme, no key where one is needed, a budget in money for an unknown
    price.
    """
    limits = Limits(
        ledger=ledger,
        store=store,
        fresh=fresh,
        budget=budget or Budget(),
        limiter=limiter,
        backoff=Backoff(attempts=settings.max_attempts),
        on_note=on_note,
    )
    if settings.scheme == LOCAL:
        if find_spec("faster_whisper") is None:
            raise SettingsError(f"{settings.name} needs: pip install 'mrvideo[asr]'")
        whisper = _whisper(settings)
        return Transcriber(model=LimitedModel(whisper, limits, most=_free), fetch=whisper.fetch)
    adapter = _server(settings)
    check_key(settings)
    if budget is not None and budget.max_cost is not None and adapter.cost_per_minute is None:
        raise SettingsError(
            f"max_cost cannot be kept: no price is known for {settings.name}; leave max_cost out"
        )
    return Transcriber(
        model=LimitedModel(adapter, limits, most=adapter.most), longest_seconds=adapter.longest_seconds
    )


def transcriber_fingerprint(settings: ModelSettings) -> str:
    """The fingerprint of the transcriber that `open_transcriber` would open. Needs neither its key nor its
    package.

    Raises `SettingsError`: no such scheme.
    """
    if settings.scheme == LOCAL:
        return Transcriber(model=_whisper(settings)).fingerprint
    adapter = _server(settings)
    return Transcriber(model=adapter, longest_seconds=adapter.longest_seconds).fingerprint


def _whisper(settings: ModelSettings) -> FasterWhisper:
    from mrvideo.speech.whisper import FasterWhisper

    return FasterWhisper(settings)


def _server(settings: ModelSettings) -> OpenAITranscriber:
    if settings.scheme not in SERVERS:
        raise SettingsError(f"no transcriber {settings.name!r}; write openai:MODEL or {LOCAL}:SIZE")
    from mrvideo.speech.openai_audio import OpenAITranscriber

    return OpenAITranscriber(settings)


def _free(request: Request[Any]) -> Usage:
    return Usage(calls=1)
