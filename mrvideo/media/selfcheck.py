"""A film made on the spot, to find out whether this installation can read one."""

from __future__ import annotations

import io
import tempfile
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageDraw, ImageFont

from mrvideo.errors import DecodeError
from mrvideo.media.options import ReadOptions
from mrvideo.media.registry import open_video
from mrvideo.records import Frame

_SIZE = (320, 96)
_FRAMES_PER_SECOND = 5


def film_of(text: str) -> bytes:
    """A second of MP4 that shows the text, black on white."""
    picture = Image.new("RGB", _SIZE, "white")
    font = ImageFont.load_default(size=40)
    ImageDraw.Draw(picture).text((_SIZE[0] / 2, _SIZE[1] / 2), text, "black", font=font, anchor="mm")
    file = io.BytesIO()
    frames: Any = av.VideoFrame
    # PyAV's types leave out what writing needs.
    opened: Any = av.open(file, "w", format="mp4")
    with opened as container:
        # FFmpeg's own encoder: it is in every build.
        stream = container.add_stream("mpeg4", rate=_FRAMES_PER_SECOND)
        stream.width, stream.height, stream.pix_fmt = *_SIZE, "yuv420p"
        stream.bit_rate = 1_000_000
        for number in range(_FRAMES_PER_SECOND):
            frame = frames.from_image(picture)
            frame.pts, frame.time_base = number, Fraction(1, _FRAMES_PER_SECOND)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


def frame_of(film: bytes, options: ReadOptions) -> Frame:
    """A frame from its middle, through the reader that the options name. Raises the VideoError tree."""
    with tempfile.TemporaryDirectory(prefix="mrvideo-") as folder:
        path = Path(folder) / "film.mp4"
        path.write_bytes(film)
        with open_video(path, options) as video:
            frames = [frame for _, frame in video.read_at([0.5])]
    if not frames:
        raise DecodeError("a film made on the spot was opened, but gave no picture; reinstall av")
    return frames[0]
