"""Evidence is of the film it names, also where the film is replaced: after indexing, in a question, while it
is indexed.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import chat_server, seeing

import mrvideo
from mrvideo.errors import InputError, VideoChanged

CLIP_SECONDS = 2
CLIPS = 3


class Swapping:
    """A model server that reads pictures, and does something else when it is first asked by a certain schema."""

    def __init__(self) -> None:
        self.at: str | None = None
        self.act: Callable[[], object] = lambda: None
        self.server = chat_server.ChatServer(answer=self._answer)

    def _answer(self, asked: Any) -> Any:
        if asked.schema_name == self.at:
            self.at = None
            self.act()
        return seeing.answer(asked)


@pytest.fixture
def swapping() -> Iterator[Swapping]:
    model = Swapping()
    with model.server:
        yield model


@pytest.fixture
def film(tmp_path: Path, film_maker: Callable[[Path, int], None]) -> Path:
    film_maker(tmp_path / "film.mp4", CLIPS * CLIP_SECONDS)
    return tmp_path / "film.mp4"


@pytest.fixture
def replaced(film: Path) -> Callable[[], object]:
    """Puts another film at the path: longer by a box that readers skip, so that it opens and plays."""
    other = film.with_name("other.mp4")
    shutil.copy(film, other)
    with other.open("ab") as file:
        file.write((12).to_bytes(4, "big") + b"free" + b"\0" * 4)
    return lambda: other.rename(film)


@pytest.fixture
def settings(swapping: Swapping, tmp_path: Path) -> dict[str, Any]:
    return {
        "library": tmp_path / "library.db",
        "vision": "openai:test-vlm",
        "base_url": swapping.server.base_url,
        "clip_seconds": CLIP_SECONDS,
        "shard_seconds": 10,
    }


@pytest.mark.slow
def test_a_film_replaced_after_indexing_and_asked_by_digest_is_refused(film, settings, replaced, swapping):
    """It was answered from the other film's pixels, with `verified=True`."""
    digest = mrvideo.index(film, **settings).info.digest
    assert mrvideo.load(digest, **settings).ask("What is there?").video_digest == digest
    replaced()
    calls = swapping.server.calls
    video = mrvideo.load(digest, **settings)
    for ask in (
        lambda: video.ask("What else is there?"),
        lambda: video.look((0.0, 2.0), "What is there?"),
        lambda: video.frames((0.0, 2.0)),
    ):
        with pytest.raises(VideoChanged, match="mrvideo index"):
            ask()
    assert swapping.server.calls == calls, "nothing is paid for before it is told"
    assert "data:image" not in video._repr_html_(), "no picture of the other film stands in the notebook"


def test_a_film_that_was_only_touched_is_asked_as_before(film, settings):
    video = mrvideo.index(film, **settings)
    film.touch()
    assert mrvideo.load(video.info.digest, **settings).ask("What is there?").verified


def test_a_film_replaced_in_the_middle_of_a_question_ends_it(film, settings, replaced, swapping):
    digest = mrvideo.index(film, **settings).info.digest
    swapping.at, swapping.act = "WholeIntentionReply", replaced
    with pytest.raises(VideoChanged, match="another video"):
        mrvideo.load(digest, **settings).ask("What is there?")


@pytest.mark.slow
@pytest.mark.parametrize("workers", [None, 1], ids=["threads", "processes"])
def test_a_film_replaced_while_it_is_indexed_is_kept_as_neither(film, settings, replaced, swapping, workers):
    swapping.at, swapping.act = "CaptionClipReply", replaced
    with pytest.raises(VideoChanged, match="another video"):
        mrvideo.index(film, **settings, workers=workers)
    with pytest.raises(InputError, match=r"not in|begun"):
        mrvideo.load(film, **settings)
