"""Recipe `paper`, across shards: whether the scene at a shard's end goes on in the next one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mrvideo.captioning.calls import Calls, together
from mrvideo.captioning.exemplars import Exemplars
from mrvideo.captioning.paper import BORDER_FRAMES, same_scene
from mrvideo.captioning.shard_records import SceneDraft
from mrvideo.records import Failure, Frame


async def join_shards(
    entries: Sequence[SceneDraft | Failure], calls: Calls, exemplars: Exemplars, *, step_seconds: float
) -> tuple[tuple[SceneDraft | Failure, ...], list[Failure]]:
    """The entries, with those that go on over a shard border marked so; and failed calls, which leave two
    scenes.
    """
    borders = [
        (place, left, right)
        for place, (left, right) in enumerate(pairwise(entries), start=1)
        if isinstance(left, SceneDraft) and isinstance(right, SceneDraft)
        if left.shard_index != right.shard_index and not right.same_picture
    ]
    answers = await together(_ask(left, right, calls, exemplars, step_seconds) for _, left, right in borders)
    joined = list(entries)
    failures: list[Failure] = []
    for (place, _, right), answer in zip(borders, answers, strict=True):
        if isinstance(answer, Failure):
            failures.append(answer)
        elif answer:
            joined[place] = right.model_copy(update={"continues": True})
    return tuple(joined), failures


async def _ask(
    left: SceneDraft, right: SceneDraft, calls: Calls, exemplars: Exemplars, step_seconds: float
) -> bool | Failure:
    border = right.start_seconds
    before = [border - step_seconds * back for back in range(BORDER_FRAMES, 0, -1)]
    after = [border + step_seconds * on for on in range(BORDER_FRAMES)]
    low = [time for time in before if time >= left.start_seconds]
    high = [time for time in after if time < right.stop_seconds]
    frames = await exemplars.at([*low, *high])
    return await same_scene(left, right, _each(frames, low), _each(frames, high), calls)


def _each(frames: dict[float, Frame], times: Sequence[float]) -> list[Frame]:
    found = {frames[time].time_seconds: frames[time] for time in times if time in frames}
    return [found[time] for time in sorted(found)]
