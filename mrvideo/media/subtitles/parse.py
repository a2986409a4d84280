"""Subtitle files to lines: blocks made regular, pysubs2 to parse them."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

import pysubs2
from pysubs2.exceptions import Pysubs2Error, UnknownFPSError

from mrvideo.errors import SubtitleError
from mrvideo.media.subtitles.encoding import decode
from mrvideo.media.subtitles.text import BACKSLASH, Line, plain, spoken

MAX_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a file holds, on its own clock, and what of it could not be read."""

    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()


def parse(data: bytes, name: str, language: str | None = None) -> Parsed:
    """A subtitle file's lines, plain and with their speakers. `name` gives the format by its suffix and leads messages,
    `language` helps to find the encoding.

    What cannot be read is counted in the notes. Raises `SubtitleError` when nothing can.
    """
    if len(data) > MAX_BYTES:
        raise SubtitleError(f"{name}: {len(data) >> 20} MB is too big for a subtitle file")
    text, notes = decode(data, language)
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace(BACKSLASH, "")
    suffix = name.lower().rpartition(".")[2]
    if not text.strip():
        return Parsed((), ("the file is empty",))
    if text.startswith("WEBVTT") or suffix == "vtt":
        lines, unreadable = _vtt(text)
    elif re.search(r"^Dialogue:", text, re.MULTILINE) or suffix in ("ass", "ssa"):
        lines, unreadable = _ass(text)
    elif "-->" in text or suffix == "srt":
        lines, unreadable = _srt(text)
    else:
        lines, unreadable = _other(text, name), 0
    if unreadable:
        notes.append(f"unreadable blocks left out: {unreadable}")
    if not lines and (unreadable or not text.startswith("WEBVTT")):
        raise SubtitleError(f"{name}: no subtitle in it can be read; is it an SRT, WebVTT or ASS file?")
    return Parsed(tuple(spoken(lines)), tuple(notes))


_STAMP = r"-?(?:\d+:)?\d{1,2}:\d{1,2}[.,]\d{1,3}"
_TIMING = re.compile(rf"^\s*({_STAMP})\s*-->\s*({_STAMP})(?=\s|$)")
_NUMBERED = re.compile(r"^\d+$")


def _srt(text: str) -> tuple[list[Line], int]:
    """Each block runs from its timing line to the next one; the number right before that belongs to the next."""
    rows = text.split("\n")
    heads = [i for i, row in enumerate(rows) if "-->" in row and re.search(r"\d:\d", row)]
    blocks: list[tuple[str, list[str]]] = []
    unreadable = 0
    for at, until in zip([-1, *heads], [*heads, len(rows)], strict=True):
        payload = rows[at + 1 : until]
        if until < len(rows) and payload and _NUMBERED.match(payload[-1].strip()):
            payload.pop()
        kept, timeless = _without_timeless(payload)
        unreadable += timeless
        found = _TIMING.match(rows[at]) if at >= 0 else None
        timing = _timing(found) if found else None
        if timing:
            blocks.append((timing, kept))
        elif at >= 0 or any(row.strip() for row in kept):
            unreadable += 1  # a timing line that says no times, or words before the first one
    return _parsed(blocks, "srt"), unreadable


def _without_timeless(rows: list[str]) -> tuple[list[str], int]:
    """Rows up to one that looks like the number of a block whose timing line is missing, and how many such follow."""
    starts = [
        i
        for i in range(len(rows) - 1)
        if _NUMBERED.match(rows[i].strip()) and rows[i + 1].strip() and i > 0 and not rows[i - 1].strip()
    ]
    return (rows[: starts[0]], len(starts)) if starts else (rows, 0)


def _vtt(text: str) -> tuple[list[Line], int]:
    """Blocks between blank lines; NOTE, STYLE and REGION are not spoken, a line before the timing is a name."""
    blocks: list[tuple[str, list[str]]] = []
    unreadable = 0
    for number, block in enumerate(re.split(r"\n\n+", text.strip("\n"))):
        rows = block.strip("\n").split("\n")
        if not any(row.strip() for row in rows):
            continue
        if re.match(r"(NOTE|STYLE|REGION)(\s|$)", rows[0]) and not _TIMING.match(rows[min(1, len(rows) - 1)]):
            continue
        at = next((i for i, row in enumerate(rows) if "-->" in row), None)
        if at is None:
            unreadable += 0 if number == 0 and rows[0].startswith("WEBVTT") else 1
            continue
        found = _TIMING.match(rows[at])
        timing = _timing(found, vtt=True) if found else None
        if timing is None:
            unreadable += 1
            continue
        # A second timing line inside a block: the blank line between two cues is missing.
        rest = rows[at + 1 :]
        while (more := next((i for i, row in enumerate(rest) if _TIMING.match(row)), None)) is not None:
            numbered = more > 0 and _NUMBERED.match(rest[more - 1].strip())
            blocks.append((timing, rest[: more - 1 if numbered else more]))
            found = _TIMING.match(rest[more])
            timing = (_timing(found, vtt=True) if found else None) or timing
            rest = rest[more + 1 :]
        blocks.append((timing, rest))
    lines = _parsed(blocks, "vtt")
    rolling = sum(bool(re.search(r"<\d+:[\d:.]+>", "\n".join(rows))) for _, rows in blocks)
    return (_unrolled(lines) if rolling * 3 > len(blocks) else lines), unreadable


def _timing(found: re.Match[str], *, vtt: bool = False) -> str | None:
    """A timing line that pysubs2 reads as it is meant; None when an hour has more digits than it can hold."""
    stamps: list[str] = []
    for stamp in (found[1], found[2]):
        if stamp.startswith("-"):
            stamps.append("00:00:00.000")
            continue
        clock_part, fraction = re.split("[.,]", stamp)
        fields = [field.zfill(2) for field in clock_part.split(":")]
        if len(fields) == 3 and len(fields[0]) > (4 if vtt else 2):
            return None
        stamps.append(":".join(["00", *fields][-3:]) + "." + fraction.ljust(3, "0"))
    return " --> ".join(stamps)


def _parsed(blocks: list[tuple[str, list[str]]], form: str) -> list[Line]:
    # A number after each block, since pysubs2 takes one away; a word joiner inside times that stand among
    # words, since it would take two of them for a timing line.
    # In WebVTT a backslash is a backslash, elsewhere it may break a line.
    def shielded(row: str) -> str:
        row = re.sub(r"(?<!\{)\\", BACKSLASH, row) if form == "vtt" else row
        return re.sub(r":(?=\d\d)", ":\u2060", row)

    text = "".join(
        f"{timing}\n" + "".join(f"{shielded(row)}\n" for row in rows if row.strip()) + "\n0\n"
        for timing, rows in blocks
    )
    subs = pysubs2.SSAFile.from_string(text, format_=form, keep_html_tags=True)
    if len(subs.events) != len(blocks):
        raise SubtitleError(f"{len(blocks)} blocks were parsed as {len(subs.events)}")
    return [
        Line(event.start, event.end, words)
        for event in subs.events
        if (words := plain(event.text, braces_are_markup=False))
    ]


def _unrolled(lines: list[Line]) -> list[Line]:
    """Live captions repeat what stands above the new line: each line once, from when it first stood."""
    result: list[Line] = []
    above: list[str] = []
    for line in sorted(lines, key=lambda line: line.start_ms):
        rows = line.text.split("\n")
        shared = next((n for n in range(min(len(rows), len(above)), 0, -1) if above[-n:] == rows[:n]), 0)
        above = rows
        if rows[shared:]:
            result.append(Line(line.start_ms, line.stop_ms, "\n".join(rows[shared:]), line.speaker))
        elif result and line.start_ms <= result[-1].stop_ms + 100:
            last = result[-1]
            result[-1] = Line(last.start_ms, max(last.stop_ms, line.stop_ms), last.text, last.speaker)
    return result


_ASS_FIELDS = "layer,start,end,style,name,marginl,marginr,marginv,effect,text".split(",")  # noqa: SIM905


def _ass(text: str) -> tuple[list[Line], int]:
    """Line by line, since one broken line makes pysubs2 refuse the whole file. Drawings and comments are not words."""
    lines: dict[Line, None] = {}  # the same words in two layers (a shadow) are one line
    unreadable = 0
    fields = _ASS_FIELDS
    for row in text.split("\n"):
        kind, _, rest = row.strip().partition(":")
        if kind == "Format":
            named = [field.strip().lower() for field in rest.split(",")]
            # SSA calls its speaker's field Name or Actor; the words always come last.
            fields = named if {"start", "end"} <= set(named) and named[-1] == "text" else fields
        if kind != "Dialogue":
            continue
        values = dict(zip(fields, rest.split(",", len(fields) - 1), strict=False))
        event = _ass_event(values)
        if event is None:
            unreadable += 1
            continue
        words = plain(event.text, braces_are_markup=True)
        speaker = values.get("name", values.get("actor", "")).strip()
        if words and not event.is_drawing:
            lines[Line(event.start, event.end, words, speaker or None)] = None
    return list(lines), unreadable


def _ass_event(values: dict[str, str]) -> pysubs2.SSAEvent | None:
    if "text" not in values:
        return None  # cut off
    row = f"Dialogue: 0,{values['start']},{values['end']},Default,,0,0,0,,{values['text']}"
    try:
        return pysubs2.SSAFile.from_string(f"[Events]\n{row}", format_="ass").events[0]
    except (ValueError, Pysubs2Error):
        return None


def _other(text: str, name: str) -> list[Line]:
    """Any other format that pysubs2 knows by sight (TTML, MPL2, SAMI, …)."""
    try:
        with warnings.catch_warnings():
            # From 1.9 on, pysubs2 warns of each line that it passes over, on the terminal of whoever asked.
            warnings.simplefilter("ignore")
            subs = pysubs2.SSAFile.from_string(text)
    except UnknownFPSError as error:
        raise SubtitleError(
            f"{name}: it counts in frames and does not say how many a second; convert it to SRT"
        ) from error
    except (ValueError, Pysubs2Error, SyntaxError) as error:
        raise SubtitleError(
            f"{name}: not a subtitle format that can be read; convert it to SRT or WebVTT"
        ) from error
    return [
        Line(event.start, event.end, words)
        for event in subs.events
        if event.is_text and (words := plain(event.text, braces_are_markup=True))
    ]
