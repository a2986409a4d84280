"""The process in which decord runs: requests on standard input, replies and JPEG bytes on standard output."""

from __future__ import annotations

import io
import json
import os
import sys
from bisect import bisect_right
from importlib import import_module
from itertools import pairwise
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from mrvideo.media.bars import Bars
from mrvideo.media.grey import GREY_HEIGHT, GREY_WIDTH
from mrvideo.media.images import encode_jpeg, fit_within
from mrvideo.media.options import ReadOptions
from mrvideo.media.sparse import SAME_SECONDS
from mrvideo.records import WHOLE, Box

REOPEN_AFTER_FRAMES = 3000
"""decord holds on to memory while it reads; a new reader gives it back."""


class Decord:
    """One file in decord. Frames are found by its table of timestamps, never by index ÷ rate."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._decord: Any = import_module("decord")
        self._decord.logging.set_level(self._decord.logging.ERROR)
        self._settings = settings
        width, height = settings["size"]
        crops = settings["crops"]
        self._options = ReadOptions(
            long_side_pixels=settings["long_side_pixels"],
            crop_bars=settings["crop_bars"],
            crops=crops and tuple((start, Box(*sides)) for start, sides in crops),
            part=settings["part"] and Box(*settings["part"]),
        )
        self._bars = Bars()
        # What is cut before scaling comes at full size.
        cuts = self._options.crop_bars or self._options.part
        self._size = (width, height) if cuts else fit_within(width, height, self._options.pixels)
        self._open()
        table = np.asarray(self._reader.get_frame_timestamp(range(len(self._reader))), dtype=float)
        self.starts: list[float] = (table[:, 0] - table[0, 0]).tolist()

    def _open(self) -> None:
        width, height = self._size
        self._reader: Any = self._decord.VideoReader(
            self._settings["path"], ctx=self._decord.cpu(0), width=width, height=height, num_threads=1
        )
        self._served = 0

    def picture(self, index: int) -> Image.Image:
        """The frame of that place in the table."""
        if self._served >= REOPEN_AFTER_FRAMES:
            self._open()
        self._served += 1
        return Image.fromarray(self._reader.get_batch([index]).asnumpy()[0])

    def cut(self, picture: Image.Image, time_seconds: float) -> tuple[Image.Image, Box]:
        """The part of the picture that is asked for, scaled; and which it is."""
        box = self._options.crop_at(time_seconds)
        if box is None:
            box = self._bars.box(np.asarray(picture.convert("L")), 0)
        width, height = picture.size
        pixels = (
            round(box.left * width),
            round(box.top * height),
            round(box.right * width),
            round(box.bottom * height),
        )
        part = picture if box == WHOLE else picture.crop(pixels)
        size = fit_within(*part.size, self._options.pixels)
        return part if size == part.size else part.resize(size, Image.Resampling.BOX), box

    def index_at(self, time_seconds: float) -> int:
        """Which frame is shown at the time."""
        return max(0, bisect_right(self.starts, time_seconds + SAME_SECONDS) - 1)


def serve(settings: dict[str, Any], requests: io.TextIOBase, replies: BinaryIO) -> None:
    """Answer until the requests end."""

    mark: dict[str, int] = {}

    def send(head: dict[str, Any], data: bytes = b"") -> None:
        replies.write(json.dumps({**head, **mark, "bytes": len(data)}).encode() + b"\n" + data)
        replies.flush()

    try:
        video = Decord(settings)
    except (RuntimeError, OSError, ValueError, IndexError) as error:
        send({"error": _line(error)})
        return
    starts = video.starts
    if any(b <= a for a, b in pairwise(starts)):
        send({"refused": "its table of timestamps is not in order"})
        return
    send({"ready": True})
    for line in requests:
        request = json.loads(line)
        mark["id"] = request["id"]
        try:
            _answer(video, request, settings, send)
            send({"done": True})
        except (RuntimeError, OSError, ValueError, IndexError) as error:
            send({"error": _line(error)})


def _answer(video: Decord, request: dict[str, Any], settings: dict[str, Any], send: Any) -> None:
    times: list[float] = request["times"]
    stop_seconds: float = settings["stop_seconds"]
    inside = [time for time in times if time < stop_seconds]
    asked: dict[int, list[float]] = {}
    for time in inside:
        asked.setdefault(video.index_at(time), []).append(time)
    indexes = sorted(asked)
    if request["watch"] and indexes:
        indexes = list(range(indexes[0], indexes[-1] + 1))
    for index in indexes:
        picture = video.picture(index)
        if request["watch"]:
            grey = picture.convert("L").resize((GREY_WIDTH, GREY_HEIGHT), Image.Resampling.BOX)
            send({"grey": video.starts[index]}, grey.tobytes())
        if index in asked:
            part, box = video.cut(picture, video.starts[index])
            jpeg = encode_jpeg(part, quality=settings["jpeg_quality"])
            crop = [box.left, box.top, box.right, box.bottom]
            head = {"time": video.starts[index], "width": part.width, "height": part.height, "crop": crop}
            for time in asked[index]:
                send({**head, "asked": time}, jpeg)
    if len(inside) < len(times):
        send({"lost": [stop_seconds, times[-1] + 0.04], "reason": "past the end of the video"})


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]


def main() -> None:
    """Keep standard output for replies: what the library prints goes to standard error."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(json.loads(sys.argv[1]), sys.stdin, replies)  # pyright: ignore[reportArgumentType]


if __name__ == "__main__":
    main()
