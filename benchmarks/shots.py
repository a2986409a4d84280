"""How well camera changes are found, how PySceneDetect finds them, and what finding them costs beside
reading.

    python benchmarks/shots.py [--films 2] [--footage FOLDER] [--keep FOLDER]

Films of two generators (`shot_films.py`): thresholds were chosen on textures of seeds below 200; drawings
were left alone for the judgement. The demo film's changes are known from the script that draws it, those of
`real_compilation.mp4` (in the footage folder, where there is one) were noted by eye. A cut counts as found
within 0.2 s, a dissolve or a fade within 0.8 s of its middle. PySceneDetect's adaptive detector runs where it
is installed (pip install scenedetect opencv-python-headless), in a pass of its own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
from footage import FOOTAGE
from shot_films import Change, made

from mrvideo.media.clips import sample_times
from mrvideo.media.pyav import PyAVReader
from mrvideo.media.shots import ShotDetector
from mrvideo.records import Span

HERE = Path(__file__).resolve().parent
DEMO = HERE.parent / "demo"
WITHIN_SECONDS = {"cut": 0.2, "dissolve": 0.8}
# fmt: off
REAL_CUTS = (
    3.6, 10.36, 14.76, 17.0, 28.88, 32.76, 40.04, 47.0, 56.0, 56.92, 64.0, 80.6, 94.6, 110.6, 130.6, 140.2, 150.2, 160.2, 169.92,
    179.92, 186.08, 188.32, 196.32, 201.32, 211.32, 212.04,
)
# fmt: on
REAL_DISSOLVES = (193.8,)


def demo_changes() -> list[Change]:
    """Where the demo film's script changes scene."""
    sys.path.insert(0, str(DEMO))
    from make_demo import starts
    from scenes import FILM

    begin = starts()
    return [
        (begin[i] - scene.dissolve_seconds / 2, "dissolve") if scene.dissolve_seconds else (begin[i], "cut")
        for i, scene in enumerate(FILM)
        if i
    ]


def found_in(path: Path, *, watch: bool = True) -> tuple[list[Change], float]:
    """The changes found, and the processor seconds of reading the film at two frames a second."""
    detector = ShotDetector() if watch else None
    with PyAVReader(str(path)) as video:
        duration = video.info.duration_seconds
        started = time.process_time()
        for _ in video.read_at(sample_times(Span(0.0, duration), frames_per_second=2), watcher=detector):
            pass
        changes = detector.borders() if detector else []
    return list(changes), time.process_time() - started


def found_by_peer(path: Path) -> tuple[list[Change], float]:
    """What PySceneDetect's adaptive detector finds, and its processor seconds."""
    library: Any = import_module("scenedetect")
    started = time.process_time()
    scenes = library.detect(str(path), library.AdaptiveDetector())
    return [(start.seconds, "cut") for start, _ in scenes][1:], time.process_time() - started


def score(true: Sequence[Change], found: Sequence[Change]) -> tuple[int, int]:
    """How many of the changes were found, and how many were found that are none. Kinds are not compared, only
    times.
    """
    left = list(true)
    false = 0
    for at, _ in found:
        matches = [one for one in left if abs(one[0] - at) < WITHIN_SECONDS[one[1]]]
        if matches:
            left.remove(min(matches, key=lambda one: abs(one[0] - at)))
        else:
            false += 1
    return len(true) - len(left), false


def films(given: argparse.Namespace, folder: Path) -> Iterator[tuple[str, Path, list[Change]]]:
    """What to judge by: its name, where it is, its changes."""
    yield "demo", DEMO / "harbour.mp4", demo_changes()
    real = given.footage / "real_compilation.mp4"
    if real.is_file():
        yield (
            "real",
            real,
            sorted([*((t, "cut") for t in REAL_CUTS), *((t, "dissolve") for t in REAL_DISSOLVES)]),
        )
    yield from made(folder, "textures", range(100, 100 + given.films))
    yield from made(folder, "drawings", range(given.seed, given.seed + given.films))


def main() -> None:
    """Arguments in, table out."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--films", type=int, default=2, help="of each generator")
    arguments.add_argument("--seed", type=int, default=200, help="of the first drawing")
    arguments.add_argument("--footage", type=Path, default=FOOTAGE)
    arguments.add_argument("--keep", type=Path, help="folder in which the films are kept")
    given = arguments.parse_args()
    has_peer = all(find_spec(name) for name in ("scenedetect", "cv2"))
    print(f"{'film':14} {'by':14} {'recall':>14} {'precision':>14} {'CPU s':>7} {'beside reading':>15}")
    with tempfile.TemporaryDirectory() as scratch:
        for name, path, true in films(given, given.keep or Path(scratch)):
            found, seconds = min((found_in(path) for _ in range(3)), key=lambda one: one[1])
            alone = min(found_in(path, watch=False)[1] for _ in range(3))
            _print(name, "mrvideo", true, found, seconds, f"{100 * (seconds / alone - 1):+.0f} %")
            if has_peer:
                other, seconds = found_by_peer(path)
                _print(name, "PySceneDetect", true, other, seconds, f"{100 * seconds / alone:+.0f} %")
    if not has_peer:
        print("PySceneDetect is not installed: pip install scenedetect opencv-python-headless")


def _print(
    name: str, by: str, true: Sequence[Change], found: Sequence[Change], seconds: float, extra: str
) -> None:
    right, false = score(true, found)
    recall = f"{right} of {len(true)}"
    precision = f"{right} of {right + false}"
    print(f"{name:14} {by:14} {recall:>14} {precision:>14} {seconds:7.2f} {extra:>15}", flush=True)


if __name__ == "__main__":
    main()
