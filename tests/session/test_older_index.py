"""What an earlier version kept is opened and asked; nothing is captioned again unasked."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from mrvideo.captioning.options import (
    _CHOICES,  # pyright: ignore[reportPrivateUsage]
    made_alike,
)
from mrvideo.errors import InputError, MrVideoError
from mrvideo.records import Answer, Event, Index, Notice
from mrvideo.session.asking import start_asking
from mrvideo.session.indexing import index_video
from mrvideo.session.loading import load_index
from mrvideo.settings import Settings

# Written by 0.1.0: `mrvideo index harbour.mp4`, and one question.
RELEASED = Path(__file__).parent / "released" / "harbour-0.1.0.db.gz"
QUESTION = "What is written on the ferry's sign?"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a library that 0.1.0 wrote."""
    path = tmp_path / "library.db"
    path.write_bytes(gzip.decompress(RELEASED.read_bytes()))
    return Settings(library=path)


@pytest.fixture
def film(tmp_path: Path, repository: Path) -> str:
    for name in ("harbour.mp4", "harbour.srt"):
        shutil.copy(repository / "demo" / name, tmp_path / name)
    return str(tmp_path / "harbour.mp4")


def indexed(film: str, settings: Settings) -> tuple[Index, list[str], list[Event]]:
    events: list[Event] = []
    index = index_video(film, settings, on_event=events.append)
    return index, [event.text for event in events if isinstance(event, Notice)], events


def changed(settings: Settings, **fields: Any) -> None:
    """The kept index as if it had been made with these settings."""
    connection = sqlite3.connect(settings.library)
    (body,) = connection.execute("SELECT body FROM indexes").fetchone()
    kept = json.loads(body)
    kept["settings"] |= fields
    connection.execute("UPDATE indexes SET key = 'older', body = ?", (json.dumps(kept),))
    connection.commit()
    connection.close()


def test_an_index_of_010_is_used_as_it_is(settings: Settings, film: str) -> None:
    """Dangerous: an upgrade that captions a library again costs its owner what the library cost."""
    index, _, events = indexed(film, settings)
    assert len(index.scenes) == 16
    assert index.usage.calls == 0
    assert not [event for event in events if not isinstance(event, Notice)]


def test_an_index_made_with_earlier_prompts_is_used_and_a_new_one_is_priced(
    settings: Settings, film: str
) -> None:
    changed(settings, prompts={"characters": "earlier"}, format=0, vision="offline/1")
    index, notices, _ = indexed(film, settings)
    assert (len(index.scenes), index.usage.calls) == (16, 0)
    (notice,) = [text for text in notices if "earlier version" in text]
    assert f"mrvideo index {film} --no-cache makes a new one" in notice
    assert "calls with" in notice and "$0.00" in notice


def test_an_index_made_by_other_choices_does_not_stand_in(
    settings: Settings, film: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def anew(*_: object, **__: object) -> Index:
        raise AssertionError("captioned anew")

    monkeypatch.setattr("mrvideo.session.indexing.build_index", anew)
    changed(settings, clip_seconds=12.0)
    with pytest.raises(AssertionError, match="captioned anew"):
        indexed(film, settings)
    changed(settings, clip_seconds=10.0, vision="offline/1")
    assert indexed(film, settings)[0].usage.calls == 0
    with pytest.raises(MrVideoError):
        # A model that is not there: whoever gets so far was about to caption anew.
        indexed(film, settings.updated(vision="hf:./nothing"))


@pytest.mark.parametrize("choice", _CHOICES)
def test_each_choice_of_the_user_tells_indexes_apart(choice: str) -> None:
    older = dict.fromkeys(_CHOICES, "a") | {"vision": "offline/1"}
    assert made_alike(older, older | {"vision": "offline/2"})
    assert not made_alike(older, older | {choice: "b"})
    assert made_alike({name: value for name, value in older.items() if name != choice}, older | {choice: "b"})


def test_a_library_of_010_is_asked(settings: Settings) -> None:
    with pytest.raises(InputError):
        load_index("6a1e5ae", settings)  # Seven digits could soon mean another video.
    index = load_index("6a1e5aed", settings)
    answer: Answer = start_asking(index, QUESTION, None, settings, on_event=lambda event: None).result()
    assert answer.answer == "FERRY 09:40"


@pytest.mark.parametrize(
    ("older", "wanted", "alike"),
    [
        ("offline/6", "offline/9", True),
        ("offline/6", '{"name": "openai:a"}\nab', False),
        ('{"name": "openai:a"}\nab', '{"name": "openai:a"}\ncd', True),
        ('{"name": "openai:a"}\nab', '{"max_images": 4, "name": "openai:a"}\nab', True),
        (
            '{"base_url": "http://x", "name": "openai:a"}',
            '{"base_url": "http://y", "name": "openai:a"}',
            False,
        ),
    ],
)
def test_the_same_model_is_the_same_whatever_version_asked_it(older: str, wanted: str, alike: bool) -> None:
    assert made_alike({"vision": older, "recipe": "fused"}, {"vision": wanted, "recipe": "fused"}) is alike
