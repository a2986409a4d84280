"""Two users in one process: each one's calls carry that one's key, also from workers that served the other
just before.

A service that indexes for many keeps its worker processes, and in them the models that were opened: 14 of the
second user's 15 calls were once sent, and billed, with the first one's key.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from pydantic import SecretStr
from support import chat_server, seeing
from support.clusters import MARKS, Driver, driver_process, in_this_process
from support.threads import together

import mrvideo
from mrvideo.settings import Settings

pytestmark = MARKS

KEYS = {"dark": "sk-of-the-dark-0123456789", "bright": "sk-of-the-bright-987654321"}
SHADES = {"dark": 40, "bright": 210}
SHARDS = 2


@pytest.fixture
def server() -> Iterator[Any]:
    with chat_server.ChatServer(answer=seeing.answer) as server:
        yield server


@pytest.fixture
def films(tmp_path: Path) -> dict[str, Path]:
    """Each user's own film, told apart by how bright it is."""
    return {name: _film(tmp_path / f"{name}.mp4", shade) for name, shade in SHADES.items()}


def _film(path: Path, shade: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(4 * 10 * SHARDS):
            level = shade + (number // 4) % 8
            picture = np.full((48, 64, 3), level, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def dask_address() -> Iterator[str]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as cluster:
        yield cluster.scheduler_address.replace("tcp://", "dask://")


@pytest.fixture(scope="module")
def ray_driver() -> Iterator[Driver]:
    pytest.importorskip("ray")
    with driver_process() as driver:
        yield driver


@pytest.fixture(params=["loky", "dask", "ray"])
def service(request: pytest.FixtureRequest) -> tuple[Driver, dict[str, Any]]:
    """What does work in the process that serves both users, and the settings that spread the work over that
    engine's worker processes.
    """
    if request.param == "loky":
        return in_this_process, {"workers": 2}
    if request.param == "dask":
        return in_this_process, {"workers": 2, "cluster": request.getfixturevalue("dask_address")}
    return request.getfixturevalue("ray_driver"), {"workers": 2, "cluster": "auto"}


@pytest.fixture
def index(
    service: tuple[Driver, dict[str, Any]], server: Any, films: dict[str, Path], tmp_path: Path
) -> Callable[[str], tuple[int, int]]:
    """Index one user's film into that user's own library, with that user's key; always anew. Gives the number
    of scenes and of failures.
    """
    engine, base_url = service[1], server.base_url

    def run(user: str) -> tuple[int, int]:
        settings = Settings(
            vision="openai:test-vlm",
            base_url=base_url,
            api_key=SecretStr(KEYS[user]),
            library=tmp_path / f"{user}.db",
            clip_seconds=2,
            shard_seconds=10,
            fresh=True,
            **engine,
        )
        video = mrvideo.index(films[user], settings=settings)
        return len(video.scenes), len(video.failures)

    return run


def _whose(asked: Any) -> str | None:
    """Whose film a call shows; None for one without pictures."""
    if not asked.pictures:
        return None
    shade = asked.image(0).convert("L").resize((1, 1)).getpixel((0, 0))
    return min(SHADES, key=lambda name: abs(SHADES[name] - shade))


def _sent_with(asked: Any) -> str:
    return next(
        (user for user, key in KEYS.items() if asked.headers["authorization"] == f"Bearer {key}"), "nobody"
    )


def _ends_workers(engine: dict[str, Any]) -> bool:
    """Whether the engine's workers end with each map, as Ray's do: nothing is kept in them for a third one."""
    return engine.get("cluster") == "auto"


def test_one_after_the_other_over_the_same_workers(
    service: tuple[Driver, dict[str, Any]], server: Any, index: Callable[[str], tuple[int, int]]
) -> None:
    driver, engine = service
    for user in ("dark", "bright") if _ends_workers(engine) else ("dark", "bright", "dark"):
        before = len(server.asked)
        scenes, failures = driver(partial(index, user))
        assert not failures and scenes > 0
        calls = server.asked[before:]
        assert len(calls) > 2 * SHARDS
        assert {_sent_with(asked) for asked in calls} == {user}
        assert {_whose(asked) for asked in calls} <= {user, None}


def test_both_at_the_same_time_over_the_same_workers(
    service: tuple[Driver, dict[str, Any]], server: Any, index: Callable[[str], tuple[int, int]]
) -> None:
    driver, engine = service
    times = 1 if _ends_workers(engine) else 2

    def run(user: str) -> None:
        for _ in range(times):
            _, failures = index(user)
            assert not failures

    assert driver(lambda: together([partial(run, user) for user in KEYS])) == []
    shown = [(whose, _sent_with(asked)) for asked in server.asked if (whose := _whose(asked)) is not None]
    assert Counter(whose == sent for whose, sent in shown) == {True: len(shown)}
    assert {whose for whose, _ in shown} == set(KEYS)


async def test_both_at_the_same_time_in_threads_of_this_process(
    server: Any, films: dict[str, Path], tmp_path: Path
) -> None:
    import asyncio

    def settings(user: str) -> Settings:
        return Settings(
            vision="openai:test-vlm",
            base_url=server.base_url,
            api_key=SecretStr(KEYS[user]),
            library=tmp_path / "shared.db",
            clip_seconds=2,
            shard_seconds=10,
        )

    videos = await asyncio.gather(*(mrvideo.aindex(films[user], settings=settings(user)) for user in KEYS))
    await asyncio.gather(*(video.aask("What colour is the wall?") for video in videos))
    shown = [(whose, _sent_with(asked)) for asked in server.asked if (whose := _whose(asked)) is not None]
    assert Counter(whose == sent for whose, sent in shown) == {True: len(shown)}
    assert {_sent_with(asked) for asked in server.asked} == set(KEYS)
