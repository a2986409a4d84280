"""Looks show the moments at which something happens, and of a shot a frame on which something can be seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from mrvideo.agents.ask.changes import fetch_as, fetch_sharp, fetch_telling
from mrvideo.agents.ask.pixels import Bin, dense_bins, even_bins
from mrvideo.agents.ask.state import Context
from mrvideo.media.images import frame_of
from mrvideo.records import Frame, Span

ROOM = Image.effect_noise((320, 180), 60).convert("RGB")


def room(light: int = 0, hand: int | None = None) -> Image.Image:
    """A room, lighter or darker; a hand so far from the left."""
    pixels = np.clip(np.asarray(ROOM, dtype=np.int16) + light, 0, 255).astype(np.uint8)
    picture = Image.fromarray(pixels)
    if hand is not None:
        ImageDraw.Draw(picture).ellipse((hand, 60, hand + 40, 110), fill=(230, 180, 150))
    return picture


def context_of(
    film: SimpleNamespace, picture: Callable[[float], Image.Image], *, lost: Span | None = None
) -> Context:
    class Frames:
        def at(self, times_seconds: list[float]) -> list[Frame]:
            served = [t for t in times_seconds if lost is None or not lost.contains(t)]
            return [frame_of(picture(t), t) for t in served]

    return replace(film.context(film.index(["x"] * 10)), frames=Frames())


def waves(time: float) -> Image.Image:
    """Nothing but a hand that passes within four tenths of a second."""
    return room(hand=round((time - 6.0) * 600)) if 6.0 <= time < 6.4 else room()


async def test_a_short_act_in_a_long_still_span_is_shown_several_times(film: SimpleNamespace) -> None:
    bins = dense_bins([Span(0, 10)], 6)
    assert sum(6.0 <= b.time_seconds < 6.4 for b in bins) == 0, "even steps pass over it"
    fetched = await fetch_telling(context_of(film, waves), bins, phase=0.5)
    times = [frame.time_seconds for frame in fetched.frames]
    assert len(times) >= 5
    assert sum(6.0 <= t < 6.4 for t in times) >= 1
    assert sum(5.5 <= t < 6.9 for t in times) >= 3, "before, during, after"
    assert times[0] < 1.0
    assert times[-1] > 9.0


@pytest.mark.parametrize(
    "picture", [lambda t: room(), lambda t: room(light=round(t * 5))], ids=["still", "light"]
)
async def test_where_nothing_moves_two_frames_are_enough(
    film: SimpleNamespace, picture: Callable[[float], Image.Image]
) -> None:
    """Six frames of empty tarmac; seven of a bare table."""
    fetched = await fetch_telling(context_of(film, picture), dense_bins([Span(0, 12)], 7), phase=0.5)
    first, last = (frame.time_seconds for frame in fetched.frames)
    assert first < 1.0
    assert last > 11.0


async def test_frames_that_show_the_same_are_sent_once_at_any_density(film: SimpleNamespace) -> None:
    spans = [Span(0, 1.5), Span(1.5, 3)]
    bins = [b for span in spans for b in even_bins(span, span, 4, 0.5)]
    for look in ("dense", "ends", "glance"):
        fetched = await fetch_as(context_of(film, lambda t: room()), look, bins, phase=0.5)
        assert len(fetched.frames) == 2, "one of each span"
        assert [span for span, _ in fetched.shown] == spans
    assert len((await fetch_as(context_of(film, waves), "text", bins, phase=0.5)).frames) == 8


async def test_the_end_of_a_motion_is_not_passed_over(film: SimpleNamespace) -> None:
    """A car was shown six times a second while it filled the picture, and not once as its rear left it."""

    def leaves(time: float) -> Image.Image:
        picture = room()
        edge = 180 - max(round((4.0 - time) * 60), 0) if time > 1.0 else 0
        if edge < 180:
            ImageDraw.Draw(picture).rectangle((60, edge, 260, 180), fill=(240, 240, round(time * 60) % 255))
        return picture

    fetched = await fetch_telling(context_of(film, leaves), dense_bins([Span(0, 10)], 12), phase=0.5)
    times = [frame.time_seconds for frame in fetched.frames]
    assert any(3.4 < t < 4.0 for t in times), "the rear"
    assert any(4.0 < t < 4.8 for t in times), "gone"


async def test_of_two_spans_the_busy_one_gets_more_and_the_still_one_is_not_left_out(
    film: SimpleNamespace,
) -> None:
    spans = [Span(0, 5), Span(5, 10)]
    fetched = await fetch_telling(context_of(film, waves), dense_bins(spans, 8), phase=0.5)
    shown = {span: len(times) for span, times in fetched.shown}
    assert 5 <= sum(shown.values()) <= 8
    assert shown[spans[0]] >= 1
    assert shown[spans[1]] > shown[spans[0]]


async def test_another_look_of_a_span_shows_other_frames(film: SimpleNamespace) -> None:
    context = context_of(film, waves)
    first = await fetch_telling(context, dense_bins([Span(0, 10)], 6), phase=0.5)
    context.sent.settle()
    second = await fetch_telling(context, dense_bins([Span(0, 10)], 6), phase=0.5)
    assert len(second.frames) >= 2
    assert not {f.time_seconds for f in first.frames} & {f.time_seconds for f in second.frames}


async def test_a_replay_takes_the_frames_that_were_recorded(film: SimpleNamespace) -> None:
    """Another decoder chooses others by a hair, and each such request was missing from the recording."""
    bins = dense_bins([Span(0, 10)], 6)
    own = [f.time_seconds for f in (await fetch_telling(context_of(film, waves), bins, phase=0.5)).frames]
    grid = [round((i + 0.5) * 10 / 24, 2) for i in range(24)]
    kept = [round(time, 2) for time in own]
    recorded = tuple(sorted([*kept[:2], *kept[3:], next(time for time in grid if time not in kept)]))
    far = tuple(time for time in grid if time not in kept)[: len(kept)]
    for picks, taken in (({recorded, far, (1.0, 2.0)}, recorded), ({far}, tuple(kept))):
        again = await fetch_telling(context_of(film, waves), bins, phase=0.5, picks=frozenset(picks))
        assert tuple(round(frame.time_seconds, 2) for frame in again.frames) == taken


async def test_a_stretch_that_is_lost_is_told_and_the_rest_is_shown(film: SimpleNamespace) -> None:
    context = context_of(film, waves, lost=Span(2.0, 4.0))
    fetched = await fetch_telling(context, dense_bins([Span(0, 10)], 6), phase=0.5)
    (unseen,) = fetched.unseen
    assert unseen.start_seconds == pytest.approx(2.0, abs=0.5)
    assert unseen.stop_seconds == pytest.approx(4.0, abs=0.5)
    assert len(fetched.frames) >= 4


def blurred_at_first(time: float) -> Image.Image:
    return ROOM.filter(ImageFilter.GaussianBlur(3)) if time % 10 < 6 else ROOM


async def test_a_blurred_frame_of_a_shot_gives_way_to_a_sharp_one(film: SimpleNamespace) -> None:
    bins = [Bin(5.0, Span(0, 10), Span(0, 10)), Bin(17.0, Span(10, 20), Span(10, 20))]
    fetched = await fetch_sharp(context_of(film, blurred_at_first), bins)
    assert [frame.time_seconds for frame in fetched.frames] == [7.0, 17.0]
    assert fetched.shown == ((Span(0, 10), (7.0,)), (Span(10, 20), (17.0,)))


async def test_a_glance_whose_middle_is_lost_shows_another_frame_and_nothing_is_unseen(
    film: SimpleNamespace,
) -> None:
    bins = [Bin(5.0, Span(0, 10), Span(0, 10)), Bin(15.0, Span(10, 20), Span(10, 20))]
    fetched = await fetch_sharp(context_of(film, lambda t: ROOM, lost=Span(4, 6)), bins)
    assert [frame.time_seconds for frame in fetched.frames] == [3.0, 15.0]
    assert fetched.unseen == ()
    gone = await fetch_sharp(context_of(film, lambda t: ROOM, lost=Span(0, 10)), bins)
    assert [frame.time_seconds for frame in gone.frames] == [15.0]
    assert [unseen.span for unseen in gone.unseen] == [Span(0, 10)]
