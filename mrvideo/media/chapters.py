"""Chapters written into a copy of a video file: its streams are copied, nothing is encoded anew."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error

from mrvideo.errors import InputError, VideoError
from mrvideo.media.containers import open_container, packets_of

TitledSpan = tuple[float, float, str]
"""Start and stop in seconds, and a title."""


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
    file cannot be copied.
    """
    if target.exists():
        raise InputError(f"{target} exists already; name another file, or remove it")
    made = target.with_name(f".{target.stem}.part{target.suffix}")
    try:
        source = open_container(path, allow_url=allow_url, allow_private=allow_private)
        with source, closing(av.open(str(made), "w")) as opened:
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
        made.replace(target)
    except (av.error.FFmpegError, ValueError, OSError) as error:
        raise VideoError(f"{path}: chapters cannot be written into {target}: {error}") from error
    finally:
        made.unlink(missing_ok=True)
