"""From a decoded picture to an upright, square-pixelled, scaled JPEG of all of it or of a part."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, cast

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from mrvideo.media.bars import Bars
from mrvideo.media.compat import scale
from mrvideo.media.images import encode_pixels, fit_within
from mrvideo.media.options import ReadOptions
from mrvideo.media.tones import Tones, to_srgb
from mrvideo.records import WHOLE, Box, Frame

_KNOWN_COLORSPACES = frozenset({0, 1, 4, 5, 6, 7, 9})
"""Numbers of ITU-T H.273 that the scaler converts: RGB, and five kinds of YCbCr."""
_BT2020 = 9
_HD_HEIGHT = 720
FULL_RANGE = 2
"""FFmpeg's number for luma from 0 to 255; else it goes from 16 to 235."""
PLANAR_BITS = {
    **dict.fromkeys(("gray", "yuv420p", "yuv422p", "yuv444p", "yuvj420p", "yuvj422p", "yuvj444p"), 8),
    **dict.fromkeys(("yuv420p10le", "yuv422p10le", "yuv444p10le"), 10),
}
"""Formats whose first plane is luma, and the others colours: so many bits a value."""
_USUAL_FORMAT = "yuv420p"
_DEEP_FORMAT = "gbrp12le"
_BLOCK_PIXELS = 16
_TRANSPARENT = frozenset(
    {"rgba", "bgra", "argb", "abgr", "ya8", "pal8", "rgba64le", "rgba64be", "ya16le", "ya16be"}
)
"""Of animations. They are shown as on a white page."""


class Scaler:
    """Scales, turns and encodes pictures of one stream. Keeps its scaling contexts between calls."""

    def __init__(self, stream: VideoStream, options: ReadOptions) -> None:
        self._aspect = believable(stream.sample_aspect_ratio)
        self._options = options
        self._bars = Bars()
        self._long_side_pixels = options.pixels
        self._jpeg_quality = options.jpeg_quality
        self._smaller = VideoReformatter()
        self._colour = VideoReformatter()
        self._deep = VideoReformatter()
        self._full = VideoReformatter()

    def frame(self, picture: VideoFrame, time_seconds: float, tones: Tones | None = None) -> Frame:
        """The picture as a Frame, cut as the options say. `tones` says how its stream codes light, where not
        as a JPEG does.
        """
        quarters = turn_of(picture) // 90
        box = self._options.crop_at(time_seconds)
        box = self._bars_of(picture) if box is None else turned(box, -quarters)
        cut = picture
        if box != WHOLE:
            cut, box = self._cut(picture, box)
        pixels = self._pixels(cut, tones)
        jpeg = encode_pixels(np.rot90(pixels, quarters), quality=self._jpeg_quality)
        height, width = pixels.shape[:2] if quarters % 2 == 0 else pixels.shape[1::-1]
        return Frame(time_seconds, jpeg, width, height, turned(box, quarters))

    def _pixels(self, picture: VideoFrame, tones: Tones | None) -> NDArray[np.uint8]:
        """The picture scaled, not turned: (height, width, 3 or 4)."""
        width, height = fit_within(*_square(picture, self._aspect), self._long_side_pixels)
        if tones is not None:
            return self._toned(picture, width, height, tones)
        matrix = matrix_of(picture)
        smaller = picture
        if picture.format.name == _USUAL_FORMAT:
            # Scaling first and turning few pixels into RGB takes half the time. Nothing is lost: a JPEG keeps
            # as little colour.
            smaller = scale(
                self._smaller,
                picture,
                width=width,
                height=height,
                interpolation=Interpolation.AREA,
                matrix=matrix,
            )
        is_scaled = (smaller.width, smaller.height) == (width, height)
        whole = _in_whole_blocks(smaller) if is_scaled else smaller
        is_transparent = picture.format.name in _TRANSPARENT
        scaled = scale(
            self._colour,
            whole,
            width=whole.width if is_scaled else width,
            height=height,
            interpolation=Interpolation.AREA,
            matrix=matrix,
            pixel_format="rgba" if is_transparent else "rgb0",
        )
        # Four bytes a pixel, so that the encoder can read the scaled picture's own memory.
        lines: Any = _lines(scaled.planes[0])[:, : 4 * width]
        pixels = lines.reshape(height, width, 4)
        return _on_white(pixels) if is_transparent else pixels

    def _bars_of(self, picture: VideoFrame) -> Box:
        """The picture between its bars, not turned."""
        bits = PLANAR_BITS.get(picture.format.name)
        if bits is None or picture.planes[0].line_size < 0:
            return WHOLE
        lines: Any = _lines(picture.planes[0])
        luma = lines.view("<u2" if bits > 8 else np.uint8)[:, : picture.width]
        if bits > 8:
            luma = np.minimum(luma >> (bits - 8), 255).astype(np.uint8)
        is_full = picture.color_range == FULL_RANGE or picture.format.name.startswith(("yuvj", "gray"))
        return self._bars.box(luma, 0 if is_full else 16)

    def _cut(self, picture: VideoFrame, box: Box) -> tuple[VideoFrame, Box]:
        """A part of the picture at full size, and which: to the even pixel, as colours have half the width
        and height.
        """
        left, top = (int(share * size) // 2 * 2 for share, size in _sides(box.left, box.top, picture))
        right, bottom = (
            min(-(-round(share * size) // 2) * 2, size)
            for share, size in _sides(box.right, box.bottom, picture)
        )
        if picture.format.name not in PLANAR_BITS or any(plane.line_size < 0 for plane in picture.planes):
            name = "rgba" if picture.format.name in _TRANSPARENT else "rgb24"
            picture = scale(
                self._full,
                picture,
                width=picture.width,
                height=picture.height,
                interpolation=Interpolation.AREA,
                matrix=matrix_of(picture),
                pixel_format=name,
            )
            pixels: Any = picture.to_ndarray()
            made = VideoFrame.from_ndarray(np.ascontiguousarray(pixels[top:bottom, left:right]), format=name)
        else:
            made = _cut_planes(picture, left, top, right, bottom)
        width, height = picture.width, picture.height
        return made, Box(left / width, top / height, right / width, bottom / height)

    def _toned(self, picture: VideoFrame, width: int, height: int, tones: Tones) -> NDArray[np.uint8]:
        """The picture scaled, as sRGB (height, width, 3). Scaled first: few pixels are left to be computed."""
        scaled = scale(
            self._deep,
            picture,
            width=width,
            height=height,
            interpolation=Interpolation.AREA,
            matrix=matrix_of(picture, tones),
            pixel_format=_DEEP_FORMAT,
        )
        green, blue, red = (cast("Any", _lines(plane)).view("<u2")[:, :width] for plane in scaled.planes)
        return to_srgb(red, green, blue, tones)


def turned(box: Box, quarters: int) -> Box:
    """Where the box lies once the picture was turned counter-clockwise so many times by 90 degrees."""
    for _ in range(quarters % 4):
        box = Box(box.top, 1 - box.right, box.bottom, 1 - box.left)
    return box


def upright_size(picture: VideoFrame, aspect: Fraction | None) -> tuple[int, int]:
    """Width and height as a viewer sees them, at full size."""
    width, height = _square(picture, believable(aspect))
    return (height, width) if turn_of(picture) in (90, 270) else (width, height)


def turn_of(picture: VideoFrame) -> int:
    """Degrees counter-clockwise to turn by: 0, 90, 180 or 270."""
    return round(picture.rotation / 90) % 4 * 90


def believable(aspect: Fraction | None) -> Fraction:
    """The pixels' width ÷ height; 1 where it is not stated or absurd."""
    return aspect if aspect and Fraction(1, 8) <= aspect <= 8 else Fraction(1)


def matrix_of(picture: VideoFrame, tones: Tones | None = None) -> Colorspace | None:
    """How colour is to be taken where the stream does not say, or says what the scaler refuses; None: as
    stated.

    Unsaid, HDR means BT.2020 and HD means BT.709; the scaler's own default is BT.601. Odd colours are better
    than no picture.
    """
    if picture.colorspace in _KNOWN_COLORSPACES:
        return None
    if tones is not None and tones.is_hdr:
        return cast("Colorspace", _BT2020)
    return Colorspace.ITU709 if picture.height >= _HD_HEIGHT else Colorspace.ITU601


def _sides(across: float, down: float, picture: VideoFrame) -> tuple[tuple[float, int], tuple[float, int]]:
    # Rounded, as shares of pixels are no round numbers.
    return (round(across, 9), picture.width), (round(down, 9), picture.height)


def _cut_planes(picture: VideoFrame, left: int, top: int, right: int, bottom: int) -> VideoFrame:
    """A copy of a rectangle, whose left and top are even."""
    made = VideoFrame(right - left, bottom - top, picture.format.name)
    made.colorspace, made.color_range = picture.colorspace, picture.color_range
    value_bytes = 2 if PLANAR_BITS[picture.format.name] > 8 else 1
    for plane, new_plane in zip(picture.planes, made.planes, strict=True):
        across = 2 if plane.width < picture.width else 1
        down = 2 if plane.height < picture.height else 1
        first = left // across * value_bytes
        lines, new_lines = _lines(plane), _lines(new_plane)
        part = lines[top // down :][: new_plane.height, first : first + new_plane.width * value_bytes]
        new_lines[: len(part), : part.shape[1]] = part
    return made


def _in_whole_blocks(picture: VideoFrame) -> VideoFrame:
    """The picture, where need be a copy that is wider, with rubbish on the right.

    Turning YCbCr into RGB of the same size, FFmpeg works on so many pixels at a time. Of what is left in a
    line it leaves up to four unwritten, or (with PyAV before 17) writes past the end of the picture's memory.
    """
    if picture.width % _BLOCK_PIXELS == 0 or picture.format.is_rgb or len(picture.format.components) < 3:
        return picture
    wide = VideoFrame(-(-picture.width // _BLOCK_PIXELS) * _BLOCK_PIXELS, picture.height, picture.format.name)
    wide.colorspace, wide.color_range = picture.colorspace, picture.color_range
    for plane, wide_plane in zip(picture.planes, wide.planes, strict=True):
        if plane.line_size < 0:  # Stored upside down.
            return picture
        lines, wide_lines = _lines(plane), _lines(wide_plane)
        used = min(lines.shape[1], wide_lines.shape[1])
        wide_lines[:, :used] = lines[:, :used]
    return wide


def _lines(plane: Any) -> NDArray[np.uint8]:
    """A plane's own memory, line by line."""
    memory: Any = np.frombuffer(plane, np.uint8)
    return memory.reshape(plane.height, plane.line_size)


def _on_white(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels (height, width, 4), the last of which says how much of them is seen."""
    seen = pixels[..., 3:].astype(np.uint16)
    mixed = pixels[..., :3] * seen + 255 * (255 - seen)
    return ((mixed + 127) // 255).astype(np.uint8)


def _square(picture: VideoFrame, aspect: Fraction) -> tuple[int, int]:
    """Size with square pixels: the longer way, so that nothing is thrown away."""
    if aspect >= 1:
        return max(1, round(picture.width * aspect)), picture.height
    return picture.width, max(1, round(picture.height / aspect))
