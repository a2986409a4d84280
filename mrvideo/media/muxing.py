"""Pictures and sound that came as files of their own, as one file: packets are copied, nothing is encoded."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import av
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from mrvideo.errors import DecodeError
from mrvideo.mapreduce.event_loop import check_going_on
from mrvideo.media.containers import open_container, packets_of

_BETWEEN_LOOKS = 512


def joined(parts: Sequence[Path], target: Path) -> None:
    """Write the first video and audio stream of the parts, in order of time, as a Matroska file.

    Raises the VideoError tree. The target is whole, or as it was.
    """
    new = target.with_suffix(".joining")
    try:
        _write(parts, new)
        new.replace(target)
    except (FFmpegError, ValueError) as error:
        raise DecodeError(
            f"{target.name}: its pictures and sound cannot be put into one file: {error}"
        ) from error
    finally:
        with suppress(OSError):
            new.unlink(missing_ok=True)


def _write(parts: Sequence[Path], target: Path) -> None:
    with ExitStack() as stack:
        # Named as a file: a colon in a folder's name is no protocol.
        output: Any = av.open(f"file:{target.absolute()}", "w", format="matroska")
        stack.callback(output.close)
        streams: list[Iterator[tuple[float, int, Packet[Any]]]] = []
        taken: set[str] = set()
        for part in parts:
            source = stack.enter_context(closing(open_container(str(part))))
            for stream in source.streams:
                if isinstance(stream, VideoStream | AudioStream) and stream.type not in taken:
                    taken.add(stream.type)
                    written = output.add_stream_from_template(stream)
                    streams.append(_packets(packets_of(source, stream), written, len(streams)))
                    break
        for number, (_, _, packet) in enumerate(heapq.merge(*streams)):
            if number % _BETWEEN_LOOKS == 0:
                check_going_on()
            output.mux(packet)


def _packets(
    packets: Iterator[Packet[Any]], written: Stream, place: int
) -> Iterator[tuple[float, int, Packet[Any]]]:
    """With each packet the time by which it is needed, never before the one that came before."""
    at = 0.0
    for packet in packets:
        if packet.dts is None:
            continue
        at = max(at, float(packet.dts * packet.time_base))
        packet.stream = written
        yield at, place, packet
