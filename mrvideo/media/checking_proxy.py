"""A proxy on loopback that dials for a library with networking of its own, by the rules for addresses.

library ─► 127.0.0.1, by password ─► names resolved once ─► each address public? ─► connect to it
            ▲                                                                           │
            └──────────────── a redirect is a request of its own, checked again ◄───────┘

What it refuses is kept in `refusals`: the library only hears of a status. It counts what comes, and ends all
connections once that is more than was granted.
"""

from __future__ import annotations

import base64
import hmac
import http.server
import secrets
import selectors
import socket
import struct
import threading
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

from typing_extensions import Self

from mrvideo.errors import VideoError
from mrvideo.media.dialling import TIMEOUT_SECONDS, Dialler, Line
from mrvideo.wording import with_bare_addresses

_BLOCK_BYTES = 1 << 16
_IDLE_SECONDS = 60.0
"""A tunnel through which nothing comes for so long is closed."""
_MOST_BODY_BYTES = 16 << 20
"""Of what is sent: pages are asked for, nothing is uploaded."""
_BETWEEN_HOPS = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te",
     "trailer", "transfer-encoding", "upgrade")
)  # fmt: skip

_Place: TypeAlias = tuple[str, int]


class CheckingProxy:
    """Serves from `with` to its end, at `address`, to whoever has the password that stands in it."""

    def __init__(self, *, allow_private: bool) -> None:
        self.allow_private = allow_private
        self.refusals: list[VideoError] = []
        self._lock = threading.Lock()
        self._lines: set[Line] = set()
        self._left_bytes = 0
        self._reason: VideoError | None = None
        self._until = 0.0
        token = f"mrvideo:{secrets.token_urlsafe(24)}"
        self.authorization = _basic(token)
        self._server = _Server(self)
        self.address = f"http://{token}@127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.cut()
        self._thread.join()

    def grant(self, most_bytes: int, seconds: float, beyond: VideoError) -> None:
        """From now on so many bytes may come, for so long; whatever wants more is refused with `beyond`."""
        with self._lock:
            self._left_bytes, self._until = most_bytes, time.monotonic() + seconds
            self._reason = beyond

    def cut(self) -> None:
        """End all connections, from any thread; new ones are refused."""
        with self._lock:
            self._left_bytes = -1
            lines = list(self._lines)
        for line in lines:
            line.cut()

    def refuse(self, reason: VideoError) -> None:
        """Keep why something was refused."""
        with self._lock:
            self.refusals.append(reason)

    def take(self, size_bytes: int) -> bool:
        """Count what came; False once that is more, or later, than was granted: nothing comes any more."""
        with self._lock:
            was = self._left_bytes
            self._left_bytes -= size_bytes
            late = time.monotonic() > self._until
            beyond = was >= 0 and (self._left_bytes < 0 or late)
            if beyond and self._reason is not None:
                self.refusals.append(self._reason)
        if beyond:
            self.cut()
        return was >= 0 and not beyond

    @contextmanager
    def dialling(self) -> Generator[Dialler]:
        """What dials for one request. Its connections end with `cut`."""
        line = Line()
        with self._lock:
            self._lines.add(line)
            is_over = self._left_bytes < 0
        try:
            if is_over:
                line.cut()
            yield Dialler(self.allow_private, line)
        finally:
            with self._lock:
                self._lines.discard(line)
            line.cut()
            line.close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, proxy: CheckingProxy) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy = proxy

    def shutdown_request(self, request: Any) -> None:
        """A connection that broke off is reset, not ended: what has no stated length would look whole."""
        if struct.unpack("ii", request.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8))[0]:
            self.close_request(request)
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A library that hangs up is no fault, and there is nobody to tell."""


class _Handler(http.server.BaseHTTPRequestHandler):
    """One request a connection."""

    server: _Server  # pyright: ignore[reportIncompatibleVariableOverride]
    timeout = _IDLE_SECONDS
    begun = False
    """Whether the library was given the beginning of a reply."""

    def handle_one_request(self) -> None:
        self.close_connection = True
        self.raw_requestline = self.rfile.readline(65_537)
        if len(self.raw_requestline) > 65_536 or not self.parse_request():
            return
        self.close_connection = True
        given = self.headers.get("Proxy-Authorization", "")
        if not hmac.compare_digest(given.encode(), self.server.proxy.authorization.encode()):
            self._say(407, "whose proxy this is may use it")
        elif not self.server.proxy.take(0):
            self._say(503, "the work is over")
        else:
            self._answer()

    def _answer(self) -> None:
        proxy = self.server.proxy
        try:
            with proxy.dialling() as dialler:
                if self.command == "CONNECT":
                    self._tunnel(dialler)
                else:
                    self._forward(dialler)
        except VideoError as error:
            proxy.refuse(error)
            self._say(403, "this address may not be fetched")
        except TimeoutError:
            self._say(504, "the server does not answer")
        except (OSError, HTTPException, ValueError) as error:
            self._say(502, " ".join(str(error).split()) or type(error).__name__)

    def _tunnel(self, dialler: Dialler) -> None:
        place = _place_of(urlsplit(f"//{self.path}"), 443)
        upstream = _upstream("https", place[0])
        if upstream is None:
            far = dialler.connect(place, TIMEOUT_SECONDS)
        else:
            dialler.check_known(*place)
            far = _connected_through(upstream, place, dialler)
        with far, selectors.DefaultSelector() as ready:
            self.begun = True
            self.connection.sendall(b"HTTP/1.1 200 Connected\r\n\r\n")
            ready.register(self.connection, selectors.EVENT_READ, far)
            ready.register(far, selectors.EVENT_READ, self.connection)
            while events := ready.select(_IDLE_SECONDS):
                for key, _ in events:
                    end: Any = key.fileobj
                    block = end.recv(_BLOCK_BYTES)
                    if not block or (end is far and not self.server.proxy.take(len(block))):
                        return
                    key.data.sendall(block)

    def _forward(self, dialler: Dialler) -> None:
        parts = urlsplit(self.path)
        if parts.scheme != "http":
            raise VideoError(
                f"{self.path} cannot be fetched: {parts.scheme or 'no'} scheme; use http or https"
            )
        place = _place_of(parts, 80)
        upstream = _upstream("http", place[0])
        target = parts._replace(scheme="", netloc="").geturl() or "/"
        if upstream is None:
            far = HTTPConnection(*place, timeout=TIMEOUT_SECONDS)
            far._create_connection = dialler.connect  # type: ignore[attr-defined]  # pyright: ignore
        else:
            dialler.check_known(*place)
            far = HTTPConnection(*_place_of(upstream, 80), timeout=TIMEOUT_SECONDS)
            far._create_connection = dialler.connect_unchecked  # type: ignore[attr-defined]  # pyright: ignore
            target = self.path
        try:
            self._send(far, target, upstream)
            with far.getresponse() as reply:
                self._relay(reply)
        finally:
            far.close()

    def _send(self, far: HTTPConnection, target: str, upstream: SplitResult | None) -> None:
        size = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not (size.isascii() and size.isdigit()):
            raise ValueError("a request without a stated length is not sent on")
        if int(size) > _MOST_BODY_BYTES:
            raise ValueError("the request is too big")
        far.putrequest(self.command, target, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in _BETWEEN_HOPS:
                far.putheader(name, value)
        if upstream is not None and (token := _authorization_of(upstream)):
            far.putheader("Proxy-Authorization", token)
        far.putheader("Connection", "close")
        far.endheaders(self.rfile.read(int(size)) or None)

    def _relay(self, reply: HTTPResponse) -> None:
        self.begun = True
        self.send_response_only(reply.status, _latin(reply.reason))
        for name, value in reply.headers.items():
            if name.lower() not in _BETWEEN_HOPS:
                self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        while block := reply.read1(_BLOCK_BYTES):
            if not self.server.proxy.take(len(block)):
                raise OSError("the work is over")
            self.wfile.write(block)

    def _say(self, status: int, words: str) -> None:
        with suppress(OSError):
            if self.begun:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            self.send_response_only(status, _latin(with_bare_addresses(words)))
            self.send_header("Content-Length", "0")
            self.send_header("Connection", "close")
            self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        return


def _basic(token: str) -> str:
    return f"Basic {base64.b64encode(token.encode()).decode('ascii')}"


def _latin(words: str) -> str:
    return (
        "".join(c if c.isprintable() else " " for c in words).encode("latin-1", "replace").decode("latin-1")
    )


def _place_of(parts: SplitResult, port: int) -> _Place:
    if not parts.hostname:
        raise ValueError("the address names no host")
    return parts.hostname, parts.port or port


# A proxy that the user's environment names
# --------------------------------------------------------------------------------------


def _upstream(scheme: str, host: str) -> SplitResult | None:
    """The proxy that the environment names for addresses of this scheme; None for none.

    Raises VideoError for one that is not spoken with: to go past it would reach what it was to stand before.
    """
    named = urllib.request.getproxies().get(scheme)
    if not named or urllib.request.proxy_bypass(host):
        return None
    parts = urlsplit(named if "://" in named else f"http://{named}")
    if parts.scheme != "http":
        raise VideoError(
            f"the proxy that {scheme}_proxy names speaks {parts.scheme}, which is not supported; name one of http://"
        )
    return parts


def _authorization_of(proxy: SplitResult) -> str:
    if proxy.username is None:
        return ""
    return _basic(f"{unquote(proxy.username)}:{unquote(proxy.password or '')}")


def _connected_through(proxy: SplitResult, place: _Place, dialler: Dialler) -> socket.socket:
    """A tunnel to the place through the user's proxy. Raises OSError."""
    tunnel = HTTPConnection(*_place_of(proxy, 80), timeout=TIMEOUT_SECONDS)
    tunnel._create_connection = dialler.connect_unchecked  # type: ignore[attr-defined]  # pyright: ignore
    token = _authorization_of(proxy)
    tunnel.set_tunnel(*place, headers={"Proxy-Authorization": token} if token else {})
    tunnel.connect()
    return tunnel.sock
