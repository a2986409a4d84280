"""MCP over HTTP: who may speak with the server, checked before anything of a request is read.

request ─► Host: one of our names? ─► Origin: none, or that same host? ─► bearer token? ─► the server
             403                         403                                 401
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import uvicorn
from mcp.server import Server
from mcp.server.transport_security import TransportSecuritySettings
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mrvideo.doors import Names, bearer_token, bound_socket, same_token, shown_host
from mrvideo.errors import SettingsError
from mrvideo.settings import TOKEN_VARIABLE, Settings
from mrvideo.wording import plain

_GONE = "mrvideo.gone"
"""In a request's scope: set once its client's connection is closed."""

_MOST_CONNECTIONS = 256
_LAST_SECONDS = 2
"""For calls in flight to end when the server is told to."""


@dataclass(frozen=True)
class Door:
    """Which requests are let in."""

    names: Names
    token: SecretStr | None = None

    def refusal(self, headers: Sequence[tuple[bytes, bytes]]) -> PlainTextResponse | None:
        """What a request with these headers is answered in place of being served; None for one that is let
        in.
        """
        hosts, origins, given = (
            [value.decode("latin-1") for name, value in headers if name == wanted]
            for wanted in (b"host", b"origin", b"authorization")
        )
        match self.names.stranger(hosts, origins):
            case "host":
                return _no(
                    403,
                    "this server does not go by that Host; whoever runs it can add a name by --allow-host",
                )
            case "origin":
                return _no(403, "pages of another origin may not call this server")
            case None:
                pass
        if self.token is not None and not (len(given) == 1 and _is_token(given[0], self.token)):
            return _no(
                401,
                "the bearer token is missing or is another",
                {"WWW-Authenticate": 'Bearer realm="mrvideo"'},
            )
        return None


def _is_token(header: str, token: SecretStr) -> bool:
    given = bearer_token(header)
    return given is not None and same_token(given, token.get_secret_value())


def _no(status: int, line: str, headers: dict[str, str] | None = None) -> PlainTextResponse:
    # What the body would have said stays unread.
    return PlainTextResponse(line + "\n", status, {"Connection": "close", **(headers or {})})


def serve_http(
    server: Server[Any],
    host: str,
    port: int,
    *,
    settings: Settings,
    roots: Sequence[Path],
    token: SecretStr | None = None,
    allow_hosts: Sequence[str] = (),
) -> None:
    """Serve at /mcp until Ctrl-C. Port 0 is any free one; the address is told on stderr.

    Raises `InputError` for an address that cannot be listened at, and `SettingsError` for one that other
    machines reach where there is no token.
    """
    listening = bound_socket(host, port)
    with listening:
        names = Names.of(listening, host, *allow_hosts)
        port = listening.getsockname()[1]
        shown = shown_host(host)
        if names.beyond and token is None:
            raise SettingsError(
                f"other machines reach {shown} port {port}: set {TOKEN_VARIABLE}, or name a file by --token-file, with a token "
                "that clients must send (Authorization: Bearer …), or listen at 127.0.0.1"
            )
        door = Door(names, token)
        app = guarded(
            server.streamable_http_app(
                host=host,
                transport_security=TransportSecuritySettings(
                    enable_dns_rebinding_protection=False
                ),  # The door's part.
            ),
            door,
        )
        if names.beyond:
            _say(_exposed(shown, port, settings, roots))
        # Listens before its address is told: who reads the line may connect at once.
        listening.listen()
        _say(f"serving at http://{shown}:{port}/mcp")
        config = uvicorn.Config(
            app,
            log_level="error",
            ws="none",
            proxy_headers=False,
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=_LAST_SECONDS,
        )
        uvicorn.Server(config).run(sockets=[listening])


def guarded(app: ASGIApp, door: Door) -> ASGIApp:
    """The app behind the door; requests that are let in know when their client has gone."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
            return
        refusal = door.refusal(scope["headers"])
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        gone = asyncio.Event()

        async def heard() -> Message:
            message = await receive()
            if message["type"] == "http.disconnect":
                gone.set()
            return message

        await app({**scope, _GONE: gone}, heard, send)

    return serve


@contextlib.asynccontextmanager
async def while_there(request: Request | None) -> AsyncGenerator[anyio.CancelScope]:
    """Cancels what is done inside once the client of an HTTP request has gone: nobody is there to read it, or
    to stop it.

    The block then ends without an error, and `cancelled_caught` of what is given says so. Without a request
    (stdio) nothing ends early.
    """
    gone: asyncio.Event | None = None if request is None else request.scope.get(_GONE)
    with anyio.CancelScope() as scope:
        if gone is None:
            yield scope
            return
        watching = asyncio.create_task(_cancel_when(gone, scope))
        try:
            yield scope
        finally:
            watching.cancel()


async def _cancel_when(gone: asyncio.Event, scope: anyio.CancelScope) -> None:
    await gone.wait()
    scope.cancel()


def _exposed(shown: str, port: int, settings: Settings, roots: Sequence[Path]) -> str:
    """What lies open, for whoever has just opened it."""
    bounds = [
        *([f"${settings.max_cost:.2f}"] if settings.max_cost is not None else []),
        *([f"{settings.max_tokens:,} tokens"] if settings.max_tokens is not None else []),
    ]
    spent = f"up to {' and '.join(bounds)} in all" if bounds else "without bound (--max-cost sets one)"
    fetched = " and have this machine fetch addresses" if settings.allow_url else ""
    return (
        f"mrvideo: warning: other machines reach {shown} port {port}. Whoever sends the token can index, read and ask every video below "
        f"{', '.join(str(root.absolute()) for root in roots)}{fetched}, and spend your models' money {spent}. "
        "Nothing is encrypted, the token neither: put a proxy that speaks TLS in front"
    )


def _say(line: str) -> None:
    print(plain(line), file=sys.stderr, flush=True)  # noqa: T201
