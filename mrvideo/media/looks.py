"""Looking again: single frames from anywhere in a video."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mrvideo.media.content import steadily
from mrvideo.media.options import ReadOptions
from mrvideo.media.registry import open_video
from mrvideo.records import Box, Failure, Frame

_RUN_GAP_SECONDS = 12.0
"""Times further apart than this are reached by a new seek; nearer ones by decoding on (typical key frame
distance).
"""


class FrameSource:
    """Frames of one video at any times. Holds no open file, so threads may share it; pickles."""

    def __init__(self, path: str | Path, options: ReadOptions | None = None) -> None:
        self.path = str(path)
        self.options = options or ReadOptions()

    def showing(self, part: Box) -> FrameSource:
        """The same video, but only this part of the picture, in shares of the source: what is small gets all
        the pixels.
        """
        return FrameSource(self.path, replace(self.options, part=part))

    def uncropped(self) -> FrameSource:
        """The same video with its whole picture, black bars and all."""
        return FrameSource(self.path, replace(self.options, crop_bars=False, part=None))

    def at(self, times_seconds: Sequence[float]) -> list[Frame]:
        """The frame on screen at each time, in the order asked. A time that cannot be served is left out."""
        return self.look(times_seconds)[0]

    def look(self, times_seconds: Sequence[float]) -> tuple[list[Frame], tuple[Failure, ...]]:
        """As `at`, and the spans that were lost. Raises `VideoChanged` where the file is not what it was."""
        if not times_seconds:
            return [], ()

        def read() -> tuple[list[Frame], tuple[Failure, ...]]:
            found: dict[float, Frame] = {}
            with open_video(self.path, self.options) as video:
                for run in runs_of(sorted(set(times_seconds))):
                    found.update(video.read_at(run))
                lost = video.lost
            return [found[time] for time in times_seconds if time in found], lost

        options = self.options
        return steadily(
            self.path,
            options.content,
            read,
            allow_url=options.allow_url,
            allow_private=options.allow_private,
        )

    def check(self) -> None:
        """Raises `VideoChanged` where the path holds another content than it must, without decoding anything."""
        options = self.options
        if options.content is not None:
            options.content.check(self.path, allow_url=options.allow_url, allow_private=options.allow_private)


def runs_of(times: Sequence[float]) -> list[list[float]]:
    """Ascending times, in runs that are read by one seek each."""
    runs: list[list[float]] = []
    for time in times:
        if runs and time - runs[-1][-1] <= _RUN_GAP_SECONDS:
            runs[-1].append(time)
        else:
            runs.append([time])
    return runs
