"""What becomes of broken files: thousands of seeded mutations of small films, each read in a process that may be killed.

    python benchmarks/mutations.py [--each 1000] [--seed 0]

Each must end within 10 s in an error of the package's own, or in frames with every time that got none named in `lost`.
A hang, a crash of the process, a foreign exception, or a time that is neither served nor named is a defect; the exit
status is 1 when there is one, and the file is kept.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from fractions import Fraction
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import av
import numpy as np

LIMIT_SECONDS = 10.0
ASKED = [0.1, 0.5, 0.7, 1.1]
KINDS: dict[str, tuple[str, dict[str, str]]] = {
    "h264.mp4": ("libx264", {"bf": "3", "g": "12"}),
    "h264.mp4, part of its index": ("libx264", {"bf": "3", "g": "12"}),
    "h264.mkv": ("libx264", {"bf": "3", "g": "12"}),
    "h264.ts": ("libx264", {"bf": "3", "g": "12"}),
    "hevc.mp4": ("libx265", {"x265-params": "log-level=none:keyint=12"}),
    "vp9.webm": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "g": "12"}),
    "mpeg4.avi": ("mpeg4", {"g": "12"}),
    "mpeg2.mpg": ("mpeg2video", {"g": "12", "bf": "2"}),
}
DEFECTS = ("hang", "crash", "foreign exception", "silence")


def make(path: Path, codec: str, options: dict[str, str]) -> bytes:
    """Thirty pictures of moving stripes."""
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        for index in range(30):
            pixels = np.zeros((96, 160, 3), np.uint8)
            pixels[:, (index * 5) % 150 : (index * 5) % 150 + 10] = (250, 120, index * 8)
            frame: Any = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path.read_bytes()


def mutated(data: bytes, seed: int) -> bytes:
    """Bits flipped, bytes cut out, doubled, zeroed or scrambled, or the end gone."""
    dice = random.Random(seed)
    broken = bytearray(data)
    for _ in range(dice.choice([1, 1, 2, 5])):
        at = dice.randrange(len(broken))
        length = dice.choice([1, 4, 64, 1500])
        way = dice.randrange(6)
        if way == 0:
            broken[at] ^= 1 << dice.randrange(8)
        elif way == 1:
            del broken[at : at + length]
        elif way == 2:
            broken[at:at] = broken[at : at + length]
        elif way == 3:
            broken[at : at + length] = bytes(len(broken[at : at + length]))
        elif way == 4:
            broken[at : at + length] = dice.randbytes(len(broken[at : at + length]))
        else:
            del broken[max(1, at) :]
        if not broken:
            return data[:1]
    return bytes(broken)


def outcome(path: str) -> str:
    """How reading the file ends, in a word."""
    from mrvideo.errors import VideoError
    from mrvideo.media import open_video

    try:
        with open_video(path) as video:
            served = [asked for asked, _ in video.read_at(ASKED)]
            lost = video.lost
    except VideoError:
        return "own error"
    except Exception:  # noqa: BLE001 - finding these is what this is for
        return "foreign exception"
    missing = [time for time in ASKED if time not in served]
    if any(not any(f.span.start_seconds <= time <= f.span.stop_seconds for f in lost) for time in missing):
        return "silence"
    return "frames and losses" if lost else "all frames"


def serve(pipe: Connection, whole_index: bool) -> None:
    """Read what is sent, until nothing more comes."""
    import os

    from mrvideo.media.mp4 import movie

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    if not whole_index:
        movie.LONG_INDEX_BYTES = 0
    while (path := pipe.recv()) is not None:
        pipe.send(outcome(path))


class Reader:
    """A process that reads, replaced when it dies or hangs."""

    def __init__(self, *, whole_index: bool) -> None:
        self._whole_index = whole_index
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, self._whole_index), daemon=True)
        self._process.start()
        theirs.close()

    def read(self, path: Path) -> str:
        """The outcome for one file."""
        self._pipe.send(str(path))
        try:
            if self._pipe.poll(LIMIT_SECONDS):
                return self._pipe.recv()
            found = "hang"
        except EOFError:
            found = "crash"
        self._process.kill()
        self._process.join()
        self._start()
        return found

    def close(self) -> None:
        """End the process."""
        self._pipe.send(None)
        self._process.join()


def main() -> int:
    """Arguments in, table out."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--each", type=int, default=1000, help="mutations of each kind of film")
    arguments.add_argument("--seed", type=int, default=0, help="the first one's number")
    given = arguments.parse_args()
    columns = ["own error", "frames and losses", "all frames", *DEFECTS]
    print(f"{'film':30}" + "".join(f"{name:>19}" for name in columns) + f"{'slowest s':>11}")
    defects = 0
    folder = Path(tempfile.mkdtemp(prefix="mutations-"))
    for name, (codec, options) in KINDS.items():
        file = name.split(",")[0]
        data = make(folder / file, codec, options)
        reader, counts, slowest = Reader(whole_index=file == name), Counter[str](), 0.0
        reader.read(folder / file)  # Imports are nobody's fault.
        for seed in range(given.seed, given.seed + given.each):
            path = folder / f"broken-{file}"
            path.write_bytes(mutated(data, seed))
            started = time.perf_counter()
            found = reader.read(path)
            slowest = max(slowest, time.perf_counter() - started)
            counts[found] += 1
            if found in DEFECTS:
                defects += 1
                kept = path.rename(folder / f"{found.replace(' ', '-')}-{seed}-{file}")
                print(f"  {found}: kept as {kept}", file=sys.stderr)
        reader.close()
        print(
            f"{name:30}" + "".join(f"{counts[column]:19}" for column in columns) + f"{slowest:11.1f}",
            flush=True,
        )
    return 1 if defects else 0


if __name__ == "__main__":
    sys.exit(main())
