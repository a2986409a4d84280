"""How long reading a video takes, as a share of the time that ffmpeg needs merely to decode it.

    python benchmarks/ingest.py [--minutes 10] [--rounds 3] [--keep FOLDER] [--quick]
    python benchmarks/ingest.py --memory 10

Makes its own footage (720p30 H.264 with B-frames, motion, noise and cuts), runs every way round robin in a
process of its own, and prints medians: wall ÷ L, CPU ÷ L and peak memory above import, where L is the wall
time of `ffmpeg -threads N -i X -map 0:v -f null -` on the same file, the same cores, in the same run. Without
an ffmpeg on PATH, L is PyAV's own plain decoding of every frame with N threads, and the output says so.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
RATE = 30
LONG_SIDE = 512
SHOT_PICTURES = 127
"""Cuts, and with them key frames, that do not fall on the times asked for."""
LIMIT = "L: ffmpeg -f null"


# Footage


def make_footage(path: Path, *, minutes: float, size: tuple[int, int] = (1280, 720)) -> None:
    """One minute is encoded, then its packets are repeated: decoding cannot tell the difference."""
    import av

    seconds = min(60, round(minutes * 60))
    seed = path.with_name(f"seed-{seconds}s-{size[0]}x{size[1]}.mp4")
    if not seed.exists():
        _encode(seed, seconds, size)
    repeats = round(minutes * 60 / seconds)
    unfinished = path.with_suffix(".part.mp4")
    with av.open(str(unfinished), "w") as output:
        stream: Any = None
        for repeat in range(repeats):
            with av.open(str(seed)) as source:
                if stream is None:
                    stream = output.add_stream_from_template(source.streams.video[0])
                offset = int(repeat * seconds / source.streams.video[0].time_base)
                for packet in source.demux(source.streams.video[0]):
                    if packet.dts is None:
                        continue
                    packet.pts += offset
                    packet.dts += offset
                    packet.stream = stream
                    output.mux(packet)
    unfinished.rename(path)


def _encode(path: Path, seconds: int, size: tuple[int, int]) -> None:
    import av

    width, height = size
    random = np.random.default_rng(5)
    unfinished = path.with_suffix(".part.mp4")
    with av.open(str(unfinished), "w") as output:
        stream: Any = output.add_stream(
            "libx264", rate=RATE, options={"preset": "veryfast", "bf": "3", "g": "162", "crf": "23"}
        )
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        background = np.zeros((height * 2, width * 2, 3), np.uint8)
        for index in range(seconds * RATE):
            if index % SHOT_PICTURES == 0:
                small = random.integers(0, 255, (18, 32, 3)).astype(np.uint8)
                background = np.kron(small, np.ones((height // 9, width // 16, 1), np.uint8))
                noise = random.integers(0, 12, (height, width, 1), dtype=np.uint8)
            shift = min(index % SHOT_PICTURES * 3, height - 1)
            pixels = background[shift : shift + height, shift : shift + width] // 2 + np.roll(
                noise, index * 7, axis=1
            )
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    unfinished.rename(path)


# Ways of reading; each returns how many pictures it made


def by_shards(
    path: str, *, sparse: bool = True, workers: int = CORES, watch: bool = True, keys: bool = False
) -> int:
    """As the product does: shards side by side, one decode thread each, JPEG bytes kept until the shard is
    done.
    """
    from mrvideo.media.clips import plan_shards, sample_times
    from mrvideo.media.options import ReadOptions
    from mrvideo.media.pyav import PyAVReader
    from mrvideo.media.shots import ShotDetector

    with PyAVReader(path) as video:
        shards = plan_shards(video.info.duration_seconds)

    def read(span: Any) -> int:
        detector = ShotDetector() if watch else None
        with PyAVReader(path, ReadOptions(keyframes_only=keys), sparse=sparse) as video:
            frames = [
                frame for _, frame in video.read_at(sample_times(span, frames_per_second=2), watcher=detector)
            ]
        if detector is not None:
            detector.shots(span)
        return len(frames)

    with ThreadPoolExecutor(workers) as pool:
        return sum(pool.map(read, shards))


def without_looking(path: str) -> int:
    """The same pictures decoded and made, but not looked at for camera changes: what looking costs is the
    difference.
    """
    from mrvideo.media import pyav

    class Blind:
        def __init__(self, _: Any) -> None: ...
        def add(self, _seconds: float, _picture: Any) -> None: ...
        def flush(self) -> None: ...

    pyav.Greys = Blind  # type: ignore[misc, assignment]
    return by_shards(path)


def by_decord(path: str) -> int:
    """decord, ten seconds at a time, as research code calls it."""
    import decord
    from PIL import Image

    reader = decord.VideoReader(path, width=LONG_SIDE, height=LONG_SIDE * 9 // 16, num_threads=CORES)
    step = round(reader.get_avg_fps() / 2)
    indexes = list(range(0, len(reader), step))
    for start in range(0, len(indexes), 20):
        for picture in reader.get_batch(indexes[start : start + 20]).asnumpy():
            Image.fromarray(picture).save(io.BytesIO(), "JPEG", quality=85)
    return len(indexes)


def by_opencv(path: str) -> int:
    """OpenCV: grab every frame, retrieve the wanted ones."""
    import cv2

    video = cv2.VideoCapture(path)
    step, index, made = round(video.get(cv2.CAP_PROP_FPS) / 2), 0, 0
    while video.grab():
        if index % step == 0:
            picture = cv2.resize(
                video.retrieve()[1], (LONG_SIDE, LONG_SIDE * 9 // 16), interpolation=cv2.INTER_AREA
            )
            cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 85])
            made += 1
        index += 1
    return made


def to_files(path: str) -> int:
    """The whole video to JPEG files, every frame at full size: what many scripts begin with."""
    with tempfile.TemporaryDirectory() as folder:
        if ffmpeg := shutil.which("ffmpeg"):
            command = [
                ffmpeg,
                "-v",
                "error",
                "-threads",
                str(CORES),
                "-i",
                path,
                "-q:v",
                "3",
                f"{folder}/%07d.jpg",
            ]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        else:
            import cv2

            video, index = cv2.VideoCapture(path), 0
            while (read := video.read())[0]:
                cv2.imwrite(f"{folder}/{index:07d}.jpg", read[1])
                index += 1
        return sum(1 for _ in Path(folder).iterdir())


def by_limit(path: str) -> int:
    """Decode everything, keep nothing."""
    if ffmpeg := shutil.which("ffmpeg"):
        command = [
            ffmpeg,
            "-v",
            "error",
            "-threads",
            str(CORES),
            "-i",
            path,
            "-map",
            "0:v",
            "-f",
            "null",
            "-",
        ]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return 0
    import av

    with av.open(path) as container:
        container.streams.video[0].thread_count = CORES
        return sum(1 for _ in container.decode(video=0))


WAYS: dict[str, Callable[[str], int]] = {
    LIMIT: by_limit,
    "mrvideo, 2 fps": by_shards,
    "mrvideo, 2 fps, none looked at": without_looking,
    "mrvideo, 2 fps, no shots": lambda path: by_shards(path, watch=False),
    "mrvideo, 2 fps, one worker": lambda path: by_shards(path, workers=1),
    "mrvideo, every frame decoded": lambda path: by_shards(path, sparse=False),
    "mrvideo, --keyframes-only": lambda path: by_shards(path, keys=True),
    "decord per clip, 2 fps": by_decord,
    "OpenCV grab, 2 fps": by_opencv,
    "every frame to JPEG files": to_files,
}
STRETCHES, OPENS = "mrvideo, three stretches", "mrvideo, 500 opens"
HIDDEN: dict[str, Callable[[str], int]] = {
    STRETCHES: lambda path: read_stretches(path),
    OPENS: lambda path: open_often(path),
}
QUICK = [
    LIMIT,
    "mrvideo, 2 fps",
    "mrvideo, 2 fps, none looked at",
    "mrvideo, every frame decoded",
    "mrvideo, --keyframes-only",
]


# Memory


def make_long(path: Path, *, hours: float) -> None:
    """A small film repeated: what counts is the number of packets, not of pixels."""
    make_footage(path, minutes=hours * 60, size=(320, 180))


def read_stretches(path: str) -> int:
    """Two minutes each from the beginning, the middle and the end, as three shards of a long index run."""
    from mrvideo.media.clips import sample_times
    from mrvideo.media.pyav import PyAVReader
    from mrvideo.records import Span

    made = 0
    with PyAVReader(path) as video:
        duration = video.info.duration_seconds
        for start in (0.0, duration / 2, max(0.0, duration - 120)):
            made += sum(1 for _ in video.read_at(sample_times(Span(start, start + 119), frames_per_second=2)))
    return made


def open_often(path: str) -> int:
    """Five hundred opens, one picture each; prints the growth after the first hundred."""
    from mrvideo.media.pyav import PyAVReader

    grown = 0.0
    for count in range(500):
        with PyAVReader(path) as video:
            list(video.read_at([1.0]))
        if count == 99:
            grown = _resident_mb()
    print(f"  growth over 400 opens: {_resident_mb() - grown:+.1f} MB", file=sys.stderr)
    return 500


def memory(folder: Path, hours: float) -> None:
    """Peaks above import for ten minutes, for many hours, and for five hundred opens."""
    short, long = folder / "memory-10min.mp4", folder / f"memory-{hours:g}h.mp4"
    for path, length in ((short, 1 / 6), (long, hours)):
        if not path.exists():
            make_long(path, hours=length)
    print(f"\n{'memory':32} {'peak MB':>8} {'seconds':>8}")
    for way, path in ((STRETCHES, short), (STRETCHES, long), (OPENS, short)):
        if (result := measure(way, path)) is not None:
            print(f"{way + ', ' + path.stem:32} {result['mb']:8.0f} {result['wall']:8.1f}")


# Measuring


def measure_here(way: str, path: str) -> dict[str, float]:
    """Runs in a process of its own. Memory is what the process needed above its imports."""
    import resource

    if not way.startswith("L:") and "mrvideo" in way:
        import mrvideo.media.pyav
        import mrvideo.media.shots  # noqa: F401
    elif "decord" in way:
        import decord  # noqa: F401
        import PIL.Image  # noqa: F401
    elif "OpenCV" in way:
        import cv2  # noqa: F401
    before = _resident_mb()
    started, cpu = time.perf_counter(), os.times()
    made = (WAYS | HIDDEN)[way](path)
    wall, after = time.perf_counter() - started, os.times()
    used = sum(after[:4]) - sum(cpu[:4])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall": wall, "cpu": used, "mb": max(0.0, peak - before), "made": made}


def _resident_mb() -> float:
    fields = Path("/proc/self/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def measure(way: str, path: Path) -> dict[str, float] | None:
    """Start the process; None when the way is not installed here."""
    command = [sys.executable, __file__, "--way", way, "--file", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        print(
            f"  {way}: {done.stderr.strip().splitlines()[-1] if done.stderr else done.returncode}",
            file=sys.stderr,
        )
        return None
    if done.stderr:
        print(done.stderr.rstrip(), file=sys.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def table(path: Path, ways: list[str], rounds: int) -> None:
    """Medians over the rounds, as shares of L."""
    results: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            if (result := measure(way, path)) is not None:
                results[way].append(result)
    limit = statistics.median(r["wall"] for r in results[LIMIT])
    named = "ffmpeg" if shutil.which("ffmpeg") else "PyAV's plain decoding (no ffmpeg on PATH)"
    print(f"{path.name}: {path.stat().st_size / 2**20:.0f} MB, {CORES} cores, median of {rounds}")
    print(f"L = {limit:.1f} s by {named}\n")
    print(f"{'way':32} {'wall ÷ L':>9} {'CPU ÷ L':>9} {'peak MB':>8} {'pictures':>9}")
    for way, runs in results.items():
        if not runs:
            continue
        wall, cpu = (statistics.median(r[k] for r in runs) / limit for k in ("wall", "cpu"))
        peak = "" if way == LIMIT else f"{max(r['mb'] for r in runs):.0f}"
        print(f"{way:32} {wall:9.2f} {cpu:9.2f} {peak:>8} {runs[0]['made']:9.0f}")


def main() -> None:
    """Arguments in, table out."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--minutes", type=float, default=10)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--keep", type=Path, help="folder in which the footage is kept for the next run")
    arguments.add_argument("--quick", action="store_true", help="only mrvideo's own rows and the limit")
    arguments.add_argument(
        "--memory", type=float, metavar="HOURS", help="measure memory instead, up to this length"
    )
    arguments.add_argument("--way", choices=[*WAYS, *HIDDEN], help=argparse.SUPPRESS)
    arguments.add_argument("--file", type=str, help="read this file instead of made footage")
    given = arguments.parse_args()
    if given.way:
        print(json.dumps(measure_here(given.way, given.file)))
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder: Path = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if given.memory:
            memory(folder, given.memory)
            return
        path = Path(given.file) if given.file else folder / f"footage-{given.minutes:g}min.mp4"
        if not path.exists():
            make_footage(path, minutes=given.minutes)
        table(path, QUICK if given.quick else list(WAYS), given.rounds)


if __name__ == "__main__":
    main()
