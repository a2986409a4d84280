"""mrvideo's commands in processes of their own, to be killed, over a loopback model that counts what it is
asked.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import av
import numpy as np
import pytest
from support import chat_server, seeing
from support.commands import Commands

from mrvideo.library import Library
from mrvideo.media.identity import digest_of
from mrvideo.records import Answer, Index

SECONDS = 24


@dataclass
class Counting:
    """The seeing model, counting each request by its content. `on_call` hears the number of calls so far."""

    seeing: ModuleType
    asked: Counter[str] = field(default_factory=Counter)
    on_call: Callable[[int], None] = lambda count: None
    broken: Callable[[Any], bool] = lambda asked: False

    def __call__(self, asked: Any) -> Any:
        self.asked[hashlib.sha256(json.dumps(asked.body, sort_keys=True).encode()).hexdigest()] += 1
        self.on_call(self.asked.total())
        return "no reply at all" if self.broken(asked) else self.seeing.answer(asked)

    @property
    def repeated(self) -> int:
        """Calls that would not have been needed, had every reply been kept."""
        return self.asked.total() - len(self.asked)


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """24 s at 4 fps; another colour every 3 s."""
    return _walls(tmp_path_factory.mktemp("film") / "walls.mp4", SECONDS)


@pytest.fixture(scope="session")
def longer_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for 56 s."""
    return _walls(tmp_path_factory.mktemp("film") / "more-walls.mp4", 56)


def _walls(path: Path, seconds: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(seconds * 4):
            level = number // 12
            picture = np.full((48, 64, 3), ((level * 36) % 252, (level * 108) % 252, 40), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    return path


@pytest.fixture
def model() -> Counting:
    return Counting(seeing)


@pytest.fixture
def server(model: Counting) -> Iterator[Any]:
    with chat_server.ChatServer(answer=model, latency_seconds=0.01) as server:
        yield server
        assert server.refusals == []


@pytest.fixture
def commands(tmp_path: Path, server: Any, forker: Any) -> Any:
    folder = tmp_path / "run"
    folder.mkdir()
    environment = {
        "OPENAI_API_KEY": "none",
        "MRVIDEO_VISION": "openai:test-vlm",
        "MRVIDEO_BASE_URL": server.base_url,
        "MRVIDEO_CLIP_SECONDS": "2",
        "MRVIDEO_SHARD_SECONDS": "12",
        "MRVIDEO_CONCURRENCY": "4",
        "HOME": str(tmp_path),
    }
    return Commands(folder, environment, forker)


def comparable(index: Index | None) -> Index | None:
    """All of an index but when it was made and what that took."""
    return index and index.model_copy(update={"usage": Index.model_fields["usage"].default, "created_at": ""})


@pytest.fixture(scope="session")
def contents() -> Callable[[Path, Path], dict[str, Any]]:
    """All that a library holds of a film, for comparing two of them: but for times of day, and what calls
    took.
    """

    def read(path: Path, film: Path) -> dict[str, Any]:
        from sqlalchemy import create_engine, text

        digest = digest_of(film)
        with Library.open(path, create=False) as library:
            found: dict[str, Any] = {"index": comparable(library.latest_index(digest))}
            unset = {"usage": Answer.model_fields["usage"].default}
            found["answers"] = [answer.model_copy(update=unset) for answer in library.answers(digest)]
            found["hits"] = library.search("wall", limit=1000)
        engine = create_engine(f"sqlite:///{path}")
        with engine.connect() as connection:
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            connection.execute(text("INSERT INTO texts_fts (texts_fts) VALUES ('integrity-check')"))
            found["replies"] = dict(connection.execute(text("SELECT key, reply FROM replies")).all())
            found["parts"] = {key for (key,) in connection.execute(text("SELECT key FROM parts"))}
        engine.dispose()
        return found

    return read
