"""Which frames a call sees: those on screen at the sampled times, few where really nothing moves."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw
from support.films import video_info

from mrvideo.captioning.frames import Shown, on_screen, room, sheets_beside, shows_before, spread, thinned
from mrvideo.captioning.index import CaptioningOptions
from mrvideo.captioning.shard_records import ShardSpec
from mrvideo.captioning.shard_view import view_shard
from mrvideo.media.images import frame_of
from mrvideo.media.options import ReadOptions
from mrvideo.media.shard import ShardFrames
from mrvideo.models.base import Capabilities
from mrvideo.records import Frame, Shot, Span


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


def test_a_still_stretch_is_sent_every_four_seconds_with_both_ends() -> None:
    shown = [Shown(frame(t / 2), t / 2) for t in range(20)]
    kept = thinned(shown)
    assert [one.time_seconds for one in kept] == [0.0, 3.0, 6.5, 9.5]


def test_what_stirs_between_two_samples_keeps_both() -> None:
    """Dangerous: "next to nothing changed in between" was said of a bottle that was lifted and set back."""
    shown = [Shown(frame(t / 2), t / 2) for t in range(20)]
    kept = [one.time_seconds for one in thinned(shown, [Span(4.5, 5.0)])]
    assert {4.5, 5.0} <= set(kept) and len(kept) == 6


def test_a_line_of_text_that_comes_up_for_a_second_is_never_thinned_away() -> None:
    shown = [Shown(frame(t / 2, words="GATE 12" if t in (9, 10) else ""), t / 2) for t in range(20)]
    times = [one.time_seconds for one in thinned(shown)]
    # The last frame without it, both with it, and the first after it.
    assert {4.0, 4.5, 5.0, 5.5} <= set(times)
    assert len(times) < 12


def _scene(seed: int, *, text: bool = False, left: int = 0) -> Frame:
    """A part of a wide picture with large and small structure, from so many pixels on; a small text on it."""
    chance = np.random.default_rng(seed)
    wide = (
        np.kron(chance.random((9, 48)), np.ones((16, 16))) * 150
        + np.kron(chance.random((36, 192)), np.ones((4, 4))) * 60
    )
    pixels = (wide[:, left : left + 256] + 20).clip(0, 255)
    if text:
        pixels[120:128, 40:56] = 250
    return frame_of(Image.fromarray(pixels.astype(np.uint8)), 0.0)


def test_a_small_text_ends_a_still_stretch() -> None:
    """Dangerous: a caption that is shown fewer frames of what is 'still' would miss it."""
    shown = [Shown(_scene(7, text=4.0 <= t / 2 < 6.0), t / 2) for t in range(20)]
    times = [one.time_seconds for one in thinned(shown)]
    assert {3.5, 4.0, 5.5, 6.0} <= set(times)
    assert len(times) <= 10


def test_what_drifts_slowly_is_not_still() -> None:
    shown = [Shown(_scene(8, left=6 * t), t / 2) for t in range(20)]
    assert thinned(shown) == tuple(shown)


def _before_a_wall(seconds: float, *, hand: bool, noise: float = 6.0) -> Frame:
    """A patterned wall under a sensor's noise; at one place something of 8 × 8 pixels nods up and down."""
    dice = np.random.default_rng(7)
    wall = np.kron(dice.integers(40, 160, (9, 16)), np.ones((16, 16)))
    wall = wall + np.random.default_rng(round(seconds * 10)).normal(0, noise, wall.shape)
    if hand:
        top = 64 + (4 if round(seconds * 2) % 2 else 0)
        wall[top : top + 8, 100:108] = 250
    pixels = np.clip(wall, 0, 255).astype(np.uint8)
    return frame_of(Image.fromarray(pixels), seconds)


def test_where_only_a_hand_moves_every_frame_is_shown() -> None:
    """Dangerous: it moved within one part of the picture, whose mean stayed, and the request said that nothing had
    changed.
    """
    shown = [Shown(_before_a_wall(t / 2, hand=True), t / 2) for t in range(20)]
    assert thinned(shown) == tuple(shown)


@pytest.mark.parametrize("noise", [0.0, 6.0, 10.0])
def test_noise_alone_is_thinned(noise: float) -> None:
    shown = [Shown(_before_a_wall(t / 2, hand=False, noise=noise), t / 2) for t in range(20)]
    assert len(thinned(shown)) == 4


def _table(seconds: float, *, bottle: bool, light: float = 0.0) -> Frame:
    """A table with a bottle on it, or without, in light that changes softly from one side to the other."""
    wall = np.full((144, 256), 120.0) + light * np.linspace(-1, 1, 256)[None, :]
    if bottle:
        wall[60:110, 120:140] = 160
    pixels = wall + np.random.default_rng(round(seconds * 10)).normal(0, 3, wall.shape)
    return frame_of(Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)), seconds)


def test_frames_stand_where_something_begins_and_ends() -> None:
    """The lift-off lay in a gap, while an empty table came six times."""
    shown = [Shown(_table(t / 2, bottle=not 4.0 <= t / 2 < 6.0), t / 2) for t in range(20)]
    kept = [one.time_seconds for one in thinned(shown)]
    assert kept == [0.0, 3.5, 4.0, 5.5, 6.0, 9.5]


def test_light_that_changes_softly_is_no_motion() -> None:
    shown = [Shown(_table(t / 2, bottle=True, light=1.5 * t), t / 2) for t in range(14)]
    assert len(thinned(shown)) == 3


def test_what_drifts_out_of_its_place_is_shown_there() -> None:
    """A shift that none of two neighbours shows adds up: each gap may hold no more than two pixels of it."""
    shown = [Shown(_scene(8, left=t), t / 2) for t in range(20)]
    kept = [one.time_seconds for one in thinned(shown)]
    lefts = [round(2 * time) for time in kept]
    assert max(b - a for a, b in itertools.pairwise(lefts)) <= 5 and len(kept) >= 5


def _standing(seconds: float, *, sway: float = 1.0, light: float = 0.0) -> Frame:
    """Somebody dark before a light wall, who sways by so many pixels and back within a few seconds."""
    wall = np.full((144, 256), 170.0)
    left = 100 + sway * np.sin(seconds * 1.3)
    columns = np.arange(256)
    body = np.clip(columns - left, 0, 1) * np.clip(left + 50 - columns, 0, 1)
    wall[40:] -= 140 * body
    return frame_of(Image.fromarray(np.clip(wall + light, 0, 255).astype(np.uint8)), seconds)


def test_of_somebody_who_stands_and_sways_few_frames_are_shown() -> None:
    """All twenty frames of a clip showed a man from behind who only breathed."""
    shown = [Shown(_standing(t / 2, light=t), t / 2) for t in range(20)]
    kept = thinned(shown)
    assert len(kept) <= 5
    assert kept[0] == shown[0] and kept[-1] == shown[-1]
    gaps = [b.time_seconds - a.time_seconds for a, b in itertools.pairwise(kept)]
    assert max(gaps) <= 4.0


def test_who_walks_by_is_shown_in_every_frame() -> None:
    shown = [Shown(_standing(t / 2, sway=0, light=0), t / 2) for t in range(4)]
    shown += [Shown(_walking(t / 2), t / 2) for t in range(4, 12)]
    assert thinned(shown)[-8:] == tuple(shown[-8:])


def _walking(seconds: float) -> Frame:
    wall = np.full((144, 256), 170.0)
    left = round(50 * (seconds - 1.5))
    wall[40:, left : left + 30] = 30
    return frame_of(Image.fromarray(wall.astype(np.uint8)), seconds)


def test_too_many_frames_are_spread_evenly_and_keep_both_ends() -> None:
    shown = [Shown(frame(t), t) for t in range(60)]
    kept = spread(shown, 27)
    assert len(kept) == 27
    assert (kept[0].time_seconds, kept[-1].time_seconds) == (0, 59)
    assert room(Capabilities(max_images=100), taken=13) == 27


def test_no_call_shows_more_pictures_than_a_small_server_takes() -> None:
    for most in range(1, 41):
        able = Capabilities(max_images=most)
        beside = sheets_beside(able) + shows_before(able)
        assert beside + room(able, taken=beside) <= most
        assert sheets_beside(able) == (most >= 4)


def test_every_shot_has_its_frame_and_the_number_is_half_of_what_the_rate_allows() -> None:
    # Whoever is seen there alone could else never get a name.
    span = Span(0.0, 40.0)
    cuts = [0.0, 5.0, 6.5, 13.0, 40.0]
    shots = tuple(Shot(start_seconds=a, stop_seconds=b) for a, b in itertools.pairwise(cuts))
    frames = tuple(frame_of(Image.effect_noise((64, 36), 90).convert("RGB"), t / 2) for t in range(80))
    info = video_info(40.0, width=8, height=8, frames_per_second=2.0)
    spec = ShardSpec(
        index=0, span=span, video=info, options=CaptioningOptions(), reading=ReadOptions(long_side_pixels=64)
    )
    sparse = view_shard(spec, ShardFrames(span, frames, shots, ())).sparse
    times = [one.time_seconds for one in sparse]
    assert len(times) == 5 and times == sorted(times)
    for shot in shots:
        assert any(shot.span.contains(time) for time in times)


def _room(seconds: float, *, who: int | None = None) -> Frame:
    """A room seen by one camera, empty or with somebody, who stands there as still as the room."""
    wall = np.full((144, 256, 3), 150, np.uint8)
    wall[100:, :] = 90
    if who is not None:
        wall[40:130, 20 + 50 * who : 60 + 50 * who] = (200, 40 + 60 * who, 40)
    return frame_of(Image.fromarray(wall), seconds)


def _looked_at(who_at: dict[tuple[float, float], int], stop: float = 80.0) -> list[float]:
    def there(time: float) -> int | None:
        return next((who for (a, b), who in who_at.items() if a <= time < b), None)

    span = Span(0.0, stop)
    frames = tuple(_room(t / 2, who=there(t / 2)) for t in range(round(2 * stop)))
    info = video_info(stop, width=256, height=144, frames_per_second=2.0)
    spec = ShardSpec(
        index=0, span=span, video=info, options=CaptioningOptions(), reading=ReadOptions(long_side_pixels=256)
    )
    view = view_shard(spec, ShardFrames(span, frames, (Shot(start_seconds=0.0, stop_seconds=stop),), ()))
    return [one.time_seconds for one in view.sparse]


def test_the_first_look_at_a_fixed_camera_sees_whoever_comes_and_the_empty_room_once() -> None:
    """Four of nine frames were the same empty table, and of a visitor there was none."""
    visits = {(3.0, 5.0): 0, (21.0, 23.0): 1, (47.0, 49.5): 2, (78.0, 79.5): 3}
    times = _looked_at(visits)
    for start, stop in visits:
        assert any(start <= time < stop for time in times), (start, times)
    assert len(times) <= 6


def test_a_frame_that_two_stretches_share_shows_who_is_there_for_a_moment() -> None:
    """Shared frames were empty, so that nobody could be known over the border by them."""
    span = Span(0.0, 40.0)
    frames = tuple(_room(t / 2, who=1 if 40.5 <= t / 2 < 41.5 else None) for t in range(88))
    info = video_info(80.0, width=256, height=144, frames_per_second=2.0)
    spec = ShardSpec(
        index=0, span=span, video=info, options=CaptioningOptions(), reading=ReadOptions(long_side_pixels=256)
    )
    shots = (Shot(start_seconds=0.0, stop_seconds=44.0),)
    shared = [one.time_seconds for one in view_shard(spec, ShardFrames(span, frames, shots, ())).shared]
    assert any(40.5 <= time < 41.5 for time in shared)


def test_the_first_look_of_a_recording_is_taken_again_where_it_is_nearly_the_same() -> None:
    """Which of two still frames takes more bytes hangs on the decoder: a recording was of no use elsewhere."""
    span = Span(0.0, 40.0)
    shots = (Shot(start_seconds=0.0, stop_seconds=20.0), Shot(start_seconds=20.0, stop_seconds=40.0))
    frames = tuple(frame_of(Image.effect_noise((64, 36), 90).convert("RGB"), t / 2) for t in range(80))
    info = video_info(40.0, width=64, height=36, frames_per_second=2.0)
    spec = ShardSpec(
        index=0, span=span, video=info, options=CaptioningOptions(), reading=ReadOptions(long_side_pixels=64)
    )
    view = view_shard(spec, ShardFrames(span, frames, shots, ()))
    own = [one.time_seconds for one in view.sparse]
    recorded = (own[0], own[1] + 0.5, *own[2:])
    assert [one.time_seconds for one in view.as_picked(frames, {recorded}).sparse] == list(recorded)
    other_film = tuple(time + 0.25 for time in own)
    another_look = tuple(time + 0.5 for time in own)
    assert view.as_picked(frames, {other_film, another_look, tuple(own)}) is view
    assert view.as_picked(frames, {other_film, another_look}) is view


def test_a_frame_of_a_short_act_is_shown_beside_the_samples() -> None:
    frames = [frame(t / 2) for t in range(4)] + [frame(1.7)]
    frames.sort(key=lambda one: one.time_seconds)
    shown = on_screen(frames, Span(0.0, 2.0), frames_per_second=2.0, also_seconds=(1.7, 5.0))
    assert [one.time_seconds for one in shown] == [0.0, 0.5, 1.0, 1.5, 1.7]
    plain = on_screen(frames, Span(0.0, 2.0), frames_per_second=2.0)
    assert [one.time_seconds for one in plain] == [0.0, 0.5, 1.0, 1.5]
