"""Videos at an address: one download for each process, which its digest, frames, sound and subtitles all come
from.

The copy is a private file that goes with the process. One that a killed process left is removed at the next
download.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import threading
import time
import urllib.error
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from mrvideo.errors import VideoError, WebPage
from mrvideo.mapreduce.event_loop import check_going_on, ending
from mrvideo.media import sources
from mrvideo.media.dialling import Line, open_address
from mrvideo.wording import with_bare_addresses

MOST_BYTES = 16 << 30
"""Of one download; and of all copies that a process keeps."""
LONGEST_SECONDS = 2 * 3600.0
SLOWEST_BYTES = 1 << 20
"""So much must come in each period of `PERIOD_SECONDS`: slower, and the longest film would not come in time.
"""
PERIOD_SECONDS = 60.0
_LEFT_FREE_BYTES = 256 << 20
_HEAD_BYTES = 4096
_BLOCK_BYTES = 1 << 20
_BLOCKS_BETWEEN_LOOKS = 64
_SHY = (401, 403, 405, 406, 429, 503)
"""What sites of pages answer to a client that is no browser."""
_PREFIX, _SUFFIX = "mrvideo-url-", ".download"
_OLD_SECONDS = 86_400.0


@dataclass
class _Fetched:
    """One address: `lock` is held while it is fetched, so that no other address waits for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    copy: Path | None = None
    held: BinaryIO | None = None
    bytes: int = 0


_lock = threading.Lock()
_known: dict[str, _Fetched] = {}


def copy_of(url: str, *, allow_url: bool, allow_private: bool, most_bytes: int = MOST_BYTES) -> Path:
    """The local copy of what the address holds, at most so many bytes, fetched once.

    Raises VideoError (`WebPage` for what leads to a video elsewhere), and `concurrent.futures.CancelledError` where the work that it is for is stopped
    meanwhile.

    `url` may be the address as it is shown, where this process was given the whole of it.
    """
    sources.check_url(url, allow_url=allow_url)
    whole = sources.address_of(url) or url
    name = sources.named(whole)
    with _lock:
        fetched = _known.setdefault(whole, _Fetched())
    with fetched.lock:
        # What was fetched before was allowed then, to the same person.
        if fetched.copy is not None and fetched.copy.exists():
            return fetched.copy
        check_going_on()  # Another may have held the lock for hours.
        _clean()
        fetched.copy, fetched.held, fetched.bytes = _download(whole, name, allow_private, most_bytes)
        copy = fetched.copy
    _let_go_beyond(MOST_BYTES, but=whole)
    return copy


def _download(url: str, name: str, allow_private: bool, most_bytes: int) -> tuple[Path, BinaryIO, int]:
    path, file = _new_file()
    try:
        try:
            with (
                closing(Line()) as line,
                ending(line.cut),
                closing(_opened(url, name, allow_private, line)) as reply,
            ):
                size = _write(reply, name, file, min(most_bytes, MOST_BYTES))
        except VideoError:
            check_going_on()
            raise
        except (OSError, HTTPException, ValueError, *_store_errors(url)) as error:
            check_going_on()
            raise _unreachable(name, error) from error
    except BaseException:
        _drop(path, file)
        raise
    return path, file, size


def _write(reply: Any, name: str, file: BinaryIO, most_bytes: int) -> int:
    stated = _stated_bytes(reply)
    beyond = "give a higher --max-download, or " if most_bytes < MOST_BYTES else ""
    if stated is not None and stated > most_bytes:
        raise VideoError(
            f"{name} holds {stated:,} bytes, more than is fetched ({most_bytes:,}); {beyond}{_YOURSELF}"
        )
    size = 0
    begun = time.monotonic()
    looked, seen = begun, 0
    head: bytes | None = b""
    for number, block in enumerate(_blocks(reply)):
        check_going_on()
        size += len(block)
        if head is not None:
            head = (head + block)[:_HEAD_BYTES]
            if len(head) == _HEAD_BYTES:
                sources.check_head(name, head)
                head = None
        now = time.monotonic()
        if size > most_bytes:
            raise VideoError(f"{name} does not end within {most_bytes:,} bytes; {beyond}{_YOURSELF}")
        if now - begun > LONGEST_SECONDS:
            raise VideoError(f"{name} was not there after {LONGEST_SECONDS:.0f} s; {_YOURSELF}")
        if now - looked > PERIOD_SECONDS:
            if size - seen < SLOWEST_BYTES:
                raise VideoError(f"{name} comes at {size - seen} bytes in {now - looked:.0f} s; {_YOURSELF}")
            looked, seen = now, size
        if number % _BLOCKS_BETWEEN_LOOKS == 0:
            _check_room(name, stated or 0)
        file.write(block)
    # A line that was cut looks like the end of what has no stated length.
    check_going_on()
    file.flush()
    if not size:
        raise VideoError(f"{name} is empty (0 bytes); check the address")
    if head:
        sources.check_head(name, head)
    if stated is not None and size != stated:
        raise VideoError(
            f"{name} broke off after {size:,} of {stated:,} bytes; check the connection and try again"
        )
    return size


_YOURSELF = "download it yourself and name the file"


def _stated_bytes(reply: Any) -> int | None:
    text = reply.headers.get("Content-Length", "") if hasattr(reply, "headers") else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def _blocks(reply: Any) -> Iterator[bytes]:
    """What comes, as it comes: one read from the network at a time, so that a slow host is noticed."""
    read = getattr(reply, "read1", reply.read)
    while block := read(_BLOCK_BYTES):
        yield block


def _check_room(name: str, wanted_bytes: int) -> None:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < _LEFT_FREE_BYTES or (wanted_bytes and free < wanted_bytes - _LEFT_FREE_BYTES):
        raise VideoError(
            f"{name}: no room for it in {tempfile.gettempdir()} ({free:,} bytes left); make some, or set TMPDIR"
        )


# The files
# ---------------------------------------------------------------------------------------------------------


def _new_file() -> tuple[Path, BinaryIO]:
    """A file that only this user reads, marked as in use for as long as the process lives."""
    while True:
        handle, name = tempfile.mkstemp(prefix=_PREFIX, suffix=_SUFFIX)
        path, file = Path(name), os.fdopen(handle, "wb")
        # Another process may have taken it for a left-over before it was marked.
        if _mark(file) and path.exists():
            atexit.register(_drop, path, file)
            return path, file
        file.close()


def _drop(path: Path, file: BinaryIO) -> None:
    file.close()
    path.unlink(missing_ok=True)


def _mark(file: BinaryIO) -> bool:
    """Lock an open file; False where another process has. Where there are no such locks, an open file cannot
    be removed.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _clean() -> None:
    """Remove what processes left behind that were killed."""
    folder = Path(tempfile.gettempdir())
    for path in folder.glob(f"mrvideo-*{_SUFFIX}"):
        with suppress(OSError):
            if path.is_symlink() or not path.is_file():
                continue
            if not path.name.startswith(_PREFIX):  # As 0.1.0 named them, without a mark.
                if time.time() - path.stat().st_mtime > _OLD_SECONDS:
                    path.unlink()
                continue
            with path.open("rb") as file:
                if _mark(file):
                    path.unlink()


def _let_go_beyond(most_bytes: int, *, but: str) -> None:
    """Remove the oldest copies beyond so many bytes; who needs one again fetches it again, and its digest
    must be the same.
    """
    with _lock:
        total = sum(fetched.bytes for fetched in _known.values())
        for url, fetched in list(_known.items()):
            if total <= most_bytes:
                return
            if url == but or fetched.copy is None or fetched.held is None:
                continue
            total -= fetched.bytes
            del _known[url]
            with suppress(OSError):
                _drop(fetched.copy, fetched.held)


# The sources
# -------------------------------------------------------------------------------------------------------


def _opened(url: str, name: str, allow_private: bool, line: Line) -> Any:
    if url.lower().startswith("s3://"):
        return _open_object(url, name)
    return open_address(url, allow_private=allow_private, line=line)


def _open_object(url: str, name: str) -> Any:
    """A file over an object store, through fsspec."""
    try:
        fsspec: Any = import_module("fsspec")
        return fsspec.open(url, "rb").open()
    except ImportError as error:
        raise VideoError(f"{name}: s3 needs further packages; pip install 'mrvideo[url]'") from error


def _store_errors(url: str) -> tuple[type[Exception], ...]:
    """What s3's own library raises beside the usual errors: no credentials, no such region."""
    if not url.lower().startswith("s3://") or find_spec("botocore") is None:
        return ()
    return (import_module("botocore.exceptions").BotoCoreError,)


def _unreachable(name: str, error: Exception) -> VideoError:
    reason = " ".join(str(getattr(error, "reason", None) or error or type(error).__name__).split())
    kind = VideoError
    if isinstance(error, urllib.error.HTTPError):
        reason = f"the server answers {error.code} {with_bare_addresses(str(error.reason))}"
        kind = WebPage if error.code in _SHY else VideoError
        error.close()
    return kind(f"{name} cannot be fetched: {reason}; check the address and the connection")
