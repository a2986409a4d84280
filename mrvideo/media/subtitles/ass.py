"""ASS and SSA: a line of the file is a line of the subtitles, in fields that the file itself names."""

from __future__ import annotations

import re

from mrvideo.media.subtitles.karaoke import SubtitleEvent, whole
from mrvideo.media.subtitles.text import Line, overridden, plain

_FIELDS = "layer,start,end,style,name,marginl,marginr,marginv,effect,text".split(",")  # noqa: SIM905
_TIME = re.compile(r"(-?)(\d{1,2}):(\d{1,2}):(\d{1,2})(?:[.,](\d{1,3}))?")
_NUMBER = r"\s*(-?\d{1,6}(?:\.\d{1,6})?)\s*"
_PLACE = re.compile(rf"\\(?:pos\({_NUMBER},{_NUMBER}\)|move\({_NUMBER},{_NUMBER},{_NUMBER},{_NUMBER}[,)])")
_DRAWING = re.compile(r"\\p(\d)")


def read_ass(text: str) -> tuple[list[Line], int]:
    """Lines, and how many rows could not be read. Drawings and comments are not words, but for the comments
    that karaoke effects are made from.
    """
    events: list[SubtitleEvent] = []
    templates: list[SubtitleEvent] = []
    unreadable = 0
    fields = _FIELDS
    for row in text.split("\n"):
        kind, _, rest = row.strip().partition(":")
        if kind == "Format":
            named = [field.strip().lower() for field in rest.split(",")]
            # SSA calls its speaker's field Name or Actor; the words always come last.
            fields = named if {"start", "end"} <= set(named) and named[-1] == "text" else fields
        if kind not in ("Dialogue", "Comment"):
            continue
        values = dict(zip(fields, rest.split(",", len(fields) - 1), strict=False))
        event = _event(values)
        if event is None:
            unreadable += kind == "Dialogue"
        elif kind == "Dialogue":
            events.append(event)
        elif event.effect.startswith("karaoke"):
            templates.append(event)
    # The same words in two layers (a shadow) are one line.
    return list(dict.fromkeys(whole(events, templates))), unreadable


def _event(values: dict[str, str]) -> SubtitleEvent | None:
    """None when a time cannot be read, or the row is cut off."""
    start, stop = _milliseconds(values.get("start", "")), _milliseconds(values.get("end", ""))
    if "text" not in values or start is None or stop is None:
        return None
    return event_of(
        start,
        stop,
        values["text"],
        style=values.get("style", ""),
        speaker=values.get("name", values.get("actor", "")),
        effect=values.get("effect", ""),
    )


def event_of(
    start_ms: int, stop_ms: int, text: str, *, style: str, speaker: str, effect: str
) -> SubtitleEvent:
    """A line from its fields as a file has them: plain, without what is drawn, with the place where it
    stands.
    """
    words: list[str] = []
    codes: list[str] = []
    drawing = False
    for before, code in overridden(text):
        words.append("" if drawing else before)
        codes.append(code)
        if found := _DRAWING.findall(code):
            drawing = found[-1] != "0"
    said = "".join(words)
    place = _PLACE.search("".join(codes))
    numbers = [float(number) for number in place.groups() if number] if place else []
    return SubtitleEvent(
        start_ms=start_ms,
        stop_ms=stop_ms,
        text=plain(said, braces_are_markup=True),
        spaced=said[-1:].isspace() or said.endswith("\\h"),
        speaker=speaker.strip() or None,
        style=style.strip(),
        effect=effect.strip().lower(),
        place=(numbers[-2], numbers[-1]) if numbers else None,
    )


def _milliseconds(stamp: str) -> int | None:
    found = _TIME.match(stamp.strip())
    if found is None:
        return None
    hours, minutes, seconds = int(found[2]), int(found[3]), int(found[4])
    whole_seconds = (hours * 60 + minutes) * 60 + seconds
    return (-1 if found[1] else 1) * (whole_seconds * 1000 + int((found[5] or "0").ljust(3, "0")))
