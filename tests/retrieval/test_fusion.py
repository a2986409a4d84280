"""Sources meet on time: in any order, and none is missed by those that never had it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrvideo.records import MomentSource, Span
from mrvideo.retrieval.fusion import RANK_OFFSET, Ranked, fuse, shared_ranks

SOURCES: tuple[MomentSource, ...] = ("caption", "text", "speech", "picture", "meaning")


def ranked(source: MomentSource, *spans: tuple[float, float], video: str = "a") -> list[Ranked]:
    return [Ranked(source, video, Span(*span), rank) for rank, span in enumerate(spans, 1)]


@st.composite
def rankings(draw: st.DrawFn) -> list[list[Ranked]]:
    made: list[list[Ranked]] = []
    for source in SOURCES:
        spans = draw(
            st.lists(st.tuples(st.integers(0, 200), st.integers(1, 20), st.sampled_from("ab")), max_size=8)
        )
        made.append(
            [
                Ranked(source, video, Span(start, start + length), rank)
                for rank, (start, length, video) in enumerate(spans, 1)
            ]
        )
    return made


@pytest.mark.slow
@given(rankings(), st.randoms())
def test_the_order_of_sources_changes_nothing(made: list[list[Ranked]], chance: random.Random) -> None:
    shuffled = [chance.sample(one, len(one)) for one in chance.sample(made, len(made))]
    assert fuse(shuffled, most=50) == fuse(made, most=50)


@pytest.mark.slow
@given(rankings())
def test_moments_share_no_time_and_fall_in_score(made: list[list[Ranked]]) -> None:
    found = fuse(made, most=50)
    assert bool(found) == any(made)
    assert [m.score for m in found] == sorted((m.score for m in found), reverse=True)
    for place, one in enumerate(found):
        assert not any(o.video == one.video and o.span.overlaps(one.span) for o in found[:place])
        assert one.score <= len({m.source for m in one.members}) / (RANK_OFFSET + 1)


@pytest.mark.slow
@given(rankings(), st.sampled_from(SOURCES))
def test_a_source_that_is_missing_does_not_punish(made: list[list[Ranked]], missing: MomentSource) -> None:
    """Of moments that the source said nothing of, the order and the scores stay when it falls away."""
    with_all = fuse(made, most=1000)
    untouched = [m for m in with_all if all(one.source != missing for one in m.members)]
    without = fuse([[one for one in own if one.source != missing] for own in made], most=1000)
    scores = {(m.video, m.members): m.score for m in without}
    assert all(scores.get((m.video, m.members), m.score) == m.score for m in untouched)
    kept = [(m.video, m.members) for m in without]
    places = [kept.index((m.video, m.members)) for m in untouched if (m.video, m.members) in kept]
    assert places == sorted(places)


def test_where_sources_meet_leads_over_the_best_of_one() -> None:
    found = fuse(
        [ranked("caption", (0, 10), (50, 60)), ranked("speech", (100, 104), (52, 54))],
        most=9,
    )
    assert found[0].span == Span(50, 60)
    assert {one.source for one in found[0].members} == {"caption", "speech"}
    assert found[0].score == 2 / (RANK_OFFSET + 2)


def test_spans_are_cut_to_what_sources_of_pictures_share() -> None:
    found = fuse([ranked("caption", (50, 60)), ranked("picture", (57, 70))], most=1)
    assert found[0].span == Span(57, 60)
    spoken = fuse([ranked("caption", (50, 60)), ranked("speech", (58, 63))], most=1)
    assert spoken[0].span == Span(50, 60)


def test_times_of_two_videos_never_meet() -> None:
    found = fuse([ranked("caption", (0, 10)), ranked("speech", (0, 10), video="b")], most=9)
    assert [(m.video, len(m.members)) for m in found] == [("a", 1), ("b", 1)]


def test_equal_scores_share_a_rank() -> None:
    assert shared_ranks([9.0, 5.0, 5.0, 1.0]) == [1, 2, 2, 4]
    assert shared_ranks([]) == []
