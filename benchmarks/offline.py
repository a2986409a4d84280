"""The offline model on a long film, against its bars: speed, memory of the whole process tree, texts found, a
warm question.

    python benchmarks/offline.py --film FILE [--minutes 60] [--keep FOLDER]

The film is repeated until it is long enough. Each repeat is cropped and recoloured, and every other one is
mirrored, so that no frame recurs. What is read in the first, unchanged one should be read in every repeat
that is not mirrored. Memory is the proportional set size (PSS) of the process and all its children, sampled
ten times a second; Linux only. Speed is told by the wall, and by processor time as if all cores had been
ours: on a shared machine the first is too slow.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import av
import numpy as np

LEAST_SPEED, MOST_MEGABYTES, LEAST_RECALL, MOST_QUESTION_SECONDS = 25.0, 700.0, 0.9, 1.5
SIZE = (854, 480)
QUESTIONS = (
    "What is the last text?",
    "How many shots are there?",
    "What is the title of the film?",
    "Who is the captain?",
)


def changed(pixels: Any, repeat: int) -> Any:
    """A frame as the repeat of that number shows it: the first one as it is."""
    if repeat == 0:
        return pixels
    edge = 2 * (1 + repeat % 8)
    levels = np.clip(np.arange(256) * (1.0 - 0.01 * (repeat % 13)) + repeat % 7, 0, 255).astype(np.uint8)
    cropped = levels[pixels[edge:-edge, edge:-edge]]
    cropped = np.roll(cropped, repeat % 3, axis=2)
    return np.ascontiguousarray(cropped[:, ::-1] if repeat % 2 else cropped)


def frames(film: Path, minutes: float) -> Iterator[Any]:
    """Frames of all repeats, at the film's own rate."""
    seconds = 0.0
    for repeat in count():
        with av.open(str(film)) as source:
            rate = float(source.streams.video[0].average_rate or 25)
            for frame in source.decode(video=0):
                if seconds >= minutes * 60:
                    return
                yield changed(frame.to_ndarray(format="rgb24"), repeat)
                seconds += 1 / rate


def make(film: Path, path: Path, minutes: float) -> float:
    """Write the long film; returns the length of one repeat, in seconds."""
    with av.open(str(film)) as source:
        stream = source.streams.video[0]
        rate, length = stream.average_rate or 25, float(source.duration or 0) / av.time_base
    if not path.exists():
        unfinished = path.with_suffix(".part.mp4")
        with av.open(str(unfinished), "w") as output:
            written: Any = output.add_stream(
                "libx264", rate=rate, options={"preset": "superfast", "crf": "23"}
            )
            written.width, written.height, written.pix_fmt = *SIZE, "yuv420p"
            for pixels in frames(film, minutes):
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(*SIZE, format="yuv420p")
                output.mux(written.encode(frame))
            output.mux(written.encode(None))
        unfinished.rename(path)
    return length


def here(path: str, library: str, length: str) -> None:
    """In a process of its own: index, ask, and print what was measured as JSON."""
    from mrvideo.agents.ask.run import ask
    from mrvideo.models.offline import OfflineModel
    from mrvideo.session.indexing import index_video
    from mrvideo.settings import load_settings
    from mrvideo.text import same_text

    started = time.perf_counter()
    settings = load_settings(library=Path(library), vision="offline", text="offline")
    index = index_video(path, settings, on_event=lambda _: None)
    wall = time.perf_counter() - started
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    repeat = float(length)
    texts: dict[int, set[str]] = {}
    for sighting in (s for scene in index.scenes for s in scene.sightings):
        texts.setdefault(int(sighting.start_seconds // repeat), set()).add(sighting.text)
    whole = range(2, int(index.video.duration_seconds // repeat), 2)
    first = texts.get(0, set())
    found = [any(same_text(text, other) for other in texts.get(n, set())) for n in whole for text in first]
    model, times = OfflineModel(), []
    for question in (QUESTIONS[0], *QUESTIONS):
        began = time.perf_counter()
        asyncio.run(ask(question, index=index, frames=None, vision=model, text=model, effort="low"))
        times.append(time.perf_counter() - began)
    print(json.dumps({
        "seconds": index.video.duration_seconds, "wall": wall, "cpu": sum(u.ru_utime + u.ru_stime for u in used),
        "texts": len(first), "recall": sum(found) / len(found) if found else 1.0, "question": max(times[1:]),
    }))  # fmt: skip


def tree_megabytes(root: int) -> float:
    """PSS of a process and everything below it."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        waiting += children.get(process, [])
        try:
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def measure(path: Path, library: Path, length: float) -> dict[str, float]:
    """Index and ask in a child process, while its memory is watched."""
    arguments = [sys.executable, __file__, "--here", str(path), str(library), str(length)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as child:
        peak = 0.0
        while child.poll() is None:
            peak = max(peak, tree_megabytes(child.pid))
            time.sleep(0.1)
        told = child.stdout.read() if child.stdout else ""
    if child.returncode:
        raise SystemExit(f"benchmarks/offline.py: indexing {path} failed with {child.returncode}")
    return {**json.loads(told.splitlines()[-1]), "megabytes": peak}


def rows(found: dict[str, float], cores: int) -> list[tuple[str, float, float, bool]]:
    """What was measured, its limit, and whether the limit is held."""
    wall, cpu = found["seconds"] / found["wall"], found["seconds"] / (found["cpu"] / cores)
    return [
        ("× real time, by the wall", wall, LEAST_SPEED, wall >= LEAST_SPEED),
        ("× real time, by processor time", cpu, LEAST_SPEED, cpu >= LEAST_SPEED),
        ("MB at the most, whole tree", found["megabytes"], MOST_MEGABYTES, found["megabytes"] <= MOST_MEGABYTES),
        ("share of texts found again", found["recall"], LEAST_RECALL, found["recall"] >= LEAST_RECALL),
        ("s for a warm question, the slowest", found["question"], MOST_QUESTION_SECONDS, found["question"] <= MOST_QUESTION_SECONDS),
    ]  # fmt: skip


def main() -> int:
    """Make the film, measure, print a table; 1 where a bar is missed."""
    if sys.argv[1:2] == ["--here"]:
        here(*sys.argv[2:])
        return 0
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--film", type=Path, required=True, help="real footage with text on it")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--keep", type=Path, help="a folder in which the long film stays")
    given = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{given.film.stem}-{given.minutes:g}m.mp4"
        length = make(given.film, path, given.minutes)
        found = measure(path, Path(temporary) / "library.db", length)
    print(
        f"{found['seconds'] / 60:.1f} minutes of {given.film.name}, {cores} cores, {found['texts']:.0f} texts in the first repeat\n"
    )
    print("| | measured | limit | ratio | |\n|---|---|---|---|---|")
    table = rows(found, cores)
    for name, value, limit, held in table:
        print(f"| {name} | {value:.2f} | {limit:g} | {value / limit:.2f} | {'held' if held else 'MISSED'} |")
    return 0 if all(held for *_, held in table) else 1


if __name__ == "__main__":
    sys.exit(main())
