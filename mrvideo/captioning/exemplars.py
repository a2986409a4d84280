"""Exemplar frames for the cast's cards: fetched from the video when a call needs them, the last few kept."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial

from mrvideo.errors import VideoChanged, VideoError
from mrvideo.mapreduce import decode
from mrvideo.media.looks import FrameSource
from mrvideo.records import Frame, Shot, crops_of

_KEPT = 1000
"""Frames held at once, some 40 MB: all of an hour's cast, and no more for ten hours."""


class Exemplars:
    """Frames by time. Lives on the event-loop thread; decoding happens on the decoding threads."""

    def __init__(self, source: FrameSource) -> None:
        self._source = source
        self._frames: OrderedDict[float, Frame] = OrderedDict()

    def crop_as(self, shots: Iterable[Shot]) -> None:
        """From now on fetch frames as the shots were cropped."""
        options = replace(self._source.options, crops=crops_of(shots))
        self._source = FrameSource(self._source.path, options)

    def keep(self, time_seconds: float, frame: Frame) -> None:
        """Hold a frame that a shard has decoded anyway; the same pixels as fetching it would give."""
        self._frames[time_seconds] = frame
        self._frames.move_to_end(time_seconds)
        while len(self._frames) > _KEPT:
            self._frames.popitem(last=False)

    async def at(self, times_seconds: Iterable[float]) -> dict[float, Frame]:
        """The frames at these times; a time that cannot be served is missing."""
        times = sorted(set(times_seconds))
        missing = [time for time in times if time not in self._frames]
        fetched = await asyncio.wrap_future(decode(partial(self._fetch, missing))) if missing else {}
        found = {time: fetched.get(time) or self._frames.get(time) for time in times}
        served = {time: frame for time, frame in found.items() if frame is not None}
        for time, frame in served.items():
            self.keep(time, frame)
        return served

    def _fetch(self, times: Sequence[float]) -> dict[float, Frame]:
        try:
            frames = self._source.at(times)
            if len(frames) == len(times):
                return dict(zip(times, frames, strict=True))
            # One of them is out of reach, and the list does not say which.
            return {time: frame for time in times for frame in self._source.at([time])}
        except VideoChanged:
            raise
        except (VideoError, OSError):
            # The cards still have their descriptions.
            return {}
