"""Frames are spread fairly, kept inside what was planned, and their loss is told."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrvideo.agents.ask.pixels import dense_bins, fetch
from mrvideo.agents.ask.state import Context
from mrvideo.agents.ask.verify import rest_bins
from mrvideo.records import Frame, Span


def with_frames(film: SimpleNamespace, frames: object) -> Context:
    return replace(film.context(film.index(["x"] * 10)), frames=frames)


@given(
    st.lists(
        st.tuples(st.integers(0, 500), st.integers(1, 300)).map(lambda p: Span(p[0], p[0] + p[1] / 4)),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, 40),
)
def test_bins_tile_their_spans_and_never_exceed_the_images(spans: list[Span], images: int) -> None:
    bins = dense_bins(spans, images)
    assert len(bins) <= max(images, 1)
    for span in {id(b.of): b.of for b in bins}.values():
        own = [b for b in bins if b.of is span]
        assert own[0].span.start_seconds == span.start_seconds
        assert own[-1].span.stop_seconds == span.stop_seconds
        for left, right in pairwise(own):
            assert left.span.stop_seconds == right.span.start_seconds
        assert len(own) <= max(1, round(span.duration_seconds * 8))
        assert len(own) <= max(16, round(span.duration_seconds * 2)), "eight a second of short acts alone"
        assert all(b.span.contains(b.time_seconds) for b in own)
    if len(spans) <= images:
        assert len({id(b.of) for b in bins}) == len(spans), "no span goes without a frame"


async def test_a_frame_that_was_on_screen_before_the_span_is_shown_under_the_spans_time(
    film: SimpleNamespace,
) -> None:
    """A slide that stands for a minute has one time stamp, before most spans that show it."""

    class Slides:
        def at(self, times_seconds: list[float]) -> list[Frame]:
            return [Frame(3.0, b"slide", 8, 8) for _ in times_seconds]

    fetched = await fetch(with_frames(film, Slides()), dense_bins([Span(10, 14)], 32))
    assert [f.time_seconds for f in fetched.frames] == [10.0]
    assert fetched.shown == ((Span(10, 14), (10.0,)),)
    assert fetched.unseen == ()


async def test_lost_frames_are_told_by_the_stretch_they_stood_for(film: SimpleNamespace) -> None:
    frames = film.frames(broken=[(2.0, 3.0), (6.0, 6.5)])
    fetched = await fetch(with_frames(film, frames), dense_bins([Span(0, 8)], 32))
    assert [u.span for u in fetched.unseen] == [Span(2, 3), Span(6, 6.5)]
    assert len(fetched.frames) == 13


async def test_a_file_that_is_gone_is_a_loss_and_not_a_crash(film: SimpleNamespace) -> None:
    fetched = await fetch(with_frames(film, film.frames(dead=True)), dense_bins([Span(0, 8)], 32))
    assert fetched.frames == ()
    assert [u.span for u in fetched.unseen] == [Span(0, 8)]
    assert "re-mux it" in fetched.unseen[0].reason


@pytest.mark.parametrize("images", [1, 2, 3])
def test_with_fewer_images_than_spans_the_ends_are_among_those_shown(images: int) -> None:
    spans = [Span(n * 10, n * 10 + 5) for n in range(7)]
    shown = {b.of.start_seconds for b in dense_bins(spans, images)}
    assert len(shown) == images
    if images > 1:
        assert {0.0, 60.0} <= shown


@given(st.integers(1, 80), st.data(), st.integers(1, 30))
def test_the_rest_is_shown_by_no_more_pictures_than_there_are_the_likeliest_of_it_first(
    count: int, data: st.DataObject, images: int
) -> None:
    rest = [Span(10.0 * n, 10.0 * n + 10) for n in range(count)]
    likely = data.draw(st.lists(st.sampled_from(rest), unique=True))
    bins = rest_bins(rest, likely, images, 0.25)
    shown = [bin_.of for bin_ in bins]
    # Three frames of one of them at most; single ones of those that nothing speaks for.
    most = [span for span in likely if span in shown] or rest
    assert len(bins) == min(images, len(set(shown) - set(most)) + 3 * len(most))
    assert all(bin_.of.contains(bin_.time_seconds) for bin_ in bins)
    assert len({bin_.time_seconds for bin_ in bins}) == len(bins)
    first = [span for span in likely if span in shown]
    ahead = likely[: len(first)]
    assert set(ahead) <= set(first) or len(shown) > len(set(shown)) or images > len(ahead)
    if len(likely) < count and images >= 3:
        assert any(span not in likely for span in shown), "captions may have missed it"
    assert all(shown.count(span) == 1 for span in shown if likely and span not in likely)
