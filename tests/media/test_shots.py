"""Cuts, dissolves and still stretches, from made grey pictures and from a decoded film."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mrvideo.media.shots import ShotDetector
from mrvideo.records import Span

Picture = np.ndarray
RATE = 15


def scene(seed: int) -> Picture:
    """A picture with large and small structure."""
    chance = np.random.default_rng(seed)
    coarse = np.kron(chance.random((9, 16)), np.ones((4, 4)))
    return np.clip(coarse * 150 + chance.random((36, 64)) * 60 + 20, 0, 255)


def watched(picture_at: Callable[[float], Picture], seconds: float, *, noise: float = 1.0) -> ShotDetector:
    """A detector that saw the pictures, with a little noise."""
    detector = ShotDetector()
    chance = np.random.default_rng(0)
    for i in range(int(seconds * RATE)):
        picture = picture_at(i / RATE) + chance.normal(0, noise, (36, 64))
        detector(i / RATE, np.clip(picture, 0, 255).astype(np.uint8))
    return detector


def test_hard_cuts_are_found_to_the_picture():
    pictures = [scene(i) for i in range(4)]
    detector = watched(lambda t: pictures[int(t // 3)], 12)
    assert detector.borders() == [(3.0, "cut"), (6.0, "cut"), (9.0, "cut")]


def test_shots_tile_the_span_and_say_how_they_begin():
    first, second = scene(1), scene(2)
    shots = watched(lambda t: first if t < 4 else second, 8).shots(Span(1.0, 7.5))
    assert [(s.start_seconds, s.stop_seconds, s.transition) for s in shots] == [
        (1.0, 4.0, "start"),
        (4.0, 7.5, "cut"),
    ]


def test_a_cut_at_the_spans_start_is_the_start():
    first, second = scene(1), scene(2)
    (shot,) = watched(lambda t: first if t < 4 else second, 8).shots(Span(4.0, 8.0))
    assert (shot.start_seconds, shot.transition) == (4.0, "start")


@pytest.mark.parametrize("length", [0.5, 1.0, 2.0])
def test_a_dissolve_is_found_near_its_middle(length: float):
    first, second = scene(3), scene(4)

    def picture(t: float) -> Picture:
        share = min(1.0, max(0.0, (t - 4.0) / length))
        return (1 - share) * first + share * second

    ((time, kind),) = watched(picture, 10).borders()
    assert kind == "dissolve"
    assert time == pytest.approx(4.0 + length / 2, abs=0.4)


def test_a_shot_tells_how_long_its_dissolve_lasts():
    def picture(t: float) -> Picture:
        share = min(max((t - 3.4) / 1.2, 0.0), 1.0)
        return scene(1) * (1 - share) + scene(2) * share

    _, later = watched(picture, 8).shots(Span(0.0, 8.0))
    assert later.transition == "dissolve"
    assert 0.6 <= later.transition_seconds <= 2.4


def test_a_flash_is_no_cut():
    picture = scene(5)
    white = np.full((36, 64), 250.0)
    assert watched(lambda t: white if 3.0 <= t < 3.1 else picture, 6).borders() == []


def test_a_pan_is_no_cut_and_a_cut_in_it_is():
    wide = [np.kron(np.random.default_rng(k).random((6, 24)), np.ones((6, 8))) * 220 for k in (10, 20)]

    def picture(t: float) -> Picture:
        left = int((t % 5) * 12)
        return wide[int(t // 5)][:, left : left + 64]

    assert watched(picture, 10).borders() == [(5.0, "cut")]


def test_where_the_reader_left_pictures_out_a_pan_is_no_cut_and_a_cut_is():
    """A key frame at 3, 5 and 8 s, and two pictures missing before each."""
    wide = [np.kron(np.random.default_rng(k).random((6, 24)), np.ones((6, 8))) * 220 for k in (10, 20)]
    detector = ShotDetector()
    for i in range(10 * RATE):
        if any(key - 2 <= i < key for key in (3 * RATE, 5 * RATE, 8 * RATE)):
            continue
        left = int((i / RATE % 5) * 12)
        detector(i / RATE, wide[i // (5 * RATE)][:, left : left + 64].astype(np.uint8))
    assert detector.borders() == [(5.0, "cut")]


@pytest.mark.parametrize("seed", [0, 1, 3, 5])
def test_a_pan_over_something_smooth_is_no_dissolve(seed: int):
    """Half-way, such a picture does look like a blend of the ones before and after. Not every such pan is
    told apart.
    """
    coarse = np.random.default_rng(seed).random((6, 32)) * 120 + 60
    down = np.array([np.interp(np.linspace(0, 4.9, 36), range(6), column) for column in coarse.T])
    wide = np.array([np.interp(np.arange(360) / 12, range(32), row) for row in down.T])
    assert watched(lambda t: wide[:, int(t * 20) : int(t * 20) + 64], 10).borders() == []


def letters(picture: Picture, share: float) -> Picture:
    """With large letters across a third of it."""
    made = picture.copy()
    for left in range(6, 58, 4):
        made[12:24, left : left + 2] += share * (250 - made[12:24, left : left + 2])
    return made


def title_fading_in(t: float) -> Picture:
    """Over a picture that is plain there, so that little of it was alike before and after."""
    plain = np.full((36, 64), 90.0)
    plain[26:] = scene(8)[26:]
    return letters(plain, min(1.0, max(0.0, (t - 4) / 1.2)))


def wing_flapping(t: float) -> Picture:
    """All at once it covers a quarter of the picture."""
    made = scene(9).copy()
    spread = 2 if t < 4 else 15
    made[6:26, 32 - spread : 32 + spread] = 40
    return made


def car_leaving(t: float) -> Picture:
    """Large, before a camera that stays, gone within a second."""
    made = scene(10) * 0.4 + 100
    left = 2 + (int(90 * (t - 4) ** 2) if t > 4 else 0)
    made[8:34, min(left, 64) : min(left + 40, 64)] = 30 + np.arange(26)[:, None] * 2
    return made


def camera_swinging(t: float) -> Picture:
    """From one side of a hall to the other within half a second."""
    wide = np.kron(np.random.default_rng(11).random((6, 40)), np.ones((6, 8))) * 220
    left = int(230 / (1 + np.exp(-(t - 4) * 12)))
    return wide[:, left : left + 64]


def fading_in(t: float) -> Picture:
    """From black, at the film's start."""
    return scene(12) * min(1.0, t / 1.5)


def black_for_two_pictures(t: float) -> Picture:
    return np.full((36, 64), 16.0) if t < 2 / RATE else scene(13)


def mask_shut(t: float) -> Picture:
    """A third of the picture changes its grey within half a second, the rest stays."""
    made = scene(14).copy()
    made[:, 20:42] *= 1 - 0.8 * min(1.0, max(0.0, (t - 4) / 0.5))
    return made


def light_of_an_explosion(t: float) -> Picture:
    """Half of the picture is lit at once, and stays so."""
    made = scene(15) * 0.5
    if t >= 4:
        made[10:34, 10:54] += 45
    return made


def exposure_adapting(t: float) -> Picture:
    """A plain ground that becomes lighter within a second while something small crosses it."""
    made = 70 + np.random.default_rng(16).normal(0, 3, (36, 64)) + 80 * min(1.0, max(0.0, (t - 4) / 1.2))
    left = 4 + int(max(0.0, t - 4) * 10)
    if t >= 4 and left < 58:
        made[12:26, left : left + 12] = 235
    return made


@pytest.mark.parametrize(
    "picture",
    [
        light_of_an_explosion,
        exposure_adapting,
        title_fading_in,
        wing_flapping,
        car_leaving,
        camera_swinging,
        fading_in,
        black_for_two_pictures,
        mask_shut,
    ],
)
def test_what_moves_or_appears_in_one_shot_is_no_camera_change(picture: Callable[[float], Picture]):
    """Dangerous: each false cut is a scene of its own, and one more caption of what was told before."""
    assert watched(picture, 8).borders() == []


def swinging(seed: int, t: float, *, light: float = 220, dark: float = 0) -> Picture:
    """A camera that swings so fast that hardly anything is in two pictures."""
    wide = np.kron(np.random.default_rng(seed).random((6, 320)), np.ones((6, 8))) * (light - dark) + dark
    left = round(t * RATE * 11)
    return wide[:, left : left + 64]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (lambda t: scene(17), lambda t: swinging(18, t)),
        (lambda t: swinging(18, t), lambda t: scene(17)),
        (lambda t: swinging(18, t, light=120), lambda t: swinging(19, t, dark=110)),
    ],
    ids=["into a swing", "out of a swing", "between two"],
)
def test_a_cut_beside_a_swinging_camera_is_found(
    before: Callable[[float], Picture], after: Callable[[float], Picture]
):
    """Films of action are cut so: what moves fast must not hide where another shot begins."""
    assert watched(lambda t: before(t) if t < 4 else after(t), 8).borders() == [(4.0, "cut")]


def test_of_two_cuts_within_a_few_pictures_the_larger_one_is_kept():
    near = scene(20) * 0.4 + 100

    def picture(t: float) -> Picture:
        return scene(20) * 0.3 + 90 if t < 4 else near[:, ::-1] if t < 4 + 2 / RATE else scene(21)

    assert [round(time, 2) for time, _ in watched(picture, 8).borders()] == [4.13]


def test_out_to_black_and_in_again_is_one_change():
    def picture(t: float) -> Picture:
        light = max(0.0, (3.5 - t)) if t < 3.5 else max(0.0, t - 4.0)
        return (scene(15) if t < 3.75 else scene(16)) * min(1.0, light / 0.8)

    ((time, kind),) = watched(picture, 8).borders()
    assert kind == "dissolve"
    assert time == pytest.approx(3.75, abs=0.2)


def test_a_blink_to_black_is_no_change():
    def picture(t: float) -> Picture:
        light = max(0.0, (3.5 - t)) if t < 3.5 else max(0.0, t - 4.0)
        return scene(15) * min(1.0, light / 0.8)

    assert watched(picture, 8).borders() == []


def test_a_cut_between_two_pictures_with_the_same_bars_is_found():
    """Dangerous: what is black in both made any two of them alike."""
    pictures = [scene(17), scene(18)]
    for one in pictures:
        one[:, :18] = one[:, 46:] = 16
    assert watched(lambda t: pictures[int(t // 3) % 2], 9).borders() == [(3.0, "cut"), (6.0, "cut")]


def test_a_fade_of_the_light_is_no_cut():
    picture = scene(6)
    assert watched(lambda t: picture * (0.4 + 0.06 * t), 10).borders() == []


def test_nothing_seen_is_one_shot():
    (shot,) = ShotDetector().shots(Span(0.0, 5.0))
    assert (shot.start_seconds, shot.stop_seconds, shot.transition) == (0.0, 5.0, "start")


def test_what_comes_and_goes_between_two_samples_is_told_however_faint():
    """Dangerous: "nothing changed in between" was said where a lamp had blinked."""
    wall = scene(30)

    def blinking(t: float) -> Picture:
        lit = 0.6 * wall
        if 2.1 <= t < 2.35:
            lit[20:24, 40:44] += 40
        return lit

    samples = [n / 2 for n in range(12)]
    assert watched(blinking, 6).stirs(samples) == (Span(2.0, 2.5),)
    # What the next sample shows, too, and a sensor's noise, are nothing that is hidden between two.
    assert watched(lambda t: blinking(2.2) if t >= 2.1 else blinking(0), 6, noise=3).stirs(samples) == ()
