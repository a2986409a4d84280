"""One contract for every vector index; what signs estimate is measured against what is exact."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np
import pytest

from mrvideo.records import Span
from mrvideo.retrieval.embedders.port import Vectors, unit
from mrvideo.retrieval.vectors import signs
from mrvideo.retrieval.vectors.exact import ExactVectors
from mrvideo.retrieval.vectors.port import EVERYTHING, Filters, FrameKey, Frames, VectorIndex, best
from mrvideo.retrieval.vectors.recall import exact, measured, queries_of
from mrvideo.retrieval.vectors.registry import EXACT_UP_TO, open_vectors
from mrvideo.retrieval.vectors.signs import SignVectors

Rows: TypeAlias = dict[FrameKey, Vectors]
Open: TypeAlias = Callable[[Rows], VectorIndex]
SIZE = 100
"""No multiple of a word: what fills the last one up must count for nothing."""


def cone(count: int, *, seed: int = 0, clusters: int = 20) -> Vectors:
    """As encoders place pictures: clusters round one direction that all share."""
    chance = np.random.default_rng(seed)
    common, places = chance.normal(size=SIZE), chance.normal(size=(clusters, SIZE))
    drawn = 2 * common + 0.7 * places[np.arange(count) % clusters] + 0.5 * chance.normal(size=(count, SIZE))
    return unit(drawn.astype(np.float32))


def kept(count: int, *, videos: str = "ab") -> Rows:
    """Frames of some videos in turn, a second apart."""
    keys = [FrameKey(videos[n % len(videos)], float(n // len(videos))) for n in range(count)]
    return dict(zip(keys, cone(count), strict=True))


def frames_of(rows: Rows) -> Frames:
    videos = sorted({key.video for key in rows}, reverse=True)
    return Frames([(video, [key.time_seconds for key in rows if key.video == video]) for video in videos])


def read(rows: Rows) -> Callable[[Sequence[FrameKey]], Vectors]:
    return lambda keys: np.array([rows[key] for key in keys], np.float32).reshape(len(keys), SIZE)


@pytest.fixture(params=["exact", "signs", "signs, numpy 1"])
def opened(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens an index of each kind. Signs leave most of the frames after each step, as of a million."""
    if request.param == "exact":
        return lambda rows: ExactVectors(frames_of(rows), read(rows), SIZE)
    monkeypatch.setattr(signs, "ESTIMATED", 120)
    monkeypatch.setattr(signs, "RERANKED", 60)
    monkeypatch.setattr(signs, "_SCANNED", 64)
    if request.param == "signs, numpy 1":
        monkeypatch.setattr(signs, "ones_of", signs._ones_by_table)
    return lambda rows: SignVectors(frames_of(rows), read(rows), SIZE)


def test_a_frame_is_nearest_to_itself_and_scores_are_cosines_that_fall(opened: Open) -> None:
    rows = kept(600)
    index = opened(rows)
    assert len(index) == 600 and index.dimensions == SIZE
    for key in list(rows)[::97]:
        found = index.similar(rows[key], EVERYTHING, 10)
        assert found[0].frame == key and found[0].score == pytest.approx(1, abs=1e-5)
        assert [near.score for near in found] == sorted((near.score for near in found), reverse=True)
        assert all(near.score == pytest.approx(rows[near.frame] @ rows[key], abs=1e-5) for near in found)
        assert len({near.frame for near in found}) == 10


def test_filters_leave_out_videos_and_times(opened: Open) -> None:
    rows = kept(600, videos="abc")
    index, query = opened(rows), cone(1, seed=5)[0]

    def keys(filters: Filters, k: int = 700) -> set[FrameKey]:
        return {near.frame for near in index.similar(query, filters, k)}

    assert keys(EVERYTHING) == set(rows)
    assert keys(Filters(frozenset("b"))) == {key for key in rows if key.video == "b"}
    # As spans are: the start belongs to it, the stop does not.
    within = {key for key in rows if key.video in "ac" and 10 <= key.time_seconds < 20}
    assert keys(Filters(frozenset("ac"), Span(10, 20))) == within and len(within) == 20
    assert keys(Filters(frozenset("z"))) == keys(Filters(within=Span(900, 901))) == set()
    assert len(keys(Filters(frozenset("b")), 3)) == 3
    # The best of what is left, not what is left of the best.
    left = [key for key in rows if key.video == "b"]
    nearest = max(left, key=lambda key: float(rows[key] @ query))
    assert keys(Filters(frozenset("b")), 1) == {nearest}


def test_equal_frames_come_by_video_and_time_whatever_was_given_first(opened: Open) -> None:
    same = cone(1)[0]
    rows = {FrameKey(video, time): same for video in "ba" for time in (4.0, 2.5, 3.0)}
    found = opened(rows).similar(same, EVERYTHING, 4)
    assert [near.frame for near in found] == [("a", 2.5), ("a", 3.0), ("a", 4.0), ("b", 2.5)]


def test_vectors_come_back_as_they_were_kept(opened: Open) -> None:
    rows = kept(40)
    index = opened(rows)
    wanted = list(rows)[30:10:-3]
    strangers = [FrameKey("a", 0.5), FrameKey("a", 1e6), FrameKey("z", 0.0)]
    told = index.vectors([*strangers, *wanted])
    assert list(told) == wanted
    assert all(np.array_equal(told[key], rows[key]) for key in wanted)
    sample = index.sample(7)
    assert len(set(sample)) == 7 and set(sample) <= rows.keys() and index.sample(7) == sample
    assert set(index.sample(100)) == rows.keys()


def test_an_index_of_nothing_finds_nothing_and_a_vector_of_another_size_is_refused(opened: Open) -> None:
    empty = opened({})
    assert len(empty) == 0 and empty.similar(cone(1), EVERYTHING, 5) == () and empty.sample(3) == ()
    assert opened(kept(9)).similar(cone(1), EVERYTHING, 0) == ()
    with pytest.raises(ValueError, match="a vector of 101 numbers; these frames have 100"):
        opened(kept(9)).similar(np.zeros(SIZE + 1, np.float32), EVERYTHING, 5)


def test_nearly_all_that_is_nearest_is_found(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Signs that are not centred find 0.75 here: on a narrow cone most of them are those of its axis."""
    monkeypatch.setattr(signs, "ESTIMATED", 400)
    monkeypatch.setattr(signs, "RERANKED", 150)
    rows = kept(4000)
    index = opened(rows)
    told = measured(index, frames_of(rows), read(rows), queries_of(index))
    assert (told.frames, told.queries_asked) == (4000, 20)
    assert told.recall >= 0.95 and told.least <= told.recall
    assert told.p95_milliseconds > 0 and told.exact_p95_milliseconds > 0


def test_recall_counts_what_is_missed() -> None:
    rows = kept(200)
    half = {key: row for key, row in rows.items() if key.video == "a"}
    index = ExactVectors(frames_of(half), read(half), SIZE)
    told = measured(index, frames_of(rows), read(rows), cone(20, seed=9))
    assert 0.3 < told.recall < 0.7


def test_what_is_exact_is_read_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = kept(300)
    queries = cone(3, seed=4)
    index = ExactVectors(frames_of(rows), read(rows), SIZE)
    monkeypatch.setattr("mrvideo.retrieval.vectors.recall._BLOCK", 64)
    found, _ = exact(frames_of(rows), read(rows), queries, 20)
    whole = [index.similar(query, EVERYTHING, 20) for query in queries]
    assert [[near.frame for near in own] for own in found] == [[n.frame for n in own] for own in whole]


def test_signs_take_a_bit_a_dimension_and_two_lengths() -> None:
    rows = kept(2000)
    index = SignVectors(frames_of(rows), read(rows), SIZE)
    assert index.kept_bytes == 2000 * (2 * 8 + 4 + 4)


def test_few_frames_are_compared_one_by_one_and_many_by_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert EXACT_UP_TO == 100_000
    monkeypatch.setattr("mrvideo.retrieval.vectors.registry.EXACT_UP_TO", 30)
    few, many = kept(30), kept(31)
    assert isinstance(open_vectors(frames_of(few), read(few), SIZE), ExactVectors)
    assert isinstance(open_vectors(frames_of(many), read(many), SIZE), SignVectors)


def test_the_best_are_chosen_with_the_first_of_equal_ones() -> None:
    scores = np.array([1, 3, 2, 3, 2, 2], np.float32)
    assert [best(scores, k).tolist() for k in (0, 1, 3, 4, 9)] == [
        [], [1], [1, 3, 2], [1, 3, 2, 4], [1, 3, 2, 4, 5, 0],
    ]  # fmt: skip


def test_bits_are_counted_alike_by_both_numpys() -> None:
    words = np.random.default_rng(0).integers(0, 2**63, 50, np.uint64)
    assert [bin(int(word)).count("1") for word in words] == signs._ones_by_table(words).tolist()
    assert signs.ones_of(words).tolist() == signs._ones_by_table(words).tolist()
