"""A library on disk, and the records to put into it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.films import video_info

from mrvideo.library import Library
from mrvideo.records import (
    Answer,
    Cue,
    Entity,
    Failure,
    Index,
    Mention,
    Scene,
    Shot,
    Sighting,
    Usage,
    VideoInfo,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kept" / "library.db"


@pytest.fixture
def library(path: Path) -> Iterator[Library]:
    with Library.open(path) as library:
        yield library


@pytest.fixture
def video() -> Callable[..., VideoInfo]:
    def make(name: str = "talk.mp4", *, content: str = "talk", seconds: float = 60.0) -> VideoInfo:
        return video_info(
            seconds,
            digest=hashlib.sha256(content.encode()).hexdigest(),
            path=f"/videos/{name}",
            width=320,
            height=180,
            has_audio=True,
            size_bytes=1000,
        )

    return make


@pytest.fixture
def index(video: Callable[..., VideoInfo]) -> Callable[..., Index]:
    """An index with every kind of record in it."""

    def make(key: str = "k1", *, of: VideoInfo | None = None, detailed: str = "A red car stops.") -> Index:
        return Index(
            key=key,
            video=of or video(),
            settings={"recipe": "fused", "clip_seconds": 10.0},
            scenes=(
                Scene(
                    index=0,
                    start_seconds=0.0,
                    stop_seconds=6.5,
                    brief="<person_1> waits at a crossing.",
                    detailed=detailed,
                    entity_names=("person_1",),
                    sightings=(Sighting(text="GATE B12", start_seconds=2.0, stop_seconds=6.5),),
                ),
                Scene(
                    index=1,
                    start_seconds=6.5,
                    stop_seconds=60.0,
                    brief="The café is full.",
                    detailed="Two waiters are running between tables. A clock shows noon.",
                    sightings=(Sighting(text="GATE B12", start_seconds=6.5, stop_seconds=8.0),),
                ),
            ),
            entities=(
                Entity(
                    name="person_1",
                    kind="person",
                    description="a woman in a red coat",
                    exemplar_seconds=3.0,
                    mention_ids=("0/person_a",),
                    scene_indexes=(0,),
                ),
            ),
            mentions=(
                Mention(
                    start_seconds=0.0,
                    stop_seconds=6.5,
                    shard_index=0,
                    name="person_a",
                    kind="person",
                    description="a woman in a red coat",
                    exemplar_seconds=3.0,
                ),
            ),
            cues=(Cue(start_seconds=4.0, stop_seconds=5.5, text="Where is the train?", speaker="Sarah"),),
            shots=(Shot(start_seconds=0.0, stop_seconds=6.5, transition="start"),),
            failures=(Failure(start_seconds=50.0, stop_seconds=60.0, stage="scenes", reason="timed out"),),
            usage=Usage(calls=7, input_tokens=100, cost=None),
            created_at="2025-01-01T00:00:00+00:00",
        )

    return make


@pytest.fixture
def answer(video: Callable[..., VideoInfo]) -> Callable[..., Answer]:
    def make(question: str = "Who waits?", *, of: VideoInfo | None = None) -> Answer:
        info = of or video()
        return Answer(
            question=question,
            answer="a woman",
            confidence=4,
            verified=True,
            video=info.path,
            video_digest=info.digest,
            settings={"effort": "high", "prompts": "abc"},
        )

    return make
