"""The paper's released captions, `[{t_start, t_end, caption}, …]`: read as an index to ask, and written from
one.

Their quirks, and what becomes of them:

    headers missing, or written otherwise     the first sentence is the brief caption, all of it the detailed one
    BEGIN/END_OF_NEW_DESCRIPTION              removed
    names such as `<person_d-10>`             `<person_1>` by first appearance; the old name is kept in the settings
    entries out of order                      sorted
    entries that overlap                      the one that started last holds; the other goes on after it, if it lasts longer
    gaps, empty captions                      failures, so that answers report these spans as unseen
    a span that ends before it starts         refused, by its entry: which of the two times is wrong, nobody knows
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias, cast

from mrvideo.errors import InputError
from mrvideo.files import read_small
from mrvideo.media.identity import probe
from mrvideo.models.json_values import whole_characters
from mrvideo.records import Entity, Failure, Index, Scene, Span, VideoInfo, clock, merge_spans

STAGE = "import"
NAMES = "released_names"
_INSTANT_SECONDS = 0.05
"""What a caption without duration gets, and the shortest hole that is told as one."""

_MOST_BYTES = 64 * 2**20
_MOST_SECONDS = 1e8
"""Three years: a time beyond is no video's."""
_LONGEST_NAME = 61

_BRIEF, _CHARACTERS, _DETAILED = "brief description", "appeared characters", "detailed description"
# Each run of stars or spaces is tried from its first sign alone: tried from all, a run of n takes n² steps.
_MARKS = re.compile(r"(?<!\*)\**\b(?:BEGIN|END)_OF_NEW_DESCRIPTION\b\**:?")
_HEADER = re.compile(
    r"(?:\[|(?<![\s*#]))[\s*#]*[123]\s*[.:)]\s*(brief description|appear\w* characters?|detailed description)[\s*]*\]?[\s*]*:?[\s*]*",
    re.IGNORECASE,
)
_NAME = re.compile(r"<([A-Za-z][\w' -]{0,60})>")
_OURS = re.compile(r"[a-z]+(?:_[a-z]+)*_[1-9]\d*")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


_Ends: TypeAlias = tuple[float, float]


@dataclass(frozen=True)
class _Entry:
    start: float
    stop: float
    brief: str
    detailed: str
    names: tuple[str, ...]


def export_released(index: Index) -> list[dict[str, Any]]:
    """The scenes in the release's shape. Names that were renamed at import get their old form again.

    What the shape has no place for is left out: cues, texts on screen, exemplars.
    """
    old: dict[str, str] = index.settings.get(NAMES, {})

    def restored(text: str) -> str:
        return _NAME.sub(lambda match: f"<{old.get(match[1], match[1])}>", text)

    return [
        {
            "t_start": scene.start_seconds,
            "t_end": scene.stop_seconds,
            "caption": f"[1. Brief Description]: {restored(scene.brief)}\n"
            f"[2. Appeared Characters]: [{', '.join(old.get(name, name) for name in scene.entity_names)}]\n"
            f"[3. Detailed Description]: {restored(scene.detailed)}",
        }
        for scene in index.scenes
    ]


def import_released(captions: Path, video: Path | None = None) -> Index:
    """An index of scenes and entities from a released caption file; with the video, frames can be looked at
    too.

    Without it, the video's identity is the digest of the caption file, its duration the last caption's end.
    Raises `InputError` for a file of another shape, or captions that run past the video's end by more than 5
    %.
    """
    raw = read_small(captions, most_bytes=_MOST_BYTES, what="caption file")
    try:
        value: Any = json.loads(raw.decode("utf-8-sig"))
    except RecursionError as error:
        raise InputError(f"{captions} cannot be read as captions: it is nested too deep") from error
    except ValueError as error:
        raise InputError(f"{captions} cannot be read as captions: {str(error)[:200]}") from error
    if not isinstance(value, list) or not value:
        raise InputError(f"{captions} should hold a list of t_start, t_end, caption")
    rows = cast("list[Any]", value)
    read = [_entry(captions, number, row) for number, row in enumerate(rows)]
    entries = [entry for entry in read if entry.detailed]
    if not entries:
        raise InputError(f"{captions} holds no caption with words")
    digest = hashlib.sha256(raw).hexdigest()
    info = probe(video) if video is not None else _nameless(captions, digest, entries, len(raw))
    end = max(entry.stop for entry in entries)
    if end > info.duration_seconds * 1.05 + 1:
        raise InputError(
            f"{captions} runs to {clock(end)}, but {info.path} ends at {clock(info.duration_seconds)}: another video?"
        )
    names = _renamed(entries)
    scenes, gaps = _tiled(entries, names, info.duration_seconds)
    wordless = [entry for entry in read if not entry.detailed]
    return Index(
        key=hashlib.sha256(f"released/1/{info.digest}/{digest}".encode()).hexdigest(),
        video=info,
        settings={
            "source": "mrvideo-paper",
            "captions": str(captions),
            NAMES: {new: old for old, new in names.items() if new != old},
        },
        scenes=scenes,
        entities=_entities(scenes),
        failures=_failures(gaps, wordless),
        created_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
    )


def _entry(captions: Path, number: int, row: Any) -> _Entry:
    if not isinstance(row, dict):
        raise InputError(f"{captions}: entry {number} is not an object")
    fields = cast("dict[str, Any]", row)
    start, stop = _seconds(fields.get("t_start")), _seconds(fields.get("t_end"))
    if start is None or stop is None:
        raise InputError(f"{captions}: entry {number} has no t_start and t_end in seconds")
    if stop < start:
        raise InputError(
            f"{captions}: entry {number} ends ({stop:g} s) before it starts ({start:g} s); mend its t_start or t_end"
        )
    if start < -_INSTANT_SECONDS or stop > _MOST_SECONDS:
        raise InputError(f"{captions}: entry {number} lies outside any video ({start:g} to {stop:g} s)")
    caption = fields.get("caption") or ""
    if not isinstance(caption, str):
        raise InputError(f"{captions}: entry {number} has a caption that is no text")
    brief, names, detailed = _sections(whole_characters(caption))
    return _Entry(max(start, 0.0), max(stop, 0.0), brief, detailed, names)


def _seconds(value: object) -> float | None:
    """A number of seconds, also one written as text; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) else None


def _sections(caption: str) -> tuple[str, tuple[str, ...], str]:
    """Brief caption, listed names, detailed caption; what one lacks is taken from the other."""
    first, *rest = _HEADER.split(_MARKS.sub("\n", caption))
    parts: dict[str, list[str]] = {_BRIEF: [], _CHARACTERS: [], _DETAILED: [first.strip()]}
    for header, body in zip(rest[::2], rest[1::2], strict=True):
        kind = _CHARACTERS if header.lower().startswith("appear") else header.lower()
        parts[kind].append(body.strip())
    listed = re.split(r"[,;\n]", " , ".join(parts[_CHARACTERS]).replace("[", "").replace("]", ""))
    names = tuple(
        name
        for item in listed
        if 0 < len(name := item.strip(" <>.'\"*`")) <= _LONGEST_NAME and name.lower() != "none"
    )
    brief, detailed = (" ".join(" ".join(parts[kind]).split()) for kind in (_BRIEF, _DETAILED))
    if not brief and detailed:
        brief = _SENTENCE.split(detailed, maxsplit=1)[0]
    return brief, names, detailed or brief


def _renamed(entries: list[_Entry]) -> dict[str, str]:
    """Old name → `kind_index`, by first appearance. Names that have this form already keep it.

    A listed name counts where some caption marks it; words that were only listed, such as "a crowd", are no
    names.
    """
    ordered = sorted(entries, key=lambda entry: (entry.start, entry.stop))
    marked = [name for entry in ordered for name in _NAME.findall(f"{entry.brief} {entry.detailed}")]
    listed = [name for entry in ordered for name in entry.names if re.search(r"[-_]\w{0,2}-?\d+$", name)]
    taken = {name for name in (*marked, *listed) if _OURS.fullmatch(name)}
    used: Counter[str] = Counter()
    names: dict[str, str] = {}
    for old in dict.fromkeys((*marked, *listed)):
        if old in taken:
            names[old] = old
            continue
        kind = _kind(old)
        used[kind] += 1
        while f"{kind}_{used[kind]}" in taken:
            used[kind] += 1
        names[old] = f"{kind}_{used[kind]}"
    return names


def _kind(name: str) -> str:
    """`person_d-10` → person; `red_car_aa` → red_car; letters and underscores only."""
    bare = re.sub(r"[_ -]+[a-z]{0,2}-?\d*$", "", name.lower())
    return re.sub(r"[^a-z]+", "_", bare).strip("_") or "thing"


def _tiled(
    entries: list[_Entry], names: dict[str, str], duration_seconds: float
) -> tuple[tuple[Scene, ...], list[Span]]:
    """Scenes without overlap, in order, and the gaps between them."""
    groups: dict[_Ends, list[_Entry]] = {}
    for entry in entries:
        start = min(entry.start, duration_seconds - _INSTANT_SECONDS)
        stop = min(max(entry.stop, start + _INSTANT_SECONDS), duration_seconds)
        groups.setdefault((start, stop), []).append(entry)
    pieces, over = _held(list(groups))
    for hidden, holder in over.items():
        # Others hold all of its time: its words go to the first of them.
        groups[holder] += groups[hidden]
    held = {now: _joined(groups[now]) for now in dict.fromkeys(now for _, now in pieces)}
    gaps: list[Span] = []
    reached = 0.0
    for piece, _ in pieces:
        if piece.start_seconds > reached + _INSTANT_SECONDS:
            gaps.append(Span(reached, piece.start_seconds))
        reached = piece.stop_seconds
    if duration_seconds > reached + 1:
        gaps.append(Span(reached, duration_seconds))
    scenes = tuple(_scene(i, piece, held[now], names) for i, (piece, now) in enumerate(pieces))
    return scenes, gaps


def _held(spans: list[_Ends]) -> tuple[list[tuple[Span, _Ends]], dict[_Ends, _Ends]]:
    """Which span holds which time, in order: the one that started last; and for each span that holds none,
    who does where it starts.
    """
    # Of two that start together the shorter holds first, so that the longer one still has its turn.
    waiting = sorted(spans, key=lambda span: (span[0], -span[1]))
    running: list[_Ends] = []
    pieces: list[tuple[Span, _Ends]] = []
    begun = 0
    for start, stop in pairwise(sorted({time for span in spans for time in span})):
        while begun < len(waiting) and waiting[begun][0] <= start:
            running.append(waiting[begun])
            begun += 1
        while running and running[-1][1] <= start:
            running.pop()
        if not running:
            continue
        now = running[-1]
        if pieces and pieces[-1][1] == now and pieces[-1][0].stop_seconds == start:
            pieces[-1] = (Span(pieces[-1][0].start_seconds, stop), now)
        else:
            pieces.append((Span(start, stop), now))
    starts = [piece.start_seconds for piece, _ in pieces]
    holding = {now for _, now in pieces}
    hidden = sorted(set(spans) - holding)
    return pieces, {span: pieces[bisect_right(starts, span[0]) - 1][1] for span in hidden}


def _joined(entries: list[_Entry]) -> _Entry:
    """All their words as those of the first; the same words once."""
    by_words: dict[str, _Entry] = {}
    for entry in entries:
        by_words.setdefault(entry.detailed, entry)
    different = by_words.values()
    return _Entry(
        entries[0].start,
        entries[0].stop,
        " ".join(entry.brief for entry in different),
        " ".join(entry.detailed for entry in different),
        tuple(dict.fromkeys(name for entry in different for name in entry.names)),
    )


def _scene(index: int, span: Span, entry: _Entry, names: dict[str, str]) -> Scene:
    def renamed(text: str) -> str:
        return _NAME.sub(lambda match: f"<{names[match[1]]}>", text)

    found = (*entry.names, *_NAME.findall(f"{entry.brief} {entry.detailed}"))
    return Scene(
        start_seconds=span.start_seconds,
        stop_seconds=span.stop_seconds,
        index=index,
        brief=renamed(entry.brief),
        detailed=renamed(entry.detailed),
        entity_names=tuple(dict.fromkeys(names[name] for name in found if name in names)),
    )


def _entities(scenes: tuple[Scene, ...]) -> tuple[Entity, ...]:
    """By first appearance. The release describes nobody apart from the captions: those of the first scene
    stand in.
    """
    seen: dict[str, list[Scene]] = {}
    for scene in scenes:
        for name in scene.entity_names:
            seen.setdefault(name, []).append(scene)
    return tuple(
        Entity(
            name=name,
            kind=_kind(name),
            description=held[0].brief,
            exemplar_seconds=held[0].span.middle_seconds,
            scene_indexes=tuple(scene.index for scene in held),
        )
        for name, held in seen.items()
    )


def _failures(gaps: list[Span], wordless: list[_Entry]) -> tuple[Failure, ...]:
    """A failure for each gap, which says whether the file has an entry there."""
    empty = merge_spans([Span(entry.start, entry.stop) for entry in wordless])
    starts = [span.start_seconds for span in empty]

    def reason(gap: Span) -> str:
        near = empty[
            max(bisect_right(starts, gap.start_seconds) - 1, 0) : bisect_left(starts, gap.stop_seconds)
        ]
        told = any(gap.overlaps(span) for span in near)
        return "the caption file holds no words for it" if told else "the caption file leaves it out"

    return tuple(Failure.of(gap, STAGE, reason(gap)) for gap in gaps)


def _nameless(captions: Path, digest: str, entries: list[_Entry], size_bytes: int) -> VideoInfo:
    """What stands for a video that is not here: identified by its captions, without a picture."""
    return VideoInfo(
        digest=digest,
        # No path of a file: whoever holds this index must not try to decode its captions.
        path=captions.stem,
        duration_seconds=max(max(entry.stop, entry.start + _INSTANT_SECONDS) for entry in entries),
        width=1,
        height=1,
        frames_per_second=None,
        codec="none",
        has_audio=False,
        size_bytes=size_bytes,
    )
