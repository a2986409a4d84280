"""The small grey pictures that camera changes are found in: a few luma samples of each decoded picture.

    720p luma   72 rows × 128 columns are looked at,  each 2 × 2 of them averaged:  36 × 64 grey values

Samples are gathered while decoding and averaged many pictures at a time: next to a decoder, which leaves
nothing in the caches, every single operation costs several µs. Formats whose first plane is no 8- or 10-bit
luma go through FFmpeg's scaler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter
from numpy.typing import NDArray

from mrvideo.media.compat import scale
from mrvideo.media.reader import Grey, Watcher
from mrvideo.media.scaling import FULL_RANGE, PLANAR_BITS, matrix_of
from mrvideo.media.tones import Tones, grey_table

GREY_WIDTH, GREY_HEIGHT = 64, 36

_ROWS, _COLUMNS = 2 * GREY_HEIGHT, 2 * GREY_WIDTH
_TOGETHER = 64
_LUMA_BITS = {**PLANAR_BITS, "nv12": 8}
_STRETCHED: Grey = np.array(
    [min(255, max(0, round((luma - 16) * 255 / 219))) for luma in range(256)], np.uint8
)


class _Kind(NamedTuple):
    format_name: str
    width: int
    height: int
    full_range: bool
    line_bytes: int


class Greys:
    """Shows a watcher each picture as 36×64 grey values, 0 black and 255 white, not turned. In order, some
    time later.

    `tones` tells how the stream codes light, where not as a JPEG does.
    """

    def __init__(self, watcher: Watcher, tones: Callable[[], Tones | None] = lambda: None) -> None:
        self._watcher = watcher
        self._tones = tones
        self._times: list[float] = []
        self._kind = _Kind("", 0, 0, False, 0)
        self._places: NDArray[np.intp] = np.zeros(0, np.intp)
        self._samples: NDArray[Any] = np.zeros(0, np.uint8)
        self._scaler = VideoReformatter()

    def add(self, time_seconds: float, picture: VideoFrame) -> None:
        """A picture was decoded."""
        if picture.format.name not in _LUMA_BITS:
            picture = self._luma_of(picture)
        name = picture.format.name
        plane: Any = picture.planes[0]
        kind = _Kind(name, picture.width, picture.height, picture.color_range == FULL_RANGE, plane.line_size)
        if kind != self._kind or len(self._times) == _TOGETHER:
            self.flush()
        if kind != self._kind:
            self._prepare(kind)
        luma = np.frombuffer(plane, self._samples.dtype)
        luma.take(self._places, out=self._samples[len(self._times)], mode="clip")
        self._times.append(time_seconds)

    def flush(self) -> None:
        """Show what was gathered."""
        if not self._times:
            return
        met: NDArray[Any] = cast("Any", self._samples[: len(self._times)]).reshape(-1, _ROWS, _COLUMNS)
        sums = met[:, ::2, ::2].astype(np.uint16)
        for row, column in ((0, 1), (1, 0), (1, 1)):
            sums += met[:, row::2, column::2]
        kind = self._kind
        mean = sums >> _LUMA_BITS[kind.format_name] - 6
        full = kind.full_range or kind.format_name.startswith(("yuvj", "gray"))
        # A damaged picture may hold more than the ten bits that it claims.
        mean = np.minimum(mean, 255)
        tones = self._tones()
        if tones is not None and tones.is_hdr:
            greys = grey_table(tones, full_range=full).take(mean)
        else:
            greys = mean.astype(np.uint8) if full else _STRETCHED.take(mean)
        times, self._times = self._times, []
        for time_seconds, grey in zip(times, greys, strict=True):
            self._watcher(time_seconds, grey)

    def _prepare(self, kind: _Kind) -> None:
        self._kind = kind
        dtype = np.dtype(np.uint8 if _LUMA_BITS[kind.format_name] == 8 else "<u2")
        rows = _middles(_ROWS, kind.height) * (kind.line_bytes // dtype.itemsize)
        self._places = (rows[:, None] + _middles(_COLUMNS, kind.width)).ravel()
        self._samples = np.empty((_TOGETHER, len(self._places)), dtype)

    def _luma_of(self, picture: VideoFrame) -> VideoFrame:
        """A picture in any other format, as luma and no larger than is looked at."""
        return scale(
            self._scaler,
            picture,
            width=_COLUMNS,
            height=_ROWS,
            interpolation=Interpolation.FAST_BILINEAR,
            matrix=matrix_of(picture),
            pixel_format="gray",
        )


def _middles(count: int, size: int) -> NDArray[np.intp]:
    """The places in the middle of `count` even parts of `size` pixels."""
    return ((np.arange(count) + 0.5) * size / count).astype(np.intp)
