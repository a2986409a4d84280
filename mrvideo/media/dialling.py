"""Opening an http address: every hop checked, and connected to the very address that was checked.

URL ─► scheme ─► names resolved once ─► each address public? ─► connect to it ─► reply
        ▲                                                                          │
        └────────────────────────── redirect ◄─────────────────────────────────────┘
"""

from __future__ import annotations

import base64
import ipaddress
import socket
import threading
import urllib.request
from contextlib import suppress
from http.client import HTTPConnection, HTTPMessage, HTTPResponse, HTTPSConnection
from typing import IO, Any, TypeAlias
from urllib.parse import unquote, urlsplit

from mrvideo.errors import VideoError
from mrvideo.media import sources

TIMEOUT_SECONDS = 10.0
"""For a connection, and for the next bytes to come."""

_MOST_REDIRECTS = 8
_SCHEMES = ("http", "https")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}

_IPAddress: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"


class Line:
    """The connections of one download, which any thread may cut: a read that waits for a silent host then
    ends at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ends: list[socket.socket] = []
        self._is_cut = False

    def add(self, connection: socket.socket) -> None:
        """One more. It is cut at once where the others have been."""
        # A second handle: TLS takes the first one over.
        end = socket.fromfd(connection.fileno(), connection.family, connection.type)
        with self._lock:
            self._ends.append(end)
            is_cut = self._is_cut
        if is_cut:
            _cut(end)

    def cut(self) -> None:
        """End them all."""
        with self._lock:
            self._is_cut = True
            ends = list(self._ends)
        for end in ends:
            _cut(end)

    def close(self) -> None:
        """Let go of the handles; the connections are their readers' own."""
        with self._lock:
            for end in self._ends:
                end.close()


def _cut(end: socket.socket) -> None:
    with suppress(OSError):  # Closed, or not connected yet.
        end.shutdown(socket.SHUT_RDWR)


def open_address(url: str, *, allow_private: bool, line: Line | None = None) -> HTTPResponse:
    """The reply of what an address leads to in the end, its body unread. User and password go to the first
    host only.

    Every connection that is made for it is added to the `line`.

    Raises VideoError for an address that may not be fetched, and OSError, HTTPException and ValueError.
    """
    dialler = Dialler(allow_private, line or Line())
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _Redirects(),
        _Plain(dialler),
        _Secure(dialler),
    ):
        opener.add_handler(handler)
    return opener.open(_request(url), timeout=TIMEOUT_SECONDS)


def _request(url: str) -> urllib.request.Request:
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    request = urllib.request.Request(  # noqa: S310 - the handlers know http and https only
        parts._replace(netloc=host, fragment="").geturl(), headers={"User-Agent": "mrvideo"}
    )
    if at:
        name, _, password = user.partition(":")
        token = base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode("ascii")
        request.add_unredirected_header("Authorization", f"Basic {token}")
    return request


class Dialler:
    """Resolves a name once, checks every address it has, and connects to one of those."""

    def __init__(self, allow_private: bool, line: Line) -> None:
        self.allow_private = allow_private
        self._line = line

    def addresses(self, host: str, port: int) -> list[Any]:
        """Where the host is, as `socket.getaddrinfo` lists it. Raises VideoError for one that may not be
        asked, and OSError.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for *_, place in found:
            address = ipaddress.ip_address(str(place[0]).partition("%")[0])
            if not (self.allow_private or is_public(address)):
                said = "" if str(address) == host.strip("[]") else f" ({address})"
                raise VideoError(
                    f"{host}{said} is an address of this machine or of its network; "
                    "say --allow-private to fetch from there"
                )
        return found

    def check_known(self, host: str, port: int) -> None:
        """As `addresses`, for a name that a proxy resolves: checked as far as it is known here."""
        if not self.allow_private:
            with suppress(OSError):  # Of a name that only the proxy knows.
                self.addresses(host, port)

    def connect(self, address: tuple[str, int], timeout: float | None = None, *_: Any) -> socket.socket:
        """As `socket.create_connection`."""
        last: OSError | None = None
        for family, kind, protocol, _name, place in self.addresses(*address):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(timeout)
                self._line.add(sock)
                sock.connect(place)
            except OSError as error:
                sock.close()
                last = error
            else:
                return sock
        raise last or OSError(f"{address[0]} has no address")

    def connect_unchecked(
        self, address: tuple[str, int], timeout: float | None = None, *_: Any
    ) -> socket.socket:
        """As `socket.create_connection`, to a proxy."""
        sock = socket.create_connection(address, timeout)
        self._line.add(sock)
        return sock


def is_public(address: _IPAddress) -> bool:
    """Whether it is an address of the internet: not of this machine, its network, or any other use."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo and address.teredo[1])
        if address in _NAT64 or int(address) >> 32 == 0:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    return address.is_global and not (address.is_multicast or address.is_reserved)


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to http and https only; each hop is dialled, and so checked, as the first one was."""

    max_redirections = _MOST_REDIRECTS

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme.lower() not in _SCHEMES:
            raise VideoError(
                f"{sources.named(req.full_url)} cannot be fetched: it leads to {urlsplit(newurl).scheme}://, "
                "which is not fetched; name an http or https address"
            )
        onward = super().redirect_request(req, fp, code, msg, headers, newurl)
        return None if onward is None else _request(newurl)


class _Plain(urllib.request.HTTPHandler):
    def __init__(self, dialler: Dialler) -> None:
        super().__init__()
        self._dialler = dialler

    def http_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_dialled(self._dialler, HTTPConnection, req), req)


class _Secure(urllib.request.HTTPSHandler):
    def __init__(self, dialler: Dialler) -> None:
        super().__init__()
        self._dialler = dialler

    def https_open(self, req: urllib.request.Request) -> HTTPResponse:
        return self.do_open(_dialled(self._dialler, HTTPSConnection, req), req)


def _dialled(dialler: Dialler, kind: type[HTTPConnection], request: urllib.request.Request) -> Any:
    """Makes connections of this kind that the dialler opens.

    A proxy is one that the user has named, wherever it stands, and resolves names itself: those are checked
    as far as they are known here.
    """
    parts = urlsplit(request.full_url)
    tunnel: str | None = getattr(request, "_tunnel_host", None)
    proxied = request.has_proxy() or tunnel is not None
    if proxied:
        dialler.check_known(parts.hostname or "", parts.port or _PORTS[parts.scheme])

    def make(host: str, **arguments: Any) -> HTTPConnection:
        connection = kind(host, **arguments)
        # The one place where the standard library lets a connection be opened another way.
        opened = dialler.connect_unchecked if proxied else dialler.connect
        connection._create_connection = opened  # type: ignore[attr-defined]  # pyright: ignore
        return connection

    return make
