"""Detail `glance`: how many pictures a first look and a clip get, so that each shot is shown and little comes twice.

shots     |------------|--|------|          a picture of each; two where it begins and ends otherwise, more of long ones
pictures  |  .    .    |. |. .   |
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence

from mrvideo.captioning.frames import Shown, alike
from mrvideo.captioning.options import CaptioningOptions
from mrvideo.records import Shot


def first_look(usual: int, shots: int, options: CaptioningOptions) -> int:
    """Pictures that the characters of a shard are chosen from: by its length, and one of each shot."""
    return max(usual, min(shots, options.cells_per_clip or 0))


def cells_of(shown: Sequence[Shown], shots: Sequence[Shot], options: CaptioningOptions) -> int:
    """Pictures of a clip, of those that are shown of it: at most `cells_per_clip`."""
    most = options.cells_per_clip or len(shown)
    step_seconds = options.clip_seconds / most
    times = [one.time_seconds for one in shown]
    # What the clip begins with is one more: it belongs to no shot's middle.
    wanted = 1
    for shot in shots:
        own = shown[bisect_left(times, shot.start_seconds) : bisect_left(times, shot.stop_seconds)]
        if not own:
            continue
        long = math.ceil((own[-1].time_seconds - own[0].time_seconds) / step_seconds)
        wanted += max(long, 1 if alike(own[0].frame, own[-1].frame) else 2)
    return min(most, wanted) if wanted > 1 else most
