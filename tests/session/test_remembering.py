"""A memory is built once, kept under all that it hangs on, taken up after a kill, and found without the model
that built it.
"""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.chat_server import ChatServer, Fault
from support.films import grey_film
from support.memory_films import film
from support.vectors import kept_vectors

from mrvideo.library import Library
from mrvideo.memory.build import memory_key
from mrvideo.retrieval.embedders.offline import LooksEmbedder
from mrvideo.session import remembering
from mrvideo.session.indexing import index_video
from mrvideo.session.remembering import memory_of
from mrvideo.session.telling import chapters, summarise
from mrvideo.settings import Settings


class Words:
    """A server's answers: every chapter as it stands."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, asked: Any) -> dict[str, Any]:
        self.asked.append(asked.system)
        scenes = [int(number) for number in re.findall(r"scene (\d+) \(", asked.text)]
        if scenes:
            facts = [
                {"text": f"<person_1> does deed number {n}.", "kind": "event", "scenes": [n]} for n in scenes
            ]
            return {
                "facts": facts,
                "summary": [{"text": facts[0]["text"], "scenes": [scenes[0]]}],
                "title": f"From {scenes[0]}",
            }
        numbers = [int(n) for n in re.findall(r"deed number (\d+)", asked.text)]
        return {
            "facts": [],
            "summary": [{"text": f"<person_1> does deed number {numbers[0]}.", "scenes": [numbers[0]]}],
            "title": "All of it",
        }


def quiet(event: object) -> None:
    """Nobody listens."""


def test_a_kept_memory_costs_no_call_and_is_found_without_its_model(tmp_path: Path) -> None:
    index, words = film(40), Words()
    with Library.open(tmp_path / "library.db") as library:
        library.put_index(index)
    with ChatServer(answer=words) as server:
        settings = Settings(
            vision="openai:test-vlm", base_url=server.base_url, library=tmp_path / "library.db"
        )
        first = memory_of(index, settings, on_event=quiet)
        made = len(words.asked)
        again = memory_of(index, settings, on_event=quiet)
    assert made == sum(len(level) for level in first.levels)
    assert len(words.asked) == made and again.usage.calls == 0
    assert again.levels == first.levels and again.made_by == first.made_by
    reading = Settings(library=tmp_path / "library.db")
    assert [c.title for c in chapters(index, reading, every=True, on_event=quiet)] == [
        c.title for c in first.chapters
    ]
    assert summarise(index, reading, on_event=quiet).made_by == first.made_by


@pytest.mark.slow
def test_what_was_answered_before_a_server_died_is_not_paid_again(tmp_path: Path) -> None:
    index, words = film(60), Words()
    with ChatServer(answer=words) as server:
        server.faults.extend([None, None, None, *[Fault.status(400)] * 20])
        settings = Settings(
            vision="openai:test-vlm", base_url=server.base_url, library=tmp_path / "library.db", concurrency=1
        )
        broken = memory_of(index, settings, on_event=quiet)
        assert broken.failures
        server.faults.clear()
        asked = len(words.asked)
        whole = memory_of(index, settings, on_event=quiet)
    assert not whole.failures
    count = sum(len(level) for level in whole.levels)
    assert len(words.asked) - asked == count - 3, "the three that were answered are kept"


def test_another_caption_makes_another_memory(tmp_path: Path) -> None:
    index = film(20)
    scene = index.scenes[3].model_copy(update={"detailed": "Another thing.", "parts": ()})
    changed = index.model_copy(update={"scenes": (*index.scenes[:3], scene, *index.scenes[4:])})
    assert memory_key(index, "m") != memory_key(changed, "m") != memory_key(changed, "n")


def test_without_a_model_the_memory_is_what_was_read(tmp_path: Path) -> None:
    index = film(40)
    settings = Settings(library=tmp_path / "library.db")
    memory = memory_of(index, settings, on_event=quiet)
    assert memory.made_by == "offline"
    assert any("SIGN 7" in fact.text for fact in memory.chapters[0].facts)
    with closing(Library.open(tmp_path / "library.db", create=False)) as library:
        assert library.parts(index.video.digest, "memory")


@pytest.mark.parametrize("scenes", [1, 16])
def test_a_short_video_is_one_chapter(tmp_path: Path, scenes: int) -> None:
    nodes = chapters(film(scenes), Settings(library=tmp_path / "l.db"), every=True, on_event=quiet)
    assert [(n.first_scene, n.last_scene) for n in nodes] == [(0, scenes - 1)]


@pytest.mark.slow
def test_indexing_leaves_the_chapters_and_the_vectors_also_of_an_index_that_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The vectors are made of the index with its chapters: neither pass may leave the other out."""
    monkeypatch.setattr(remembering, "WALKED_FROM", 0)
    path = grey_film(tmp_path / "film.mp4", seconds=20)
    plain = Settings(library=tmp_path / "library.db")
    with ChatServer(answer=Words()) as server:
        settings = plain.model_copy(update={"text": "openai:test-vlm", "base_url": server.base_url})
        index = index_video(str(path), settings, on_event=quiet)
    digest = index.video.digest
    with closing(Library.open(tmp_path / "library.db", create=False)) as library:
        assert library.parts(digest, "memory")
        assert not kept_vectors(library, digest, LooksEmbedder().fingerprint)
    # The server is gone: what is kept already is asked for no more.
    again = index_video(str(path), settings.model_copy(update={"embed": "offline"}), on_event=quiet)
    assert again.usage.calls == 0
    with closing(Library.open(tmp_path / "library.db", create=False)) as library:
        assert library.parts(digest, "memory")
        assert kept_vectors(library, digest, LooksEmbedder().fingerprint)
