"""A Reader over a joined recording: each part in its own reader, on one clock."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mrvideo.errors import VideoError
from mrvideo.media.joined.parts import Part
from mrvideo.media.options import ReadOptions
from mrvideo.media.pyav import PyAVReader
from mrvideo.media.reader import Grey, Reader, Watcher
from mrvideo.media.sparse import SAME_SECONDS, Wanted
from mrvideo.records import Failure, Frame, VideoInfo, clock

_MOST_NAMED = 3
_TAIL_SECONDS = 1e-3
"""So shortly before its end a part is asked once more, so that a watcher sees all of it."""


class JoinedReader(Reader):
    """A Reader over the parts of a recording, on one clock. One part is open at a time; `sparse` as for each
    of them.
    """

    def __init__(
        self, path: str, parts: Sequence[Part], options: ReadOptions | None = None, *, sparse: bool = True
    ) -> None:
        self._sparse = sparse
        self._path = path
        self._options = options or ReadOptions()
        self._parts = parts
        self._starts = [part.span.start_seconds for part in parts]
        self._open: tuple[Part, PyAVReader] | None = None
        self._lost: dict[Failure, None] = {}

    @property
    def info(self) -> VideoInfo:
        infos = [part.info for part in self._parts if part.info is not None]
        return infos[0].model_copy(
            update={
                "duration_seconds": self._parts[-1].span.stop_seconds,
                "has_audio": any(info.has_audio for info in infos),
                "size_bytes": self._parts[-1].byte_ranges[-1][1],
                "notes": tuple(dict.fromkeys([_note(self._parts), *(n for i in infos for n in i.notes)])),
            }
        )

    @property
    def lost(self) -> tuple[Failure, ...]:
        self._note_losses()
        return tuple(sorted(self._lost, key=lambda failure: failure.start_seconds))

    def read_at(
        self, times_seconds: Sequence[float], *, watcher: Watcher | None = None
    ) -> Iterator[tuple[float, Frame]]:
        return self._serve(Wanted(times_seconds).times, watcher)

    def close(self) -> None:
        if self._open is not None:
            self._note_losses()
            video, self._open = self._open[1], None
            video.close()

    def _serve(self, times: list[float], watcher: Watcher | None) -> Iterator[tuple[float, Frame]]:
        if not times:
            return
        asked: dict[int, list[float]] = {}
        for time in times:
            asked.setdefault(max(0, bisect_right(self._starts, time + SAME_SECONDS) - 1), []).append(time)
        first, last = min(asked), max(asked)
        for number in range(first, last + 1):
            part, in_part = self._parts[number], asked.get(number, [])
            if watcher is None:
                if in_part:
                    yield from self._serve_from(part, in_part, None)
                continue
            # A watcher sees all from the first time to the last one: parts between them from their start, and
            # to their end.
            start, stop = part.span.start_seconds, part.span.stop_seconds - _TAIL_SECONDS
            lead = [start] if number > first and start not in in_part[:1] else []
            tail = [stop] if number < last and stop > max(in_part, default=start) else []
            for time, frame in self._serve_from(part, [*lead, *in_part, *tail], watcher):
                if time in in_part:
                    yield time, frame

    def _serve_from(
        self, part: Part, times: list[float], watcher: Watcher | None
    ) -> Iterator[tuple[float, Frame]]:
        start = part.span.start_seconds
        if part.info is None:
            self._lose(part, part.reason)
            return
        try:
            video = self._opened(part)
        except VideoError as error:
            self._lose(part, str(error))
            return

        def moved(time_seconds: float, grey: Grey) -> None:
            if watcher is not None:
                watcher(start + time_seconds, grey)

        # Before the first part there is nothing, before the others there is the one before.
        own = [time - start if start == 0 else max(0.0, time - start) for time in times]
        left = iter(zip(own, times, strict=True))
        for found, frame in video.read_at(own, watcher=moved if watcher is not None else None):
            asked = next(time for own_time, time in left if own_time == found)
            yield asked, replace(frame, time_seconds=start + frame.time_seconds)

    def _opened(self, part: Part) -> PyAVReader:
        if self._open is None or self._open[0] is not part:
            self.close()
            self._open = (
                part,
                PyAVReader(self._path, self._options, sparse=self._sparse, byte_ranges=part.byte_ranges),
            )
        return self._open[1]

    def _note_losses(self) -> None:
        if self._open is None:
            return
        part, video = self._open
        start = part.span.start_seconds
        for failure in video.lost:
            stop_seconds = start + failure.stop_seconds
            if part is not self._parts[-1]:
                stop_seconds = min(stop_seconds, part.span.stop_seconds)
            if (start_seconds := start + failure.start_seconds) <= stop_seconds:
                moved = {"start_seconds": start_seconds, "stop_seconds": stop_seconds}
                self._lost[failure.model_copy(update=moved)] = None

    def _lose(self, part: Part, reason: str) -> None:
        self._lost[Failure.of(part.span, "decode", reason, final=True)] = None


def _note(parts: Sequence[Part]) -> str:
    named = [clock(part.span.start_seconds) for part in parts[1 : 1 + _MOST_NAMED]]
    more = " and so on" if len(parts) > 1 + _MOST_NAMED else ""
    return (
        f"the recording's clock starts anew at {', '.join(named)}{more}: "
        f"its {len(parts)} parts are read one after the other"
    )
