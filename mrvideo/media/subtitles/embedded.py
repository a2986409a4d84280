"""Subtitle streams inside a container, and the container's clocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from mrvideo.media.subtitles.ass import event_of
from mrvideo.media.subtitles.karaoke import SubtitleEvent, grown, whole
from mrvideo.media.subtitles.languages import normalised
from mrvideo.media.subtitles.text import Line, plain_cue, spoken, unmarked

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.subtitles.codeccontext import SubtitleCodecContext
    from av.subtitles.stream import SubtitleStream

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
    undecoded_tracks: int
    first_frame_seconds: float
    start_seconds: float
    duration_seconds: float | None


def look_into(path: Path | str, *, clock: bool, allow_url: bool = False) -> Container:
    """The subtitle streams and clocks of a video. Raises the `VideoError` tree.

    The first picture is decoded for its time only where `clock` asks for it or a stream of text needs it.
    """
    from mrvideo.media.compat import closing, language_of
    from mrvideo.media.containers import open_container
    from mrvideo.media.joined import parts_of

    container = open_container(str(path), allow_url=allow_url)
    with closing(container):
        tracks: list[Track] = []
        pictures = undecoded = 0
        for stream in container.streams.subtitles:
            codec = cast("SubtitleCodecContext | None", stream.codec_context)
            if codec is None or (codec.name not in TEXT_CODECS and not codec.codec.bitmap_sub):
                undecoded += (
                    1  # TTML, teletext, ARIB, text of Blu-ray discs: FFmpeg lists them without a decoder
                )
            elif codec.name in TEXT_CODECS:
                language = normalised(tag) if (tag := language_of(stream)) and tag != "und" else None
                forced = bool(stream.disposition & stream.disposition.forced)
                default = bool(stream.disposition & stream.disposition.default)
                tracks.append(Track(stream.index, language, forced, default))
            else:
                pictures += 1
        start = (container.start_time or 0) / 1e6
        duration = container.duration / 1e6 if container.duration else None
        if parts := parts_of(str(path), allow_url=allow_url):
            duration = parts[-1].span.stop_seconds
        first = first_frame_seconds(container, str(path)) if clock or tracks else start
        return Container(tuple(tracks), pictures, undecoded, first, start, duration)


def read_track(path: Path | str, stream_index: int, *, allow_url: bool = False) -> tuple[list[Line], int]:
    """The lines of one text stream on the container's clock, and how many packets could not be read.

    A line whose length the container does not give has none.
    """
    from av.error import FFmpegError

    from mrvideo.media.compat import DECODE_ERRORS, closing, read_only
    from mrvideo.media.containers import open_container, packets_of

    container = open_container(str(path), allow_url=allow_url)
    with closing(container):
        stream = next(stream for stream in container.streams.subtitles if stream.index == stream_index)
        read_only(container, stream)
        codec = stream.codec_context.name  # Asked for now: a decoder that fails to open forgets it (PyAV 19).
        events: list[SubtitleEvent] = []
        unreadable = 0
        packets = packets_of(container, stream)
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
                events += _events(stream, codec, packet, round(start * 1000), round(stop * 1000))
            except DECODE_ERRORS:
                unreadable += 1
        return unmarked(grown(spoken(whole(events, [])))), unreadable


def _events(
    stream: SubtitleStream, codec: str, packet: Packet[SubtitleStream], start_ms: int, stop_ms: int
) -> Iterator[SubtitleEvent]:
    """Each line in a packet, plain. Raises `av.error.FFmpegError` or `UnicodeDecodeError`."""
    if codec == "webvtt":  # FFmpeg's decoder drops the voices; the packet still has them
        yield SubtitleEvent(start_ms, stop_ms, plain_cue(bytes(packet).decode("utf-8")))
        return
    for subtitle in stream.decode(packet):  # pyright: ignore[reportUnknownMemberType]
        dialogue = getattr(subtitle, "ass", b"").decode("utf-8", errors="replace")
        # ReadOrder, Layer, Style, Name, MarginL, MarginR, MarginV, Effect, Text
        fields = dialogue.split(",", 8)
        if len(fields) < 9:
            continue
        if codec in ("ass", "ssa"):
            _, _, style, speaker, _, _, _, effect, text = fields
            yield event_of(start_ms, stop_ms, text, style=style, speaker=speaker, effect=effect)
        else:
            yield SubtitleEvent(start_ms, stop_ms, plain_cue(fields[8]))


def first_frame_seconds(container: InputContainer, path: str) -> float:
    """Presentation time of the first picture, where the video's own clock is zero. Raises the `VideoError`
    tree.
    """
    from av.error import FFmpegError

    from mrvideo.media.compat import must_begin_at_key
    from mrvideo.media.containers import choose_video, packets_of
    from mrvideo.media.track import timestamp_of

    stream = choose_video(container, path)
    awaits_key = must_begin_at_key(stream.codec_context.codec.canonical_name)
    try:
        for packet in packets_of(container, stream):
            awaits_key = awaits_key and not packet.is_keyframe
            for frame in () if awaits_key else packet.decode():
                timestamp = timestamp_of(frame)
                if timestamp is not None:
                    return float(timestamp * (frame.time_base or 0))
    except FFmpegError:
        pass  # broken at the start: the stream's own word must do
    return float((stream.start_time or 0) * (stream.time_base or 0))
