"""A viewer over a library with the demo film, asked offline, and one with a cast."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from support.casts import cast_index

from mrvideo.doors import Names
from mrvideo.library import Library
from mrvideo.settings import Settings
from mrvideo.web.app import Viewer
from mrvideo.web.door import Door, guarded

TOKEN = "token-of-the-tests"


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
