"""What the openai package raised, as one of our errors: by its type and status, never by the words of its message."""

from __future__ import annotations

import errno
import socket
import ssl
from typing import Any, cast

import openai

from mrvideo.errors import ModelError, ModelRefused, ModelUnavailable
from mrvideo.models.chat_backend import Transient
from mrvideo.models.retry import retry_after_seconds
from mrvideo.models.settings import ModelSettings

_UNREACHABLE = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH}
_LONGEST_QUOTE = 300


def failure_of(error: Exception, settings: ModelSettings, *, reached: bool) -> ModelError:
    """The `ModelError` for it. `reached`: the server has answered before, so it is there."""
    name, url = settings.name, settings.base_url
    if isinstance(error, openai.APIStatusError):
        return _of_status(error, settings)
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return Transient(
            f"{name}: no answer from {url} within {settings.timeout_seconds:g} s", timed_out=True
        )
    if isinstance(error, openai.APIConnectionError):
        if not reached and _out_of_reach(error):
            return ModelUnavailable(
                f"{name}: nothing answers at {url}; start the server there, or give another base_url"
            )
        return Transient(f"{name}: the connection to {url} was lost")
    return Transient(f"{name}: {url} sent an answer that cannot be read")


def _of_status(error: openai.APIStatusError, settings: ModelSettings) -> ModelError:
    name, url, status = settings.name, settings.base_url, error.status_code
    if status in (401, 403):
        # The server's own words are left out: they often repeat the key.
        variable = settings.server.key_variable or "MRVIDEO_API_KEY"
        what = "refused the key" if settings.api_key else "wants a key"
        return ModelUnavailable(f"{name}: {url} {what} ({status}); check {variable} or the key_file")
    if status == 404:
        return ModelUnavailable(
            f"{name}: {url} answers 404 for model {settings.model!r}; "
            "check the model's name, and that base_url ends where the API begins (often /v1)"
        )
    said = _quoted(error, settings)
    if status in (408, 409, 429) or status >= 500:
        wait = retry_after_seconds(error.response.headers.get("retry-after"))
        return Transient(
            f"{name}: {url} answered {status}{said}", retry_after_seconds=wait, rate_limited=status == 429
        )
    return ModelRefused(f"{name}: {url} declined the request ({status}){said}")


def _quoted(error: openai.APIStatusError, settings: ModelSettings) -> str:
    words = _message(error.body)
    if not words:
        return ""
    line = " ".join(words.split())[:_LONGEST_QUOTE]
    if settings.api_key is not None and (key := settings.api_key.get_secret_value()):
        # Before the cut, so that no half of a key is left.
        line = " ".join(words.replace(key, "***").split())[:_LONGEST_QUOTE]
    return f": {line}"


def _message(body: object) -> str | None:
    """The message in the bodies that servers send: `{message}`, `{error: {message}}`, a list of those, `{detail}`."""
    if isinstance(body, list):
        parts = cast("list[object]", body)
        return _message(parts[0]) if parts else None
    if not isinstance(body, dict):
        return None
    fields = cast("dict[str, object]", body)
    for name in ("message", "error", "detail"):
        value = fields.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, dict | list):
            return _message(cast("object", value))
    first = fields.get("msg")
    return first if isinstance(first, str) else None


def refused_fields(error: openai.APIStatusError) -> set[str]:
    """Names of the request's fields that the server's error points at; empty when it names none."""
    found: set[str] = set()
    if isinstance(error.param, str):
        found.add(error.param.split(".")[0].split("[")[0])
    body: Any = error.body
    detail = cast("dict[str, Any]", body).get("detail") if isinstance(body, dict) else None
    for item in cast("list[Any]", detail) if isinstance(detail, list) else []:
        location = cast("dict[str, Any]", item).get("loc") if isinstance(item, dict) else None
        if isinstance(location, list | tuple):
            found |= {str(step) for step in cast("list[Any]", location)}
    return found


def _out_of_reach(error: BaseException) -> bool:
    """Whether its causes say: no such host, nobody listens, no trust. A lost connection is none of these."""
    seen: list[BaseException] = [error]
    for cause in seen:
        if isinstance(cause, socket.gaierror | ssl.SSLError):
            return True
        if isinstance(cause, OSError) and cause.errno in _UNREACHABLE:
            return True
        further = [cause.__cause__, cause.__context__, *getattr(cause, "exceptions", ())]
        seen.extend(e for e in further if e is not None and e not in seen)
    return False
