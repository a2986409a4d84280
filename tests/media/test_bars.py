"""Black bars are cut from the source picture, once for a shot; what stands in them, and dark scenes, stay."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mrvideo.media.images import frame_of, open_image, with_crop
from mrvideo.media.looks import FrameSource
from mrvideo.media.options import ReadOptions
from mrvideo.media.scaling import Scaler
from mrvideo.media.shard import read_shard
from mrvideo.records import WHOLE, Box, Frame, Span

WIDTH, HEIGHT = 640, 360


def scene(width: int, height: int, seed: int = 1, *, darkest: int = 40) -> np.ndarray:
    """Something with detail everywhere."""
    dice = np.random.default_rng(seed)
    coarse = dice.integers(darkest, 220, (height // 8 + 1, width // 8 + 1, 3))
    return np.kron(coarse, np.ones((8, 8, 1)))[:height, :width].astype(np.uint8)


def inside(picture: np.ndarray, left: int, top: int) -> np.ndarray:
    """The picture on black, as large as the film."""
    whole = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    whole[top : top + len(picture), left : left + picture.shape[1]] = picture
    return whole


def subtitle(picture: np.ndarray, top: int) -> np.ndarray:
    """The picture with a line of strokes across its middle."""
    marked = picture.copy()
    for left in range(250, 390, 8):
        marked[top : top + 14, left : left + 3] = 235
    return marked


def framed(pixels: np.ndarray, *, options: ReadOptions | None = None, form: str = "yuv420p") -> Frame:
    return frames_of([pixels], options=options, form=form)[0]


def frames_of(
    pictures: list[np.ndarray], *, options: ReadOptions | None = None, form: str = "yuv420p"
) -> list[Frame]:
    """As one pass makes them."""
    with av.open("/dev/null", "w", format="null") as container:
        scaler = Scaler(
            container.add_stream("rawvideo"), options or ReadOptions(long_side_pixels=320, crop_bars=True)
        )
    return [
        scaler.frame(av.VideoFrame.from_ndarray(one, format="rgb24").reformat(format=form), float(i))
        for i, one in enumerate(pictures)
    ]


UPRIGHT = inside(scene(200, 360), 220, 0)
LETTERBOX = inside(scene(640, 260), 0, 50)
BOTH = inside(scene(200, 260), 220, 50)


@pytest.mark.parametrize("form", ["yuv420p", "yuv444p", "yuvj420p", "yuv420p10le"])
@pytest.mark.parametrize(
    ("pixels", "size", "crop"),
    [
        (UPRIGHT, (178, 320), (220, 0, 420, 360)),
        (LETTERBOX, (320, 130), (0, 50, 640, 310)),
        (BOTH, (200, 260), (220, 50, 420, 310)),
    ],
)
def test_bars_are_left_out_before_scaling(pixels, size, crop, form):
    """Dangerous: of upright footage the model got 100 × 180 pixels of a picture of 320 × 180."""
    frame = framed(pixels, form=form)
    assert (frame.width, frame.height) == open_image(frame).size == size
    left, top, right, bottom = crop
    assert frame.crop == Box(left / WIDTH, top / HEIGHT, right / WIDTH, bottom / HEIGHT)
    # Its pixels are the picture's own, scaled once from the source.
    seen = np.asarray(open_image(frame), int)
    alone = np.asarray(
        open_image(framed(np.ascontiguousarray(pixels[top:bottom, left:right]), form=form)), int
    )
    assert np.abs(seen - alone).mean() < 3


def test_the_whole_picture_is_there_for_whoever_asks():
    for options in (ReadOptions(long_side_pixels=320), ReadOptions(long_side_pixels=320, crops=())):
        frame = framed(UPRIGHT, options=options)
        assert (frame.width, frame.height, frame.crop) == (320, 180, WHOLE)


def test_a_subtitle_in_a_bar_stays_in_the_picture():
    frame = framed(subtitle(LETTERBOX, 330))
    # The upper bar goes, the lower one down to the subtitle's end stays.
    assert frame.crop.top == pytest.approx(50 / HEIGHT)
    assert 344 / HEIGHT < frame.crop.bottom < 350 / HEIGHT
    lowest = np.asarray(open_image(frame).convert("L"))[-round(20 * frame.height / 298) :]
    assert lowest.max() > 150


def dark_scenes() -> list[np.ndarray]:
    dice = np.random.default_rng(3)
    night = dice.integers(0, 14, (HEIGHT, WIDTH, 3)).astype(np.uint8)
    night[150:180, 300:340] = 200
    moon = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    moon[(rows - 120) ** 2 + (columns - 400) ** 2 < 900] = 180
    lights = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for left, top in dice.integers(40, 320, (20, 2)):
        lights[top : top + 6, left : left + 6] = 220
    title = subtitle(np.zeros((HEIGHT, WIDTH, 3), np.uint8), 170)
    floor = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    floor[200:] = scene(WIDTH, 160)
    black = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    return [night, moon, lights, title, floor, black]


@pytest.mark.parametrize("place", range(6))
def test_a_dark_scene_has_no_bars(place):
    assert framed(dark_scenes()[place]).crop == WHOLE


def test_a_full_picture_has_no_bars():
    assert framed(scene(WIDTH, HEIGHT)).crop == WHOLE


def test_a_dark_picture_between_bars_keeps_the_crop_of_those_before_it():
    dark = inside(np.full((360, 200, 3), 0, np.uint8), 220, 0)
    dark[100:140, 300:330] = 120
    assert [frame.crop for frame in frames_of([UPRIGHT, dark])] == [Box(220 / 640, 0, 420 / 640, 1)] * 2
    assert frames_of([UPRIGHT, scene(WIDTH, HEIGHT)])[1].crop == WHOLE


@pytest.mark.parametrize("quarters", range(4))
def test_a_turned_picture_knows_its_crop_upright(quarters, monkeypatch):
    stored = inside(scene(640, 260), 0, 50)
    stored[50:180, :320] = 235
    monkeypatch.setattr("mrvideo.media.scaling.turn_of", lambda picture: 90 * quarters)
    frame = framed(stored)
    upright = np.rot90(stored, quarters)
    high, wide = upright.shape[:2]
    box = frame.crop
    part = upright[
        round(box.top * high) : round(box.bottom * high), round(box.left * wide) : round(box.right * wide)
    ]
    seen = np.asarray(open_image(frame), int)
    shown = np.asarray(open_image(frame_of(_image(part).resize((frame.width, frame.height)), 0.0)), int)
    assert np.abs(seen - shown).mean() < 6


def _image(pixels: np.ndarray):
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(pixels))


@pytest.mark.parametrize("form", ["yuv420p", "rgb24", "nv12", "yuv420p10le"])
def test_a_part_asked_for_is_cut_from_the_source(form):
    whole = scene(WIDTH, HEIGHT)
    whole[100:140, 200:280] = (200, 30, 30)
    options = ReadOptions(long_side_pixels=320, part=Box(200 / 640, 100 / 360, 280 / 640, 140 / 360))
    frame = framed(whole, options=options, form=form)
    assert (frame.width, frame.height) == (80, 40)
    red, green, blue = np.asarray(open_image(frame), int).mean(axis=(0, 1))
    assert red > 170
    assert max(green, blue) < 60


# --- shots ---


def film(path, pictures: list[np.ndarray], *, rate: int = 10) -> None:
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=rate, options={"crf": "18", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for count, pixels in enumerate(pictures):
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            picture.pts, picture.time_base = count, Fraction(1, rate)
            output.mux(stream.encode(picture))
        output.mux(stream.encode(None))


@pytest.fixture(scope="module")
def barred(tmp_path_factory):
    """Three seconds upright that fade in from black, three of letterbox with a subtitle in its last second,
    three whole.
    """
    path = tmp_path_factory.mktemp("bars") / "barred.mp4"
    upright, wide, full = scene(200, 360, 5), scene(640, 260, 6), scene(640, 360, 7)
    pictures = [inside((upright * min(1.0, i / 8)).astype(np.uint8), 220, 0) for i in range(30)]
    pictures += [inside(wide, 0, 50) if i < 20 else subtitle(inside(wide, 0, 50), 330) for i in range(30)]
    pictures += [full] * 30
    film(path, pictures)
    return path


@pytest.mark.slow
def test_all_frames_of_a_shot_have_one_crop(barred):
    shard = read_shard(barred, Span(0.0, 9.0), ReadOptions(long_side_pixels=320, crop_bars=True))
    crops = {}
    for shot in shard.shots:
        inside_shot = [frame for frame in shard.frames if shot.span.contains(frame.time_seconds)]
        assert {frame.crop for frame in inside_shot} == {shot.crop}
        crops[round(shot.stop_seconds)] = shot.crop
    assert sorted(crops) == [3, 6, 9]
    assert (crops[3].left, crops[3].right) == pytest.approx((220 / 640, 420 / 640), abs=0.01)
    # The subtitle of its last second stays in all of the second shot.
    assert crops[6].top == pytest.approx(50 / 360, abs=0.01)
    assert crops[6].bottom > 344 / 360
    assert crops[9] == WHOLE


def test_a_look_crops_as_the_shots_say(barred):
    crops = ((0.0, Box(0.34375, 0.0, 0.65625, 1.0)), (3.0, WHOLE))
    source = FrameSource(barred, ReadOptions(long_side_pixels=320, crop_bars=True, crops=crops))
    assert [frame.crop for frame in source.at([0.0, 1.0, 4.0])] == [crops[0][1], crops[0][1], WHOLE]
    assert [frame.crop for frame in source.uncropped().at([1.0])] == [WHOLE]
    (part,) = source.showing(Box(0.5, 0.5, 1.0, 1.0)).at([1.0])
    assert (part.width, part.height, part.crop) == (320, 180, Box(0.5, 0.5, 1.0, 1.0))


# --- boxes ---

shares = st.integers(0, 1000).map(lambda n: n / 1000)


@st.composite
def boxes(draw):
    left, right = sorted(draw(st.lists(shares, min_size=2, max_size=2, unique=True)))
    top, bottom = sorted(draw(st.lists(shares, min_size=2, max_size=2, unique=True)))
    return Box(left, top, right, bottom)


@given(boxes(), boxes())
def test_a_box_goes_into_a_crop_and_back(box, crop):
    shared, seen = box.intersection(crop), box.seen_in(crop)
    assert (shared is None) == (seen is None)
    if shared is not None and seen is not None:
        back = seen.out_of(crop)
        assert (back.left, back.top, back.right, back.bottom) == pytest.approx(
            (shared.left, shared.top, shared.right, shared.bottom)
        )


def test_a_frame_can_be_cut_further_and_widened_again():
    frame = frame_of(_image(scene(200, 360)), 1.5)
    upright = Frame(1.5, frame.jpeg, 200, 360, Box(220 / 640, 0.0, 420 / 640, 1.0))
    corner = with_crop(upright, Box(220 / 640, 0.0, 320 / 640, 0.5))
    assert (corner.width, corner.height) == (100, 180)
    wide = with_crop(upright, WHOLE, long_side_pixels=320)
    assert (wide.width, wide.height, wide.crop) == (320, 180, WHOLE)
    assert np.asarray(open_image(wide).convert("L"))[:, :100].max() < 20
    with pytest.raises(ValueError, match="shows nothing"):
        with_crop(upright, Box(0.0, 0.0, 0.1, 1.0))


def test_a_box_must_hold_something():
    with pytest.raises(ValueError, match="left before its right"):
        Box(0.5, 0.0, 0.5, 1.0)


@pytest.mark.slow
def test_decord_leaves_bars_out_too(barred):
    pytest.importorskip("decord")
    options = ReadOptions(reader="decord", long_side_pixels=320, crop_bars=True)
    upright, letterbox, whole = FrameSource(barred, options).at([2.0, 4.0, 7.0])
    assert (upright.crop.left, upright.crop.right) == pytest.approx((220 / 640, 420 / 640), abs=0.01)
    assert (upright.width, upright.height) == (178, 320)
    assert letterbox.crop.bottom == pytest.approx(310 / 360, abs=0.01)
    assert whole.crop == WHOLE
