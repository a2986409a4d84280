"""Bind an address, print the viewer's own, open the browser, and serve until Ctrl-C."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable

import uvicorn

from mrvideo.errors import InputError
from mrvideo.settings import Settings
from mrvideo.web.app import Viewer
from mrvideo.web.door import Door, guarded, names_of

_LAST_SECONDS = 2


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    place: str = "/",
    open_browser: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the library at `host`; port 0 is any free one. `say` is told the address, and a warning where other machines reach it.

    Raises `InputError` for an address that cannot be listened at.
    """
    token = secrets.token_urlsafe(24)
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise InputError(
            f"cannot listen at {host} port {port} ({error}); name another with --port"
        ) from error
    with listening:
        bound, port = listening.getsockname()[:2]
        beyond = not ipaddress.ip_address(str(bound).partition("%")[0]).is_loopback
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{port}{place}?token={token}"
        app = guarded(Viewer(settings).app(), Door(token, names_of([host]), beyond))
        if beyond:
            say(
                "warning: other machines reach this viewer; whoever has its address reads the library, asks, and is not encrypted"
            )
        say(f"{address}  (Ctrl-C ends it)")
        config = uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=_LAST_SECONDS,
        )
        if open_browser:
            # The socket listens already: what comes before the server waits in its queue.
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
        uvicorn.Server(config).run(sockets=[listening])
