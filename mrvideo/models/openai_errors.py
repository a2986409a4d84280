"""What went wrong with a call to an OpenAI-compatible server, as one of our errors: what, where, the way out."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Iterator

from mrvideo.errors import ModelBusy, ModelError, ModelRefused, ModelUnavailable
from mrvideo.models.chat_backend import Transient
from mrvideo.models.completions import Instead
from mrvideo.models.learnt import Learnt
from mrvideo.models.retry import retry_after_seconds
from mrvideo.models.server_words import Words, one_line
from mrvideo.models.settings import ModelSettings
from mrvideo.models.way import LONGEST_BODY, BodyTooLong, BodyUnreadable, proxy_of, shown_proxy

_UNREACHABLE = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH}
_BUSY = (408, 409, 425, 429)
_NO_MONEY = ("insufficient_quota", "billing_hard_limit_reached", "insufficient_credits")
_WRONG_ADDRESS = "base_url must end where the API begins (often /v1)"
_PLAIN_PORT = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNEXPECTED_EOF_WHILE_READING", "HTTP_REQUEST")


def failure_of(error: Exception, settings: ModelSettings, *, reached: bool) -> ModelError:
    """The `ModelError` for a call that brought no answer. `reached`: the server has answered before, so it is
    there.
    """
    # Here, not above: reading an index imports this module by way of the embedders, and calls no server.
    import openai

    name, url = settings.name, settings.base_url
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return Transient(
            f"{name}: no answer from {url} within {settings.timeout_seconds:g} s", timed_out=True
        )
    causes = list(_causes(error))
    if any(isinstance(cause, BodyTooLong) for cause in causes):
        return ModelRefused(
            f"{name}: {url} sent more than {LONGEST_BODY // 2**20} MiB in one answer, which is no reply; {_WRONG_ADDRESS}"
        )
    unreadable = next((cause for cause in causes if isinstance(cause, BodyUnreadable)), None)
    if unreadable is not None:
        return ModelRefused(f"{name}: {url} sent an answer that cannot be read: {unreadable}")
    if not reached:
        never = _no_way(causes, settings)
        if never is not None:
            return ModelUnavailable(f"{name}: {never}")
    if isinstance(error, openai.APIConnectionError):
        plain = not reached and (url or "").startswith("http:")
        hint = " before any answer; write https:// where the server speaks TLS" if plain else ""
        return Transient(f"{name}: the connection to {url} was lost{hint}")
    return Transient(f"{name}: {url} sent an answer that cannot be read")


def _no_way(causes: list[BaseException], settings: ModelSettings) -> str | None:
    """Why no call can come through, and the way out; None where the next one may."""
    url = settings.base_url or ""
    proxy = None if settings.direct else proxy_of(url)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            why = cause.verify_message or "it cannot be verified"
            return (
                f"the certificate of {url} is not trusted ({why}); name its authority's file in SSL_CERT_FILE, "
                "or correct base_url"
            )
        if isinstance(cause, ssl.SSLError):
            if (cause.reason or "") in _PLAIN_PORT:
                return (
                    f"{url} does not speak TLS at that port; write http:// where the server speaks plain HTTP"
                )
            return f"no TLS connection to {url} ({cause.reason or 'TLS error'}); correct base_url, or the server's TLS"
    if proxy is not None and any(_is_proxy_error(cause) or _is_out_of_reach(cause) for cause in causes):
        said = next((one_line(str(c), longest=80) for c in causes if _is_proxy_error(c) and str(c)), "")
        why = f" ({said})" if said else ""
        return (
            f"the proxy that the environment names, {shown_proxy(proxy)}, gives no way to {url}{why}; correct or unset it, "
            "or name the host in NO_PROXY"
        )
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return f"there is no host of the name in {url}; correct base_url"
        if _is_out_of_reach(cause):
            return f"nothing answers at {url}; start the server there, or give another base_url"
        if "illegal status line" in str(cause) or "illegal header line" in str(cause):
            return f"what answers at {url} is no HTTP server; write https:// where the server speaks TLS, or correct base_url"
        if type(cause).__name__ in (
            "UnsupportedProtocol",
            "InvalidURL",
            "LocalProtocolError",
            "UnicodeError",
        ):
            return f"{url} cannot be asked: {one_line(str(cause), _key(settings), longest=120)}; correct base_url"
    return None


def _is_proxy_error(cause: BaseException) -> bool:
    return type(cause).__name__ in ("ProxyError", "SOCKSError")


def _is_out_of_reach(cause: BaseException) -> bool:
    return isinstance(cause, OSError) and (cause.errno in _UNREACHABLE or isinstance(cause, socket.gaierror))


def failure_of_answer(
    words: Words, status: int, settings: ModelSettings, *, retry_after: str | None = None
) -> ModelError:
    """The `ModelError` for an answer that is an error by its status, or by the one that stands in its body."""
    name, url = settings.name, settings.base_url
    if 300 <= status < 400:
        return ModelUnavailable(
            f"{name}: {url} wants requests sent on to another address ({status}), which is not done; "
            "give the right one as base_url"
        )
    said = quoted(words, settings)
    if status in (401, 403):
        # The server's own words are left out: they often repeat the key.
        variable = settings.server.key_variable or "MRVIDEO_API_KEY"
        what = "refused the key" if settings.api_key else "wants a key"
        return ModelUnavailable(f"{name}: {url} {what} ({status}); check {variable} or the key_file")
    if status == 402 or words.code in _NO_MONEY or words.kind in _NO_MONEY:
        return ModelUnavailable(f"{name}: {url} wants to be paid first ({status}){said}")
    if status in (404, 405):
        return ModelUnavailable(
            f"{name}: {url} answers {status} for model {settings.model!r}{said}; "
            f"check the model's name, and that base_url ends where the API begins (often /v1)"
        )
    if status in _BUSY or status >= 500:
        return Transient(
            f"{name}: {url} answered {status}{said}",
            retry_after_seconds=retry_after_seconds(retry_after),
            rate_limited=status == 429,
            # The server's words may name the one request.
            kind=f"{url} {status}",
        )
    return ModelRefused(f"{name}: {url} declined the request ({status}){said}")


def failure_of_instead(found: Instead, settings: ModelSettings, learnt: Learnt) -> ModelError:
    """The `ModelError` for an answer with status 200 that is no completion.

    Before the first completion it is told at once: a wrong address stays wrong. After that it may be a
    passing fault.
    """
    name, url, words = settings.name, settings.base_url, found.words
    if found.kind == "error" and words.status is not None:
        failure = failure_of_answer(words, words.status, settings)
        if isinstance(failure, Transient) and not learnt.answered:
            return ModelBusy(f"{failure}, with status 200")
        return failure
    said = quoted(words, settings)
    if words.kind in _NO_MONEY or words.code in _NO_MONEY:
        return ModelUnavailable(f"{name}: {url} wants to be paid first{said}")
    if found.kind == "stream":
        what = "streams its reply, though it was not asked to; turn that off there, or correct base_url"
    elif found.kind == "page":
        what = f"sent a web page, not a reply{said}; {_WRONG_ADDRESS}"
    elif found.kind == "error" and not _is_about_address(words.text):
        # Of this request perhaps alone: the others are asked.
        return ModelRefused(f"{name}: {url} answered with an error{said}")
    elif found.kind == "error":
        what = f"answered with an error{said}; {_WRONG_ADDRESS}"
    elif found.kind == "empty":
        what = f"sent a completion that is none{said}"
    else:
        what = f"sent an answer that is no completion{said}; {_WRONG_ADDRESS}"
    if learnt.answered and found.kind != "error":
        return Transient(f"{name}: {url} {what}")
    if found.kind == "empty":
        return ModelRefused(f"{name}: {url} {what}")
    return ModelUnavailable(f"{name}: {url} {what}")


def _is_about_address(words: str) -> bool:
    lower = words.lower()
    return any(
        sign in lower for sign in ("endpoint", "not found", "no route", "method not allowed", "unknown url")
    )


def quoted(words: Words, settings: ModelSettings) -> str:
    """`: the server's words`, or nothing."""
    line = one_line(words.text, _key(settings)).rstrip(". ")
    return f": {line}" if line else ""


def _key(settings: ModelSettings) -> str:
    return settings.api_key.get_secret_value() if settings.api_key else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all that led to it, each once."""
    seen: list[BaseException] = [error]
    for cause in seen:
        yield cause
        further = [cause.__cause__, cause.__context__, *getattr(cause, "exceptions", ())]
        seen.extend(e for e in further if e is not None and all(e is not known for known in seen))
