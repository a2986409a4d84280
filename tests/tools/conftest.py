"""Folders that are served, one inside and one outside, a library of the demo film, and a model that a test
drives.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from support import chat_server as support_server

import mrvideo.tools
from mrvideo.settings import Settings, load_settings

ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Served:
    """A served folder that holds the demo film, its library, and a folder beside it that is not served."""

    root: Path
    outside: Path

    @property
    def film(self) -> Path:
        return self.root / "talk.mp4"

    @property
    def settings(self) -> Settings:
        return load_settings(library=self.root / ".mrvideo" / "library.db")


@pytest.fixture(scope="session")
def served_once(indexed_demo: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served")
    for part in ("talk.mp4", "talk.srt", ".mrvideo"):
        source = indexed_demo / part
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, folder / part)
    tools = mrvideo.tools.openai(roots=[folder], library=folder / ".mrvideo" / "library.db")
    assert not tools.call("index_video", {"video": "talk.mp4"}).startswith("error")
    return folder


@pytest.fixture
def served(served_once: Path, tmp_path: Path) -> Served:
    """Read it; a test that makes files makes them in `outside` or removes them."""
    outside = tmp_path / "outside"
    outside.mkdir()
    return Served(served_once, outside)


def write_film(path: Path, *, seconds: int = 20, hue: int = 0) -> Path:
    """A film without texts: grey levels that step once a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for index in range(4 * seconds):
            level = (40 + 37 * (index // 4) + hue) % 256
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), level, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.fixture(name="write_film")
def write_film_fixture() -> Any:
    return write_film


@pytest.fixture(scope="session")
def servers() -> Any:
    """The module of the chat-completions server on loopback."""
    return support_server


@pytest.fixture
def chat_server(servers: Any) -> Iterator[Any]:
    with servers.ChatServer() as server:
        yield server
