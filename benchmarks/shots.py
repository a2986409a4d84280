"""How well camera changes are found, and what finding them costs beside reading.

    python benchmarks/shots.py [--films 3] [--seed 100] [--keep FOLDER]

Films of 45 shots each: textures that pan, drift or stand still, an object that moves across, noise, flashes; three in
ten changes are dissolves of half a second to 1.6 s, the rest hard cuts. A cut counts as found within 0.2 s, a dissolve within
0.8 s of its middle. The demo film's changes are known from the script that draws it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from mrvideo.media.clips import sample_times
from mrvideo.media.pyav import PyAVReader
from mrvideo.media.shots import ShotDetector
from mrvideo.records import Span

DEMO = Path(__file__).resolve().parent.parent / "demo"
WIDTH, HEIGHT, RATE = 640, 360, 25
WITHIN_SECONDS = {"cut": 0.2, "dissolve": 0.8}
Change = tuple[float, str]


def texture(dice: np.random.Generator) -> np.ndarray:
    """Noise of several sizes, larger than the picture, so that a camera may move over it."""
    sheet = np.zeros((HEIGHT * 2, WIDTH * 2, 3), np.float32)
    for cell in (8, 20, 45, 90):
        rows, columns = HEIGHT * 2 // cell + 2, WIDTH * 2 // cell + 2
        coarse = dice.random((rows, columns, 3)) * 255 / (1 + (90 / cell) ** 0.5)
        sheet += np.kron(coarse, np.ones((cell, cell, 1)))[: HEIGHT * 2, : WIDTH * 2]
    return sheet / sheet.max() * dice.uniform(60, 230)


class Scene:
    """One shot: a texture, a camera and an object."""

    def __init__(self, dice: np.random.Generator) -> None:
        self._sheet = texture(dice)
        self._camera = dice.choice(["pan", "drift", "still"])
        self._object = dice.random(3) * 255
        self.flashes = dice.random() < 0.3

    def view(self, index: int) -> np.ndarray:
        """Its index-th picture."""
        left, top = {"pan": (index * 6, 0), "drift": (index // 2, index // 3), "still": (100, 100)}[
            self._camera
        ]
        left, top = min(left, WIDTH - 1), min(top, HEIGHT - 1)
        picture = self._sheet[top : top + HEIGHT, left : left + WIDTH].copy()
        across = (50 + index * 4) % (WIDTH - 80)
        picture[150:250, across : across + 80] = self._object
        return picture


def make(path: Path, seed: int) -> list[Change]:
    """Encodes the film; its changes."""
    dice = np.random.default_rng(seed)
    changes: list[Change] = []
    with av.open(str(path), "w") as output:
        stream: Any = output.add_stream(
            "libx264", rate=RATE, options={"preset": "veryfast", "crf": "26", "bf": "3"}
        )
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        count = 0

        def put(picture: np.ndarray) -> None:
            nonlocal count
            noisy = np.clip(picture + dice.integers(-3, 4, picture.shape), 0, 255).astype(np.uint8)
            frame: Any = av.VideoFrame.from_ndarray(noisy, format="rgb24")
            frame.pts, frame.time_base = count, Fraction(1, RATE)
            output.mux(stream.encode(frame))
            count += 1

        before: tuple[Scene, int] | None = None
        for _ in range(45):
            scene, length, first = Scene(dice), int(dice.integers(30, 100)), 0
            if before is not None and dice.random() < 0.3:
                first = int(dice.choice([12, 25, 40]))
                changes.append(((count + first / 2) / RATE, "dissolve"))
                for step in range(first):
                    share = (step + 1) / (first + 1)
                    put((1 - share) * before[0].view(before[1] + step) + share * scene.view(step))
            elif before is not None:
                changes.append((count / RATE, "cut"))
            for index in range(first, first + length):
                flash = scene.flashes and index == first + 15
                put(np.full((HEIGHT, WIDTH, 3), 255.0) if flash else scene.view(index))
            before = (scene, first + length)
        output.mux(stream.encode(None))
    return changes


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
        for _ in video.read(sample_times(Span(0.0, duration), frames_per_second=2), watcher=detector):
            pass
        changes = detector.borders() if detector else []
    return list(changes), time.process_time() - started


def score(true: list[Change], found: list[Change]) -> dict[str, tuple[int, int, int]]:
    """For each kind: how many there are, how many were found, and how many were found that are none."""
    left = list(true)
    false = {"cut": 0, "dissolve": 0}
    for at, kind in found:
        matches = [one for one in left if abs(one[0] - at) < WITHIN_SECONDS[one[1]]]
        if matches:
            left.remove(min(matches, key=lambda one: abs(one[0] - at)))
        else:
            false[kind] += 1
    return {
        kind: (
            sum(k == kind for _, k in true),
            sum(k == kind for _, k in true) - sum(k == kind for _, k in left),
            n,
        )
        for kind, n in false.items()
    }


def main() -> None:
    """Arguments in, table out."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--films", type=int, default=3)
    arguments.add_argument("--seed", type=int, default=100)
    arguments.add_argument("--keep", type=Path, help="folder in which the films are kept")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder: Path = given.keep or Path(scratch)
        films = {"demo": (DEMO / "harbour.mp4", demo_changes())}
        for seed in range(given.seed, given.seed + given.films):
            path = folder / f"shots-{seed}.mp4"
            films[f"film {seed}"] = (path, make(path, seed))
        print(
            f"{'film':10} {'cuts found':>12} {'false':>6} {'dissolves found':>16} {'false':>6} {'extra time':>11}"
        )
        for name, (path, true) in films.items():
            found, seconds = found_in(path)
            alone = min(found_in(path, watch=False)[1] for _ in range(3))
            seconds = min(seconds, *(found_in(path)[1] for _ in range(2)))
            result = score(true, found)
            (cuts, cuts_found, cuts_false), (fades, fades_found, fades_false) = (
                result["cut"],
                result["dissolve"],
            )
            print(
                f"{name:10} {f'{cuts_found} of {cuts}':>12} {cuts_false:6} {f'{fades_found} of {fades}':>16}"
                f" {fades_false:6} {100 * (seconds / alone - 1):9.1f} %"
            )


if __name__ == "__main__":
    main()
