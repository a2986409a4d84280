"""Whatever a stream says of its colours, a picture comes out of it."""

from __future__ import annotations

import av
import numpy as np
import pytest

from mrvideo.media.grey import Greys
from mrvideo.media.images import open_image
from mrvideo.media.options import ReadOptions
from mrvideo.media.scaling import Scaler


@pytest.fixture
def scaler(plain_film):
    with av.open(str(plain_film.path)) as container:
        yield Scaler(container.streams.video[0], ReadOptions(long_side_pixels=64, jpeg_quality=90))


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuvj420p", "yuv422p", "yuv444p", "nv12", "yuv420p10le"])
def test_a_picture_reaches_its_right_edge_whatever_its_width(pixel_format: str):
    """Dangerous: one to four columns of other memory stood there, another JPEG each time, or the process was
    killed.
    """
    with av.open("/dev/null", "w", format="null") as container:
        stream = container.add_stream("rawvideo")
        scaler = Scaler(stream, ReadOptions(long_side_pixels=128, jpeg_quality=95))
    colour = np.full((128, 128, 3), (200, 120, 60), np.uint8)
    whole = av.VideoFrame.from_ndarray(colour, format="rgb24").reformat(format=pixel_format)
    for width in range(97, 113):
        # Copied column by column: FFmpeg 7 itself makes no good last one of an odd width.
        picture = av.VideoFrame(width, 128, pixel_format)
        for plane, source in zip(picture.planes, whole.planes, strict=True):
            lines = np.frombuffer(source, np.uint8).reshape(source.height, source.line_size)
            np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:] = lines[
                :, : plane.line_size
            ]
        pixels = np.asarray(open_image(scaler.frame(picture, 0.0)), dtype=int)
        assert pixels.shape == (128, width, 3)
        assert np.abs(pixels - (200, 120, 60)).max() < 20, width


@pytest.mark.parametrize("colorspace", [1, 2, 3, 5, 6, 8, 9, 14, 128])
@pytest.mark.parametrize("size", [(160, 96), (1280, 720)])
def test_a_red_picture_stays_red_and_grey_stays_grey(scaler, colorspace: int, size: tuple[int, int]):
    red = np.zeros((size[1], size[0], 3), np.uint8)
    red[:] = (200, 30, 30)
    picture = av.VideoFrame.from_ndarray(red, format="rgb24").reformat(format="yuv420p")
    picture.colorspace = colorspace
    frame = scaler.frame(picture, 0.0)
    seen = np.asarray(open_image(frame), dtype=int).mean(axis=(0, 1))
    assert seen[0] > 150
    assert seen[1] < 80
    assert seen[2] < 80
    seen = []
    greys = Greys(lambda _, grey: seen.append(grey))
    greys.add(0.0, picture)
    greys.flush()
    assert seen[0].shape == (36, 64)
    assert np.ptp(seen[0]) <= 1


@pytest.mark.parametrize(
    ("pixel_format", "colorspace", "color_range", "red"),
    [
        ("yuv420p", 1, 1, (63, 102, 240)),
        ("yuv420p", 1, 2, (54, 99, 255)),
        ("yuv420p", 5, 1, (81, 90, 240)),
        ("yuv420p", 6, 2, (76, 85, 255)),
        ("yuv420p", 9, 1, (74, 97, 240)),
        ("yuvj420p", 5, 0, (76, 85, 255)),
        ("yuv444p", 1, 1, (63, 102, 240)),
        ("yuv444p", 1, 2, (54, 99, 255)),
    ],
)
def test_colours_are_taken_as_stated(
    scaler, pixel_format: str, colorspace: int, color_range: int, red: tuple[int, int, int]
):
    """Dangerous: with PyAV before 17, all was taken for BT.601 of limited range, and colours were off by a
    little.
    """
    picture = av.VideoFrame(160, 96, pixel_format)
    picture.colorspace, picture.color_range = colorspace, color_range
    for plane, value in zip(picture.planes, red, strict=True):
        np.frombuffer(plane, np.uint8)[:] = value
    seen = np.asarray(open_image(scaler.frame(picture, 0.0)), dtype=int)
    assert np.abs(seen - (255, 0, 0)).max() < 8


@pytest.mark.skipif(not hasattr(av.VideoFrame, "color_trc"), reason="not told by PyAV before 17")
@pytest.mark.parametrize("number", [0, 3, 16, 255])
def test_light_and_primaries_that_nobody_knows_are_no_obstacle(scaler, number: int):
    picture = av.VideoFrame.from_ndarray(np.zeros((96, 160, 3), np.uint8), format="rgb24")
    picture = picture.reformat(format="yuv420p")
    picture.color_trc = picture.color_primaries = number
    assert scaler.frame(picture, 0.0).width == 64
    greys = Greys(lambda _, grey: None)
    greys.add(0.0, picture)
    greys.flush()


@pytest.mark.parametrize("color_range", [1, 2])
def test_more_bits_than_a_damaged_picture_claims_are_white(color_range: int):
    """Dangerous: FFmpeg leaves rubbish where it could not decode ten bits, and the watcher died of it."""
    picture = av.VideoFrame(160, 96, "yuv420p10le")
    picture.color_range = color_range
    for plane in picture.planes:
        np.frombuffer(plane, np.uint16)[:] = 4000
    seen = []
    greys = Greys(lambda _, grey: seen.append(grey))
    greys.add(0.0, picture)
    greys.flush()
    assert seen[0].min() == seen[0].max() == 255
