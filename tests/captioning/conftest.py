"""The synthetic world and its perceiver, and small helpers that many tests share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from support import chat_server, perceiver, world
from support.films import film_of

from mrvideo.captioning.index import CaptioningOptions, build_index
from mrvideo.library import Library
from mrvideo.media.identity import probe
from mrvideo.models import Ledger, ModelSettings
from mrvideo.models.base import Model
from mrvideo.records import Cue, Event, Index, VideoInfo


@pytest.fixture(scope="session")
def worlds() -> ModuleType:
    """tests/support/world.py"""
    return world


@pytest.fixture(scope="session")
def perceivers() -> ModuleType:
    """tests/support/perceiver.py"""
    return perceiver


@pytest.fixture(scope="session")
def chat() -> ModuleType:
    """tests/support/chat_server.py"""
    return chat_server


@pytest.fixture(scope="session")
def moving_video(tmp_path_factory: pytest.TempPathFactory) -> VideoInfo:
    """65 s at 10 frames a second in which something always moves, with a cut every 7 s."""

    def picture(number: int) -> np.ndarray:
        pixels = np.full((96, 160, 3), 40 + number // 70 * 67 % 180, np.uint8)
        left = number * 7 % 130
        pixels[30:60, left : left + 30] = 255
        return pixels

    path = tmp_path_factory.mktemp("moving") / "moving.mp4"
    return probe(film_of(path, map(picture, range(650)), rate=10, group=30))


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    with Library.open(tmp_path / "library.db") as opened:
        yield opened


@pytest.fixture
def build(library: Library) -> Callable[..., Index]:
    """build(info, model, options=…, cues=…, events=[]) -> Index, kept in the test's own library."""

    def run(
        info: VideoInfo,
        model: Model,
        options: CaptioningOptions | None = None,
        *,
        cues: tuple[Cue, ...] = (),
        events: list[Event] | None = None,
        worker_model: ModelSettings | None = None,
        worker_ledger: Ledger | None = None,
    ) -> Index:
        return build_index(
            info,
            cues,
            options=options or CaptioningOptions(),
            vision=model,
            worker_model=worker_model,
            library=library,
            on_event=(events if events is not None else []).append,
            on_worker_usage=(worker_ledger or Ledger()).record,
        )

    return run
