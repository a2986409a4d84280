"""Addresses that lead elsewhere, never end, hold secrets, or belong to this machine."""

from __future__ import annotations

import asyncio
import base64
import http.server
import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import mrvideo
from mrvideo.errors import VideoError
from mrvideo.media import dialling, remote
from mrvideo.media.identity import digest_of, probe
from mrvideo.media.options import ReadOptions
from mrvideo.session.exporting import FORMATS, export_index
from mrvideo.settings import load_settings
from mrvideo.tools.toolbox import Toolbox

SECRET = "hunter2"
TOKEN = "sig-0451-abcdef"
HERE = ReadOptions(allow_url=True, allow_private=True)


class Host(http.server.ThreadingHTTPServer):
    """One loopback address. `pages` says by path how to answer; `asked` keeps the heads of all requests."""

    daemon_threads = True

    def __init__(self, address: str = "127.0.0.1") -> None:
        super().__init__((address, 0), _Answering)
        self.pages: dict[str, Callable[[Any], None]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.reached, self.over = threading.Event(), threading.Event()

    def url(self, path: str, *, user: str = "") -> str:
        return f"http://{user}{self.server_address[0]}:{self.server_port}{path}"


class _Answering(http.server.BaseHTTPRequestHandler):
    server: Host

    def do_GET(self) -> None:
        self.server.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        try:
            self.server.pages[self.path.partition("?")[0]](self)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture
def host() -> Iterator[Callable[..., Host]]:
    with ExitStack() as stack:

        def start(address: str = "127.0.0.1") -> Host:
            server = stack.enter_context(Host(address))
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
            stack.callback(server.over.set)
            return server

        yield start


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where downloads lie; none is known from another test."""
    monkeypatch.setattr(remote, "_known", {})
    folder = tmp_path / "downloads"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, film_maker: Callable[[Path, int], None]) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    film_maker(path, 4)
    return path


def serving(data: bytes, *, stated: int | None = None) -> Callable[[Any], None]:
    def page(answer: Any) -> None:
        answer.send_response(200)
        answer.send_header("Content-Length", str(len(data) if stated is None else stated))
        answer.end_headers()
        answer.wfile.write(data)

    return page


def leading(to: str) -> Callable[[Any], None]:
    def page(answer: Any) -> None:
        answer.send_response(302)
        answer.send_header("Location", to)
        answer.send_header("Content-Length", "0")
        answer.end_headers()

    return page


def downloads(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


# Whose address it is
# -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "public"),
    [
        *((text, False) for text in (
            "127.0.0.1", "127.8.8.8", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
            "0.0.0.0", "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1",
            "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::",
        )),
        *((text, True) for text in ("9.9.9.9", "2620:fe::fe", "::ffff:9.9.9.9", "64:ff9b::909:909")),
    ],
)  # fmt: skip
def test_which_addresses_are_of_the_internet(address: str, public: bool):
    assert dialling.is_public(ipaddress.ip_address(address)) is public


@pytest.mark.parametrize(
    "written",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]"],
)
def test_an_address_of_this_machine_is_refused_however_it_is_written(host, film, written: str):
    server = host()
    server.pages["/film.mp4"] = serving(film.read_bytes())
    with pytest.raises(VideoError, match="--allow-private"):
        probe(f"http://{written}:{server.server_port}/film.mp4", ReadOptions(allow_url=True))
    assert server.asked == [], "not even asked"


@pytest.fixture
def only_nine_is_private(monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.9 plays the private network, the rest of loopback the internet."""
    monkeypatch.setattr(dialling, "is_public", lambda address: str(address) != "127.0.0.9")


@pytest.mark.usefixtures("only_nine_is_private")
def test_each_hop_of_a_redirect_is_checked(host, film):
    """A public server may lead to the metadata service of a cloud, which gives keys to whoever asks from
    inside.
    """
    inside, outside, second = host("127.0.0.9"), host(), host("127.0.0.2")
    inside.pages["/film.mp4"] = serving(film.read_bytes())
    second.pages["/film.mp4"] = leading(inside.url("/film.mp4"))
    outside.pages["/film.mp4"] = leading(second.url("/film.mp4"))
    with pytest.raises(VideoError, match=r"127\.0\.0\.9 is an address of this machine"):
        probe(outside.url("/film.mp4"), ReadOptions(allow_url=True))
    assert len(outside.asked) == len(second.asked) == 1
    assert inside.asked == []


@pytest.mark.usefixtures("only_nine_is_private")
def test_the_address_that_was_checked_is_the_one_connected_to(host, film, monkeypatch):
    """A name may mean a public address when it is checked and a private one when it is connected to."""
    inside, outside = host("127.0.0.9"), host()
    outside.pages["/film.mp4"] = serving(film.read_bytes())
    asked: list[str] = []

    def resolve(name: str, port: int, *_: object, **__: object) -> list[Any]:
        asked.append(name)
        address, port = ("127.0.0.9", inside.server_port) if asked[1:] else ("127.0.0.1", outside.server_port)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert digest_of("http://films.example/film.mp4", allow_url=True) == digest_of(film)
    assert asked == ["films.example"]
    assert inside.asked == []


@pytest.mark.usefixtures("only_nine_is_private")
def test_a_name_with_one_private_address_is_refused(monkeypatch):
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"127.0.0.{n}", 9)) for n in (1, 9)],
    )
    with pytest.raises(VideoError, match=r"films\.example \(127\.0\.0\.9\) is an address of this machine"):
        probe("http://films.example/film.mp4", ReadOptions(allow_url=True))


@pytest.mark.parametrize("to", ["ftp://127.0.0.1/film.mp4", "file:///etc/passwd", "gopher://127.0.0.1/"])
def test_only_http_is_followed(host, to: str):
    server = host()
    server.pages["/film.mp4"] = leading(to)
    with pytest.raises(VideoError, match="cannot be fetched"):
        probe(server.url("/film.mp4"), HERE)


@pytest.mark.parametrize("scheme", ["ftp", "file", "rtsp", "concat", "data"])
def test_no_other_scheme_is_fetched(scheme: str):
    with pytest.raises(VideoError, match="is not fetched"):
        probe(f"{scheme}://127.0.0.1/film.mp4", HERE)


# Secrets
# -----------------------------------------------------------------------------------------------------------


def test_secrets_of_an_address_are_used_and_kept_nowhere(host, film, tmp_path, capfd):
    server = host()
    server.pages["/film.mp4"] = serving(film.read_bytes())
    url = server.url(f"/film.mp4?token={TOKEN}#{TOKEN}", user=f"ann:{SECRET}@")
    settings = {"library": tmp_path / "library.db", "allow_url": True, "allow_private": True}
    told: list[Any] = []
    video = mrvideo.index(url, **settings, on_event=told.append)
    path, head = server.asked[0]
    assert path == f"/film.mp4?token={TOKEN}"
    assert base64.b64decode(head["authorization"].removeprefix("Basic ")).decode() == f"ann:{SECRET}"

    again = mrvideo.load(url, **settings)
    assert again.info.digest == digest_of(film), "the whole address names what it was indexed from"
    assert again.frames((0.0, 2.0))
    answer = again.ask("What is there?")
    shown = [
        repr(video), repr(again.info), video.info.model_dump_json(), answer.model_dump_json(), str(answer),
        json.dumps([event.model_dump(mode="json") for event in told]), str(capfd.readouterr()),
        *(export_index(again.index, kind) for kind in FORMATS),
        *(file.read_bytes().decode("latin-1") for file in tmp_path.rglob("*") if file.is_file() and file.suffix != ".download"),
    ]  # fmt: skip
    for text in shown:
        assert SECRET not in text and TOKEN not in text and "ann:" not in text


def test_another_query_is_another_video(host, film, tmp_path):
    """Names without their queries would be one: the second film would be answered from the first one's index."""
    server = host()
    server.pages["/watch"] = serving(film.read_bytes())
    settings = {"library": tmp_path / "library.db", "allow_url": True, "allow_private": True}
    mrvideo.index(server.url("/watch?v=1"), **settings)
    assert mrvideo.load(server.url("/watch?v=1"), **settings)
    with pytest.raises(mrvideo.MrVideoError, match="is not in"):
        mrvideo.load(server.url("/watch?v=2"), **settings)


def test_a_name_kept_without_its_query_says_so(host, film, tmp_path):
    shown = "http://127.0.0.1/film.mp4?hidden=00112233"
    with pytest.raises(VideoError, match="name the whole address"):
        probe(shown, HERE)


def test_errors_hold_no_secrets(host):
    server = host()
    server.pages["/film.mp4"] = lambda answer: answer.send_error(403)
    for allow_url in (True, False):
        options = ReadOptions(allow_url=allow_url, allow_private=True)
        with pytest.raises(VideoError) as caught:
            probe(server.url(f"/film.mp4?token={TOKEN}", user=f"ann:{SECRET}@"), options)
        assert SECRET not in str(caught.value) and TOKEN not in str(caught.value)
        assert "/film.mp4" in str(caught.value)


def test_a_password_goes_to_its_own_host_alone(host, film):
    server, elsewhere = host(), host("127.0.0.2")
    elsewhere.pages["/film.mp4"] = serving(film.read_bytes())
    server.pages["/film.mp4"] = leading(elsewhere.url("/film.mp4"))
    probe(server.url("/film.mp4", user=f"ann:{SECRET}@"), HERE)
    assert "authorization" in server.asked[0][1]
    assert "authorization" not in elsewhere.asked[0][1]


# Bounds
# ------------------------------------------------------------------------------------------------------------


def test_a_download_without_end_is_ended(host, film, own_folder, monkeypatch):
    """3 GB in 20 seconds, and on until the disk was full."""
    monkeypatch.setattr(remote, "MOST_BYTES", 1 << 20)
    server = host()

    def endless(answer: Any) -> None:
        answer.send_response(200)
        answer.end_headers()
        answer.wfile.write(film.read_bytes())
        while not server.over.is_set():
            answer.wfile.write(bytes(1 << 16))

    server.pages["/film.mp4"] = endless
    with pytest.raises(VideoError, match="does not end within 1,048,576 bytes; download it yourself"):
        probe(server.url("/film.mp4"), HERE)
    server.pages["/stated.mp4"] = serving(film.read_bytes(), stated=10**12)
    with pytest.raises(VideoError, match="more than is fetched"):
        probe(server.url("/stated.mp4"), HERE)
    assert downloads(own_folder) == []


def test_a_download_that_drips_is_ended(host, film, own_folder, monkeypatch):
    monkeypatch.setattr(remote, "PERIOD_SECONDS", 0.1)
    server = host()

    def drip(answer: Any) -> None:
        answer.send_response(200)
        answer.end_headers()
        answer.wfile.write(film.read_bytes())
        while not server.over.wait(0.01):
            answer.wfile.write(b"\0")
            answer.wfile.flush()

    server.pages["/film.mp4"] = drip
    # Period by period, not by the whole: what came fast at first does not make up for it.
    with pytest.raises(VideoError, match="bytes in 0 s; download it yourself"):
        probe(server.url("/film.mp4"), HERE)
    assert downloads(own_folder) == []


def test_a_download_that_breaks_off_is_no_video(host, film, own_folder):
    """Its first half would be indexed as all of it."""
    server = host()
    data = film.read_bytes()
    server.pages["/film.mp4"] = serving(data, stated=len(data) + 1)
    with pytest.raises(VideoError, match=r"cannot be fetched|broke off"):
        probe(server.url("/film.mp4"), HERE)
    assert downloads(own_folder) == []


def test_a_slow_host_holds_no_other(host, film):
    slow, fast = host(), host("127.0.0.2")
    begun = threading.Event()

    def stuck(answer: Any) -> None:
        begun.set()
        slow.over.wait(30)

    slow.pages["/film.mp4"] = stuck
    fast.pages["/film.mp4"] = serving(film.read_bytes())

    def fetch() -> None:
        with pytest.raises(VideoError):
            probe(slow.url("/film.mp4"), HERE)

    waiting = threading.Thread(target=fetch)
    waiting.start()
    assert begun.wait(10)
    assert probe(fast.url("/film.mp4"), HERE).digest == digest_of(film)
    assert waiting.is_alive(), "the slow one is still being fetched"
    slow.over.set()
    waiting.join(10)
    assert not waiting.is_alive()


def test_one_download_serves_all_who_ask_at_once(host, film):
    server = host()
    server.pages["/film.mp4"] = serving(film.read_bytes())
    threads = [threading.Thread(target=probe, args=(server.url("/film.mp4"), HERE)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.asked) == 1


def test_what_a_killed_process_left_is_removed_by_the_next(host, film, own_folder):
    server = host()
    begun, half = threading.Event(), film.read_bytes()[:5000]

    def stuck(answer: Any) -> None:
        answer.send_response(200)
        answer.send_header("Content-Length", "1000000")
        answer.end_headers()
        answer.wfile.write(half)
        answer.wfile.flush()
        begun.set()
        server.over.wait(30)

    server.pages["/film.mp4"] = stuck
    server.pages["/other.mp4"] = serving(film.read_bytes())
    code = (
        "import sys; from mrvideo.media.remote import copy_of; "
        "copy_of(sys.argv[1], allow_url=True, allow_private=True)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, server.url("/film.mp4")], env={**os.environ, "TMPDIR": str(own_folder)}
    )
    try:
        assert begun.wait(30)
        (left,) = downloads(own_folder)
        probe(server.url("/other.mp4"), HERE)
        assert left in downloads(own_folder), "it is in use: its process lives"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    probe(server.url("/other.mp4?again"), HERE)
    assert left not in downloads(own_folder)


def test_copies_beyond_the_bound_go_and_come_back(host, film, own_folder, monkeypatch):
    server = host()
    server.pages["/film.mp4"] = serving(film.read_bytes())
    monkeypatch.setattr(remote, "MOST_BYTES", int(1.5 * film.stat().st_size))
    for query in "ab":
        probe(server.url(f"/film.mp4?{query}"), HERE)
        assert len(downloads(own_folder)) == 1
    assert probe(server.url("/film.mp4?a"), HERE).digest == digest_of(film)


# Whoever waits may leave
# ---------------------------------------------------------------------------------------------


def _silent(answer: Any) -> None:
    """Takes the request, and says nothing."""
    answer.server.reached.set()
    answer.server.over.wait()


def _silent_half_way(answer: Any) -> None:
    answer.send_response(200)
    answer.end_headers()
    answer.wfile.write(b"\0\0\0\x18ftypmp42" + bytes(8000))
    answer.wfile.flush()
    _silent(answer)


def _endless(answer: Any) -> None:
    answer.send_response(200)
    answer.end_headers()
    answer.wfile.write(b"\0\0\0\x18ftypmp42" + bytes(8000))
    answer.server.reached.set()
    while not answer.server.over.wait(0.01):
        answer.wfile.write(bytes(50_000))


MANNERS = {"silent": _silent, "silent half-way": _silent_half_way, "endless": _endless}


async def _cancelled(work: Coroutine[Any, Any, Any], server: Host, url: str) -> None:
    """Cancel the work once the host is asked. The download ends within two seconds, with all that it wrote."""
    task = asyncio.ensure_future(work)
    await asyncio.wait_for(asyncio.to_thread(server.reached.wait), 60)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    lock = remote._known[url].lock
    await asyncio.wait_for(asyncio.to_thread(lock.acquire), 2)
    lock.release()


@pytest.mark.parametrize("manner", MANNERS)
async def test_cancelling_ends_the_download(host, film, own_folder, tmp_path, manner: str):
    """A client that left had up to 16 GB fetched for nobody."""
    server = host()
    server.pages["/film.mp4"] = MANNERS[manner]
    url = server.url("/film.mp4")
    work = mrvideo.aindex(url, allow_url=True, allow_private=True, library=tmp_path / "library.db")
    await _cancelled(work, server, url)
    assert downloads(own_folder) == []
    server.pages["/film.mp4"] = serving(film.read_bytes())
    assert digest_of(url, allow_url=True, allow_private=True) == digest_of(film), "another may fetch it"


@pytest.mark.parametrize("tool", ["ask_video", "look"])
async def test_cancelling_a_question_ends_the_download_too(
    host, film, own_folder, tmp_path, monkeypatch, tool: str
):
    server = host()
    server.pages["/film.mp4"] = serving(film.read_bytes())
    url = server.url("/film.mp4")
    settings = load_settings(allow_url=True, allow_private=True, library=tmp_path / "library.db")
    mrvideo.index(url, settings=settings)
    for path in own_folder.iterdir():
        path.unlink()
    # As another process finds it that asks later.
    monkeypatch.setattr(remote, "_known", {})
    server.pages["/film.mp4"] = _silent
    asked = {"video": url, "question": "What is shown?"}
    if tool == "look":
        asked |= {"start_seconds": 0, "stop_seconds": 2}
    await _cancelled(Toolbox(settings).call(tool, asked), server, url)
    assert downloads(own_folder) == []
