"""kill -9 in the middle costs the calls in flight and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mrvideo.captioning.index import CaptioningOptions, build_index
from mrvideo.library import Library
from mrvideo.media.identity import probe
from mrvideo.models.base import Request
from mrvideo.models.scripted import ScriptedModel
from mrvideo.records import Index, VideoInfo

IN_FLIGHT = 3

INDEXING = """
import sys
from mrvideo.captioning.index import CaptioningOptions, build_index
from mrvideo.library import Library
from mrvideo.media.identity import probe
from mrvideo.models import Ledger, ModelSettings, open_model

video, library, base_url = sys.argv[1:]
settings = ModelSettings.parse("openai:test-vlm", base_url=base_url, concurrency=3)
with Library.open(library) as opened:
    model = open_model(settings, ledger=Ledger(), store=opened)
    build_index(
        probe(video), (), options=CaptioningOptions(shard_seconds=20), vision=model,
        library=opened, on_event=lambda event: None,
    )
"""


class Server:
    """The perceiver over HTTP, which kills its caller when the n-th call comes in."""

    def __init__(self, chat: ModuleType, perceivers: ModuleType) -> None:
        self._eyes = perceivers.Perceiver()
        self._lock = threading.Lock()
        self._left: int | None = None
        self._victim: subprocess.Popen[bytes] | None = None
        self.server = chat.ChatServer(answer=self._answer)

    def _answer(self, asked: Any) -> Any:
        with self._lock:
            if self._left is not None:
                self._left -= 1
                if self._left == 0:
                    assert self._victim is not None
                    os.kill(self._victim.pid, signal.SIGKILL)
            return self._eyes.over_http(asked)

    def index(self, video: VideoInfo, library: Path, *, kill_at: int | None) -> int:
        """Runs one indexing process; returns its exit status."""
        arguments = [sys.executable, "-c", INDEXING, video.path, str(library), self.server.base_url]
        with self._lock:
            self._left = kill_at
            self._victim = subprocess.Popen(arguments)
        return self._victim.wait(timeout=120)


@pytest.mark.slow
def test_killed_runs_end_like_an_undisturbed_one_and_repeat_only_calls_in_flight(
    chat: ModuleType, worlds: ModuleType, perceivers: ModuleType, build: Callable[..., Index], tmp_path: Path
) -> None:
    video = probe(worlds.make_world(seed=11, minutes=1.5, characters=5).render(tmp_path / "w.mp4"))
    calm = ScriptedModel(perceivers.Perceiver())
    undisturbed = build(video, calm, CaptioningOptions(shard_seconds=20))
    server = Server(chat, perceivers)
    with server.server:
        for kill_at in (2, 9):
            assert server.index(video, tmp_path / "killed.db", kill_at=kill_at) == -signal.SIGKILL
        assert server.index(video, tmp_path / "killed.db", kill_at=None) == 0
        asked = len(server.server.asked)

    assert len(calm.requests) > 12
    # In flight at a kill: calls that wait for the server, and replies on their way to the disk.
    kills = 2
    assert len(calm.requests) <= asked <= len(calm.requests) + kills * 2 * IN_FLIGHT
    with Library.open(tmp_path / "killed.db", create=False) as library:
        ended = library.latest_index(video.digest)
    assert ended is not None
    assert (ended.scenes, ended.entities, ended.mentions) == (
        undisturbed.scenes,
        undisturbed.entities,
        undisturbed.mentions,
    )
    assert not ended.failures


@pytest.mark.slow
def test_two_who_index_the_same_video_at_once_do_no_work_twice(
    moving_video: VideoInfo, perceivers: ModuleType, tmp_path: Path
) -> None:
    both = threading.Barrier(2)
    models = [ScriptedModel(silent) for _ in range(2)]
    results: list[Index] = []

    def work(model: ScriptedModel) -> None:
        with Library.open(tmp_path / "shared.db") as library:
            both.wait()
            results.append(
                build_index(
                    moving_video,
                    (),
                    options=CaptioningOptions(),
                    vision=model,
                    library=library,
                    on_event=lambda event: None,
                )
            )

    threads = [threading.Thread(target=work, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert results[0] == results[1]
    assert sorted(len(model.requests) for model in models) == [0, 8]


def silent(request: Request[Any]) -> dict[str, Any]:
    if request.prompt.name == "characters":
        return {"characters": []}
    span = request.span
    assert span is not None
    times = {"start_seconds": span.start_seconds, "stop_seconds": span.stop_seconds}
    return {"continues_previous": False, "scenes": [{**times, "brief": "b", "detailed": "d"}]}
