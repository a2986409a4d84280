"""Who may speak with `mrvideo mcp --http`: pages of strangers, names that were made to lead here, clients
without the token.
"""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from mrvideo.doors import Names
from mrvideo.errors import SettingsError
from mrvideo.settings import load_settings, served_token

mcp = pytest.importorskip("mcp")

from mcp.client.streamable_http import streamable_http_client  # noqa: E402
from mcp.shared._httpx_utils import create_mcp_http_client  # noqa: E402

from mrvideo.tools.mcp_http import Door  # noqa: E402

pytestmark = pytest.mark.slow

TOKEN = "token-0123456789abcdef"
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "a stranger", "version": "1"},
    },
}


@dataclass(frozen=True)
class Served:
    """A server that listens, and what it said before it did."""

    port: int
    said: list[str]

    def ask(self, headers: dict[str, str], method: str = "POST", path: str = "/mcp") -> tuple[int, str]:
        """Status and body of a greeting with these headers on top of what every client sends."""
        sent = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "Host": f"127.0.0.1:{self.port}",
            **headers,
        }
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            body = json.dumps(HELLO).encode()
            for name, value in {**sent, "Content-Length": str(len(body))}.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            reply = connection.getresponse()
            return reply.status, reply.read().decode()
        finally:
            connection.close()


def arguments(root: Path, *more: str) -> list[str]:
    library = str(root / ".mrvideo" / "library.db")
    return [
        sys.executable,
        *("-m", "mrvideo", "mcp", "--http", "--port", "0", "--root", str(root), "--library", library),
        *more,
    ]


@contextmanager
def serving(root: Path, *more: str, **variables: str) -> Iterator[Served]:
    process = subprocess.Popen(
        arguments(root, *more),
        cwd=root,
        env={**os.environ, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said: list[str] = []
    try:
        while not (line := process.stderr.readline()).startswith("serving at "):
            assert line, said
            said.append(line)
        yield Served(int(line.rpartition(":")[2].partition("/")[0]), said)
    finally:
        process.terminate()
        out, rest = process.communicate()
    assert out == ""
    assert TOKEN not in "".join(said) + line + rest


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """On loopback, without a token."""
    with serving(tmp_path_factory.mktemp("here"), "--allow-host", "Films.Example") as served:
        yield served


@pytest.fixture(scope="module")
def open_one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Where other machines reach it, which is what is tested: it lives for this module, and nobody else has
    the token.
    """
    with serving(
        tmp_path_factory.mktemp("open"), "--host", "0.0.0.0", "--max-cost", "2.5", MRVIDEO_MCP_TOKEN=TOKEN
    ) as served:
        yield served


@pytest.mark.parametrize(
    "host", ["127.0.0.1:{port}", "localhost:{port}", "LOCALHOST.", "[::1]:{port}", "films.example:8443"]
)
def test_a_server_on_loopback_goes_by_its_own_names(here: Served, host: str) -> None:
    status, body = here.ask({"Host": host.format(port=here.port)})
    assert status == 200, body
    assert here.said == [], "nothing is exposed"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1.evil.example:{port}",
        "localhost:{port}.evil.example",
        "localhost@evil.example",
        "evil.example#localhost",
        "films.example.evil.example",
        "192.168.1.5:{port}",
        "[::ffff:10.0.0.1]",
        "",
    ],
)
def test_a_name_that_was_made_to_lead_here_is_none_of_ours(here: Served, host: str) -> None:
    """DNS rebinding: the page's own name leads to 127.0.0.1 by the time it calls, and the browser takes that
    for its origin.
    """
    name = host.format(port=here.port)
    status, body = here.ask({"Host": name, "Origin": f"http://{name}"})
    assert (status, "--allow-host" in body) == (403, True)
    assert "evil" not in body


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://localhost:3000", "null", "http://127.0.0.1.evil.example", "file://", "http://["],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE", "OPTIONS"])
def test_a_page_of_another_origin_is_not_served(here: Served, origin: str, method: str) -> None:
    assert here.ask({"Origin": origin}, method=method)[0] == 403


def test_a_page_from_here_is_served(here: Served) -> None:
    assert here.ask({"Origin": f"http://127.0.0.1:{here.port}"})[0] == 200


def test_headers_that_come_twice_are_refused() -> None:
    """One reader takes the first of them, another the last."""
    door = Door(Names(frozenset({"localhost"})), SecretStr(TOKEN))
    good = [(b"host", b"localhost"), (b"authorization", f"Bearer {TOKEN}".encode())]
    assert door.refusal(good) is None
    for doubled in (
        (b"host", b"localhost"),
        (b"host", b"evil.example"),
        (b"authorization", b"Bearer no"),
        good[1],
    ):
        assert door.refusal([*good, doubled]) is not None
        assert door.refusal([doubled, *good]) is not None
    origins = [(b"origin", b"http://localhost"), (b"origin", b"http://localhost")]
    assert door.refusal([*good, *origins]) is not None
    assert door.refusal([*good, origins[0]]) is None


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN.upper()}",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN} {TOKEN}",
        "Bearer \xff",
    ],
)
def test_without_the_token_nothing_is_served(open_one: Served, given: str | None) -> None:
    headers = {} if given is None else {"Authorization": given}
    for method, path in (("POST", "/mcp"), ("GET", "/mcp"), ("DELETE", "/mcp"), ("GET", "/")):
        status, body = open_one.ask(headers, method=method, path=path)
        assert status == 401 and body.count("\n") == 1, (method, path)


def test_the_token_opens(open_one: Served) -> None:
    for scheme in ("Bearer", "bearer"):
        assert open_one.ask({"Authorization": f"{scheme} {TOKEN}"})[0] == 200
    own = {"Authorization": f"Bearer {TOKEN}"}
    assert open_one.ask({**own, "Host": "192.168.1.5:8765"})[0] == 200, "an address is nobody else's name"
    assert open_one.ask({**own, "Host": "evil.example"})[0] == 403
    assert open_one.ask({**own, "Origin": "https://evil.example"})[0] == 403


async def test_the_official_client_comes_in_with_the_token_alone(open_one: Served) -> None:
    url = f"http://127.0.0.1:{open_one.port}/mcp"
    with pytest.raises(BaseException) as refused:
        async with mcp.Client(url) as client:
            await client.list_tools()
    assert TOKEN not in repr(refused.value)
    async with (
        create_mcp_http_client({"Authorization": f"Bearer {TOKEN}"}) as bearing,
        mcp.Client(streamable_http_client(url, http_client=bearing)) as client,
    ):
        assert (await client.call_tool("search_video", {"words": "nothing"})).is_error


def test_what_lies_open_is_said(open_one: Served) -> None:
    (warning,) = open_one.said
    assert warning.startswith("mrvideo: warning: other machines reach 0.0.0.0 port ")
    assert "/open" in warning and "up to $2.50 in all" in warning and "Nothing is encrypted" in warning


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_beyond_loopback_it_does_not_start_without_a_token(tmp_path: Path, host: str) -> None:
    """Whoever reached the port could spend the operator's money and read every film below the root."""
    done = subprocess.run(
        arguments(tmp_path, "--host", host), capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "MRVIDEO_MCP_TOKEN" in done.stderr and "--token-file" in done.stderr and "127.0.0.1" in done.stderr


def test_a_token_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert served_token() is None
    monkeypatch.setenv("MRVIDEO_MCP_TOKEN", f" {TOKEN}\n")
    token = served_token()
    assert token is not None and token.get_secret_value() == TOKEN
    load_settings()  # The variable is no setting, and none that is unknown.
    file = tmp_path / "token"
    file.write_text("another-token-0123456789\n", encoding="utf-8")
    token = served_token(file)
    assert token is not None and token.get_secret_value() == "another-token-0123456789"


@pytest.mark.parametrize(
    "weak", [b"short", b"", b"two words are none", "sixteen-letters-\u00fc".encode(), b"\xff" * 20, b"a" * 70_000]
)  # fmt: skip
def test_a_weak_token_is_refused_and_not_shown(tmp_path: Path, weak: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(weak)
    with pytest.raises(SettingsError) as refused:
        served_token(file)
    assert "\n" not in str(refused.value)
    assert not weak or weak.decode("latin-1") not in str(refused.value)


def test_no_option_takes_a_token(run_help: Callable[[], str]) -> None:
    """A command line is read by everybody on the machine."""
    assert "--token-file" in run_help()
    assert "--token " not in run_help()


@pytest.fixture
def run_help(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    from mrvideo.cli.app import run

    def shown() -> str:
        assert run(["mcp", "--help"]) == 0
        return capsys.readouterr().out

    return shown
