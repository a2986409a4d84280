"""The proxy that a library with networking of its own is led through."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse
from urllib.parse import urlsplit

import pytest
from support.site import File, Site

from mrvideo.errors import VideoError
from mrvideo.media import dialling
from mrvideo.media.checking_proxy import CheckingProxy

BEYOND = VideoError("more than is fetched")


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as serving:
        serving.files["/page"] = File(b"words")
        yield serving


@pytest.fixture
def proxy() -> Iterator[CheckingProxy]:
    with CheckingProxy(allow_private=True) as serving:
        serving.grant(1 << 20, 60, BEYOND)
        yield serving


def connected(proxy: CheckingProxy) -> HTTPConnection:
    parts = urlsplit(proxy.address)
    return HTTPConnection(parts.hostname or "", parts.port, timeout=10)


def asked(proxy: CheckingProxy, method: str, target: str, password: str | None = None) -> HTTPResponse:
    connection = connected(proxy)
    connection.request(method, target, headers={"Proxy-Authorization": password or proxy.authorization})
    reply = connection.getresponse()
    reply.reason = (reply.read() or b"").decode("latin-1") or reply.reason
    connection.close()
    return reply


def tunnel(proxy: CheckingProxy, place: str) -> tuple[socket.socket, bytes]:
    """A connection through the proxy, and what it first said."""
    parts = urlsplit(proxy.address)
    sock = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10)
    sock.sendall(f"CONNECT {place} HTTP/1.1\r\nProxy-Authorization: {proxy.authorization}\r\n\r\n".encode())
    return sock, sock.recv(1024)


def place_of(site: Site) -> str:
    return f"127.0.0.1:{site.server_port}"


def test_who_has_no_password_is_not_served(proxy: CheckingProxy, site: Site) -> None:
    """Every user of the machine may connect to it."""
    for method, target in (("GET", site.url("/page")), ("CONNECT", place_of(site))):
        for wrong in ("Basic bXJ2aWRlbzpndWVzc2Vk", "x"):
            assert asked(proxy, method, target, wrong).status == 407
    assert site.asked == []
    assert asked(proxy, "GET", site.url("/page")).status == 200


def test_what_is_private_is_refused_by_either_way_and_kept(site: Site) -> None:
    with CheckingProxy(allow_private=False) as proxy:
        proxy.grant(1 << 20, 60, BEYOND)
        assert asked(proxy, "GET", site.url("/page")).status == 403
        assert asked(proxy, "GET", f"http://localhost:{site.server_port}/page").status == 403
        sock, told = tunnel(proxy, place_of(site))
        with sock:
            assert told.startswith((b"HTTP/1.0 403", b"HTTP/1.1 403"))
        assert [type(one) for one in proxy.refusals] == [VideoError] * 3
        assert all("--allow-private" in str(one) for one in proxy.refusals)
    assert site.asked == []


def test_other_schemes_are_refused(proxy: CheckingProxy) -> None:
    for target in ("ftp://127.0.0.1/x", "file:///etc/passwd", "/page"):
        assert asked(proxy, "GET", target).status == 403
    assert len(proxy.refusals) == 3


def test_the_address_that_was_checked_is_connected_to(
    proxy: CheckingProxy, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name may mean a public address when it is checked and a private one when it is connected to."""
    proxy.allow_private = False
    monkeypatch.setattr(dialling, "is_public", lambda address: str(address) != "127.0.0.9")
    answers = iter(["127.0.0.1", "127.0.0.9"])
    resolve = socket.getaddrinfo

    def resolved(host: str, port: int, *given: object, **more: object) -> object:
        return resolve(next(answers) if host == "changing.example" else host, port, type=socket.SOCK_STREAM)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    assert asked(proxy, "GET", f"http://changing.example:{site.server_port}/page").status == 200
    assert asked(proxy, "GET", f"http://changing.example:{site.server_port}/page").status == 403


def test_a_tunnel_carries_both_ways(proxy: CheckingProxy, site: Site) -> None:
    sock, told = tunnel(proxy, place_of(site))
    with sock:
        assert b" 200 " in told
        sock.sendall(b"GET /page HTTP/1.0\r\n\r\n")
        got = b""
        while block := sock.recv(1024):
            got += block
    assert got.endswith(b"words")


@pytest.mark.parametrize("through", ["tunnel", "request"])
def test_more_than_was_granted_does_not_come(proxy: CheckingProxy, site: Site, through: str) -> None:
    site.files["/big"] = File(bytes(4 << 20))
    if through == "tunnel":
        sock, _ = tunnel(proxy, place_of(site))
        with sock:
            sock.sendall(b"GET /big HTTP/1.0\r\n\r\n")
            came = 0
            try:
                while block := sock.recv(1 << 16):
                    came += len(block)
            except ConnectionResetError:
                pass
        assert came <= 1 << 20
    else:
        with pytest.raises((HTTPException, OSError)):
            asked(proxy, "GET", site.url("/big"))
    assert proxy.refusals == [BEYOND]
    assert asked(proxy, "GET", site.url("/page")).status == 503
    proxy.grant(1 << 20, 60, BEYOND)
    assert asked(proxy, "GET", site.url("/page")).status == 200


def test_what_takes_too_long_is_ended(proxy: CheckingProxy, site: Site) -> None:
    proxy.grant(1 << 20, -1, BEYOND)
    assert asked(proxy, "GET", site.url("/page")).status == 503
    assert proxy.refusals == [BEYOND]


def test_a_cut_ends_who_waits_for_a_silent_host(proxy: CheckingProxy, site: Site) -> None:
    gate = threading.Event()
    site.files["/silent"] = File(bytes(1000), breaks_after=10, gate=gate)
    done = threading.Event()

    def ask() -> None:
        try:
            asked(proxy, "GET", site.url("/silent"))
        except (HTTPException, OSError):
            done.set()

    thread = threading.Thread(target=ask)
    thread.start()
    assert site.waits.wait(10)
    begun = time.monotonic()
    proxy.cut()
    assert done.wait(2) and time.monotonic() - begun < 2
    thread.join()


class _Halved(http.server.BaseHTTPRequestHandler):
    """Says that chunks come until an empty one, and hangs up before it."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"5\r\nhello\r\n")
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        return


def test_what_broke_off_does_not_look_whole(proxy: CheckingProxy) -> None:
    """Half a film would be kept as all of it."""
    with http.server.HTTPServer(("127.0.0.1", 0), _Halved) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises((HTTPException, OSError)):
            asked(proxy, "GET", f"http://127.0.0.1:{server.server_port}/film")
        thread.join()


def test_a_connection_serves_one_request(proxy: CheckingProxy, site: Site) -> None:
    """What follows on it would go unchecked to the host of the first."""
    connection = connected(proxy)
    connection.request("GET", site.url("/page"), headers={"Proxy-Authorization": proxy.authorization})
    reply = connection.getresponse()
    assert reply.headers["Connection"] == "close" and reply.read() == b"words"
    connection.close()


def test_a_proxy_of_the_environment_is_gone_through(
    proxy: CheckingProxy, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which may be the only way out, or there to keep people in. It resolves names itself; what is known to be
    private is not asked of it either.
    """
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", site.url("").replace("//", "//ann:hunter2@"))
    site.files["http://media.example/page"] = File(b"theirs")
    proxy.allow_private = False
    reply = asked(proxy, "GET", "http://media.example/page")
    assert (reply.status, reply.reason) == (200, "theirs")
    assert asked(proxy, "GET", "http://127.0.0.1:9/page").status == 403
    assert len(site.asked) == 1
    for scheme in ("http", "https"):
        monkeypatch.setenv(f"{scheme}_proxy", "socks5://127.0.0.1:9")
    assert asked(proxy, "GET", "http://media.example/page").status == 403
    assert asked(proxy, "CONNECT", "media.example:443").status == 403
    assert "socks5, which is not supported" in str(proxy.refusals[-1])


def test_a_tunnel_goes_through_the_proxy_of_the_environment(
    proxy: CheckingProxy, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with socket.create_server(("127.0.0.1", 0)) as theirs:
        heads: list[bytes] = []

        def serve() -> None:
            sock, _ = theirs.accept()
            with sock:
                heads.append(sock.recv(1024))
                sock.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                sock.sendall(sock.recv(1024).upper())

        thread = threading.Thread(target=serve)
        thread.start()
        monkeypatch.setenv("https_proxy", f"http://ann:hunter2@127.0.0.1:{theirs.getsockname()[1]}")
        sock, told = tunnel(proxy, "media.example:443")
        with sock:
            assert b" 200 " in told
            sock.sendall(b"hello")
            assert sock.recv(1024) == b"HELLO"
        thread.join()
    assert heads[0].startswith(b"CONNECT media.example:443 ") and b"Basic YW5uOmh1bnRlcjI=" in heads[0]
