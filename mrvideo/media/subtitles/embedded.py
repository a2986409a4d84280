"""Subtitle streams inside a container, and the container's clocks."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mrvideo.errors import NoVideoStream, VideoError
from mrvideo.media.subtitles.languages import normalised
from mrvideo.media.subtitles.text import Line, plain, spoken

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.subtitles.stream import SubtitleStream
    from av.video.stream import VideoStream

TEXT_CODECS = frozenset({"mov_text", "subrip", "srt", "ass", "ssa", "webvtt", "text"})


@dataclass(frozen=True, slots=True)
class Track:
    """One subtitle stream of text, as its container describes it."""

    stream_index: int
    language: str | None
    forced: bool
    default: bool


@dataclass(frozen=True, slots=True)
class Container:
    """What a subtitle reader must know of a video file. Times are on the container's own clock."""

    tracks: tuple[Track, ...]
    picture_tracks: int
    first_frame_seconds: float
    start_seconds: float
    duration_seconds: float | None


def look_into(path: Path | str) -> Container:
    """The subtitle streams and clocks of a video. Raises the `VideoError` tree."""
    with opened(path) as container:
        tracks: list[Track] = []
        pictures = 0
        for stream in container.streams.subtitles:
            if stream.codec_context.name in TEXT_CODECS:
                disposition = stream.disposition
                language = normalised(tag) if (tag := stream.language) and tag != "und" else None
                forced, default = (
                    bool(disposition & disposition.forced),
                    bool(disposition & disposition.default),
                )
                tracks.append(Track(stream.index, language, forced, default))
            else:
                pictures += 1
        start = (container.start_time or 0) / 1e6
        duration = container.duration / 1e6 if container.duration else None
        return Container(tuple(tracks), pictures, first_frame_seconds(container), start, duration)


def read_track(path: Path | str, stream_index: int) -> tuple[list[Line], int]:
    """The lines of one text stream on the container's clock, and how many packets could not be read.

    A line whose length the container does not give has none.
    """
    from av.error import FFmpegError

    with opened(path) as container:
        stream = next(stream for stream in container.streams.subtitles if stream.index == stream_index)
        _skip_the_others(container, stream)
        lines: list[Line] = []
        unreadable = 0
        packets = iter(container.demux(stream))
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except FFmpegError:
                unreadable += 1  # the file breaks off here
                break
            if packet.size == 0 or packet.pts is None:
                continue
            start = float(packet.pts * packet.time_base)
            stop = start + float((packet.duration or 0) * packet.time_base)
            try:
                texts = _texts(stream, packet)
            except (FFmpegError, UnicodeDecodeError):
                unreadable += 1
                continue
            lines += [
                Line(round(start * 1000), round(stop * 1000), text, speaker)
                for speaker, text in texts
                if text
            ]
        return spoken(lines), unreadable


def _texts(stream: SubtitleStream, packet: Packet[SubtitleStream]) -> list[tuple[str | None, str]]:
    """Speaker and plain text of each line in a packet. Raises `av.error.FFmpegError` or `UnicodeDecodeError`."""
    codec = stream.codec_context.name
    if codec == "webvtt":  # FFmpeg's decoder drops the voices; the packet still has them
        return [(None, plain(bytes(packet).decode("utf-8"), braces_are_markup=False))]
    texts: list[tuple[str | None, str]] = []
    for subtitle in stream.decode(packet):  # pyright: ignore[reportUnknownMemberType]
        dialogue = getattr(subtitle, "ass", b"").decode("utf-8", errors="replace")
        # ReadOrder, Layer, Style, Name, MarginL, MarginR, MarginV, Effect, Text
        fields = dialogue.split(",", 8)
        if len(fields) == 9:
            in_ass = codec in ("ass", "ssa")
            texts.append(((in_ass and fields[3].strip()) or None, plain(fields[8], braces_are_markup=in_ass)))
    return texts


def _skip_the_others(container: InputContainer, stream: SubtitleStream) -> None:
    """Pictures and sound need not be read off the disk, where this PyAV can leave them out."""
    import av.stream as streams

    discard = getattr(streams, "Discard", None)
    if discard is not None:
        for other in container.streams:
            if other.index != stream.index:
                other.discard = discard.all


@contextmanager
def opened(path: Path | str) -> Generator[InputContainer]:
    """The container, closed afterwards. Raises `VideoError`."""
    import av
    from av.error import FFmpegError

    try:
        container = av.open(str(path), mode="r", metadata_errors="replace")
    except (FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"{path}: cannot be opened as a video ({error})") from error
    with container:
        yield container


def first_frame_seconds(container: InputContainer) -> float:
    """Presentation time of the first picture: where the video's own clock is zero. Raises `NoVideoStream`."""
    from av.error import FFmpegError

    stream = _moving_pictures(container)
    try:
        for frame in container.decode(stream):
            if frame.pts is None:
                continue
            return float(frame.time)
    except FFmpegError:
        pass  # broken at the start: the stream's own word must do
    if stream.start_time is None or stream.time_base is None:
        return 0.0
    return float(stream.start_time * stream.time_base)


def _moving_pictures(container: InputContainer) -> VideoStream:
    for stream in container.streams.video:
        if not stream.disposition & stream.disposition.attached_pic:
            return stream
    raise NoVideoStream(f"{container.name}: it holds no moving pictures")
