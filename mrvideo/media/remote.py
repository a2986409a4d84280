"""Videos at an address: ranges where the server has them, one local copy where it has not."""

from __future__ import annotations

import atexit
import hashlib
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, cast

from mrvideo.errors import VideoError
from mrvideo.media import sources

_TIMEOUT_SECONDS = 10.0
_HEAD_BYTES = 4096
_BLOCK_BYTES = 1 << 20
_lock = threading.Lock()
_known: dict[str, _Address] = {}


@dataclass(frozen=True, slots=True)
class _Address:
    """What is known of an http address: `copy` is set when the server lacks ranges."""

    copy: Path | None
    version: str


def source_of(url: str, *, allow_url: bool) -> tuple[Any, str]:
    """What PyAV opens for the address, and the protocols it may use for it. Raises VideoError."""
    sources.check_url(url, allow_url=allow_url)
    if url.lower().startswith("s3://"):
        return _open_object(url), "file"
    address = _visit(url)
    if address.copy is not None:
        return f"file:{address.copy}", "file"
    return url, "http,https,httpproxy,tls,tcp"


def digest_of(url: str, *, allow_url: bool) -> str:
    """SHA-256 of the whole content, which is fetched for it."""
    sources.check_url(url, allow_url=allow_url)
    digest = hashlib.sha256()
    for block in _blocks(url):
        digest.update(block)
    return digest.hexdigest()


def shown(url: str) -> str:
    """The address without what may hold a secret: user, password and query."""
    scheme, _, rest = url.partition("://")
    place = rest.partition("?")[0]
    host, slash, path = place.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def _blocks(url: str) -> Iterator[bytes]:
    if url.lower().startswith("s3://"):
        with _open_object(url) as file:
            yield from iter(lambda: file.read(_BLOCK_BYTES), b"")
        return
    copy = _visit(url).copy
    try:
        with copy.open("rb") if copy else _fetch(url) as file:
            yield from iter(lambda: file.read(_BLOCK_BYTES), b"")
    except (OSError, HTTPException) as error:
        raise _unreachable(url, error) from error


def _visit(url: str) -> _Address:
    """Ask for the first bytes as a range. A server that sends everything instead is read to the end, once."""
    with _lock:
        if url not in _known:
            try:
                _known[url] = _first_visit(url)
            except (OSError, HTTPException, ValueError) as error:
                raise _unreachable(url, error) from error
        return _known[url]


def _first_visit(url: str) -> _Address:
    with _fetch(url, {"Range": f"bytes=0-{_HEAD_BYTES - 1}"}) as reply:
        head = reply.read(_HEAD_BYTES)
        if not head:
            raise VideoError(f"{shown(url)} is empty (0 bytes); check the address")
        sources.check_head(shown(url), head)
        version = reply.headers.get("ETag") or reply.headers.get("Last-Modified") or ""
        if reply.status == 206:
            return _Address(None, version)
        with tempfile.NamedTemporaryFile(prefix="mrvideo-", suffix=".download", delete=False) as file:
            copy = Path(file.name)
            atexit.register(copy.unlink, missing_ok=True)
            file.write(head)
            while block := reply.read(_BLOCK_BYTES):
                file.write(block)
        return _Address(copy, version)


def _fetch(url: str, headers: dict[str, str] | None = None) -> HTTPResponse:
    request = urllib.request.Request(url, headers={"User-Agent": "mrvideo", **(headers or {})})  # noqa: S310 - checked
    return urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS)  # noqa: S310 - http and https only


def _open_object(url: str) -> BinaryIO:
    """A seekable file over an object store, through fsspec."""
    try:
        fsspec: Any = import_module("fsspec")
        file = cast("BinaryIO", fsspec.open(url, "rb").open())
        head = file.read(_HEAD_BYTES)
        file.seek(0)
    except ImportError as error:
        raise VideoError(f"{url}: s3 needs further packages; pip install 'mrvideo[url]'") from error
    except (OSError, ValueError, *_store_errors()) as error:
        raise _unreachable(url, error) from error
    sources.check_head(url, head)
    return file


def _store_errors() -> tuple[type[Exception], ...]:
    """What s3's own library raises beside the usual errors: no credentials, no such region."""
    if find_spec("botocore") is None:
        return ()
    return (import_module("botocore.exceptions").BotoCoreError,)


def _unreachable(url: str, error: Exception) -> VideoError:
    reason = " ".join(str(getattr(error, "reason", None) or error or type(error).__name__).split())
    if isinstance(error, urllib.error.HTTPError):
        reason = f"the server answers {error.code} {error.reason}"
        error.close()
    return VideoError(f"{shown(url)} cannot be fetched: {reason}; check the address and the connection")
