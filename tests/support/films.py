"""Small films that tests make for themselves, what a container would say of them, and their frames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from mrvideo.media.reader import Reader, Watcher
from mrvideo.records import Frame, VideoInfo


def grey_film(path: Path, *, seconds: int = 20, sound: bool = False, codec: str = "libx264") -> Path:
    """Grey that grows lighter by the second, at 4 frames per second; with `sound`, a silent sound track."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        track = container.add_stream("aac", rate=16000) if sound else None
        for number in range(4 * seconds):
            picture = np.full((48, 64, 3), 30 + 10 * (number // 4), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
        if track is not None:
            silence = np.zeros((1, seconds * 16000), np.float32)
            frame = av.AudioFrame.from_ndarray(silence, format="fltp", layout="mono")
            frame.sample_rate = 16000
            container.mux(track.encode(frame))
            container.mux(track.encode())
    return path


def film_of(path: Path, pictures: Iterable[NDArray[np.uint8]], *, rate: int, group: int) -> Path:
    """Pictures (height, width, 3), red, green and blue, in H.264, at most `group` of them from one key frame to the
    next.
    """
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.pix_fmt, stream.options = "yuv420p", {"preset": "ultrafast", "g": str(group)}
        for number, picture in enumerate(pictures):
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def part_of(source: Path, path: Path, start_seconds: float, stop_seconds: float) -> Path:
    """The pictures of a film within a span, copied without being coded anew. It starts at a key frame."""
    with av.open(str(source)) as film, av.open(str(path), "w") as container:
        copied = film.streams.video[0]
        stream = container.add_stream_from_template(copied)
        base = copied.time_base
        assert base is not None
        offset = round(start_seconds / base)
        film.seek(offset, stream=copied)
        begun = False
        for packet in film.demux(copied):
            if packet.pts is None or packet.dts is None:
                continue
            if not begun:
                assert packet.is_keyframe and packet.pts == offset, "a part starts at a key frame"
                begun = True
            if packet.pts * base >= stop_seconds:
                continue
            packet.pts, packet.dts, packet.stream = packet.pts - offset, packet.dts - offset, stream
            container.mux(packet)
    return path


def frames_of(
    video: Reader, times_seconds: Sequence[float], *, watcher: Watcher | None = None
) -> Iterator[Frame]:
    """The frames that a reader serves, without the times they were asked for."""
    return (frame for _, frame in video.read_at(times_seconds, watcher=watcher))


def video_info(duration_seconds: float, **fields: Any) -> VideoInfo:
    """What is told of a film that need not exist: silent, 64 × 48, 25 frames per second, but for `fields`."""
    told: dict[str, Any] = {
        "digest": "0" * 64,
        "path": "film.mp4",
        "width": 64,
        "height": 48,
        "frames_per_second": 25.0,
        "codec": "h264",
        "has_audio": False,
        "size_bytes": 1,
    }
    return VideoInfo(duration_seconds=duration_seconds, **told | fields)
