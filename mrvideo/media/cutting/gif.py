"""A span as an animated GIF, of a bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from PIL import Image

from mrvideo.errors import DecodeError
from mrvideo.files import not_written
from mrvideo.media import sources
from mrvideo.media.cutting.new_file import new_file
from mrvideo.media.images import open_image
from mrvideo.media.options import ReadOptions
from mrvideo.media.registry import open_video
from mrvideo.records import Span

GIF_LONG_SIDE_PIXELS = 480
GIF_PICTURES_PER_SECOND = 10.0
GIF_MOST_PICTURES = 300
_TICK_MILLISECONDS = 10
"""GIF counts in hundredths of a second."""


def cut_gif(
    path: str, span: Span, target: Path, reading: ReadOptions | None = None, *, overwrite: bool = False
) -> None:
    """The span's pictures, at most 480 pixels long, ten a second and 300 in all: a longer span has fewer a
    second, at its own speed.

    Raises `InputError` where the target exists, `DecodeError` where the span cannot be decoded, `NotWritten`
    where the disk is full.
    """
    path, reading = sources.named(path), reading or ReadOptions()
    small = replace(reading, long_side_pixels=GIF_LONG_SIDE_PIXELS, jpeg_quality=95, keyframes_only=False)
    count = max(1, min(GIF_MOST_PICTURES, round(span.duration_seconds * GIF_PICTURES_PER_SECOND)))
    times = [span.start_seconds + place * span.duration_seconds / count for place in range(count)]
    total = max(1, round(span.duration_seconds * 1000 / _TICK_MILLISECONDS))
    borders = [round(place * total / count) for place in range(count + 1)]
    stays = [_TICK_MILLISECONDS * max(1, b - a) for a, b in pairwise(borders)]
    with new_file(target, overwrite=overwrite) as made, open_video(path, small) as video:

        def pictures() -> Iterator[Image.Image]:
            given = 0
            for _, frame in video.read_at(times):
                given += 1
                yield open_image(frame).quantize(colors=256, method=Image.Quantize.FASTOCTREE)
            if given != count:
                raise DecodeError(
                    f"{path}: some pictures of {span} cannot be decoded; cut before or after it"
                )

        shown = pictures()
        first = next(shown, None)
        if first is None:
            raise DecodeError(f"{path}: no picture could be decoded in {span}")
        try:
            first.save(
                made, format="GIF", save_all=True, append_images=shown, duration=stays, loop=0, disposal=1
            )
        except OSError as error:
            way_out = "name another folder"
            raise not_written(f"{target} cannot be written", error, way_out=way_out) from error
