"""Two users in one process send their sound with their own keys, also of the same film and at the same time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

import mrvideo
from mrvideo.settings import Settings

KEYS = {"ann": "sk-of-ann-0123456789abcdef", "bob": "sk-of-bob-9876543210fedcba"}
TONES = {"ann": 440, "bob": 1760}


@pytest.fixture
def films(make_video: Callable[..., Path], bursts: Callable[..., Any]) -> dict[str, Path]:
    """Each user's own, told apart by what is said in it."""
    return {
        user: make_video(f"{user}.mkv", seconds=3, sound=bursts(3, (1.0, 1.0, tone)))
        for user, tone in TONES.items()
    }


@pytest.fixture
def settings(server: Any, tmp_path: Path) -> Callable[..., Settings]:
    def of(user: str, library: str | None = None) -> Settings:
        return Settings(
            speech="openai:whisper-1",
            speech_base_url=server.url,
            api_key=SecretStr(KEYS[user]),
            library=tmp_path / (library or f"{user}.db"),
            fresh=True,
        )

    return of


def sent(server: Any) -> set[tuple[str, str]]:
    return {(words, given.removeprefix("Bearer ")) for words, given in server.keys}


@pytest.mark.slow
def test_one_after_the_other(server: Any, films: dict[str, Path], settings: Callable[..., Settings]) -> None:
    said: dict[str, str] = {}
    for user in ("ann", "bob", "ann", "bob"):
        [cue] = mrvideo.index(films[user], settings=settings(user)).cues
        said[user] = cue.text
    assert said["ann"] != said["bob"]
    assert sent(server) == {(said[user], KEYS[user]) for user in KEYS}
    assert len(server.keys) == 4


@pytest.mark.slow
async def test_both_at_the_same_time_into_one_library(
    server: Any, films: dict[str, Path], settings: Callable[..., Settings]
) -> None:
    server.gate = threading.Barrier(2)  # No call is answered before both are under way.
    videos = await asyncio.gather(
        *(mrvideo.aindex(films[user], settings=settings(user, "shared.db")) for user in KEYS)
    )
    said = {user: video.cues[0].text for user, video in zip(KEYS, videos, strict=True)}
    assert sent(server) == {(said[user], KEYS[user]) for user in KEYS}


@pytest.mark.slow
async def test_the_same_film_of_two_users_shares_no_call_under_way(
    server: Any, films: dict[str, Path], settings: Callable[..., Settings]
) -> None:
    """Equal calls that come at once are made once, but never for two people: one would pay for, and trust,
    the other.
    """
    server.gate = threading.Barrier(2)
    await asyncio.gather(*(mrvideo.aindex(films["ann"], settings=settings(user)) for user in KEYS))
    assert {key for _, key in sent(server)} == set(KEYS.values())
