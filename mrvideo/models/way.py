"""HTTP clients for model servers: proxies, keys and bounded response bodies.

All clients are made here, one per event loop, so that error messages about proxies and keys match what was
used.
"""

from __future__ import annotations

import asyncio
import importlib
import ipaddress
import ssl
import zlib
from collections.abc import AsyncIterable
from functools import lru_cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakKeyDictionary

from mrvideo.errors import ModelUnavailable, SettingsError
from mrvideo.models.settings import ModelSettings

if TYPE_CHECKING:
    from openai import AsyncOpenAI

LONGEST_BODY = 4 * 2**20
"""Bytes of one answer, unpacked. The longest reply that a model gives is a tenth of it."""

_CONNECT_SECONDS = 10.0
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


class BodyError(Exception):
    """A response whose body is refused."""


class BodyTooLong(BodyError):
    """The response is longer than `LONGEST_BODY`."""


class BodyUnreadable(BodyError):
    """The response has a content encoding that was not asked for."""


def check_key(settings: ModelSettings) -> None:
    """Raises `SettingsError`: no key where one is needed, or a character in it that no header can carry."""
    if not settings.talks_to_server:
        return
    preset = settings.server
    if preset.needs_key and settings.api_key is None:
        raise SettingsError(
            f"{settings.name}: {preset.name} wants a key; set {preset.key_variable} (or MRVIDEO_API_KEY) "
            "in the environment, or name a key_file"
        )
    key = settings.api_key.get_secret_value() if settings.api_key else ""
    wrong = next((place for place, c in enumerate(key, start=1) if not (" " <= c <= "~")), None)
    if wrong is not None:
        variable = preset.key_variable or "OPENAI_API_KEY"
        raise SettingsError(
            f"{settings.name}: the key holds a character that no key can hold (number {wrong}: a quotation mark, a line "
            f"break, …); copy it again into {variable}, MRVIDEO_API_KEY or the key_file, wherever it is from"
        )


def open_client(settings: ModelSettings, *, read_seconds: float) -> AsyncOpenAI:
    """A client for the running event loop; whoever opens it closes it. Raises `ModelUnavailable`, and
    `SettingsError` for the key.
    """
    check_key(settings)
    import openai

    url = settings.base_url or ""
    http: Any = importlib.import_module(_http_package(openai.DefaultAsyncHttpxClient))
    key = settings.api_key
    return openai.AsyncOpenAI(
        # Servers without keys want the header all the same; an empty one makes the client look for its own.
        api_key=key.get_secret_value() if key else "none",
        base_url=url,
        max_retries=0,
        timeout=openai.Timeout(read_seconds, connect=min(_CONNECT_SECONDS, settings.timeout_seconds)),
        http_client=openai.DefaultAsyncHttpxClient(
            # The proxy is chosen here, so that one which is not used for this host cannot be in the way.
            trust_env=False,
            # Pictures, words and key go to the address that was given, not to one that its server names.
            follow_redirects=False,
            proxy=None if settings.direct else usable_proxy(settings.name, url),
            verify=_trusted(http.__name__, ssl.get_default_verify_paths()),
            headers={"Accept-Encoding": "identity"},
            event_hooks={"response": [_bounded(http)]},
        ),
    )


class Clients:
    """Clients of one server, one for each event loop that asks. Thread-safe; nothing is opened before a call."""

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        self._open: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncOpenAI] = WeakKeyDictionary()

    def here(self, *, read_seconds: float | None = None) -> AsyncOpenAI:
        """The running loop's, opened where it has none: it waits `read_seconds` for an answer, or as long as
        the settings say. Raises what `open_client` raises.
        """
        loop = asyncio.get_running_loop()
        if loop not in self._open:
            seconds = self._settings.timeout_seconds if read_seconds is None else read_seconds
            self._open[loop] = open_client(self._settings, read_seconds=seconds)
        return self._open[loop]

    async def aclose(self) -> None:
        """Close the running loop's connections."""
        client = self._open.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.close()


def usable_proxy(name: str, url: str) -> str | None:
    """The proxy on the way to a URL, or None. Raises `ModelUnavailable` when it cannot be used."""
    proxy = proxy_of(url)
    if proxy is None:
        return None
    try:
        parts = urlsplit(proxy)
        usable = parts.scheme in _PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    out = f"correct or unset it, or name {urlsplit(url).hostname} in NO_PROXY"
    if not usable:
        raise ModelUnavailable(
            f"{name}: the environment names a proxy for {url} that is no address; write it like "
            f"http://proxy:3128; {out}"
        )
    if proxy.startswith("socks") and find_spec("socksio") is None:
        raise ModelUnavailable(
            f"{name}: the environment names a SOCKS proxy for {url}, which needs a package: "
            f"pip install 'httpx[socks]'; or {out}"
        )
    return proxy


def proxy_of(url: str) -> str | None:
    """The proxy that the environment (or the system's settings) names for a URL: HTTP_PROXY, HTTPS_PROXY,
    ALL_PROXY.
    """
    parts = urlsplit(url)
    host, known = parts.hostname or "", getproxies()
    proxy = known.get(parts.scheme) or known.get("all")
    if not proxy or _left_out(host, parts.port, known.get("no", "")) or proxy_bypass(host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def shown_proxy(proxy: str) -> str:
    """The proxy's address without its password."""
    parts = urlsplit(proxy)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port else "")


def _left_out(host: str, port: int | None, no_proxy: str) -> bool:
    """Whether NO_PROXY names the host: itself, a domain above it, a network that its address lies in, or `*`."""
    host = host.lower().rstrip(".")
    for entry in no_proxy.lower().split(","):
        named = entry.strip().rpartition("://")[2].strip("[]")
        if named == "*" or named in (host, f"{host}:{port}", f"[{host}]:{port}"):
            return True
        domain = named.lstrip("*").strip(".")
        if domain and host.endswith(f".{domain}"):
            return True
        try:
            if "/" in named and ipaddress.ip_address(host) in ipaddress.ip_network(named, strict=False):
                return True
        except ValueError:
            continue
    return False


def _http_package(client: type) -> str:
    """`httpx`, or what the installed openai package has in its place."""
    return next(base.__module__ for base in client.__mro__ if base.__name__ == "AsyncClient").partition(".")[
        0
    ]


@lru_cache(maxsize=4)
def _trusted(http: str, paths: ssl.DefaultVerifyPaths) -> ssl.SSLContext:
    """The certificate authorities that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, as `paths` tells, else those of the
    package.

    One for all clients: reading the authorities takes a twentieth of a second, more than all else of a client.
    """
    return importlib.import_module(http).create_ssl_context()


def _bounded(http: Any) -> Any:
    async def read(response: Any) -> None:
        stream = response.stream
        try:
            body = await read_bounded(stream, response.headers.get("content-encoding", ""))
        finally:
            await stream.aclose()
        response.headers.pop("content-encoding", None)
        response.stream = http.ByteStream(body)

    return read


async def read_bounded(stream: AsyncIterable[bytes], encoding: str) -> bytes:
    """Read and decompress a body.

    Raises `BodyTooLong` before more than the bound is in memory, and `BodyUnreadable`.
    """
    encoding = encoding.strip().lower()
    unpack: Any = None
    if encoding in ("gzip", "x-gzip", "deflate"):
        unpack = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
    elif encoding not in ("", "identity"):
        raise BodyUnreadable(f"it is packed as {encoding[:20]}, which it was not asked for")
    body = bytearray()
    async for chunk in stream:
        if unpack is None:
            body += chunk
        else:
            try:
                body += unpack.decompress(chunk, LONGEST_BODY + 1 - len(body))
            except zlib.error as error:
                raise BodyUnreadable(f"it says that it is packed as {encoding}, and is not") from error
        if len(body) > LONGEST_BODY:
            raise BodyTooLong
    return bytes(body)
