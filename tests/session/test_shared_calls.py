"""Nothing is paid twice: equal questions at once share their calls, a look is kept, and a library by two
names is one.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from pydantic import SecretStr
from support import chat_server, seeing

import mrvideo
from mrvideo.settings import Settings


class Counting:
    """Answers by rule, and counts how often each request came."""

    def __init__(self) -> None:
        self.answer = seeing.answer
        self.repeats: Counter[str] = Counter()

    def __call__(self, asked: Any) -> Any:
        pictures = [(label, asked.image(place).tobytes()) for place, (label, _) in enumerate(asked.pictures)]
        self.repeats[f"{asked.text}{pictures!r}"] += 1
        return self.answer(asked)


@pytest.fixture
def model() -> Counting:
    return Counting()


@pytest.fixture
def server(model: Counting) -> Iterator[Any]:
    # Slow enough that runs that begin together are in flight together; no test depends on how slow.
    with chat_server.ChatServer(answer=model, latency_seconds=0.05) as server:
        yield server


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(4 * 20):
            picture = np.full((48, 64, 3), 30 + 10 * (number // 4), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture
def settings(server: Any, tmp_path: Path) -> Callable[..., Settings]:
    def make(**changes: Any) -> Settings:
        own = {
            "vision": "openai:test-vlm",
            "base_url": server.base_url,
            "api_key": SecretStr("sk-one-0123456789"),
            "library": tmp_path / "library.db",
            "clip_seconds": 2,
            "shard_seconds": 10,
        }
        return Settings(**own | changes)

    return make


def at_once(*work: Callable[[], Any]) -> list[Any]:
    """What each gives back, all begun together on threads of their own; what one raises is its result."""
    start = threading.Barrier(len(work))
    results: list[Any] = [None] * len(work)

    def run(place: int, one: Callable[[], Any]) -> None:
        start.wait()
        try:
            results[place] = one()
        except Exception as error:  # noqa: BLE001 - looked at by the test
            results[place] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(work)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.slow
def test_the_same_question_by_two_threads_at_once_is_paid_once(
    film: Path, model: Counting, settings: Callable[..., Settings]
) -> None:
    video = mrvideo.index(film, settings=settings())
    model.repeats.clear()
    answers = at_once(*[lambda: video.ask("What colour is the wall at the end?")] * 3)
    assert len({answer.answer for answer in answers}) == 1
    assert model.repeats.total() > 0 and set(model.repeats.values()) == {1}
    # Each call is on one bill.
    assert sum(answer.usage.calls for answer in answers) == model.repeats.total()


@pytest.mark.slow
async def test_the_same_question_by_two_tasks_at_once_is_paid_once(
    film: Path, model: Counting, settings: Callable[..., Settings]
) -> None:
    video = await mrvideo.aindex(film, settings=settings())
    other = await mrvideo.aload(film, settings=settings())
    model.repeats.clear()
    await asyncio.gather(video.aask("What colour is the wall?"), other.aask("What colour is the wall?"))
    assert model.repeats.total() > 0 and set(model.repeats.values()) == {1}


@pytest.mark.slow
def test_another_key_shares_no_call_in_flight(
    film: Path, server: Any, settings: Callable[..., Settings]
) -> None:
    """What one user pays for is not handed to another while it is under way; what is kept, the library's
    readers share.
    """
    index = mrvideo.index(film, settings=settings()).index
    before = len(server.asked)
    others = [settings(api_key=SecretStr(f"sk-{name}-0123456789"), fresh=True) for name in ("one", "two")]
    at_once(*[lambda own=own: mrvideo.Video(index, own).ask("Whose wall?") for own in others])
    keys = Counter(asked.headers["authorization"] for asked in server.asked[before:])
    assert len(keys) == 2 and len(set(keys.values())) == 1


@pytest.mark.slow
def test_a_look_is_kept_and_asked_again_when_it_is_to_be_fresh(
    film: Path, model: Counting, settings: Callable[..., Settings]
) -> None:
    video = mrvideo.index(film, settings=settings())
    model.repeats.clear()
    first, _ = video.look((2.0, 4.0), "What colour?")
    again, frames = mrvideo.load(film, settings=settings()).look((2.0, 4.0), "What colour?")
    assert again == first and frames
    assert model.repeats.total() == 1
    mrvideo.load(film, settings=settings(fresh=True)).look((2.0, 4.0), "What colour?")
    assert model.repeats.total() == 2


@pytest.mark.slow
def test_a_look_into_a_library_that_may_only_be_read_is_answered(
    film: Path, model: Counting, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is paid for: that it cannot be kept is no reason to withhold it."""
    from mrvideo.library import Library

    video = mrvideo.index(film, settings=settings())
    monkeypatch.setattr(Library, "writable", property(lambda self: False))
    reply, _ = video.look((2.0, 4.0), "What colour?")
    assert reply.observations


@pytest.mark.slow
def test_a_library_by_two_names_is_one(
    film: Path, model: Counting, settings: Callable[..., Settings], tmp_path: Path
) -> None:
    """Through a link beside the file and through a folder that is one: both runs once did all the work, at
    the same time.
    """
    (tmp_path / "kept").mkdir()
    (tmp_path / "way").symlink_to(tmp_path / "kept")
    (tmp_path / "link.db").symlink_to(tmp_path / "kept" / "library.db")
    names = [tmp_path / "kept" / "library.db", tmp_path / "link.db", tmp_path / "way" / "library.db"]
    videos = at_once(
        *[lambda name=name: mrvideo.index(film, settings=settings(library=name)) for name in names]
    )
    assert len({video.index.key for video in videos}) == 1
    assert model.repeats.total() > 10 and set(model.repeats.values()) == {1}
    assert {path.name for path in tmp_path.iterdir()} == {"film.mp4", "kept", "way", "link.db"}


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_loop_of_links_is_one_line(tmp_path: Path, film: Path, settings: Callable[..., Settings]) -> None:
    (tmp_path / "loop.db").symlink_to(tmp_path / "loop.db")
    with pytest.raises(mrvideo.MrVideoError) as caught:
        mrvideo.index(film, settings=settings(library=tmp_path / "loop.db"))
    assert "loop.db" in str(caught.value) and "\n" not in str(caught.value)
