"""Which frames a call sees: those on screen at the sampled times, few where really nothing moves."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw

from mrvideo.captioning.frames import Shown, on_screen, room, spread, thinned
from mrvideo.models.base import Abilities
from mrvideo.records import Frame, Span


def frame(time: float, *, words: str = "") -> Frame:
    image = Image.new("RGB", (256, 144), (90, 120, 150))
    if words:
        ImageDraw.Draw(image).text((20, 120), words, fill="white")
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85)
    return Frame(time, buffer.getvalue(), 256, 144)


def test_a_picture_that_stays_is_shown_once_and_counts_from_the_spans_start() -> None:
    frames = [frame(3.0), frame(12.2), frame(12.4)]
    shown = on_screen(frames, Span(10.0, 14.0), frames_per_second=2.0)
    assert [one.frame.time_seconds for one in shown] == [3.0, 12.4]
    assert [one.time_seconds for one in shown] == [10.0, 12.4]
    assert on_screen([], Span(0, 1), frames_per_second=2.0) == ()


def test_a_still_stretch_is_sent_every_two_seconds_with_both_ends() -> None:
    shown = [Shown(frame(t / 2), t / 2) for t in range(20)]
    kept = thinned(shown, [Span(0.0, 10.0)])
    assert [one.time_seconds for one in kept] == [0.0, 2.0, 4.0, 6.0, 8.0, 9.5]
    assert thinned(shown, []) == tuple(shown)


def test_a_line_of_text_that_comes_up_for_a_second_is_never_thinned_away() -> None:
    shown = [Shown(frame(t / 2, words="GATE 12" if t in (9, 10) else ""), t / 2) for t in range(20)]
    times = [one.time_seconds for one in thinned(shown, [Span(0.0, 10.0)])]
    # The last frame without it, both with it, and the first after it.
    assert {4.0, 4.5, 5.0, 5.5} <= set(times)
    assert len(times) < 12


def test_too_many_frames_are_spread_evenly_and_keep_both_ends() -> None:
    shown = [Shown(frame(t), t) for t in range(60)]
    kept = spread(shown, 27)
    assert len(kept) == 27
    assert (kept[0].time_seconds, kept[-1].time_seconds) == (0, 59)
    assert room(Abilities(max_images=100), taken=13) == 27
