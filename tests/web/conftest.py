"""A viewer over a library with the demo film, asked offline, and one with a cast."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from support.casts import cast_index

from mrvideo.doors import Names
from mrvideo.library import Library
from mrvideo.settings import Settings
from mrvideo.web.app import Viewer
from mrvideo.web.door import Door, guarded

TOKEN = "token-of-the-tests"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture
def settings(indexed_demo: Path, tmp_path: Path) -> Settings:
    """A library of the demo film, and of a film with a cast whose file is gone."""
    folder = tmp_path / "films"
    shutil.copytree(indexed_demo, folder)
    library = folder / ".mrvideo" / "library.db"
    with Library.open(library) as kept:
        (info,) = kept.videos()
        kept.put_video(info.model_copy(update={"path": str(folder / "talk.mp4")}))
        kept.put_index(cast_index())
    return Settings(library=library)


@dataclass(frozen=True)
class Running:
    """A viewer that serves."""

    origin: str
    settings: Settings
    digest: str

    @property
    def entrance(self) -> str:
        return f"{self.origin}/?token={TOKEN}"


@pytest.fixture
def viewer(settings: Settings) -> Iterator[Running]:
    app = guarded(Viewer(settings).app(), Door(TOKEN, Names(frozenset({"localhost"}))))
    begun = threading.Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets=None) -> None:
            await super().startup(sockets)
            begun.set()

    server = Server(
        uvicorn.Config(app, port=0, log_level="error", lifespan="off", ws="none", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    assert begun.wait(30)
    port = server.servers[0].sockets[0].getsockname()[1]
    with Library.open(settings.library) as kept:
        digest = kept.videos()[0].digest
    yield Running(f"http://127.0.0.1:{port}", settings, digest)
    server.should_exit = True
    thread.join(30)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's chromium; a test that wants it is skipped where it, or what drives it, is missing."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no chromium; python3 .ci/install_chromium.py installs Debian's")
    with api.sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def page(browser: Any, viewer: Running) -> Iterator[Any]:
    """A page that is let in. At the end: no error on its console, no dialog, no request to elsewhere."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: (errors.append(f"dialog {dialog.message}"), dialog.dismiss()))
    page.on(
        "request",
        lambda r: (
            None if r.url.startswith((viewer.origin, f"blob:{viewer.origin}")) else errors.append(r.url)
        ),
    )
    page.goto(viewer.entrance)
    page.expected_errors = []
    yield page
    context.close()
    # Frames of a film whose file is gone cannot be had: the page says so, and the console repeats the status.
    assert [e for e in errors if not any(part in e for part in page.expected_errors)] == []
