"""The way to a server: what is wrong with it is told at once, in one true line; what comes back by it has an
end.
"""

from __future__ import annotations

import asyncio
import gzip
import shutil
import socket
import ssl
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mrvideo.errors import ModelError, ModelRefused, ModelUnavailable, SettingsError
from mrvideo.models import Ledger, ModelSettings, open_model
from mrvideo.models.way import LONGEST_BODY, BodyTooLong, BodyUnreadable, open_client, proxy_of, read_bounded
from mrvideo.session.models import check_there
from mrvideo.speech import open_transcriber

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def listen() -> Iterator[Callable[..., int]]:
    """`port = listen(answer)`: a listener that calls `answer(connection)` for each connection, in turn."""
    sockets: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def start(answer: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        sockets.append(listener)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(10)
                    try:
                        answer(connection)
                    except OSError:
                        continue

        threads.append(threading.Thread(target=serve))
        threads[-1].start()
        return listener.getsockname()[1]

    yield start
    for listener in sockets:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
    for thread in threads:
        thread.join()


def one_line(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text and len(text) < 600
    return text


# addresses and keys --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:99999/v1", "http://localhost:abc/v1", "http://[::1/v1", "http://host:-1/v1", "http://host:0/v1",
        "http://" + "a" * 80 + "/v1", "http://a..b/v1", "http://exa mple/v1", "http://host/v1\n/x", "localhost:8000/v1",
        "http:///v1", "ftp://host/v1",
    ],
)  # fmt: skip
def test_an_address_that_is_none_is_told_before_anything_is_sent(url):
    with pytest.raises(SettingsError, match=r"base_url is no (http )?address") as caught:
        ModelSettings.parse("openai:m", base_url=url)
    one_line(caught.value)


@pytest.mark.parametrize(
    "url", [" http://localhost:8000/v1 ", "http://[::1]:8000/v1/", "https://bücher.example/v1"]
)
def test_an_address_that_is_one_is_taken(url):
    assert ModelSettings.parse("openai:m", base_url=url).base_url == url.strip().rstrip("/")


@pytest.mark.parametrize("opens", [open_model, open_transcriber])
@pytest.mark.parametrize("key", ["sk-“abc”", "sk-abc\nOTHER=1", "sk-\u00e4", "sk-abc\x00", "sk-…"])
def test_a_key_that_no_header_can_carry_is_refused_at_once_and_not_shown(opens, key):
    settings = ModelSettings.parse("openai:m", base_url="http://localhost:1/v1", api_key=key)
    with pytest.raises(SettingsError, match="a character that no key can hold") as caught:
        opens(settings, ledger=Ledger())
    assert "abc" not in one_line(caught.value)


# proxies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "url", "proxy"),
    [
        ({}, "http://host/v1", None),
        ({"HTTP_PROXY": "http://proxy:3128"}, "http://host/v1", "http://proxy:3128"),
        ({"HTTP_PROXY": "http://proxy:3128"}, "https://host/v1", None),
        ({"ALL_PROXY": "proxy:3128"}, "https://host/v1", "http://proxy:3128"),
        ({"ALL_PROXY": "socks5://proxy:1080", "NO_PROXY": "other, host"}, "http://host/v1", None),
        ({"ALL_PROXY": "http://proxy:1", "NO_PROXY": ".example.org"}, "http://gpu.example.org/v1", None),
        (
            {"ALL_PROXY": "http://proxy:1", "NO_PROXY": "example.org"},
            "http://badexample.org/v1",
            "http://proxy:1",
        ),
        ({"ALL_PROXY": "http://proxy:1", "NO_PROXY": "10.0.0.0/8"}, "http://10.1.2.3:8000/v1", None),
        ({"ALL_PROXY": "http://proxy:1", "NO_PROXY": "*"}, "http://host/v1", None),
        ({"ALL_PROXY": "http://proxy:1", "NO_PROXY": "[::1]"}, "http://[::1]:8000/v1", None),
        ({"ALL_PROXY": "http://proxy:1", "NO_PROXY": "host:8000"}, "http://host:8000/v1", None),
    ],
)
def test_which_proxy_a_call_takes(monkeypatch, environment, url, proxy):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_of(url) == proxy


async def test_a_socks_proxy_without_its_package_is_one_line_with_the_way_out(
    serve, connect, ask_border, monkeypatch
):
    """It was a traceback, also for a server on this machine that no proxy is for."""
    monkeypatch.setattr("mrvideo.models.way.find_spec", lambda name: None)
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    server = serve()
    model = connect(server)
    with pytest.raises(ModelUnavailable, match=r"SOCKS proxy .* pip install 'httpx\[socks\]'") as caught:
        await model.run(ask_border())
    one_line(caught.value)
    with pytest.raises(ModelUnavailable, match="SOCKS proxy"):
        check_there(ModelSettings.parse("openai:m", base_url=server.base_url))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    await model.run(ask_border())
    assert server.answered == 1


async def test_a_dead_proxy_is_told_as_the_proxy_it_is(serve, connect, ask_border, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setenv("HTTP_PROXY", f"http://user:secret@127.0.0.1:{port}")
    server = serve()
    for ask in (
        connect(server).run(ask_border()),
        asyncio.to_thread(check_there, ModelSettings.parse("openai:m", base_url=server.base_url)),
    ):
        with pytest.raises(ModelUnavailable, match=f"proxy .*127.0.0.1:{port}") as caught:
            await ask
        line = one_line(caught.value)
        assert "NO_PROXY" in line and "secret" not in line and "start the server" not in line
    assert server.calls == 0


async def test_a_proxy_is_used_where_the_environment_names_one(connect, ask_border, monkeypatch, listen):
    asked: list[bytes] = []

    def proxy(connection: socket.socket) -> None:
        asked.append(connection.recv(65536).split(b"\r\n")[0])
        connection.sendall(b"HTTP/1.1 400 X\r\ncontent-length: 2\r\n\r\nno")

    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{listen(proxy)}")
    with pytest.raises(ModelError):
        await connect("http://gpu.example/v1", attempts=1).run(ask_border())
    assert asked[0] == b"POST http://gpu.example/v1/chat/completions HTTP/1.1"


def test_a_proxy_that_is_no_address_is_told(monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "http://proxy:port")
    with pytest.raises(ModelUnavailable, match="no address"):
        check_there(ModelSettings.parse("openai:m", base_url="http://127.0.0.1:9/v1"))


# TLS -------------------------------------------------------------------------------------------------


@pytest.fixture
def tls(tmp_path: Path) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that nobody has signed."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("a certificate takes the openssl program")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=test.invalid", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_certificate_that_is_not_trusted_is_told_as_one(connect, ask_border, listen, tls):
    port = listen(lambda connection: tls.wrap_socket(connection, server_side=True).close())
    with pytest.raises(
        ModelUnavailable, match=r"certificate of https://127\.0\.0\.1:\d+/v1 is not trusted"
    ) as caught:
        await connect(f"https://127.0.0.1:{port}/v1").run(ask_border())
    assert "SSL_CERT_FILE" in one_line(caught.value)


async def test_a_certificate_that_the_environment_names_is_trusted(
    connect, ask_border, listen, tls, tmp_path, monkeypatch
):
    reply = b'{"choices": [{"message": {"content": "{\\"same_scene\\": true}"}}]}'

    def answer(connection: socket.socket) -> None:
        with tls.wrap_socket(connection, server_side=True) as secure:
            head, _, rest = secure.recv(65536).partition(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split()[0])
            while len(rest) < length:
                rest += secure.recv(65536)
            secure.sendall(b"HTTP/1.1 200 X\r\ncontent-length: %d\r\n\r\n" % len(reply) + reply)

    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
    found = await connect(f"https://127.0.0.1:{listen(answer)}/v1", attempts=1).run(ask_border())
    assert found.value.same_scene is True


async def test_the_authorities_are_read_once_for_all_clients_of_a_process(monkeypatch, tmp_path):
    """That takes longer than all else of a client, and each event loop opens one."""
    read: list[Any] = []
    real = ssl.create_default_context
    monkeypatch.setattr(ssl, "create_default_context", lambda **named: read.append(named) or real(**named))
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    settings = ModelSettings.parse("openai:m", base_url="https://127.0.0.1:9/v1", api_key="none")
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / name))
        for client in [open_client(settings, read_seconds=1) for _ in range(3)]:
            await client.close()
    assert [named for named in read if named] == [{"capath": str(tmp_path / name)} for name in ("a", "b")]


async def test_https_to_a_plain_port_is_told(serve, connect, ask_border):
    server = serve()
    url = server.base_url.replace("http:", "https:")
    with pytest.raises(ModelUnavailable, match="does not speak TLS at that port; write http://") as caught:
        await connect(url).run(ask_border())
    one_line(caught.value)


async def test_http_to_a_port_that_speaks_tls_is_told(connect, ask_border, listen, tls):
    port = listen(lambda connection: tls.wrap_socket(connection, server_side=True).close())
    # Told at once where its alert arrives, after the tries where the connection is reset first.
    with pytest.raises(ModelError, match="write https:// where the server speaks TLS") as caught:
        await connect(f"http://127.0.0.1:{port}/v1", attempts=2).run(ask_border())
    one_line(caught.value)


async def test_a_port_where_no_http_is_spoken_is_told(connect, ask_border, listen):
    def smtp(connection: socket.socket) -> None:
        connection.sendall(b"220 mail.example ESMTP\r\n\r\n")
        while connection.recv(65536):
            pass

    with pytest.raises(ModelUnavailable, match="is no HTTP server") as caught:
        await connect(f"http://127.0.0.1:{listen(smtp)}/v1").run(ask_border())
    one_line(caught.value)


async def test_a_host_of_no_name_is_told(connect, ask_border, monkeypatch):
    async def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    with pytest.raises(ModelUnavailable, match=r"no host of the name in http://nowhere\.invalid/v1"):
        await connect("http://nowhere.invalid/v1").run(ask_border())


# bodies that end -------------------------------------------------------------------------------------


async def _pieces(data: bytes, size: int = 65536):
    for start in range(0, len(data), size):
        yield data[start : start + size]


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("", bytes), ("identity", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress)],
)
async def test_a_body_is_read_whole_and_unpacked(encoding, pack):
    text = b'{"choices": []}' * 1000
    assert await read_bounded(_pieces(pack(text)), encoding) == text


@pytest.mark.parametrize(
    ("encoding", "pack"), [("", bytes), ("gzip", gzip.compress), ("deflate", zlib.compress)]
)
async def test_a_body_that_goes_on_is_given_up(encoding, pack):
    with pytest.raises(BodyTooLong):
        await read_bounded(_pieces(pack(bytes(2 * LONGEST_BODY))), encoding)


@pytest.mark.slow
async def test_a_bomb_is_not_unpacked_beyond_the_bound(monkeypatch):
    """2.6 GB stood in memory before it was known that they were too many."""
    unpacked = 0
    real = zlib.decompressobj

    class Counting:
        def __init__(self, **options: Any) -> None:
            self._inner = real(**options)

        def decompress(self, data: bytes, most: int) -> bytes:
            nonlocal unpacked
            found = self._inner.decompress(data, most)
            unpacked += len(found)
            return found

    packed = gzip.compress(bytes(64 * LONGEST_BODY))
    monkeypatch.setattr("mrvideo.models.way.zlib.decompressobj", Counting)
    with pytest.raises(BodyTooLong):
        await read_bounded(_pieces(packed, 2**20), "gzip")
    assert unpacked == LONGEST_BODY + 1


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip"])
async def test_a_body_packed_as_nobody_asked_is_told(encoding):
    with pytest.raises(BodyUnreadable):
        await read_bounded(_pieces(b"no packed bytes at all"), encoding)


@pytest.mark.parametrize("status", [200, 400, 500])
async def test_an_endless_answer_costs_its_own_request(serve, connect, ask_border, chat, status):
    server = serve()
    server.answer = lambda asked: chat.Raw(status=status, endless=b" " * 65536)
    with pytest.raises(ModelRefused, match="more than 4 MiB in one answer") as caught:
        await connect(server, attempts=3).run(ask_border(0))
    one_line(caught.value)
    assert server.calls == 1
    server.answer = lambda asked: {"same_scene": True}
    assert (await connect(server).run(ask_border(1))).value.same_scene is True


async def test_a_packed_reply_is_read(serve, connect, ask_border, chat):
    text = b'{"choices": [{"message": {"content": "{\\"same_scene\\": true}"}}]}'
    server = serve(lambda asked: chat.Raw(gzip.compress(text), headers={"content-encoding": "gzip"}))
    assert (await connect(server).run(ask_border())).value.same_scene is True
    assert server.asked[0].headers["accept-encoding"] == "identity"
