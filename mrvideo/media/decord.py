"""The second reader: decord, for what it does right, in a process of its own that may hang without harm."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from importlib.util import find_spec
from typing import IO, Any

import numpy as np

from mrvideo.errors import DecodeError, ReaderRefused, SettingsError
from mrvideo.media import sources
from mrvideo.media.decode_errors import Losses
from mrvideo.media.grey import GREY_HEIGHT, GREY_WIDTH
from mrvideo.media.options import ReadOptions
from mrvideo.media.probing import describe, first_picture
from mrvideo.media.reader import Grey, Reader, Watcher
from mrvideo.media.scaling import believable
from mrvideo.media.sparse import Wanted
from mrvideo.media.track import Track
from mrvideo.records import Box, Failure, Frame, VideoInfo

TIMEOUT_SECONDS = 30.0
"""How long the other process may keep silent before it is ended."""

_CODECS = frozenset({"h264", "vp8", "vp9"})
_CONTAINERS = ("mov,mp4", "matroska")


class DecordReader(Reader):
    """A Reader over decord, which works in a process of its own. Frames arrive as JPEG bytes over a pipe."""

    def __init__(
        self,
        path: str,
        options: ReadOptions | None = None,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
    ) -> None:
        options = options or ReadOptions()
        if find_spec("decord") is None:
            raise SettingsError(
                "decord is not installed; pip install 'mrvideo[decord]', or use the reader 'pyav'"
            )
        if sources.is_url(path):
            sources.check_url(path, allow_url=options.allow_url)
            raise _refusal(path, "it reads files only")
        if options.keyframes_only:
            raise _refusal(path, "it has no key frame mode here")
        self._path = path
        self._timeout_seconds = timeout_seconds
        self._losses = Losses()
        self._info = _inspected(path)
        settings = {
            "path": path,
            "stop_seconds": self._info.duration_seconds,
            "long_side_pixels": options.pixels,
            "jpeg_quality": options.jpeg_quality,
            "size": [self._info.width, self._info.height],
            "crop_bars": options.crop_bars,
            "crops": options.crops and [[start, _sides(box)] for start, box in options.crops],
            "part": options.part and _sides(options.part),
        }
        self._request = 0
        self._worker = _Worker(settings)
        try:
            hello = self._worker.receive(timeout_seconds)[0]
            if "refused" in hello:
                raise _refusal(path, hello["refused"])
            if "ready" not in hello:
                raise DecodeError(
                    f"{path}: decord could not open it ({_reason(hello)}); use the reader 'pyav'"
                )
        except BaseException:
            self.close()
            raise

    @property
    def info(self) -> VideoInfo:
        return self._info

    @property
    def lost(self) -> tuple[Failure, ...]:
        return self._losses.failures()

    def read_at(
        self, times_seconds: Sequence[float], *, watcher: Watcher | None = None
    ) -> Iterator[tuple[float, Frame]]:
        wanted = Wanted(times_seconds)
        if len(wanted):
            self._request += 1
            self._worker.send({"id": self._request, "times": wanted.times, "watch": watcher is not None})
            yield from self._replies(wanted, watcher)

    def close(self) -> None:
        self._worker.end()

    def _replies(self, wanted: Wanted, watcher: Watcher | None) -> Iterator[tuple[float, Frame]]:
        at = wanted.times[0]
        while True:
            reply, data = self._worker.receive(self._timeout_seconds)
            if reply.get("id", self._request) != self._request:
                continue  # Left over from a reading that was given up.
            if "done" in reply:
                return
            if "grey" in reply:
                if watcher is not None:
                    grey: Grey = np.ndarray((GREY_HEIGHT, GREY_WIDTH), np.uint8, buffer=data)
                    watcher(reply["grey"], grey)
            elif "lost" in reply:
                start, stop = reply["lost"]
                self._losses.add(start, stop, reply["reason"])
            elif "asked" in reply:
                at = reply["asked"]
                yield at, Frame(reply["time"], data, reply["width"], reply["height"], Box(*reply["crop"]))
            else:
                self._losses.add(at, wanted.times[-1] + 0.04, f"decord: {_reason(reply)}")
                return


class _Worker:
    """The other process. Started as a module, not by multiprocessing: the caller's main program is not run
    again.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mrvideo.media.decord_worker", json.dumps(settings)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._replies: queue.Queue[tuple[dict[str, Any], bytes]] = queue.Queue(maxsize=16)
        self._ended = threading.Event()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def send(self, message: dict[str, Any]) -> None:
        """A request. A process that is gone is told by the next `receive`."""
        pipe = self._process.stdin
        if pipe is not None and not self._ended.is_set():
            try:
                pipe.write(json.dumps(message).encode() + b"\n")
                pipe.flush()
            except OSError:
                self._ended.set()

    def receive(self, timeout_seconds: float) -> tuple[dict[str, Any], bytes]:
        """The next reply and its bytes; one with `error` alone when the process hangs or is gone."""
        try:
            return self._replies.get(timeout=0.01 if self._ended.is_set() else timeout_seconds)
        except queue.Empty:
            self.end()
            return {"error": f"no reply for {timeout_seconds:.0f} s, its process was ended"}, b""

    def end(self) -> None:
        """End the process. Safe to call twice."""
        self._ended.set()
        self._process.kill()
        while self._listener.is_alive():
            try:
                self._replies.get(timeout=0.02)  # Let go of a listener that waits for room.
            except queue.Empty:
                self._listener.join(timeout=0.02)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue

    def _listen(self) -> None:
        pipe = self._process.stdout
        if pipe is None:
            return
        while message := _message(pipe):
            self._replies.put(message)
        self._replies.put(({"error": "its process ended"}, b""))


def _message(pipe: IO[bytes]) -> tuple[dict[str, Any], bytes] | None:
    line = pipe.readline()
    if not line.endswith(b"\n"):
        return None
    head: dict[str, Any] = json.loads(line)
    data = pipe.read(head.get("bytes", 0))
    return (head, data) if len(data) == head.get("bytes", 0) else None


def _sides(box: Box) -> list[float]:
    return [box.left, box.top, box.right, box.bottom]


def _reason(reply: dict[str, Any]) -> str:
    return str(reply.get("error", "no reason given"))


def _inspected(path: str) -> VideoInfo:
    """What the container says, once it is sure that decord returns the right frames. Raises ReaderRefused."""
    losses = Losses()
    with closing(Track(path, losses, ReadOptions())) as track:
        first = first_picture(track, losses)
        if track.codec_name not in _CODECS:
            raise _refusal(path, f"it returns wrong frames of {track.codec_name} video, or none")
        if not track.format_name.startswith(_CONTAINERS):
            raise _refusal(path, f"it returns wrong frames from {track.format_name} containers")
        if believable(track.stream.sample_aspect_ratio) != 1:
            raise _refusal(path, "it ignores that the pixels are not square")
        if track.tones is not None:
            raise _refusal(path, "it takes colours of HDR or of a wide gamut for ordinary ones")
        if first.interlaced_frame:
            raise _refusal(path, "it is not exact on interlaced video")
        if not track.container.duration:
            raise _refusal(path, "it cannot read containers that do not state their length")
        if track.format_name.startswith("mov") and not track.stream.frames:
            raise _refusal(path, "it is not exact on fragmented MP4")
        if len(track.container.streams.video) > 1:
            raise _refusal(path, "it may choose another of the video streams")
        info = describe(track, first)
        track.rewind()
        if trouble := _trouble(track):
            raise _refusal(path, trouble)
    return info


def _trouble(track: Track) -> str | None:
    """What in the packets leads decord astray."""
    key_pts: int | None = None
    for packet in track.packets():
        if packet.is_discard:
            return "it counts frames that an edit list hides"
        if packet.pts is None:
            return "it needs timestamps"
        if packet.is_keyframe:
            key_pts = packet.pts
        elif key_pts is not None and packet.pts < key_pts:
            return "it returns wrong frames of open groups of pictures"
    return None


def _refusal(path: str, why: str) -> ReaderRefused:
    return ReaderRefused(f"{path}: decord is refused, as {why}; use the reader 'pyav'")
