"""Texts on screen across scene borders: one text that stood there the whole time is one sighting."""

from __future__ import annotations

from collections.abc import Iterable

from mrvideo.records import Sighting, Span
from mrvideo.text import same_text

TOUCH_SECONDS = 0.6
"""Sightings this close are taken to be seamless: a little more than one sampling step at 2 frames per second.
"""


def join_sightings(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    """Those of the same text that touch or overlap become one, with the words that stood longest. In order of
    start.
    """
    groups: list[list[Sighting]] = []
    open_groups: list[tuple[float, list[Sighting]]] = []
    for sighting in sorted(sightings, key=lambda s: (s.start_seconds, s.stop_seconds, s.text)):
        open_groups = [(stop, g) for stop, g in open_groups if sighting.start_seconds <= stop + TOUCH_SECONDS]
        for place, (stop, group) in enumerate(open_groups):
            if any(same_text(sighting.text, other.text) for other in group):
                group.append(sighting)
                open_groups[place] = (max(stop, sighting.stop_seconds), group)
                break
        else:
            groups.append([sighting])
            open_groups.append((sighting.stop_seconds, groups[-1]))
    return tuple(
        sorted((_one(group) for group in groups), key=lambda s: (s.start_seconds, s.stop_seconds, s.text))
    )


def overlapping(sightings: Iterable[Sighting], span: Span) -> tuple[Sighting, ...]:
    """The sightings that stand on screen at some time of the span."""
    return tuple(sighting for sighting in sightings if sighting.span.overlaps(span))


def _one(group: list[Sighting]) -> Sighting:
    seconds: dict[str, float] = {}
    for sighting in group:
        seconds[sighting.text] = seconds.get(sighting.text, 0.0) + sighting.duration_seconds
    words = max(seconds, key=lambda text: (seconds[text], text))
    return Sighting(
        start_seconds=min(s.start_seconds for s in group),
        stop_seconds=max(s.stop_seconds for s in group),
        text=words,
    )
