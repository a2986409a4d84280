"""Chapters that a video file brings, and others written into a copy of it: streams are copied, nothing is encoded anew."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error

from mrvideo.errors import InputError, VideoError
from mrvideo.files import fills_disk, not_written, replacing
from mrvideo.media.containers import open_container, packets_of
from mrvideo.records import GivenChapter
from mrvideo.wording import plain

TitledSpan = tuple[float, float, str]
"""Start and stop in seconds, and a title."""

_LONGEST_TITLE = 300


def read_chapters(
    path: str, *, allow_url: bool = False, allow_private: bool = False
) -> tuple[GivenChapter, ...]:
    """The chapters that the container names, in order of start; one without a title is `Chapter 2`, by its
    place. Times count from the container's start. Raises the `VideoError` tree.
    """
    opened = open_container(path, allow_url=allow_url, allow_private=allow_private)
    with opened:
        # PyAV's types of chapters are only partly known.
        source: Any = opened
        rows: list[tuple[float, float, str]] = sorted(
            (
                max(float(one["start"] * one["time_base"]), 0.0),
                max(float(one["end"] * one["time_base"]), 0.0),
                plain(str(one["metadata"].get("title") or "")).strip()[:_LONGEST_TITLE],
            )
            for one in source.chapters()
        )
    return tuple(
        GivenChapter(start_seconds=start, stop_seconds=stop, title=title or f"Chapter {place}")
        for place, (start, stop, title) in enumerate(rows, 1)
        if start <= stop
    )


def write_chapters(
    path: str,
    target: Path,
    chapters: Sequence[TitledSpan],
    *,
    allow_url: bool = False,
    allow_private: bool = False,
) -> None:
    """Copy the file with these chapters in the place of its own. Times count from the container's start, as
    those of spans do.

    Raises `InputError` where the target exists or its container holds no chapters, `VideoError` where the
    file cannot be copied, `NotWritten` where the disk is full.
    """
    if target.exists():
        raise InputError(f"{target} exists already; name another file, or remove it")
    try:
        source = open_container(path, allow_url=allow_url, allow_private=allow_private)
        with replacing(target) as made, source, closing(av.open(str(made), "w")) as opened:
            # PyAV's types of what is written are only partly known.
            copy: Any = opened
            kept = [s for s in source.streams if s.type in ("video", "audio", "subtitle")]
            streams = {s.index: copy.add_stream_from_template(s) for s in kept}
            copy.set_chapters(
                [
                    {
                        "id": place,
                        "start": round(start * 1000),
                        "end": round(stop * 1000),
                        "time_base": Fraction(1, 1000),
                        "metadata": {"title": title},
                    }
                    for place, (start, stop, title) in enumerate(chapters)
                ]
            )
            for packet in packets_of(source, *kept):
                if packet.dts is None:
                    continue
                number = packet.stream.index
                packet.stream = streams[number]
                copy.mux(packet)
    except (av.error.FFmpegError, ValueError, OSError) as error:
        told = f"{path}: chapters cannot be written into {target}"
        if isinstance(error, OSError) and fills_disk(error):
            raise not_written(told, error, way_out="") from error
        raise VideoError(f"{told}: {error}") from error
