"""The times and the places in an order that a question names."""

from __future__ import annotations

import re

from mrvideo.models.offline.kinds import Kind
from mrvideo.models.offline.words import ORDINALS, number_in, times_in


def time_named(low: str, kind: Kind) -> tuple[float | None, float | None]:
    """The bounds of a time that the question names, or (None, None)."""
    if kind in ("when", "how_long", "video_length", "count_times", "count_different", "order"):
        limit = re.search(r"\b(?:in|within|during) the (first|last) (.+)", low)
        if not limit:
            return None, None
    edge = re.search(
        r"\b(?:in|within|during|of) the (first|last) (half (?:a )?minute|minute|(?:\w+ )?(?:seconds?|minutes?))",
        low,
    )
    if edge:
        amount = number_in(edge.group(2))
        seconds = (
            30.0 if "half" in edge.group(2) else (amount or 1.0) * (60 if "minute" in edge.group(2) else 1)
        )
        return (0.0, seconds) if edge.group(1) == "first" else (-seconds, None)
    if re.search(r"\bat the (?:very )?(?:beginning|start|opening)\b", low):
        return 0.0, 10.0
    if re.search(
        r"\b(?:near|toward|towards|close to) the end\b(?! of (?!the (?:video|film|clip|movie)))", low
    ):
        return -20.0, None
    if re.search(r"\bat the (?:very )?(?:end|close)\b(?! of (?!the (?:video|film|clip|movie)))", low):
        return -10.0, None
    if not re.search(
        r"\b(?:at|around|about|near|by|from|between|until|after|before|second|minute|timestamp|time|from|to|@)\b",
        low,
    ):
        return None, None
    times = times_in(low)
    if not times:
        return None, None
    if len(times) >= 2 and re.search(r"\b(?:between|from)\b|-|–", low):
        return min(times[:2]), max(times[:2])
    return times[0], times[0]


def place_named(low: str) -> int:
    """From 1, from the end when negative."""
    for word in re.findall(r"\w+", low):
        if word in ("last", "final", "latest"):
            return -1
        if word in ("earliest", "initial"):
            return 1
        if word in ORDINALS and not re.search(rf"{word} (?:name|to last)", low):
            return -2 if re.search(rf"{word}[\s-]to[\s-]last", low) and word == "second" else ORDINALS[word]
    return 1


def without_times(low: str) -> str:
    """The question without the times and ordinals in figures that it names."""
    return re.sub(r"\b\d+(?::\d+)+\b|\b\d+(?:\.\d+)?[\s-]*(?:s|m|h|seconds?|minutes?|hours?|st|nd|rd|th)\b|\b(?:second|minute)s?\s+\d+", " ", low)  # fmt: skip
