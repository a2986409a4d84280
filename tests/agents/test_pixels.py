"""Frames are spread fairly, kept inside what was planned, and their loss is told."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mrvideo.agents.ask.crops import with_crops
from mrvideo.agents.ask.pixels import bins_for, dense_bins, fetch
from mrvideo.agents.ask.rest import rest_bins
from mrvideo.agents.ask.state import Context
from mrvideo.media.images import frame_of
from mrvideo.models.base import Picture
from mrvideo.records import Box, Entity, Frame, Mention, Span


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


def test_of_the_rest_that_nothing_speaks_for_what_was_not_shown_comes_first() -> None:
    """A check looked again at shots that a look had shown, while there were others."""
    rest = [Span(10.0 * n, 10.0 * n + 10) for n in range(9)]
    shown = rest_bins(rest, [], 4, 0.25, sent=[n * 10 + 5.0 for n in (0, 1, 2, 4, 6, 8)])
    assert {30.0, 50.0, 70.0} < {bin_.of.start_seconds for bin_ in shown} and len(shown) == 4


class Source:
    """Frames at the source's size, black."""

    def __init__(self, width: int, height: int) -> None:
        self.size = (width, height)

    def at(self, times_seconds: Sequence[float]) -> list[Frame]:
        return [frame_of(Image.new("RGB", self.size), time) for time in times_seconds]


def sent_of(width: int, height: int, time: float = 3.0) -> Frame:
    """A frame as a model is sent it."""
    scale = min(1.0, 512 / max(width, height))
    return Frame(time, b"", round(width * scale), round(height * scale))


async def crops_of(context: Context, width: int, height: int, *, most: int = 12) -> list[Picture]:
    context = replace(context, closeups=Source(width, height))
    frame = sent_of(width, height)
    shown = await with_crops(context, [frame], [Picture.of(frame)], most)
    assert shown[0] == Picture.of(frame)
    return list(shown[1:])


@pytest.mark.parametrize(
    ("width", "height"), [(1280, 720), (1920, 1080), (1080, 1920), (854, 480), (768, 768)]
)
@pytest.mark.parametrize("most", [2, 3, 6])
async def test_crops_split_nothing_of_a_tenth_of_the_width_and_show_it_larger(
    film: SimpleNamespace, width: int, height: int, most: int
) -> None:
    """A blind grid cut a sign in halves; of few crops, those of a column were missing."""
    crops = await crops_of(film.context(film.index(["x"])), width, height, most=most)
    if not crops:
        assert most < 6, "not every shape of few parts shows things larger"
        return
    assert len(crops) <= most
    small = sent_of(width, height).width
    boxes: list[Box] = []
    for crop in crops:
        assert crop.crop is not None
        boxes.append(crop.crop)
        image = Image.open(io.BytesIO(crop.jpeg))
        assert max(image.size) <= 512
        assert image.width / crop.crop.width >= 1.5 * small * 0.99
    share = (0.1, 0.1 * width / height)
    for left, top in product(np.linspace(0, 1 - share[0], 40), np.linspace(0, 1 - share[1], 40)):
        thing = Box(left + 1e-3, top + 1e-3, left + share[0] - 1e-3, top + share[1] - 1e-3)
        assert any(box.contains(thing) for box in boxes), thing


async def test_a_source_that_is_hardly_larger_is_not_cropped(film: SimpleNamespace) -> None:
    """Two to six pictures were paid for that showed everything a third larger."""
    context = film.context(film.index(["x"]))
    assert await crops_of(context, 700, 394) == []
    assert len(await crops_of(context, 1024, 576)) >= 4


async def test_whom_the_question_names_is_cut_out_where_a_box_finds_them(film: SimpleNamespace) -> None:
    """What somebody holds was halved by a grid, and every part of the empty room was sent."""
    box = Box(0.4, 0.2, 0.5, 0.6)
    mention = Mention(
        start_seconds=0.0, stop_seconds=8.0, shard_index=0, name="person_a", kind="person", description="man",
        exemplar_seconds=3.0, box=box,
    )  # fmt: skip
    entity = Entity(
        name="person_1", kind="person", description="man", display_name="Roy", exemplar_seconds=3.0, box=box,
        mention_ids=("0/person_a",),
    )  # fmt: skip
    index = film.index(["x"] * 10).model_copy(update={"mentions": (mention,), "entities": (entity,)})
    for question in ("What does <person_1> hold?", "What does roy hold?"):
        context = replace(film.context(index), question=question)
        assert [b.time_seconds for b in bins_for(context, "text", [Span(0, 10)], 4)] == [3.0]
        (crop,) = await crops_of(context, 1280, 720)
        assert crop.crop is not None and crop.crop.contains(box)
        assert crop.crop.width < 0.2 and "<person_1>" in crop.label
    nobody = replace(film.context(index), question="What does Royal Mail hold?")
    assert bins_for(nobody, "text", [Span(0, 10)], 4)[0].time_seconds != 3.0
    assert len(await crops_of(nobody, 1280, 720)) == 6
