"""How many frames a film's clips are shown, and how many moments noted by eye have a frame.

    python benchmarks/thinning.py [--footage FOLDER]

The moments stand in `thinning.csv`; those that are held out chose no threshold. A moment is caught by a frame within
0.3 s of it. One that lasts, for half a second or so, is an act: its frames are those from a third of a second before
it to as long after it, just before, amid and after. `all` is every sample, two a second. Films that the folder lacks are left out:
real_compilation.mp4, nasa_13013.mp4, and of github.com/intel-iot-devkit/sample-videos bottle-detection.mp4,
car-detection.mp4 and one-by-one-person-detection.mp4.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent))
from footage import FOOTAGE

from mrvideo.captioning.options import CaptioningOptions
from mrvideo.captioning.shard_records import ShardSpec
from mrvideo.captioning.shard_view import SHARED_SECONDS, plan, view_shard
from mrvideo.media.identity import probe
from mrvideo.media.shard import read_shard
from mrvideo.models.base import Capabilities
from mrvideo.records import Span

HERE = Path(__file__).resolve().parent
CAUGHT_SECONDS, AROUND_SECONDS = 0.3, 0.35


class Noted(NamedTuple):
    """A moment, or an act that lasts."""

    film: str
    held_out: bool
    span: Span


class Counted(NamedTuple):
    """Of some moments: how many are caught, and the frames of each act."""

    moments: int
    caught: int
    acts: tuple[int, ...]

    def __str__(self) -> str:
        frames = f"{sum(self.acts) / len(self.acts):.1f}" if self.acts else "-"
        three = sum(count >= 3 for count in self.acts)
        return f"{self.caught} of {self.moments} caught, {len(self.acts)} acts: {frames} frames each, {three} of three or more"


def noted(path: Path = HERE / "thinning.csv") -> list[Noted]:
    """The moments of the note file."""
    with path.open(encoding="utf-8", newline="") as lines:
        return [
            Noted(
                row["film"],
                row["held_out"] == "1",
                Span(float(row["start_seconds"]), float(row["stop_seconds"])),
            )
            for row in csv.DictReader(lines)
        ]


def shown(path: Path) -> tuple[list[float], list[float]]:
    """The times of all samples of a film's clips, and of those that are kept."""
    options = CaptioningOptions()
    info = probe(path)
    reading = options.reading_for(Capabilities())
    every: list[float] = []
    kept: list[float] = []
    for index, span in enumerate(plan(info.duration_seconds, options)):
        frames = read_shard(
            path,
            span,
            reading,
            frames_per_second=options.frames_per_second,
            lead_seconds=1 / options.frames_per_second,
            reach_seconds=options.reach_seconds,
            ahead_seconds=SHARED_SECONDS,
        )
        view = view_shard(
            ShardSpec(index=index, span=span, video=info, options=options, reading=reading), frames
        )
        for clip in view.clips:
            every += [one.time_seconds for one in clip.shown]
            kept += [one.time_seconds for one in view.thinned(clip.shown)]
    return every, kept


def counted(moments: Sequence[Noted], times: Sequence[float]) -> Counted:
    """How the frames at these times show the moments."""

    def near(span: Span, seconds: float) -> int:
        return sum(span.start_seconds - seconds <= time <= span.stop_seconds + seconds for time in times)

    return Counted(
        len(moments),
        sum(near(one.span, CAUGHT_SECONDS) > 0 for one in moments),
        tuple(near(one.span, AROUND_SECONDS) for one in moments if one.span.duration_seconds > 0),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--footage", type=Path, default=FOOTAGE)
    folder = parser.parse_args().footage
    moments = noted()
    for film in dict.fromkeys(one.film for one in moments):
        if not (folder / film).exists():
            print(f"{film}: not in {folder}, left out")
            continue
        every, kept = shown(folder / film)
        print(f"{film}: {len(every)} samples, {len(kept)} kept")
        for held_out in (False, True):
            own = [one for one in moments if one.film == film and one.held_out is held_out]
            if own:
                print(f"  {'held out' if held_out else 'tuning':9} all:  {counted(own, every)}")
                print(f"  {'':9} kept: {counted(own, kept)}")


if __name__ == "__main__":
    main()
