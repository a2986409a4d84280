"""What is cut: a video's recordings, each one recording with one clock, and their pictures with the time each
stays on screen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from av.video.frame import VideoFrame

from mrvideo.errors import DecodeError
from mrvideo.media import joined
from mrvideo.media.decode_errors import Losses
from mrvideo.media.decoding import Pass
from mrvideo.media.options import ReadOptions
from mrvideo.media.probing import describe, first_picture
from mrvideo.media.sources import ByteRanges
from mrvideo.media.sparse import SAME_SECONDS, Wanted
from mrvideo.media.track import Track
from mrvideo.records import Span, clock

_SLACK_SECONDS = 0.5
"""By so much a stated end may pass the last picture's own without anything being missing."""


class SourceSpan(NamedTuple):
    """A span on the clock of one recording, which is all of the file or, of a joined one, some bytes of it."""

    span: Span
    byte_ranges: ByteRanges | None = None
    offset_seconds: float = 0.0


class Shown(NamedTuple):
    """A picture and when it is on screen, in seconds on the recording's clock."""

    start_seconds: float
    stop_seconds: float
    picture: VideoFrame


def source_spans(path: str, span: Span, reading: ReadOptions) -> list[SourceSpan]:
    """The recordings that a span runs through. Raises `DecodeError` where one of them cannot be read."""
    parts = joined.parts_of(path, allow_url=reading.allow_url, allow_private=reading.allow_private)
    if not parts:
        return [SourceSpan(span)]
    found: list[SourceSpan] = []
    for part in parts:
        shared = span.intersection(part.span)
        if shared is None or shared.duration_seconds <= 0:
            continue
        if part.info is None:
            raise DecodeError(f"{path} at {clock(shared.start_seconds)}: {part.reason}; cut beside it")
        offset = part.span.start_seconds
        own = Span(shared.start_seconds - offset, shared.stop_seconds - offset)
        found.append(SourceSpan(own, part.byte_ranges, offset))
    return found


class Film:
    """One recording, open for its pictures. Close it."""

    def __init__(self, path: str, source: SourceSpan, reading: ReadOptions) -> None:
        self.path = path
        self.source = source
        self._losses = Losses()
        self.track = Track(path, self._losses, reading, byte_ranges=source.byte_ranges)
        try:
            self.first = first_picture(self.track, self._losses)
            self.info = describe(self.track, self.first)
        except BaseException:
            self.close()
            raise

    @property
    def origin_seconds(self) -> float:
        """Where the recording's clock begins on its container's."""
        return float(self.track.origin_pts * (self.track.stream.time_base or 0))

    def close(self) -> None:
        """Let go of the file."""
        self.track.close()

    def shown(self, go_on: Callable[[], None]) -> Iterator[Shown]:
        """The pictures on screen in the span, the first and the last one's stay cut to it.

        `go_on` is called for each picture that is decoded, also before the span, and stops the work by what
        it raises. Raises `DecodeError` where some of the span cannot be decoded.
        """
        span, track = self.source.span, self.track
        walk = Pass(track, Wanted([span.start_seconds, span.stop_seconds]), self._losses, sparse=False)
        held: tuple[float, VideoFrame] | None = None
        for start, picture in walk.pictures():
            go_on()
            if held is not None and start > span.start_seconds + SAME_SECONDS:
                self._check_whole(held[0])
                yield Shown(max(held[0], span.start_seconds), min(start, span.stop_seconds), held[1])
            held = (start, picture)
            if start >= span.stop_seconds - SAME_SECONDS:
                self._check_whole(span.stop_seconds)
                return
        if held is None:
            raise DecodeError(f"{self.path}: no picture could be decoded in {self._told(span)}")
        longest = max(track.length_of(held[1]), 1.5 * walk.order.widest_gap()) + _SLACK_SECONDS
        stays = self.info.duration_seconds - held[0] <= longest
        end = max(self.info.duration_seconds if stays else held[0] + longest, held[0] + track.frame_seconds)
        if end < span.stop_seconds - SAME_SECONDS:
            at = clock(self.source.offset_seconds + held[0])
            raise DecodeError(
                f"{self.path} breaks off at {at}, before {self._told(span)} ends; cut before it"
            )
        self._check_whole(span.stop_seconds)
        yield Shown(max(held[0], span.start_seconds), span.stop_seconds, held[1])

    def _check_whole(self, until_seconds: float) -> None:
        span = self.source.span
        for failure in self._losses.failures():
            if (
                failure.start_seconds < min(until_seconds, span.stop_seconds)
                and failure.stop_seconds > span.start_seconds
            ):
                at = clock(self.source.offset_seconds + failure.start_seconds)
                raise DecodeError(
                    f"{self.path} at {at}: {failure.reason}; {self._told(span)} cannot be cut whole, cut before or after it"
                )

    def _told(self, span: Span) -> str:
        offset = self.source.offset_seconds
        return str(Span(span.start_seconds + offset, span.stop_seconds + offset))
