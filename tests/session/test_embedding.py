"""Frames become vectors while they lie decoded for their captions; a second pass has only what is left."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from support.films import grey_film
from support.vectors import kept_vectors

from mrvideo.captioning.options import CaptioningOptions
from mrvideo.captioning.shard_view import plan, shots_in
from mrvideo.errors import ModelUnavailable
from mrvideo.library import Library
from mrvideo.media.identity import probe
from mrvideo.media.shard import ShardFrames, read_shard
from mrvideo.records import Index, Shot, Span
from mrvideo.retrieval.embedders.offline import LooksEmbedder
from mrvideo.session import embedding
from mrvideo.session.indexing import index_video
from mrvideo.settings import Settings

LENGTHS = (7, 96, 9, 15, 70, 4, 63)
"""Of the places, in seconds: some are longer than a piece and go on over the end of a shard."""


def quiet(event: object) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Places with patterns of their own, across which a light wanders: nothing stands still."""
    path = tmp_path_factory.mktemp("film") / "places.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=4)
        stream.width, stream.height, stream.pix_fmt = 96, 64, "yuv420p"
        for place, seconds in enumerate(LENGTHS):
            ground = _pattern(place)
            for number in range(4 * seconds):
                picture = ground.copy()
                column = number % 80
                picture[24:40, column : column + 16] = 255
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def _pattern(seed: int) -> NDArray[np.uint8]:
    coarse = np.random.default_rng(seed).integers(0, 200, (4, 6, 3))
    return np.kron(coarse, np.ones((16, 16, 1), int)).astype(np.uint8)


@pytest.fixture(scope="module")
def shards(film: Path) -> list[ShardFrames]:
    """As captioning reads them."""
    options = CaptioningOptions()
    return [
        read_shard(film, span, lead_seconds=0.5, reach_seconds=options.reach_seconds)
        for span in plan(sum(LENGTHS), options)
    ]


@pytest.fixture
def kept(film: Path, tmp_path: Path) -> Iterator[tuple[Index, Settings, Library]]:
    """The film's index, with the shots as they are."""
    edges = [sum(LENGTHS[:n]) for n in range(len(LENGTHS) + 1)]
    shots = tuple(Shot(start_seconds=low, stop_seconds=high) for low, high in pairwise(edges))
    index = Index(key="k", video=probe(str(film)), shots=shots)
    settings = Settings(library=tmp_path / "library.db")
    with Library.open(settings.library) as library:
        library.put_index(index)
        yield index, settings, library


def _alongside(index: Index, embedder: Any, library: Library, shards: Sequence[ShardFrames]) -> None:
    with embedding.embedding_alongside(index.video, embedder, library) as on_frames:
        assert on_frames is not None
        for shard in shards:
            on_frames(shard)


@pytest.mark.slow
def test_the_shards_hold_nearly_all_that_is_planned_and_the_second_pass_the_rest(
    kept: tuple[Index, Settings, Library], shards: list[ShardFrames], tmp_path: Path
) -> None:
    index, settings, library = kept
    embedder = LooksEmbedder()
    assert len(shards) > 2
    found = [shot.start_seconds for shard in shards for shot in shots_in(shard.shots, shard.span)]
    assert {shot.start_seconds for shot in index.shots} <= set(found), "the shots are told apart"
    planned = {time for _, times in embedding.planned_frames(index) for time in times}
    _alongside(index, embedder, library, shards)
    there = kept_vectors(library, index.video.digest, embedder.fingerprint)
    left = planned - there.keys()
    # Three of a shot that begins shortly before the end of a shard: it may be a short or a long one.
    assert len(left) <= 3 * (len(shards) - 1) < len(planned) / 3
    assert len(there.keys() - planned) <= 3
    embedding.embed_index(index, settings, embedder, quiet)
    once = kept_vectors(library, index.video.digest, embedder.fingerprint)
    assert planned <= once.keys()
    with Library.open(tmp_path / "other.db") as other:
        other.put_index(index)
    apart = settings.model_copy(update={"library": tmp_path / "other.db"})
    embedding.embed_index(index, apart, embedder, quiet)
    with Library.open(apart.library) as other:
        twice = kept_vectors(other, index.video.digest, embedder.fingerprint)
    likeness = [_vector(once[time]) @ _vector(twice[time]) for time in planned]
    assert min(likeness) > 0.99, "the same frames"


def _vector(blob: bytes) -> NDArray[np.float32]:
    return np.frombuffer(blob, "<f4")


@pytest.mark.slow
def test_what_is_kept_is_not_embedded_again(
    kept: tuple[Index, Settings, Library], shards: list[ShardFrames], monkeypatch: pytest.MonkeyPatch
) -> None:
    index, settings, library = kept
    embedder = LooksEmbedder()
    embedding.embed_index(index, settings, embedder, quiet)
    before = kept_vectors(library, index.video.digest, embedder.fingerprint)
    counts: list[int] = []
    whole = embedder.embed_images
    monkeypatch.setattr(embedder, "embed_images", lambda jpegs: counts.append(len(jpegs)) or whole(jpegs))
    _alongside(index, embedder, library, shards)
    after = kept_vectors(library, index.video.digest, embedder.fingerprint)
    assert {time: after[time] for time in before} == before
    assert sum(counts) == len(after) - len(before) <= 3


def test_a_long_shot_is_cut_alike_by_all_who_see_a_part_of_it() -> None:
    spans = embedding._spans(Span(13.0, 124.0))
    assert [span.start_seconds for span in spans] == [13.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    assert spans[-1].stop_seconds == 124.0, "no span of less than five seconds"
    assert embedding._spans(Span(38.0, 57.0)) == [Span(38.0, 57.0)]
    whole = {span for span in spans if span.stop_seconds <= 80}
    assert whole <= {*embedding._spans(Span(13.0, 95.0))}


@pytest.mark.slow
def test_an_embedder_that_fails_stops_no_caption_and_is_told_of_by_the_second_pass(
    kept: tuple[Index, Settings, Library], shards: list[ShardFrames], monkeypatch: pytest.MonkeyPatch
) -> None:
    index, settings, library = kept
    embedder = LooksEmbedder()

    def fail(jpegs: Sequence[bytes]) -> Any:
        raise ModelUnavailable("no memory left for the embedder")

    monkeypatch.setattr(embedder, "embed_images", fail)
    _alongside(index, embedder, library, shards)
    with pytest.raises(ModelUnavailable, match="no memory"):
        embedding.embed_index(index, settings, embedder, quiet)


def test_a_fault_of_ours_is_not_passed_over(
    kept: tuple[Index, Settings, Library], shards: list[ShardFrames], monkeypatch: pytest.MonkeyPatch
) -> None:
    index, _, library = kept
    embedder = LooksEmbedder()
    monkeypatch.setattr(embedder, "embed_images", lambda jpegs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        _alongside(index, embedder, library, shards)


def test_a_stop_of_the_captions_stops_the_vectors_too(
    kept: tuple[Index, Settings, Library], shards: list[ShardFrames]
) -> None:
    index, _, library = kept
    with (
        pytest.raises(KeyboardInterrupt),
        embedding.embedding_alongside(index.video, LooksEmbedder(), library) as on_frames,
    ):
        assert on_frames is not None
        on_frames(shards[0])
        raise KeyboardInterrupt


@pytest.mark.slow
def test_indexing_decodes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*told: object, **more: object) -> Any:
        raise AssertionError("decoded once more")

    monkeypatch.setattr(embedding, "cropped_source", fail)
    path = grey_film(tmp_path / "film.mp4", seconds=20)
    settings = Settings(library=tmp_path / "library.db", embed="offline")
    index = index_video(str(path), settings, on_event=quiet)
    with Library.open(settings.library) as library:
        there = kept_vectors(library, index.video.digest, LooksEmbedder().fingerprint)
    assert {time for _, times in embedding.planned_frames(index) for time in times} <= there.keys()
