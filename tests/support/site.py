"""A web site on loopback: pages with films, lists, streams, and what goes wrong at sites."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from typing_extensions import Self

PAGE = """<!DOCTYPE html><html><head><title>{title}</title>
<meta property="og:description" content="{description}">{head}</head><body>{body}</body></html>"""


def page_of(
    *films: str, title: str = "A walk", description: str = "", subtitles: str = "", head: str = ""
) -> bytes:
    """A page that plays these films; `subtitles` are those of the first."""
    track = f'<track kind="subtitles" src="{subtitles}" srclang="en">' if subtitles else ""
    players = [
        f'<video src="{film}" controls>{"" if number else track}</video>' for number, film in enumerate(films)
    ]
    return PAGE.format(title=title, description=description, head=head, body="".join(players)).encode()


@dataclass
class File:
    """What stands at a path. `stated` is the length that is claimed, none below 0; `breaks_after` cuts the connection once
    so many bytes were sent, the first time that it is asked for. With a `gate`, it waits there for it.
    """

    data: bytes
    kind: str = "text/html"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    stated: int | None = None
    breaks_after: int | None = None
    gate: threading.Event | None = None


class Site(http.server.ThreadingHTTPServer):
    """Serves `files` by path from `with` to its end. `asked` lists method, path and range of all requests."""

    daemon_threads = True

    def __init__(self, *, ranges: bool = True, host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), _Handler)
        self.ranges = ranges
        self.files: dict[str, File] = {}
        self.asked: list[tuple[str, str, str | None]] = []
        self.cookies: list[str] = []
        self.waits = threading.Event()
        """Set once a client waits at a gate."""
        self.on_request: Callable[[str], None] = lambda path: None

    def url(self, path: str) -> str:
        return f"http://{self.server_address[0]}:{self.server_port}{path}"

    def got(self, path: str) -> list[str | None]:
        """The ranges of the GETs of a path."""
        return [wanted for method, own, wanted in self.asked if (method, own) == ("GET", path)]

    def __enter__(self) -> Self:
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for file in self.files.values():
            if file.gate is not None:
                file.gate.set()
        self.shutdown()
        self._thread.join()
        self.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Site  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_HEAD(self) -> None:
        self._answer(with_body=False)

    def do_GET(self) -> None:
        self._answer(with_body=True)

    def _answer(self, *, with_body: bool) -> None:
        path = self.path.partition("?")[0]
        wanted = self.headers.get("Range")
        self.server.asked.append((self.command, path, wanted))
        self.server.cookies.append(self.headers.get("Cookie", ""))
        self.server.on_request(path)
        file = self.server.files.get(path)
        if file is None:
            self.send_error(404)
            return
        first = 0
        if wanted and self.server.ranges and file.status == 200:
            first = int(wanted.removeprefix("bytes=").partition("-")[0])
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{len(file.data) - 1}/{len(file.data)}")
        else:
            self.send_response(file.status)
        stated = len(file.data) - first if file.stated is None else file.stated
        if stated >= 0:
            self.send_header("Content-Length", str(stated))
        for name, value in {"Content-Type": file.kind, **file.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            self._send(file, file.data[first:])

    def _send(self, file: File, data: bytes) -> None:
        try:
            if file.breaks_after is not None:
                begun, file.breaks_after = data[: file.breaks_after], None
                self.wfile.write(begun)
                self.wfile.flush()
                if file.gate is not None:
                    self.server.waits.set()
                    file.gate.wait(30)
                self.close_connection = True
                return
            self.wfile.write(data)
        except OSError:
            return  # The reader has seen enough.

    def log_message(self, format: str, *args: Any) -> None:
        return
