"""Pictures and sound that came as files of their own, as one file: packets are copied, nothing is encoded."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import av
from av.error import FFmpegError

from mrvideo.errors import DecodeError
from mrvideo.mapreduce.event_loop import check_going_on
from mrvideo.media.containers import open_container

_KINDS = ("video", "audio")
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
        output: Any = stack.enter_context(av.open(str(target), "w", format="matroska"))
        streams: list[Iterator[tuple[float, int, Any]]] = []
        taken: set[str] = set()
        for part in parts:
            source: Any = stack.enter_context(open_container(str(part)))
            for stream in source.streams:
                if stream.type in _KINDS and stream.type not in taken:
                    taken.add(stream.type)
                    streams.append(
                        _packets(source, stream, output.add_stream_from_template(stream), len(streams))
                    )
                    break
        for number, (_, _, packet) in enumerate(heapq.merge(*streams)):
            if number % _BETWEEN_LOOKS == 0:
                check_going_on()
            output.mux(packet)


def _packets(source: Any, stream: Any, written: Any, place: int) -> Iterator[tuple[float, int, Any]]:
    at = 0.0
    for packet in source.demux(stream):
        if packet.dts is None:
            continue
        at = max(at, float(packet.dts * packet.time_base))
        packet.stream = written
        yield at, place, packet
