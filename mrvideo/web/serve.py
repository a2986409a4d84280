"""Bind an address, print the viewer's own, open the browser, and serve until Ctrl-C."""

from __future__ import annotations

import secrets
import threading
import webbrowser
from collections.abc import Callable

import uvicorn

from mrvideo.doors import Names, bound_socket, shown_host
from mrvideo.settings import Settings
from mrvideo.web.app import Viewer
from mrvideo.web.door import Door, guarded

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
    """Serve the library at `host`; port 0 is any free one. `say` is told the address, and a warning where
    other machines reach it.

    Raises `InputError` for an address that cannot be listened at.
    """
    token = secrets.token_urlsafe(24)
    listening = bound_socket(host, port)
    with listening:
        names = Names.of(listening, host)
        address = f"http://{shown_host(host)}:{listening.getsockname()[1]}{place}?token={token}"
        app = guarded(Viewer(settings).app(), Door(token, names))
        # Listens before its address is told: who reads the line may connect at once.
        listening.listen()
        if names.beyond:
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
