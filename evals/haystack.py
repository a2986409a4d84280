"""Haystack videos of any length: footage in, needles drawn into it, their true spans out.

Each group of pictures is encoded once, starting with a key frame, and its packets are written
again wherever the haystack repeats it. Only groups that a needle touches are encoded anew:

    footage   [== a ==][= b =][== c ==][== a ==][= b =] …      packets copied
    needles          ^edit: a' b'      ^insert: a whole picture between two groups
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any, Literal, cast

import av
from PIL import Image, ImageOps
from typing_extensions import Self

from mrvideo.errors import InputError
from mrvideo.evals.pictures import Draw, Picture, Scenery
from mrvideo.media import open_video
from mrvideo.media.identity import probe
from mrvideo.media.options import ReadOptions
from mrvideo.records import Span

FRAMES_PER_SECOND = 12
SIZE = (640, 360)
_SCENES = 24
_STRETCH_FRAMES = 24
_OPTIONS = {
    "preset": "ultrafast",
    "crf": "23",
    "bf": "0",
    "keyint": "1000",
    "scenecut": "0",
    # One thread: the same bytes from the same seed on every machine.
    "threads": "1",
}
_GLOBAL_HEADER = 1 << 22


@dataclass(frozen=True)
class Needle:
    """Something to hide: an `edit` changes the frames that are there, an `insert` comes between two groups."""

    wanted_seconds: float
    duration_seconds: float
    how: Literal["edit", "insert"]
    draw: Draw


@dataclass(frozen=True)
class _Group:
    """A group of pictures; those that share a key show the same and are encoded once. No key: never seen
    again.
    """

    key: tuple[int, int] | None
    frames: Sequence[Picture] | Scenery
    first: int
    count: int

    def pictures(self) -> list[Picture]:
        if isinstance(self.frames, Scenery):
            return [self.frames.at((self.first + i) / FRAMES_PER_SECOND) for i in range(self.count)]
        return [picture.copy() for picture in self.frames]


def build_haystack(
    path: Path,
    *,
    duration_seconds: float,
    seed: int,
    needles: Sequence[Needle] = (),
    footage: Sequence[Path] = (),
) -> list[Span]:
    """Write the video and return each needle's true span, in the order of `needles`.

    Edits start at their wanted time; an insert starts at the next border between groups, at most 2 s later.
    The footage is repeated, or cut, to the duration; without any, scenes are drawn from the seed. No audio.
    Raises `InputError` when the footage holds no pictures.
    """
    size = _size_of(footage[0]) if footage else SIZE
    groups = _footage(footage, size) if footage else _scenes(random.Random(seed), size)  # noqa: S311
    total = round(duration_seconds * FRAMES_PER_SECOND)
    spans: dict[int, Span] = {}
    edits: dict[int, range] = {}
    inserts: list[int] = []
    for index, needle in enumerate(needles):
        start = round(needle.wanted_seconds * FRAMES_PER_SECOND)
        length = max(round(needle.duration_seconds * FRAMES_PER_SECOND), 1)
        if needle.how == "edit":
            edits[index] = range(start, start + length)
            spans[index] = _span(start, length)
        else:
            inserts.append(index)
    inserts.sort(key=lambda i: needles[i].wanted_seconds)
    with _Writer(path, size) as writer:
        while writer.frames < total:
            if inserts and needles[inserts[0]].wanted_seconds * FRAMES_PER_SECOND <= writer.frames:
                index = inserts.pop(0)
                length = max(round(needles[index].duration_seconds * FRAMES_PER_SECOND), 1)
                spans[index] = _span(writer.frames, length)
                card = needles[index].draw(Image.new("RGB", size))
                writer.write([card] * length)
                continue
            group = next(groups)
            here = range(writer.frames, writer.frames + group.count)
            touched = [
                i for i, frames in edits.items() if frames.start < here.stop and here.start < frames.stop
            ]
            if not touched and group.key is not None and here.stop <= total:
                writer.write_again(group)
                continue
            pictures = group.pictures()[: total - writer.frames]
            for i in touched:
                for n in range(
                    max(edits[i].start, here.start), min(edits[i].stop, here.start + len(pictures))
                ):
                    pictures[n - here.start] = needles[i].draw(pictures[n - here.start])
            writer.write(pictures)
    if len(spans) < len(needles) or any(
        span.stop_seconds > duration_seconds + 0.1 for span in spans.values()
    ):
        raise ValueError(f"a needle does not fit into {duration_seconds} s")
    return [spans[i] for i in range(len(needles))]


def _span(first_frame: int, count: int) -> Span:
    return Span(first_frame / FRAMES_PER_SECOND, (first_frame + count) / FRAMES_PER_SECOND)


class _Writer:
    """An H.264 file written group by group. A context manager: the file gets its name when it is whole."""

    def __init__(self, path: Path, size: tuple[int, int]) -> None:
        self.frames = 0
        self._path = path
        self._partial = path.with_name(f".{path.name}.partial")
        self._size = size
        self._cache: dict[tuple[int, int], list[tuple[bytes, bool]]] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        self._container: Any = av.open(str(self._partial), "w", format="mp4")
        self._stream: Any = self._container.add_stream(
            "libx264", rate=FRAMES_PER_SECOND, options=dict(_OPTIONS)
        )
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, FRAMES_PER_SECOND)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        self._container.close()
        if kind is None:
            self._partial.replace(self._path)
        else:
            self._partial.unlink(missing_ok=True)

    def write(self, pictures: Sequence[Picture]) -> None:
        """Encode these pictures as the next group."""
        self._put(self._encode(pictures))

    def write_again(self, group: _Group) -> None:
        """The next group from its packets, encoded when they are first needed."""
        if group.key is None:
            raise ValueError("a group without a key is written once")
        if group.key not in self._cache:
            self._cache[group.key] = self._encode(group.pictures())
        self._put(self._cache[group.key])

    def _encode(self, pictures: Sequence[Picture]) -> list[tuple[bytes, bool]]:
        codec: Any = av.VideoCodecContext.create("libx264", "w")
        codec.width, codec.height = self._size
        codec.pix_fmt = "yuv420p"
        codec.time_base = Fraction(1, FRAMES_PER_SECOND)
        codec.framerate = Fraction(FRAMES_PER_SECOND)
        codec.options = dict(_OPTIONS)
        # Parameters stand once, in the container's header; the same options give the same ones.
        codec.flags |= _GLOBAL_HEADER
        packets: list[tuple[bytes, bool]] = []
        make_frame = cast("Any", av.VideoFrame).from_image
        for number, picture in enumerate(pictures):
            frame = make_frame(picture)
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
            packets += [(bytes(packet), packet.is_keyframe) for packet in codec.encode(frame)]
        packets += [(bytes(packet), packet.is_keyframe) for packet in codec.encode(None)]
        return packets

    def _put(self, packets: Sequence[tuple[bytes, bool]]) -> None:
        for data, is_keyframe in packets:
            packet: Any = av.Packet(data)
            packet.pts = packet.dts = self.frames
            packet.duration = 1
            packet.time_base = Fraction(1, FRAMES_PER_SECOND)
            packet.is_keyframe = is_keyframe
            packet.stream = self._stream
            self._container.mux(packet)
            self.frames += 1


def _scenes(rng: random.Random, size: tuple[int, int]) -> Iterator[_Group]:
    """Endless scenes of 3 to 9 s in groups of at most 2 s; a scene comes back, but never right after itself."""
    scenes = [(Scenery(rng.randrange(1 << 30), *size), rng.randint(36, 108)) for _ in range(_SCENES)]
    last = -1
    while True:
        order = rng.sample(range(_SCENES), _SCENES)
        if order[0] == last:
            order.reverse()
        last = order[-1]
        for number in order:
            scenery, count = scenes[number]
            for first in range(0, count, _STRETCH_FRAMES):
                yield _Group((number, first), scenery, first, min(_STRETCH_FRAMES, count - first))


def _footage(paths: Sequence[Path], size: tuple[int, int]) -> Iterator[_Group]:
    """The user's videos one after another, again and again, at the haystack's size and rate."""
    while True:
        held: list[Picture] = []
        shown = 0
        for path in paths:
            for picture in _pictures(path, size):
                held.append(picture)
                if len(held) == _STRETCH_FRAMES:
                    yield _Group(None, held, 0, len(held))
                    held = []
                    shown += 1
        if held:
            yield _Group(None, held, 0, len(held))
            shown += 1
        if not shown:
            raise InputError(f"{', '.join(map(str, paths))}: no pictures to build a haystack from")


def _size_of(path: Path) -> tuple[int, int]:
    info = probe(path)
    scale = SIZE[0] / max(info.width, info.height)
    return (max(round(info.width * scale / 2) * 2, 2), max(round(info.height * scale / 2) * 2, 2))


def _pictures(path: Path, size: tuple[int, int]) -> Iterator[Picture]:
    """One picture per 1/12 s of the file: the frame on screen then."""
    with open_video(path, ReadOptions(long_side_pixels=max(size), jpeg_quality=95)) as reader:
        count = max(round(reader.info.duration_seconds * FRAMES_PER_SECOND), 1)
        for _, frame in reader.read_at([number / FRAMES_PER_SECOND for number in range(count)]):
            yield _fitted(Image.open(BytesIO(frame.jpeg)), size)


def _fitted(image: Picture, size: tuple[int, int]) -> Picture:
    """The whole picture within the size, on black where the shapes differ."""
    if image.size == size:
        return image
    image = ImageOps.contain(image, size)
    canvas = Image.new("RGB", size)
    canvas.paste(image, ((size[0] - image.width) // 2, (size[1] - image.height) // 2))
    return canvas
